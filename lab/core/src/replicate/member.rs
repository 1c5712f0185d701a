//! A replica's part in its group: which view it is in, and whether it may still act in it.
use super::{Members, View, message::Message};
use crate::time::{Span, Time};
use serde::{Deserialize, Serialize};

/// How a group decides who belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Membership {
    /// How often a replica tells the manager that it lives; above zero.
    pub heartbeat: Span,
    /// Whether heartbeats go out at once (a thread of their own, a priority class) instead of waiting in the replica's
    /// queue behind the work. In the queue they measure overload as well, which is what makes an overloaded group eject its
    /// members one after the other.
    pub priority: bool,
    /// A member of which nothing was heard for this long is ejected, unless too many are.
    pub timeout: Span,
    /// How long a replica may rely on being a member, from when it sent the heartbeat that was answered; at most `timeout`.
    /// Only under such a lease does it answer linearizable reads from what it holds (Gray and Cheriton, SOSP'89).
    pub lease: Span,
    /// A replica that is no member is let in when it has been heard for this long.
    pub admit_after: Span,
    /// How long a member that comes into charge as primary or head needs before it serves: it replays a log, opens files,
    /// fills its memory (MongoDB's catch-up and drain mode, region recovery in HBase). Whoever asks it before is turned away.
    pub takeover: Span,
    /// At most this share of all replicas is out; members that would exceed it are not ejected, however silent (Envoy,
    /// `max_ejection_percent`). From 0 to 1. In a store, a change of views that comes for another reason leaves out whoever
    /// does not answer it all the same: the others could not go on.
    pub max_ejected: f64,
    /// When the members that are heard are less than this share of all replicas, nobody is ejected: it is more likely that
    /// the check is wrong than that all are gone (Envoy, `healthy_panic_threshold`). From 0 to 1; 0: never.
    pub panic_below: f64,
    /// How a newcomer gets the store.
    pub transfer: Transfer,
}

/// The pace at which a newcomer gets the store from its donor. Both settings bound what it takes from the foreground work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transfer {
    /// Keys in one part, at least 1.
    pub part: u32,
    /// How long the newcomer waits between two parts.
    pub pause: Span,
}

/// Something that happened to a group, for the record of events.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Note {
    /// A replica takes part in this view from now on; at the manager: it is in force.
    Installed {
        /// The view.
        view: View,
    },
    /// A replica has stopped taking part in views before this one; at the manager: a change to it has begun.
    Sealed {
        /// The number of the view to come.
        view: u64,
    },
    /// A replica has learnt that it is no member any more and has forgotten everything.
    Ejected {
        /// The newest view it was told of.
        view: u64,
        /// Its life that ends.
        incarnation: u64,
    },
    /// A learner has all that its donor had.
    CaughtUp {
        /// The view.
        view: u64,
    },
    /// At the manager: these members are silent but stay, for too many would be out (`max_ejected`, `panic_below`).
    Spared {
        /// They.
        members: Members,
    },
    /// At the manager: so many members have lost their memory that acknowledged writes may be lost. The group goes on with
    /// what is left.
    Lost {
        /// The number of the view that begins with less.
        view: u64,
    },
}

/// What a replica may do, and what it has promised. It does nothing by itself; [`super::node`] asks it.
///
/// Three rules keep a group safe, whatever is lost, delayed, repeated or paused:
///
/// - *Fencing.* A replica acts in one view at a time and hears only those who act in the same. View numbers only grow.
/// - *Sealing.* Once it has promised to take part in no view before `w`, a replica does nothing until it is told a view
///   from `w` on. So what it says of its state then stays true until that view begins.
/// - *Lives.* A replica that has lost its memory, in a crash or because it was put out, begins a new life and never again
///   answers for an earlier one. In a view each replica takes part with one life only: whatever was meant for another one
///   does not reach it.
#[derive(Clone, Debug)]
pub struct Member {
    me: u32,
    lease: Span,
    incarnation: u64,
    view: View,
    sealed: u64,
    leased_until: Time,
}

