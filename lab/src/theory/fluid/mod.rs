//! A service and its clients followed as a fluid: rates instead of random arrivals.
//!
//! Attempts flow evenly to the replicas. One that meets a wait longer than its timeout is late and comes again a timeout and a
//! backoff later, as far as its policy lets it; its first try stays in the queue. These are delay equations: with the
//! attempts a₁ = λ and a_{k+1}(t) = a_k(t − T)·[q(t − T) > μT], the queue moves by q' = Σ a_k − μ. Chance plays no part, so a
//! result is a mean to within what a person would calculate, not a bound.
mod fleet;
mod flow;
mod settle;
mod thresholds;

pub use settle::{FixedPoint, Settled, Start, fixed_points, settle, settle_after_triggers};
pub use thresholds::{load_that_heals, separatrix, spike_that_tips, tips_from};

use crate::{
    scenario::{ClientGroup, Scenario},
    theory::ServiceHand,
};
use fleet::{Fate, Fleet};
use flow::Flow;
use lab_core::{
    arrival::{Load, Process},
    queue::Discipline,
    server::Cancel,
    time::{Span, Time},
    timeline::timeline,
};

/// Steps from the first trigger's beginning to the last one's end.
const STEPS: usize = 4000;

/// The state of the equations.
struct Fluid<'a> {
    flows: Vec<Flow<'a>>,
    fleet: Fleet,
    step_s: f64,
}

impl<'a> Fluid<'a> {
    /// The empty `service`, to be followed over `steps` steps, the first of which begins at `from`.
    fn new(scenario: &'a Scenario, service: usize, from: Time, step_s: f64, steps: usize) -> Fluid<'a> {
        let groups = (0..scenario.clients.len()).filter(|&group| scenario.clients[group].service == service);
        Fluid {
            flows: groups.map(|group| Flow::new(scenario, group, from, step_s, steps)).collect(),
            fleet: Fleet::new(scenario, service),
            step_s,
        }
    }

    /// One step, in which calls come as at `now`, times `factor`. Returns the share of attempts that were late.
    fn step(&mut self, step: usize, now: Time, factor: f64) -> f64 {
        let attempts: f64 = self.flows.iter_mut().map(|flow| flow.starts(step, now, factor)).sum();
        self.fleet.fill(attempts, self.step_s);
        let mut late: f64 = 0.0;
        for flow in &mut self.flows {
            let fate = self.fleet.fate(flow.timeout_s);
            late = late.max(fate.late + fate.rejected + fate.reset);
            flow.meets(step, fate);
        }
        self.fleet.serve(self.step_s);
        late
    }

    /// The first `steps` steps, through the triggers from `from` on.
    fn through(&mut self, scenario: &Scenario, service: usize, from: Time, steps: usize) {
        let mut changes = timeline(&scenario.disturbances).into_iter().peekable();
        for step in 0..steps {
            let now = from + Span::from_secs_f64(step as f64 * self.step_s);
            while let Some((_, change)) = changes.next_if(|(at, _)| *at <= now) {
                self.fleet.change(service, &change);
            }
            self.step(step, now, 1.0);
        }
    }

    /// How many steps there are.
    fn steps(&self) -> usize {
        self.flows.iter().map(Flow::steps).max().unwrap_or(0)
    }
}

/// Jobs in the queues of `service`, all replicas together, when the last trigger ends. Zero without triggers.
pub fn backlog_after_triggers_jobs(scenario: &Scenario, service: usize) -> f64 {
    let (from, until) = (scenario.first_trigger(), scenario.triggers_over());
    if until <= from {
        return 0.0;
    }
    let step_s = until.since(from).as_secs_f64() / STEPS as f64;
    let mut fluid = Fluid::new(scenario, service, from, step_s, STEPS);
    fluid.through(scenario, service, from, STEPS);
    fluid.fleet.jobs()
}

/// A queue that is full, or would be without a bound, and the calls that wait while all attempts are late.
pub fn failed(scenario: &Scenario, index: usize, hand: &ServiceHand) -> Start {
    let bound = hand.places_per_replica * f64::from(scenario.services[index].replicas);
    let jobs = if bound.is_finite() { bound } else { 4.0 * hand.jobs_per_timeout };
    Start::at(jobs, hand.attempts_per_s_when_failing * hand.timeout_s)
}

/// Why the fluid would say what is false of a service; `None` if it can be asked.
pub fn unfit(scenario: &Scenario, index: usize, hand: &ServiceHand) -> Option<&'static str> {
    let policy = &scenario.services[index].policy;
    let groups = || scenario.clients.iter().filter(|group| group.service == index);
    let cases = [
        (hand.timeout_s.is_infinite(), "no timeout"),
        (policy.discipline != Discipline::Fifo, "queue not FIFO"),
        (policy.cancel != Cancel::Never, "stale work leaves"),
        (groups().any(|group| group.policy.hedge.is_some()), "hedges race"),
        (groups().count() > 1, "several client groups"),
    ];
    cases.into_iter().find(|case| case.0).map(|case| case.1)
}

/// Calls per second of a group at `at`, the surges of triggers not included; of a recorded workload the mean.
pub fn base_rate_per_s(scenario: &Scenario, group: &ClientGroup, at: Time) -> f64 {
    rate_per_s(scenario, &group.load, at)
}

fn rate_per_s(scenario: &Scenario, load: &Load, at: Time) -> f64 {
    match &load.process {
        Process::Recorded(times) => {
            let inside = times.iter().filter(|t| **t < scenario.end()).count() as f64;
            inside * (load.share.1 - load.share.0) / scenario.duration.as_secs_f64()
        }
        _ => load.rate_at(at),
    }
}

/// Jobs that fit into one replica, those in service included; infinite for an unbounded queue.
pub fn places(capacity: usize, workers: u32) -> f64 {
    if capacity == usize::MAX { f64::INFINITY } else { capacity as f64 + f64::from(workers) }
}
