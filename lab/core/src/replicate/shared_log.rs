//! The shared log: CORFU (Balakrishnan et al., NSDI'12) and a store that plays it (Tango, SOSP'13).
//!
//! Every member is a log unit ([`LogUnit`]), a player ([`Player`]) and a client of the log; the first one is also the
//! sequencer ([`Sequencer`]). A write asks the sequencer for a position, then writes its entry there at one unit after the
//! other, in the order of the view (chain replication driven by the client, NSDI'12 §3.3), and is committed when the last
//! unit has it. A read asks the sequencer for the tail and plays the log up to there, as far as the last unit has it. A
//! position that stays empty for too long is filled with junk, by the same way through all units; the first unit decides: if
//! it has an entry already, the filler carries that one on.
//!
//! Why this is linearizable:
//!
//! - *Content.* In a view the first unit decides once what stands at a position, and what it decided is copied on in order;
//!   so what the last unit has, all have. See [`LogUnit`] for what is confirmed anew at the beginning of a view.
//! - *Between views.* The members of the new view were units of the old one and have been sealed. What was committed before is
//!   at each of them, and nothing can be committed in the old view any more, because a writer needs all its units. The first
//!   unit of the new view keeps all it has, fills its holes and hands its log on; the sequencer goes on behind it.
//!   Committed entries thereby stay where they are; of the others some may end as junk, but only their writers know of them,
//!   and those have given up.
//! - *Writes* are acknowledged when committed, and need no lease. A later write gets a later position.
//! - *Reads* hold the lease of the replica that was asked when they begin: until then no later view has acknowledged
//!   anything, and whatever this view has acknowledged lies below the tail that the sequencer tells. So the sequencer needs
//!   no lease of its own.
//!
//! Learners stand at the end of the chain from the beginning of the view: a write waits for them too. So a learner that has
//! the log from the beginning of its view, and the store of its donor, has every acknowledged write. They serve no requests.
//!
//! The log is forgotten up to where all members have played it, and not while there are learners: so a learner's base, which
//! is how far its donor has played, lies above what any unit has forgotten, and whoever is first in a later view has what
//! any other has yet to play.
//!
//! Messages of a write at a replica that is not the sequencer: 2 with the client, 2 for the token, 2 for each *other* unit;
//! at the sequencer 2 less. Of a read: 2 with the client, 2 for the tail, 2 with the last unit if there is anything new.
//! With `deduplicate` a write is answered when its position is played, for only then it is known whether its call was carried
//! out before: what others wrote in the meantime has to be read first (2 more).
use super::{
    Answer, Key, Members, Op as Asked, Request, RequestId, Version, View,
    log_unit::{BATCH, LogUnit},
    message::{Entry, Message, Position},
    player::Player,
    protocol::Ask,
    sequencer::Sequencer,
    store::Store,
};
use crate::{
    machine::Outbox,
    time::{Span, Time},
};
use std::collections::{BTreeMap, BTreeSet};

/// How long to wait for an answer before a message is sent again; doubles each time, up to [`RESEND_MAX`].
pub const RESEND: Span = Span::from_millis(50);
/// The longest wait between two sendings.
pub const RESEND_MAX: Span = Span::from_millis(800);
/// How long a player waits for a position that was handed out before it fills the hole. NSDI'12 §3.2 leaves it open; shorter
/// than a write takes under load, it makes writers lose their positions.
pub const PATIENCE: Span = Span::from_millis(200);
/// How often a replica plays what it has not been asked for, as long as there is a log; so the log can be forgotten.
pub const PLAY_EVERY: Span = Span::from_millis(500);

/// What happens when the log is played far enough.
#[derive(Clone, Copy, Debug)]
enum Then {
    /// A read is answered.
    Found { id: RequestId, key: Key },
    /// A write is answered.
    Written { id: RequestId, call: u64 },
    /// The log is played for its own sake.
    Rest,
}

/// Something under way whose message may have to be sent again.
#[derive(Clone, Debug)]
enum Task {
    /// A write waits for its token.
    Token(Request),
    /// Somebody waits for the tail of the log.
    Tail(Then),
    /// Entries go from unit to unit.
    Chain(Chain),
    /// Positions are read.
    Play { after: Version, upto: Version, since: Time },
    /// Time passes until the log is played for its own sake.
    Rest,
}

