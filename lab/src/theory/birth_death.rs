//! Birth–death chains: a queue that grows and shrinks by one, and how long it takes to be at another length for the first time.
//!
//! Mean and deviation come from recursions that add positive terms only (Keilson, *Markov Chain Models: Rarity and
//! Exponentiality*, 1979, §5.1), so they stay exact over any time scale and overflow only where the answer itself does.
use super::Passage;

/// A chain on the states 0, 1, …, `top`.
#[derive(Clone, Debug, PartialEq)]
pub struct BirthDeath {
    /// Rates per second from n to n + 1; that of the last state is 0.
    births_per_s: Vec<f64>,
    /// Rates per second from n to n − 1; that of the first state is 0.
    deaths_per_s: Vec<f64>,
}

impl BirthDeath {
    /// The chain up to state `top` with the rates per second that the two functions give for each state.
    pub fn new(top: u32, births_per_s: impl Fn(u32) -> f64, deaths_per_s: impl Fn(u32) -> f64) -> BirthDeath {
        BirthDeath {
            births_per_s: (0..=top).map(|n| if n == top { 0.0 } else { births_per_s(n) }).collect(),
            deaths_per_s: (0..=top).map(|n| if n == 0 { 0.0 } else { deaths_per_s(n) }).collect(),
        }
    }

    /// A queue of at most `places` jobs whose attempts are all late from `late_from` jobs on: calls come at `arrivals_per_s` below
    /// it, `attempts` times as fast from it on, and are served at `service_per_s`.
    pub fn retrying(
        arrivals_per_s: f64,
        service_per_s: f64,
        attempts: f64,
        late_from: u32,
        places: u32,
    ) -> BirthDeath {
        let births = |n| if n >= late_from { arrivals_per_s * attempts } else { arrivals_per_s };
        BirthDeath::new(places, births, |_| service_per_s)
    }

    /// The time from state `from` until the chain is first in state `to`.
    ///
    /// # Panics
    /// When one of them is no state of the chain.
    pub fn passage(&self, from: u32, to: u32) -> Passage {
        let (from, to) = (from as usize, to as usize);
        // The time over each step is independent of the others, so that means and variances add.
        let over = |steps: Vec<Passage>| steps.into_iter().fold(Passage::default(), Passage::then);
        if from >= to {
            let last = self.deaths_per_s.len() - 1;
            let steps = steps((to + 1..=last).rev(), &self.deaths_per_s, &self.births_per_s);
            // They come from the top down; those above `from` are not part of the way.
            over(steps.into_iter().skip(last - from).collect())
        } else {
            over(steps(0..to, &self.births_per_s, &self.deaths_per_s).into_iter().skip(from).collect())
        }
    }
}

/// The time from each state to the next one towards the goal, from the far end on: `ahead` are the rates towards it, `back` those
/// away from it. Mean `h = (1 + b·h')/a` and variance `h² + b/a·(v' + h'²)`, where h' and v' are those of the state behind.
fn steps(states: impl Iterator<Item = usize>, ahead: &[f64], back: &[f64]) -> Vec<Passage> {
    let mut behind = Passage::default();
    let steps = states.map(|n| {
        let mean_s = (1.0 + back[n] * behind.mean_s) / ahead[n];
        let returns = (back[n] / ahead[n]).sqrt() * libm::hypot(behind.deviation_s, behind.mean_s);
        behind = Passage { mean_s, deviation_s: libm::hypot(mean_s, returns) };
        behind
    });
    steps.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::retries::lifetime_s;

    fn close(found: f64, expected: f64, tolerance: f64) {
        assert!((found - expected).abs() <= tolerance, "{found} against {expected}");
    }

    #[test]
    fn recovery_is_a_knife_edge_at_the_hidden_capacity() {
        for (arrivals_per_s, expected, tolerance) in
            [(2.0, 91.0, 0.5), (2.4, 396.0, 0.5), (2.5, 1656.0, 0.5), (2.6, 7.9e4, 5e2)]
        {
            let chain = BirthDeath::retrying(arrivals_per_s, 10.0, 4.0, 20, 200);
            close(chain.passage(200, 0).mean_s, expected, tolerance);
        }
    }

    #[test]
    fn the_way_up_is_the_closed_form_of_a_lifetime() {
        let chain = |arrivals| BirthDeath::new(200, |_| arrivals, |_| 10.0);
        for arrivals in [2.0, 7.0, 8.0, 10.0, 12.0] {
            let expected = lifetime_s(arrivals, 10.0, 20.0);
            close(chain(arrivals).passage(0, 20).mean_s, expected, 1e-9 * expected);
        }
        // 5^400 seconds are beyond any closed form in floating point, and still in order here.
        let far = chain(2.0).passage(0, 150);
        assert!(far.mean_s > 1e100 && far.mean_s.is_finite());
        // A passage that hardly ever succeeds is exponential: its deviation is its mean.
        close(far.deviation_s / far.mean_s, 1.0, 1e-9);
    }

    /// An M/M/1 queue of n jobs is busy for n/(μ−λ) on average, with the variance n(λ+μ)/(μ−λ)³ (Kleinrock I, §5.8).
    #[test]
    fn mean_and_deviation_are_those_of_the_busy_period() {
        let (arrivals, service, jobs) = (4.0, 10.0, 7);
        let found = BirthDeath::new(400, |_| arrivals, |_| service).passage(jobs, 0);
        let gap: f64 = service - arrivals;
        close(found.mean_s, f64::from(jobs) / gap, 1e-9);
        close(found.deviation_s, (f64::from(jobs) * (arrivals + service) / (gap * gap * gap)).sqrt(), 1e-9);
        // Without births it is a sum of exponential times.
        let alone = BirthDeath::new(9, |_| 0.0, |_| service).passage(9, 0);
        close(alone.mean_s, 0.9, 1e-12);
        close(alone.deviation_s, 0.3, 1e-12);
        assert_eq!(BirthDeath::new(9, |_| 1.0, |_| service).passage(4, 4), Passage::default());
    }
}
