//! Deliberate bugs, made by somebody who tampers with the messages: what a replica would do if its code were wrong.
use lab_core::replicate::{Mode, message::Message, node::Node};

/// A bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sabotage {
    /// Retries are carried out again although they carry an idempotency key.
    ForgetCalls,
}

impl Sabotage {
    /// What is sent instead of `message`.
    pub(crate) fn tamper(
        self,
        _nodes: &[Node],
        _mode: Mode,
        from: u32,
        to: u32,
        message: Message,
    ) -> Vec<(u32, u32, Message)> {
        vec![(from, to, message)]
    }
}
