//! The load up step by step and down again, and how long each step must last.
use crate::{
    scenario::Scenario,
    theory::{ServiceHand, busiest, hand, queues::mm1_relaxation_s, retries::drain_s},
};
use lab_core::{
    arrival::{Process, Stage},
    time::{Span, Time},
};
use serde::Serialize;

/// Metric windows of a level.
const WINDOWS: u64 = 40;
/// No level is shorter.
const SHORTEST: Span = Span::from_secs(1);
/// A level lasts this many relaxation times, so that what is left of the level before is below one per cent (e^−5).
const RELAXATIONS: f64 = 5.0;
/// A level just below the hidden capacity lasts this many times as long as a full queue needs to drain there.
const DRAINS: f64 = 1.5;

/// Loads in calls per second, from the lowest to the highest, and how long each lasts.
#[derive(Clone, Debug, PartialEq)]
pub struct Staircase {
    /// The levels on the way up; on the way down all but the last come again.
    pub levels: Vec<f64>,
    /// The length of a level.
    pub dwell: Span,
}

/// What a person may choose of a staircase.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Steps {
    /// The lowest level.
    pub from: Option<f64>,
    /// The highest one.
    pub to: Option<f64>,
    /// From one to the next.
    pub step: Option<f64>,
    /// How long each lasts.
    pub dwell: Option<Span>,
}

/// Why a staircase cannot be made. The text is complete.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NoStaircase(pub(super) String);

/// Why a level lasts as long as it does.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Dwell {
    /// How long it lasts, in seconds.
    pub dwell_s: f64,
    /// Whether a person chose it.
    pub chosen: bool,
    /// The level at which the healthy state relaxes most slowly: the highest below the ceiling.
    pub slowest_per_s: Option<f64>,
    /// How long it takes there to forget where it came from: 1/(√μ − √λ)² of one replica.
    pub relaxation_s: Option<f64>,
    /// How long a full queue needs to drain at the first level below the hidden capacity.
    pub drain_s: Option<f64>,
    /// The lowest level at which the healthy state lives shorter than a level lasts, and how long that is.
    pub unaided: Option<(f64, f64)>,
    /// What is wrong with the dwell, one sentence each.
    pub warnings: Vec<String>,
}

impl Staircase {
    /// The staircase for the service of `scenario`: by default twenty steps to its capacity, and one beyond.
    ///
    /// # Errors
    /// Where the load is a recording, the steps lead nowhere, or no capacity is known and no steps are given.
    pub fn new(scenario: &Scenario, steps: &Steps) -> Result<(Staircase, Dwell), NoStaircase> {
        if scenario.clients.iter().any(|c| matches!(c.load.process, Process::Recorded(_))) {
            return Err(NoStaircase("a recorded workload has no rate that could go up and down".into()));
        }
        if let Some(dwell) = steps.dwell.filter(|d| *d < SHORTEST) {
            return Err(NoStaircase(format!(
                "a dwell of {dwell} is too short to count calls in: {SHORTEST} is the least"
            )));
        }
        let capacity = scenario.capacity(scenario.clients[0].service);
        let known = capacity.is_finite() && capacity > 0.0;
        if !known && (steps.step.is_none() || steps.to.is_none()) {
            return Err(NoStaircase(
                "the capacity of this service is not known: give --step and --to".into(),
            ));
        }
        let step = steps.step.unwrap_or(capacity / 20.0);
        let (from, to) = (steps.from.unwrap_or(step), steps.to.unwrap_or(capacity * 1.05));
        let count = ((to - from) / step + 1e-9).floor();
        if !(step > 0.0 && from > 0.0 && count >= 2.0) {
            return Err(NoStaircase(format!(
                "a staircase from {from}/s to {to}/s by {step}/s has fewer than three levels"
            )));
        }
        if count > 500.0 {
            return Err(NoStaircase(format!("a staircase of {count} levels is too long; 500 are the most")));
        }
        // Sums of tenths are no tenths: to the millionth they are.
        let level = |n: u32| ((from + f64::from(n) * step) * 1e6).round() / 1e6;
        let levels: Vec<f64> = (0..=count as u32).map(level).collect();
        let dwell = Dwell::new(scenario, &levels, steps.dwell);
        // In whole windows of whole milliseconds.
        let window = Span::from_millis((dwell.dwell_s * 1e3 / WINDOWS as f64).ceil() as u64);
        Ok((Staircase { levels, dwell: Span(window.0 * WINDOWS) }, dwell))
    }

