//! Who may carry a store on from one view to the next.
//!
//! What has to hold: every write acknowledged before a view is in the list that the view's protocol begins with. The manager
//! knows of each replica only what it said when it was sealed, and that it has not changed since.
//!
//! *All* ([`Ack::All`], chains, the shared log): what is acknowledged in a view is at each of its members. Every member has
//! all that was acknowledged before the view as well: one that was a member before has it for that reason, and a learner
//! becomes a member only after a view of which it had the whole beginning and in which nothing was acknowledged that it had
//! not ([`Record::may_join`]). So one member is enough.
//!
//! *Majority*: a write needs more than half of the `n` members of its view, so any `n − ⌊n/2⌋` of them include one that has
//! it; and as the sealed do not take part any more, nothing else can be acknowledged. One that has acknowledged an entry in a
//! view is whole in that view, for entries come in order. So let `w` be the latest view that anyone who answers is whole in.
//! If enough members of each view from `w` on answer, then nothing was acknowledged after `w`; and of those that are whole in
//! `w`, whose lists are beginnings of the primary's, the longest has all that was acknowledged in `w` and, being whole in it,
//! before.
//!
//! *One* ([`Ack::One`]) promises nothing, and goes on with the best that answers.
use super::{
    Ack, Mode,
    ledger::resumes,
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

    /// A replica's position as the next record keeps it: in primary/backup a replica may hold all that this view began with,
    /// which is the first member's list, and not know it yet.
    pub(super) fn settled(&self, mode: Mode, answer: &Sealed) -> Position {
        let position = answer.position;
        let first = self.view.members.first().and_then(|first| self.position(first));
        let (Mode::PrimaryBackup { .. }, Some(first)) = (mode, first) else { return position };
        // It had the same list from the beginning, and has not begun anew since.
        let same =
            |was: Position| (was.view, was.last) >= (first.view, first.last) && position.last >= was.last;
        let whole = position.view > 0 && position.committed >= first.last
            || self.position(answer.replica).is_some_and(same);
        if whole { Position { view: self.view.number, ..position } } else { position }
    }

    /// Whether a learner of this view that gave `answer` can be a member of the next one, which begins with what `first` has.
    pub(super) fn may_join(&self, mode: Mode, answer: &Sealed, first: Position) -> bool {
        let counted = match mode {
            // Nothing was acknowledged without it.
            Mode::PrimaryBackup { ack: Ack::All, .. } | Mode::Chain | Mode::Craq { .. } => {
                resumes(answer.replica, &self.view, &self.positions)
            }
            // A learner of a log is one of its units from the beginning.
            Mode::SharedLog => true,
            // Nobody relies on a single member.
            Mode::PrimaryBackup { ack: Ack::Majority, .. } => true,
            // What only the lost primary and this learner had is lost, and something else takes its place: with it in the
            // store the learner would differ for ever. It begins anew.
            Mode::PrimaryBackup { ack: Ack::One, .. } => answer.position.committed <= first.last,
        };
        counted && answer.caught_up && answer.position.view == self.view.number
    }
}

/// The answers of a view's members, weighed.
#[derive(Clone, Debug)]
pub(super) struct Tally {
    mode: Mode,
    /// Member, position as settled, in the old order.
    answered: Vec<(u32, Position)>,
    enough: bool,
}

impl Tally {
    /// `records` are all there are; the answers are those of the last one's replicas.
    pub(super) fn new(mode: Mode, records: &[Record], answers: &[Sealed]) -> Tally {
        let Some(record) = records.last() else { return Tally { mode, answered: vec![], enough: false } };
        let answer = |m: u32| answers.iter().find(|answer| answer.replica == m);
        let answered: Vec<(u32, Position)> = (record.view.members.iter())
            .filter_map(|m| Some((m, record.settled(mode, answer(m)?))))
            .collect();
        let well_known = |of: &Record| {
            let members = &of.view.members;
            let same_life = |m: u32| members.contains(m) && of.life(m) == record.life(m);
            let known = answered.iter().filter(|(m, _)| same_life(*m)).count();
            known >= members.len() - members.len() / 2
        };
        let enough = match mode {
            Mode::PrimaryBackup { ack: Ack::Majority, .. } => {
                let latest = answered.iter().map(|(_, position)| position.view).max().unwrap_or(0);
                latest > 0 && records.iter().rev().take_while(|of| of.view.number >= latest).all(well_known)
            }
            _ => !answered.is_empty(),
        };
        Tally { mode, answered, enough }
    }

    /// Whether those who have answered hold all that was acknowledged.
    pub(super) fn enough(&self) -> bool {
        self.enough
    }

    /// Members that have answered.
    pub(super) fn answered(&self) -> impl Iterator<Item = u32> + '_ {
        self.answered.iter().map(|a| a.0)
    }

    /// The one with most of the list; of equals the first.
    pub(super) fn best(&self) -> Option<u32> {
        self.answered.iter().rev().max_by_key(|(_, p)| (p.view, p.last, p.committed)).map(|a| a.0)
    }

    /// Those who have answered as members of the next view. Primary/backup: whoever has most comes first, the others keep
    /// their order. In a chain everyone has what those behind it have.
    pub(super) fn order(&self) -> Vec<u32> {
        let mut order: Vec<u32> = self.answered().collect();
        if let (Mode::PrimaryBackup { .. }, Some(best)) = (self.mode, self.best()) {
            order.sort_by_key(|&m| m != best);
        }
        order
    }
}
