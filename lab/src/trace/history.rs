//! What each client saw of a replicated store: the history that a checker of linearizability reads.
//!
//! One operation is one attempt, for a server that works on an attempt whose caller has given up may carry it out much later, and
//! a call that is tried again then writes twice. A redirection belongs to the attempt that it redirects. With
//! idempotency keys all attempts of a call write the same value and take effect once.
use lab_core::{
    call::{Attempt, Job, Outcome},
    replicate::{Answer, Key, Op, Value, Version},
    time::Time,
};
use serde::Serialize;
use std::collections::BTreeMap;

/// One operation on a replicated store, as its client saw it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Operation {
    /// The client instance.
    pub process: u32,
    /// Its call.
    pub call: u64,
    /// Which attempt at it, from 1.
    pub attempt: u32,
    /// `read` or `write`.
    pub kind: &'static str,
    /// The key.
    pub key: Key,
    /// What was written, or found; `None` for a read without an answer. A value of call 0, attempt 0 was never written.
    #[serde(serialize_with = "written")]
    pub value: Option<Value>,
    /// The version written or found, where it is known.
    pub version: Option<Version>,
    /// When the attempt was sent.
    pub invoked_ns: u64,
    /// When its answer came. `None`: never, or the answer does not say whether a write has been carried out; then it may take
    /// effect at any time after it was invoked, or not at all.
    pub completed_ns: Option<u64>,
    /// How the attempt ended for its client; `open` if it had not at the end of the run.
    pub outcome: &'static str,
}

fn written<S: serde::Serializer>(value: &Option<Value>, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(Value { call, attempt }) => serializer.collect_str(&format_args!("{call}.{attempt}")),
        None => serializer.serialize_none(),
    }
}

/// Collects the operations of a run.
#[derive(Clone, Debug, Default)]
pub struct History {
    operations: Vec<Operation>,
    /// The operation under way in each slot of each client, and the name of its attempt.
    open: BTreeMap<(u32, u32), (u32, usize)>,
}

impl History {
    /// A client sends an attempt.
    pub fn invoked(&mut self, now: Time, job: &Job, op: Op, value: Value) {
        let write = matches!(op, Op::Write(_));
        let index = self.operations.len();
        self.operations.push(Operation {
            process: job.client,
            call: job.call,
            attempt: job.number,
            kind: if write { "write" } else { "read" },
            key: op.key(),
            value: write.then_some(value),
            version: None,
            invoked_ns: now.0,
            completed_ns: None,
            outcome: "open",
        });
        self.open.insert((job.client, job.attempt.slot), (job.attempt.generation, index));
    }

    /// The attempt goes on to another replica, under a new name.
    pub fn sent_on(&mut self, job: &Job) {
        if let Some((generation, _)) = self.open.get_mut(&(job.client, job.attempt.slot)) {
            *generation = job.attempt.generation;
        }
    }

    /// An answer has come. One for an attempt that was given up says nothing to its client.
    pub fn answered(
        &mut self,
        now: Time,
        client: u32,
        attempt: Attempt,
        outcome: Outcome,
        answer: Option<Answer>,
    ) {
        let Some(operation) = self.close(client, attempt, outcome) else { return };
        match answer {
            Some(Answer::Found { version, value }) => {
                (operation.version, operation.value) = (Some(version), Some(value));
                operation.completed_ns = Some(now.0);
            }
            Some(Answer::Written { version }) => {
                operation.version = Some(version);
                operation.completed_ns = Some(now.0);
            }
            Some(Answer::Elsewhere(_) | Answer::Unavailable) | None => {}
        }
    }

    /// The client waits no longer.
    pub fn given_up(&mut self, client: u32, attempt: Attempt) {
        self.close(client, attempt, Outcome::Timeout);
    }

    fn close(&mut self, client: u32, attempt: Attempt, outcome: Outcome) -> Option<&mut Operation> {
        let (generation, index) = *self.open.get(&(client, attempt.slot))?;
        if generation != attempt.generation {
            return None;
        }
        self.open.remove(&(client, attempt.slot));
        let operation = &mut self.operations[index];
        operation.outcome = outcome.name();
        Some(operation)
    }

    /// All operations in the order in which they were invoked.
    pub fn finish(self) -> Vec<Operation> {
        self.operations
    }
}
