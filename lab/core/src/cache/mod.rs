//! A look-aside cache in front of a store: one replica of it, with its own queue and workers.
//!
//! Every request costs a lookup, which holds a worker for the service time. A read that finds its key is answered then. One
//! that does not (a miss) goes to the store and *fills* the key with the answer; a write goes to the store and invalidates or
//! updates the key. Requests that wait for the store hold no worker (`async`).
//!
//! What sustains a failure here (Bronson et al., HotOS'21, §2.2; Huang et al., OSDI'22, §5.3): after a flush the store gets
//! all of the load and answers late, and an answer that comes after its requester has given up does not fill the key, so that
//! the next request for it misses too. The policy names the cures: a fill that outlives its requester, one fill for all who
//! wait for the same key, leases.
//!
//! The requester of a look-aside cache talks to the store itself. Here the cache's machine does it on the requester's behalf,
//! with one [`Client`] (one budget, one balancer) for all; the lookups alone cost workers, to put a value costs nothing.
//! Values are not kept: what is modelled is whether a key is there, not whether its value is the latest.
mod lease;
mod lru;
mod visit;

use crate::{
    call::{Attempt, Job, Outcome},
    client::{Client, ClientControl, ClientIn, ClientOut, ClientPolicy, Wake},
    directory::Directory,
    draw::{Draw, Stream},
    lineage::Lineage,
    machine::{Machine, Outbox},
    replicate::{Key, Op, View},
    server::{Cancel, Server, ServerControl, ServerIn, ServerOut, ServerPolicy, Work},
    setting::ServerSetting,
    time::{Span, Time},
};
use lease::Leases;
use lru::Lru;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use visit::{Place, Visit, Visits};

/// What the replicas of one cache decide by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CachePolicy {
    /// Queue and workers; the service time is that of a lookup.
    pub server: ServerPolicy,
    /// How the store is called.
    pub store: ClientPolicy,
    /// Keys that one replica holds, the least recently used one making room; `usize::MAX` is unbounded.
    pub capacity: usize,
    /// How long a key is held after it was filled. [`Span::FOREVER`]: until it has to make room.
    pub ttl: Span,
    /// What is there at the beginning of a run.
    pub initial: Initial,
    /// Who fills a key after a miss.
    pub fill: Fill,
    /// How long a call to the store may go on.
    pub fill_timeout: FillTimeout,
    /// Whether those who miss a key that is being filled wait for that fill, and share its result, good or bad
    /// (Go's `golang.org/x/sync/singleflight`).
    pub single_flight: bool,
    /// At most one fill of a key is begun in this time, whatever becomes of it; a write to the key keeps a fill under way from
    /// populating. Others who miss it are answered when it is filled, and turned away if it fails or when no fill is under
    /// way (Nishtala et al., NSDI'13, §3.2.1: 10 s). `None`: no leases.
    pub lease: Option<Span>,
    /// What a write does to its key.
    pub on_write: OnWrite,
}

/// What a cache holds at the beginning of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Initial {
    /// Nothing.
    Empty,
    /// The most popular keys, as many as there is room for. Where keys have a time to live, their ages are spread over it.
    Warm,
}

/// Who fills a key after a miss.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fill {
    /// The requester, when the store has answered it. One that had given up before its lookup was done goes nowhere.
    LookAside,
    /// The cache, whether its requester still waits or not.
    ReadThrough,
}

/// How long a call to the store may go on. The client policy's deadline holds in addition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FillTimeout {
    /// Until the attempt for which it is made is given up: nobody is there any more to put the answer into the cache.
    Requester,
    /// This long, from the miss on, whoever waits. [`Span::FOREVER`]: no limit of its own.
    After(Span),
}

/// What a write does to its key in the cache, after the store has answered. A write of which nobody knows whether it has
/// happened always invalidates; one that the store has turned away changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OnWrite {
    /// The key is taken out.
    Invalidate,
    /// The key is there afterwards, with the new value.
    Update,
}

