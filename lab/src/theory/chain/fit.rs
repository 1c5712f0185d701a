//! From a scenario to its chain: what is taken over, what is scaled, and where the chain does not fit.
use super::{LateCalls, QueueOrbit};
use crate::{
    scenario::{ClientGroup, Scenario},
    theory::{
        ServiceHand,
        amplification::{mean_wait_s, timeout_s},
    },
};
use lab_core::{arrival::Process, budget::Budget, demand::Demand, queue::Discipline, server::Cancel};
use serde::Serialize;

/// The chain of one replica.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Fitted {
    /// Its rates; jobs, calls and rates are divided by `jobs_per_state`.
    pub model: QueueOrbit,
    /// How many jobs one step of the chain stands for: 1, unless the chain would be too large. Drifts and mean drains are those of the
    /// replica at any scale; chance is `√jobs_per_state` times as strong, so that states are left sooner than in truth.
    pub jobs_per_state: f64,
    /// Whether the queue ends where the replica's does. Where not, it is cut off beyond all that decides over tipping.
    pub whole_queue: bool,
    /// What the chain takes for granted of this scenario, one sentence each.
    pub assumptions: Vec<String>,
}

/// How much of a replica its chain holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reach {
    /// The whole queue, or what decides over tipping of it, and the calls in orbit while every attempt is late.
    Whole,
    /// The healthy state and some way beyond the line: twice the calls in orbit at which attempts just fill the capacity, or half-way from
    /// there to the failed state.
    Escape,
    /// A queue of so many jobs a replica, and the calls in orbit when every attempt of so many calls per second, all replicas together,
    /// is late.
    Backlog {
        /// Jobs in the queue of a replica.
        jobs: f64,
        /// Calls per second, all replicas together.
        calls_per_s: f64,
    },
}

/// Why a service has no chain, in one sentence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unfit {
    /// The sentence.
    pub why: String,
}

/// Most operations that the reduction of a chain may take.
const LARGEST: f64 = 2.5e8;

/// Fewest jobs, in steps of the chain, that are served within a timeout; with fewer the picture has no grain.
const FINEST: f64 = 10.0;

/// The chain of one replica of service `index`, of which `hand` are the calculations by hand, as far as it has to reach.
///
/// # Errors
/// Where the chain's assumptions do not hold, so that its figures would be false.
pub fn fit(scenario: &Scenario, index: usize, hand: &ServiceHand, reach: Reach) -> Result<Fitted, Unfit> {
    let groups: Vec<&ClientGroup> = scenario.clients.iter().filter(|c| c.service == index).collect();
    if let Some(why) = beyond(scenario, index, hand, &groups) {
        return Err(Unfit { why: why.into() });
    }
    let group = groups[0];
    let replicas = f64::from(scenario.services[index].replicas);
    let (calls, service) = (hand.offered_per_s / replicas, hand.capacity_per_s / replicas);
    let again_after_s = hand.timeout_s + mean_wait_s(&group.policy.retry.backoff, 1);
    let (retries, limit) = match retries_under_way(group) {
        // So many of the calls in orbit that they make these retries: r/(r + 1) of them do.
        Some(most) => {
            let retries = f64::from(group.policy.retry.max_attempts) - 1.0;
            (retries, most / replicas * (retries + 1.0) / retries)
        }
        None => (hand.attempts_when_failing - 1.0, f64::INFINITY),
    };
    // While every attempt is late, so many calls are in orbit; chance brings some more.
    let failed = |calls: f64| calls * (retries + 1.0) * again_after_s;
    let some_more = |outstanding: f64| outstanding + 4.0 * outstanding.sqrt() + 2.0;
    let theta = hand.jobs_per_timeout_and_replica;
    let beyond_theta = 4.0 * theta.sqrt();
    let (orbit, enough) = match reach {
        Reach::Whole => (some_more(failed(calls)), 3.0 * theta + beyond_theta),
        Reach::Escape => {
            // With so many, the retries are what calls leave of the capacity.
            let line = (service - calls).max(0.0) * again_after_s * (retries + 1.0) / retries;
            // Until the retries of the first late calls come, the queue falls by what is spare in a timeout.
            let spare = 2.0 * (1.0 - calls / service).max(0.0);
            let edge = some_more(2.0 * line).min(f64::midpoint(line, failed(calls)));
            (edge, theta * (1.0 + spare) + beyond_theta)
        }
        Reach::Backlog { jobs, calls_per_s } => (some_more(failed(calls_per_s / replicas)), jobs),
    };
    let orbit = orbit.min(limit) + 1.0;
    let size = |queue: f64, by: f64| (queue / by).ceil() * libm::pow((orbit / by).ceil() + 1.0, 3.0);
    let places = hand.places_per_replica + 1.0;
    let whole_queue = match reach {
        Reach::Whole => places <= 2.0 * enough || size(places, 1.0) <= LARGEST,
        Reach::Escape | Reach::Backlog { .. } => places <= enough,
    };
    let queue = if whole_queue { places } else { enough };
    let size = |by: f64| size(queue, by);
    let scales = (0..).map(|step| libm::pow(1.05, f64::from(step)));
    let by = scales.take_while(|by| theta / by >= FINEST).find(|by| size(*by) <= LARGEST);
    let Some(by) = by.or((theta < FINEST && size(1.0) <= LARGEST).then_some(1.0)) else {
        return Err(Unfit { why: too_large(queue, orbit) });
    };
    let model = QueueOrbit {
        arrivals_per_s: calls / by,
        service_per_s: service / by,
        timeout_s: hand.timeout_s,
        again_after_s,
        retries,
        late: LateCalls::Among,
        queue_states: (queue / by).ceil() as u32,
        orbit_states: (orbit / by).ceil().max(1.0) as u32,
    };
    let assumptions = assumptions(scenario, index, by, whole_queue);
    Ok(Fitted { model, jobs_per_state: by, whole_queue, assumptions })
}

