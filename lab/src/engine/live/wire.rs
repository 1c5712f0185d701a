//! What parent and replicas say to each other: attempts over HTTP, orders and reports as JSON lines over pipes.
use super::{clock::Clock, guard::LatenessSummary};
use crate::{scenario::Scenario, trace::ServerWindow};
use hyper::StatusCode;
use lab_core::{
    call::{Attempt, Job, Outcome},
    server::ServerControl,
    time::Time,
};
use serde::{Deserialize, Serialize};
use std::{net::Ipv4Addr, path::PathBuf};

/// Where replicas listen. Clients connect from 127.0.0.1, so that neither a connection to a crashed replica's port can meet
/// itself (TCP's simultaneous open), nor can a client's own port stand in the way of the restart.
pub(super) const REPLICA_ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// The first line a replica reads: who it is.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Setup {
    pub scenario: Scenario,
    pub service: usize,
    pub replica: u32,
    pub seed: u64,
    /// The process that it must not outlive.
    pub parent: i32,
    /// 0: any free port.
    pub port: u16,
    /// When to listen, if not at once: a restart is ready before its time.
    pub opens: Option<Time>,
    /// Where to write every step of its machine.
    pub record: Option<PathBuf>,
}

/// The second line: when the run begins.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Begin {
    pub clock: Clock,
    pub orders: Vec<Order>,
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
    /// Report the last windows and exit.
    Stop,
}

/// What a replica says.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Report {
    /// It listens on this port.
    Ready { port: u16 },
    /// Its machine is paused: the process may be stopped.
    Paused,
    /// A window has closed. The index counts from the run's beginning.
    Window { index: usize, window: ServerWindow, timer_p99_us: f64 },
    /// The run is over; how late its timer was.
    Stopped { timer: LatenessSummary },
    /// It cannot go on.
    Failed { reason: String },
}

/// The request path of an attempt.
pub(super) fn path(job: &Job) -> String {
    let Job { client, attempt, call, number, gives_up_at } = job;
    format!("/{client}/{}/{}/{call}/{number}/{}", attempt.slot, attempt.generation, gives_up_at.0)
}

/// The attempt of a request path.
pub(super) fn job(path: &str) -> Option<Job> {
    let mut fields = path.strip_prefix('/')?.split('/').map(str::parse::<u64>);
    let mut field = || fields.next()?.ok();
    let mut short = || u32::try_from(field()?).ok();
    let (client, slot, generation) = (short()?, short()?, short()?);
    let (call, number, gives_up_at) = (field()?, u32::try_from(field()?).ok()?, Time(field()?));
    let end = fields.next().is_none();
    end.then_some(Job { client, attempt: Attempt { slot, generation }, call, number, gives_up_at })
}

/// How a replica says `outcome`; `None` breaks the connection.
pub(super) fn status(outcome: Outcome) -> Option<StatusCode> {
    match outcome {
        Outcome::Success => Some(StatusCode::OK),
        Outcome::Rejected => Some(StatusCode::SERVICE_UNAVAILABLE),
        Outcome::Error => Some(StatusCode::INTERNAL_SERVER_ERROR),
        Outcome::Reset | Outcome::Timeout => None,
    }
}

/// What an answer with `status` means to a client.
pub(super) fn outcome(status: StatusCode) -> Outcome {
    match status {
        StatusCode::OK => Outcome::Success,
        StatusCode::SERVICE_UNAVAILABLE => Outcome::Rejected,
        _ => Outcome::Error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn an_attempt_survives_its_path(a: (u32, u32, u32), call: u64, number: u32, gives_up_at: u64) {
            let attempt = Attempt { slot: a.1, generation: a.2 };
            let sent = Job { client: a.0, attempt, call, number, gives_up_at: Time(gives_up_at) };
            proptest::prop_assert_eq!(job(&path(&sent)), Some(sent));
        }
    }

    #[test]
    fn other_paths_are_no_attempts() {
        for path in ["", "/", "/1/2/3/4/5", "/1/2/3/4/5/6/7", "/a/2/3/4/5/6", "/1/2/3/4/4294967296/6"] {
            assert_eq!(job(path), None, "{path}");
        }
    }
}