/// What can happen to a cache.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum CacheIn {
    /// An attempt arrives.
    Request {
        /// The attempt.
        job: Job,
        /// What its call asks for.
        op: Op,
    },
    /// The network brought an answer from the store.
    Answer {
        /// To which attempt of the cache's client.
        attempt: Attempt,
        /// How the attempt ended.
        outcome: Outcome,
    },
    /// The replica of the store that was asked is not in charge; in this view another one is.
    Elsewhere {
        /// The answer's attempt.
        attempt: Attempt,
        /// What the replica knows.
        view: View,
    },
    /// The store's manager says who its members are.
    Members(View),
    /// A timer that the cache asked for went off.
    Woken(CacheWake),
    /// The caller of an attempt closed its connection.
    Disconnected {
        /// The client instance.
        client: u32,
        /// Its attempt.
        attempt: Attempt,
    },
    /// A trigger or an operator acts.
    Control(CacheControl),
}

/// Why a cache wants waking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CacheWake {
    /// A worker's time is over.
    Worker {
        /// Which worker.
        worker: u32,
        /// Which of its jobs.
        epoch: u32,
    },
    /// A timer of the client that calls the store.
    Store(Wake),
}

/// What a trigger or an operator does to a cache.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum CacheControl {
    /// To its queue and workers. A crash loses the keys too, and breaks off the calls to the store.
    Server(ServerControl),
    /// To the client that calls the store.
    Store(ClientControl),
    /// Keys are taken out. Fills that are under way go on.
    Flush(Flush),
}

/// Which keys a flush takes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Flush {
    /// Every key.
    All,
    /// The most popular ones, so many of them.
    Hottest(u64),
}

/// What a cache asks for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum CacheOut {
    /// Hand `wake` back at `at`. Never cancelled: a stale one is ignored.
    WakeAt {
        /// When.
        at: Time,
        /// What for.
        wake: CacheWake,
    },
    /// Answer an attempt.
    Reply {
        /// Which attempt.
        job: Job,
        /// Success, rejected, reset or error.
        outcome: Outcome,
        /// What its lookup cost.
        work: Work,
    },
    /// An attempt is dropped without an answer: its caller has gone.
    Drop {
        /// Which attempt.
        job: Job,
        /// What its lookup cost.
        work: Work,
    },
    /// What the client asks for that calls the store; everything but [`ClientOut::WakeAt`]. Its calls have the numbers of the
    /// requesters' calls, so that they are about the same keys.
    Store {
        /// What it asks for.
        request: ClientOut,
        /// Where it is an attempt to be sent: tries at the call that were made for earlier attempts of the requester. They
        /// are to be added to the job's number on the wire, or each of the requester's retries would meet the same luck
        /// at the store again.
        before: u32,
    },
}

/// The cache machine.
#[derive(Clone, Debug)]
pub struct Cache {
    policy: CachePolicy,
    server: Server,
    store: Client,
    contents: Lru,
    leases: Leases,
    visits: Visits,
    /// Those of them whose requesters have hung up, kept until the calls for which they wait are over.
    gone: usize,
    /// Where the attempts are that came in, for [`Cancel::OnDisconnect`] only.
    by_caller: BTreeMap<(u32, Attempt), u32>,
    /// Calls to the store, where the client keeps them.
    calls: Vec<Option<StoreCall>>,
    /// The fills under way by key and number, where they are to be found by their key.
    fills_by_key: BTreeMap<(Key, u64), u32>,
    /// What came from the store's side during a pause, and hang-ups.
    outside: Vec<CacheIn>,
    counts: Counts,
    told: Vec<ServerOut>,
}

/// A call to the store under way.
#[derive(Clone, Copy, Debug)]
struct StoreCall {
    op: Op,
    /// Who wants the answer: the request for which it is made, then, by [`Visit::next`], those that joined it.
    first: u32,
    last: u32,
    /// Tries at the call that were made for earlier attempts of the requester.
    before: u32,
    /// For a fill: which.
    number: u64,
    /// For a fill: whether its answer is put into the cache.
    populates: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    hits: u64,
    misses: u64,
    fills: u64,
    fills_ended: u64,
    populated: u64,
}