/// What a replica makes of a [`Message::Seal`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sealing {
    /// It has stopped just now.
    Fresh,
    /// It had stopped already and says again how far it is.
    Again,
    /// An old copy, or meant for another life.
    Stale,
}

impl Member {
    /// Replica `me`, in its first life, a member of view 1.
    pub fn new(me: u32, replicas: u32, membership: &Membership) -> Member {
        Member {
            me,
            lease: membership.lease,
            incarnation: 1,
            view: View::initial(replicas),
            sealed: 0,
            leased_until: Time::ZERO,
        }
    }

    /// Which life this is, from 1.
    pub fn incarnation(&self) -> u64 {
        self.incarnation
    }
    /// The view that it has installed; number 0: none.
    pub fn view(&self) -> &View {
        &self.view
    }
    /// Whether it may act in its view: it has one, and has not promised to leave it.
    pub fn acts(&self) -> bool {
        self.view.number > 0 && self.view.number >= self.sealed
    }
    /// Whether it is a member of its view and may act in it.
    pub fn is_member(&self) -> bool {
        self.acts() && self.view.members.contains(self.me)
    }
    /// Whether it is a learner of its view and may act in it.
    pub fn is_learner(&self) -> bool {
        self.acts() && self.view.learners.contains(self.me)
    }
    /// Whether no later view can be in force at `now`.
    ///
    /// The manager has answered a heartbeat that was sent less than a lease ago. Since then it has not put a later view in
    /// force without this replica's own promise, which would have ended the lease: it waits for a whole lease after its last
    /// answer. A replica that was paused finds its lease over when it wakes, for the time that counts is that of the sending.
    pub fn leased(&self, now: Time) -> bool {
        self.is_member() && now < self.leased_until
    }
    /// Whether a message of view `number` from replica `from` is to be heard.
    pub fn hears(&self, from: u32, number: u64) -> bool {
        self.acts() && number == self.view.number && self.view.contains(from)
    }

    /// What it tells the manager.
    pub fn heartbeat(&self, now: Time, caught_up: bool) -> Message {
        Message::Heartbeat {
            incarnation: self.incarnation,
            view: self.view.number,
            sent_at: now,
            caught_up,
            sealed: self.sealed,
        }
    }

    /// The manager has answered the heartbeat of `sent_at`. One that meant another view or life, or comes while the replica
    /// is sealed, renews nothing.
    pub fn beat(&mut self, sent_at: Time, view: u64, incarnation: u64) {
        if self.acts() && view == self.view.number && incarnation == self.incarnation {
            self.leased_until = self.leased_until.max(sent_at + self.lease);
        }
    }

    /// The manager asks it to take part in no view before number `view`.
    pub fn seal(&mut self, view: u64, incarnation: u64) -> Sealing {
        if incarnation != self.incarnation || view <= self.view.number || view < self.sealed {
            return Sealing::Stale;
        }
        if view == self.sealed {
            return Sealing::Again;
        }
        self.sealed = view;
        self.leased_until = Time::ZERO;
        Sealing::Fresh
    }

    /// `view` is in force. Whether that is news: an older one than promised is not entered any more, for the manager counts
    /// on what it was told at the sealing.
    pub fn install(&mut self, view: View, incarnation: u64) -> bool {
        let news = incarnation == self.incarnation
            && view.number > self.view.number
            && view.number >= self.sealed
            && view.contains(self.me);
        if news {
            self.view = view;
            self.leased_until = Time::ZERO;
        }
        news
    }

    /// Its memory is lost.
    pub fn forget(&mut self) {
        self.view = View::default();
        self.sealed = 0;
        self.leased_until = Time::ZERO;
    }

    /// Begins a new life, without memory.
    pub fn live_anew(&mut self) {
        self.forget();
        self.incarnation += 1;
    }

    /// It is in a process that has followed `processes` others. How often each of those was put out nobody may know any more,
    /// so every process has its own range of lives.
    pub fn follow(&mut self, processes: u32) {
        self.forget();
        self.incarnation = (u64::from(processes) << LIVES_BITS) + 1;
    }
}

/// A process numbers its lives in this many bits.
const LIVES_BITS: u32 = 32;
