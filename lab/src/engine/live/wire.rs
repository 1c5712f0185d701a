//! What the parent and its processes say to each other over pipes: orders and reports, a JSON line each.
use super::{clock::Clock, guard::LatenessSummary};
use crate::{
    scenario::Scenario,
    trace::{CacheWindow, ServerWindow},
};
use lab_core::{
    cache::Flush,
    replicate::{View, member::Note},
    server::ServerControl,
    time::Time,
};
use serde::{Deserialize, Serialize};
use std::{net::Ipv4Addr, path::PathBuf};

/// Where replicas listen. Clients connect from 127.0.0.1, so that neither a connection to a crashed replica's port can meet
/// itself (TCP's simultaneous open), nor can a client's own port stand in the way of the restart.
pub(super) const REPLICA_ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// The first line a process reads: who it is.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Setup {
    pub scenario: Scenario,
    pub service: usize,
    pub seat: Seat,
    /// How many processes have sat there before.
    pub lives: u32,
    pub seed: u64,
    /// The process that it must not outlive.
    pub parent: i32,
    /// 0: any free port.
    pub port: u16,
    /// When to listen, if not at once: a restart is ready before its time.
    pub opens: Option<Time>,
    /// Where to write every step of its machine.
    pub record: Option<PathBuf>,
    /// Where a manager keeps its views.
    pub views: Option<PathBuf>,
}

impl Setup {
    /// When its machine begins.
    pub(super) fn starts(&self) -> Time {
        self.opens.unwrap_or(Time::ZERO)
    }
}

/// Whose machine a process drives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Seat {
    /// That of this replica of the service.
    Replica(u32),
    /// That of the manager of the service's group.
    Manager,
}

/// The second line: when the run begins.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Begin {
    pub clock: Clock,
    pub orders: Vec<Order>,
    /// The members of its group, if it is in one, as they address each other, and the port of each.
    pub group: Vec<(u32, u16)>,
    /// The port of each replica, all services counted through, if it calls any.
    pub ports: Vec<u16>,
}

/// What to do and when. More of them may follow, a line each.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Order {
    pub at: Time,
    pub what: What,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) enum What {
    /// Tell the machine.
    Control(ServerControl),
    /// Tell a cache to lose keys.
    Flush(Flush),
    /// Tell who calls `service` that its manager has told of `view`.
    Members { service: usize, view: View },
    /// Report the last windows and exit.
    Stop,
}

/// What a process says.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Report {
    /// It listens on this port.
    Ready { port: u16 },
    /// Its machine is paused: the process may be stopped.
    Paused,
    /// A window has closed. The index counts from the run's beginning.
    Window { index: usize, measured: Measured, timer_p99_us: f64 },
    /// For the record of events.
    Noted { at: Time, note: Note },
    /// A manager tells the clients of a view.
    Published { at: Time, view: View },
    /// The run is over; how late it did things, and how many of its own attempts found no port or descriptor.
    Stopped { timer: LatenessSummary, unconnected: u64 },
    /// It cannot go on.
    Failed { reason: String },
}

/// What was measured in one window.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) enum Measured {
    /// Of a replica. It knows all writes up to `committed` to be so.
    Replica { window: ServerWindow, committed: u64 },
    /// Of a cache, with what it found.
    Cache { window: ServerWindow, cache: CacheWindow },
    /// Of a manager: its view at the window's end.
    Group(View),
}
