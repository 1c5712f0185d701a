//! A chain: writes enter at the head and are passed on, one member to the next; what the tail has is committed, and the news of
//! it comes back the same way.
//!
//! Plain chain replication (van Renesse and Schneider, OSDI'04) answers reads at the tail. CRAQ (Terrace and Freedman, USENIX
//! ATC'09) answers them everywhere: every committed write has passed every member, so a key of which a member has no
//! uncommitted entry (a *clean* one) has there its committed value; for a *dirty* one the tail is asked which version is.
//!
//! In the papers the tail answers the client, and (in CRAQ) acknowledges backwards besides. Here the
//! acknowledgement is the answer: it goes back hop by hop, and the head answers the request that it holds. A write costs 2n messages
//! on n members: request, n − 1 entries, n − 1 acknowledgements, answer.
//!
//! A member passes on what it has matched in this view (see [`super::ledger`]). Learners follow the tail.
use super::{
    Answer, Freshness, Key, Members, Mode, Op, Request, RequestId, Target, Version, View,
    feed::{Feed, RESEND},
    ledger::{Ledger, position_of, resumes},
    message::{Entry, Message, Position},
    protocol::Ask,
    store::Store,
};
use crate::{machine::Outbox, time::Time};
use std::collections::BTreeMap;

/// How often the tail is asked the same question before the read is given up.
pub const QUESTION_TRIES: u32 = 20;

/// A replica of a chain.
#[derive(Clone, Debug)]
pub struct Chain {
    /// CRAQ, and how fresh its reads are; `None`: the tail answers reads.
    reads: Option<Freshness>,
    me: u32,
    view: View,
    /// Not between two views.
    active: bool,
    ledger: Ledger,
    /// To the next member; from the tail to the learners.
    feed: Feed,
    /// Requests that are answered when the entry at this place is committed.
    waiting: BTreeMap<Version, Vec<RequestId>>,
    /// Learners that go on from the view before: the tail vouches for what they have too ([`resumes`]).
    resumed: Members,
    /// Reads of dirty keys, by the number of the question.
    questions: BTreeMap<u64, Question>,
    /// The number of the last question. Never used twice, so that a late answer is not taken for a fresh one.
    asked: u64,
}

/// A read that waits for the tail's word.
#[derive(Clone, Copy, Debug)]
struct Question {
    id: RequestId,
    key: Key,
    tries: u32,
    /// When to ask again.
    due: Time,
}

