//! Markov chains in continuous time whose states are numbered so that every transition is a short one.
//!
//! Everything is answered by state reduction (Grassmann, Taksar and Heyman, Operations Research 33(5), 1985; O'Cinneide,
//! Numerische Mathematik 65, 1993): one state after the other is taken out, and the ways through it are added to the ways
//! between its neighbours. That adds, multiplies and divides positive numbers and never subtracts any, so every result keeps its
//! figures, be the time scales 1 s or 10¹⁰⁰ s apart, where elimination with subtractions returns noise beyond some 10¹⁴ s.
//! A band stays a band, so n states with transitions of up to w cost n·w² operations.
mod slow;
#[cfg(test)]
mod tests;

use crate::theory::Passage;

/// A chain, by its rates.
#[derive(Clone, Debug)]
pub struct Banded {
    states: usize,
    width: usize,
    /// Row by row: the rates per second from a state to those up to `width` before and behind it.
    rates: Vec<f64>,
}

/// A chain until it first enters a set of states, reduced.
struct Reduced<'a> {
    chain: &'a Banded,
    /// Rates between the states that are left when each is taken out.
    rates: Vec<f64>,
    /// The rate at which each state that is taken out is left; 0 for those of the set.
    left_per_s: Vec<f64>,
    inside: Vec<bool>,
}

/// How a part of a chain looks while the chain stays in it.
#[derive(Clone, Debug, PartialEq)]
pub struct QuasiStationary {
    /// The probability of each state; 0 outside of the part.
    pub distribution: Vec<f64>,
    /// The rate at which the part is left, per second.
    pub exit_per_s: f64,
}

impl Banded {
    /// A chain of `states` states without transitions yet, none of them further than `width`.
    pub fn new(states: usize, width: usize) -> Banded {
        Banded { states, width, rates: vec![0.0; states * (2 * width + 1)] }
    }

    /// The number of states.
    pub fn len(&self) -> usize {
        self.states
    }

    /// Whether there are no states.
    pub fn is_empty(&self) -> bool {
        self.states == 0
    }

    /// Adds a transition of `per_s` per second.
    ///
    /// # Panics
    /// When `to` is further from `from` than the width.
    pub fn add(&mut self, from: usize, to: usize, per_s: f64) {
        assert!(
            from.abs_diff(to) <= self.width && from != to,
            "{from} to {to} is no transition of this chain"
        );
        let at = self.at(from, to);
        self.rates[at] += per_s;
    }

    /// The rate from one state to another that is not further than the width.
    pub fn rate(&self, from: usize, to: usize) -> f64 {
        self.rates[self.at(from, to)]
    }

    fn at(&self, from: usize, to: usize) -> usize {
        from * (2 * self.width + 1) + (to + self.width - from)
    }

    /// The states that one can go to from `state`, and come from.
    fn near(&self, state: usize) -> std::ops::Range<usize> {
        state.saturating_sub(self.width)..(state + self.width + 1).min(self.states)
    }

    /// The share of time in each state, in the long run. Every state must be reached from every other.
    pub fn stationary(&self) -> Vec<f64> {
        let reduced = self.reduce(|_| false);
        let mut shares = vec![0.0; self.states];
        shares[0] = 1.0;
        for state in 1..self.states {
            let inflow: f64 =
                self.before(state).map(|from| shares[from] * reduced.rates[self.at(from, state)]).sum();
            shares[state] = inflow / reduced.left_per_s[state];
            // The likely states may be the last ones, and 10¹⁰⁰ times as likely as the first.
            if shares[state] > 1e150 {
                shares[..=state].iter_mut().for_each(|share| *share /= 1e150);
            }
        }
        normalise(&mut shares);
        shares
    }

    /// The time until the chain is first in one of the states of `goal`, from each state. The goal must be reached from everywhere.
    pub fn hitting(&self, goal: impl Fn(usize) -> bool) -> Vec<Passage> {
        let reduced = self.reduce(goal);
        let means = reduced.solve(vec![1.0; self.states]);
        // Times are taken relative to the longest, whose square could overflow. The second moment keeps its figures; the variance
        // loses some where the deviation is a small share of the mean.
        let longest = means.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
        let moments = reduced.solve(means.iter().map(|mean| 2.0 * mean / longest).collect());
        let passages = means.iter().zip(moments).map(|(mean_s, moment)| {
            let relative = mean_s / longest;
            let variance = (moment / longest - relative * relative).max(0.0);
            Passage { mean_s: *mean_s, deviation_s: variance.sqrt() * longest }
        });
        passages.collect()
    }

