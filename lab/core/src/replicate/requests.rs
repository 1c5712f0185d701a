//! The requests that a replica has taken in and not answered: in the queue, at work, or in the protocol.
//!
//! With idempotency keys a write is worked on once, however often it is tried: a copy of one that is here is put to it, costs
//! nothing, and gets the same answer.
use super::{Op, RequestId, Value};
use crate::{call::Job, server::Work};
use std::collections::BTreeMap;

/// All of them.
#[derive(Clone, Debug)]
pub(super) struct Requests {
    pending: BTreeMap<RequestId, Pending>,
    /// Which request stands for a call that writes; `None`: calls are not told apart.
    calls: Option<BTreeMap<u64, RequestId>>,
}

/// One of them.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    pub(super) job: Job,
    pub(super) op: Op,
    pub(super) value: Value,
    /// What its work has cost; `None` until it is done and the protocol has it.
    pub(super) work: Option<Work>,
    /// Later attempts of the same call, which get the same answer.
    pub(super) copies: Vec<Job>,
}

/// What to do with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// It has to be worked on.
    New,
    /// It is here already, or a copy of one that is.
    Known,
}

impl Requests {
    /// None. `deduplicate`: copies of a write are recognised by their call.
    pub(super) fn new(deduplicate: bool) -> Requests {
        Requests { pending: BTreeMap::new(), calls: deduplicate.then(BTreeMap::new) }
    }

    /// Takes in an attempt.
    pub(super) fn enter(&mut self, job: Job, op: Op, value: Value) -> Entry {
        let id = id_of(&job);
        if self.pending.contains_key(&id) {
            return Entry::Known;
        }
        if let (Some(calls), Op::Write(_)) = (&mut self.calls, op) {
            if let Some(first) = calls.get(&value.call).and_then(|first| self.pending.get_mut(first)) {
                if first.copies.iter().all(|copy| id_of(copy) != id) {
                    first.copies.push(job);
                }
                return Entry::Known;
            }
            calls.insert(value.call, id);
        }
        self.pending.insert(id, Pending { job, op, value, work: None, copies: vec![] });
        Entry::New
    }

    /// The request named `id`.
    pub(super) fn get_mut(&mut self, id: RequestId) -> Option<&mut Pending> {
        self.pending.get_mut(&id)
    }

    /// Takes `id` out, and with it all who wait for its answer.
    pub(super) fn remove(&mut self, id: RequestId) -> Option<Pending> {
        let pending = self.pending.remove(&id)?;
        if let (Some(calls), Op::Write(_)) = (&mut self.calls, pending.op) {
            calls.remove(&pending.value.call);
        }
        Some(pending)
    }

    /// Takes `id` out without an answer. Its last copy, if there is one, stands for the call from now on and has to be worked
    /// on: it is returned.
    pub(super) fn abandon(&mut self, id: RequestId) -> Option<Job> {
        let Pending { op, value, mut copies, .. } = self.remove(id)?;
        let job = copies.pop()?;
        let heir = id_of(&job);
        self.pending.insert(heir, Pending { job, op, value, work: None, copies });
        if let Some(calls) = &mut self.calls {
            calls.insert(value.call, heir);
        }
        Some(job)
    }

    /// Takes all of them out, in the order of their names.
    pub(super) fn take(&mut self) -> impl Iterator<Item = Pending> + use<> {
        if let Some(calls) = &mut self.calls {
            calls.clear();
        }
        std::mem::take(&mut self.pending).into_values()
    }
}

/// The name of a request.
pub(super) fn id_of(job: &Job) -> RequestId {
    RequestId { client: job.client, attempt: job.attempt }
}
