//! The manager of a group: it hears its replicas and decides who is a member, one numbered view after the other.
use super::{
    Members, Mode, View,
    member::{Membership, Note},
    message::{Message, Position},
};
use crate::{
    machine::{Machine, Outbox},
    server::ServerControl,
    time::Time,
};
use serde::{Deserialize, Serialize};

/// What can happen to a manager.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ManagerIn {
    /// The run begins. Once, and first.
    Begin,
    /// A message of a replica.
    Peer {
        /// Who sent it.
        from: u32,
        /// What.
        message: Message,
    },
    /// A timer that the manager asked for went off.
    Woken(ManagerWake),
    /// A trigger acts: pause, resume, crash, restart. The others change nothing.
    Control(ServerControl),
}

/// The manager's timer; one of an earlier `epoch` is stale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManagerWake {
    /// Counts the crashes and pauses of the manager.
    pub epoch: u32,
}

/// What a manager asks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ManagerOut {
    /// Hand `wake` back at `at`. Never cancelled.
    WakeAt {
        /// When.
        at: Time,
        /// What to hand back.
        wake: ManagerWake,
    },
    /// Send a message to a replica.
    Send {
        /// To whom.
        to: u32,
        /// What.
        message: Message,
    },
    /// Keep this at the end of the durable list, before anything that follows is carried out.
    Keep(Record),
    /// Tell the clients.
    Publish(View),
    /// For the record of events.
    Noted(Note),
}

/// What the manager keeps of a view, durably.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The view.
    pub view: View,
    /// For each member and learner: which of its lives takes part. A later life has lost what this one knew.
    pub lives: Vec<(u32, u64)>,
    /// How far its members and learners were when the view before was sealed.
    pub positions: Vec<(u32, Position)>,
    /// Those of its members that hold every write acknowledged before this view. Newcomers become members a little before
    /// they do.
    pub full: Members,
}

/// The manager of a group of replicas.
#[derive(Clone, Debug)]
pub struct Manager {
    mode: Option<Mode>,
    membership: Membership,
    replicas: u32,
    records: Vec<Record>,
}

impl Manager {
    /// The manager of a new group of `replicas` replicas, all of them members. Without a `mode` the service is stateless.
    pub fn new(mode: Option<Mode>, membership: Membership, replicas: u32) -> Manager {
        Manager::restore(mode, membership, replicas, vec![])
    }

    /// A manager that comes back with what it has kept.
    pub fn restore(
        mode: Option<Mode>,
        membership: Membership,
        replicas: u32,
        records: Vec<Record>,
    ) -> Manager {
        Manager { mode, membership, replicas, records }
    }
}

impl Machine for Manager {
    type In = ManagerIn;
    type Out = ManagerOut;

    fn step(&mut self, _now: Time, _input: ManagerIn, _out: &mut impl Outbox<ManagerOut>) {
        let _ = (self.mode, self.membership, self.replicas, &self.records);
    }
}