    /// `scenario` under this load and nothing else: no trigger, no lever. Its client groups keep their parts of the load.
    pub fn scenario(&self, scenario: &Scenario) -> Scenario {
        let all = self.levels.iter().chain(self.levels.iter().rev().skip(1));
        let stages = all.enumerate().map(|(index, rate)| {
            let from = Time(self.dwell.0 * index as u64);
            Stage { from, until: from + self.dwell, rate: *rate, end_rate: *rate }
        });
        let mut stairs = under(scenario, &stages.collect::<Vec<_>>());
        stairs.duration = Span(self.dwell.0 * (2 * self.levels.len() as u64 - 1));
        stairs.window = Span(self.dwell.0 / WINDOWS);
        stairs
    }
}

/// `scenario`, undisturbed, with these stages of load for all client groups together.
pub(in crate::study) fn under(scenario: &Scenario, stages: &[Stage]) -> Scenario {
    let mut changed = scenario.undisturbed();
    let at = Time::ZERO + scenario.warmup;
    let total: f64 = scenario.clients.iter().map(|c| c.load.rate_at(at)).sum();
    let groups = scenario.clients.len() as f64;
    for (client, known) in changed.clients.iter_mut().zip(&scenario.clients) {
        let part = if total > 0.0 { known.load.rate_at(at) / total } else { 1.0 / groups };
        client.load.stages =
            stages.iter().map(|s| Stage { rate: s.rate * part, end_rate: s.end_rate * part, ..*s }).collect();
    }
    changed
}

/// `scenario`, undisturbed, under a constant load.
pub(in crate::study) fn steadily(scenario: &Scenario, per_s: f64) -> Scenario {
    under(scenario, &[Stage { from: Time::ZERO, until: Time::NEVER, rate: per_s, end_rate: per_s }])
}

/// The hand calculation of the service under the greatest load, when the whole load is `per_s`.
pub(super) fn by_hand(scenario: &Scenario, per_s: f64) -> Option<ServiceHand> {
    busiest(hand(&steadily(scenario, per_s)).services)
}

impl Dwell {
    fn new(scenario: &Scenario, levels: &[f64], chosen: Option<Span>) -> Dwell {
        let hands: Vec<(f64, ServiceHand)> =
            levels.iter().filter_map(|level| Some((*level, by_hand(scenario, *level)?))).collect();
        let replicas = |hand: &ServiceHand| hand.jobs_per_timeout / hand.jobs_per_timeout_and_replica;
        // The ceiling depends on the load only where a budget does.
        let mut healthy =
            hands.iter().filter(|(_, h)| h.offered_per_s < h.ceiling_per_s.min(h.capacity_per_s));
        let slowest = healthy.next_back().map(|(level, h)| {
            let replicas = if replicas(h).is_finite() { replicas(h) } else { 1.0 };
            (*level, mm1_relaxation_s(h.offered_per_s / replicas, h.capacity_per_s / replicas))
        });
        let heals = hands
            .iter()
            .rev()
            .find(|(_, h)| h.offered_per_s < h.hidden_capacity_per_s && h.attempts_when_failing > 1.0);
        let full = |h: &ServiceHand| h.places_per_replica * replicas(h);
        let drain = heals.map(|(_, h)| drain_s(full(h), h.capacity_per_s, h.attempts_per_s_when_failing));
        let unbounded = heals.is_some_and(|(_, h)| h.places_per_replica.is_infinite());
        let finite = drain.filter(|d| d.is_finite());
        let wanted = [slowest.map(|s| RELAXATIONS * s.1), finite.map(|d| DRAINS * d)].into_iter().flatten();
        let wanted = wanted.fold(3.0 * scenario.healthy.over.as_secs_f64(), f64::max);
        let dwell_s = chosen.map_or(round_up(wanted), Span::as_secs_f64);
        let unaided = hands.iter().find(|(_, h)| h.lifetime_s < dwell_s && h.utilisation < 1.0);
        let mut warnings = vec![];
        if hands.is_empty() && chosen.is_none() {
            warnings.push(
                "no formula fits this service, so the dwell rests on no relaxation time: it is three windows of the health \
                 definition; compare with one twice as long (--dwell)"
                    .into(),
            );
        }
        if let Some((level, relaxation)) = slowest.filter(|s| dwell_s < RELAXATIONS * s.1 * 0.999) {
            warnings.push(format!(
                "a dwell of {dwell_s:.0} s is less than {RELAXATIONS:.0} relaxation times ({relaxation:.1} s at {level}/s): the \
                 loop depends on how fast the load moves"
            ));
        }
        if let Some(drain) = finite.filter(|d| dwell_s < *d) {
            warnings.push(format!(
                "a full queue needs {drain:.0} s to drain at the first level below the hidden capacity, longer than the dwell of \
                 {dwell_s:.0} s: the way down looks stuck where it only drains"
            ));
        }
        if unbounded {
            warnings.push(
                "the queue is unbounded, so the failed state has no steady backlog: it grows as long as the load is above the \
                 hidden capacity, and the load at which the service heals depends on how long it was down. Give the queue a \
                 capacity (--set services.NAME.queue.capacity=N) for a loop that does not"
                    .into(),
            );
        }
        if let Some((level, h)) = unaided {
            warnings.push(format!(
                "from {level}/s on the healthy state lives {:.0} s by theory, less than the dwell of {dwell_s:.0} s: the healthy \
                 branch falls there unaided, and with a longer dwell at lower loads",
                h.lifetime_s
            ));
        }
        Dwell {
            dwell_s,
            chosen: chosen.is_some(),
            slowest_per_s: slowest.map(|s| s.0),
            relaxation_s: slowest.map(|s| s.1),
            drain_s: finite,
            unaided: unaided.map(|(level, h)| (*level, h.lifetime_s)),
            warnings,
        }
    }
}

