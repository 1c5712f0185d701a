//! The healthy and the failed state of the chain: how long each lasts.
use super::{Banded, Portrait, QueueOrbit};
use crate::theory::Passage;
use serde::Serialize;

/// How long the two states of a chain with two sinks last, and how the healthy one looks.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Lasting {
    /// From the healthy sink until the chain is half-way between the line and the failed sink.
    pub lifetime: Passage,
    /// From the failed sink until the chain is half-way between the line and the healthy sink.
    pub recovery: Passage,
    /// From the full queue and orbit until both are empty.
    pub drain: Passage,
    /// Mean jobs in the queue while the state is healthy (quasi-stationary), if it lasts at all.
    pub healthy_jobs: Option<f64>,
    /// Jobs in the queue, with nobody in orbit, from which the chain is as likely to fail as to heal; `None` where none is enough.
    pub tips_from_jobs: Option<u32>,
}

/// How far the half-way lines lie from the parting line towards the sinks.
const HALF_WAY: f64 = 0.5;

impl QueueOrbit {
    /// How long the two states of `chain`, with the sinks of `portrait`, last; `None` where there is one sink.
    pub fn lasting(&self, chain: &Banded, portrait: &Portrait) -> Option<Lasting> {
        let (healthy, failed) = (portrait.healthy, portrait.failed?);
        // Which states are well over the line on either side, row by row of the orbit. A row that the line does not cross lies on one side.
        let line: Vec<f64> = (0..self.orbit_states).filter_map(|o| portrait.line_at(f64::from(o))).collect();
        let last = f64::from(self.queue_states - 1);
        let place = |state: usize| {
            let (jobs, outstanding) = self.of_state(state);
            (f64::from(jobs), line[outstanding as usize])
        };
        let half_way = |line: f64, sink: f64| line + (sink - line) * HALF_WAY;
        let has_failed = |state: usize| {
            let (jobs, line) = place(state);
            line < last - 0.5 && jobs >= half_way(line, failed.0)
        };
        let is_healthy = |state: usize| {
            let (jobs, line) = place(state);
            line > healthy.0 && jobs <= half_way(line, healthy.0)
        };
        let nearest = |sink: (f64, f64)| self.state(sink.0.round() as u32, sink.1.round() as u32);
        let fails_first = chain.reaches_first(has_failed, is_healthy);
        let tips = (0..self.queue_states).find(|jobs| fails_first[self.state(*jobs, 0)] >= 0.5);
        Some(Lasting {
            lifetime: chain.hitting(has_failed)[nearest(healthy)],
            recovery: chain.hitting(is_healthy)[nearest(failed)],
            drain: chain.hitting(|state| state == 0)[self.full()],
            healthy_jobs: chain
                .quasi_stationary(|state| !has_failed(state))
                .map(|quasi| self.mean_jobs(&quasi.distribution)),
            tips_from_jobs: tips,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Field, LateCalls, tests::PUBLISHED};
    use super::*;

    /// The service of the published lifetimes: μ = 10, T = 2 s, four attempts, room for 200.
    fn retrying(arrivals_per_s: f64) -> QueueOrbit {
        QueueOrbit {
            arrivals_per_s,
            service_per_s: 10.0,
            timeout_s: 2.0,
            again_after_s: 2.0,
            retries: 3.0,
            late: LateCalls::Among,
            queue_states: 201,
            orbit_states: 90,
        }
    }

    fn lasting(model: &QueueOrbit) -> Option<Lasting> {
        model.lasting(&model.chain(), &Field::new(model).portrait())
    }

    /// Simulated lifetimes: 2,587 s at 7/s, 226 s at 8/s.
    #[test]
    fn lifetimes_are_within_a_factor_of_three_of_the_simulated_ones() {
        for (arrivals, simulated) in [(7.0, 2587.0), (8.0, 226.0)] {
            let found = lasting(&retrying(arrivals)).expect("two sinks");
            let ratio = found.lifetime.mean_s / simulated;
            println!("λ = {arrivals}: {found:?}");
            assert!((1.0 / 3.0..3.0).contains(&ratio), "{ratio} at {arrivals}/s");
            // An escape is exponential.
            assert!((found.lifetime.deviation_s / found.lifetime.mean_s - 1.0).abs() < 0.1);
        }
    }

    /// In a chain of two states one forgets at the sum of the rates between them.
    #[test]
    fn the_slow_rate_is_that_of_changing_sides() {
        let model = QueueOrbit { queue_states: 60, orbit_states: 40, ..retrying(6.0) };
        let (chain, found) = (model.chain(), lasting(&model).expect("two sinks"));
        let sum = 1.0 / found.lifetime.mean_s + 1.0 / found.recovery.mean_s;
        let slow = chain.relaxation_per_s().expect("a real eigenvalue");
        assert!((slow / sum - 1.0).abs() < 0.2, "{slow} against {sum}: {found:?}");
    }

    #[test]
    fn one_sink_has_no_two_lasting_states() {
        assert_eq!(lasting(&retrying(2.0)), None);
        assert!(lasting(&PUBLISHED).is_some());
    }
}
