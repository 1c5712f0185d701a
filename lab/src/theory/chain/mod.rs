//! A queue and its clients as a Markov chain: `q` jobs at the server, and `o` calls whose attempt is late and that will try again or
//! give up (their *orbit*).
//!
//! The chain is that of Alvaro et al., *Formal Analysis of Metastable Failures in Software Systems* (arXiv 2510.03551), with the exact
//! probability that an attempt is late: whoever finds q jobs in a FIFO queue of exponential service is late with the probability
//! that q services take longer than the timeout, `P(Poisson(μT) ≤ q − 1)`. A call in orbit waits for its timeout on average, and then
//! tries again with probability r/(r+1); so it makes r retries on average while all are late.
//!
//! What it assumes: Poisson calls, exponential service, one FIFO server, work that nobody waits for is done all the same. A late
//! attempt is in orbit from its arrival on, and the number of retries is geometric instead of fixed.
mod banded;
mod course;
mod field;
mod fit;
mod life;
mod states;

pub use banded::{Banded, QuasiStationary};
pub use course::{Course, Stretch};
pub use field::{Field, Portrait};
pub use fit::{Fitted, Reach, Unfit, fit, retries_under_way};
pub use life::{Life, life};
pub use states::Lasting;

use super::queues::poisson_at_most;
use serde::Serialize;

/// The chain of one queue and one orbit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct QueueOrbit {
    /// Calls per second (λ).
    pub arrivals_per_s: f64,
    /// Completions per second (μ).
    pub service_per_s: f64,
    /// What an attempt may take, in seconds (T).
    pub timeout_s: f64,
    /// Mean seconds from the arrival of a late attempt to the next one; T, and the backoff.
    pub again_after_s: f64,
    /// Retries that a call makes while all are late (r).
    pub retries: f64,
    /// How late calls are counted.
    pub late: LateCalls,
    /// The queue holds 0, 1, … jobs up to one less than this (Q), the one in service included; who finds it full is lost.
    pub queue_states: u32,
    /// The orbit holds 0, 1, … calls up to one less than this (O); who finds it full does not try again.
    pub orbit_states: u32,
}

/// How calls whose first attempt is late are counted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LateCalls {
    /// They are those of λ whose attempt is late, as with real clients.
    Among,
    /// They come on top of λ, as this share of it: the published chain, where the share (α) is fitted to measurements.
    OnTop(f64),
}

impl QueueOrbit {
    /// The probability that an attempt which finds `jobs` jobs is late.
    pub fn late_share(&self, jobs: u32) -> f64 {
        if jobs == 0 { 0.0 } else { poisson_at_most(self.service_per_s * self.timeout_s, jobs - 1) }
    }

    /// The number of the state with `jobs` in the queue and `outstanding` in orbit.
    pub fn state(&self, jobs: u32, outstanding: u32) -> usize {
        (jobs * self.orbit_states + outstanding) as usize
    }

    /// Jobs in the queue and calls in orbit of a state.
    pub fn of_state(&self, state: usize) -> (u32, u32) {
        let state = state as u32;
        (state / self.orbit_states, state % self.orbit_states)
    }

    /// The full queue and orbit.
    pub fn full(&self) -> usize {
        self.state(self.queue_states - 1, self.orbit_states - 1)
    }

    /// The transitions out of a state: changes of queue and orbit, and the rate per second of each. Some rates may be 0.
    fn transitions(&self, jobs: u32, outstanding: u32, late: f64) -> [((i32, i32), f64); 5] {
        let calls = self.arrivals_per_s;
        let ends = f64::from(outstanding) / self.again_after_s;
        let (retries, gives_up) = (ends * self.retries / (self.retries + 1.0), ends / (self.retries + 1.0));
        let room = outstanding + 1 < self.orbit_states;
        let (joins, stays) = match self.late {
            _ if !room => (0.0, calls),
            LateCalls::Among => (calls * late, calls * (1.0 - late)),
            LateCalls::OnTop(share) => (share * calls * late, calls),
        };
        let full = jobs + 1 == self.queue_states;
        let served = if jobs > 0 { self.service_per_s } else { 0.0 };
        if full {
            return [((-1, 0), served), ((0, -1), ends), ((1, 0), 0.0), ((1, 1), 0.0), ((1, -1), 0.0)];
        }
        [
            ((-1, 0), served),
            ((0, -1), gives_up),
            ((1, 0), stays + retries * late),
            ((1, 1), joins),
            ((1, -1), retries * (1.0 - late)),
        ]
    }

