//! Where the fluid ends without any trigger: its fixed points, and from which beginnings it heals.
//!
//! The load is the one when the triggers are over, and stays. Whether a beginning heals is found by following the delay
//! equations, not from a formula; so what the fluid says of a threshold is a second opinion on what the formulas say.
use super::{Fluid, base_rate_per_s, places};
use crate::{
    scenario::Scenario,
    theory::amplification::{attempts_when_all_time_out, mean_wait_s, timeout_s},
};
use serde::Serialize;

/// Where the fluid begins, and what acts on it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Start {
    /// Jobs in the queues, all replicas together.
    pub backlog_jobs: f64,
    /// Calls, of all clients, that wait for attempts which will turn out late.
    pub outstanding_calls: f64,
    /// The share of the calls that is let in, all the time.
    pub admit: f64,
    /// Load times this …
    pub spike_factor: f64,
    /// … for so many seconds from the beginning on.
    pub spike_s: f64,
}

impl Start {
    /// With this backlog and so many outstanding calls, and nothing that acts on it.
    pub fn at(backlog_jobs: f64, outstanding_calls: f64) -> Start {
        Start { backlog_jobs, outstanding_calls, admit: 1.0, spike_factor: 1.0, spike_s: 0.0 }
    }
}

/// How it ends.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Settled {
    /// The queue is empty again, after so many seconds.
    Heals(f64),
    /// All attempts stay late or are turned away.
    Fails,
    /// Neither within a hundred timeouts.
    Undecided,
}

/// A state in which the fluid stays.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct FixedPoint {
    /// Jobs in the queues, all replicas together; infinite where an unbounded queue grows for ever.
    pub queue_jobs: f64,
    /// Calls that wait for attempts which will turn out late.
    pub outstanding_calls: f64,
    /// Attempts per second.
    pub attempts_per_s: f64,
    /// Whether it comes back after a small push.
    pub stable: bool,
}

/// Steps to a timeout, and steps in all.
const PER_TIMEOUT: f64 = 60.0;
const STEPS: usize = 6000;

/// Follows `service` from `start` to its end. Every attempt must have a timeout.
pub fn settle(scenario: &Scenario, service: usize, start: Start) -> Settled {
    let calm = scenario.undisturbed();
    let step_s = step_s(scenario, service);
    let mut fluid = Fluid::new(&calm, service, scenario.triggers_over(), step_s, STEPS);
    fluid.fleet.begin_with(start.backlog_jobs);
    let share = start.outstanding_calls / fluid.flows.len() as f64;
    fluid.flows.iter_mut().for_each(|flow| flow.outstanding(share));
    let spike_steps = (start.spike_s / step_s).round() as usize;
    for step in 0..spike_steps.min(STEPS) {
        fluid.step(step, scenario.triggers_over(), start.spike_factor);
    }
    fluid.settle(scenario, service, spike_steps, start.admit)
}

/// Follows `service` through its triggers and then to its end, counted from the last trigger's. Every attempt must have a timeout.
pub fn settle_after_triggers(scenario: &Scenario, service: usize) -> Settled {
    let (from, until) = (scenario.first_trigger(), scenario.triggers_over());
    let step_s = step_s(scenario, service);
    let steps = (until.since(from).as_secs_f64() / step_s).round() as usize;
    let mut fluid = Fluid::new(scenario, service, from, step_s, steps + STEPS);
    fluid.through(scenario, service, from, steps);
    fluid.settle(scenario, service, steps, 1.0)
}

fn step_s(scenario: &Scenario, service: usize) -> f64 {
    let groups = scenario.clients.iter().filter(|group| group.service == service);
    groups.map(|group| timeout_s(&group.policy)).fold(0.0, f64::max) / PER_TIMEOUT
}

impl Fluid<'_> {
    /// Goes on from step `begin` until it is clear how it ends, with the share `admit` of the calls let in.
    fn settle(&mut self, scenario: &Scenario, service: usize, begin: usize, admit: f64) -> Settled {
        let at = scenario.triggers_over();
        let timeout_s = self.step_s * PER_TIMEOUT;
        let capacity = scenario.capacity(service);
        // So long after all attempts have become late, all of their retries are there, too.
        let call_s = self.flows.iter().map(|flow| flow.longest_call_s()).fold(0.0, f64::max);
        let call_steps = ((call_s + 2.0 * timeout_s) / self.step_s) as usize;
        let small = 1e-3 * capacity * timeout_s;
        let (mut late_steps, mut jobs_at) = (0, vec![self.fleet.jobs()]);
        for step in begin..self.steps() {
            let late = self.step(step, at, admit);
            let jobs = self.fleet.jobs();
            jobs_at.push(jobs);
            late_steps = if late > 0.999 { late_steps + 1 } else { 0 };
            if jobs <= small && late == 0.0 && step >= begin + call_steps {
                let empty = jobs_at.iter().rposition(|jobs| *jobs > small).map_or(0, |last| last + 1);
                return Settled::Heals(empty as f64 * self.step_s);
            }
            if late_steps > call_steps {
                let fallen = jobs_at[jobs_at.len() - 1 - PER_TIMEOUT as usize] - jobs;
                let spare_per_s = capacity - admit * calls_per_s(scenario, service);
                if fallen <= 1e-9 * jobs || spare_per_s <= 0.0 {
                    return Settled::Fails;
                }
                // It falls evenly until attempts are in time again, and what is left at what calls leave of the capacity.
                let in_time = capacity * timeout_s;
                let late_s = (jobs - in_time).max(0.0) / (fallen / timeout_s);
                return Settled::Heals((step - begin) as f64 * self.step_s + late_s + in_time / spare_per_s);
            }
        }
        Settled::Undecided
    }
}