/// How many retries the budgets of a group let be under way at a time, where they are of a kind that bounds that.
pub fn retries_under_way(group: &ClientGroup) -> Option<f64> {
    match group.policy.retry.budget {
        Budget::Concurrent { ratio: 0.0, at_least } => Some(f64::from(at_least) * f64::from(group.instances)),
        _ => None,
    }
}

fn too_large(queue: f64, orbit: f64) -> String {
    format!(
        "A chain of {queue:.0} jobs in the queue by {orbit:.0} outstanding calls is too large, and one that counts them in \
         packets would leave fewer than {FINEST} to a timeout."
    )
}

/// Why the chain would say what is false of a service.
fn beyond(
    scenario: &Scenario,
    index: usize,
    hand: &ServiceHand,
    groups: &[&ClientGroup],
) -> Option<&'static str> {
    let policy = &scenario.services[index].policy;
    let first = groups.first().map(|group| &group.policy);
    let differ = groups.iter().any(|group| {
        let (a, b) = (&group.policy, &groups[0].policy);
        timeout_s(a) != timeout_s(b) || a.retry != b.retry
    });
    let delay_s = 2.0 * scenario.network_delay.mean_seconds();
    let cases = [
        (hand.offered_per_s <= 0.0, "Nobody calls."),
        (hand.timeout_s.is_infinite(), "Attempts never time out, so nobody is ever in orbit."),
        (
            first.is_some_and(|policy| policy.hedge.is_some()),
            "Hedged attempts race; the chain makes one after the other.",
        ),
        (differ, "The client groups have different timeouts or retries; the chain has one orbit."),
        (
            hand.attempts_when_failing <= 1.0,
            "Attempts that time out are not tried again, so nobody is ever in orbit.",
        ),
        (
            policy.discipline != Discipline::Fifo,
            "The queue is not FIFO: whether an attempt is late hangs on who comes after it.",
        ),
        (
            policy.cancel != Cancel::Never,
            "Work that nobody waits for leaves the queue, which the chain does not know.",
        ),
        (
            !matches!(policy.service_time, Demand::Exponential { .. }),
            "Service times are not exponential: a chain would need the age of the work.",
        ),
        (
            groups.iter().any(|group| !matches!(group.load.process, Process::Poisson)),
            "Arrivals are not Poisson.",
        ),
        (
            hand.jobs_per_timeout_and_replica < 3.0,
            "Fewer than three jobs are served within a timeout: attempts are late without any queue.",
        ),
        (delay_s > 0.05 * hand.timeout_s, "The network takes more than a twentieth of the timeout."),
    ];
    cases.into_iter().find(|case| case.0).map(|case| case.1)
}

