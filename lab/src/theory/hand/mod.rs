//! The calculations that a person would do by hand before running an experiment.
//!
//! They rest on the saturated state of HotOS'21 §2.1: when every attempt is late, a call costs R attempts, so a backlog falls only
//! while `λR < μ`. Where a scenario leaves what the formulas assume, [`ServiceHand::caveats`] says so; services of which they
//! would say what is false are not calculated, and [`Hand::beyond`] names them.
mod beyond;
mod caveats;
mod rows;

pub use beyond::Beyond;
pub use rows::Row;

use super::{
    amplification::{attempts_when_all_time_out, timeout_s},
    fluid::{backlog_after_triggers_jobs, base_rate_per_s, places},
    retries::{bistable, ceiling, drain_s, hidden_capacity_per_s, lifetime_s},
};
use crate::scenario::Scenario;
use caveats::caveats;
use lab_core::{queue::Discipline, server::Cancel, time::Span};
pub(super) use rows::{figure, jobs, rate, seconds};
use serde::Serialize;

/// The hand calculations for a scenario.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Hand {
    /// One for each service that a client group calls and that the formulas fit, in the scenario's order.
    pub services: Vec<ServiceHand>,
    /// The called services that they do not fit.
    pub beyond: Vec<Beyond>,
    /// Seconds that a run must at least last, so that a drain cannot be mistaken for a failed state: until the triggers are over, then
    /// three times the longest drain that is predicted to end, and at least three windows of the health definition.
    pub shortest_run_s: f64,
}

/// The hand calculations for one service. Rates are per second, all replicas together unless said.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ServiceHand {
    /// The service's name.
    pub service: String,
    /// Completions per second that it is capable of (μ).
    pub capacity_per_s: f64,
    /// New calls per second when the triggers are over (λ), retries not counted.
    pub offered_per_s: f64,
    /// Offered load over capacity (ρ).
    pub utilisation: f64,
    /// Attempts per call that the policy allows; the mean over calls where client groups differ.
    pub max_attempts: f64,
    /// Attempts per call while every attempt times out (R): what outcomes retried, deadline and budget leave of `max_attempts`.
    pub attempts_when_failing: f64,
    /// Attempts per second while every attempt times out (λR).
    pub attempts_per_s_when_failing: f64,
    /// Load below which the failed state heals by itself (μ/R; with a budget of b retries per call, μ/(1+b)).
    pub hidden_capacity_per_s: f64,
    /// Load above which no healthy state is left, by the fixed point of retries at one replica.
    pub ceiling_per_s: f64,
    /// The longest that an attempt can take, in seconds; infinite without timeout and deadline. The shortest of the client groups'.
    pub timeout_s: f64,
    /// Jobs that one replica completes within a timeout (μT of one replica). Whoever finds more before him is late.
    pub jobs_per_timeout_and_replica: f64,
    /// The same for all replicas.
    pub jobs_per_timeout: f64,
    /// Jobs that fit into one replica, those in service included; infinite for an unbounded queue.
    pub places_per_replica: f64,
    /// Jobs in all queues when the last trigger ends, as a fluid; 0 without triggers.
    pub backlog_jobs: f64,
    /// Seconds that this backlog needs to drain; infinite where retries fill the capacity.
    pub drain_s: f64,
    /// Mean seconds until the healthy state falls with no trigger, where it can; infinite elsewhere. Right within a factor of 3.
    pub lifetime_s: f64,
    /// Whether the attempts of a failed state fill the capacity: λR ≥ μ.
    pub retries_fill_capacity: bool,
    /// Whether a failed state can outlast its trigger by retries.
    pub vulnerable: bool,
    /// Why, in one sentence.
    pub why: String,
    /// Where the scenario leaves what these formulas assume.
    pub caveats: Vec<String>,
}

/// The hand calculations for `scenario`.
pub fn hand(scenario: &Scenario) -> Hand {
    let called = |service: &usize| scenario.clients.iter().any(|c| c.service == *service);
    let (mut services, mut beyond) = (vec![], vec![]);
    for index in (0..scenario.services.len()).filter(called) {
        match Beyond::of(scenario, index) {
            Some(found) => beyond.push(found),
            None => services.push(of_service(scenario, index)),
        }
    }
    let longest_s =
        services.iter().map(|s: &ServiceHand| s.drain_s).filter(|d| d.is_finite()).fold(0.0, f64::max);
    let after_s = (3.0 * longest_s).max(3.0 * scenario.healthy.over.as_secs_f64());
    Hand { services, beyond, shortest_run_s: scenario.triggers_over().as_secs_f64() + after_s }
}

