//! `lab serve`: a dashboard with levers, at a run that goes on while one watches.
use super::{
    exit::{Exit, Failure, Outcome},
    open::open,
};
use crate::{
    dashboard::{Session, SessionError, simulate},
    scenario::load,
};
use std::{
    fmt::Write,
    fs::File,
    io::Read,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};
use tokio::signal::unix::{SignalKind, signal};

/// A live dashboard with levers: watch a run, press what goes wrong, then try to save it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lab serve configs/retry-storm.yaml --open
  lab serve configs/cache-flush.yaml --speed 10
  lab serve configs/retry-storm.yaml --class

Triggers and levers of the config are what can be pressed; with --as-written they also happen as it says.
Whatever is pressed can be taken home as a config (Export), which gives the same run to the last bit.")]
pub(super) struct Args {
    /// A config file
    #[arg(value_name = "CONFIG")]
    config: PathBuf,
    /// Change the experiment: a dotted path and its new value, in YAML
    #[arg(long = "set", value_name = "PATH=VALUE")]
    set: Vec<String>,
    /// The seed
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
    /// How many times as fast as real time it begins: 1, 2, 5, 10, 20 or 50
    #[arg(long, value_name = "X", default_value = "1", value_parser = speed)]
    speed: f64,
    /// Large type and few lines, for a classroom, with a question before each lever
    #[arg(long)]
    class: bool,
    /// Triggers and levers of the config also happen as it says
    #[arg(long)]
    as_written: bool,
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
    let speed: f64 = text.trim_end_matches(['x', '×']).parse().map_err(|_| "expected a number".to_owned())?;
    let speeds = crate::dashboard::SPEEDS;
    if speeds.contains(&speed) { Ok(speed) } else { Err(format!("the speeds are {speeds:?}")) }
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

pub(super) fn serve(args: &Args) -> Outcome {
    let set: Vec<String> =
        args.set.iter().cloned().chain(args.seed.map(|seed| format!("seed={seed}"))).collect();
    let plan = load(&args.config, &set)?;
    for warning in &plan.warnings {
        eprintln!("{warning}\n");
    }
    let token = if args.bind.is_loopback() { None } else { Some(token()?) };
    let session = Session {
        address: SocketAddr::new(args.bind, args.port),
        token: token.clone(),
        class: args.class,
        as_written: args.as_written,
        speed: args.speed,
    };
    let ready = |address: SocketAddr| {
        let watch = format!("http://{}/", shown(address));
        let lead = token.as_ref().map_or(watch.clone(), |token| format!("{watch}?token={token}"));
        println!("{} · {}\n\n  {lead}", plan.name, plan.baseline.title);
        if token.is_some() {
            println!("\nthat address presses levers; {watch} only watches");
        }
        println!("\nCtrl-C ends it");
        if args.open
            && let Err(reason) = open(Path::new(&lead))
        {
            eprintln!("cannot open a browser: {reason}");
        }
    };
    simulate(plan.experiment, &plan.baseline, &session, ready, stopped())?;
    Ok(Exit::Done)
}

/// Comes back when somebody wants it to end: that is how a session ends.
async fn stopped() {
    // Where the system offers no such signal, the other one ends it.
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut terminate) => drop(terminate.recv().await),
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
