//! What each mode promises, and whether a run has kept to what the promise asks for.
//!
//! A write is acknowledged in some view. Until a later view has served, which it does only when all that came before is
//! committed in it again, the write rests on the members of that view. So of every view since the last one that served, enough
//! members have to keep their memory: one of them, or more than half where a majority acknowledges.
use crate::{audit::Fresh, schedule::Schedule};
use lab_core::{
    replicate::{Ack, Freshness, Mode, Reads, View},
    time::Span,
};

/// Of `members`, so many may lose their memory and no acknowledged write is lost.
pub(crate) fn may_lose(mode: Mode, members: usize) -> usize {
    match mode {
        Mode::PrimaryBackup { ack: Ack::One, .. } => members,
        Mode::PrimaryBackup { ack: Ack::Majority, .. } => members.saturating_sub(1) / 2,
        Mode::PrimaryBackup { ack: Ack::All, .. } | Mode::Chain | Mode::Craq { .. } | Mode::SharedLog => {
            members.saturating_sub(1)
        }
    }
}

/// Whether acknowledged writes survive a change of views at all.
pub(crate) fn outlives_views(mode: Mode) -> bool {
    !matches!(mode, Mode::PrimaryBackup { ack: Ack::One, .. })
}

/// Whether the group stays down without more than half of its members.
pub(crate) fn needs_a_majority(mode: Mode) -> bool {
    matches!(mode, Mode::PrimaryBackup { ack: Ack::Majority, .. })
}

/// How long a replica may take to hear of a commit while nothing goes wrong: an idle primary says so after
/// [`lab_core::replicate::feed::RESEND`]; the rest is the network and the queue.
const LAG: Span = Span::from_millis(150);

/// What reads show in `schedule`.
pub(crate) fn freshness(schedule: &Schedule) -> Fresh {
    let quiet =
        schedule.faults.is_empty() && schedule.network.loss == 0.0 && schedule.network.late_share == 0.0;
    match schedule.mode {
        Mode::PrimaryBackup { reads: Reads::Leader | Reads::Quorum, .. }
        | Mode::Craq { reads: Freshness::Strong }
        | Mode::Chain
        | Mode::SharedLog => Fresh::Linearizable,
        Mode::Craq { reads: Freshness::Bounded(bound) } => Fresh::Within(bound),
        Mode::PrimaryBackup { reads: Reads::Any, .. } | Mode::Craq { reads: Freshness::Eventual } => {
            if quiet { Fresh::Within(LAG) } else { Fresh::Whenever }
        }
    }
}

/// Who remembers what, as the simulator sees it.
#[derive(Clone, Debug)]
pub(crate) struct Memory {
    mode: Mode,
    /// Whether the replica has the state of its group: from the beginning or since it caught up.
    holds: Vec<bool>,
    /// When the replica last lost its memory.
    lost_at: Vec<u64>,
    /// Every view, when the manager wrote it down, and the set of its members that had no memory then.
    views: Vec<(View, u64, u32)>,
    /// The last view in which a write was acknowledged.
    served: u64,
}

impl Memory {
    pub(crate) fn new(mode: Mode, replicas: u32, first: View) -> Memory {
        Memory {
            mode,
            holds: vec![true; replicas as usize],
            lost_at: vec![0; replicas as usize],
            views: vec![(first, 0, 0)],
            served: 1,
        }
    }

    pub(crate) fn current(&self) -> View {
        self.views.last().map(|v| v.0).unwrap_or_default()
    }

    pub(crate) fn view(&self, number: u64) -> Option<View> {
        self.views.iter().map(|v| v.0).find(|v| v.number == number)
    }

    /// The manager has written down `view`.
    pub(crate) fn appended(&mut self, order: u64, view: View) {
        let without = view.members.iter().filter(|&r| !self.holds[r as usize]).fold(0, |set, r| set | 1 << r);
        self.views.push((view, order, without));
    }

    /// A write has been acknowledged in the view of this number.
    pub(crate) fn served(&mut self, view: u64) {
        self.served = self.served.max(view);
    }

    pub(crate) fn lost(&mut self, order: u64, replica: u32) {
        self.holds[replica as usize] = false;
        self.lost_at[replica as usize] = order;
    }

    pub(crate) fn caught_up(&mut self, replica: u32) {
        self.holds[replica as usize] = true;
    }

    pub(crate) fn holds(&self, replica: u32) -> bool {
        self.holds[replica as usize]
    }

    /// Whether more has been lost than the mode allows for, or would be if also those of `with` lost their memory now.
    pub(crate) fn too_much_lost(&self, with: impl Fn(u32) -> bool) -> bool {
        self.views.iter().filter(|(view, ..)| view.number >= self.served).any(|(view, since, without)| {
            let gone = |r: &u32| self.lost_at[*r as usize] > *since || without & 1 << r != 0 || with(*r);
            view.members.iter().filter(gone).count() > may_lose(self.mode, view.members.len())
        })
    }
}
