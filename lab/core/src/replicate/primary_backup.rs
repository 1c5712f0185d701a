//! A primary orders writes and sends each of them to all backups; how many must have it before it is acknowledged is a choice.
//!
//! The order and what keeps it through changes of view is the [`super::ledger`]'s. A write costs 2 + 2(n − 1) messages on n
//! members: request, an entry to each backup, an acknowledgement from each, answer. Backups learn what is committed with the
//! next entry; if none comes, the primary tells them after a while. Reads that ask a majority are the [`super::quorum`]'s.
use super::{
    Ack, Answer, Key, Members, Mode, Op, Reads, Request, RequestId, Target, Version, View,
    feed::Feed,
    ledger::{Ledger, position_of, resumes},
    message::{Entry, Message, Position},
    protocol::Ask,
    quorum::{Heard, Quorum},
    store::Store,
};
use crate::{machine::Outbox, time::Time};
use std::collections::BTreeMap;

/// A replica of a primary/backup group.
#[derive(Clone, Debug)]
pub struct PrimaryBackup {
    ack: Ack,
    reads: Reads,
    me: u32,
    view: View,
    /// Not between two views.
    active: bool,
    ledger: Ledger,
    /// To the other members and the learners; empty unless this is the primary.
    feed: Feed,
    /// Learners that go on from the view before: where all members acknowledge, these do too ([`resumes`]).
    resumed: Members,
    /// Requests that are answered when the entry at this place is committed.
    waiting: BTreeMap<Version, Vec<RequestId>>,
    /// Reads that wait for a majority.
    quorum: Quorum,
}

impl PrimaryBackup {
    /// An empty replica `me`.
    pub fn new(ack: Ack, reads: Reads, me: u32, deduplicate: bool) -> PrimaryBackup {
        PrimaryBackup {
            ack,
            reads,
            me,
            view: View::default(),
            active: false,
            ledger: Ledger::new(deduplicate),
            feed: Feed::default(),
            resumed: Members::default(),
            waiting: BTreeMap::new(),
            quorum: Quorum::default(),
        }
    }

    /// See [`super::protocol::Protocol::position`].
    pub fn position(&self) -> Position {
        self.ledger.position()
    }
    /// The committed state.
    pub fn store(&self) -> &Store {
        self.ledger.store()
    }
    /// See [`super::protocol::Protocol::kept`].
    pub fn kept(&self) -> (Version, Vec<(Entry, bool)>) {
        (self.ledger.dropped(), self.ledger.kept_entries().collect())
    }
    /// The same, to be changed.
    pub fn store_mut(&mut self) -> &mut Store {
        self.ledger.store_mut()
    }
    /// The view it was last told.
    pub fn view(&self) -> &View {
        &self.view
    }
    /// Which replica it is.
    pub fn me(&self) -> u32 {
        self.me
    }

    fn is_primary(&self) -> bool {
        self.active && self.view.members.first() == Some(self.me)
    }

    /// See [`super::protocol::Protocol::install`].
    pub fn install(
        &mut self,
        now: Time,
        view: &View,
        positions: &[(u32, Position)],
        out: &mut impl Outbox<Ask>,
    ) {
        if view.number <= self.view.number {
            return;
        }
        self.suspend(now, out);
        let resume = self.ack != Ack::One;
        self.ledger.install(self.me, view, positions, resume);
        self.view = *view;
        self.active = true;
        if !self.is_primary() {
            return;
        }
        for backup in view.members.iter().filter(|&m| m != self.me) {
            let committed = position_of(backup, positions).committed;
            self.feed.add(backup, committed, committed, true);
        }
        self.resumed = Members::of(view.learners.iter().filter(|&l| resume && resumes(l, view, positions)));
        for learner in self.resumed.iter() {
            let committed = position_of(learner, positions).committed;
            self.feed.add(learner, committed, committed, true);
        }
        self.feed.pump(&self.ledger, out);
        self.advance(out);
        self.feed.arm(now, &self.ledger, None, out);
    }

    /// See [`super::protocol::Protocol::suspend`].
    pub fn suspend(&mut self, _now: Time, out: &mut impl Outbox<Ask>) {
        self.active = false;
        self.feed.clear();
        for id in std::mem::take(&mut self.waiting).into_values().flatten() {
            out.put(Ask::Answer { id, answer: Answer::Unavailable });
        }
        self.quorum.clear(out);
    }

    /// See [`super::protocol::Protocol::request`].
    pub fn request(&mut self, now: Time, request: Request, leased: bool, out: &mut impl Outbox<Ask>) {
        let Request { id, op, value } = request;
        let mode = Mode::PrimaryBackup { ack: self.ack, reads: self.reads };
        let answer = match mode.serves(&self.view, op) {
            _ if !self.active => Some(Answer::Unavailable),
            None => Some(Answer::Unavailable),
            Some(Target::One(first)) if first != self.me => Some(Answer::Elsewhere(self.view)),
            Some(Target::Any) if !self.view.members.contains(self.me) => Some(Answer::Elsewhere(self.view)),
            Some(target) => match op {
                Op::Read(key) if self.reads == Reads::Quorum => {
                    self.quorum.ask(now, (id, key), self.me, &self.view, out);
                    return self.decide_reads(now, out);
                }
                Op::Read(key) => Some(if target == Target::Any || (leased && self.ledger.settled()) {
                    let (version, value) = self.store().get(key);
                    Answer::Found { version, value }
                } else {
                    Answer::Unavailable
                }),
                Op::Write(key) => {
                    // An acknowledgement of others proves that the view is still in force; where none is waited for, the
                    // lease has to.
                    if !self.ledger.settled() || (self.ack == Ack::One && !leased) {
                        Some(Answer::Unavailable)
                    } else if let Some(version) = self.store().written(value.call) {
                        Some(Answer::Written { version })
                    } else {
                        let place = self.ledger.ordered(value.call);
                        let place = place.unwrap_or_else(|| self.ledger.order(now, key, value));
                        self.waiting.entry(place).or_default().push(id);
                        None
                    }
                }
            },
        };
        if let Some(answer) = answer {
            out.put(Ask::Answer { id, answer });
            return;
        }
        self.feed.pump(&self.ledger, out);
        self.advance(out);
        self.feed.arm(now, &self.ledger, None, out);
    }

