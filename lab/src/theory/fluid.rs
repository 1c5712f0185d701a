//! The backlog that triggers leave behind, followed as a fluid: rates instead of random arrivals.
//!
//! Attempts flow evenly to the replicas. One that meets a wait longer than its timeout is late and comes again a timeout and a
//! backoff later, as far as its policy lets it; its first try stays in the queue. Chance plays no part, so the result is a mean
//! to within what a person would calculate, not a bound.
use super::amplification::{attempts_when_all_time_out, mean_wait_s, timeout_s};
use crate::scenario::{ClientGroup, Scenario};
use lab_core::{
    arrival::{Load, Process},
    call::Outcome,
    server::ServerControl,
    time::{Span, Time},
    timeline::{Change, timeline},
};

/// Steps from the first trigger's beginning to the last one's end.
const STEPS: usize = 4000;

/// Attempts of one call that are told apart.
const NUMBERS: usize = 50;

/// Jobs in the queues of `service`, all replicas together, when the last trigger ends. Zero without triggers.
pub fn backlog_after_triggers_jobs(scenario: &Scenario, service: usize) -> f64 {
    let (from, until) = (scenario.first_trigger(), scenario.triggers_over());
    if until <= from {
        return 0.0;
    }
    let step_s = until.since(from).as_secs_f64() / STEPS as f64;
    let mut flows: Vec<Flow> = (0..scenario.clients.len())
        .filter(|&group| scenario.clients[group].service == service)
        .map(|group| Flow::new(scenario, group, step_s))
        .collect();
    let mut fleet = Fleet::new(scenario, service);
    let mut changes = timeline(&scenario.disturbances).into_iter().peekable();
    for step in 0..STEPS {
        let now = from + Span::from_secs_f64(step as f64 * step_s);
        while let Some((_, change)) = changes.next_if(|(at, _)| *at <= now) {
            fleet.change(service, &change);
        }
        let attempts: f64 = flows.iter_mut().map(|flow| flow.starts(step, now)).sum();
        fleet.fill(attempts, step_s);
        for flow in &mut flows {
            let fate = fleet.fate(flow.timeout_s);
            flow.meets(step, fate);
        }
        fleet.serve(step_s);
    }
    fleet.queues.iter().map(|queue| queue.jobs).sum()
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

/// The attempts of one client group.
struct Flow<'a> {
    scenario: &'a Scenario,
    load: Load,
    group: &'a ClientGroup,
    timeout_s: f64,
    /// Attempts per call while all fail.
    attempts: f64,
    step_s: f64,
    /// Attempts that start in each step, by their number in the call, in jobs.
    due: Vec<[f64; NUMBERS]>,
}

/// How the attempts of a step end, as shares.
#[derive(Clone, Copy)]
struct Fate {
    late: f64,
    reset: f64,
    rejected: f64,
}