impl Cache {
    /// A replica of a cache in front of `replicas` replicas of a store (at least one). `instance` is the number of the client
    /// instance that calls the store; `keys` is how many keys there are, for a cache that is warm at the beginning.
    pub fn new(policy: &CachePolicy, instance: u32, replicas: u32, keys: u64, draw: Draw) -> Cache {
        let mut contents = Lru::new(policy.capacity);
        if policy.initial == Initial::Warm {
            // The most popular key is the most recently used.
            for key in (0..keys.min(policy.capacity as u64)).rev() {
                // What was filled at a random time is in the middle of its life: without this all keys would end at once.
                let left = match policy.ttl {
                    Span::FOREVER => Span::FOREVER,
                    ttl => ttl * draw.unit(Stream::Age, key, 0),
                };
                contents.insert(key, Time::ZERO + left);
            }
        }
        Cache {
            policy: policy.clone(),
            server: Server::new(&policy.server, draw),
            store: Client::new(instance, &policy.store, replicas, draw),
            contents,
            leases: Leases::default(),
            visits: Visits::default(),
            gone: 0,
            by_caller: BTreeMap::new(),
            calls: vec![],
            fills_by_key: BTreeMap::new(),
            outside: vec![],
            counts: Counts::default(),
            told: vec![],
        }
    }

    /// The same cache, in front of a store that `directory` is about.
    pub fn with_directory(self, directory: Directory) -> Cache {
        Cache { store: self.store.with_directory(directory), ..self }
    }

    /// The same cache in a process that has followed `lives` others: it holds nothing.
    pub fn restarted(mut self, lives: u32) -> Cache {
        self.contents.clear();
        Cache { store: self.store.restarted(lives), ..self }
    }

    /// From now on all is drawn from `draw`; calls of other runs of the `lineage` ask for what they asked for.
    pub fn branch(&mut self, draw: Draw, lineage: &Lineage) {
        self.server.branch(draw, lineage);
        self.store.branch(draw, lineage);
    }

    /// Its queue and workers.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// The client that calls the store.
    pub fn store(&self) -> &Client {
        &self.store
    }

    /// Requests inside: waiting for a lookup, being looked up, or waiting for the store.
    pub fn inside(&self) -> usize {
        self.visits.len() - self.gone
    }

    /// Reads so far that found their key.
    pub fn hits(&self) -> u64 {
        self.counts.hits
    }

    /// Reads so far that did not, whether they made a fill, joined one or were turned away.
    pub fn misses(&self) -> u64 {
        self.counts.misses
    }

    /// Fills begun so far.
    pub fn fills(&self) -> u64 {
        self.counts.fills
    }

    /// Fills so far that have put their key into the cache.
    pub fn populated(&self) -> u64 {
        self.counts.populated
    }

    /// Fills under way.
    pub fn filling(&self) -> u64 {
        self.counts.fills - self.counts.fills_ended
    }

    /// Keys held, those included that are too old and have not been asked for since.
    pub fn size(&self) -> usize {
        self.contents.len()
    }

