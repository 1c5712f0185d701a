//! A replica's part in its group: which view it is in, whether it may still act in it, and how it catches up.
use super::{Members, View};
use crate::time::Span;
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
    /// At most this share of all replicas is out; members that would exceed it are not ejected, however silent (Envoy,
    /// `max_ejection_percent`). From 0 to 1.
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