/// Entries on their way through the units.
#[derive(Clone, Debug)]
struct Chain {
    entries: Vec<Entry>,
    /// Which unit of the chain is next.
    at: usize,
    why: Why,
}

/// Why entries are written.
#[derive(Clone, Copy, Debug)]
enum Why {
    /// A request.
    Write(Request),
    /// Holes are filled, or what the first unit has there is carried on.
    Fill,
    /// The first unit hands its log on at the beginning of a view: the part of it that still matters.
    Renew(Version, Version),
}

#[derive(Clone, Debug)]
struct Pending {
    task: Task,
    due: Time,
    pause: Span,
}

/// A replica of the shared log.
#[derive(Clone, Debug)]
pub struct SharedLog {
    me: u32,
    view: View,
    /// Takes part in `view`; else it is between two views.
    active: bool,
    /// The units: members, then learners.
    chain: Members,
    unit: LogUnit,
    sequencer: Sequencer,
    player: Player,
    /// What the first unit said of the log that this view began with.
    span: Option<(Version, Version)>,
    /// The latest view of which all is here that it began with.
    whole: u64,
    /// Names are never used twice in a view.
    asks: u64,
    tasks: BTreeMap<u64, Pending>,
    timers: BTreeSet<(Time, u64)>,
    /// The earliest time at which [`SharedLog::woken`] is going to be called.
    wake: Time,
    /// Writes that have a position and are not committed yet.
    writes: BTreeMap<Version, u64>,
    /// Reading tasks by the last position they read. Their ranges follow each other.
    plays: BTreeMap<Version, u64>,
    /// Up to here positions have been played or are being read.
    asked: Version,
    /// Who waits until the log is played up to which position.
    waiting: BTreeMap<(Version, u64), Then>,
    /// A [`Then::Rest`] is under way.
    resting: bool,
}

impl SharedLog {
    /// An empty replica `me`.
    pub fn new(me: u32, deduplicate: bool) -> SharedLog {
        SharedLog {
            me,
            view: View::default(),
            active: false,
            chain: Members::default(),
            unit: LogUnit::default(),
            sequencer: Sequencer::default(),
            player: Player::new(deduplicate),
            span: None,
            whole: 0,
            asks: 0,
            tasks: BTreeMap::new(),
            timers: BTreeSet::new(),
            wake: Time::NEVER,
            writes: BTreeMap::new(),
            plays: BTreeMap::new(),
            asked: 0,
            waiting: BTreeMap::new(),
            resting: false,
        }
    }

    /// See [`super::protocol::Protocol::position`].
    pub fn position(&self) -> Position {
        if self.player.store.whole_at().is_none() {
            return Position::default();
        }
        let committed = self.player.played();
        Position { view: self.whole, last: self.unit.last().max(committed), committed }
    }

