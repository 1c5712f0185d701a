//! The client: timeouts, retries and replica choice for the calls of one client instance. What hedged calls do otherwise is in
//! [`hedging`], and how settings change is in [`settings`].
mod hedging;
mod settings;

use crate::{
    balance::{Balance, Balancer},
    budget::{BudgetState, Charge},
    call::{Attempt, Job, Outcome},
    directory::{Directory, REDIRECTS_MAX, Route},
    draw::{Draw, Stream},
    hedge::Hedge,
    lineage::Lineage,
    machine::{Machine, Outbox},
    replicate::View,
    retry::{Retry, Waits},
    setting::ClientSetting,
    time::{Span, Time},
};
use hedging::Hedging;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// What one client group decides by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClientPolicy {
    /// How long an attempt may take, from when it is sent. [`Span::FOREVER`]: as long as the deadline lets it.
    pub per_try_timeout: Span,
    /// How long a call may take, all attempts, from its intended start. [`Span::FOREVER`]: no limit.
    pub deadline: Span,
    /// When and after which wait a failed attempt is tried again.
    pub retry: Retry,
    /// Whether and when a slow attempt gets others beside it. A call that is hedged is not retried.
    pub hedge: Option<Hedge>,
    /// Which replica gets an attempt.
    pub balance: Balance,
}

/// What can happen to a client.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum ClientIn {
    /// The workload wants call `call`, meant to start at `intended`.
    Arrive {
        /// The call's number, from the workload.
        call: u64,
        /// When the schedule wanted it, which may be before `now`.
        intended: Time,
    },
    /// The network brought an answer: success, rejected, reset or error.
    Answer {
        /// To which attempt.
        attempt: Attempt,
        /// How the attempt ended.
        outcome: Outcome,
    },
    /// The replica asked is not in charge; in this view another one is.
    Elsewhere {
        /// The answer's attempt.
        attempt: Attempt,
        /// What the replica knows.
        view: View,
    },
    /// The service's manager says who its members are.
    Members(View),
    /// A timer that the client asked for went off.
    Woken(Wake),
    /// An operator or a trigger changes how the client behaves.
    Control(ClientControl),
}

/// What an operator can tell a client.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum ClientControl {
    /// Let new calls in with this probability.
    Admit(f64),
    /// Whether retries and hedges may be scheduled.
    Retries(bool),
    /// A setting is another one from now on.
    Set(ClientSetting),
}

/// What a client asks for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum ClientOut {
    /// Send an attempt to a replica.
    Send {
        /// The attempt, as the server gets it.
        job: Job,
        /// Which replica of the service.
        replica: u32,
        /// When the call was meant to start.
        intended: Time,
    },
    /// Send an attempt on to the replica that is in charge, as a [`ClientOut::Send`] that counts for no new attempt.
    SendOn {
        /// The attempt, under a new name.
        job: Job,
        /// Which replica of the service.
        replica: u32,
    },
    /// Hand `wake` back at `at`. Never cancelled: a stale one is ignored.
    WakeAt {
        /// When.
        at: Time,
        /// What for.
        wake: Wake,
    },
    /// The client no longer waits for the attempt, which timed out or lost to another one of its call; its connection may be
    /// closed.
    GiveUp {
        /// Which attempt.
        attempt: Attempt,
        /// Where it was sent.
        replica: u32,
    },
    /// An answer came for an attempt that had been given up: the work behind it was stale.
    Late {
        /// The answer's attempt.
        attempt: Attempt,
    },
    /// An attempt ended while its client still waited for it. One that lost to another attempt of its call has no outcome.
    Ended {
        /// How.
        outcome: Outcome,
    },
    /// The call is over.
    Done {
        /// Which call.
        call: u64,
        /// How its last attempt ended.
        outcome: Outcome,
        /// Attempts it took; 0 if it was shed.
        attempts: u32,
        /// When it was meant to start; latency counts from here.
        intended: Time,
    },
}

/// Why the client wants waking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Wake {
    /// The time of the attempt that was to time out first is up. Timeouts mostly come due in the order in which they were
    /// armed, and most attempts are over before: one timer for the first of them does for all.
    Timeouts,
    /// The attempt's time is up; for one that times out before others that were armed earlier.
    Timeout(Attempt),
    /// The wait before the next attempt, a retry or a hedge, is over.
    Retry(Attempt),
}