impl Chain {
    /// An empty replica `me`. `reads`: CRAQ's rule, or `None` for plain chain replication.
    pub fn new(reads: Option<Freshness>, me: u32, deduplicate: bool) -> Chain {
        Chain {
            reads,
            me,
            view: View::default(),
            active: false,
            ledger: Ledger::new(deduplicate),
            feed: Feed::default(),
            waiting: BTreeMap::new(),
            resumed: Members::default(),
            questions: BTreeMap::new(),
            asked: 0,
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

    fn mode(&self) -> Mode {
        match self.reads {
            None => Mode::Chain,
            Some(reads) => Mode::Craq { reads },
        }
    }
    fn is_head(&self) -> bool {
        self.active && self.view.members.first() == Some(self.me)
    }
    fn is_tail(&self) -> bool {
        self.active && self.view.members.last() == Some(self.me)
    }
    /// The member or, for a learner, the tail that entries come from.
    fn source(&self) -> Option<u32> {
        let View { members, learners, .. } = &self.view;
        if learners.contains(self.me) { members.last() } else { members.before(self.me) }
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
        self.ledger.install(self.me, view, positions, true);
        self.view = *view;
        self.active = true;
        let committed = |replica| position_of(replica, positions).committed;
        self.resumed = Members::of(view.learners.iter().filter(|&l| resumes(l, view, positions)));
        if let Some(next) = view.members.after(self.me) {
            // A newcomer at the end may know less of commits than the old members before it.
            let behind = view.members.iter().skip_while(|&m| m != next).chain(self.resumed.iter());
            let floor = behind.map(committed).min().unwrap_or(0);
            self.feed.add(next, committed(next), floor, false);
        } else if self.is_tail() {
            for learner in self.resumed.iter() {
                self.feed.add(learner, committed(learner), committed(learner), true);
            }
        }
        self.go_on(now, out);
    }

    /// See [`super::protocol::Protocol::suspend`].
    pub fn suspend(&mut self, _now: Time, out: &mut impl Outbox<Ask>) {
        self.active = false;
        self.feed.clear();
        let writes = std::mem::take(&mut self.waiting).into_values().flatten();
        let reads = std::mem::take(&mut self.questions).into_values().map(|question| question.id);
        for id in writes.chain(reads) {
            out.put(Ask::Answer { id, answer: Answer::Unavailable });
        }
    }

    /// See [`super::protocol::Protocol::request`].
    pub fn request(&mut self, now: Time, request: Request, leased: bool, out: &mut impl Outbox<Ask>) {
        let Request { id, op, value } = request;
        let answer = match self.mode().serves(&self.view, op) {
            _ if !self.active => Some(Answer::Unavailable),
            None => Some(Answer::Unavailable),
            Some(Target::One(one)) if one != self.me => Some(Answer::Elsewhere(self.view)),
            Some(Target::Any) if !self.view.members.contains(self.me) => Some(Answer::Elsewhere(self.view)),
            Some(_) => match op {
                Op::Read(key) => self.read(now, id, key, leased, out),
                Op::Write(_) if !self.ledger.settled() => Some(Answer::Unavailable),
                Op::Write(key) => {
                    if let Some(version) = self.store().written(value.call) {
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
        match answer {
            Some(answer) => out.put(Ask::Answer { id, answer }),
            None => self.go_on(now, out),
        }
    }

    /// What a read finds; `None`: the tail has to be asked.
    fn read(
        &mut self,
        now: Time,
        id: RequestId,
        key: Key,
        leased: bool,
        out: &mut impl Outbox<Ask>,
    ) -> Option<Answer> {
        let (version, value) = self.store().get(key);
        let found = Answer::Found { version, value };
        if self.reads == Some(Freshness::Eventual) {
            return Some(found);
        }
        // Without the lease a later view may have committed writes that never come by here; before the view is settled
        // a member that is new in it may lack some that were committed before.
        if !leased || !self.ledger.settled() {
            return Some(Answer::Unavailable);
        }
        let Some(since) = self.ledger.dirty_since(key) else { return Some(found) };
        if let Some(Freshness::Bounded(bound)) = self.reads
            // Whatever is committed of the key and not known here came after `since`, so it has not been committed for longer.
            && now.since(since) < bound
        {
            return Some(found);
        }
        let Some(tail) = self.view.members.last().filter(|&tail| tail != self.me) else {
            // What the tail has is committed, once the view is settled: no key is dirty.
            return Some(found);
        };
        self.asked += 1;
        let question = Question { id, key, tries: 1, due: now + RESEND };
        self.questions.insert(self.asked, question);
        let message = Message::VersionQuery { view: self.view.number, question: self.asked, key };
        out.put(Ask::Send { to: tail, message });
        None
    }

    /// See [`super::protocol::Protocol::message`].
    pub fn message(
        &mut self,
        now: Time,
        from: u32,
        message: Message,
        leased: bool,
        out: &mut impl Outbox<Ask>,
    ) {
        if !self.active {
            return;
        }
        match message {
            Message::Append { entries, committed, floor, .. } if self.source() == Some(from) => {
                let before = self.ledger.committed();
                let more = self.ledger.accept(now, &entries);
                self.commit(committed, out);
                if !self.is_head() {
                    self.ledger.raise_floor(floor);
                }
                self.go_on(now, out);
                // A member in the middle answers when those behind it have; but at once if they already had (in a new view),
                // and if it is told nothing new, for then an acknowledgement has got lost, or the sender wants to know.
                let last = self.view.members.after(self.me).is_none();
                if last || !more || self.ledger.committed() > before {
                    self.acknowledge(out);
                }
            }
            Message::Appended { last, held, floor, .. } if self.feed.contains(from) => {
                self.feed.acknowledged(now, from, (last, held, floor), &self.ledger);
                let before = self.ledger.committed();
                self.go_on(now, out);
                if self.ledger.committed() > before {
                    self.acknowledge(out);
                }
            }
            Message::VersionQuery { view, question, key }
                // Without an answer the member asks again.
                if self.is_tail() && leased && self.ledger.settled() =>
            {
                let (version, _) = self.store().get(key);
                out.put(Ask::Send { to: from, message: Message::VersionAnswer { view, question, version } });
            }
            Message::VersionAnswer { question, version, .. } if self.view.members.last() == Some(from) => {
                if let Some(Question { id, key, .. }) = self.questions.remove(&question) {
                    out.put(Ask::Answer { id, answer: self.at_version(key, version) });
                }
            }
            _ => {}
        }
    }

    /// The answer to a read of `key` when the tail has said that `version` was committed since the read began. If a
    /// later one is known by now, that was committed after the tail's word, and so since the read began as well.
    fn at_version(&self, key: Key, version: Version) -> Answer {
        let (own, value) = self.store().get(key);
        if own >= version {
            return Answer::Found { version: own, value };
        }
        match self.ledger.get(version) {
            Some(entry) if entry.key == key && version <= self.ledger.matched() => {
                Answer::Found { version, value: entry.value }
            }
            _ => Answer::Unavailable,
        }
    }

    /// See [`super::protocol::Protocol::woken`].
    pub fn woken(&mut self, now: Time, out: &mut impl Outbox<Ask>) {
        self.feed.woken(now, &self.ledger, out);
        let tail = self.view.members.last();
        let view = self.view.number;
        self.questions.retain(|&number, question| {
            if question.due > now {
                return true;
            }
            question.tries += 1;
            question.due = now + RESEND;
            match tail {
                Some(to) if question.tries <= QUESTION_TRIES => {
                    let message = Message::VersionQuery { view, question: number, key: question.key };
                    out.put(Ask::Send { to, message });
                    true
                }
                _ => {
                    out.put(Ask::Answer { id: question.id, answer: Answer::Unavailable });
                    false
                }
            }
        });
        self.arm(now, out);
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
        if !self.is_tail() || !self.ledger.settled() || !self.view.learners.contains(learner) {
            return None;
        }
        // It begins where this replica has told those before it that nothing is needed of what is below: they may drop that.
        // From then on the learner is among those for whom it speaks. One that asks anew is fed as before: it either has begun
        // where an earlier answer said, or will now.
        let base = self.floor();
        if !self.feed.contains(learner) {
            if !first {
                return None;
            }
            self.feed.add(learner, base, base, true);
            self.go_on(now, out);
        }
        Some(base)
    }

    /// As a learner: start over with an empty store; the order of entries goes on after `base`.
    pub fn start_after(&mut self, base: Version) {
        self.ledger.start_after(base);
    }

    /// Passes on what is new, and commits what all behind (for the tail: it itself) have.
    fn go_on(&mut self, now: Time, out: &mut impl Outbox<Ask>) {
        self.feed.pump(&self.ledger, out);
        let behind = match self.view.members.after(self.me) {
            Some(next) => self.feed.last(next),
            None if self.is_tail() => {
                self.resumed.iter().map(|l| self.feed.last(l)).fold(self.ledger.matched(), Version::min)
            }
            None => 0,
        };
        // Not below the place where the view began: what commits has to be whole in the view.
        if behind >= self.ledger.start() {
            self.commit(behind, out);
        }
        if self.is_head() {
            self.ledger.raise_floor(self.floor());
        }
        self.arm(now, out);
    }

    fn commit(&mut self, upto: Version, out: &mut impl Outbox<Ask>) {
        let waiting = &mut self.waiting;
        self.ledger.commit(upto, |entry| {
            for id in waiting.remove(&entry.seq).into_iter().flatten() {
                out.put(Ask::Answer { id, answer: Answer::Written { version: entry.seq } });
            }
        });
    }

    /// This replica and all behind it know all up to here to be committed.
    fn floor(&self) -> Version {
        let committed = self.ledger.committed();
        self.feed.floor().map_or(committed, |floor| floor.min(committed))
    }

    /// Tells the source how far this replica, and all behind it, are.
    fn acknowledge(&mut self, out: &mut impl Outbox<Ask>) {
        let Some(to) = self.source() else { return };
        let held = self.ledger.matched();
        // A learner counts for nothing, so that what it has is all it has to say.
        let learner = self.view.learners.contains(self.me);
        let last = if learner { held } else { self.ledger.committed() };
        let message = Message::Appended { view: self.view.number, last, held, floor: self.floor() };
        out.put(Ask::Send { to, message });
    }

    fn arm(&mut self, now: Time, out: &mut impl Outbox<Ask>) {
        let asked = self.questions.values().map(|question| question.due).min();
        self.feed.arm(now, &self.ledger, asked, out);
    }
}
