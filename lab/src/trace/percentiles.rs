//! Percentiles of one window, at a cost that fits a window of ten calls as well as one of a million.
use hdrhistogram::Histogram;
use lab_core::time::Span;

/// Largest latency that a histogram tells apart, in microseconds: one hour.
const LONGEST_US: u64 = 3_600_000_000;

/// An empty histogram of latencies in microseconds, one hour at most, to `digits` significant digits.
pub fn latency_histogram(digits: u8) -> Histogram<u64> {
    Histogram::new_with_bounds(1, LONGEST_US, digits).expect("bounds and digits are in hdrhistogram's range")
}

/// A histogram that tells nothing apart, for runs whose latencies nobody asks for.
pub(super) fn no_histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 2, 0).expect("bounds and digits are in hdrhistogram's range")
}

/// Percentiles of the latencies of one window, in microseconds; all zero where `count` is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Percentiles {
    /// How many latencies.
    pub count: u64,
    /// Half are at most this.
    pub p50_us: u64,
    /// 90 % are at most this.
    pub p90_us: u64,
    /// 99 % are at most this.
    pub p99_us: u64,
    /// 99.9 % are at most this.
    pub p999_us: u64,
    /// The largest.
    pub max_us: u64,
}

/// Latency as a histogram keeps it: microseconds, at least 1, at most an hour.
#[inline]
pub(super) fn microseconds(span: Span) -> u64 {
    ((span.0 + 500) / 1000).clamp(1, LONGEST_US)
}

/// Beyond this many latencies, a window's percentiles come from a histogram.
const SORTED_MAX: usize = 1024;

/// Collects one window: a short list that is sorted, and a histogram when the list gets long.
#[derive(Clone, Debug)]
pub(super) struct Collector {
    list: Vec<u64>,
    /// Made when first needed, so that thousands of quiet replicas cost nothing.
    histogram: Option<Box<Histogram<u64>>>,
    digits: u8,
}

impl Collector {
    pub(super) fn new(digits: u8) -> Collector {
        Collector { list: vec![], histogram: None, digits }
    }

    /// Tells nothing apart.
    pub(super) fn nothing() -> Collector {
        Collector { list: vec![], histogram: Some(Box::new(no_histogram())), digits: 0 }
    }

    #[inline]
    pub(super) fn record(&mut self, us: u64) {
        self.list.push(us);
        if self.list.len() > SORTED_MAX {
            self.spill();
        }
    }

    fn spill(&mut self) {
        let histogram = self.histogram.get_or_insert_with(|| Box::new(latency_histogram(self.digits)));
        for us in self.list.drain(..) {
            histogram.saturating_record(us);
        }
    }

    /// The percentiles of what was recorded; the collector is empty afterwards.
    pub(super) fn take(&mut self) -> Percentiles {
        if self.histogram.as_ref().is_some_and(|h| !h.is_empty()) {
            self.spill();
            let Some(histogram) = &mut self.histogram else { return Percentiles::default() };
            let at = |q: f64| histogram.value_at_quantile(q);
            let percentiles = Percentiles {
                count: histogram.len(),
                p50_us: at(0.5),
                p90_us: at(0.9),
                p99_us: at(0.99),
                p999_us: at(0.999),
                max_us: histogram.max(),
            };
            histogram.reset();
            return percentiles;
        }
        let Some(last) = self.list.len().checked_sub(1) else { return Percentiles::default() };
        self.list.sort_unstable();
        // The smallest value with at least a share q of all at or below it, as in a histogram.
        let at = |q: f64| self.list[((q * self.list.len() as f64).ceil() as usize).clamp(1, last + 1) - 1];
        let percentiles = Percentiles {
            count: self.list.len() as u64,
            p50_us: at(0.5),
            p90_us: at(0.9),
            p99_us: at(0.99),
            p999_us: at(0.999),
            max_us: self.list[last],
        };
        self.list.clear();
        percentiles
    }
}
