//! What replicas and their manager say to each other.
use super::{Key, Value, Version, View};
use crate::time::Time;
use serde::{Deserialize, Serialize};

/// One write in the order of all writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its place in the order, from 1.
    pub seq: Version,
    /// The view in which it was given its place; (seq, view) names an entry, and no two entries share that name.
    pub view: u64,
    /// What it writes, and where.
    pub key: Key,
    /// What it writes.
    pub value: Value,
}

/// How far a replica is, as it tells the manager when it is sealed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Position {
    /// The latest view of which it has all entries that the view began with; 0: none, it has yet to catch up. Of two
    /// replicas the one with the greater (view, last) is ahead.
    pub view: u64,
    /// The number of its last entry.
    pub last: Version,
    /// Up to here it knows all to be committed.
    pub committed: Version,
}

/// A key's committed state, as a newcomer is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// The key.
    pub key: Key,
    /// Its version.
    pub version: Version,
    /// Its value.
    pub value: Value,
}

/// What a message is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Message {
    // Membership, a replica to the manager.
    /// It lives.
    Heartbeat {
        /// Which life: grows with every restart and every ejection.
        incarnation: u64,
        /// The view it has installed; 0 for none.
        view: u64,
        /// When it was sent, by the sender's clock; comes back in [`Message::Beat`].
        sent_at: Time,
        /// A learner has all that its donor had.
        caught_up: bool,
        /// It has promised to take part in no view before this one.
        sealed: u64,
    },
    /// The answer to [`Message::Seal`].
    Sealed {
        /// The view to come.
        view: u64,
        /// How far the sender is.
        position: Position,
        /// Which of its lives.
        incarnation: u64,
        /// A learner has all that its donor had.
        caught_up: bool,
        /// The view that it has installed; 0 for none.
        installed: u64,
    },

    // Membership, the manager to a replica.
    /// The answer to a heartbeat; renews the read lease.
    Beat {
        /// From the heartbeat.
        sent_at: Time,
        /// The current view's number.
        view: u64,
        /// Which life was heard.
        incarnation: u64,
    },
    /// Stop taking part in older views, and say how far you are.
    Seal {
        /// The view to come.
        view: u64,
        /// Which life of the receiver is meant.
        incarnation: u64,
    },
    /// From now on this is the view. `positions` is what its members said when they were sealed.
    Install {
        /// The view.
        view: View,
        /// Member and position.
        positions: Vec<(u32, Position)>,
        /// Which life of the receiver is meant: a late copy must not make one a member that has lost its memory since.
        incarnation: u64,
    },
    /// You are no member of the current view: forget all, and come again as a newcomer.
    Ejected {
        /// The current view's number.
        view: u64,
        /// Which life is meant.
        incarnation: u64,
    },

    // Catching up.
    /// A learner asks its donor for the next part of the store.
    Fetch {
        /// The view.
        view: u64,
        /// Keys above this one; `None` begins anew.
        after: Option<Key>,
    },
    /// A part of the store.
    Part {
        /// The view.
        view: u64,
        /// From [`Message::Fetch`].
        after: Option<Key>,
        /// In order of keys.
        held: Vec<Held>,
        /// Writes up to this one are in the store or will be in a later part; the learner's order of entries goes on from
        /// here. Only in the first part it matters.
        base: Version,
        /// There is no more.
        done: bool,
        /// The donor's last committed write. When the learner knows that of the last part to be committed, it has caught up.
        committed: Version,
        /// In the first part: the calls that the store remembers, in the order of their writes. Empty unless writes are
        /// deduplicated.
        calls: Vec<(u64, Version)>,
    },

    // Primary/backup, chain and CRAQ.
    /// Entries in order, to a backup or the next in the chain.
    Append {
        /// The view.
        view: u64,
        /// In order, without gaps.
        entries: Vec<Entry>,
        /// Up to here all is committed.
        committed: Version,
        /// Up to here every member, and every learner that is being fed, knows all to be committed: nobody will ask for
        /// these entries again.
        floor: Version,
    },
    /// The sender has all entries of this view up to `last`. In a chain: it and all behind it.
    Appended {
        /// The view.
        view: u64,
        /// The number of the last one.
        last: Version,
        /// In a chain: the number of the last one that the sender itself has; else the same as `last`.
        held: Version,
        /// Up to here the sender (in a chain: and all behind it) knows all to be committed.
        floor: Version,
    },
    /// CRAQ: which version of this key is committed? To the tail.
    VersionQuery {
        /// The view.
        view: u64,
        /// Names the question.
        question: u64,
        /// The key.
        key: Key,
    },
    /// CRAQ: this one.
    VersionAnswer {
        /// The view.
        view: u64,
        /// From the question.
        question: u64,
        /// The committed version.
        version: Version,
    },

    // Quorum reads.
    /// What do you have of this key? To every other member.
    ReadQuery {
        /// The view.
        view: u64,
        /// Names the question.
        question: u64,
        /// The key.
        key: Key,
    },
    /// This; said by members that are whole in the view.
    ReadAnswer {
        /// The view.
        view: u64,
        /// From the question.
        question: u64,
        /// Up to here the sender's list is the primary's.
        matched: Version,
        /// Up to here the sender knows all to be committed.
        committed: Version,
        /// The committed write of the key, and those above it up to `matched`; in order.
        versions: Vec<Held>,
    },

    // Shared log.
    /// A writer asks the sequencer for a position.
    TokenRequest {
        /// The view.
        view: u64,
        /// Names the question; the same question gets the same token.
        ask: u64,
        /// Up to here the sender has played the log.
        played: Version,
    },
    /// The sequencer hands out a position.
    Token {
        /// The view.
        view: u64,
        /// From the question.
        ask: u64,
        /// The position.
        seq: Version,
        /// Up to here every replica has played the log: it may be forgotten.
        trim: Version,
    },
    /// A reader asks the sequencer how far the log goes.
    TailQuery {
        /// The view.
        view: u64,
        /// Names the question.
        ask: u64,
        /// Up to here the sender has played the log.
        played: Version,
    },
    /// This is the last position that was handed out.
    Tail {
        /// The view.
        view: u64,
        /// From the question.
        ask: u64,
        /// The position.
        seq: Version,
        /// Up to here every replica has played the log: it may be forgotten.
        trim: Version,
    },
    /// Entries for a log unit, each for its own position. The first unit of the view keeps what it already has there; to the
    /// others goes what the first has kept.
    LogWrite {
        /// The view.
        view: u64,
        /// Names the write.
        ask: u64,
        /// Set where the first unit hands on its log at the beginning of a view: all of the log that still matters lies
        /// above the first number and up to the second.
        span: Option<(Version, Version)>,
        /// In order of positions; gaps are allowed.
        entries: Vec<Entry>,
    },
    /// The unit has them.
    LogWritten {
        /// The view.
        view: u64,
        /// From the write.
        ask: u64,
        /// What it had already where that is something else.
        kept: Vec<Entry>,
    },
    /// A player asks the last log unit for what it has above `after`, up to `upto`.
    LogRead {
        /// The view.
        view: u64,
        /// Names the question.
        ask: u64,
        /// Positions above this one.
        after: Version,
        /// The last position.
        upto: Version,
        /// The answer has time until nothing is missing.
        wait: bool,
    },
    /// What the last log unit has: this is committed.
    LogEntries {
        /// The view.
        view: u64,
        /// From the question.
        ask: u64,
        /// In order of positions.
        entries: Vec<Entry>,
    },
}