impl<'a> Flow<'a> {
    fn new(scenario: &'a Scenario, index: usize, step_s: f64) -> Flow<'a> {
        let group = &scenario.clients[index];
        let calls_per_s = base_rate_per_s(scenario, group, scenario.first_trigger());
        let while_late = attempts_when_all_time_out(&group.policy, calls_per_s / f64::from(group.instances));
        let retries_timeouts = group.policy.retry.retry_on.contains(Outcome::Timeout);
        Flow {
            scenario,
            load: scenario.load(index),
            group,
            timeout_s: timeout_s(&group.policy),
            attempts: if retries_timeouts { while_late } else { f64::from(group.policy.retry.max_attempts) },
            step_s,
            due: vec![[0.0; NUMBERS]; STEPS],
        }
    }

    /// Attempts that start in `step`, which begins at `now`, in jobs.
    fn starts(&mut self, step: usize, now: Time) -> f64 {
        self.due[step][0] = rate_per_s(self.scenario, &self.load, now) * self.step_s;
        self.due[step].iter().sum()
    }

    /// Plans what comes again of the attempts of `step`.
    fn meets(&mut self, step: usize, fate: Fate) {
        let retry = &self.group.policy.retry;
        let endings = [
            (Outcome::Timeout, fate.late, self.timeout_s),
            (Outcome::Reset, fate.reset, 0.0),
            (Outcome::Rejected, fate.rejected, 0.0),
        ];
        for number in 1..NUMBERS {
            let made = self.due[step][number - 1];
            // The last attempt that a budget leaves is made by a share of the calls only.
            let again = (self.attempts - number as f64).clamp(0.0, 1.0);
            if made == 0.0 || again == 0.0 {
                continue;
            }
            for (outcome, share, delay_s) in endings {
                if share > 0.0 && retry.retry_on.contains(outcome) {
                    let wait_s = delay_s + mean_wait_s(&retry.backoff, number as u32);
                    let steps = ((wait_s / self.step_s).round() as usize).max(1);
                    if let Some(due) = self.due.get_mut(step.saturating_add(steps)) {
                        due[number] += made * share * again;
                    }
                }
            }
        }
    }
}

/// The replicas of one service.
struct Fleet {
    queues: Vec<Reservoir>,
    /// Completions per second of one replica that is well.
    each_per_s: f64,
    /// Jobs that fit into one replica, those in service included.
    places: f64,
}

#[derive(Clone, Copy)]
struct Reservoir {
    jobs: f64,
    slow_down: f64,
    paused: bool,
    down: bool,
    /// Share of the last inflow that found the queue full.
    rejected: f64,
}

impl Fleet {
    fn new(scenario: &Scenario, service: usize) -> Fleet {
        let of = &scenario.services[service];
        let well = Reservoir { jobs: 0.0, slow_down: 1.0, paused: false, down: false, rejected: 0.0 };
        Fleet {
            queues: vec![well; of.replicas as usize],
            each_per_s: scenario.capacity(service) / f64::from(of.replicas),
            places: places(of.policy.capacity, of.policy.workers),
        }
    }

    fn change(&mut self, of: usize, change: &Change) {
        let Change::Server { service, replica, control } = *change else { return };
        let Some(queue) = self.queues.get_mut(replica as usize).filter(|_| service == of) else { return };
        match control {
            ServerControl::SlowDown(factor) => queue.slow_down = factor,
            ServerControl::Pause => queue.paused = true,
            ServerControl::Resume => queue.paused = false,
            ServerControl::Crash => *queue = Reservoir { jobs: 0.0, down: true, paused: false, ..*queue },
            ServerControl::Restart => queue.down = false,
            ServerControl::Flush => queue.jobs = 0.0,
            ServerControl::ErrorShare(_) => {}
        }
    }

    fn fill(&mut self, attempts: f64, step_s: f64) {
        let each = attempts / self.queues.len() as f64;
        for queue in &mut self.queues {
            let room = if queue.down {
                0.0
            } else {
                self.places - queue.jobs + queue.service_per_s(self.each_per_s) * step_s
            };
            let admitted = each.min(room.max(0.0));
            queue.rejected = if each > 0.0 { 1.0 - admitted / each } else { 0.0 };
            queue.jobs += admitted;
        }
    }

    fn fate(&self, timeout_s: f64) -> Fate {
        let mut fate = Fate { late: 0.0, reset: 0.0, rejected: 0.0 };
        for queue in &self.queues {
            let share = 1.0 / self.queues.len() as f64;
            if queue.down {
                fate.reset += share;
                continue;
            }
            fate.rejected += share * queue.rejected;
            if queue.jobs > queue.service_per_s(self.each_per_s) * timeout_s {
                fate.late += share * (1.0 - queue.rejected);
            }
        }
        fate
    }

    fn serve(&mut self, step_s: f64) {
        for queue in &mut self.queues {
            queue.jobs = (queue.jobs - queue.service_per_s(self.each_per_s) * step_s).max(0.0);
        }
    }
}

impl Reservoir {
    fn service_per_s(&self, well_per_s: f64) -> f64 {
        if self.paused || self.down { 0.0 } else { well_per_s / self.slow_down }
    }
}

/// Jobs that fit into one replica, those in service included; infinite for an unbounded queue.
pub fn places(capacity: usize, workers: u32) -> f64 {
    if capacity == usize::MAX { f64::INFINITY } else { capacity as f64 + f64::from(workers) }
}