    /// The chain itself.
    pub fn chain(&self) -> Banded {
        let (queue, orbit) = (self.queue_states, self.orbit_states);
        let mut chain = Banded::new((queue * orbit) as usize, orbit as usize + 1);
        for jobs in 0..queue {
            let late = self.late_share(jobs);
            for outstanding in 0..orbit {
                let from = self.state(jobs, outstanding);
                for ((up, more), per_s) in self.transitions(jobs, outstanding, late) {
                    if per_s > 0.0 {
                        let to =
                            self.state(jobs.wrapping_add_signed(up), outstanding.wrapping_add_signed(more));
                        chain.add(from, to, per_s);
                    }
                }
            }
        }
        chain
    }

    /// The mean of the number of jobs in the queue under the distribution `shares` of states.
    pub fn mean_jobs(&self, shares: &[f64]) -> f64 {
        shares.iter().enumerate().map(|(state, share)| f64::from(self.of_state(state).0) * share).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::{BirthDeath, queues::mm1k};

    /// The published picture: two sinks.
    pub(super) const PUBLISHED: QueueOrbit = QueueOrbit {
        arrivals_per_s: 9.5,
        service_per_s: 10.0,
        timeout_s: 9.0,
        again_after_s: 9.0,
        retries: 3.0,
        late: LateCalls::OnTop(0.25),
        queue_states: 100,
        orbit_states: 20,
    };

    fn close(found: f64, expected: f64, relative: f64) {
        assert!((found - expected).abs() <= relative * expected.abs(), "{found} against {expected}");
    }

    #[test]
    fn the_published_chain_has_its_published_figures() {
        let chain = PUBLISHED.chain();
        close(PUBLISHED.mean_jobs(&chain.stationary()), 25.94, 1e-3);
        close(chain.relaxation_per_s().expect("a real eigenvalue"), 2.787e-3, 1e-3);
        close(chain.hitting(|state| state == 0)[PUBLISHED.full()].mean_s, 543.0, 1e-3);
    }

    #[test]
    fn without_an_orbit_it_is_a_bounded_queue() {
        let alone = QueueOrbit { orbit_states: 1, ..PUBLISHED };
        let chain = alone.chain();
        let found = alone.mean_jobs(&chain.stationary());
        close(found, 18.404, 1e-4);
        close(found, mm1k(9.5, 10.0, 99).inside, 1e-12);
        let birth_death = BirthDeath::new(99, |_| 9.5, |_| 10.0);
        for (from, to) in [(99, 0), (0, 99), (30, 60)] {
            let (found, expected) =
                (chain.hitting(|s| s == to as usize)[from as usize], birth_death.passage(from, to));
            close(found.mean_s, expected.mean_s, 1e-10);
            close(found.deviation_s, expected.deviation_s, 1e-8);
        }
    }

    /// Elimination with subtractions returns garbage here: the answers are far beyond 10¹⁴ seconds.
    #[test]
    fn times_beyond_all_bounds_are_those_of_the_recursion() {
        let idle = QueueOrbit { arrivals_per_s: 4.0, orbit_states: 1, queue_states: 200, ..PUBLISHED };
        let birth_death = BirthDeath::new(199, |_| 4.0, |_| 10.0);
        for to in [60, 120, 199] {
            let expected = birth_death.passage(0, to);
            assert!(expected.mean_s > 1e20);
            let found = idle.chain().hitting(|s| s == to as usize)[0];
            close(found.mean_s, expected.mean_s, 1e-10);
            close(found.deviation_s, expected.deviation_s, 1e-8);
        }
        // The share of time in the last state, by the product of the ratios.
        close(idle.chain().stationary()[199], 0.6 * 0.4f64.powi(199), 1e-10);
    }

    #[test]
    fn states_are_numbered_both_ways() {
        for state in [0, 1, 19, 20, 777, PUBLISHED.full()] {
            let (jobs, outstanding) = PUBLISHED.of_state(state);
            assert_eq!(PUBLISHED.state(jobs, outstanding), state);
        }
        assert_eq!(PUBLISHED.of_state(PUBLISHED.full()), (99, 19));
    }
}