impl Hand {
    /// Whether a failed state of any service can outlast its trigger; `None` where no service is known to be vulnerable and
    /// one was not calculated.
    pub fn vulnerable(&self) -> Option<bool> {
        let any = self.services.iter().any(|s| s.vulnerable);
        (any || self.beyond.is_empty()).then_some(any)
    }

    /// Whether the attempts of a failed state fill the capacity of any service: λR ≥ μ. Its backlog then never drains.
    pub fn retries_fill_capacity(&self) -> bool {
        self.services.iter().any(|s| s.retries_fill_capacity)
    }

    /// The length of run at least needed, as a span.
    pub fn shortest_run(&self) -> Span {
        Span::from_secs_f64(self.shortest_run_s)
    }
}

/// The service with the greatest load for its capacity.
pub fn busiest(services: impl IntoIterator<Item = ServiceHand>) -> Option<ServiceHand> {
    services.into_iter().max_by(|a, b| a.utilisation.total_cmp(&b.utilisation))
}

/// What the client groups of one service ask of it.
struct Demanded {
    offered_per_s: f64,
    max_attempts: f64,
    attempts: f64,
    timeout_s: f64,
}

fn of_service(scenario: &Scenario, index: usize) -> ServiceHand {
    let service = &scenario.services[index];
    let replicas = f64::from(service.replicas);
    let capacity_per_s = scenario.capacity(index);
    let Demanded { offered_per_s, max_attempts, attempts, timeout_s } = demanded(scenario, index);
    let jobs_per_timeout = capacity_per_s * timeout_s;
    let theta = jobs_per_timeout / replicas;
    let attempts_per_s = offered_per_s * attempts;
    let backlog_jobs = backlog_after_triggers_jobs(scenario, index);
    let ceiling_share = if theta.is_finite() { ceiling(attempts, theta) } else { 1.0 };
    let mut hand = ServiceHand {
        service: service.name.clone(),
        capacity_per_s,
        offered_per_s,
        utilisation: offered_per_s / capacity_per_s,
        max_attempts,
        attempts_when_failing: attempts,
        attempts_per_s_when_failing: attempts_per_s,
        hidden_capacity_per_s: hidden_capacity_per_s(capacity_per_s, attempts),
        ceiling_per_s: capacity_per_s * ceiling_share,
        timeout_s,
        jobs_per_timeout_and_replica: theta,
        jobs_per_timeout,
        places_per_replica: places(service.policy.capacity, service.policy.workers),
        backlog_jobs,
        drain_s: 0.0,
        lifetime_s: f64::INFINITY,
        retries_fill_capacity: attempts_per_s >= capacity_per_s,
        vulnerable: false,
        why: String::new(),
        caveats: caveats(scenario, index),
    };
    (hand.vulnerable, hand.why) = judge(&hand, scenario, index);
    hand.drain_s = hand.drain();
    if hand.vulnerable {
        hand.lifetime_s = lifetime_s(offered_per_s / replicas, capacity_per_s / replicas, theta);
    }
    hand
}

fn demanded(scenario: &Scenario, index: usize) -> Demanded {
    let at = scenario.triggers_over();
    let mut all = Demanded { offered_per_s: 0.0, max_attempts: 0.0, attempts: 0.0, timeout_s: f64::INFINITY };
    for group in scenario.clients.iter().filter(|c| c.service == index) {
        let rate = base_rate_per_s(scenario, group, at);
        all.offered_per_s += rate;
        all.max_attempts += rate * f64::from(group.policy.retry.max_attempts);
        all.attempts += rate * attempts_when_all_time_out(&group.policy, rate / f64::from(group.instances));
        all.timeout_s = all.timeout_s.min(timeout_s(&group.policy));
    }
    if all.offered_per_s > 0.0 {
        all.max_attempts /= all.offered_per_s;
        all.attempts /= all.offered_per_s;
    } else {
        (all.max_attempts, all.attempts) = (1.0, 1.0);
    }
    all
}

impl ServiceHand {
    /// Above μT the attempts of a failed state come, below it those of a healthy one; unless stale work cannot pile up.
    fn drain(&self) -> f64 {
        let late = (self.backlog_jobs - self.jobs_per_timeout).max(0.0);
        if late > 0.0 && self.stuck() {
            return f64::INFINITY;
        }
        let attempts_per_s =
            if self.retries_fill_capacity { self.offered_per_s } else { self.attempts_per_s_when_failing };
        drain_s(late, self.capacity_per_s, attempts_per_s)
            + drain_s(self.backlog_jobs - late, self.capacity_per_s, self.offered_per_s)
    }

