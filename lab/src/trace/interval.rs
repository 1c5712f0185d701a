//! The latencies of one interval of the latency log, counted as a histogram counts them.
use super::{latency_histogram, percentiles::no_histogram};
use hdrhistogram::Histogram;

/// Significant digits that the log tells apart.
const DIGITS: u8 = 3;
/// Beyond this many latencies a histogram is cheaper, which costs as much for ten as for ten thousand: it has to be gone through and
/// emptied, all of it.
const LISTED_MAX: usize = 8192;

/// Collects one interval.
#[derive(Clone, Debug)]
pub(super) struct IntervalCounts {
    list: Vec<u64>,
    histogram: Histogram<u64>,
    wanted: bool,
}

impl IntervalCounts {
    pub(super) fn new() -> IntervalCounts {
        IntervalCounts { list: vec![], histogram: latency_histogram(DIGITS), wanted: true }
    }

    /// Counts nothing.
    pub(super) fn nothing() -> IntervalCounts {
        IntervalCounts { list: vec![], histogram: no_histogram(), wanted: false }
    }

    #[inline]
    pub(super) fn record(&mut self, us: u64) {
        if self.wanted {
            self.list.push(us);
            if self.list.len() > LISTED_MAX {
                self.spill();
            }
        }
    }

    #[cold]
    fn spill(&mut self) {
        for us in self.list.drain(..) {
            self.histogram.saturating_record(us);
        }
    }

    /// The largest latency of each bucket, and how many are in it; nothing is left afterwards.
    pub(super) fn take(&mut self) -> Vec<(u64, u64)> {
        if self.histogram.is_empty() {
            return self.sorted();
        }
        self.spill();
        let counts = self.histogram.iter_recorded();
        let counts = counts.map(|v| (v.value_iterated_to(), v.count_since_last_iteration())).collect();
        self.histogram.reset();
        counts
    }

    fn sorted(&mut self) -> Vec<(u64, u64)> {
        self.list.sort_unstable();
        let mut counts: Vec<(u64, u64)> = vec![];
        for us in self.list.drain(..) {
            match counts.last_mut() {
                Some((largest, count)) if us <= *largest => *count += 1,
                _ => counts.push((self.histogram.highest_equivalent(us), 1)),
            }
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_counts_as_the_histogram_does() {
        let mut state = 1_u64;
        let mut random = move || {
            // Knuth's MMIX generator; latencies from a microsecond to an hour.
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            1 + (state >> 32) % 10_u64.pow((state >> 60) as u32 % 10).min(3_600_000_000)
        };
        for size in [0, 1, 2, 100, LISTED_MAX, LISTED_MAX + 1, 3 * LISTED_MAX] {
            let (mut counts, mut histogram) = (IntervalCounts::new(), latency_histogram(DIGITS));
            for _ in 0..size {
                let us = random();
                counts.record(us);
                histogram.saturating_record(us);
            }
            let wanted: Vec<(u64, u64)> = histogram
                .iter_recorded()
                .map(|v| (v.value_iterated_to(), v.count_since_last_iteration()))
                .collect();
            assert_eq!(counts.take(), wanted, "{size} latencies");
            assert_eq!(counts.take(), [], "all of them have been taken");
        }
    }
}
