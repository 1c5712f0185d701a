//! One replica: a queue, workers, and what becomes of work that nobody waits for any more. How its settings change is in
//! [`settings`].
mod settings;

use crate::{
    call::{Attempt, Job, Outcome},
    demand::Demand,
    draw::{Draw, Stream},
    lineage::Lineage,
    machine::{Machine, Outbox},
    queue::{Discipline, Queue, Waiting},
    setting::ServerSetting,
    time::{Span, Time},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What the replicas of one service decide by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServerPolicy {
    /// Workers of one replica, at least 1.
    pub workers: u32,
    /// Who is served next.
    pub discipline: Discipline,
    /// Waiting places of one replica, workers not included; `usize::MAX` is unbounded.
    pub capacity: usize,
    /// How long a call holds a worker that is not slowed down.
    pub service_time: Demand,
    /// Whether attempts of one call share their demand.
    pub demand_per: DemandPer,
    /// What a server does about attempts whose caller has given up.
    pub cancel: Cancel,
    /// Worker time that turning an attempt away costs; it is paid by the next work to start.
    pub rejection_cost: Span,
    /// How long an attempt hit by an error burst holds a worker. `None`: it fails on arrival and holds none.
    pub error_service_time: Option<Demand>,
}

/// The client number of a job that is no client's but stands for a message of another replica. Such jobs wait in the same
/// queue; waiting places, error bursts and deadlines do not concern them, and [`PeerWork`] says how long they take.
pub const PEER: u32 = u32::MAX;

/// How long the jobs of [`PEER`] hold a worker that is not slowed down. Their `number` says which law is meant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PeerWork {
    /// Of jobs with the number [`PeerWork::APPLY`] or [`PeerWork::READ`].
    pub apply: Demand,
    /// Of jobs with the number [`PeerWork::TRANSFER`].
    pub transfer: Demand,
}

impl PeerWork {
    /// Entries of the store's order are applied.
    pub const APPLY: u32 = 1;
    /// A part of the store is read or written.
    pub const TRANSFER: u32 = 2;
    /// A key is read for a quorum.
    pub const READ: u32 = 3;
    /// It only has to get through the queue.
    pub const NONE: u32 = 0;

    /// How long `job` takes.
    fn draw(&self, job: &Job, draw: Draw) -> Span {
        match job.number {
            PeerWork::APPLY | PeerWork::READ => self.apply.draw(Stream::Demand, job.call, job.number, draw),
            PeerWork::TRANSFER => self.transfer.draw(Stream::Demand, job.call, job.number, draw),
            _ => Span::ZERO,
        }
    }
}

/// What a service demand is drawn for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DemandPer {
    /// Once a call: a retry asks for the same work again.
    Call,
    /// Every attempt anew; for tests of independence.
    Attempt,
}

/// What a server does about attempts whose caller has given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cancel {
    /// It does not learn of it: stale work is done to its end.
    Never,
    /// A closed connection takes the attempt out of the queue, or off its worker.
    OnDisconnect,
    /// Work carries its deadline: it is not started after it, and stopped when it passes.
    Deadline,
}

/// What can happen to a server.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum ServerIn {
    /// An attempt arrives.
    Arrive(Job),
    /// A timer that the server asked for went off: a worker's time is over.
    Woken {
        /// Which worker.
        worker: u32,
        /// Which of its jobs.
        epoch: u32,
    },
    /// The caller of an attempt closed its connection.
    Disconnected {
        /// The client instance.
        client: u32,
        /// Its attempt.
        attempt: Attempt,
    },
    /// A trigger or an operator acts.
    Control(ServerControl),
}

/// What a trigger or an operator does to a server.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum ServerControl {
    /// Work that starts from now on takes this many times as long.
    SlowDown(f64),
    /// This share of the attempts that arrive from now on fail.
    ErrorShare(f64),
    /// Nothing moves any more; what arrives waits outside.
    Pause,
    /// The pause is over.
    Resume,
    /// Queue and work are lost, connections break and are refused.
    Crash,
    /// Empty and ready again.
    Restart,
    /// Everyone in the queue is turned away.
    Flush,
    /// A setting is another one from now on.
    Set(ServerSetting),
}