    /// The keys held, the most recently used first.
    pub fn keys(&self) -> impl Iterator<Item = Key> + '_ {
        self.contents.keys()
    }

    fn request(&mut self, now: Time, job: Job, op: Op, out: &mut impl Outbox<CacheOut>) {
        let inside = self.visits.enter(job, op);
        if self.policy.server.cancel == Cancel::OnDisconnect {
            self.by_caller.insert((job.client, job.attempt), inside.attempt.slot);
        }
        self.serve(now, ServerIn::Arrive(inside), out);
    }

    /// A step of the queue and workers, and what follows from it.
    fn serve(&mut self, now: Time, input: ServerIn, out: &mut impl Outbox<CacheOut>) {
        let mut told = std::mem::take(&mut self.told);
        self.server.step(now, input, &mut told);
        for request in told.drain(..) {
            match request {
                ServerOut::WakeAt { at, worker, epoch } => {
                    out.put(CacheOut::WakeAt { at, wake: CacheWake::Worker { worker, epoch } });
                }
                ServerOut::Reply { job, outcome: Outcome::Success, work } => {
                    let slot = job.attempt.slot;
                    self.visits.get(slot).work = work;
                    self.looked_up(now, slot, out);
                }
                ServerOut::Reply { job, outcome, work } => {
                    self.visits.get(job.attempt.slot).work = work;
                    self.reply(job.attempt.slot, outcome, out);
                }
                ServerOut::Drop { job, work } => {
                    self.visits.get(job.attempt.slot).work = work;
                    self.drop(job.attempt.slot, out);
                }
            }
        }
        self.told = told;
    }

    /// The request in `slot` has been looked up.
    fn looked_up(&mut self, now: Time, slot: u32, out: &mut impl Outbox<CacheOut>) {
        let Visit { job, op, .. } = *self.visits.get(slot);
        let read = match op {
            Op::Read(key) => Some(key),
            Op::Write(_) => None,
        };
        if let Some(key) = read {
            if self.contents.touch(now, key) {
                self.counts.hits += 1;
                return self.reply(slot, Outcome::Success, out);
            }
            self.counts.misses += 1;
        }
        let due = match self.policy.fill_timeout {
            FillTimeout::Requester => job.gives_up_at,
            FillTimeout::After(span) => now + span,
        };
        let gone = job.gives_up_at <= now && self.policy.fill == Fill::LookAside;
        if gone || due <= now {
            return self.drop(slot, out);
        }
        if let Some(key) = read {
            let leased = self.policy.lease.is_some() && self.leases.runs(now, key);
            if (leased || self.policy.single_flight)
                && let Some(call) = self.newest_fill(key)
            {
                return self.join(slot, call);
            }
            if let Some(length) = self.policy.lease
                && !self.leases.take(now, key, length)
            {
                return self.reply(slot, Outcome::Rejected, out);
            }
        }
        self.call_store(now, slot, due, out);
    }

    /// The last fill of `key` that was begun and is under way.
    fn newest_fill(&self, key: Key) -> Option<u32> {
        self.fills_by_key.range((key, 0)..=(key, u64::MAX)).next_back().map(|(_, &call)| call)
    }

    /// The request in `slot` waits for a call that is under way.
    fn join(&mut self, slot: u32, call: u32) {
        self.visits.get(slot).place = Place::Store;
        if let Some(Some(call)) = self.calls.get_mut(call as usize) {
            self.visits.get(call.last).next = Some(slot);
            call.last = slot;
        }
    }

    /// Calls the store for the request in `slot`.
    fn call_store(&mut self, now: Time, slot: u32, due: Time, out: &mut impl Outbox<CacheOut>) {
        let visit = self.visits.get(slot);
        visit.place = Place::Store;
        let Visit { job, op, .. } = *visit;
        let mut number = 0;
        if let Op::Read(_) = op {
            self.counts.fills += 1;
            number = self.counts.fills;
        }
        // As many tries as one call can make; one without a limit makes fewer than this.
        let most = self.policy.store.retry.max_attempts.min(1 << 16);
        let before = job.number.saturating_sub(1).wrapping_mul(most);
        let call = StoreCall { op, first: slot, last: slot, before, number, populates: true };
        let mut told = StoreOutbox { out, before, sent: None, done: None };
        self.store.call_for(now, job.call, before, due, &mut told);
        let StoreOutbox { sent, done, .. } = told;
        if let Some(place) = sent {
            if self.calls.len() <= place as usize {
                self.calls.resize(place as usize + 1, None);
            }
            self.calls[place as usize] = Some(call);
            if let Op::Read(key) = op
                && (self.policy.single_flight || self.policy.lease.is_some())
            {
                self.fills_by_key.insert((key, number), place);
            }
        }
        if let Some(outcome) = done {
            self.settle(now, call, outcome, out);
        }
    }

    /// A step of the client that concerns the call which it keeps at `place`, and what follows from it.
    fn tell_store(&mut self, now: Time, place: u32, input: ClientIn, out: &mut impl Outbox<CacheOut>) {
        let before = self.calls.get(place as usize).copied().flatten().map_or(0, |call| call.before);
        let mut told = StoreOutbox { out, before, sent: None, done: None };
        self.store.step(now, input, &mut told);
        if let Some(outcome) = told.done
            && let Some(call) = self.calls.get_mut(place as usize).and_then(Option::take)
        {
            self.settle(now, call, outcome, out);
        }
    }

    /// A call to the store is over.
    fn settle(&mut self, now: Time, call: StoreCall, outcome: Outcome, out: &mut impl Outbox<CacheOut>) {
        match call.op {
            Op::Read(key) => {
                self.counts.fills_ended += 1;
                self.fills_by_key.remove(&(key, call.number));
                if outcome == Outcome::Success && call.populates {
                    self.counts.populated += 1;
                    self.contents.insert(key, now + self.policy.ttl);
                }
            }
            Op::Write(key) => self.written(now, key, outcome),
        }
        let answer = match outcome {
            Outcome::Success | Outcome::Rejected => outcome,
            // As a proxy answers 502 or 504.
            Outcome::Timeout | Outcome::Reset | Outcome::Error => Outcome::Error,
        };
        let mut next = Some(call.first);
        while let Some(slot) = next {
            let Visit { job, place, next: behind, .. } = *self.visits.get(slot);
            next = behind;
            if place == Place::Gone {
                self.forget(slot);
            } else if answer != Outcome::Success && job.gives_up_at <= now {
                self.drop(slot, out);
            } else if answer == Outcome::Success || slot == call.first || self.policy.single_flight {
                self.reply(slot, answer, out);
            } else {
                // The lease was another's: come again.
                self.reply(slot, Outcome::Rejected, out);
            }
        }
    }

    /// A write to `key` is over.
    fn written(&mut self, now: Time, key: Key, outcome: Outcome) {
        if outcome == Outcome::Rejected {
            return;
        }
        if self.policy.lease.is_some() {
            for (_, &place) in self.fills_by_key.range((key, 0)..=(key, u64::MAX)) {
                if let Some(Some(fill)) = self.calls.get_mut(place as usize) {
                    fill.populates = false;
                }
            }
        }
        if outcome == Outcome::Success && self.policy.on_write == OnWrite::Update {
            self.contents.insert(key, now + self.policy.ttl);
        } else {
            self.contents.remove(key);
        }
    }

    fn reply(&mut self, slot: u32, outcome: Outcome, out: &mut impl Outbox<CacheOut>) {
        let Visit { job, work, .. } = self.leave(slot);
        out.put(CacheOut::Reply { job, outcome, work });
    }

    fn drop(&mut self, slot: u32, out: &mut impl Outbox<CacheOut>) {
        let Visit { job, work, .. } = self.leave(slot);
        out.put(CacheOut::Drop { job, work });
    }

    /// The request in `slot` is not inside any more.
    fn leave(&mut self, slot: u32) -> Visit {
        let visit = self.visits.leave(slot);
        if self.policy.server.cancel == Cancel::OnDisconnect {
            self.by_caller.remove(&(visit.job.client, visit.job.attempt));
        }
        visit
    }

    /// Nothing waits any more for the request in `slot`, whose requester has hung up.
    fn forget(&mut self, slot: u32) {
        self.visits.leave(slot);
        self.gone -= 1;
    }

    fn disconnected(&mut self, now: Time, client: u32, attempt: Attempt, out: &mut impl Outbox<CacheOut>) {
        let Some(slot) = self.by_caller.get(&(client, attempt)).copied() else { return };
        let Visit { job, work, place, .. } = *self.visits.get(slot);
        if place == Place::Lookup {
            let attempt = self.visits.name(slot);
            self.serve(now, ServerIn::Disconnected { client, attempt }, out);
            // The server says nothing of one that it takes out of its queue.
            if self.by_caller.contains_key(&(client, job.attempt)) {
                self.leave(slot);
            }
        } else {
            // Others may wait behind it, and the fill may go on without it.
            self.visits.get(slot).place = Place::Gone;
            self.gone += 1;
            self.by_caller.remove(&(client, attempt));
            out.put(CacheOut::Drop { job, work });
        }
    }

    fn control(&mut self, now: Time, control: CacheControl, out: &mut impl Outbox<CacheOut>) {
        match control {
            // Where the attempts are that came in is kept from the beginning, or not at all.
            CacheControl::Server(ServerControl::Set(ServerSetting::Cancel(_))) => {}
            CacheControl::Server(control) => {
                let paused = self.server.is_paused();
                self.serve(now, ServerIn::Control(control), out);
                match control {
                    ServerControl::Crash => self.crash(out),
                    ServerControl::Resume if paused => {
                        for input in std::mem::take(&mut self.outside) {
                            self.step(now, input, out);
                        }
                    }
                    _ => {}
                }
            }
            CacheControl::Store(control) => {
                let mut told = StoreOutbox { out, before: 0, sent: None, done: None };
                self.store.step(now, ClientIn::Control(control), &mut told);
            }
            CacheControl::Flush(Flush::All) => self.contents.clear(),
            CacheControl::Flush(Flush::Hottest(count)) => {
                let hot: Vec<Key> = self.contents.keys().filter(|&key| key < count).collect();
                for key in hot {
                    self.contents.remove(key);
                }
            }
        }
    }

    /// Keys, leases and calls to the store are lost; the queue and the workers have been lost already.
    fn crash(&mut self, out: &mut impl Outbox<CacheOut>) {
        self.contents.clear();
        self.leases = Leases::default();
        self.fills_by_key.clear();
        self.outside.clear();
        self.store.crash(&mut StoreOutbox { out, before: 0, sent: None, done: None });
        for call in std::mem::take(&mut self.calls).into_iter().flatten() {
            if let Op::Read(_) = call.op {
                self.counts.fills_ended += 1;
            }
            let mut next = Some(call.first);
            while let Some(slot) = next {
                let Visit { place, next: behind, .. } = *self.visits.get(slot);
                next = behind;
                match place {
                    Place::Gone => self.forget(slot),
                    Place::Lookup | Place::Store => self.reply(slot, Outcome::Reset, out),
                }
            }
        }
    }
}