pub(super) fn calls_per_s(scenario: &Scenario, service: usize) -> f64 {
    let at = scenario.triggers_over();
    let groups = scenario.clients.iter().filter(|group| group.service == service);
    groups.map(|group| base_rate_per_s(scenario, group, at)).sum()
}

/// The fixed points of `service`, whose clients are one group: the empty queue, the late share f at which attempts just fill the capacity
/// (`λ(1 + f + … + f^{R−1}) = μ`, with μT jobs waiting), and the failed state.
pub fn fixed_points(scenario: &Scenario, service: usize) -> Vec<FixedPoint> {
    let Some(group) = scenario.clients.iter().find(|group| group.service == service) else { return vec![] };
    let calls = calls_per_s(scenario, service);
    let capacity = scenario.capacity(service);
    let attempts = attempts_when_all_time_out(&group.policy, calls / f64::from(group.instances));
    let again_s = timeout_s(&group.policy) + mean_wait_s(&group.policy.retry.backoff, 1);
    let late_jobs = capacity * timeout_s(&group.policy);
    let of = &scenario.services[service];
    let room = places(of.policy.capacity, of.policy.workers) * f64::from(of.replicas);
    let mut points = vec![];
    if calls < capacity {
        points.push(FixedPoint {
            queue_jobs: 0.0,
            outstanding_calls: 0.0,
            attempts_per_s: calls,
            stable: true,
        });
    }
    if calls * attempts >= capacity && room > late_jobs {
        // Attempts per call while the share f of them is late: 1 + f + … + f^{R−1}.
        let made =
            |late: f64| if late < 1.0 { (1.0 - libm::pow(late, attempts)) / (1.0 - late) } else { attempts };
        if calls < capacity {
            let (mut low, mut high) = (0.0, 1.0);
            for _ in 0..60 {
                let middle = f64::midpoint(low, high);
                if calls * made(middle) < capacity { low = middle } else { high = middle }
            }
            points.push(FixedPoint {
                queue_jobs: late_jobs,
                outstanding_calls: capacity * low * again_s,
                attempts_per_s: capacity,
                stable: false,
            });
        }
        points.push(FixedPoint {
            queue_jobs: room,
            outstanding_calls: calls * attempts * again_s,
            attempts_per_s: calls * attempts,
            stable: true,
        });
    }
    points
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::scenario::sample::queueing;
    use lab_core::{
        call::{Outcome, OutcomeSet},
        time::Span,
    };

    /// μ = 10, T = 2 s, four attempts at once, room for 200.
    pub(in crate::theory::fluid) fn retrying(calls_per_s: f64) -> Scenario {
        let mut scenario = queueing(calls_per_s, 1, Span::from_millis(100), Span::from_secs(60));
        scenario.services[0].policy.capacity = 199;
        let policy = &mut scenario.clients[0].policy;
        policy.per_try_timeout = Span::from_secs(2);
        policy.retry.max_attempts = 4;
        policy.retry.retry_on = OutcomeSet::of(&[Outcome::Timeout, Outcome::Rejected]);
        scenario
    }

    #[test]
    fn it_has_two_stable_states_and_one_between_them() {
        let points = fixed_points(&retrying(7.0), 0);
        let stable: Vec<bool> = points.iter().map(|p| p.stable).collect();
        assert_eq!(stable, [true, false, true]);
        assert_eq!((points[0].queue_jobs, points[2].queue_jobs), (0.0, 200.0));
        assert!((points[1].queue_jobs - 20.0).abs() < 1e-9 && (points[2].attempts_per_s - 28.0).abs() < 1e-9);
        // The equations stay on either side of the one between them.
        for (nudge, fails) in [(-2.0, false), (2.0, true)] {
            let start = Start::at(points[1].queue_jobs + nudge, points[1].outstanding_calls);
            assert_eq!(settle(&retrying(7.0), 0, start) == Settled::Fails, fails, "{nudge}");
        }
        assert_eq!(fixed_points(&retrying(2.4), 0).len(), 1);
    }

    /// K/(μ − λ'R) for what is late, and the rest at μ − λ'.
    #[test]
    fn shedding_takes_as_long_as_the_formula_says() {
        let start = Start { admit: 0.2, ..Start::at(200.0, 56.0) };
        let Settled::Heals(after_s) = settle(&retrying(7.0), 0, start) else { panic!("it heals at 1.4/s") };
        let expected = 180.0 / (10.0 - 5.6) + 20.0 / (10.0 - 1.4);
        assert!((after_s / expected - 1.0).abs() < 0.25, "{after_s} against {expected}");
    }
}
