//! Calls that race: several attempts side by side, of which the first success wins.
//!
//! An attempt beside the first has a place of its own among the client's calls, so that timeouts, late answers and
//! redirections concern it like any other. The place of the first attempt stands for the call until that is over.
//!
//! All of it is kept out of the way of clients that do not hedge: they only ever look whether there is a [`Hedging`].
use super::{Client, ClientOut, NOWHERE, Pending, Wake};
use crate::{
    budget::BudgetState,
    call::{Attempt, Outcome},
    directory::Route,
    hedge::{ATTEMPTS_MAX, Hedge, Wait},
    machine::Outbox,
    replicate::Op,
    time::Time,
};

/// What a client that hedges keeps.
#[derive(Clone, Debug)]
pub(super) struct Hedging {
    policy: Hedge,
    budget: BudgetState,
    wait: Wait,
    /// For each place among the calls.
    races: Vec<Race>,
}

#[derive(Clone, Copy, Debug)]
struct Race {
    /// The place that stands for the call; `NOWHERE`: the call is not hedged.
    lead: u32,
    /// When the attempt here was sent.
    sent: Time,
    /// Kept at the lead: attempts so far.
    attempts: u32,
    /// Kept at the lead: the places of the attempts under way beside it.
    others: Places,
    /// Kept at the lead: replicas that the call's attempts were sent to.
    asked: Places,
    /// Kept at the lead: what the timer for the next attempt is called; 0: there is none.
    turn: u32,
}

/// A few numbers.
#[derive(Clone, Copy, Debug, Default)]
struct Places {
    list: [u32; ATTEMPTS_MAX],
    count: usize,
}

impl Places {
    fn all(&self) -> &[u32] {
        &self.list[..self.count]
    }
    fn add(&mut self, place: u32) {
        if self.count < ATTEMPTS_MAX {
            self.list[self.count] = place;
            self.count += 1;
        }
    }
    fn remove(&mut self, place: u32) {
        if let Some(index) = self.all().iter().position(|p| *p == place) {
            self.count -= 1;
            self.list.copy_within(index + 1..=self.count, index);
        }
    }
}

impl Hedging {
    pub(super) fn new(policy: &Hedge) -> Hedging {
        Hedging {
            policy: policy.clone(),
            budget: BudgetState::new(&policy.budget),
            wait: Wait::new(policy.after),
            races: vec![],
        }
    }

    /// Whether the place is one of an attempt beside the first.
    pub(super) fn is_beside(&self, slot: u32) -> bool {
        self.holds(slot) && self.races[slot as usize].lead != slot
    }

    /// Whether the call of this place is hedged.
    pub(super) fn holds(&self, slot: u32) -> bool {
        self.races.get(slot as usize).is_some_and(|race| race.lead != NOWHERE)
    }

    /// How many attempts the call of this place has made; `None`: it is not hedged.
    pub(super) fn attempts(&self, slot: u32) -> Option<u32> {
        self.holds(slot).then(|| self.races[self.races[slot as usize].lead as usize].attempts)
    }

    /// Which replicas the call of this place has asked.
    pub(super) fn asked(&self, slot: u32) -> &[u32] {
        match self.races.get(slot as usize) {
            Some(race) if race.lead != NOWHERE => self.races[race.lead as usize].asked.all(),
            _ => &[],
        }
    }

    /// An attempt of this place is for `replica`.
    pub(super) fn asks(&mut self, slot: u32, replica: u32) {
        if self.holds(slot) {
            let lead = self.races[slot as usize].lead;
            self.races[lead as usize].asked.add(replica);
        }
    }

    fn enter(&mut self, now: Time, slot: u32, lead: u32) {
        let (others, asked) = (Places::default(), Places::default());
        let race = Race { lead, sent: now, attempts: 1, others, asked, turn: 0 };
        if self.races.len() <= slot as usize {
            let nobody = Race { lead: NOWHERE, ..race };
            self.races.resize(slot as usize + 1, nobody);
        }
        self.races[slot as usize] = race;
    }

    /// The attempt here has run its course: it tells how long attempts take.
    fn record(&mut self, now: Time, slot: u32) {
        let took = now.since(self.races[slot as usize].sent);
        self.wait.record(now, took);
    }

    /// The attempt beside the first here is over.
    fn leave(&mut self, slot: u32) {
        let lead = std::mem::replace(&mut self.races[slot as usize].lead, NOWHERE);
        self.races[lead as usize].others.remove(slot);
        self.budget.retry_ended();
    }
}

impl Client {
    /// Whether `call` gets attempts beside a slow one. In a replicated store reads do, and writes where the policy says so.
    #[cold]
    #[inline(never)]
    pub(super) fn is_to_be_hedged(&self, call: u64) -> bool {
        let op = self.directory.as_ref().and_then(|directory| directory.op(call, self.draw));
        let writes = self.hedging.as_ref().is_some_and(|hedging| hedging.policy.writes);
        writes || !matches!(op, Some(Op::Write(_)))
    }

    /// Whether the call at this place is hedged.
    #[cold]
    #[inline(never)]
    pub(super) fn is_hedged(&self, slot: u32) -> bool {
        self.hedging.as_ref().is_some_and(|hedging| hedging.holds(slot))
    }

    /// A call has this place from now on.
    #[cold]
    #[inline(never)]
    pub(super) fn enter(&mut self, now: Time, slot: u32, hedged: bool) {
        if let Some(hedging) = &mut self.hedging {
            hedging.enter(now, slot, if hedged { slot } else { NOWHERE });
            if hedged {
                hedging.budget.started(now);
            }
        }
    }