/// What a server asks for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum ServerOut {
    /// Hold a worker: hand `worker` and `epoch` back at `at`. Never cancelled: a stale one is ignored.
    WakeAt {
        /// When its time is over.
        at: Time,
        /// Which worker.
        worker: u32,
        /// Which of its jobs.
        epoch: u32,
    },
    /// Answer an attempt.
    Reply {
        /// Which attempt.
        job: Job,
        /// Success, rejected, reset or error.
        outcome: Outcome,
        /// What it cost.
        work: Work,
    },
    /// An attempt is dropped without an answer: its caller has gone.
    Drop {
        /// Which attempt.
        job: Job,
        /// What it cost.
        work: Work,
    },
}

/// What an attempt cost a server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Work {
    /// Time in the queue.
    pub waited: Span,
    /// Time on a worker.
    pub held: Span,
    /// The part of `held` after its caller had given up.
    pub stale: Span,
}

/// The server machine.
#[derive(Clone, Debug)]
pub struct Server {
    policy: ServerPolicy,
    peers: PeerWork,
    draw: Draw,
    lineage: Lineage,
    queue: Queue,
    /// Attempts that wait in the queue, for [`Cancel::OnDisconnect`] only.
    waiting: BTreeSet<(u32, Attempt)>,
    /// Attempts that are still in the queue although their callers have gone; swept when they are the majority.
    gone: BTreeSet<(u32, Attempt)>,
    workers: Vec<Worker>,
    idle: Vec<u32>,
    /// Workers that there were once: neither idle nor at work.
    off: Vec<u32>,
    /// How many of those at work go when they are free.
    leaving: u32,
    slow_down: f64,
    error_share: f64,
    /// Rejections not yet paid for by a worker.
    debt: Span,
    state: State,
    /// What came during a pause.
    outside: Vec<(Time, ServerIn)>,
    turned_away: Vec<Waiting>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Up,
    Paused { since: Time },
    Down,
}

#[derive(Clone, Copy, Debug)]
struct Worker {
    /// Counts this worker's timers, so that old ones are stale.
    epoch: u32,
    job: Option<Busy>,
}

#[derive(Clone, Copy, Debug)]
struct Busy {
    waiting: Waiting,
    waited: Span,
    held: Span,
    ends: Time,
    /// From when on the work is stale: when its caller gives up, not counting pauses.
    stale_from: Time,
    /// The work is stopped by its deadline before it is complete.
    cut: bool,
}

impl Server {
    /// An idle replica.
    pub fn new(policy: &ServerPolicy, draw: Draw) -> Server {
        let nothing = || Demand::Constant(Span::ZERO);
        Server::with_peers(policy, PeerWork { apply: nothing(), transfer: nothing() }, draw)
    }

    /// An idle replica that also works on messages of others.
    pub fn with_peers(policy: &ServerPolicy, peers: PeerWork, draw: Draw) -> Server {
        Server {
            policy: policy.clone(),
            peers,
            draw,
            lineage: Lineage::default(),
            queue: Queue::new(policy.discipline),
            waiting: BTreeSet::new(),
            gone: BTreeSet::new(),
            workers: vec![Worker { epoch: 0, job: None }; policy.workers as usize],
            idle: (0..policy.workers).rev().collect(),
            off: vec![],
            leaving: 0,
            slow_down: 1.0,
            error_share: 0.0,
            debt: Span::ZERO,
            state: State::Up,
            outside: vec![],
            turned_away: vec![],
        }
    }

    /// From now on all is drawn from `draw`; calls of other runs of the `lineage` ask for the work that they asked for.
    pub fn branch(&mut self, draw: Draw, lineage: &Lineage) {
        self.draw = draw;
        self.lineage = lineage.clone();
    }

    /// Attempts that wait, whose callers have not been noticed to be gone.
    #[inline]
    pub fn queued(&self) -> usize {
        self.queue.len() - self.gone.len()
    }

