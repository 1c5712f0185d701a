//! A keyed, versioned store on several replicas: what its protocols have in common. A file for each protocol.
//!
//! A replica ([`node`]) is three things, from the outside in: a queue with workers, where requests and the messages of other
//! replicas wait and cost time ([`crate::server`]); its membership ([`member`]), which knows the current view, heartbeats and
//! the read lease; and a protocol ([`protocol`]), which orders writes, answers reads and lets newcomers catch up. The
//! [`manager`] decides who is a member, one numbered view after the other, and `succession` holds what it has to mind so that
//! nothing acknowledged gets lost between two of them.
//!
//! What is assumed: replicas lose their memory in a crash; messages may be lost, delayed and reordered; clocks run at the same
//! rate; the manager keeps its view log through a crash and comes back.
pub mod chain;
pub mod feed;
pub mod ledger;
pub mod log_unit;
pub mod manager;
pub mod member;
pub mod message;
pub mod node;
mod parcels;
pub mod player;
pub mod primary_backup;
pub mod protocol;
pub mod quorum;
mod requests;
pub mod sequencer;
pub mod shared_log;
pub mod store;
mod succession;

use crate::time::Span;
use serde::{Deserialize, Serialize};
use std::fmt;

/// How a store is replicated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mode {
    /// A primary orders writes and sends each to all backups.
    PrimaryBackup {
        /// When a write is acknowledged.
        ack: Ack,
        /// Who answers reads.
        reads: Reads,
    },
    /// Chain replication (van Renesse and Schneider, OSDI'04): writes go from head to tail, the tail answers reads.
    Chain,
    /// Chain replication with apportioned queries (Terrace and Freedman, USENIX ATC'09): every member answers reads.
    Craq {
        /// How fresh the answers are.
        reads: Freshness,
    },
    /// A shared log (CORFU: Balakrishnan et al., NSDI'12), which every replica plays (Tango: SOSP'13).
    SharedLog,
}

/// When a write is acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ack {
    /// When the primary has it.
    One,
    /// When a majority of the view's members has it.
    Majority,
    /// When every member of the view has it.
    All,
}

/// Who answers reads in primary/backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reads {
    /// The primary, under its lease: linearizable.
    Leader,
    /// Every member from what it knows to be committed: possibly stale.
    Any,
    /// Every member, after asking a majority: linearizable, without a lease. For [`Ack::Majority`], which it overlaps.
    Quorum,
}

/// How fresh CRAQ's answers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Freshness {
    /// Linearizable: a dirty key's version is asked of the tail.
    Strong,
    /// What the member knows to be committed, however old.
    Eventual,
    /// What the member knows to be committed while its oldest uncommitted write of the key is younger than this, else as
    /// `Strong`.
    Bounded(Span),
}

/// A key.
pub type Key = u64;

/// The place of a write in the order of all writes, from 1; 0 stands for *never written*. Also the version of the key it wrote.
pub type Version = u64;

/// What one client writes, told apart from every other write of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Value {
    /// The call that wrote it.
    pub call: u64,
    /// Which attempt of the call, from 1; always 1 where retries carry an idempotency key. 0: never written.
    pub attempt: u32,
}

/// What a call asks of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Op {
    /// The current value of a key.
    Read(Key),
    /// A new value for a key.
    Write(Key),
}

impl Op {
    /// The key.
    pub fn key(self) -> Key {
        match self {
            Op::Read(key) | Op::Write(key) => key,
        }
    }
}

/// A client's name for an attempt; the replica that was asked keeps it until it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RequestId {
    /// The client instance.
    pub client: u32,
    /// Its attempt.
    pub attempt: crate::call::Attempt,
}

/// An attempt as a protocol sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// To be named in the answer.
    pub id: RequestId,
    /// What is asked.
    pub op: Op,
    /// What a write writes.
    pub value: Value,
}

/// How a protocol answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// A read found this; `version` 0: the key was never written.
    Found {
        /// The version.
        version: Version,
        /// The value.
        value: Value,
    },
    /// A write is acknowledged.
    Written {
        /// The version it got.
        version: Version,
    },
    /// Another replica is in charge: ask the one that [`Mode::serves`] names for this view.
    Elsewhere(View),
    /// Nobody can answer now: no lease, between two views, or catching up.
    Unavailable,
}

/// At most this many replicas in a group.
pub const REPLICAS_MAX: usize = 16;

/// An ordered list of replicas of one group.
#[derive(Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Members {
    count: u8,
    list: [u8; REPLICAS_MAX],
}

