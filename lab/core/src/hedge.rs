//! Hedged requests: further attempts beside one that is slow (Dean and Barroso, *The Tail at Scale*, CACM 2013; gRPC's hedging
//! policy, grpc/proposal A6; Finagle's `BackupRequestFilter`; Envoy's `hedge_on_per_try_timeout`).
use crate::{
    budget::Budget,
    call::OutcomeSet,
    time::{Span, Time},
};
use serde::{Deserialize, Serialize};

/// At most this many attempts of a call side by side; gRPC's limit as well (A6, *Limits on Retries and Hedges*).
pub const ATTEMPTS_MAX: usize = 5;

/// A hedging policy. A call that is hedged is not retried: hedging is retrying before the failure is known (A6).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hedge {
    /// How long the attempts under way may stay without a success before the next one is sent beside them.
    pub after: After,
    /// Attempts in all, the first included; from 2 to [`ATTEMPTS_MAX`].
    pub max_attempts: u32,
    /// Outcomes that leave the call alive: the next attempt follows at once, and those under way go on. Any other failure ends
    /// the call.
    pub non_fatal: OutcomeSet,
    /// What limits hedges over all calls of one client instance. A hedge that is refused is not made up for.
    pub budget: Budget,
    /// Whether the writes of a replicated store are hedged too; else they follow the retry policy.
    pub writes: bool,
}

/// When a hedge is sent.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum After {
    /// This long after the attempt before; above zero.
    Fixed(Span),
    /// The latency that this share of the instance's attempts of late stayed below, in (0, 1), but at least [`SHORTEST`]. Before
    /// [`SLICE`] is over nothing is known, and nothing is hedged. While all attempts get slower alike the share of
    /// hedges stays the same, as it does not with a fixed wait.
    Quantile(f64),
}

/// No learnt wait is shorter (`BackupRequestFilter.scala`, `MinSendBackupAfterMs`).
pub const SHORTEST: Span = Span::from_millis(1);
/// Latencies are collected for this long before they count (`WindowedPercentileHistogram.scala`, `DefaultBucketSize`) …
pub const SLICE: Span = Span::from_secs(10);
/// … and count while they are among the last so many slices (`DefaultNumBuckets`).
pub const SLICES: usize = 3;

/// The wait before a hedge, in use by one client instance.
#[derive(Clone, Debug)]
pub struct Wait {
    after: After,
    /// Empty unless the wait is learnt.
    slices: Vec<Counts>,
    /// When the slice that is being filled is full.
    full_at: Time,
    /// Which one that is; the others count.
    filling: usize,
    learnt: Option<Span>,
}

impl Wait {
    /// Nothing is learnt yet.
    pub fn new(after: After) -> Wait {
        let slices = match after {
            After::Fixed(_) => vec![],
            // One more, that is being filled.
            After::Quantile(_) => vec![Counts::default(); SLICES + 1],
        };
        Wait { after, slices, full_at: Time::ZERO + SLICE, filling: 0, learnt: None }
    }

    /// How long to wait; `None`: that is not known yet.
    pub fn get(&mut self, now: Time) -> Option<Span> {
        match self.after {
            After::Fixed(span) => Some(span),
            After::Quantile(share) => {
                self.learn(now, share);
                self.learnt
            }
        }
    }

    /// An attempt succeeded, timed out or was superseded after this long. One that was superseded or timed out would have taken
    /// longer, but more than the wait it took already. Other failures are quick, and would make the wait too short.
    pub fn record(&mut self, now: Time, took: Span) {
        if let After::Quantile(share) = self.after {
            self.learn(now, share);
            self.slices[self.filling].add(took);
        }
    }

    fn learn(&mut self, now: Time, share: f64) {
        if now < self.full_at {
            return;
        }
        // After a long rest the slices in between are empty.
        let passed = now.since(self.full_at).0 / SLICE.0 + 1;
        for _ in 0..passed.min(SLICES as u64 + 1) {
            self.filling = (self.filling + 1) % self.slices.len();
            self.slices[self.filling] = Counts::default();
        }
        self.full_at = self.full_at + Span(SLICE.0 * passed);
        self.learnt = Counts::quantile(&self.slices, share).map(|span| span.max(SHORTEST)).or(self.learnt);
    }
}