    /// Attempts in the queue that will be late: at the mean pace of service, oldest first, work on them ends after their callers have
    /// given up, and is stale.
    pub fn late(&self, now: Time) -> usize {
        let each = self.policy.service_time.mean_seconds();
        let pace = each / f64::from(self.policy.workers);
        let ends = |place: usize| now + Span::from_secs_f64(pace * (place + 1) as f64 + each);
        self.queue
            .iter()
            .enumerate()
            .filter(|(place, waiting)| ends(*place) > waiting.job.gives_up_at)
            .count()
    }

    /// Workers at work.
    #[inline]
    pub fn busy(&self) -> usize {
        self.workers.len() - self.idle.len() - self.off.len()
    }

    /// Workers that it has by its settings; more are at work while some that have been taken away finish.
    #[inline]
    pub fn workers(&self) -> u32 {
        self.policy.workers
    }

    /// Whether a pause holds it.
    pub fn is_paused(&self) -> bool {
        matches!(self.state, State::Paused { .. })
    }

    /// Whether it has crashed and not been restarted.
    pub fn is_down(&self) -> bool {
        self.state == State::Down
    }

    /// Attempts inside: waiting, at work, or held back by a pause.
    pub fn inside(&self) -> usize {
        let held_back = self.outside.iter().filter(|(_, input)| matches!(input, ServerIn::Arrive(_))).count();
        self.queued() + self.busy() + held_back
    }

    #[inline]
    fn arrive(&mut self, now: Time, since: Time, job: Job, out: &mut impl Outbox<ServerOut>) {
        let fails = self.error_share > 0.0
            && job.client != PEER
            && self.draw.unit(Stream::Error, job.call, job.number) < self.error_share;
        if fails && self.policy.error_service_time.is_none() {
            out.put(ServerOut::Reply { job, outcome: Outcome::Error, work: Work::default() });
            return;
        }
        let waiting = Waiting { job, since, fails };
        if let Some(worker) = self.idle.pop() {
            if !self.start(now, worker, waiting, out) {
                self.idle.push(worker);
            }
        } else if self.queued() < self.policy.capacity || job.client == PEER {
            if self.policy.cancel == Cancel::OnDisconnect {
                self.waiting.insert((job.client, job.attempt));
            }
            self.queue.push(now, waiting);
        } else {
            self.reject(now, waiting, out);
        }
    }

    fn reject(&mut self, now: Time, waiting: Waiting, out: &mut impl Outbox<ServerOut>) {
        self.debt += self.policy.rejection_cost;
        let work = Work { waited: now.since(waiting.since), ..Work::default() };
        out.put(ServerOut::Reply { job: waiting.job, outcome: Outcome::Rejected, work });
    }

    /// Puts `waiting` on `worker`, unless its deadline has passed.
    #[inline]
    fn start(&mut self, now: Time, worker: u32, waiting: Waiting, out: &mut impl Outbox<ServerOut>) -> bool {
        let job = waiting.job;
        let waited = now.since(waiting.since);
        let by_deadline = self.policy.cancel == Cancel::Deadline;
        if by_deadline && job.gives_up_at <= now {
            out.put(ServerOut::Drop { job, work: Work { waited, ..Work::default() } });
            return false;
        }
        let (attempt, draw) = match self.policy.demand_per {
            DemandPer::Call => (0, self.lineage.draw(job.call, self.draw)),
            DemandPer::Attempt => (job.number, self.draw),
        };
        let law = match &self.policy.error_service_time {
            Some(law) if waiting.fails => law,
            _ => &self.policy.service_time,
        };
        let mut held = if job.client == PEER {
            self.peers.draw(&job, self.draw)
        } else {
            law.draw(Stream::Demand, job.call, attempt, draw)
        };
        if self.slow_down != 1.0 {
            held = held * self.slow_down;
        }
        held += std::mem::take(&mut self.debt);
        let cut = by_deadline && job.gives_up_at < now + held;
        let ends = if cut { job.gives_up_at } else { now + held };
        let place = &mut self.workers[worker as usize];
        place.epoch = place.epoch.wrapping_add(1);
        let stale_from = job.gives_up_at;
        place.job = Some(Busy { waiting, waited, held: ends.since(now), ends, stale_from, cut });
        out.put(ServerOut::WakeAt { at: ends, worker, epoch: place.epoch });
        true
    }