/// The client machine.
#[derive(Clone, Debug)]
pub struct Client {
    id: u32,
    policy: ClientPolicy,
    waits: Waits,
    draw: Draw,
    balancer: Balancer,
    /// For a service whose replicas have roles, or come and go.
    directory: Option<Box<Directory>>,
    budget: BudgetState,
    /// For clients that hedge.
    hedging: Option<Box<Hedging>>,
    /// Places among the calls that are taken by attempts beside the first of a call.
    beside: usize,
    admit: f64,
    retries: bool,
    calls: Vec<Pending>,
    free: Vec<u32>,
    generation: u32,
    /// When attempts time out, in order; some of them are over already. While there are any, one timer is under way.
    timeouts: VecDeque<(Time, Attempt)>,
    /// When that timer goes off; one that does before is left from an earlier life.
    armed: Time,
}

/// Attempts of one life have names below 2 to this power: 67 million.
const GENERATION_BITS: u32 = 26;

/// No attempt is in flight: the call waits to retry, or for attempts beside this one.
const NOWHERE: u32 = u32::MAX;

#[derive(Clone, Copy, Debug)]
struct Pending {
    call: u64,
    intended: Time,
    /// When the whole call must be over.
    due: Time,
    /// The wait before the attempt in flight, for decorrelated jitter.
    waited: Span,
    attempts: u32,
    /// Tries at the call that were made before this client was asked; see [`Client::call_for`].
    before: u32,
    /// The attempt that is current; 0 marks a free slot.
    generation: u32,
    /// Where the current attempt is.
    replica: u32,
    /// What the last retry was charged.
    charge: Charge,
    /// When the current attempt is given up.
    gives_up_at: Time,
    /// Redirections that the current attempt has followed.
    redirects: u8,
}

impl Client {
    /// Client instance `id` of `replicas` servers (at least one).
    pub fn new(id: u32, policy: &ClientPolicy, replicas: u32, draw: Draw) -> Client {
        Client {
            id,
            policy: policy.clone(),
            waits: Waits::new(&policy.retry),
            draw,
            // Instances begin at different replicas, as a fleet's do.
            balancer: Balancer::new(policy.balance, replicas, id),
            directory: None,
            budget: BudgetState::new(&policy.retry.budget),
            hedging: policy.hedge.as_ref().map(|hedge| Box::new(Hedging::new(hedge))),
            beside: 0,
            admit: 1.0,
            retries: true,
            calls: vec![],
            free: vec![],
            generation: 0,
            timeouts: VecDeque::new(),
            armed: Time::ZERO,
        }
    }

    /// The same client, of a service that `directory` is about.
    pub fn with_directory(self, directory: Directory) -> Client {
        Client { directory: Some(Box::new(directory)), ..self }
    }

    /// The same client in a process that has followed `lives` others: none of its attempts has the name of one of theirs, which
    /// a server may still work on.
    pub fn restarted(self, lives: u32) -> Client {
        Client { generation: lives << GENERATION_BITS, ..self }
    }

    /// From now on all is drawn from `draw`; calls of other runs of the `lineage` ask for what they asked for.
    pub fn branch(&mut self, draw: Draw, lineage: &Lineage) {
        self.draw = draw;
        if let Some(directory) = &mut self.directory {
            directory.branch(lineage);
        }
    }

    /// Calls that are not over yet and have been tried again: a retry of theirs is under way, or waits for its time.
    pub fn retrying(&self) -> usize {
        let tried_again = |p: &&Pending| p.generation != 0 && (p.attempts > 1 || p.replica == NOWHERE);
        self.calls.iter().filter(tried_again).count() - self.beside
    }

    /// Calls that are not over yet.
    #[inline]
    pub fn in_progress(&self) -> usize {
        self.calls.len() - self.free.len() - self.beside
    }

    /// Attempts in flight at each replica.
    pub fn in_flight(&self) -> &[u32] {
        self.balancer.in_flight()
    }

    /// A call on behalf of a caller one tier up, who waits until `due`; it starts now, and this client's own deadline holds
    /// too. `before` tries at the same call were made for the caller's earlier attempts: the choice of a replica goes on from
    /// there, since a repeated draw would lead every retry of the caller to where the last one failed.
    pub fn call_for(
        &mut self,
        now: Time,
        call: u64,
        before: u32,
        due: Time,
        out: &mut impl Outbox<ClientOut>,
    ) {
        let due = due.min(now + self.policy.deadline);
        self.begin(now, call, now, due, before, out);
    }

