//! A load that falls after the trigger: to where the failed state heals, and to where it does not.
use super::Answer;
use crate::{
    scenario::Scenario,
    study::hysteresis::under,
    theory::{ServiceHand, amplification::mean_wait_s, fluid::backlog_after_triggers_jobs, retries::drain_s},
};
use lab_core::{
    arrival::Stage,
    time::{Span, Time},
    timeline::{Disturbance, Effect, Role},
};

/// The load falls so long after the trigger's end: every attempt is late by then.
const DELAY: Span = Span::from_secs(5);
/// It falls to so much of the hidden capacity where it is to heal, so that the drain does not hang on chance, and to so much where it
/// is to stay down.
const BELOW: f64 = 0.5;
const ABOVE: f64 = 1.5;
/// Health is seen in windows of so long.
const WINDOW: Span = Span::from_secs(2);
/// A run goes on for so long to show what became of it.
const REST: Span = Span::from_secs(40);
/// A queue without bounds gets so many timeouts' worth of places on a staircase.
const TIMEOUTS: f64 = 4.0;

/// The loads on either side of the hidden capacity, in calls per second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Drop {
    pub(super) below_per_s: f64,
    pub(super) above_per_s: f64,
}

impl Drop {
    /// Around `hidden_per_s`. `None` where the load of `base` is not well above it, or it has no trigger.
    pub(super) fn new(base: &Scenario, hidden_per_s: f64) -> Option<Drop> {
        let before: f64 = base.clients.iter().map(|c| c.load.rate_at(base.first_trigger())).sum();
        let drop = Drop { below_per_s: BELOW * hidden_per_s, above_per_s: ABOVE * hidden_per_s };
        (base.triggers().next().is_some() && hidden_per_s > 0.0 && before > drop.above_per_s).then_some(drop)
    }

    /// From the trigger's end to the fall of the load, in seconds.
    pub(super) fn delay_s(&self) -> f64 {
        DELAY.as_secs_f64()
    }

    /// `base` with a load that falls to where it heals, half as long again as theory says that this takes.
    pub(super) fn heals(&self, base: &Scenario, hand: Option<&ServiceHand>) -> Scenario {
        let expected_s = self.formula(base, hand).value.unwrap_or(0.0);
        falls(base, self.below_per_s, Span::from_secs_f64(1.5 * expected_s) + REST)
    }

    /// `base` with a load that falls to where it stays down.
    pub(super) fn stays(&self, base: &Scenario) -> Scenario {
        falls(base, self.above_per_s, REST)
    }

    /// `base` with a trigger that is not over before the load falls, for those who ask what is so when the triggers are over.
    pub(super) fn until_the_fall(&self, base: &Scenario) -> Scenario {
        let mut scenario = falls(base, self.below_per_s, REST);
        let clients = (0..base.clients.len()).collect();
        let (from, until) = (base.triggers_over(), base.triggers_over() + DELAY);
        let effect = Effect::LoadSpike { clients, factor: 1.0 };
        scenario.disturbances.push(Disturbance {
            name: "still down".into(),
            role: Role::Trigger,
            from,
            until,
            effect,
        });
        scenario
    }

    /// The time to heal, counted from the fall of the load, of a run that was healthy `after_s` after its trigger.
    pub(super) fn seconds(&self, after_s: f64) -> Answer {
        let window = WINDOW.as_secs_f64();
        let value = (after_s - self.delay_s()).max(0.0);
        let interval = Some(((value - window).max(0.0), value + window));
        Answer { value: Some(value), interval, note: format!("to within a window of {window:.0} s") }
    }

    /// The backlog, and the attempts that calls under way will still make, over what is left of the capacity: until no more than
    /// μT wait.
    pub(super) fn formula(&self, base: &Scenario, hand: Option<&ServiceHand>) -> Answer {
        let Some(hand) = hand else { return Answer::none("the formulas do not fit this service") };
        let attempts = hand.attempts_when_failing;
        let service = base.clients[0].service;
        let after_trigger = backlog_after_triggers_jobs(base, service);
        let grown = (hand.attempts_per_s_when_failing - hand.capacity_per_s) * self.delay_s();
        let to_come = attempts_to_come(base, hand);
        // A full queue turns away what would come.
        let places = hand.places_per_replica * f64::from(base.services[service].replicas);
        let late = (after_trigger + grown + to_come).min(places) - hand.jobs_per_timeout;
        let value = drain_s(late, hand.capacity_per_s, self.below_per_s * attempts);
        let note = format!(
            "{:.0} jobs and {to_come:.0} attempts to come{}, less μT, over μ − λ'R = {:.0}/s",
            after_trigger + grown,
            if places.is_finite() { format!(", {places:.0} at most") } else { String::new() },
            hand.capacity_per_s - self.below_per_s * attempts
        );
        Answer { value: value.is_finite().then_some(value), interval: None, note }
    }
}

/// The attempts that calls under way will still make, while all are late.
pub(super) fn attempts_to_come(base: &Scenario, hand: &ServiceHand) -> f64 {
    let wait = mean_wait_s(&base.clients[0].policy.retry.backoff, 1);
    let attempts = hand.attempts_when_failing;
    // A call makes its k-th of R attempts for a timeout and a backoff, and then has R − k before it.
    hand.offered_per_s * (hand.timeout_s + wait) * attempts * (attempts - 1.0) / 2.0
}

/// `base` with its trigger, whose load falls to `per_s` a while after it, and stays there for so long.
fn falls(base: &Scenario, per_s: f64, for_so_long: Span) -> Scenario {
    let at = base.triggers_over() + DELAY;
    let before: f64 = base.clients.iter().map(|c| c.load.rate_at(base.first_trigger())).sum();
    let stage = |from, until, rate| Stage { from, until, rate, end_rate: rate };
    let stages = [stage(Time::ZERO, at, before), stage(at, Time::NEVER, per_s)];
    let mut scenario = under(base, &stages);
    scenario.disturbances.clone_from(&base.disturbances);
    scenario.healthy.over = WINDOW;
    scenario.duration = Span(at.0) + for_so_long;
    scenario
}

/// `base` with a bound to queues that have none: a staircase needs a failed state that is the same however long it lasts.
pub(super) fn bounded(base: &Scenario) -> Scenario {
    let mut bounded = base.clone();
    for (index, service) in bounded.services.iter_mut().enumerate() {
        let called = base.clients.iter().filter(|client| client.service == index);
        let timeout = called.map(|client| client.policy.per_try_timeout).max();
        if let (Some(timeout), true) =
            (timeout.filter(|t| !t.is_forever()), service.policy.capacity == usize::MAX)
        {
            let each = base.capacity(index) / f64::from(service.replicas);
            service.policy.capacity = (TIMEOUTS * each * timeout.as_secs_f64()).ceil() as usize;
        }
    }
    bounded
}