    /// A worker is free: it takes the next that waits.
    #[inline]
    fn next(&mut self, now: Time, worker: u32, out: &mut impl Outbox<ServerOut>) {
        if self.leaving > 0 {
            return self.leave(worker);
        }
        loop {
            let next = self.queue.pop(now, &mut self.turned_away);
            while let Some(waiting) = self.turned_away.pop() {
                let key = (waiting.job.client, waiting.job.attempt);
                self.waiting.remove(&key);
                if !self.gone.remove(&key) {
                    self.reject(now, waiting, out);
                }
            }
            let Some(waiting) = next else {
                self.idle.push(worker);
                return;
            };
            if self.policy.cancel == Cancel::OnDisconnect {
                let key = (waiting.job.client, waiting.job.attempt);
                self.waiting.remove(&key);
                if self.gone.remove(&key) {
                    continue;
                }
            }
            if self.start(now, worker, waiting, out) {
                return;
            }
        }
    }

    #[inline]
    fn woken(&mut self, now: Time, worker: u32, epoch: u32, out: &mut impl Outbox<ServerOut>) {
        let place = &mut self.workers[worker as usize];
        if place.epoch != epoch {
            return;
        }
        let Some(busy) = place.job.take() else { return };
        let work = busy.work(now);
        let job = busy.waiting.job;
        if busy.cut {
            out.put(ServerOut::Drop { job, work });
        } else {
            let outcome = if busy.waiting.fails { Outcome::Error } else { Outcome::Success };
            out.put(ServerOut::Reply { job, outcome, work });
        }
        self.next(now, worker, out);
    }

    fn disconnected(&mut self, now: Time, client: u32, attempt: Attempt, out: &mut impl Outbox<ServerOut>) {
        if self.policy.cancel != Cancel::OnDisconnect {
            return;
        }
        let key = (client, attempt);
        if self.waiting.remove(&key) {
            self.gone.insert(key);
            // Sweeping when half of the queue is gone costs each attempt a constant on average.
            if self.gone.len() * 2 > self.queue.len() {
                let gone = std::mem::take(&mut self.gone);
                self.queue.retain(|w| !gone.contains(&(w.job.client, w.job.attempt)));
            }
            return;
        }
        let at_work =
            |w: &Worker| w.job.is_some_and(|b| (b.waiting.job.client, b.waiting.job.attempt) == key);
        let Some(worker) = self.workers.iter().position(at_work) else { return };
        if let Some(busy) = self.workers[worker].job.take() {
            let left = busy.ends.since(now);
            let busy = Busy { held: busy.held - left, ends: now, ..busy };
            out.put(ServerOut::Drop { job: busy.waiting.job, work: busy.work(now) });
        }
        self.next(now, worker as u32, out);
    }

    fn control(&mut self, now: Time, control: ServerControl, out: &mut impl Outbox<ServerOut>) {
        match control {
            ServerControl::SlowDown(factor) => self.slow_down = factor,
            ServerControl::ErrorShare(share) => self.error_share = share,
            ServerControl::Pause if self.state == State::Up => self.state = State::Paused { since: now },
            ServerControl::Resume => self.resume(now, out),
            ServerControl::Crash => self.crash(now, out),
            ServerControl::Restart if self.state == State::Down => self.state = State::Up,
            ServerControl::Flush => {
                let queued: Vec<Waiting> = self.queue.drain().collect();
                self.waiting.clear();
                let gone = std::mem::take(&mut self.gone);
                for waiting in queued {
                    if !gone.contains(&(waiting.job.client, waiting.job.attempt)) {
                        self.reject(now, waiting, out);
                    }
                }
            }
            ServerControl::Set(setting) => self.set(now, setting, out),
            ServerControl::Pause | ServerControl::Restart => {}
        }
    }

