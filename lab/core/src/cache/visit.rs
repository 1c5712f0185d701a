//! Requests inside a cache, from when they come until they are answered.
use crate::{
    call::{Attempt, Job},
    replicate::Op,
    server::Work,
};

/// One request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Visit {
    /// As its requester knows it.
    pub(super) job: Job,
    /// What it asks for.
    pub(super) op: Op,
    /// What its lookup has cost.
    pub(super) work: Work,
    /// Where it is.
    pub(super) place: Place,
    /// Who waits for the same call to the store, behind it.
    pub(super) next: Option<u32>,
    generation: u32,
}

/// Where a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In the queue, or on a worker.
    Lookup,
    /// It waits for a call to the store.
    Store,
    /// Its requester has hung up while it waited for the store.
    Gone,
}

/// All requests inside, each in a slot of its own.
#[derive(Clone, Debug, Default)]
pub(super) struct Visits {
    slots: Vec<Visit>,
    free: Vec<u32>,
    generation: u32,
}

impl Visits {
    /// Lets a request in. The job that comes back is the same under a name by which [`Visits::get`] finds it at once.
    pub(super) fn enter(&mut self, job: Job, op: Op) -> Job {
        // Slots are used again, so the generation is what makes the name a new one.
        self.generation = self.generation.wrapping_add(1);
        let generation = self.generation;
        let visit = Visit { job, op, work: Work::default(), place: Place::Lookup, next: None, generation };
        let slot = match self.free.pop() {
            Some(slot) => {
                self.slots[slot as usize] = visit;
                slot
            }
            None => {
                self.slots.push(visit);
                self.slots.len() as u32 - 1
            }
        };
        Job { attempt: Attempt { slot, generation }, ..job }
    }

    /// The request in `slot`.
    pub(super) fn get(&mut self, slot: u32) -> &mut Visit {
        &mut self.slots[slot as usize]
    }

    /// The name that the request in `slot` has inside.
    pub(super) fn name(&self, slot: u32) -> Attempt {
        Attempt { slot, generation: self.slots[slot as usize].generation }
    }

    /// Lets the request in `slot` out.
    pub(super) fn leave(&mut self, slot: u32) -> Visit {
        self.free.push(slot);
        self.slots[slot as usize]
    }

    /// How many are inside.
    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }
}