/// How many latencies there were of each size, in steps of 1/32 of a power of two.
#[derive(Clone, Debug, Default)]
struct Counts(Vec<u32>);

const STEPS_BITS: u32 = 5;

impl Counts {
    fn add(&mut self, took: Span) {
        let size = size(took.0);
        if self.0.len() <= size {
            self.0.resize(size + 1, 0);
        }
        self.0[size] += 1;
    }

    /// The middle of the step in which the quantile of all `counts` together lies.
    fn quantile(counts: &[Counts], share: f64) -> Option<Span> {
        let sizes = counts.iter().map(|c| c.0.len()).max().unwrap_or(0);
        let of =
            |size: usize| counts.iter().map(|c| u64::from(c.0.get(size).copied().unwrap_or(0))).sum::<u64>();
        let total: u64 = (0..sizes).map(of).sum();
        let rank = (share * total as f64).max(1.0);
        let mut below = 0;
        for size in 0..sizes {
            below += of(size);
            if total > 0 && below as f64 >= rank {
                return Some(Span((smallest(size) + smallest(size + 1)) / 2));
            }
        }
        None
    }
}

/// Which step a latency belongs to: small numbers have one each, and each power of two above is cut into equal parts.
fn size(ns: u64) -> usize {
    let extra = (63 - (ns | 1).leading_zeros()).saturating_sub(STEPS_BITS);
    ((u64::from(extra) << STEPS_BITS) + (ns >> extra)) as usize
}

/// The smallest latency of a step.
fn smallest(size: usize) -> u64 {
    let steps = 1usize << STEPS_BITS;
    if size < 2 * steps {
        return size as u64;
    }
    let extra = size / steps - 1;
    ((size % steps + steps) as u64) << extra
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Time {
        Time::ZERO + Span::from_secs(seconds)
    }

    #[test]
    fn every_latency_lies_in_its_step() {
        for ns in (0..200).chain((0..44).map(|bit| (1u64 << bit) + (1 << bit) / 3)) {
            let size = size(ns);
            assert!(smallest(size) <= ns && ns < smallest(size + 1), "{ns} {size}");
            // A step is at most 1/32 wide.
            assert!((smallest(size + 1) - smallest(size)) * 32 <= smallest(size).max(32), "{ns}");
        }
    }

    #[test]
    fn a_fixed_wait_is_known_from_the_beginning() {
        let mut wait = Wait::new(After::Fixed(Span::from_millis(7)));
        wait.record(at(0), Span::from_secs(9));
        assert_eq!(wait.get(at(0)), Some(Span::from_millis(7)));
    }

    #[test]
    fn a_quantile_is_learnt_from_full_slices_and_forgotten_after_three() {
        let mut wait = Wait::new(After::Quantile(0.95));
        for ms in 1..=100 {
            wait.record(at(3), Span::from_millis(ms));
        }
        assert_eq!(wait.get(at(9)), None);
        let close = |found: Option<Span>, expected: f64| {
            let found = found.map_or(f64::NAN, Span::as_millis_f64);
            assert!((found / expected - 1.0).abs() < 1.0 / 32.0, "{found} ms, not {expected} ms");
        };
        close(wait.get(at(10)), 95.0);
        // As many of a second in the next slice: the quantile of both lies among them.
        for _ in 0..100 {
            wait.record(at(15), Span::from_secs(1));
        }
        close(wait.get(at(19)), 95.0);
        close(wait.get(at(20)), 1000.0);
        // Three slices on, only what came since counts.
        for second in [25, 35, 45] {
            for _ in 0..10 {
                wait.record(at(second), Span::from_millis(20));
            }
        }
        close(wait.get(at(50)), 20.0);
        // Nothing new keeps the last wait.
        close(wait.get(at(500)), 20.0);
        let mut fast = Wait::new(After::Quantile(0.5));
        fast.record(at(1), Span(1000));
        assert_eq!(fast.get(at(11)), Some(SHORTEST));
    }
}
