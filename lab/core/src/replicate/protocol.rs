//! The protocols behind one face.
use super::{
    Answer, Key, Mode, Request, RequestId, Version, View,
    chain::Chain,
    message::{Entry, Message, Position},
    primary_backup::PrimaryBackup,
    shared_log::SharedLog,
    store::Store,
};
use crate::{machine::Outbox, time::Time};

/// What a protocol asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Ask {
    /// Send a message to a replica of the group.
    Send {
        /// To whom; to this replica itself where its own queue must not be passed by.
        to: u32,
        /// What.
        message: Message,
    },
    /// Answer a request. A write that is answered `Unavailable` after it was taken may yet be carried out: its fate is open.
    Answer {
        /// Which.
        id: RequestId,
        /// How.
        answer: Answer,
    },
    /// Call [`Protocol::woken`] at this time. Never cancelled; one that comes too early or too often changes nothing.
    WakeAt(Time),
}

/// A protocol's part of one replica. It never sees a message of another view than its own: its membership keeps those out.
#[derive(Clone, Debug)]
pub enum Protocol {
    /// A primary and its backups.
    PrimaryBackup(PrimaryBackup),
    /// A chain, with reads at the tail or everywhere.
    Chain(Chain),
    /// A shared log.
    SharedLog(SharedLog),
}

/// Does the same with the protocol, whichever it is.
macro_rules! with {
    ($protocol:expr, $p:ident => $does:expr) => {
        match $protocol {
            Protocol::PrimaryBackup($p) => $does,
            Protocol::Chain($p) => $does,
            Protocol::SharedLog($p) => $does,
        }
    };
}

impl Protocol {
    /// An empty replica `me`. `deduplicate`: a call is carried out only once, however often it is tried.
    pub fn new(mode: Mode, me: u32, deduplicate: bool) -> Protocol {
        match mode {
            Mode::PrimaryBackup { ack, reads } => {
                Protocol::PrimaryBackup(PrimaryBackup::new(ack, reads, me, deduplicate))
            }
            Mode::Chain => Protocol::Chain(Chain::new(None, me, deduplicate)),
            Mode::Craq { reads } => Protocol::Chain(Chain::new(Some(reads), me, deduplicate)),
            Mode::SharedLog => Protocol::SharedLog(SharedLog::new(me, deduplicate)),
        }
    }

    /// How far it is; told when it is sealed. All zero while parts of the store are missing.
    pub fn position(&self) -> Position {
        with!(self, p => p.position())
    }

    /// `view` is in force and this replica is a member or learner of it. `positions` is what its members and learners said
    /// when they were sealed: every replica of the view gets the same. Whoever is missing has nothing. All pending requests
    /// of the view before are answered `Unavailable`.
    pub fn install(
        &mut self,
        now: Time,
        view: &View,
        positions: &[(u32, Position)],
        out: &mut impl Outbox<Ask>,
    ) {
        with!(self, p => p.install(now, view, positions, out))
    }

    /// The replica is between two views (sealed), ejected or newly started: pending requests are answered `Unavailable`.
    pub fn suspend(&mut self, now: Time, out: &mut impl Outbox<Ask>) {
        with!(self, p => p.suspend(now, out))
    }

    /// A request whose work is done. `leased`: this replica's lease covers `now`. If another replica is in charge the answer
    /// is `Elsewhere`.
    pub fn request(&mut self, now: Time, request: Request, leased: bool, out: &mut impl Outbox<Ask>) {
        with!(self, p => p.request(now, request, leased, out))
    }

    /// A message of the current view from `from`. `leased`: this replica's lease covers `now`; a tail that is asked for a
    /// version needs it.
    pub fn message(
        &mut self,
        now: Time,
        from: u32,
        message: Message,
        leased: bool,
        out: &mut impl Outbox<Ask>,
    ) {
        with!(self, p => p.message(now, from, message, leased, out))
    }

    /// Time to look for what has to be sent again.
    pub fn woken(&mut self, now: Time, out: &mut impl Outbox<Ask>) {
        with!(self, p => p.woken(now, out))
    }

    /// The answer to `learner`'s [`Message::Fetch`]: up to `count` keys above `after`. With the first part the learner begins
    /// to get all new entries too. `None` if this replica is not the donor of its view
    /// ([`Mode::donor`]), or cannot give anything yet: the learner asks again.
    pub fn part(
        &mut self,
        now: Time,
        learner: u32,
        after: Option<Key>,
        count: usize,
        out: &mut impl Outbox<Ask>,
    ) -> Option<Message> {
        let base = with!(self, p => p.feed(now, learner, after.is_none(), out))?;
        let store = self.store();
        let (held, done) = store.part(after, count);
        let calls = if after.is_none() { store.calls() } else { vec![] };
        let view = self.view().number;
        let committed = self.position().committed;
        Some(Message::Part { view, after, held, base, done, committed, calls })
    }

    /// What this replica, as a learner, has to ask its donor for: keys above the one named (`Some(None)`: from the
    /// beginning). `None`: there is nothing to ask for. To be looked at after every [`Protocol::install`] and
    /// [`Protocol::learn`], and again after a while if no part has come.
    pub fn wants(&self) -> Option<Option<Key>> {
        if self.view().learners.contains(self.me()) { self.store().wants() } else { None }
    }

    /// As a learner: takes a [`Message::Part`] of the current view. A part that was not asked for, such as a copy of an
    /// earlier one, changes nothing.
    pub fn learn(&mut self, part: &Message) {
        let Message::Part { after, held, base, done, committed, calls, .. } = part else { return };
        if self.wants() != Some(*after) {
            return;
        }
        if after.is_none() {
            with!(self, p => p.start_after(*base));
        }
        with!(self, p => p.store_mut()).learn(held, calls, *committed, *done);
    }

    /// As a learner: whether it has all that its view began with and all that its donor had when it sent the last part, and so
    /// may become a member.
    pub fn caught_up(&self) -> bool {
        let position = self.position();
        let number = self.view().number;
        number > 0
            && position.view == number
            && self.store().whole_at().is_some_and(|version| position.committed >= version)
    }

    /// The committed state.
    pub fn store(&self) -> &Store {
        with!(self, p => p.store())
    }

    /// What is kept of the order of writes, for whoever checks it: up to where it is forgotten, and the entries above, with
    /// whether each is known to stand in the current view's order.
    pub fn kept(&self) -> (Version, Vec<(Entry, bool)>) {
        with!(self, p => p.kept())
    }

    /// The view it was last told; number 0 if none.
    pub fn view(&self) -> &View {
        with!(self, p => p.view())
    }

    fn me(&self) -> u32 {
        with!(self, p => p.me())
    }
}
