//! Deliberate bugs. Somebody between the machines and the network tampers with the messages so that a replica does what it
//! would do if its code were wrong: the code under test stays as it is, and no hook costs anything.
use lab_core::{
    replicate::{
        Key, Version,
        message::Message,
        node::{MANAGER, Node},
        protocol::Protocol,
        quorum::Heard,
    },
    time::Span,
};
use std::collections::BTreeMap;

/// A bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sabotage {
    /// Retries are carried out again although they carry an idempotency key.
    ForgetsCalls,
    /// A write counts as held by the next replica when it has been sent: the primary acknowledges before its backups have
    /// it, the chain before its tail has it.
    AcknowledgesOnSending,
    /// A replica takes what it gets for committed.
    CommitsOnReceipt,
    /// The answer to CRAQ's version query names the newest version that the asker has been sent, committed or not.
    NamesDirtyVersions,
    /// A sealed replica goes on as if it were not.
    IgnoresSeals,
    /// A lease lasts for ever.
    KeepsLeases,
    /// Messages of other views are taken for messages of this one.
    ChecksNoViews,
    /// A new first member takes for committed what it has, before the others have it.
    ServesAtOnce,
    /// A donor leaves a key out of a part of its store.
    SkipsKeys,
    /// A replica that has lost its memory is taken for the one that it was.
    ChecksNoLives,
    /// The sequencer hands out positions again, and a log unit says it has written what it has not.
    WritesTwice,
    /// A read goes by what one replica has: whoever is asked is taken to have the same as the one who asks.
    ReadsAMinority,
    /// A read shows the newest version that anyone has, committed or not.
    ShowsUncommitted,
    /// The sequencer names a tail that lies behind the last position.
    NamesOldTails,
}

/// Carries a bug out.
#[derive(Clone, Debug)]
pub(crate) struct Saboteur {
    sabotage: Sabotage,
    /// The newest version of a key that a replica has been sent.
    sent: BTreeMap<(u32, Key), Version>,
    /// The life that a replica is in.
    lives: BTreeMap<u32, u64>,
}

/// From whom, to whom, what.
type Sent = (u32, u32, Message);

impl Saboteur {
    pub(crate) fn new(sabotage: Sabotage) -> Saboteur {
        Saboteur { sabotage, sent: BTreeMap::new(), lives: BTreeMap::new() }
    }

    /// What is sent instead of `message`.
    pub(crate) fn tampers(&mut self, nodes: &[Node], from: u32, to: u32, mut message: Message) -> Vec<Sent> {
        if let Message::Append { entries, .. } = &message {
            for entry in entries {
                let newest = self.sent.entry((to, entry.key)).or_default();
                *newest = entry.seq.max(*newest);
            }
        }
        if let Message::Heartbeat { incarnation, .. } = &message {
            self.lives.insert(from, *incarnation);
        }
        let mut more = vec![];
        match (self.sabotage, &mut message) {
            (Sabotage::AcknowledgesOnSending, Message::Append { view, entries, .. }) => {
                if let Some(last) = entries.last() {
                    more.push((to, from, appended(*view, last.seq)));
                }
            }
            (Sabotage::AcknowledgesOnSending, Message::LogWrite { view, ask, .. }) => {
                more.push((to, from, Message::LogWritten { view: *view, ask: *ask, kept: vec![] }));
            }
            (Sabotage::WritesTwice, Message::Token { seq, .. }) => *seq = seq.saturating_sub(1).max(1),
            (Sabotage::WritesTwice, Message::LogWritten { kept, .. }) => kept.clear(),
            (Sabotage::NamesOldTails, Message::Tail { seq, .. }) => *seq = seq.saturating_sub(1),
            (Sabotage::CommitsOnReceipt, Message::Append { entries, committed, .. }) => {
                *committed = entries.last().map_or(*committed, |last| last.seq.max(*committed));
            }
            (Sabotage::NamesDirtyVersions, Message::VersionQuery { view, question, key }) => {
                let version = self.sent.get(&(from, *key)).copied().unwrap_or(0);
                let answer = Message::VersionAnswer { view: *view, question: *question, version };
                return vec![(to, from, answer)];
            }
            (Sabotage::ReadsAMinority, Message::ReadQuery { view, question, key }) => {
                let own = match nodes[from as usize].protocol() {
                    Some(Protocol::PrimaryBackup(protocol)) => protocol.heard(*key),
                    _ => None,
                };
                let Some(Heard { matched, committed, versions }) = own else { return vec![] };
                let answer =
                    Message::ReadAnswer { view: *view, question: *question, matched, committed, versions };
                return vec![(to, from, answer)];
            }
            (Sabotage::ShowsUncommitted, Message::ReadAnswer { matched, committed, .. }) => {
                *committed = *matched;
            }
            (Sabotage::IgnoresSeals, Message::Seal { view, incarnation })
                if nodes[to as usize].member().is_member() =>
            {
                let node = &nodes[to as usize];
                let sealed = Message::Sealed {
                    view: *view,
                    position: node.position(),
                    incarnation: *incarnation,
                    installed: node.view().number,
                    caught_up: false,
                };
                return vec![(to, from, sealed)];
            }
            (Sabotage::KeepsLeases, Message::Beat { sent_at, .. }) => {
                *sent_at = *sent_at + Span::from_secs(10);
            }
            (Sabotage::ServesAtOnce, Message::Install { view, positions, .. })
                if view.members.first() == Some(to) =>
            {
                let last = positions.iter().map(|(_, position)| position.last).max().unwrap_or(0);
                let others = view.members.iter().filter(|r| *r != to);
                more.extend(others.map(|other| (other, to, appended(view.number, last))));
            }
            (Sabotage::SkipsKeys, Message::Part { held, .. }) => {
                held.pop();
            }
            (
                Sabotage::ChecksNoLives,
                Message::Heartbeat { incarnation, .. } | Message::Sealed { incarnation, .. },
            ) => *incarnation = 0,
            (
                Sabotage::ChecksNoLives,
                Message::Beat { incarnation, .. }
                | Message::Seal { incarnation, .. }
                | Message::Install { incarnation, .. }
                | Message::Ejected { incarnation, .. },
            ) if from == MANAGER => *incarnation = self.lives.get(&to).copied().unwrap_or(0),
            _ => {}
        }
        more.insert(0, (from, to, message));
        more
    }

    /// What reaches `node` instead of `message`.
    pub(crate) fn arrives(&self, node: &Node, mut message: Message) -> Message {
        if self.sabotage == Sabotage::ChecksNoViews {
            match &mut message {
                Message::Append { view, .. }
                | Message::Appended { view, .. }
                | Message::VersionQuery { view, .. }
                | Message::VersionAnswer { view, .. }
                | Message::ReadQuery { view, .. }
                | Message::ReadAnswer { view, .. }
                | Message::TokenRequest { view, .. }
                | Message::Token { view, .. }
                | Message::TailQuery { view, .. }
                | Message::Tail { view, .. }
                | Message::LogWrite { view, .. }
                | Message::LogWritten { view, .. }
                | Message::LogRead { view, .. }
                | Message::LogEntries { view, .. }
                | Message::Fetch { view, .. }
                | Message::Part { view, .. } => *view = node.view().number,
                _ => {}
            }
        }
        message
    }
}

fn appended(view: u64, last: Version) -> Message {
    Message::Appended { view, last, held: last, floor: 0 }
}