/// As a list.
impl fmt::Debug for Members {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl Members {
    /// These replicas, in this order; at most [`REPLICAS_MAX`] of them, others are left out.
    pub fn of(replicas: impl IntoIterator<Item = u32>) -> Members {
        let mut members = Members::default();
        for replica in replicas.into_iter().take(REPLICAS_MAX) {
            members.list[usize::from(members.count)] = replica as u8;
            members.count += 1;
        }
        members
    }
    /// In order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = u32> + ExactSizeIterator + Clone + '_ {
        self.list[..usize::from(self.count)].iter().map(|&r| u32::from(r))
    }
    /// How many.
    pub fn len(&self) -> usize {
        usize::from(self.count)
    }
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
    /// Where `replica` stands.
    pub fn position(&self, replica: u32) -> Option<usize> {
        self.iter().position(|r| r == replica)
    }
    /// Whether `replica` is one of them.
    pub fn contains(&self, replica: u32) -> bool {
        self.position(replica).is_some()
    }
    /// The first: the primary, head or sequencer.
    pub fn first(&self) -> Option<u32> {
        self.iter().next()
    }
    /// The last: the tail.
    pub fn last(&self) -> Option<u32> {
        self.iter().next_back()
    }
    /// The one after `replica`.
    pub fn after(&self, replica: u32) -> Option<u32> {
        self.iter().skip_while(|&r| r != replica).nth(1)
    }
    /// The one before `replica`.
    pub fn before(&self, replica: u32) -> Option<u32> {
        self.iter().rev().skip_while(|&r| r != replica).nth(1)
    }
}

/// Who is in charge of what, from one change to the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// Grows by one with each change, from 1.
    pub number: u64,
    /// The members, in the order of their roles.
    pub members: Members,
    /// Newcomers that catch up: they get what is written, and count for nothing.
    pub learners: Members,
}

impl View {
    /// View 1, which a new group begins with: all of `replicas` replicas, in order.
    pub fn initial(replicas: u32) -> View {
        View { number: 1, members: Members::of(0..replicas), learners: Members::default() }
    }
    /// Whether `replica` is a member or a learner.
    pub fn contains(&self, replica: u32) -> bool {
        self.members.contains(replica) || self.learners.contains(replica)
    }
}

/// Who may serve an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// This replica alone.
    One(u32),
    /// Every member.
    Any,
}

impl Mode {
    /// Who serves `op` in `view`; `None` while it has no members.
    pub fn serves(&self, view: &View, op: Op) -> Option<Target> {
        let first = view.members.first().map(Target::One);
        match (self, op) {
            (
                Mode::PrimaryBackup { reads: Reads::Any | Reads::Quorum, .. } | Mode::Craq { .. },
                Op::Read(_),
            ) => first.map(|_| Target::Any),
            (Mode::Chain, Op::Read(_)) => view.members.last().map(Target::One),
            (Mode::SharedLog, _) => first.map(|_| Target::Any),
            (Mode::PrimaryBackup { .. } | Mode::Chain | Mode::Craq { .. }, _) => first,
        }
    }
    /// Which member the learners of `view` ask for the store, and get new entries from: the one that knows first what is
    /// committed. `None` while it has no members.
    pub fn donor(&self, view: &View) -> Option<u32> {
        match self {
            Mode::PrimaryBackup { .. } => view.members.first(),
            Mode::Chain | Mode::Craq { .. } | Mode::SharedLog => view.members.last(),
        }
    }
    /// Whether those that answered a seal, with how far they are, surely have among them all that was ever committed, so that
    /// a next view may begin with the most advanced of them. `views`: from the one that began with empty stores (the
    /// first, or a group formed anew) to the last.
    ///
    /// A view that was put in force may not have got so far that its members have what it began with. So
    /// not only the last view has to be represented, but each one since the latest that an answer is whole in: see
    /// [`ledger`]. An answer speaks for a view if its replica was a member then and has not been without memory since.
    pub fn enough(&self, views: &[View], answers: &[(u32, message::Position)]) -> bool {
        let Some(whole) = answers.iter().map(|(_, position)| position.view).max() else { return false };
        let mut answered = answers.iter().filter(|(_, p)| p.view > 0).map(|(r, _)| *r).collect::<Vec<u32>>();
        for (index, view) in views.iter().enumerate().rev() {
            if index + 1 < views.len() && view.number < whole {
                break;
            }
            answered.retain(|&replica| view.members.contains(replica));
            let required = match self {
                Mode::PrimaryBackup { ack: Ack::Majority, .. } => view.members.len() / 2 + 1,
                _ => 1,
            };
            if answered.len() < required {
                return false;
            }
        }
        !views.is_empty()
    }
}