    /// Whether a backlog beyond μT would stay.
    fn stuck(&self) -> bool {
        self.vulnerable || self.utilisation >= 1.0
    }
}

/// Whether a failed state can outlast its trigger, and why.
fn judge(hand: &ServiceHand, scenario: &Scenario, index: usize) -> (bool, String) {
    let policy = &scenario.services[index].policy;
    let (offered, capacity) = (rate(hand.offered_per_s), rate(hand.capacity_per_s));
    let attempts = format!("{} attempts/s", figure(hand.attempts_per_s_when_failing));
    let timeout_jobs = jobs(hand.jobs_per_timeout_and_replica);
    let safe = |why: String| (false, why);
    if hand.utilisation >= 1.0 {
        return safe(format!("Overloaded without any trigger: {offered} offered, {capacity} possible."));
    }
    if hand.timeout_s.is_infinite() {
        return safe("Attempts never time out, so a queue makes nobody try again.".into());
    }
    if hand.attempts_when_failing <= 1.0 {
        return safe("Attempts that time out are not tried again, so a backlog brings no extra load.".into());
    }
    if !hand.retries_fill_capacity {
        return safe(format!(
            "Even when every attempt fails, only {attempts} come to a capacity of {capacity}: a backlog drains."
        ));
    }
    if policy.cancel != Cancel::Never {
        return safe(
            "Work that nobody waits for any more is cancelled, so retries do not queue behind it.".into(),
        );
    }
    if policy.discipline != Discipline::Fifo {
        return safe(
            "The queue does not serve the oldest first, so some attempts are in time whatever the backlog."
                .into(),
        );
    }
    if hand.places_per_replica <= hand.jobs_per_timeout_and_replica {
        return safe(format!(
            "A full queue of {} per replica is served within the timeout ({timeout_jobs}): what is admitted is in time.",
            jobs(hand.places_per_replica)
        ));
    }
    if hand.offered_per_s > hand.ceiling_per_s {
        return (
            true,
            format!(
                "{offered} offered is more than the {} at which retries leave a healthy state: it falls by itself.",
                rate(hand.ceiling_per_s)
            ),
        );
    }
    let twofold = bistable(hand.attempts_when_failing, hand.jobs_per_timeout_and_replica);
    let states = if twofold { "a healthy and a failed state exist" } else { "only a failed state exists" };
    (
        true,
        format!(
            "When every attempt fails, {attempts} come to a capacity of {capacity}, and more than {timeout_jobs} in a \
             replica's queue make every attempt fail: {states} at this load."
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::sample::queueing;
    use lab_core::{
        arrival::{Process, Stage},
        budget::{Budget, CreditPer},
        call::{Outcome, OutcomeSet},
        retry::{Backoff, Jitter, Retry},
        time::Time,
        timeline::{Disturbance, Effect, Role},
    };

    /// Three replicas of eight workers and 30 ms, 560 calls a second doubled from 40 to 50 s, 1 s timeout, four attempts.
    fn storm() -> Scenario {
        let mut scenario = queueing(560.0, 8, Span::from_millis(30), Span::from_secs(120));
        scenario.services[0].replicas = 3;
        scenario.clients[0].policy.per_try_timeout = Span::from_secs(1);
        let wait = Span::from_millis(50);
        let backoff = Backoff {
            initial: wait,
            initial_after_rejection: wait,
            multiplier: 1.0,
            max: wait,
            jitter: Jitter::None,
        };
        let retry_on = OutcomeSet::of(&[Outcome::Timeout, Outcome::Rejected, Outcome::Reset]);
        scenario.clients[0].policy.retry = Retry { max_attempts: 4, retry_on, backoff, budget: Budget::None };
        let second = |s| Time::ZERO + Span::from_secs(s);
        scenario.disturbances = vec![Disturbance {
            name: "spike".into(),
            role: Role::Trigger,
            from: second(40),
            until: second(50),
            effect: Effect::LoadSpike { clients: vec![0], factor: 2.0 },
        }];
        scenario
    }

    fn of(scenario: &Scenario) -> ServiceHand {
        hand(scenario).services.remove(0)
    }

    #[test]
    fn a_retry_storm_is_vulnerable_and_its_backlog_never_drains() {
        let found = of(&storm());
        assert!((found.capacity_per_s - 800.0).abs() < 1e-9);
        assert!((found.utilisation - 0.7).abs() < 1e-9);
        assert!((found.attempts_per_s_when_failing - 2240.0).abs() < 1e-9);
        assert!((found.hidden_capacity_per_s - 200.0).abs() < 1e-9);
        assert!((found.jobs_per_timeout_and_replica - 800.0 / 3.0).abs() < 1e-9);
        assert!(
            found.vulnerable && found.retries_fill_capacity && found.drain_s.is_infinite(),
            "{}",
            found.why
        );
        // The spike alone leaves 3,200 jobs; with all its retries at once it would leave 10 × 4 × 560 × 2 − 8,000.
        assert!((3_200.0..36_800.0).contains(&found.backlog_jobs), "{}", found.backlog_jobs);
        assert!(found.caveats.is_empty(), "{:?}", found.caveats);
        // Nothing drains, so three windows of 10 s after the spike are enough.
        assert!((hand(&storm()).shortest_run_s - 80.0).abs() < 1e-6);
    }

    #[test]
    fn each_known_remedy_ends_the_vulnerability() {
        let mut budget = storm();
        budget.clients[0].policy.retry.budget =
            Budget::TokenBucket { credit_per: CreditPer::Call, ratio: 0.1, burst: 50.0 };
        let with_budget = of(&budget);
        assert!((with_budget.hidden_capacity_per_s - 800.0 / 1.1).abs() < 1e-9);
        // All above μT drains at μ − 1.1 λ, the rest at μ − λ.
        let expected = (with_budget.backlog_jobs - 800.0) / (800.0 - 616.0) + 800.0 / 240.0;
        assert!((with_budget.drain_s - expected).abs() < 1e-6, "{}", with_budget.drain_s);
        assert!((hand(&budget).shortest_run_s - (50.0 + 3.0 * expected)).abs() < 1e-6);

        let mut short_queue = storm();
        short_queue.services[0].policy.capacity = 200;
        let mut cancel = storm();
        cancel.services[0].policy.cancel = Cancel::OnDisconnect;
        let mut lifo = storm();
        lifo.services[0].policy.discipline = Discipline::Lifo;
        let mut quiet = storm();
        quiet.clients[0].load.stages[0] =
            Stage { from: Time::ZERO, until: Time::NEVER, rate: 199.0, end_rate: 199.0 };
        let mut timeouts_kept = storm();
        timeouts_kept.clients[0].policy.retry.retry_on = OutcomeSet::of(&[Outcome::Rejected]);
        for (what, scenario) in [
            ("budget", budget),
            ("short queue", short_queue),
            ("cancel", cancel),
            ("lifo", lifo),
            ("quiet", quiet),
            ("timeouts not retried", timeouts_kept),
        ] {
            let found = of(&scenario);
            assert!(
                !found.vulnerable && found.drain_s.is_finite(),
                "{what}: {} {}",
                found.why,
                found.drain_s
            );
        }
    }

    /// A queue bound just above μT is no remedy: the last admitted is late.
    #[test]
    fn the_queue_bound_helps_only_up_to_the_timeout() {
        let mut scenario = storm();
        scenario.services[0].policy.capacity = 800 / 3 - 8;
        assert!(!of(&scenario).vulnerable);
        scenario.services[0].policy.capacity += 1;
        assert!(of(&scenario).vulnerable);
    }

    #[test]
    fn assumptions_that_do_not_hold_are_said() {
        let mut scenario = storm();
        scenario.clients.push(scenario.clients[0].clone());
        scenario.clients[1].policy.per_try_timeout = Span::from_millis(80);
        scenario.clients[1].load.process =
            Process::Bursty { factor: 4.0, share: 0.1, mean_burst: Span::from_secs(1) };
        scenario.services[0].policy.discipline = Discipline::Lifo;
        let caveats = of(&scenario).caveats.join("\n");
        for word in
            ["Several client groups", "different timeouts", "burstier", "three mean service times", "FIFO"]
        {
            assert!(caveats.contains(word), "{word} is missing in\n{caveats}");
        }
    }

    #[test]
    fn a_queue_without_retries_has_nothing_to_fear() {
        let found = hand(&queueing(7.0, 1, Span::from_millis(100), Span::from_secs(60)));
        assert!(found.vulnerable() == Some(false) && !found.retries_fill_capacity());
        assert_eq!(found.services[0].backlog_jobs, 0.0);
        assert_eq!(found.shortest_run(), Span::from_secs(30));
        let rows = found.rows();
        assert!(rows.iter().any(|r| r.label == "capacity" && r.value == "10/s"), "{rows:?}");
        assert!(rows.iter().all(|r| !r.value.contains("inf") && !r.value.contains("NaN")), "{rows:?}");
    }
}