    /// As any attempt's, the replica for try `number` at the call of this place, but one that the call has not asked.
    #[cold]
    #[inline(never)]
    pub(super) fn choose_another(&mut self, slot: u32, call: u64, number: u32) -> u32 {
        let Client { hedging, directory, balancer, draw, .. } = self;
        let asked = hedging.as_ref().map_or(&[][..], |hedging| hedging.asked(slot));
        let replica = match directory.as_ref().map(|directory| directory.route(call, *draw)) {
            Some(Route::To(replica)) => {
                balancer.take(replica);
                replica
            }
            Some(Route::AnyOf(members)) => balancer.pick_other(Some(&members), asked, call, number, *draw),
            None => balancer.pick_other(None, asked, call, number, *draw),
        };
        if let Some(hedging) = hedging {
            hedging.asks(slot, replica);
        }
        replica
    }

    /// An attempt of the call at `lead` has been sent: when may another one follow?
    #[cold]
    #[inline(never)]
    pub(super) fn plan_hedge(&mut self, now: Time, lead: u32, out: &mut impl Outbox<ClientOut>) {
        let generation = self.next_generation();
        let due = self.calls[lead as usize].due;
        let Some(hedging) = &mut self.hedging else { return };
        let race = &mut hedging.races[lead as usize];
        // One that could only start when the call is over is not waited for.
        if race.attempts < hedging.policy.max_attempts
            && let Some(wait) = hedging.wait.get(now)
            && now + wait < due
        {
            race.turn = generation;
            let attempt = Attempt { slot: lead, generation };
            out.put(ClientOut::WakeAt { at: now + wait, wake: Wake::Retry(attempt) });
        }
    }

    /// The wait for another attempt is over.
    #[cold]
    #[inline(never)]
    pub(super) fn hedge(&mut self, now: Time, attempt: Attempt, out: &mut impl Outbox<ClientOut>) {
        let Some(hedging) = &self.hedging else { return };
        if hedging.races.get(attempt.slot as usize).is_some_and(|race| race.turn == attempt.generation) {
            self.send_beside(now, attempt.slot, Outcome::Timeout, out);
        }
    }

    /// Sends another attempt of the call at `lead`, if that is allowed.
    #[cold]
    #[inline(never)]
    fn send_beside(&mut self, now: Time, lead: u32, after: Outcome, out: &mut impl Outbox<ClientOut>) {
        let in_progress = self.in_progress();
        let Some(hedging) = &mut self.hedging else { return };
        let race = &mut hedging.races[lead as usize];
        race.turn = 0;
        let first = self.calls[lead as usize];
        let open = self.retries && race.attempts < hedging.policy.max_attempts && now < first.due;
        if !open || hedging.budget.charge(now, after, in_progress).is_none() {
            return;
        }
        let beside = Pending { attempts: race.attempts, ..first };
        race.attempts += 1;
        let slot = self.occupy(beside);
        if let Some(hedging) = &mut self.hedging {
            hedging.enter(now, slot, lead);
            hedging.races[lead as usize].others.add(slot);
            self.beside += 1;
        }
        self.send(now, slot, out);
        self.plan_hedge(now, lead, out);
    }

    /// The attempt at `slot`, of a hedged call, has ended.
    #[cold]
    #[inline(never)]
    pub(super) fn settle_hedged(
        &mut self,
        now: Time,
        slot: u32,
        outcome: Outcome,
        out: &mut impl Outbox<ClientOut>,
    ) {
        self.land(slot, outcome, out);
        let generation = self.next_generation();
        let Some(hedging) = &mut self.hedging else { return };
        let lead = hedging.races[slot as usize].lead;
        if matches!(outcome, Outcome::Success | Outcome::Timeout) {
            hedging.record(now, slot);
        }
        if slot == lead {
            // What is still said of it is stale.
            self.calls[slot as usize].generation = generation;
        } else {
            self.vacate(slot);
        }
        let Some(hedging) = &mut self.hedging else { return };
        if outcome == Outcome::Success {
            hedging.budget.succeeded(now, 0);
        } else if hedging.policy.non_fatal.contains(outcome) {
            hedging.budget.failed();
            self.send_beside(now, lead, outcome, out);
            if self.is_under_way(lead) {
                return;
            }
        }
        self.end_race(now, lead, out);
        self.finish(lead, outcome, out);
    }

    /// Whether any attempt of the call at `lead` is.
    fn is_under_way(&self, lead: u32) -> bool {
        let beside = self.hedging.as_ref().is_some_and(|h| h.races[lead as usize].others.count > 0);
        beside || self.calls[lead as usize].replica != NOWHERE
    }

    /// Gives up what is under way of the call at `lead`, which is decided.
    fn end_race(&mut self, now: Time, lead: u32, out: &mut impl Outbox<ClientOut>) {
        let Some(hedging) = &mut self.hedging else { return };
        let race = &mut hedging.races[lead as usize];
        race.turn = 0;
        let others = race.others;
        self.calls[lead as usize].attempts = race.attempts;
        for &slot in std::iter::once(&lead).chain(others.all()) {
            let Pending { generation, replica, .. } = self.calls[slot as usize];
            if replica != NOWHERE {
                out.put(ClientOut::GiveUp { attempt: Attempt { slot, generation }, replica });
                self.balancer.release(replica);
                hedging.record(now, slot);
            }
        }
        hedging.races[lead as usize].lead = NOWHERE;
        for &slot in others.all() {
            self.vacate(slot);
        }
    }

    /// The attempt at `slot`, beside the first of its call, is over: its place is free.
    fn vacate(&mut self, slot: u32) {
        if let Some(hedging) = &mut self.hedging {
            hedging.leave(slot);
        }
        self.beside -= 1;
        self.calls[slot as usize].generation = 0;
        self.free.push(slot);
    }
}
