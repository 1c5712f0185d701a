//! What `serve` and `replay` share: where the dashboard is shown, to whom, and how one gets out again.
use super::{exit::Failure, open::open};
use crate::dashboard::{SPEEDS, Session, SessionError};
use std::{
    fmt::Write,
    fs::File,
    io::Read,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::Path,
};
use tokio::signal::unix::{SignalKind, signal};

/// Options of every dashboard.
#[derive(Debug, clap::Args)]
pub(super) struct Screen {
    /// How many times as fast as real time it begins: 1, 2, 5, 10, 20 or 50
    #[arg(long, value_name = "X", default_value = "1", value_parser = speed)]
    speed: f64,
    /// Large type and few lines, for a classroom, with a question before each lever
    #[arg(long)]
    class: bool,
    /// The port; 0 takes any that is free
    #[arg(long, value_name = "PORT", default_value = "5665")]
    port: u16,
    /// The address to listen on; on all but loopback, levers ask for a token
    #[arg(long, value_name = "ADDRESS", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    bind: IpAddr,
    /// Open the dashboard in the browser
    #[arg(long)]
    open: bool,
}

fn speed(text: &str) -> Result<f64, String> {
    let speed = text.trim_end_matches(['x', '×']).parse().map_err(|_| "expected a number".to_owned())?;
    if SPEEDS.contains(&speed) { Ok(speed) } else { Err(format!("the speeds are {SPEEDS:?}")) }
}

impl From<SessionError> for Failure {
    fn from(wrong: SessionError) -> Failure {
        match wrong {
            SessionError::Listen { .. } => {
                Failure::Usage(format!("{wrong}\n  help: another port is taken with `--port 0`"))
            }
            SessionError::Experiment(text) => Failure::Config(text),
            SessionError::System(_) => Failure::Host(wrong.to_string()),
        }
    }
}

impl Screen {
    /// The session that is asked for; `as_written` as [`Session`] has it.
    pub(super) fn session(&self, as_written: bool) -> Result<Session, Failure> {
        let Screen { speed, class, port, bind, .. } = *self;
        let token = if bind.is_loopback() { None } else { Some(token()?) };
        Ok(Session { address: SocketAddr::new(bind, port), token, class, as_written, speed })
    }

    /// Tells where `what` is to be seen.
    pub(super) fn tell(&self, what: &str, session: &Session, address: SocketAddr) {
        let watch = format!("http://{}/", shown(address));
        let lead = session.token.as_ref().map_or(watch.clone(), |token| format!("{watch}?token={token}"));
        println!("{what}\n\n  {lead}");
        if session.token.is_some() {
            println!("\nthat address presses levers; {watch} only watches");
        }
        println!("\nCtrl-C ends it");
        if self.open
            && let Err(reason) = open(Path::new(&lead))
        {
            eprintln!("cannot open a browser: {reason}");
        }
    }
}

/// Comes back when somebody wants it to end: that is how a session ends.
pub(super) async fn stopped() {
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut terminate) => drop(terminate.recv().await),
            // Where the system offers no such signal, the other one ends it.
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminated => {}
    }
}

/// Where a browser finds a server that listens on `address`.
fn shown(address: SocketAddr) -> SocketAddr {
    match address.ip() {
        ip if ip.is_unspecified() => SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), address.port()),
        _ => address,
    }
}

/// A word that nobody guesses.
fn token() -> Result<String, Failure> {
    let mut bytes = [0; 16];
    let read = File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes));
    read.map_err(|e| Failure::Host(format!("no random numbers for a token: {e}")))?;
    let mut token = String::new();
    for byte in bytes {
        write!(token, "{byte:02x}").expect("writing to a string does not fail");
    }
    Ok(token)
}