    /// The client's process dies: its calls end in `reset`, and it begins anew with a full budget, and without knowledge of
    /// views. What an operator has told it stays in force.
    pub fn crash(&mut self, out: &mut impl Outbox<ClientOut>) {
        let replicas = self.balancer.in_flight().len() as u32;
        self.balancer = Balancer::new(self.policy.balance, replicas, self.id);
        self.budget = BudgetState::new(&self.policy.retry.budget);
        if let Some(directory) = &mut self.directory {
            directory.forget();
        }
        let hedging = self.policy.hedge.as_ref().map(|hedge| Box::new(Hedging::new(hedge)));
        let races = std::mem::replace(&mut self.hedging, hedging);
        self.beside = 0;
        self.free.clear();
        self.timeouts.clear();
        // Generations go on, so that what is still said of these calls is stale.
        for (slot, pending) in std::mem::take(&mut self.calls).into_iter().enumerate() {
            let Pending { call, generation, intended, replica, .. } = pending;
            if generation == 0 {
                continue;
            }
            let attempts = races.as_ref().and_then(|r| r.attempts(slot as u32)).unwrap_or(pending.attempts);
            let outcome = Outcome::Reset;
            if replica != NOWHERE {
                out.put(ClientOut::GiveUp { attempt: Attempt { slot: slot as u32, generation }, replica });
                out.put(ClientOut::Ended { outcome });
            }
            if !races.as_ref().is_some_and(|races| races.is_beside(slot as u32)) {
                out.put(ClientOut::Done { call, outcome, attempts, intended });
            }
        }
    }

    #[inline]
    fn begin(
        &mut self,
        now: Time,
        call: u64,
        intended: Time,
        due: Time,
        before: u32,
        out: &mut impl Outbox<ClientOut>,
    ) {
        if self.admit < 1.0 && self.draw.unit(Stream::Shed, call, before) >= self.admit {
            out.put(ClientOut::Done { call, outcome: Outcome::Rejected, attempts: 0, intended });
            return;
        }
        let hedged = self.hedging.is_some() && self.is_to_be_hedged(call);
        if !hedged {
            self.budget.started(now);
        }
        let pending = Pending {
            call,
            intended,
            due,
            waited: Span::ZERO,
            attempts: 0,
            before,
            generation: 0,
            replica: NOWHERE,
            charge: 0,
            gives_up_at: Time::NEVER,
            redirects: 0,
        };
        let slot = self.occupy(pending);
        if self.hedging.is_some() {
            self.enter(now, slot, hedged);
        }
        self.send(now, slot, out);
        if hedged {
            self.plan_hedge(now, slot, out);
        }
    }

    /// Finds a place for `pending`.
    // Inlined always, as the other parts that hedged calls share: the compiler would call what is used twice.
    #[inline(always)]
    fn occupy(&mut self, pending: Pending) -> u32 {
        match self.free.pop() {
            Some(slot) => {
                self.calls[slot as usize] = pending;
                slot
            }
            None => {
                self.calls.push(pending);
                self.calls.len() as u32 - 1
            }
        }
    }

    #[inline]
    fn send(&mut self, now: Time, slot: u32, out: &mut impl Outbox<ClientOut>) {
        let pending = &mut self.calls[slot as usize];
        pending.attempts += 1;
        pending.redirects = 0;
        pending.gives_up_at = (now + self.policy.per_try_timeout).min(pending.due);
        let job = self.address(slot);
        let Pending { replica, intended, .. } = self.calls[slot as usize];
        out.put(ClientOut::Send { job, replica, intended });
        if job.gives_up_at != Time::NEVER {
            self.arm(job.gives_up_at, job.attempt, out);
        }
    }

    /// Chooses a replica for the attempt of the call at `slot`, and names the attempt anew.
    #[inline]
    fn address(&mut self, slot: u32) -> Job {
        let generation = self.next_generation();
        let pending = &mut self.calls[slot as usize];
        pending.generation = generation;
        let Pending { call, before, attempts, gives_up_at, .. } = *pending;
        let number = before.wrapping_add(attempts);
        let replica = match &self.directory {
            _ if self.hedging.is_some() => self.choose_another(slot, call, number),
            None => self.balancer.pick(call, number, self.draw),
            Some(directory) => match directory.route(call, self.draw) {
                Route::AnyOf(members) => self.balancer.pick_of(&members, call, number, self.draw),
                Route::To(replica) => {
                    self.balancer.take(replica);
                    replica
                }
            },
        };
        self.calls[slot as usize].replica = replica;
        Job { client: self.id, attempt: Attempt { slot, generation }, call, number: attempts, gives_up_at }
    }

