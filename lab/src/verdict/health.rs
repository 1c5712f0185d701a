//! Health by intended start: the share of the calls meant to start in a window that turn out good.
use super::{HealthWindow, State};
use crate::{
    scenario::{Healthy, Scenario},
    trace::{Cohort, Cohorts, Trace},
};
use lab_core::time::Time;

/// Below this share of good calls a window has failed.
pub(super) const FAILED_BELOW: f64 = 0.5;

/// The verdict windows of a run: whole ones after the warm-up, and the last one if the run holds at least half of it.
pub(super) fn windows(scenario: &Scenario, trace: &Trace) -> Vec<HealthWindow> {
    let Some(first) = trace.clients.first() else { return vec![] };
    let over = first.cohorts.over;
    let whole = |index: usize| {
        let (from, until) = first.cohorts.bounds(index);
        let cut = until.since(from) < over;
        let held = trace.end.since(from).0;
        (!cut && from.0 >= scenario.warmup.0 && held.saturating_mul(2) >= over.0).then_some((from, until))
    };
    (0..first.cohorts.cohorts.len())
        .filter_map(|index| whole(index).map(|(from, until)| (index, from, until)))
        .map(|(index, from, until)| {
            let cohorts = trace.clients.iter().map(|client| &client.cohorts);
            window(scenario, cohorts, index, (from, until), trace.end)
        })
        .collect()
}

/// Verdict window `index`, within these bounds, of a run that has got to `now`.
pub(crate) fn window<'c>(
    scenario: &Scenario,
    cohorts: impl Iterator<Item = &'c Cohorts>,
    index: usize,
    (from, until): (Time, Time),
    now: Time,
) -> HealthWindow {
    let cohort = sum(scenario, cohorts, index, until, now);
    let (good, state) = state(&cohort, &scenario.healthy);
    HealthWindow { from, until: until.min(now), good, state }
}

/// Cohort `index` of all client groups. A call that is not over although its time to be good has passed is bad.
fn sum<'c>(
    scenario: &Scenario,
    cohorts: impl Iterator<Item = &'c Cohorts>,
    index: usize,
    until: Time,
    now: Time,
) -> Cohort {
    let mut sum = Cohort::default();
    for (group, cohorts) in cohorts.enumerate() {
        let Some(cohort) = cohorts.get(index) else { continue };
        let too_late = until + scenario.good_within(group) <= now;
        sum.offered += cohort.offered;
        sum.good += cohort.good;
        sum.bad += cohort.bad + if too_late { cohort.undecided() } else { 0 };
    }
    sum
}

/// The share of good calls among the decided ones, and the state if no call that is still open can change it.
fn state(cohort: &Cohort, healthy: &Healthy) -> (f64, State) {
    let good = cohort.good as f64 / (cohort.good + cohort.bad) as f64;
    if cohort.offered == 0 {
        return (good, State::Undecided);
    }
    let (least, most) = cohort.good_share();
    let (least, most) = (classify(least, healthy.good), classify(most, healthy.good));
    (good, if least == most { least } else { State::Undecided })
}

/// The state that a share of good calls stands for.
pub(super) fn classify(good: f64, healthy: f64) -> State {
    if good >= healthy {
        State::Healthy
    } else if good < FAILED_BELOW {
        State::Failed
    } else {
        State::Degraded
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab_core::time::Span;

    const HEALTHY: Healthy = Healthy { good: 0.99, over: Span::from_secs(10), latency: Span::FOREVER };

    fn state_of(offered: u64, good: u64, bad: u64) -> State {
        state(&Cohort { offered, good, bad }, &HEALTHY).1
    }

    #[test]
    fn a_window_is_undecided_only_while_open_calls_could_change_it() {
        assert_eq!(state_of(1000, 990, 10), State::Healthy);
        assert_eq!(state_of(1000, 989, 11), State::Degraded);
        assert_eq!(state_of(1000, 499, 501), State::Failed);
        // Nine are open: at worst 990 of 1,000 are good.
        assert_eq!(state_of(1000, 990, 1), State::Healthy);
        assert_eq!(state_of(1000, 985, 5), State::Undecided);
        assert_eq!(state_of(1000, 0, 501), State::Failed);
        assert_eq!(state_of(1000, 0, 500), State::Undecided);
        assert_eq!(state_of(0, 0, 0), State::Undecided);
    }
}
