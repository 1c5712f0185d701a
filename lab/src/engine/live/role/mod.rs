//! What a process of a live run may be: a replica that holds nothing, a replica of a group, a group's manager, or a replica of a
//! cache. A file each.
mod cache;
mod manager;
mod node;
mod server;

pub(super) use self::{cache::CacheRole, manager::ManagerRole, node::NodeRole, server::ServerRole};

use super::{
    calls::{Calls, Leg},
    http::{Ask, Reply},
    post::Post,
    wire::{Measured, Report, What},
};
use crate::agenda::Agenda;
use lab_core::{
    cache::Flush,
    call::{Attempt, Job},
    replicate::{View, message::Message},
    server::ServerControl,
    time::Time,
};
use serde::Serialize;
use std::collections::HashMap;
use tokio::sync::oneshot;

/// A machine, and what it is told and asks for in terms of the world outside.
pub(super) trait Role {
    type In: Clone + Serialize;
    type Out: Serialize;
    /// What the machine's timers hand back.
    type Wake: Copy;

    /// What it is told when it begins.
    fn begins() -> Option<Self::In>;
    /// What it is told when a timer goes off.
    fn woken(wake: Self::Wake) -> Self::In;
    /// What it is told when a trigger acts.
    fn control(control: ServerControl) -> Self::In;
    /// What it is told of a client's attempt; `None` if it serves no clients.
    fn asked(ask: Ask) -> Option<Self::In>;
    /// What it is told when a client hangs up.
    fn hung_up(client: u32, attempt: Attempt) -> Option<Self::In>;
    /// What it is told that another member of its group says; `None` if it has none.
    fn heard(from: u32, message: Message) -> Option<Self::In>;
    /// What it is told when keys are flushed; `None` if it has none to lose.
    fn flushed(_: Flush) -> Option<Self::In> {
        None
    }
    /// What it is told of the answer to an attempt of its own; `None` if it calls nobody.
    fn answered(_: Attempt, _: Reply) -> Option<Self::In> {
        None
    }
    /// What it is told of the members of the service that it calls; `None` if it calls none.
    fn members(_: View) -> Option<Self::In> {
        None
    }

    /// The machine's step.
    fn step(&mut self, now: Time, input: Self::In, out: &mut Vec<Self::Out>);
    /// Sees to what the machine asks for.
    fn carry_out(&mut self, now: Time, output: Self::Out, desk: &mut Desk<Self::Wake>);
    /// What was measured in the windows that ended by `at`, each once.
    fn measured(&mut self, at: Time) -> Vec<Measured>;
    /// What is left to be reported when the run ends at `at`.
    fn rest(&mut self, at: Time) -> Vec<Measured>;
}

/// What a role has at hand to carry its machine's requests out.
pub(super) struct Desk<W> {
    pub agenda: Agenda<Event<W>>,
    /// Who waits for an answer.
    pub callers: HashMap<(u32, Attempt), oneshot::Sender<Reply>>,
    /// What is to be said to the parent.
    pub reports: Vec<Report>,
    /// The way to the other members of the group.
    pub post: Post,
    /// The process's own attempts at other services.
    pub calls: Calls,
}

/// What is planned.
#[derive(Clone, Copy, Debug)]
pub(super) enum Event<W> {
    /// A timer of the machine goes off.
    Wake(W),
    /// Something arrives that is kept under this number.
    Arrival(u32),
    /// What the parent has ordered is due.
    Order(What),
    /// Something of an attempt of its own has crossed the network.
    Leg(Leg),
    /// A change of the network or of a replica is due, by its number.
    Change(u32),
    WindowEnds,
}

impl<W> From<Leg> for Event<W> {
    fn from(leg: Leg) -> Event<W> {
        Event::Leg(leg)
    }
}

impl<W: Copy> Desk<W> {
    fn wake(&mut self, at: Time, wake: W) {
        self.agenda.plan(at, Event::Wake(wake));
    }

    fn reply(&mut self, job: &Job, reply: Reply) {
        if let Some(caller) = self.callers.remove(&(job.client, job.attempt)) {
            // A caller that hung up just now does not hear it.
            let _ = caller.send(reply);
        }
    }
}
