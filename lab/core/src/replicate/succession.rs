//! Who may carry a store on from one view to the next.
//!
//! What has to hold: every write acknowledged before a view is in the list that the view's protocol begins with. The manager
//! knows of each replica only what it said when it was sealed, and that it has not changed since.
//!
//! *All* ([`Ack::All`], chains, the shared log; also [`Ack::One`], which promises nothing): what is acknowledged in a view was
//! at each of its members. So one that held all that was acknowledged before the view, and was a member of it, holds all that
//! was acknowledged in it as well: it is *full*, and one full member is enough. Newcomers become members a little before they
//! are full, for while writes go on they are always a few entries behind; they are from when they hold the list that the view
//! began with.
//!
//! *Majority*: a write needs more than half of the `n` members, so of any `n − n/2` one has it, and as the sealed do not take
//! part any more, no further write can be acknowledged. That one holds all that the view began with, for entries come in order;
//! but another one that answers may not yet, and its list may be longer nevertheless. So among the answers must be one that
//! holds the whole beginning, and of those that do the longest list goes on: all of them are beginnings of the primary's.
//!
//! The view of a replica's *last entry* says less than it seems to: with the first of several entries that are confirmed in a
//! new view it is the new one, while the others are still missing. So a record keeps, as the view of a position, the last view
//! whose beginning the replica held whole.
use super::{
    Ack, Members, Mode, Version,
    manager::Record,
    message::{Message, Position},
};

/// A replica's answer to a seal.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sealed {
    pub(super) replica: u32,
    pub(super) position: Position,
    /// It was a learner and had all that its donor had.
    pub(super) caught_up: bool,
}

impl Record {
    /// Which life of `replica` takes part; `None` if none does.
    pub fn life(&self, replica: u32) -> Option<u64> {
        self.lives.iter().find(|(r, _)| *r == replica).map(|(_, life)| *life)
    }

    /// How far `replica` was before this view.
    pub fn position(&self, replica: u32) -> Option<Position> {
        self.positions.iter().find(|(r, _)| *r == replica).map(|(_, position)| *position)
    }

    /// What its replicas are told, `incarnation` being the one addressed.
    pub(super) fn install(&self, incarnation: u64) -> Message {
        Message::Install { view: self.view, positions: self.positions.clone(), incarnation }
    }

    /// The last write of the list that the view began with.
    fn start(&self, mode: Mode) -> Version {
        match mode {
            // Any unit may have the last one.
            Mode::SharedLog => self.positions.iter().map(|(_, position)| position.last).max(),
            // The first member's list is the one that counts.
            Mode::PrimaryBackup { .. } | Mode::Chain | Mode::Craq { .. } => {
                self.view.members.first().and_then(|first| self.position(first)).map(|p| p.last)
            }
        }
        .unwrap_or(0)
    }

    /// Whether a replica of this view that is at `position` when it is sealed holds the whole list that the view began with.
    fn holds_start(&self, mode: Mode, replica: u32, position: Position) -> bool {
        let start = self.start(mode);
        if position.committed >= start {
            return true;
        }
        if mode == Mode::SharedLog {
            // Positions are filled out of order: only what is played is without gaps.
            return false;
        }
        // It has taken entries of this view in order up to there, or had the same list from the beginning.
        let first = self.view.members.first().and_then(|first| self.position(first));
        let same = |was: Position| first.is_some_and(|f| (was.view, was.last) >= (f.view, f.last));
        position.view == self.view.number && position.last >= start
            || self.position(replica).is_some_and(same)
    }

    /// `answer`'s position as the next record keeps it.
    pub(super) fn settled(&self, mode: Mode, answer: &Sealed) -> Position {
        let view = if self.holds_start(mode, answer.replica, answer.position) {
            self.view.number
        } else {
            self.position(answer.replica).map_or(0, |was| was.view)
        };
        Position { view, ..answer.position }
    }
}

/// The answers of a view's members, weighed.
#[derive(Clone, Debug)]
pub(super) struct Tally {
    mode: Mode,
    /// How many members the view has.
    of: usize,
    /// Member, position as settled, in the old order.
    pub(super) answered: Vec<(u32, Position)>,
    /// Those that can carry on.
    full: Members,
}

impl Tally {
    pub(super) fn new(mode: Mode, record: &Record, answers: &[Sealed]) -> Tally {
        let members = &record.view.members;
        let answer = |m: u32| answers.iter().find(|answer| answer.replica == m);
        let answered: Vec<(u32, Position)> =
            members.iter().filter_map(|m| Some((m, record.settled(mode, answer(m)?)))).collect();
        let full = |&(m, position): &(u32, Position)| {
            position.view == record.view.number || !by_majority(mode) && record.full.contains(m)
        };
        let full = Members::of(answered.iter().filter(|a| full(a)).map(|a| a.0));
        Tally { mode, of: members.len(), answered, full }
    }

    /// Whether those who have answered hold all that was acknowledged.
    pub(super) fn enough(&self) -> bool {
        !self.full.is_empty() && (!by_majority(self.mode) || self.answered.len() >= self.of - self.of / 2)
    }

    /// Whether `member` can carry on.
    pub(super) fn is_full(&self, member: u32) -> bool {
        self.full.contains(member)
    }

    /// The one with most of the list, whatever it may lack.
    pub(super) fn best(&self) -> Option<u32> {
        self.ahead(|_| true)
    }

    /// The members of the next view among those who have answered, in their new order. Primary/backup: whoever has most comes
    /// first, the others keep their order. In a chain everyone has what those behind it have; newcomers stand last until
    /// they are full.
    pub(super) fn order(&self) -> Option<Vec<u32>> {
        let mut order: Vec<u32> = self.answered.iter().map(|a| a.0).collect();
        match self.mode {
            Mode::PrimaryBackup { .. } => {
                let first = self.ahead(|m| self.is_full(m))?;
                order.sort_by_key(|&m| m != first);
            }
            Mode::Chain | Mode::Craq { .. } | Mode::SharedLog => order.sort_by_key(|&m| !self.is_full(m)),
        }
        Some(order)
    }

    /// Of those that `may`, the one that is furthest; of equals the first.
    fn ahead(&self, may: impl Fn(u32) -> bool) -> Option<u32> {
        let among = self.answered.iter().filter(|a| may(a.0));
        among.rev().max_by_key(|(_, p)| (p.view, p.last, p.committed)).map(|a| a.0)
    }
}

fn by_majority(mode: Mode) -> bool {
    matches!(mode, Mode::PrimaryBackup { ack: Ack::Majority, .. })
}
