//! One replica of a replicated store as one machine: queue and workers, membership, protocol.
use super::{
    Answer, Mode, Op, Value, View,
    member::{Membership, Note},
    message::Message,
};
use crate::{
    call::{Attempt, Job, Outcome},
    demand::Demand,
    draw::Draw,
    machine::{Machine, Outbox},
    server::{Server, ServerControl, ServerPolicy, Work},
    time::Time,
};
use serde::{Deserialize, Serialize};

/// What the replicas of a replicated store decide by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NodePolicy {
    /// Queue and workers.
    pub server: ServerPolicy,
    /// How the store is replicated.
    pub mode: Mode,
    /// Who belongs to the group.
    pub membership: Membership,
    /// How long a message with entries to apply holds a worker.
    pub apply_time: Demand,
    /// How long reading or writing one part of a newcomer's store holds a worker.
    pub transfer_time: Demand,
    /// Whether a write that is tried again is recognised by its call and not done twice.
    pub deduplicate: bool,
}

/// The manager's name where messages are addressed.
pub const MANAGER: u32 = u32::MAX;

/// What can happen to a replica.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum NodeIn {
    /// The run begins. Once, and first.
    Begin,
    /// A client's attempt arrives.
    Request {
        /// The attempt.
        job: Job,
        /// What it asks.
        op: Op,
        /// What a write writes.
        value: Value,
    },
    /// A message of another replica or of the manager.
    Peer {
        /// Who sent it: a replica or [`MANAGER`].
        from: u32,
        /// What.
        message: Message,
    },
    /// A timer that the replica asked for went off.
    Woken(NodeWake),
    /// The caller of an attempt closed its connection.
    Disconnected {
        /// The client instance.
        client: u32,
        /// Its attempt.
        attempt: Attempt,
    },
    /// A trigger or an operator acts.
    Control(ServerControl),
}

/// A replica's timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NodeWake {
    /// A worker's time is over.
    Worker {
        /// Which worker.
        worker: u32,
        /// Which of its jobs.
        epoch: u32,
    },
    /// It is time for a heartbeat.
    Heartbeat {
        /// Of which life; another one's is stale.
        incarnation: u64,
    },
    /// A learner asks for the next part, or once more for one that did not come.
    Fetch {
        /// Which wait is over; an older one's is stale.
        turn: u64,
    },
    /// The protocol looks for what has to be sent again.
    Protocol,
}

/// What a replica asks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum NodeOut {
    /// Hand `wake` back at `at`. Never cancelled.
    WakeAt {
        /// When.
        at: Time,
        /// What to hand back.
        wake: NodeWake,
    },
    /// Send a message to a replica or to [`MANAGER`].
    Send {
        /// To whom.
        to: u32,
        /// What.
        message: Message,
    },
    /// Answer an attempt.
    Reply {
        /// Which.
        job: Job,
        /// How it ended.
        outcome: Outcome,
        /// What the store says; `None` when the queue or a crash ended it.
        answer: Option<Answer>,
        /// What it has cost.
        work: Work,
    },
    /// The attempt is over and nobody waits for an answer.
    Drop {
        /// Which.
        job: Job,
        /// What it has cost.
        work: Work,
    },
    /// The work that a message of another replica took is over.
    Worked {
        /// What it has cost.
        work: Work,
    },
    /// For the record of events.
    Noted(Note),
}

/// One replica.
#[derive(Clone, Debug)]
pub struct Node {
    me: u32,
    server: Server,
    view: View,
}

impl Node {
    /// Replica `me` of `replicas`, a member of view 1 from the beginning.
    pub fn new(policy: &NodePolicy, me: u32, replicas: u32, draw: Draw) -> Node {
        let view = View::initial(replicas);
        Node { me, server: Server::new(&policy.server, draw), view }
    }

    /// Its queue and workers, for levels.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// The view that it has installed; number 0: none.
    pub fn view(&self) -> &View {
        &self.view
    }
}

impl Machine for Node {
    type In = NodeIn;
    type Out = NodeOut;

    fn step(&mut self, _now: Time, _input: NodeIn, _out: &mut impl Outbox<NodeOut>) {
        let _ = self.me;
    }
}