    /// See [`super::protocol::Protocol::install`]. How far the others are does not matter: the first unit has all that counts.
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
        self.view = *view;
        self.active = true;
        self.chain = Members::of(view.members.iter().chain(view.learners.iter()));
        self.span = None;
        let is_member = view.members.contains(self.me);
        // A learner without a whole store begins anew: its next donor may have played less than the one before. So does
        // whoever this view does not count on: what it has may not fit.
        if !positions.iter().any(|(replica, p)| *replica == self.me && (is_member || p.view > 0)) {
            self.player = Player::new(self.player.store.deduplicates());
            self.unit = LogUnit::default();
            self.whole = 0;
        }
        if is_member && self.player.store.whole_at().is_none() {
            self.player.store.set_whole(self.player.played());
        }
        self.asked = self.player.played();
        self.unit.enter(view.number, self.is_first(), self.player.played());
        if self.is_first() {
            self.whole = view.number;
            let span = (self.unit.trimmed(), self.unit.last().max(self.player.played()));
            self.sequencer = Sequencer::new(span.1);
            self.renew(now, span, out);
        }
        self.advance(now, out);
    }

    /// See [`super::protocol::Protocol::suspend`].
    pub fn suspend(&mut self, _now: Time, out: &mut impl Outbox<Ask>) {
        self.active = false;
        let tasks = std::mem::take(&mut self.tasks).into_values().filter_map(|pending| match pending.task {
            Task::Token(request) | Task::Chain(Chain { why: Why::Write(request), .. }) => Some(request.id),
            Task::Tail(then) => then.id(),
            _ => None,
        });
        let waiting = std::mem::take(&mut self.waiting).into_values().filter_map(Then::id);
        for id in tasks.chain(waiting) {
            out.put(Ask::Answer { id, answer: Answer::Unavailable });
        }
        self.timers.clear();
        // Nobody is woken between two views, so what was asked for may never come.
        self.wake = Time::NEVER;
        self.writes.clear();
        self.plays.clear();
        self.resting = false;
    }

    /// See [`super::protocol::Protocol::request`].
    pub fn request(&mut self, now: Time, request: Request, leased: bool, out: &mut impl Outbox<Ask>) {
        let id = request.id;
        if !self.active {
            out.put(Ask::Answer { id, answer: Answer::Unavailable });
        } else if !self.view.members.contains(self.me) {
            out.put(Ask::Answer { id, answer: Answer::Elsewhere(self.view) });
        } else {
            match request.op {
                Asked::Write(_) => {
                    let store = &self.player.store;
                    match store.written(request.value.call).filter(|_| store.deduplicates()) {
                        Some(version) => out.put(Ask::Answer { id, answer: Answer::Written { version } }),
                        None => self.ask_token(now, request, out),
                    }
                }
                Asked::Read(_) if !leased => out.put(Ask::Answer { id, answer: Answer::Unavailable }),
                Asked::Read(key) => self.ask_tail(now, Then::Found { id, key }, out),
            }
            self.advance(now, out);
        }
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
        let view = self.view.number;
        match message {
            Message::TokenRequest { ask, played, .. } if self.is_first() => {
                self.heard(from, played);
                let seq = self.sequencer.grant(from, ask);
                let trim = self.unit.trimmed();
                out.put(Ask::Send { to: from, message: Message::Token { view, ask, seq, trim } });
            }
            Message::TailQuery { ask, played, .. } if self.is_first() => {
                self.heard(from, played);
                let (seq, trim) = (self.sequencer.last(), self.unit.trimmed());
                out.put(Ask::Send { to: from, message: Message::Tail { view, ask, seq, trim } });
            }
            Message::Token { ask, seq, trim, .. } => {
                self.trim(trim);
                if let Some(Task::Token(request)) = self.take_if(ask, |task| matches!(task, Task::Token(_))) {
                    self.write(now, seq, request, out);
                }
            }
            Message::Tail { ask, seq, trim, .. } => {
                self.trim(trim);
                if let Some(Task::Tail(then)) = self.take_if(ask, |task| matches!(task, Task::Tail(_))) {
                    self.waiting.insert((seq, ask), then);
                }
            }
            Message::LogWrite { ask, span, entries, .. } => {
                if let Some(span) = span {
                    self.span = Some(span);
                    if !self.view.members.contains(self.me) {
                        // A learner does not get what lies below, and its store begins above it.
                        self.unit.trim(span.0);
                    }
                }
                if let Some(kept) = self.write_here(&entries, out) {
                    out.put(Ask::Send { to: from, message: Message::LogWritten { view, ask, kept } });
                }
            }
            Message::LogWritten { ask, kept, .. } => {
                let unit = match self.tasks.get(&ask) {
                    Some(Pending { task: Task::Chain(chain), .. }) => self.chain.iter().nth(chain.at),
                    _ => None,
                };
                // An answer of an earlier unit is a copy that comes late.
                if unit == Some(from) && self.has_written(now, ask, &kept, out) {
                    self.run(now, ask, out);
                }
            }
            Message::LogRead { ask, after, upto, wait, .. } if self.is_last() => {
                if let Some(entries) = self.unit.read(from, ask, after, upto, wait) {
                    out.put(Ask::Send { to: from, message: Message::LogEntries { view, ask, entries } });
                }
            }
            Message::LogEntries { ask, entries, .. } => {
                for entry in entries {
                    self.player.learn(entry);
                }
                self.go_on_reading(now, ask, out);
            }
            _ => {}
        }
        self.advance(now, out);
    }

    /// See [`super::protocol::Protocol::woken`].
    pub fn woken(&mut self, now: Time, out: &mut impl Outbox<Ask>) {
        if self.wake <= now {
            self.wake = Time::NEVER;
        }
        while let Some(&(due, ask)) = self.timers.first().filter(|(due, _)| *due <= now) {
            self.timers.remove(&(due, ask));
            match self.tasks.get(&ask).map(|pending| &pending.task) {
                Some(Task::Rest) => {
                    self.tasks.remove(&ask);
                    self.ask_tail(now, Then::Rest, out);
                }
                Some(Task::Play { since, .. }) => {
                    let impatient = now >= *since + PATIENCE;
                    if self.player_is_content(ask) || (impatient && self.is_last()) {
                        self.go_on_reading(now, ask, out);
                    } else {
                        self.transmit(now, ask, out);
                    }
                }
                Some(_) => self.transmit(now, ask, out),
                None => {}
            }
        }
        self.advance(now, out);
    }

    /// A learner asks for a part of the store. The position up to which the store is played; `None` if this replica is no
    /// member now. New entries come to the learner anyway, through the chain.
    pub fn feed(
        &mut self,
        _now: Time,
        learner: u32,
        _first: bool,
        _out: &mut impl Outbox<Ask>,
    ) -> Option<Version> {
        let feeds =
            self.active && self.view.members.contains(self.me) && self.view.learners.contains(learner);
        feeds.then_some(self.player.played())
    }
    /// As a learner: start over with an empty store; the log is played from after `base`.
    pub fn start_after(&mut self, base: Version) {
        self.player.start_after(base);
        self.asked = base;
    }
    /// See [`super::protocol::Protocol::store`].
    pub fn store(&self) -> &Store {
        &self.player.store
    }
    /// See [`super::protocol::Protocol::kept`].
    pub fn kept(&self) -> (Version, Vec<(Entry, bool)>) {
        let stands = |entry: Entry| (entry, entry.view == self.view.number);
        (self.unit.trimmed(), self.unit.entries().map(stands).collect())
    }
    /// The same, to be changed.
    pub fn store_mut(&mut self) -> &mut Store {
        &mut self.player.store
    }
    /// The view.
    pub fn view(&self) -> &View {
        &self.view
    }
    /// Which replica it is.
    pub fn me(&self) -> u32 {
        self.me
    }
    /// Its log unit.
    pub fn unit(&self) -> &LogUnit {
        &self.unit
    }

    fn is_first(&self) -> bool {
        self.view.members.first() == Some(self.me)
    }
    fn is_last(&self) -> bool {
        self.chain.last() == Some(self.me)
    }

    // Tasks.

    fn new_ask(&mut self) -> u64 {
        self.asks += 1;
        self.asks
    }

    /// Begins a task: sends its message and sets its timer.
    fn begin(&mut self, now: Time, task: Task, out: &mut impl Outbox<Ask>) -> u64 {
        let ask = self.new_ask();
        self.tasks.insert(ask, Pending { task, due: now, pause: RESEND });
        self.transmit(now, ask, out);
        ask
    }

    fn take(&mut self, ask: u64) -> Option<Task> {
        let pending = self.tasks.remove(&ask)?;
        self.timers.remove(&(pending.due, ask));
        Some(pending.task)
    }
    fn take_if(&mut self, ask: u64, fits: impl Fn(&Task) -> bool) -> Option<Task> {
        self.tasks.get(&ask).filter(|pending| fits(&pending.task))?;
        self.take(ask)
    }

    /// Sends a task's message, again or for the first time, and sets its timer.
    fn transmit(&mut self, now: Time, ask: u64, out: &mut impl Outbox<Ask>) {
        let (first, last) = (self.view.members.first(), self.chain.last());
        let (me, view, played) = (self.me, self.view.number, self.player.played());
        let Some(pending) = self.tasks.get_mut(&ask) else { return };
        let mut due = now + pending.pause;
        let (to, message) = match &pending.task {
            Task::Token(_) => (first, Some(Message::TokenRequest { view, ask, played })),
            Task::Tail(_) => (first, Some(Message::TailQuery { view, ask, played })),
            Task::Chain(chain) => {
                let span = match chain.why {
                    Why::Renew(after, upto) => Some((after, upto)),
                    Why::Write(_) | Why::Fill => None,
                };
                let entries = chain.entries.clone();
                (self.chain.iter().nth(chain.at), Some(Message::LogWrite { view, ask, span, entries }))
            }
            &Task::Play { after, upto, since } => {
                let patient = now < since + PATIENCE;
                if patient {
                    due = due.min(since + PATIENCE);
                }
                let after = after.max(played);
                let message = Message::LogRead { view, ask, after, upto, wait: patient };
                (last, (last != Some(me)).then_some(message))
            }
            Task::Rest => {
                due = now + PLAY_EVERY;
                (None, None)
            }
        };
        self.timers.remove(&(pending.due, ask));
        self.timers.insert((due, ask));
        pending.due = due;
        pending.pause = (pending.pause + pending.pause).min(RESEND_MAX);
        if let (Some(to), Some(message)) = (to, message) {
            out.put(Ask::Send { to, message });
        }
    }

    // The client of the log.

    /// A write needs a position.
    fn ask_token(&mut self, now: Time, request: Request, out: &mut impl Outbox<Ask>) {
        if self.is_first() {
            let seq = self.sequencer.hand_out();
            self.write(now, seq, request, out);
        } else {
            self.begin(now, Task::Token(request), out);
        }
    }

    /// A write has a position.
    fn write(&mut self, now: Time, seq: Version, request: Request, out: &mut impl Outbox<Ask>) {
        if seq <= self.player.played() {
            // The token was so long on its way that the position has been filled.
            return self.ask_token(now, request, out);
        }
        let entry = Entry { seq, view: self.view.number, key: request.op.key(), value: request.value };
        let ask = self.send_through(now, vec![entry], Why::Write(request), out);
        if self.tasks.contains_key(&ask) {
            self.writes.insert(seq, ask);
        }
    }

    /// Sends entries through all units.
    fn send_through(&mut self, now: Time, entries: Vec<Entry>, why: Why, out: &mut impl Outbox<Ask>) -> u64 {
        let ask = self.new_ask();
        let task = Task::Chain(Chain { entries, at: 0, why });
        self.tasks.insert(ask, Pending { task, due: now, pause: RESEND });
        self.run(now, ask, out);
        ask
    }

    /// Goes on with the next unit of a chain, and with the one after it as long as it is this replica's own.
    fn run(&mut self, now: Time, ask: u64, out: &mut impl Outbox<Ask>) {
        while let Some(Pending { task: Task::Chain(chain), .. }) = self.tasks.get(&ask) {
            let unit = self.chain.iter().nth(chain.at);
            match unit {
                None => return self.commit(ask, out),
                // A filler is sent to one's own unit as to others, and waits there behind the writes that have come before it:
                // else it would take the positions of all that wait.
                Some(unit) if unit == self.me && !matches!(chain.why, Why::Fill) => {
                    let entries = chain.entries.clone();
                    // A unit of one's own that cannot tell: see `LogUnit::write`. The fate stays open until the next view.
                    let Some(kept) = self.write_here(&entries, out) else { return };
                    if !self.has_written(now, ask, &kept, out) {
                        return;
                    }
                }
                Some(_) => return self.transmit(now, ask, out),
            }
        }
    }

    /// The current unit of a chain has the entries, except that it has kept `kept`. Whether the chain goes on.
    fn has_written(&mut self, now: Time, ask: u64, kept: &[Entry], out: &mut impl Outbox<Ask>) -> bool {
        let played = self.player.played();
        let Some(pending) = self.tasks.get_mut(&ask) else { return false };
        let Task::Chain(chain) = &mut pending.task else { return false };
        pending.pause = RESEND;
        chain.at += 1;
        if chain.at > 1 {
            // Only the first unit decides.
            return true;
        }
        match chain.why {
            Why::Write(request) => {
                let Some(lost) = kept.first() else { return true };
                // Somebody has filled the position.
                let seq = lost.seq;
                self.take(ask);
                self.writes.remove(&seq);
                self.ask_token(now, request, out);
                false
            }
            Why::Fill => {
                for entry in &mut chain.entries {
                    if let Ok(place) = kept.binary_search_by_key(&entry.seq, |kept| kept.seq) {
                        *entry = kept[place];
                    }
                }
                // The first unit may have forgotten what everyone has played: there its silence does not mean junk.
                chain.entries.retain(|entry| entry.seq > played);
                let goes_on = !chain.entries.is_empty();
                if !goes_on {
                    self.take(ask);
                }
                goes_on
            }
            Why::Renew(..) => true,
        }
    }

    /// All units have a chain's entries.
    fn commit(&mut self, ask: u64, out: &mut impl Outbox<Ask>) {
        let Some(Task::Chain(chain)) = self.take(ask) else { return };
        for &entry in &chain.entries {
            self.player.learn(entry);
            if let Why::Write(request) = chain.why {
                self.writes.remove(&entry.seq);
                self.committed(entry.seq, request, out);
            }
        }
    }

    /// A write is committed.
    fn committed(&mut self, seq: Version, request: Request, out: &mut impl Outbox<Ask>) {
        let id = request.id;
        if self.player.store.deduplicates() {
            let ask = self.new_ask();
            self.waiting.insert((seq, ask), Then::Written { id, call: request.value.call });
        } else {
            out.put(Ask::Answer { id, answer: Answer::Written { version: seq } });
        }
    }

    /// The first unit hands on its log: so it is confirmed in this view.
    fn renew(&mut self, now: Time, span: (Version, Version), out: &mut impl Outbox<Ask>) {
        let entries: Vec<Entry> = self.unit.entries().collect();
        if entries.is_empty() {
            self.send_through(now, vec![], Why::Renew(span.0, span.1), out);
        }
        for batch in entries.chunks(BATCH) {
            self.send_through(now, batch.to_vec(), Why::Renew(span.0, span.1), out);
        }
    }

    // The unit.

    /// Entries come to this replica's unit. What it has kept instead; `None` if it cannot tell.
    fn write_here(&mut self, entries: &[Entry], out: &mut impl Outbox<Ask>) -> Option<Vec<Entry>> {
        let mut kept = vec![];
        let mut told = true;
        for &entry in entries {
            match self.unit.write(entry, self.player.played()) {
                Some(held) => {
                    if held != entry {
                        kept.push(held);
                    }
                    if self.is_last() && held.seq > self.unit.trimmed() {
                        self.player.learn(held);
                    }
                }
                None => told = false,
            }
        }
        if let Some((after, upto)) = self.span
            && self.whole < self.view.number
            && self.unit.is_whole(after.max(self.unit.trimmed()), upto)
        {
            self.whole = self.view.number;
        }
        let view = self.view.number;
        for (to, ask, entries) in self.unit.ready() {
            out.put(Ask::Send { to, message: Message::LogEntries { view, ask, entries } });
        }
        told.then_some(kept)
    }

    /// As the sequencer: `replica` has played up to `played`.
    fn heard(&mut self, replica: u32, played: Version) {
        self.sequencer.played(replica, played);
        self.trim_for_all();
    }

    /// As the sequencer: forgets what every replica has played. While there are learners nothing is forgotten: nobody knows
    /// where they begin, and whoever is first in the next view must have the log from there.
    fn trim_for_all(&mut self) {
        if self.is_first() && self.view.learners.is_empty() {
            let others = self.view.members.iter().filter(|&r| r != self.me);
            let played = self.player.played();
            let upto = self.sequencer.all_played(others).unwrap_or(played).min(played);
            self.trim(upto);
            self.sequencer.trim(upto);
        }
    }

    fn trim(&mut self, upto: Version) {
        self.unit.trim(upto.min(self.player.played()));
    }

    // The player.

    /// Somebody needs the log up to where it goes now.
    fn ask_tail(&mut self, now: Time, then: Then, out: &mut impl Outbox<Ask>) {
        if self.is_first() {
            let ask = self.new_ask();
            self.waiting.insert((self.sequencer.last(), ask), then);
        } else {
            self.begin(now, Task::Tail(then), out);
        }
    }

    /// Whether a reading task has nothing left to read.
    fn player_is_content(&self, ask: u64) -> bool {
        match self.tasks.get(&ask).map(|pending| &pending.task) {
            Some(&Task::Play { after, upto, .. }) => self.player.missing(after, upto).is_empty(),
            _ => false,
        }
    }

    /// Something of a reading task may have come: ends it if nothing is missing, or fills what has been missing for too long.
    /// All that it misses was handed out before it began.
    fn go_on_reading(&mut self, now: Time, ask: u64, out: &mut impl Outbox<Ask>) {
        let Some(Pending { task: Task::Play { after, upto, since }, .. }) = self.tasks.get(&ask) else {
            return;
        };
        let (upto, impatient) = (*upto, now >= *since + PATIENCE);
        let missing = self.player.missing(*after, upto);
        if !missing.is_empty() && !impatient {
            return;
        }
        self.take(ask);
        self.plays.remove(&upto);
        if !missing.is_empty() {
            let view = self.view.number;
            let junk = missing.into_iter().map(|seq| Entry::junk(seq, view)).collect();
            self.send_through(now, junk, Why::Fill, out);
        }
    }

    /// Reads up to `upto`, as far as that is not under way.
    fn read_up_to(&mut self, now: Time, upto: Version, out: &mut impl Outbox<Ask>) {
        self.asked = self.asked.max(self.player.played());
        while self.asked < upto {
            let after = self.asked;
            self.asked = upto.min(after + BATCH as u64);
            let ask = self.begin(now, Task::Play { after, upto: self.asked, since: now }, out);
            self.plays.insert(self.asked, ask);
        }
    }

    /// Plays what can be played, and does all that waited for it.
    fn advance(&mut self, now: Time, out: &mut impl Outbox<Ask>) {
        if !self.active {
            return;
        }
        while let Some(entry) = self.player.play() {
            // Somebody has carried this replica's write to the end, or filled its position, before it knew itself.
            if let Some(ask) = self.writes.remove(&entry.seq)
                && let Some(Task::Chain(Chain { why: Why::Write(request), .. })) = self.take(ask)
            {
                if (entry.key, entry.value) == (request.op.key(), request.value) {
                    self.committed(entry.seq, request, out);
                } else {
                    self.ask_token(now, request, out);
                }
            }
        }
        let played = self.player.played();
        while let Some(first) = self.plays.first_entry().filter(|first| *first.key() <= played) {
            let ask = first.remove();
            self.take(ask);
        }
        while let Some(first) = self.waiting.first_entry().filter(|first| first.key().0 <= played) {
            let (seq, _) = *first.key();
            match first.remove() {
                Then::Found { id, key } => {
                    let (version, value) = self.player.store.get(key);
                    out.put(Ask::Answer { id, answer: Answer::Found { version, value } });
                }
                Then::Written { id, call } => {
                    let version = self.player.store.written(call).unwrap_or(seq);
                    out.put(Ask::Answer { id, answer: Answer::Written { version } });
                }
                Then::Rest => {
                    self.resting = false;
                    self.trim_for_all();
                }
            }
        }
        if let Some((&(upto, _), _)) = self.waiting.last_key_value()
            && self.player.can_play()
        {
            self.read_up_to(now, upto, out);
        }
        if !self.resting && !self.unit.is_empty() {
            self.resting = true;
            self.begin(now, Task::Rest, out);
        }
        if let Some(&(due, _)) = self.timers.first().filter(|(due, _)| *due < self.wake) {
            self.wake = due;
            out.put(Ask::WakeAt(due));
        }
    }
}

impl Then {
    fn id(self) -> Option<RequestId> {
        match self {
            Then::Found { id, .. } | Then::Written { id, .. } => Some(id),
            Then::Rest => None,
        }
    }
}