/// The next 1, 1.5, 2, 3, 5 or 7 times a power of ten.
fn round_up(seconds: f64) -> f64 {
    let power = libm::pow(10.0, libm::floor(libm::log10(seconds)));
    let steps = [1.0, 1.5, 2.0, 3.0, 5.0, 7.0, 10.0].map(|f| f * power);
    steps.into_iter().find(|s| *s >= seconds * 0.999).unwrap_or(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::sample::queueing;

    /// μ = 10, T = 2 s, R = 4, K = 200: the published row.
    pub(crate) fn published() -> Scenario {
        let mut scenario = queueing(7.0, 1, Span::from_millis(100), Span::from_secs(100));
        let client = &mut scenario.clients[0].policy;
        client.per_try_timeout = Span::from_secs(2);
        client.retry.max_attempts = 4;
        client.retry.retry_on = lab_core::call::OutcomeSet::of(&[
            lab_core::call::Outcome::Timeout,
            lab_core::call::Outcome::Rejected,
        ]);
        scenario.services[0].policy.capacity = 199;
        scenario
    }

    #[test]
    fn the_dwell_follows_from_relaxation_and_drain() {
        let (stairs, dwell) = Staircase::new(&published(), &Steps::default()).expect("a staircase");
        assert_eq!(stairs.levels.len(), 21);
        assert!((stairs.levels[0] - 0.5).abs() < 1e-9 && (stairs.levels[20] - 10.5).abs() < 1e-9);
        // The ceiling is 8.08/s, so the last level that is healthy in theory is 8: 1/(√10 − √8)² = 8.97 s.
        assert_eq!(dwell.slowest_per_s.map(|l| (l * 10.0).round()), Some(80.0));
        assert!((dwell.relaxation_s.expect("known") - 8.97).abs() < 0.01, "{dwell:?}");
        // Hidden capacity 2.5/s; at 2/s a full queue drains at 10 − 8 per second.
        assert!((dwell.drain_s.expect("known") - 100.0).abs() < 1e-6, "{dwell:?}");
        assert!((dwell.dwell_s - 150.0).abs() < 1e-9, "{dwell:?}");
        assert!(dwell.warnings.len() == 1 && dwell.warnings[0].contains("unaided"), "{:?}", dwell.warnings);
    }

    #[test]
    fn a_dwell_that_is_too_short_is_said() {
        let steps = Steps { dwell: Some(Span::from_secs(20)), ..Steps::default() };
        let (_, dwell) = Staircase::new(&published(), &steps).expect("a staircase");
        let said = dwell.warnings.join("\n");
        assert!(said.contains("relaxation times") && said.contains("needs 100 s to drain"), "{said}");
        let mut unbounded = published();
        unbounded.services[0].policy.capacity = usize::MAX;
        let (_, dwell) = Staircase::new(&unbounded, &Steps::default()).expect("a staircase");
        assert!(dwell.warnings.iter().any(|w| w.contains("unbounded")), "{:?}", dwell.warnings);
    }

    #[test]
    fn the_load_goes_up_and_down_by_the_same_levels() {
        let steps =
            Steps { from: Some(1.0), to: Some(3.0), step: Some(1.0), dwell: Some(Span::from_secs(40)) };
        let (stairs, _) = Staircase::new(&published(), &steps).expect("a staircase");
        let scenario = stairs.scenario(&published());
        let rates: Vec<f64> = scenario.clients[0].load.stages.iter().map(|s| s.rate).collect();
        assert_eq!(rates, [1.0, 2.0, 3.0, 2.0, 1.0]);
        assert_eq!(scenario.duration, Span::from_secs(200));
        let no = Steps { from: Some(1.0), to: Some(1.5), step: Some(1.0), dwell: None };
        assert!(
            Staircase::new(&published(), &no).expect_err("too few").to_string().contains("fewer than three")
        );
    }
}