impl Machine for Cache {
    type In = CacheIn;
    type Out = CacheOut;

    fn step(&mut self, now: Time, input: CacheIn, out: &mut impl Outbox<CacheOut>) {
        match input {
            CacheIn::Control(control) => self.control(now, control, out),
            // The server itself knows what pauses and crashes mean for its queue and workers.
            CacheIn::Request { job, op } => self.request(now, job, op, out),
            CacheIn::Woken(CacheWake::Worker { worker, epoch }) => {
                self.serve(now, ServerIn::Woken { worker, epoch }, out);
            }
            CacheIn::Answer { .. }
            | CacheIn::Elsewhere { .. }
            | CacheIn::Members(_)
            | CacheIn::Woken(CacheWake::Store(_))
            | CacheIn::Disconnected { .. }
                if self.server.is_paused() =>
            {
                self.outside.push(input);
            }
            CacheIn::Answer { .. } | CacheIn::Elsewhere { .. } | CacheIn::Members(_)
                if self.server.is_down() => {}
            CacheIn::Answer { attempt, outcome } => {
                self.tell_store(now, attempt.slot, ClientIn::Answer { attempt, outcome }, out);
            }
            CacheIn::Elsewhere { attempt, view } => {
                self.tell_store(now, attempt.slot, ClientIn::Elsewhere { attempt, view }, out);
            }
            CacheIn::Members(view) => self.tell_store(now, u32::MAX, ClientIn::Members(view), out),
            CacheIn::Woken(CacheWake::Store(wake)) => {
                let slot = match wake {
                    Wake::Timeout(attempt) | Wake::Retry(attempt) => attempt.slot,
                    // One step times out one attempt.
                    Wake::Timeouts => self.store.next_timeout().map_or(u32::MAX, |(_, attempt)| attempt.slot),
                };
                self.tell_store(now, slot, ClientIn::Woken(wake), out);
            }
            CacheIn::Disconnected { client, attempt } => self.disconnected(now, client, attempt, out),
        }
    }
}

/// Hands on what the client asks for, and notes what the cache must know of it.
struct StoreOutbox<'a, O> {
    out: &'a mut O,
    before: u32,
    /// Where the client keeps the call of which it has sent an attempt.
    sent: Option<u32>,
    /// How the call ended.
    done: Option<Outcome>,
}

impl<O: Outbox<CacheOut>> Outbox<ClientOut> for StoreOutbox<'_, O> {
    fn put(&mut self, request: ClientOut) {
        match request {
            ClientOut::WakeAt { at, wake } => {
                return self.out.put(CacheOut::WakeAt { at, wake: CacheWake::Store(wake) });
            }
            ClientOut::Send { job, .. } | ClientOut::SendOn { job, .. } => self.sent = Some(job.attempt.slot),
            ClientOut::Done { outcome, .. } => self.done = Some(outcome),
            ClientOut::GiveUp { .. } | ClientOut::Late { .. } | ClientOut::Ended { .. } => {}
        }
        self.out.put(CacheOut::Store { request, before: self.before });
    }
}
