//! Who may carry a store on from one view to the next.
//!
//! What has to hold: every write acknowledged before a view is in the list that the view's protocol begins with. The manager
//! knows of each replica only what it said when it was sealed, and that it has not changed since.
//!
//! *All* ([`Ack::All`], chains, the shared log; also [`Ack::One`], which promises nothing): what is acknowledged in a view was
//! at each of its members. So one that held all that was acknowledged before the view, and was a member of it, holds all that
//! was acknowledged in it as well: it is *full*, and one full member is enough. Newcomers become members a little before they
//! are full, for while writes go on they are always a few entries behind; they are from when they hold all that a view of
//! theirs began with.
//!
//! *Majority*: a write needs more than half of the `n` members of its view, so any `n − ⌊n/2⌋` of them include one that has it;
//! and as the sealed do not take part any more, nothing else can be acknowledged. One that has acknowledged an entry in a view
//! is whole in that view, for entries come in order. So let `w` be the latest view that anyone who answers is whole in. If
//! enough members of each view from `w` on answer, then nothing was acknowledged after `w`; and of those that are whole in
//! `w`, whose lists are beginnings of the primary's, the longest has all that was acknowledged in `w` and, being whole in it, before.
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

    /// A replica's position as the next record keeps it: a replica may hold all that this view began with and not know it yet.
    pub(super) fn settled(&self, mode: Mode, answer: &Sealed) -> Position {
        let position = answer.position;
        let first = self.view.members.first().and_then(|first| self.position(first));
        // It had the same list as the first one from the beginning. In a log the last entry says nothing of those before it.
        let same = |was: Position| first.is_some_and(|f| (was.view, was.last) >= (f.view, f.last));
        let whole = position.view == self.view.number
            || position.view > 0 && position.committed >= self.start(mode)
            || mode != Mode::SharedLog && self.position(answer.replica).is_some_and(same);
        if whole { Position { view: self.view.number, ..position } } else { position }
    }
}

/// The answers of a view's members, weighed.
#[derive(Clone, Debug)]
pub(super) struct Tally {
    mode: Mode,
    /// Member, position as settled, in the old order.
    answered: Vec<(u32, Position)>,
    /// Those that can carry on.
    full: Members,
    enough: bool,
}

impl Tally {
    /// `records` are all there are; the answers are those of the last one's replicas.
    pub(super) fn new(mode: Mode, records: &[Record], answers: &[Sealed]) -> Tally {
        let Some(record) = records.last() else {
            return Tally { mode, answered: vec![], full: Members::default(), enough: false };
        };
        let answer = |m: u32| answers.iter().find(|answer| answer.replica == m);
        let answered: Vec<(u32, Position)> = (record.view.members.iter())
            .filter_map(|m| Some((m, record.settled(mode, answer(m)?))))
            .collect();
        let by_majority = matches!(mode, Mode::PrimaryBackup { ack: Ack::Majority, .. });
        let most = answered.iter().map(|(_, p)| (p.view, p.last)).max().unwrap_or_default();
        let full = |&(m, position): &(u32, Position)| match by_majority {
            true => (position.view, position.last) == most,
            false => position.view == record.view.number || record.full.contains(m),
        };
        let full = Members::of(answered.iter().filter(|a| full(a)).map(|a| a.0));
        let well_known = |of: &Record| {
            let members = &of.view.members;
            let same_life = |m: u32| members.contains(m) && of.life(m) == record.life(m);
            let known = answered.iter().filter(|(m, _)| same_life(*m)).count();
            known >= members.len() - members.len() / 2
        };
        let since = records.iter().rev().take_while(|of| of.view.number >= most.0);
        let enough = !full.is_empty() && (!by_majority || most.0 > 0 && since.into_iter().all(well_known));
        Tally { mode, answered, full, enough }
    }

    /// Whether those who have answered hold all that was acknowledged.
    pub(super) fn enough(&self) -> bool {
        self.enough
    }

    /// Members that have answered.
    pub(super) fn answered(&self) -> impl Iterator<Item = u32> + '_ {
        self.answered.iter().map(|a| a.0)
    }

    /// Whether `member` can carry on.
    pub(super) fn is_full(&self, member: u32) -> bool {
        self.full.contains(member)
    }

    /// The one with most of the list, whatever it may lack.
    pub(super) fn best(&self) -> Option<u32> {
        self.ahead(|_| true)
    }

    /// The members of the old view that can be members of the next, in their new order. Primary/backup: whoever has most comes first,
    /// the others keep their order. In a chain everyone has what those behind it have; newcomers stand last until they are
    /// full.
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
