//! Where the chain drifts: mean velocities, the sinks in which they end, and the line that parts the ways to them.
use super::QueueOrbit;
use serde::Serialize;

/// The drift of a [`QueueOrbit`] as a continuous field: the mean velocity at every state, and in between by bilinear
/// interpolation. Its borders are those of the chain, so that a full queue pushes back.
#[derive(Clone, Debug)]
pub struct Field {
    queue_states: u32,
    orbit_states: u32,
    /// Jobs and calls per second, state by state.
    velocity: Vec<(f64, f64)>,
    /// No transition is faster than this, per second.
    fastest_per_s: f64,
}

/// The shape of a field. Points are (jobs in the queue, calls in orbit).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Portrait {
    /// Where the way from the empty system ends.
    pub healthy: (f64, f64),
    /// Where the way from the full queue and orbit ends, if that is another place.
    pub failed: Option<(f64, f64)>,
    /// The line between the ways to the two sinks, from an empty orbit to a full one; empty where there is one sink.
    pub separatrix: Vec<(f64, f64)>,
}

/// Steps after which a way is taken to have ended.
const STEPS: usize = 400_000;

impl Field {
    /// The drift of `model`.
    pub fn new(model: &QueueOrbit) -> Field {
        let mut velocity = Vec::with_capacity((model.queue_states * model.orbit_states) as usize);
        let mut fastest_per_s: f64 = 0.0;
        for jobs in 0..model.queue_states {
            let late = model.late_share(jobs);
            for outstanding in 0..model.orbit_states {
                let transitions = model.transitions(jobs, outstanding, late);
                let along = |of: fn((i32, i32)) -> i32| -> f64 {
                    transitions.iter().map(|(change, per_s)| f64::from(of(*change)) * per_s).sum()
                };
                velocity.push((along(|c| c.0), along(|c| c.1)));
                fastest_per_s = fastest_per_s.max(transitions.iter().map(|t| t.1).sum());
            }
        }
        Field { queue_states: model.queue_states, orbit_states: model.orbit_states, velocity, fastest_per_s }
    }

    /// The mean velocity at a point, in jobs and calls per second.
    pub fn at(&self, (jobs, outstanding): (f64, f64)) -> (f64, f64) {
        let cell = |value: f64, states: u32| {
            let low = (value.floor().max(0.0) as u32).min(states.saturating_sub(2));
            (low, (value - f64::from(low)).clamp(0.0, 1.0))
        };
        let ((q, across), (o, up)) = (cell(jobs, self.queue_states), cell(outstanding, self.orbit_states));
        let corner = |dq: u32, d_o: u32| {
            let (q, o) = ((q + dq).min(self.queue_states - 1), (o + d_o).min(self.orbit_states - 1));
            self.velocity[(q * self.orbit_states + o) as usize]
        };
        let mix =
            |a: (f64, f64), b: (f64, f64), share: f64| (a.0 + (b.0 - a.0) * share, a.1 + (b.1 - a.1) * share);
        mix(mix(corner(0, 0), corner(1, 0), across), mix(corner(0, 1), corner(1, 1), across), up)
    }

    /// The point after one step along the field, and how fast that was.
    fn step(&self, at: (f64, f64)) -> ((f64, f64), f64) {
        let velocity = self.at(at);
        let speed = libm::hypot(velocity.0, velocity.1);
        // Half a state at most, and slowly enough that what pushes back at a border does not swing.
        let seconds = (0.5 / speed.max(1e-300)).min(0.5 / self.fastest_per_s);
        let inside = |value: f64, states: u32| value.clamp(0.0, f64::from(states - 1));
        let next = (
            inside(at.0 + seconds * velocity.0, self.queue_states),
            inside(at.1 + seconds * velocity.1, self.orbit_states),
        );
        (next, speed)
    }

    /// Where the way from `at` ends.
    fn end(&self, mut at: (f64, f64)) -> (f64, f64) {
        for _ in 0..STEPS {
            let (next, _) = self.step(at);
            if libm::hypot(next.0 - at.0, next.1 - at.1) < 1e-9 {
                break;
            }
            at = next;
        }
        at
    }

    /// Sinks and the line between them.
    pub fn portrait(&self) -> Portrait {
        let (last_q, last_o) = (f64::from(self.queue_states - 1), f64::from(self.orbit_states - 1));
        let (healthy, failed) = (self.end((0.0, 0.0)), self.end((last_q, last_o)));
        if failed.0 - healthy.0 < 0.05 * last_q {
            return Portrait { healthy, failed: None, separatrix: vec![] };
        }
        let rows = self.orbit_states.min(33);
        let heights = (0..rows).map(|row| last_o * f64::from(row) / f64::from((rows - 1).max(1)));
        let separatrix = heights.map(|o| (self.parting(o, healthy, failed), o)).collect();
        Portrait { healthy, failed: Some(failed), separatrix }
    }

