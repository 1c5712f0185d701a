//! When a failed call is tried again, and after which wait.
use crate::{
    budget::Budget,
    call::OutcomeSet,
    draw::{Draw, Stream},
    time::Span,
};
use serde::{Deserialize, Serialize};

/// A retry policy. `max_attempts: 1` never retries.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Retry {
    /// Attempts in all, the first included (as in gRPC and the AWS SDKs); at least 1.
    pub max_attempts: u32,
    /// Which outcomes are tried again.
    pub retry_on: OutcomeSet,
    /// The wait before each retry.
    pub backoff: Backoff,
    /// What limits retries over all calls of one client instance.
    pub budget: Budget,
}

impl Retry {
    /// One attempt, no retries.
    pub fn none() -> Retry {
        Retry { max_attempts: 1, retry_on: OutcomeSet::EMPTY, backoff: Backoff::none(), budget: Budget::None }
    }
}

/// The wait before a retry: `min(initial × multiplier^(n−1), max)` for the n-th retry, then jittered.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Backoff {
    /// Before the first retry. Zero: retries follow at once.
    pub initial: Span,
    /// The same, when what failed was `rejected` (throttled). The AWS SDKs' generation 2.1 waits longer then.
    pub initial_after_rejection: Span,
    /// Growth from one retry to the next; 1 keeps the wait fixed.
    pub multiplier: f64,
    /// No wait grows beyond this before jitter.
    pub max: Span,
    /// How waits are spread.
    pub jitter: Jitter,
}

/// How a wait `v` is spread (Brooker, *Exponential Backoff and Jitter*, AWS Architecture Blog, 2015;
/// code: aws-arch-backoff-simulator, `src/backoff_simulator.py`).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Jitter {
    /// `v`.
    None,
    /// `U(0, v)`.
    Full,
    /// `v/2 + U(0, v/2)`.
    Equal,
    /// `min(max, U(initial, 3 × previous wait))`, the first previous wait being `initial`; the multiplier plays no part.
    Decorrelated,
    /// `v × U(1 − share, 1 + share)`; gRPC uses 0.2 (grpc/proposal A6).
    PlusMinus(f64),
}

impl Backoff {
    /// Retries at once.
    pub fn none() -> Backoff {
        Backoff {
            initial: Span::ZERO,
            initial_after_rejection: Span::ZERO,
            multiplier: 1.0,
            max: Span::ZERO,
            jitter: Jitter::None,
        }
    }

    /// The wait before retry number `retry` (from 1) of `call`. `previous` is the wait before the retry before it,
    /// zero if there was none.
    pub fn wait(&self, call: u64, retry: u32, rejected: bool, previous: Span, draw: Draw) -> Span {
        self.spread(self.grown(retry, rejected), call, retry, rejected, previous, draw)
    }

    /// The wait before retry number `retry`, not yet jittered.
    fn grown(&self, retry: u32, rejected: bool) -> Span {
        let mut grown = self.initial(rejected);
        for _ in 1..retry {
            if self.multiplier == 1.0 || grown >= self.max {
                break;
            }
            grown = grown * self.multiplier;
        }
        grown.min(self.max)
    }

    fn initial(&self, rejected: bool) -> Span {
        if rejected { self.initial_after_rejection } else { self.initial }
    }

    /// Jitters a wait of `v`.
    #[inline]
    fn spread(&self, v: Span, call: u64, retry: u32, rejected: bool, previous: Span, draw: Draw) -> Span {
        let initial = self.initial(rejected);
        if initial == Span::ZERO {
            return Span::ZERO;
        }
        let unit = || draw.unit(Stream::Backoff, call, retry);
        match self.jitter {
            Jitter::None => v,
            Jitter::Full => v * unit(),
            Jitter::Equal => v * (0.5 + 0.5 * unit()),
            Jitter::PlusMinus(share) => v * (1.0 - share + 2.0 * share * unit()),
            Jitter::Decorrelated => {
                let previous = if previous == Span::ZERO { initial } else { previous };
                let top = previous * 3.0;
                (initial + (top - initial) * unit()).min(self.max)
            }
        }
    }
}