    /// The replica asked is not in charge of the call: the attempt goes on to the one that is, if that is news.
    fn redirect(&mut self, now: Time, attempt: Attempt, view: &View, out: &mut impl Outbox<ClientOut>) {
        if !self.hears(now, attempt, out) {
            return;
        }
        let news = self.directory.as_mut().is_some_and(|directory| directory.told(view));
        let pending = &mut self.calls[attempt.slot as usize];
        if !news || pending.redirects == REDIRECTS_MAX {
            return self.settle(now, attempt.slot, Outcome::Rejected, out);
        }
        pending.redirects += 1;
        self.balancer.release(pending.replica);
        let job = self.address(attempt.slot);
        out.put(ClientOut::SendOn { job, replica: self.calls[attempt.slot as usize].replica });
        if job.gives_up_at != Time::NEVER {
            self.arm(job.gives_up_at, job.attempt, out);
        }
    }

    /// Sees to it that `attempt` times out at `at`.
    #[inline]
    fn arm(&mut self, at: Time, attempt: Attempt, out: &mut impl Outbox<ClientOut>) {
        match self.timeouts.back() {
            Some(last) if last.0 > at => out.put(ClientOut::WakeAt { at, wake: Wake::Timeout(attempt) }),
            Some(_) => self.timeouts.push_back((at, attempt)),
            None => {
                self.timeouts.push_back((at, attempt));
                self.armed = at;
                out.put(ClientOut::WakeAt { at, wake: Wake::Timeouts });
            }
        }
    }

    /// The attempt that times out next, if any is waited for, and when.
    #[inline]
    pub fn next_timeout(&mut self) -> Option<(Time, Attempt)> {
        while let Some(&next) = self.timeouts.front() {
            if self.waits_for(next.1) {
                return Some(next);
            }
            self.timeouts.pop_front();
        }
        None
    }

    /// Times out the attempt whose time is up, and asks for a timer for the next one that is waited for.
    #[inline]
    fn time_out(&mut self, now: Time, out: &mut impl Outbox<ClientOut>) {
        if now < self.armed {
            return;
        }
        if let Some((_, attempt)) = self.next_timeout().filter(|(at, _)| *at <= now) {
            // It stays in the list meanwhile: while that is not empty, no second timer is asked for.
            self.give_up(now, attempt, out);
        }
        if let Some((at, _)) = self.next_timeout() {
            self.armed = at;
            out.put(ClientOut::WakeAt { at, wake: Wake::Timeouts });
        }
    }

    #[inline]
    fn give_up(&mut self, now: Time, attempt: Attempt, out: &mut impl Outbox<ClientOut>) {
        let replica = self.calls[attempt.slot as usize].replica;
        out.put(ClientOut::GiveUp { attempt, replica });
        self.settle(now, attempt.slot, Outcome::Timeout, out);
    }

    /// The current attempt of the call at `slot` has ended: try again, or end the call.
    #[inline]
    fn settle(&mut self, now: Time, slot: u32, outcome: Outcome, out: &mut impl Outbox<ClientOut>) {
        if self.hedging.is_some() && self.is_hedged(slot) {
            return self.settle_hedged(now, slot, outcome, out);
        }
        let Pending { attempts, charge, .. } = self.land(slot, outcome, out);
        if attempts > 1 {
            self.budget.retry_ended();
        }
        if outcome == Outcome::Success {
            self.budget.succeeded(now, charge);
        } else if let Some(wait) = self.judge(now, slot, outcome) {
            if wait == Span::ZERO {
                return self.send(now, slot, out);
            }
            let generation = self.next_generation();
            self.calls[slot as usize].generation = generation;
            out.put(ClientOut::WakeAt { at: now + wait, wake: Wake::Retry(Attempt { slot, generation }) });
            return;
        }
        self.finish(slot, outcome, out);
    }

