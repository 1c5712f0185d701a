//! A chain while its load changes: where it is after a trigger, and what becomes of it.
use super::{Fitted, QueueOrbit, Unfit};
use crate::scenario::Scenario;
use lab_core::{
    time::Time,
    timeline::{Disturbance, Effect},
};

/// The load from the first trigger's beginning until all are over, piece by piece.
#[derive(Clone, Debug, PartialEq)]
pub struct Course {
    /// The pieces, in order.
    pub stretches: Vec<Stretch>,
    /// Calls per second, all replicas together, from then on.
    pub calls_per_s: f64,
}

/// Probabilities below this are left out: of all states together they stay below the precision of what is asked.
const NOTHING: f64 = 1e-20;

/// A piece of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stretch {
    /// Calls per second, all replicas together.
    pub calls_per_s: f64,
    /// How long, in seconds.
    pub for_s: f64,
}

impl Course {
    /// The load on service `index` of `scenario`.
    ///
    /// # Errors
    /// Where a trigger is not a load spike, or the load changes steadily.
    pub fn new(scenario: &Scenario, index: usize) -> Result<Course, Unfit> {
        let spike = |d: &Disturbance| matches!(d.effect, Effect::LoadSpike { .. });
        if let Some(other) = scenario.triggers().find(|d| !spike(d)) {
            return Err(Unfit {
                why: format!("`{}` is no load spike; the chain knows no other trigger.", other.name),
            });
        }
        let (from, until) = (scenario.first_trigger(), scenario.triggers_over());
        let groups = (0..scenario.clients.len()).filter(|group| scenario.clients[*group].service == index);
        let loads: Vec<_> = groups.map(|group| scenario.load(group)).collect();
        let stages = || loads.iter().flat_map(|load| &load.stages);
        if stages().any(|s| s.rate != s.end_rate && s.until > from) {
            return Err(Unfit { why: "The load grows or falls steadily; the chain knows steps.".into() });
        }
        let surges = loads.iter().flat_map(|load| &load.surges).flat_map(|s| [s.from, s.until]);
        let mut bounds: Vec<Time> = stages().map(|s| s.from).chain(surges).chain([from, until]).collect();
        bounds.retain(|at| (from..=until).contains(at));
        bounds.sort_unstable();
        bounds.dedup();
        let rate = |at| loads.iter().map(|load| load.rate_at(at)).sum();
        let stretches = bounds
            .windows(2)
            .map(|pair| Stretch { calls_per_s: rate(pair[0]), for_s: pair[1].since(pair[0]).as_secs_f64() });
        Ok(Course { stretches: stretches.collect(), calls_per_s: rate(until) })
    }

    /// The greatest load, in calls per second.
    pub fn peak_per_s(&self) -> f64 {
        self.stretches.iter().map(|s| s.calls_per_s).fold(self.calls_per_s, f64::max)
    }

    /// The probability of each state of `fitted`, the chain under the load from then on, when the triggers are over; begun empty.
    pub fn leads_to(&self, fitted: &Fitted) -> Vec<f64> {
        let model = fitted.model;
        let mut shares = vec![0.0; (model.queue_states * model.orbit_states) as usize];
        shares[0] = 1.0;
        for Stretch { calls_per_s, for_s } in &self.stretches {
            let arrivals_per_s = model.arrivals_per_s * calls_per_s / self.calls_per_s;
            shares = QueueOrbit { arrivals_per_s, ..model }.after(shares, *for_s);
        }
        shares
    }
}

impl QueueOrbit {
    /// The probability of each state `seconds` after they were `shares`, by uniformisation (Jensen, Skandinavisk Aktuarietidskrift 36,
    /// 1953): as many steps of a chain in discrete time as a Poisson process makes.
    pub fn after(&self, shares: Vec<f64>, seconds: f64) -> Vec<f64> {
        let late: Vec<f64> = (0..self.queue_states).map(|jobs| self.late_share(jobs)).collect();
        let rows: Vec<_> = (0..shares.len())
            .map(|state| {
                let (jobs, outstanding) = self.of_state(state);
                self.transitions(jobs, outstanding, late[jobs as usize])
            })
            .collect();
        let fastest = rows.iter().map(|row| row.iter().map(|t| t.1).sum::<f64>()).fold(0.0, f64::max);
        let mean = fastest * seconds;
        let last = (mean + 8.0 * mean.sqrt() + 20.0) as usize;
        let mut now = shares;
        let mut sum = vec![0.0; now.len()];
        for step in 0..=last {
            let n = step as f64;
            let weight = libm::exp(n * libm::log(mean.max(f64::MIN_POSITIVE)) - mean - libm::lgamma(n + 1.0));
            if weight > 1e-16 {
                sum.iter_mut().zip(&now).for_each(|(sum, share)| *sum += weight * share);
            }
            let mut next = vec![0.0; now.len()];
            for (state, (share, row)) in now.iter().zip(&rows).enumerate() {
                if *share < NOTHING {
                    continue;
                }
                let mut stays = *share;
                for ((up, more), per_s) in row.iter().filter(|t| t.1 > 0.0) {
                    let moves = share * per_s / fastest;
                    let to = state as i64 + i64::from(*up) * i64::from(self.orbit_states) + i64::from(*more);
                    next[to as usize] += moves;
                    stays -= moves;
                }
                next[state] += stays.max(0.0);
            }
            now = next;
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::{
        chain::{LateCalls, tests::PUBLISHED},
        queues::mm1k,
    };

    const SMALL: QueueOrbit = QueueOrbit {
        arrivals_per_s: 7.0,
        timeout_s: 2.0,
        again_after_s: 2.0,
        late: LateCalls::Among,
        queue_states: 201,
        orbit_states: 90,
        ..PUBLISHED
    };

    fn begun_at(model: &QueueOrbit, state: usize) -> Vec<f64> {
        let mut shares = vec![0.0; (model.queue_states * model.orbit_states) as usize];
        shares[state] = 1.0;
        shares
    }

    #[test]
    fn after_a_long_time_a_queue_is_as_it_always_is() {
        let alone = QueueOrbit { arrivals_per_s: 8.0, orbit_states: 1, queue_states: 31, ..PUBLISHED };
        let shares = alone.after(begun_at(&alone, 0), 500.0);
        assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        let (found, expected) = (alone.mean_jobs(&shares), mm1k(8.0, 10.0, 30).inside);
        assert!((found / expected - 1.0).abs() < 1e-6, "{found} against {expected}");
        // Two halves make a whole, and no time changes nothing.
        let halves = alone.after(alone.after(begun_at(&alone, 0), 3.0), 4.0);
        let whole = alone.after(begun_at(&alone, 0), 7.0);
        assert!(halves.iter().zip(&whole).all(|(a, b)| (a - b).abs() < 1e-12));
        assert_eq!(alone.after(begun_at(&alone, 4), 0.0), begun_at(&alone, 4));
    }

    /// Calls that are in orbit leave it at 1/T, and meanwhile the empty queue stays short.
    #[test]
    fn an_orbit_empties_at_the_rate_of_its_timeout() {
        let idle = QueueOrbit { arrivals_per_s: 0.01, orbit_states: 41, ..SMALL };
        let shares = idle.after(begun_at(&idle, 40), 2.0);
        let left: f64 =
            shares.iter().enumerate().map(|(s, share)| f64::from(idle.of_state(s).1) * share).sum();
        // Half of them try again in time; who does not gives up. All leave.
        assert!((left - 40.0 * libm::exp(-1.0)).abs() < 0.5, "{left}");
    }
}