    /// The probability to be in a state of `goal` before one of `other`, from each state.
    pub fn reaches_first(&self, goal: impl Fn(usize) -> bool, other: impl Fn(usize) -> bool) -> Vec<f64> {
        let reduced = self.reduce(|state| goal(state) || other(state));
        let entries = (0..self.states).map(|state| {
            let into = self.near(state).filter(|to| goal(*to));
            into.map(|to| self.rate(state, to)).sum()
        });
        let mut found = reduced.solve(entries.collect());
        found.iter_mut().enumerate().filter(|(state, _)| goal(*state)).for_each(|(_, p)| *p = 1.0);
        found
    }

    /// How the chain looks while it has not left `part` (Darroch and Seneta, Journal of Applied Probability 4, 1967): the limit
    /// of its distribution under that condition. `None` where that is not reached within a hundred steps of the power
    /// method, so that there is no lasting state in the part.
    pub fn quasi_stationary(&self, part: impl Fn(usize) -> bool) -> Option<QuasiStationary> {
        let reduced = self.reduce(|state| !part(state));
        let mut now: Vec<f64> = (0..self.states).map(|state| f64::from(u8::from(part(state)))).collect();
        normalise(&mut now);
        for _ in 0..100 {
            let mut next = reduced.visits(&now);
            let stays_s: f64 = next.iter().sum();
            if !stays_s.is_finite() {
                return Some(QuasiStationary { distribution: now, exit_per_s: 0.0 });
            }
            next.iter_mut().for_each(|share| *share /= stays_s);
            let moved: f64 = next.iter().zip(&now).map(|(a, b)| (a - b).abs()).sum();
            now = next;
            if moved < 1e-10 {
                return Some(QuasiStationary { distribution: now, exit_per_s: 1.0 / stays_s });
            }
        }
        None
    }

    fn before(&self, state: usize) -> std::ops::Range<usize> {
        state.saturating_sub(self.width)..state
    }

    /// Takes out all states that are not in `goal`, the last one first.
    fn reduce(&self, goal: impl Fn(usize) -> bool) -> Reduced<'_> {
        let inside: Vec<bool> = (0..self.states).map(goal).collect();
        let mut rates = self.rates.clone();
        let mut enters = vec![0.0; self.states];
        for from in 0..self.states {
            for to in self.near(from) {
                let rate = &mut rates[self.at(from, to)];
                if inside[to] && !inside[from] {
                    enters[from] += *rate;
                }
                if inside[to] || inside[from] {
                    *rate = 0.0;
                }
            }
        }
        let mut left_per_s = vec![0.0; self.states];
        for out in (0..self.states).rev().filter(|state| !inside[*state]) {
            let near = self.before(out);
            let leaves: Vec<f64> = near.clone().map(|to| rates[self.at(out, to)]).collect();
            left_per_s[out] = enters[out] + leaves.iter().sum::<f64>();
            for from in near.clone() {
                let share = rates[self.at(from, out)] / left_per_s[out];
                if share > 0.0 {
                    enters[from] += share * enters[out];
                    let first = self.at(from, near.start);
                    for (rate, leaves) in rates[first..].iter_mut().zip(&leaves) {
                        *rate += share * leaves;
                    }
                    // Out and back again is no way to anywhere.
                    rates[self.at(from, from)] = 0.0;
                }
            }
        }
        Reduced { chain: self, rates, left_per_s, inside }
    }
}

impl Reduced<'_> {
    fn others(&self) -> impl DoubleEndedIterator<Item = usize> {
        (0..self.inside.len()).filter(|state| !self.inside[*state])
    }

    /// The solution of `Σ r (x − x') = source`, with x = 0 in the set: what a chain gathers until it enters it, at the rate `source`.
    fn solve(&self, mut source: Vec<f64>) -> Vec<f64> {
        let chain = self.chain;
        for out in self.others().rev() {
            for from in chain.before(out) {
                source[from] += self.rates[chain.at(from, out)] / self.left_per_s[out] * source[out];
            }
        }
        for state in 0..chain.states {
            source[state] = if self.inside[state] {
                0.0
            } else {
                let later: f64 =
                    chain.before(state).map(|to| self.rates[chain.at(state, to)] * source[to]).sum();
                (source[state] + later) / self.left_per_s[state]
            };
        }
        source
    }

    /// The time in seconds spent in each state before the chain enters the set, when it begins with the distribution `begins`.
    fn visits(&self, begins: &[f64]) -> Vec<f64> {
        let chain = self.chain;
        let mut time = begins.to_vec();
        for out in (0..chain.states).rev() {
            time[out] = if self.inside[out] { 0.0 } else { time[out] / self.left_per_s[out] };
            for to in chain.before(out) {
                time[to] += time[out] * self.rates[chain.at(out, to)];
            }
        }
        for state in self.others() {
            let more: f64 =
                chain.before(state).map(|from| time[from] * self.rates[chain.at(from, state)]).sum();
            time[state] += more / self.left_per_s[state];
        }
        time
    }
}

fn normalise(shares: &mut [f64]) {
    let total: f64 = shares.iter().sum();
    shares.iter_mut().for_each(|share| *share /= total);
}
