//! The attempts of one client group as a flow, and how those that fail come again: the delays of the equations.
use super::{Fate, rate_per_s};
use crate::{
    scenario::{ClientGroup, Scenario},
    theory::amplification::{attempts_when_all_time_out, mean_wait_s, timeout_s},
};
use lab_core::{arrival::Load, call::Outcome, time::Time};

/// Attempts of one call that are told apart.
const NUMBERS: usize = 50;

/// The attempts of one client group.
pub(super) struct Flow<'a> {
    scenario: &'a Scenario,
    load: Load,
    group: &'a ClientGroup,
    pub(super) timeout_s: f64,
    /// Attempts per call while all fail.
    attempts: f64,
    step_s: f64,
    /// Attempts that start in each step, by their number in the call, in jobs.
    due: Vec<[f64; NUMBERS]>,
}

impl<'a> Flow<'a> {
    /// The flow of client group `index` of `scenario` over `steps` steps, for which `at` says what the calls' rate is when a budget
    /// counts them.
    pub(super) fn new(scenario: &'a Scenario, index: usize, at: Time, step_s: f64, steps: usize) -> Flow<'a> {
        let group = &scenario.clients[index];
        let calls_per_s = rate_per_s(scenario, &group.load, at);
        let while_late = attempts_when_all_time_out(&group.policy, calls_per_s / f64::from(group.instances));
        let retries_timeouts = group.policy.retry.retry_on.contains(Outcome::Timeout);
        Flow {
            scenario,
            load: scenario.load(index),
            group,
            timeout_s: timeout_s(&group.policy),
            attempts: if retries_timeouts { while_late } else { f64::from(group.policy.retry.max_attempts) },
            step_s,
            due: vec![[0.0; NUMBERS]; steps],
        }
    }

    /// Attempts that start in `step` while calls come as at `now`, times `factor`; in jobs.
    pub(super) fn starts(&mut self, step: usize, now: Time, factor: f64) -> f64 {
        self.due[step][0] = factor * rate_per_s(self.scenario, &self.load, now) * self.step_s;
        self.due[step].iter().sum()
    }

    /// Plans what comes again of the attempts of `step`.
    pub(super) fn meets(&mut self, step: usize, fate: Fate) {
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

    /// Lets `calls` calls wait for attempts that will turn out late: begun evenly over the last timeout, as many of them at each of
    /// their attempts.
    pub(super) fn outstanding(&mut self, calls: f64) {
        let retry = &self.group.policy.retry;
        for number in 1..NUMBERS.min(self.attempts.ceil() as usize) {
            let again = (self.attempts - number as f64).clamp(0.0, 1.0);
            let last_s = self.timeout_s + mean_wait_s(&retry.backoff, number as u32);
            let steps = ((last_s / self.step_s).round() as usize).clamp(1, self.due.len());
            for due in &mut self.due[..steps] {
                due[number] += calls / self.attempts * again / steps as f64;
            }
        }
    }

    /// How many steps it is planned for.
    pub(super) fn steps(&self) -> usize {
        self.due.len()
    }

    /// How long a call lasts of which every attempt times out, in seconds.
    pub(super) fn longest_call_s(&self) -> f64 {
        let retry = &self.group.policy.retry;
        let attempts = 1..NUMBERS.min(self.attempts.ceil() as usize);
        self.timeout_s + attempts.map(|n| self.timeout_s + mean_wait_s(&retry.backoff, n as u32)).sum::<f64>()
    }
}