fn assumptions(scenario: &Scenario, index: usize, by: f64, whole_queue: bool) -> Vec<String> {
    let service = &scenario.services[index];
    let mut said = vec![];
    if service.replicas > 1 {
        said.push(
            "The chain is of one replica; the load is spread evenly, and replicas fall one by one.".into(),
        );
    }
    if service.policy.workers > 1 {
        said.push(format!(
            "{} workers count as one that is {} times as fast.",
            service.policy.workers, service.policy.workers
        ));
    }
    if by > 1.0 {
        said.push(format!(
            "One step of the chain is {by:.1} jobs. Drifts and mean drains stay, chance is {:.1} times as strong: lifetimes are \
             lower bounds, as far as the chain itself is right, which is within × 3.",
            by.sqrt()
        ));
    }
    if !whole_queue {
        said.push("The queue is cut off at about three timeouts' jobs.".into());
    }
    said.push(
        "Whoever finds the queue full is lost, and a retry is late or not whatever the first attempt was."
            .into(),
    );
    said
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{scenario::sample::queueing, theory::hand};
    use lab_core::{
        call::{Outcome, OutcomeSet},
        time::Span,
    };

    fn retrying(calls_per_s: f64, workers: u32, service: Span) -> Scenario {
        let mut scenario = queueing(calls_per_s, workers, service, Span::from_secs(60));
        scenario.services[0].policy.capacity = 199;
        let policy = &mut scenario.clients[0].policy;
        policy.per_try_timeout = Span::from_secs(2);
        policy.retry.max_attempts = 4;
        policy.retry.retry_on = OutcomeSet::of(&[Outcome::Timeout]);
        scenario
    }

    fn of(scenario: &Scenario) -> Result<Fitted, Unfit> {
        fit(scenario, 0, &hand(scenario).services[0], Reach::Whole)
    }

    #[test]
    fn a_small_replica_is_taken_as_it_is() {
        let fitted = of(&retrying(7.0, 1, Span::from_millis(100))).expect("it fits");
        let QueueOrbit { arrivals_per_s, service_per_s, retries, queue_states, orbit_states, .. } =
            fitted.model;
        assert_eq!((fitted.jobs_per_state, fitted.whole_queue, queue_states), (1.0, true, 201));
        assert!((arrivals_per_s - 7.0).abs() < 1e-9 && (service_per_s - 10.0).abs() < 1e-9 && retries == 3.0);
        // λRT = 56 calls in orbit.
        assert!((80..100).contains(&orbit_states), "{orbit_states}");
    }

    #[test]
    fn a_large_one_is_scaled_and_says_so() {
        let mut scenario = retrying(560.0, 8, Span::from_millis(30));
        scenario.services[0].replicas = 3;
        scenario.services[0].policy.capacity = usize::MAX;
        let fitted = of(&scenario).expect("it fits");
        let model = fitted.model;
        assert!(fitted.jobs_per_state > 1.0 && !fitted.whole_queue);
        assert!((model.arrivals_per_s / model.service_per_s - 0.7).abs() < 1e-9);
        assert!(f64::from(model.queue_states) * f64::from(model.orbit_states + 1).powi(3) <= LARGEST * 1.01);
        assert!(fitted.assumptions.iter().any(|a| a.contains("lower bounds")), "{:?}", fitted.assumptions);
        // Beyond all measure there is no picture left.
        let huge = retrying(7e8, 1000, Span(1000));
        assert!(of(&huge).is_ok_and(|fitted| fitted.jobs_per_state > 1e5));
    }

    #[test]
    fn where_the_chain_does_not_fit_it_says_why() {
        let base = || retrying(7.0, 1, Span::from_millis(100));
        type Change = fn(&mut Scenario);
        let changes: [(&str, Change); 8] = [
            ("FIFO", |s| s.services[0].policy.discipline = Discipline::Lifo),
            ("leaves the queue", |s| s.services[0].policy.cancel = Cancel::OnDisconnect),
            ("exponential", |s| {
                s.services[0].policy.service_time = Demand::Constant(Span::from_millis(100));
            }),
            ("Poisson", |s| s.clients[0].load.process = Process::Constant),
            ("never time out", |s| s.clients[0].policy.per_try_timeout = Span::FOREVER),
            ("not tried again", |s| s.clients[0].policy.retry.max_attempts = 1),
            ("network", |s| s.network_delay = Demand::Constant(Span::from_millis(100))),
            ("late without any queue", |s| s.clients[0].policy.per_try_timeout = Span::from_millis(200)),
        ];
        for (word, change) in changes {
            let mut scenario = base();
            change(&mut scenario);
            let unfit = of(&scenario).expect_err(word);
            assert!(unfit.why.contains(word), "{word}: {}", unfit.why);
        }
    }

    #[test]
    fn a_bound_on_retries_under_way_bounds_the_orbit() {
        let mut scenario = retrying(9.5, 1, Span::from_millis(100));
        scenario.clients[0].policy.per_try_timeout = Span::from_secs(9);
        scenario.services[0].policy.capacity = 98;
        scenario.clients[0].policy.retry.budget = Budget::Concurrent { ratio: 0.0, at_least: 14 };
        let model = of(&scenario).expect("it fits").model;
        assert_eq!((model.queue_states, model.orbit_states, model.retries), (100, 20, 3.0));
    }
}
