//! One lever pulled in one seed's failed state, and what it cost.
use super::levers::Action;
use crate::{
    engine::sim::sim,
    scenario::Scenario,
    theory::hand,
    trace::{ClientTrace, Trace},
    verdict::{State, Verdict, judge},
};
use lab_core::time::{Span, Time};

/// A failed state that stands: the scenario without levers, and when the operator acts.
#[derive(Clone, Debug)]
pub(super) struct Patient {
    pub(super) scenario: Scenario,
    pub(super) at: Time,
    /// How long is watched after the lever is released.
    watch: Span,
}

/// What came of a lever.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Outcome {
    /// Healthy at the end, the lever released.
    pub(super) recovered: bool,
    /// Calls meant to start from the lever's beginning to the recovery and its release that were not good.
    pub(super) lost: f64,
    /// Seconds from the lever's beginning to the first of the healthy windows that last to the end.
    pub(super) after_s: f64,
}

impl Patient {
    /// The failed state of `scenario` at `at`.
    pub(super) fn new(scenario: &Scenario, at: Time) -> Patient {
        let mut scenario = scenario.clone();
        scenario.disturbances.retain(|d| d.role == lab_core::timeline::Role::Trigger);
        let timeout = hand(&scenario)
            .services
            .iter()
            .map(|s| s.timeout_s)
            .filter(|t| t.is_finite())
            .fold(0.0, f64::max);
        let watch =
            (scenario.healthy.over * 6.0).max(Span::from_secs(60)).max(Span::from_secs_f64(10.0 * timeout));
        Patient { scenario, at, watch }
    }

    /// The backlog at `at` if, with `seed`, the service is down then and stays down where nobody acts.
    pub(super) fn stands(&self, seed: u64) -> Option<f64> {
        let mut left = self.scenario.clone();
        left.duration = Span(self.at.0) + self.watch;
        let trace = sim(&left, seed);
        let judgement = judge(&left, &trace, None);
        let down = judgement
            .windows
            .iter()
            .rev()
            .find(|w| w.until <= self.at)
            .is_some_and(|w| w.state == State::Failed);
        (down && matches!(judgement.verdict, Verdict::Metastable { .. })).then(|| backlog(&trace, self.at))
    }

    /// Pulls `action` with `seed`.
    pub(super) fn tried(&self, action: &Action, seed: u64) -> Outcome {
        let mut acted = action.on(&self.scenario, self.at);
        acted.duration = Span(self.at.0) + action.lasts() + self.watch;
        let trace = sim(&acted, seed);
        let judgement = judge(&acted, &trace, None);
        let last =
            judgement.windows.iter().rev().find(|w| w.state != State::Healthy && w.state != State::Undecided);
        let since = last.map_or(self.at, |w| w.until).max(self.at);
        // What a lever costs while it is held counts too, and one verdict window at least.
        let counted = since.max(self.at + action.lasts()).max(self.at + acted.healthy.over);
        Outcome {
            recovered: judgement.after_lever == "recovered",
            lost: lost(&trace, self.at, counted),
            after_s: since.since(self.at).as_secs_f64(),
        }
    }
}

/// Calls meant to start in `from..until` that did not turn out good; of a verdict window that is cut, its part.
fn lost(trace: &Trace, from: Time, until: Time) -> f64 {
    let of = |client: &ClientTrace| -> f64 {
        let cohorts = client.cohorts.cohorts.iter().enumerate();
        let lost = cohorts.map(|(index, cohort)| {
            let (begins, ends) = client.cohorts.bounds(index);
            let part =
                ends.min(until).since(begins.max(from)).as_secs_f64() / ends.since(begins).as_secs_f64();
            part * (cohort.offered - cohort.good) as f64
        });
        lost.sum()
    };
    trace.clients.iter().map(of).sum()
}

/// Attempts that wait or are worked on in the window that ends at `at`.
fn backlog(trace: &Trace, at: Time) -> f64 {
    let window = ((at.0 / trace.window.0) as usize).saturating_sub(1);
    trace.servers.iter().filter_map(|s| s.windows.get(window)).map(|w| w.queue + w.busy).sum()
}
