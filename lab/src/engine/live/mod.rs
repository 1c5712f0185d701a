//! The live engine: real processes, sockets and timers around the machines that the simulation drives.
//!
//! It is the simulation's agenda driven by the real clock. The clients run on a thread of this process (`load`); every replica
//! and every manager of a group is a child process (`replica`) that speaks HTTP/1.1 over loopback, and a cache's replica calls
//! others as the clients do (`calls`); the calling thread starts,
//! stops and kills those (`fleet`). All of them read one clock, counted from the run's epoch.
mod calls;
mod clock;
mod connection;
mod fleet;
mod guard;
mod http;
mod load;
mod post;
mod probe;
mod process;
mod record;
mod records;
mod replica;
mod reported;
mod role;
mod station;
mod timer;
mod wire;

pub use guard::{Fitness, LatenessSummary};
pub use record::{Differences, Life, Recording, Step, Steps, replay};
pub use replica::replica_main;

use crate::{scenario::Scenario, trace::Trace};
use lab_core::time::Span;
use std::{io, path::PathBuf, sync::atomic::AtomicBool};

/// How to run live; [`LiveOptions::default`] for all that is not of interest.
#[derive(Clone, Copy, Default)]
pub struct LiveOptions<'a> {
    /// The lab's own binary, whose internal verb `replica` is a replica. `None`: the running one.
    pub executable: Option<&'a std::path::Path>,
    /// Called about ten times a second.
    pub progress: Option<&'a dyn Fn(Progress)>,
    /// Ends the run early when it becomes true.
    pub interrupted: Option<&'a AtomicBool>,
    /// Keep every step of every machine, for [`replay`].
    pub record: bool,
    /// Keep the history of all operations on replicated stores: memory grows with their number.
    pub history: bool,
    /// The port of the first replica; the others take the next ones, and then the managers. `None`: any that are free.
    pub first_port: Option<u16>,
}

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Since the run began.
    pub elapsed: Span,
    /// Of the whole run.
    pub duration: Span,
    /// Calls begun.
    pub calls: u64,
    /// Calls that are over.
    pub over: u64,
    /// Attempts sent.
    pub attempts: u64,
}

/// A live run.
#[derive(Clone, Debug)]
pub struct LiveRun {
    /// What was measured. Its end is earlier than the scenario's if the run was interrupted.
    pub trace: Trace,
    /// Whether the host kept up.
    pub fitness: Fitness,
    /// Every step of every machine, if that was asked for.
    pub recording: Option<Recording>,
}

/// Why there is no live run.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    /// The binary that replicas are made of cannot be run.
    #[error("cannot start a replica from {}: {source}", executable.display())]
    Start {
        /// The binary.
        executable: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A replica cannot go on.
    #[error("replica {replica}: {reason}")]
    Replica {
        /// Its service and index.
        replica: String,
        /// What it says.
        reason: String,
    },
    /// This host cannot carry the run.
    #[error("this host cannot carry the run: {0}")]
    Host(String),
    /// The system refuses something that every run needs.
    #[error("{what}: {source}")]
    System {
        /// What was to be done.
        what: &'static str,
        /// What the system says.
        source: io::Error,
    },
}

/// Runs `scenario` live with `seed`, in real time, and blocks until it is over. The thread that calls this must not end before:
/// the replicas die with it.
///
/// # Errors
/// When replicas cannot be started or die by themselves, or the system refuses timers, threads or sockets.
pub fn live(scenario: &Scenario, seed: u64, options: &LiveOptions<'_>) -> Result<LiveRun, LiveError> {
    fleet::run(scenario, seed, options)
}