    /// The attempt at `slot` is no longer in flight.
    #[inline(always)]
    fn land(&mut self, slot: u32, outcome: Outcome, out: &mut impl Outbox<ClientOut>) -> Pending {
        let pending = &mut self.calls[slot as usize];
        self.balancer.release(pending.replica);
        pending.replica = NOWHERE;
        let pending = *pending;
        out.put(ClientOut::Ended { outcome });
        if let Some(directory) = &mut self.directory {
            match outcome {
                Outcome::Timeout | Outcome::Reset => directory.unheard(),
                Outcome::Success | Outcome::Rejected | Outcome::Error => directory.heard(),
            }
        }
        pending
    }

    /// The call at `slot` is over.
    #[inline(always)]
    fn finish(&mut self, slot: u32, outcome: Outcome, out: &mut impl Outbox<ClientOut>) {
        let pending = &mut self.calls[slot as usize];
        pending.generation = 0;
        let Pending { call, attempts, intended, .. } = *pending;
        self.free.push(slot);
        out.put(ClientOut::Done { call, outcome, attempts, intended });
    }

    /// The wait before the next attempt, if there is to be one. A retry that could only start after the call's deadline is
    /// not made, and not charged.
    #[inline]
    fn judge(&mut self, now: Time, slot: u32, outcome: Outcome) -> Option<Span> {
        let retry = &self.policy.retry;
        if !retry.retry_on.contains(outcome) {
            return None;
        }
        self.budget.failed();
        let in_progress = self.in_progress();
        let retry = &self.policy.retry;
        let pending = &mut self.calls[slot as usize];
        if pending.attempts >= retry.max_attempts || !self.retries {
            return None;
        }
        let rejected = outcome == Outcome::Rejected;
        let wait = self.waits.wait(pending.call, pending.attempts, rejected, pending.waited, self.draw);
        if now + wait >= pending.due {
            return None;
        }
        pending.charge = self.budget.charge(now, outcome, in_progress)?;
        pending.waited = wait;
        Some(wait)
    }

    /// A new generation: everything said of a call's older ones is stale.
    #[inline]
    fn next_generation(&mut self) -> u32 {
        self.generation = self.generation.checked_add(1).unwrap_or(1);
        self.generation
    }

    /// Whether a word about `attempt` comes in time. One that comes at the very instant of the timeout is late, whichever of the
    /// two the engine brought first.
    #[inline]
    fn hears(&mut self, now: Time, attempt: Attempt, out: &mut impl Outbox<ClientOut>) -> bool {
        let current = self.waits_for(attempt);
        let in_time = current && now < self.calls[attempt.slot as usize].gives_up_at;
        if current && !in_time {
            self.give_up(now, attempt, out);
        }
        if !in_time {
            out.put(ClientOut::Late { attempt });
        }
        in_time
    }

    /// Whether `attempt` is what its call waits for. A timer or an answer for any other changes nothing.
    #[inline]
    pub fn waits_for(&self, attempt: Attempt) -> bool {
        self.calls.get(attempt.slot as usize).is_some_and(|pending| pending.generation == attempt.generation)
    }
}

impl Machine for Client {
    type In = ClientIn;
    type Out = ClientOut;

    #[inline]
    fn step(&mut self, now: Time, input: ClientIn, out: &mut impl Outbox<ClientOut>) {
        match input {
            ClientIn::Arrive { call, intended } => {
                self.begin(now, call, intended, intended + self.policy.deadline, 0, out);
            }
            ClientIn::Woken(Wake::Timeout(attempt)) => {
                // A call that waits to retry has a new generation, so its old timeout is not current.
                if self.waits_for(attempt) {
                    self.give_up(now, attempt, out);
                }
            }
            ClientIn::Elsewhere { attempt, view } => self.redirect(now, attempt, &view, out),
            ClientIn::Members(view) => {
                if let Some(directory) = &mut self.directory {
                    directory.told(&view);
                }
            }
            ClientIn::Woken(Wake::Timeouts) => self.time_out(now, out),
            ClientIn::Answer { attempt, outcome } => {
                if self.hears(now, attempt, out) {
                    self.settle(now, attempt.slot, outcome, out);
                }
            }
            ClientIn::Woken(Wake::Retry(attempt)) => {
                if self.waits_for(attempt) {
                    self.send(now, attempt.slot, out);
                } else if self.hedging.is_some() {
                    self.hedge(now, attempt, out);
                }
            }
            ClientIn::Control(ClientControl::Admit(admit)) => self.admit = admit,
            ClientIn::Control(ClientControl::Retries(retries)) => self.retries = retries,
            ClientIn::Control(ClientControl::Set(setting)) => self.set(setting),
        }
    }
}