    /// The jobs in the queue from which on the way ends in the failed sink, with `outstanding` calls in orbit.
    fn parting(&self, outstanding: f64, healthy: (f64, f64), failed: (f64, f64)) -> f64 {
        let (mut low, mut high) = (0.0, f64::from(self.queue_states - 1));
        let fails = |jobs: f64| self.fails((jobs, outstanding), healthy, failed);
        if fails(low) {
            return low;
        }
        if !fails(high) {
            return high;
        }
        while high - low > 0.05 {
            let middle = f64::midpoint(low, high);
            if fails(middle) { high = middle } else { low = middle }
        }
        f64::midpoint(low, high)
    }

    fn fails(&self, mut at: (f64, f64), healthy: (f64, f64), failed: (f64, f64)) -> bool {
        let (width, height) = (f64::from(self.queue_states), f64::from(self.orbit_states));
        let distance = |a: (f64, f64), b: (f64, f64)| libm::hypot((a.0 - b.0) / width, (a.1 - b.1) / height);
        for _ in 0..STEPS {
            if distance(at, healthy) < 0.02 {
                return false;
            }
            if distance(at, failed) < 0.02 {
                return true;
            }
            at = self.step(at).0;
        }
        distance(at, failed) < distance(at, healthy)
    }
}

impl Portrait {
    /// The jobs at which the line is crossed with `outstanding` calls in orbit; `None` where there is one sink.
    pub fn line_at(&self, outstanding: f64) -> Option<f64> {
        let last = self.separatrix.last()?;
        let pair = self.separatrix.windows(2).find(|pair| outstanding <= pair[1].1);
        Some(match pair {
            Some(pair) => {
                let share = (outstanding - pair[0].1) / (pair[1].1 - pair[0].1).max(1e-12);
                pair[0].0 + (pair[1].0 - pair[0].0) * share.clamp(0.0, 1.0)
            }
            None => last.0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{LateCalls, tests::PUBLISHED};
    use super::*;

    #[test]
    fn the_published_picture_has_two_sinks_and_a_line_between_them() {
        let portrait = Field::new(&PUBLISHED).portrait();
        assert!(portrait.healthy.0 < 1.0 && portrait.healthy.1 < 0.1, "{portrait:?}");
        let failed = portrait.failed.expect("two sinks");
        assert!(failed.0 > 95.0 && failed.1 > 15.0, "{failed:?}");
        // More outstanding retries need less of a queue to tip.
        let queues: Vec<f64> = portrait.separatrix.iter().map(|p| p.0).collect();
        assert!(queues.windows(2).all(|pair| pair[1] <= pair[0] + 0.06), "{queues:?}");
        assert!(
            queues[0] > 60.0 && queues[0] < 99.0 && queues[queues.len() - 1] < queues[0] - 3.0,
            "{queues:?}"
        );
        assert_eq!(portrait.line_at(0.0), Some(queues[0]));
    }

    /// The drift is exactly zero at no state where the chain's mean does not move: rates times changes.
    #[test]
    fn the_drift_is_what_the_rates_say() {
        let field = Field::new(&PUBLISHED);
        // Nobody is late behind 40 jobs when 90 are served within the timeout.
        let (dq, d_o) = field.at((40.0, 12.0));
        assert!((dq - (9.5 + 12.0 / 12.0 - 10.0)).abs() < 1e-6, "{dq}");
        assert!((d_o + 12.0 / 9.0).abs() < 1e-6, "{d_o}");
        // A full queue lets nobody in.
        assert!((field.at((99.0, 0.0)).0 + 10.0).abs() < 1e-12);
    }

    #[test]
    fn below_the_hidden_capacity_there_is_one_sink() {
        let calm = QueueOrbit {
            arrivals_per_s: 2.0,
            late: LateCalls::Among,
            timeout_s: 2.0,
            again_after_s: 2.0,
            queue_states: 200,
            orbit_states: 60,
            ..PUBLISHED
        };
        assert_eq!(Field::new(&calm).portrait().failed, None);
        let vulnerable = QueueOrbit { arrivals_per_s: 5.0, ..calm };
        assert!(Field::new(&vulnerable).portrait().failed.is_some());
    }
}