/// A backoff in use, its first waits worked out once.
#[derive(Clone, Debug)]
pub struct Waits {
    backoff: Backoff,
    /// Before jitter, after any other outcome and after a rejection, by retry from the first.
    grown: Vec<[Span; 2]>,
}

/// Waits beyond this many are worked out when they are needed.
const KEPT: u32 = 32;

impl Waits {
    /// The waits of `retry`.
    pub fn new(retry: &Retry) -> Waits {
        let backoff = retry.backoff;
        let kept = 1..=retry.max_attempts.saturating_sub(1).min(KEPT);
        let grown = kept.map(|n| [backoff.grown(n, false), backoff.grown(n, true)]).collect();
        Waits { backoff, grown }
    }

    /// As [`Backoff::wait`].
    #[inline]
    pub fn wait(&self, call: u64, retry: u32, rejected: bool, previous: Span, draw: Draw) -> Span {
        match self.grown.get(retry as usize - 1) {
            Some(v) => self.backoff.spread(v[usize::from(rejected)], call, retry, rejected, previous, draw),
            None => self.backoff.wait(call, retry, rejected, previous, draw),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRAW: Draw = Draw { seed: 5 };

    fn backoff(jitter: Jitter) -> Backoff {
        let initial = Span::from_millis(100);
        Backoff {
            initial,
            initial_after_rejection: initial,
            multiplier: 2.0,
            max: Span::from_secs(1),
            jitter,
        }
    }

    #[test]
    fn waits_double_up_to_the_maximum() {
        let waits: Vec<u64> = (1..=6)
            .map(|retry| backoff(Jitter::None).wait(1, retry, false, Span::ZERO, DRAW).0 / 1_000_000)
            .collect();
        assert_eq!(waits, [100, 200, 400, 800, 1000, 1000]);
    }

    /// Every law stays within its bounds and has the mean that its formula says (10,000 draws; tolerance > 4 standard errors).
    #[test]
    fn jitter_keeps_bounds_and_mean() {
        for (jitter, low, high, mean) in [
            (Jitter::Full, 0.0, 200.0, 100.0),
            (Jitter::Equal, 100.0, 200.0, 150.0),
            (Jitter::PlusMinus(0.2), 160.0, 240.0, 200.0),
            (Jitter::Decorrelated, 100.0, 600.0, 350.0),
        ] {
            let waits: Vec<f64> = (0..10_000)
                .map(|call| {
                    backoff(jitter).wait(call, 2, false, Span::from_millis(200), DRAW).as_millis_f64()
                })
                .collect();
            assert!(waits.iter().all(|w| (low..=high).contains(w)), "{jitter:?}");
            let measured = waits.iter().sum::<f64>() / 10_000.0;
            assert!(
                (measured - mean).abs() < 0.013 * (high - low).max(100.0),
                "{jitter:?}: {measured} against {mean}"
            );
        }
    }

    #[test]
    fn decorrelated_jitter_starts_from_the_initial_wait_and_respects_the_maximum() {
        let policy = backoff(Jitter::Decorrelated);
        for call in 0..1000 {
            let first = policy.wait(call, 1, false, Span::ZERO, DRAW).as_millis_f64();
            assert!((100.0..=300.0).contains(&first), "{first}");
            let late = policy.wait(call, 9, false, Span::from_secs(1), DRAW).as_millis_f64();
            assert!((100.0..=1000.0).contains(&late), "{late}");
        }
    }

    #[test]
    fn a_rejection_may_have_its_own_initial_wait() {
        let mut policy = backoff(Jitter::None);
        policy.initial_after_rejection = Span::from_secs(1);
        assert_eq!(policy.wait(1, 1, true, Span::ZERO, DRAW), Span::from_secs(1));
        assert_eq!(policy.wait(1, 1, false, Span::ZERO, DRAW), Span::from_millis(100));
    }
}