/// What a message costs the replica that it comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cost {
    /// It is dealt with at once and holds no worker: acknowledgements, questions, membership.
    Free,
    /// It waits in the queue and holds a worker like a write: entries to be applied.
    Apply,
    /// It waits in the queue and holds a worker as long as [`Cost::Apply`]: the key is read.
    Read,
    /// It waits in the queue and holds a worker for a part of the store to be read or written.
    Transfer,
}

impl Message {
    /// The view in which one replica says it to another; `None` for what is said to or by the manager.
    pub fn view(&self) -> Option<u64> {
        match self {
            Message::Heartbeat { .. }
            | Message::Sealed { .. }
            | Message::Beat { .. }
            | Message::Seal { .. }
            | Message::Install { .. }
            | Message::Ejected { .. } => None,
            Message::Fetch { view, .. }
            | Message::Part { view, .. }
            | Message::Append { view, .. }
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
            | Message::LogEntries { view, .. } => Some(*view),
        }
    }

    /// What it costs its receiver.
    pub fn cost(&self) -> Cost {
        match self {
            Message::Append { entries, .. } | Message::LogWrite { entries, .. } if !entries.is_empty() => {
                Cost::Apply
            }
            Message::Fetch { .. } | Message::Part { .. } => Cost::Transfer,
            Message::ReadQuery { .. } => Cost::Read,
            _ => Cost::Free,
        }
    }
}
