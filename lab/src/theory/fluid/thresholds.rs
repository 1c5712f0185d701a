//! How much it takes: the smallest backlog, spike and load at which the fluid ends otherwise, found by halving.
use super::settle::{Settled, Start, calls_per_s, settle};
use crate::scenario::Scenario;

/// Points of a separatrix.
const LINE: u32 = 13;

/// The backlog in jobs, all replicas together, from which on `service` does not heal, with `outstanding_calls` that will come again.
/// `None` where it heals from any.
pub fn tips_from(scenario: &Scenario, service: usize, outstanding_calls: f64, most_jobs: f64) -> Option<f64> {
    let fails = |jobs| settle(scenario, service, Start::at(jobs, outstanding_calls)) == Settled::Fails;
    if !fails(most_jobs) {
        return None;
    }
    if fails(0.0) {
        return Some(0.0);
    }
    Some(threshold(0.0, most_jobs, fails))
}

/// The line between the beginnings from which `service` heals and those from which it fails, as points of jobs and outstanding calls, all
/// replicas together, from no outstanding call up to `most`; empty where it heals from any, or from none.
pub fn separatrix(scenario: &Scenario, service: usize, most: Start) -> Vec<(f64, f64)> {
    let heights = (0..LINE).map(|k| most.outstanding_calls * f64::from(k) / f64::from(LINE - 1));
    let line = heights.map_while(|o| Some((tips_from(scenario, service, o, most.backlog_jobs)?, o)));
    let line: Vec<(f64, f64)> = line.collect();
    let crossed = line.iter().position(|point| point.0 <= 0.0).map_or(line.len(), |end| end + 1);
    if crossed == 1 { vec![] } else { line[..crossed].to_vec() }
}

/// The smallest factor on the load for `lasts_s` seconds that tips `service` out of its empty state; `None` where a factor of 1,000 does
/// not.
pub fn spike_that_tips(scenario: &Scenario, service: usize, lasts_s: f64) -> Option<f64> {
    let tips = |factor| {
        let start = Start { spike_factor: factor, spike_s: lasts_s, ..Start::at(0.0, 0.0) };
        settle(scenario, service, start) == Settled::Fails
    };
    let highest = [2.0, 10.0, 100.0, 1000.0].into_iter().find(|factor| tips(*factor))?;
    Some(threshold(1.0, highest, tips))
}

/// The load in calls per second below which `service` heals from `start`, with the calls shed down to it; `None` where it heals at the load
/// as it is.
pub fn load_that_heals(scenario: &Scenario, service: usize, start: Start) -> Option<f64> {
    let fails = |admit: f64| settle(scenario, service, Start { admit, ..start }) == Settled::Fails;
    fails(1.0).then(|| calls_per_s(scenario, service) * threshold(0.0, 1.0, fails))
}

/// Where between `low` and `high` a condition begins to hold.
fn threshold(mut low: f64, mut high: f64, holds: impl Fn(f64) -> bool) -> f64 {
    for _ in 0..12 {
        let middle = f64::midpoint(low, high);
        if holds(middle) { high = middle } else { low = middle }
    }
    f64::midpoint(low, high)
}

#[cfg(test)]
mod tests {
    use super::{super::settle::tests::retrying, *};

    #[test]
    fn thresholds_are_those_of_the_formulas() {
        let full = Start::at(200.0, 56.0);
        let healing = load_that_heals(&retrying(7.0), 0, full).expect("it fails at 7/s");
        assert!((healing - 2.5).abs() < 0.05, "{healing}");
        assert_eq!(load_that_heals(&retrying(2.4), 0, full), None);
        // With nobody outstanding it tips from μT jobs, with calls that will come again from fewer.
        let alone = tips_from(&retrying(7.0), 0, 0.0, 200.0).expect("it can fail");
        let with = tips_from(&retrying(7.0), 0, 20.0, 200.0).expect("it can fail");
        assert!((alone - 20.0).abs() < 3.0 && with < alone - 2.0, "{alone} {with}");
        assert_eq!(tips_from(&retrying(2.0), 0, 0.0, 200.0), None);
        // More outstanding calls need less of a queue, until they need none.
        let line = separatrix(&retrying(7.0), 0, Start::at(200.0, 56.0));
        assert!(line.len() > 3 && line.windows(2).all(|pair| pair[1].0 <= pair[0].0 + 0.1), "{line:?}");
        assert_eq!(separatrix(&retrying(2.0), 0, Start::at(200.0, 56.0)), []);
    }

    #[test]
    fn a_spike_tips_when_it_leaves_more_than_a_timeouts_jobs() {
        let factor = spike_that_tips(&retrying(7.0), 0, 20.0).expect("it can fail");
        // Without the retries of the spike itself: (h·λ − μ)·20 s = μT.
        let without = (1.0 + 2.0 / 20.0) * 10.0 / 7.0;
        assert!(factor > 1.2 && factor <= without + 0.01, "{factor} against {without}");
        assert_eq!(spike_that_tips(&retrying(2.0), 0, 20.0), None);
    }
}
