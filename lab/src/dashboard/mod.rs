//! The dashboard: a run that one watches while it goes on, and acts upon, in a browser.
//!
//! A [`source`] gives the run; a [`driver`] lets it go on at its pace on a thread of its own, does what it is told and tells everybody
//! who watches; a [`server`] stands between it and the browsers. What is pressed is written into a config, the [`script`], by which
//! the run goes on: so a session is an experiment like any other, and can be taken home.
mod assets;
mod controls;
mod door;
mod driver;
mod frame;
mod hello;
mod offer;
mod protocol;
mod replay;
mod script;
mod server;
mod source;
mod status;

pub use hello::SPEEDS;

use crate::{
    config::Experiment,
    results::{RunRecord, StoredWindows},
    scenario::Scenario,
};
use door::Door;
use driver::Driver;
use frame::Watch;
use hello::{cards, hello, watched};
use lab_core::time::Span;
use replay::Replay;
use script::Script;
use server::Server;
use source::{Simulated, measured};
use std::{
    io,
    net::SocketAddr,
    sync::{Arc, mpsc::channel},
};
use tokio::{
    net::TcpListener,
    runtime::{Builder, LocalOptions},
};

/// How a session is held.
#[derive(Clone, Debug)]
pub struct Session {
    /// Where to listen; port 0 is any that is free.
    pub address: SocketAddr,
    /// What levers ask for; `None`: nothing, which is for loopback.
    pub token: Option<String>,
    /// Large type and few lines, with questions before the levers.
    pub class: bool,
    /// The config's own triggers and levers happen as it says, besides what is pressed.
    pub as_written: bool,
    /// How many times as fast as real time it begins.
    pub speed: f64,
}

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The system refuses a thread or a runtime.
    #[error("cannot serve: {0}")]
    System(#[from] io::Error),
    /// The experiment cannot be run as a session.
    #[error("{0}")]
    Experiment(String),
}

/// Holds a session at a simulated run of `scenario`, which `experiment` says, until `stop` comes. `ready` is told where it listens.
///
/// # Errors
/// When nothing can be listened on, or the system refuses.
pub fn simulate(
    experiment: Experiment,
    scenario: &Scenario,
    session: &Session,
    ready: impl FnOnce(SocketAddr),
    stop: impl Future<Output = ()>,
) -> Result<(), SessionError> {
    let seed = scenario.seed;
    let service = watched(scenario);
    let name = &scenario.services[service].name;
    // A person wants to see seconds, however long the config's own run is.
    let window = scenario.window.min(Span::from_secs(1));
    let script = Script::new(&scenario.name, experiment, name, window, session.as_written);
    let script = script.map_err(SessionError::Experiment)?;
    let mut hello = hello(script.scenario(), service, "simulated", seed);
    hello.can = protocol::Can { press: true, pace: true, rewind: true };
    hello.levers = script.controls().iter().map(|c| c.shown()).collect();
    hello.cards = cards(script.controls());
    hello.class = session.class;
    hello.token_needed = session.token.is_some();
    let speed = session.speed;
    host(session, scenario.name.clone(), ready, stop, move |commands| {
        let base = measured(script.scenario());
        let mut source = Simulated::new(&base, seed);
        let watch = Watch::new(script.scenario(), service);
        // What the config brings of its own.
        source::Source::steer(&mut source, &script).map_err(io::Error::other)?;
        Driver::new(source, script, watch, hello, speed).run(&commands);
        Ok(())
    })
}

/// A run that was kept.
#[derive(Clone, Debug)]
pub struct Kept {
    /// What was run, in the words of a config.
    pub experiment: Experiment,
    /// The same, with every choice made.
    pub scenario: Scenario,
    /// The run's record.
    pub record: RunRecord,
    /// What was measured.
    pub windows: StoredWindows,
}

/// Shows a run that was kept, until `stop` comes. `ready` is told where it listens.
///
/// # Errors
/// When nothing can be listened on, or the system refuses.
pub fn replay(
    kept: Kept,
    session: &Session,
    ready: impl FnOnce(SocketAddr),
    stop: impl Future<Output = ()>,
) -> Result<(), SessionError> {
    let Kept { experiment, scenario, record, windows } = kept;
    let service = watched(&scenario);
    let name = scenario.services[service].name.clone();
    let script = Script::new(&scenario.name, experiment, &name, scenario.window, true);
    let script = script.map_err(SessionError::Experiment)?;
    let mut hello = hello(&scenario, service, "replay", record.seed);
    hello.can = protocol::Can { press: false, pace: true, rewind: true };
    hello.duration_s = Some(windows.count() as f64 * hello.window_s);
    hello.title = format!("{} · {} {}, seed {}", scenario.title, record.variant, record.engine, record.seed);
    hello.class = session.class;
    hello.token_needed = session.token.is_some();
    let (speed, watch) = (session.speed, Watch::new(&scenario, service));
    host(session, scenario.name.clone(), ready, stop, move |commands| {
        let source = Replay::new(windows, scenario.window, record.summary);
        Driver::new(source, script, watch, hello, speed).run(&commands);
        Ok(())
    })
}

/// Runs `drive` on a thread of its own, and the server on this one.
fn host(
    session: &Session,
    name: String,
    ready: impl FnOnce(SocketAddr),
    stop: impl Future<Output = ()>,
    drive: impl FnOnce(std::sync::mpsc::Receiver<driver::Command>) -> io::Result<()> + Send + 'static,
) -> Result<(), SessionError> {
    let (run, commands) = channel();
    let runtime = Builder::new_current_thread().enable_all().build_local(LocalOptions::default())?;
    let listener = runtime.block_on(TcpListener::bind(session.address));
    let listener = listener.map_err(|source| SessionError::Listen { address: session.address, source })?;
    let address = listener.local_addr()?;
    let door = Door::new(address, session.token.clone());
    let server = Arc::new(Server { door, name, run });
    let thread = std::thread::Builder::new().name("run".into()).spawn(move || drive(commands))?;
    ready(address);
    runtime.block_on(server::serve(server, listener, stop));
    // With the runtime go all connections, and with them the last who could ask the run anything.
    drop(runtime);
    match thread.join() {
        Ok(done) => Ok(done?),
        Err(panic) => std::panic::resume_unwind(panic),
    }
}