    /// Work goes on where it stopped, then what waited outside comes in, in its order.
    fn resume(&mut self, now: Time, out: &mut impl Outbox<ServerOut>) {
        let State::Paused { since } = self.state else { return };
        self.state = State::Up;
        let by_deadline = self.policy.cancel == Cancel::Deadline;
        for (index, worker) in self.workers.iter_mut().enumerate() {
            if let Some(busy) = &mut worker.job {
                busy.resume(since, now, by_deadline);
                worker.epoch = worker.epoch.wrapping_add(1);
                out.put(ServerOut::WakeAt { at: busy.ends, worker: index as u32, epoch: worker.epoch });
            }
        }
        self.take_up(now, out);
        for (came, input) in std::mem::take(&mut self.outside) {
            match input {
                ServerIn::Arrive(job) => self.arrive(now, came, job, out),
                ServerIn::Disconnected { client, attempt } => self.disconnected(now, client, attempt, out),
                ServerIn::Woken { .. } | ServerIn::Control(_) => {}
            }
        }
    }

    fn crash(&mut self, now: Time, out: &mut impl Outbox<ServerOut>) {
        let stopped = if let State::Paused { since } = self.state { since } else { now };
        self.state = State::Down;
        self.debt = Span::ZERO;
        let reset = |job, work| ServerOut::Reply { job, outcome: Outcome::Reset, work };
        for worker in &mut self.workers {
            worker.epoch = worker.epoch.wrapping_add(1);
            if let Some(busy) = worker.job.take() {
                let held = busy.held - busy.ends.since(stopped);
                out.put(reset(busy.waiting.job, Busy { held, ends: stopped, ..busy }.work(stopped)));
            }
        }
        self.idle = (0..self.policy.workers).rev().collect();
        self.off = (self.policy.workers..self.workers.len() as u32).collect();
        self.leaving = 0;
        self.waiting.clear();
        let gone = std::mem::take(&mut self.gone);
        for waiting in std::mem::replace(&mut self.queue, Queue::new(self.policy.discipline)).drain() {
            if !gone.contains(&(waiting.job.client, waiting.job.attempt)) {
                let work = Work { waited: now.since(waiting.since), ..Work::default() };
                out.put(reset(waiting.job, work));
            }
        }
        for (came, input) in std::mem::take(&mut self.outside) {
            if let ServerIn::Arrive(job) = input {
                out.put(reset(job, Work { waited: now.since(came), ..Work::default() }));
            }
        }
    }
}

impl Busy {
    /// Goes on at `now` after a pause that began at `since`. Where deadlines cancel, one that has passed stops it at once.
    fn resume(&mut self, since: Time, now: Time, by_deadline: bool) {
        self.ends = now + self.ends.since(since);
        self.stale_from = if self.stale_from < since {
            self.stale_from + now.since(since)
        } else {
            self.stale_from.max(now)
        };
        let gives_up_at = self.waiting.job.gives_up_at.max(now);
        if by_deadline && gives_up_at < self.ends {
            self.held = self.held - self.ends.since(gives_up_at);
            self.ends = gives_up_at;
            self.cut = true;
        }
    }

    /// What it has cost when it ends at `now`.
    fn work(&self, now: Time) -> Work {
        let stale = now.since(self.stale_from).min(self.held);
        Work { waited: self.waited, held: self.held, stale }
    }
}

impl Machine for Server {
    type In = ServerIn;
    type Out = ServerOut;

    #[inline]
    fn step(&mut self, now: Time, input: ServerIn, out: &mut impl Outbox<ServerOut>) {
        match (self.state, input) {
            (_, ServerIn::Control(control)) => self.control(now, control, out),
            (State::Up, ServerIn::Arrive(job)) => self.arrive(now, now, job, out),
            (State::Up, ServerIn::Woken { worker, epoch }) => self.woken(now, worker, epoch, out),
            (State::Up, ServerIn::Disconnected { client, attempt }) => {
                self.disconnected(now, client, attempt, out)
            }
            (State::Paused { .. }, ServerIn::Woken { .. }) => {}
            (State::Paused { .. }, _) => self.outside.push((now, input)),
            (State::Down, ServerIn::Arrive(job)) => {
                out.put(ServerOut::Reply { job, outcome: Outcome::Reset, work: Work::default() });
            }
            (State::Down, _) => {}
        }
    }
}