    /// See [`super::protocol::Protocol::message`].
    pub fn message(
        &mut self,
        now: Time,
        from: u32,
        message: Message,
        _leased: bool,
        out: &mut impl Outbox<Ask>,
    ) {
        if !self.active {
            return;
        }
        match message {
            Message::Append { view, entries, committed, floor }
                if self.view.members.first() == Some(from) && from != self.me =>
            {
                self.ledger.accept(now, &entries);
                self.ledger.commit(committed, |_| {});
                self.ledger.raise_floor(floor);
                // Whether or not anything was new: the primary may have missed the last acknowledgement.
                let last = self.ledger.matched();
                let floor = self.ledger.committed();
                out.put(Ask::Send { to: from, message: Message::Appended { view, last, held: last, floor } });
                self.decide_reads(now, out);
            }
            Message::Appended { last, held, floor, .. } if self.is_primary() => {
                self.feed.acknowledged(now, from, (last, held, floor), &self.ledger);
                self.feed.pump(&self.ledger, out);
                self.advance(out);
                self.feed.arm(now, &self.ledger, None, out);
                self.decide_reads(now, out);
            }
            Message::ReadQuery { view, question, key } if self.view.members.contains(self.me) => {
                // Without an answer the member asks again.
                if let Some(Heard { matched, committed, versions }) = self.ledger.heard(key) {
                    let message = Message::ReadAnswer { view, question, matched, committed, versions };
                    out.put(Ask::Send { to: from, message });
                }
            }
            Message::ReadAnswer { question, matched, committed, versions, .. }
                if self.view.members.contains(from) =>
            {
                self.quorum.heard(question, from, Heard { matched, committed, versions });
                self.decide_reads(now, out);
            }
            _ => {}
        }
    }

    fn decide_reads(&mut self, now: Time, out: &mut impl Outbox<Ask>) {
        let ledger = &self.ledger;
        self.quorum.decide(self.view.members.len(), |key| ledger.heard(key), out);
        self.quorum.arm(now, out);
    }

    /// See [`super::protocol::Protocol::woken`].
    pub fn woken(&mut self, now: Time, out: &mut impl Outbox<Ask>) {
        self.feed.woken(now, &self.ledger, out);
        self.feed.arm(now, &self.ledger, None, out);
        self.quorum.woken(now, self.me, &self.view, out);
        self.quorum.arm(now, out);
    }

    /// What it has of a key, as it would say to a member that asks; `None`: nothing that counts.
    pub fn heard(&self, key: Key) -> Option<Heard> {
        self.ledger.heard(key)
    }

    /// A learner asks for a part, `first`: for the first one, and gets all new entries from now on. Where its own order is to
    /// begin; `None` if this replica is not the donor.
    pub fn feed(
        &mut self,
        now: Time,
        learner: u32,
        first: bool,
        out: &mut impl Outbox<Ask>,
    ) -> Option<Version> {
        // Before the view is settled, a learner could think that it has caught up and lack what others have committed.
        if !self.is_primary() || !self.ledger.settled() || !self.view.learners.contains(learner) {
            return None;
        }
        // Not from the last commit on: as the next primary it may have to send entries to a member that knows less of commits.
        // One that asks anew is fed as before: it either has begun where an earlier answer said, or will now.
        let base = self.ledger.floor();
        if !self.feed.contains(learner) {
            if !first {
                return None;
            }
            self.feed.add(learner, base, base, true);
            self.feed.pump(&self.ledger, out);
            self.feed.arm(now, &self.ledger, None, out);
        }
        Some(base)
    }

    /// As a learner: start over with an empty store; the order of entries goes on after `base`.
    pub fn start_after(&mut self, base: Version) {
        self.ledger.start_after(base);
    }

    /// As the primary: commits what enough members have.
    fn advance(&mut self, out: &mut impl Outbox<Ask>) {
        let members = self.view.members;
        let required = match self.ack {
            Ack::One => 1,
            Ack::Majority => members.len() / 2 + 1,
            Ack::All => members.len(),
        };
        let mut had: Vec<Version> = (members.iter())
            .map(|m| if m == self.me { self.ledger.matched() } else { self.feed.last(m) })
            .collect();
        had.sort_unstable_by(|a, b| b.cmp(a));
        let mut enough = had.get(required - 1).copied().unwrap_or(0);
        if self.ack == Ack::All {
            enough = self.resumed.iter().map(|l| self.feed.last(l)).fold(enough, Version::min);
        }
        // Not below the place where the view began: a vote has to come from a member that is whole in the view.
        if enough >= self.ledger.start() {
            let waiting = &mut self.waiting;
            self.ledger.commit(enough, |entry| {
                for id in waiting.remove(&entry.seq).into_iter().flatten() {
                    out.put(Ask::Answer { id, answer: Answer::Written { version: entry.seq } });
                }
            });
        }
        let committed = self.ledger.committed();
        self.ledger.raise_floor(self.feed.floor().map_or(committed, |floor| floor.min(committed)));
    }
}
