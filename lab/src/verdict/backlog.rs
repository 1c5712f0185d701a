//! Does the backlog fall? A slope with a standard error that a wandering queue does not fool.
//!
//! The queue of an overloaded server is close to a random walk: its values are strongly correlated, and a straight line
//! fitted to them looks significant far too often. Its increments, however, are nearly independent. So the series is cut into
//! blocks, and the mean of the increments between block means is tested against their own spread. For a random walk that is the
//! right error, for a queue that is pulled back to a mean it is too large: then a fall is missed rather than invented.
use crate::trace::Trace;
use lab_core::time::{Span, Time};

/// Most blocks that a stretch is cut into.
const BLOCKS_MAX: usize = 20;
/// Fewer say nothing.
const BLOCKS_MIN: usize = 4;

/// How the backlog of a run moves over a stretch of time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Trend {
    /// Calls and queued attempts at the end of the stretch (mean of its last block).
    pub last: f64,
    /// Growth per second.
    pub slope_per_s: f64,
    /// Standard error of the growth.
    pub error_per_s: f64,
    /// Independent increments that the error rests on.
    pub increments: usize,
    /// Length of the stretch.
    pub length: Span,
}

/// The backlog in one window: calls in progress, and attempts that wait or are worked on at the servers.
pub(super) fn backlog(trace: &Trace, window: usize) -> f64 {
    let servers = trace.servers.iter().filter_map(|s| s.windows.get(window));
    trace.client_sum(window).in_progress + servers.map(|w| w.queue + w.busy).sum::<f64>()
}

/// The trend of the backlog over the windows within `from..until`; `None` if there are too few.
pub(super) fn trend(trace: &Trace, from: Time, until: Time) -> Option<Trend> {
    let series: Vec<f64> = trace.within(from, until).map(|w| backlog(trace, w)).collect();
    of_series(&series, trace.window)
}

fn of_series(series: &[f64], window: Span) -> Option<Trend> {
    let per_block = series.len().div_ceil(BLOCKS_MAX).max(1);
    // The oldest windows are left out where the blocks do not divide the stretch.
    let series = &series[series.len() % per_block..];
    let blocks: Vec<f64> =
        series.chunks(per_block).map(|b| b.iter().sum::<f64>() / per_block as f64).collect();
    if blocks.len() < BLOCKS_MIN {
        return None;
    }
    let steps: Vec<f64> = blocks.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let n = steps.len() as f64;
    let mean = steps.iter().sum::<f64>() / n;
    let variance = steps.iter().map(|s| (s - mean) * (s - mean)).sum::<f64>() / (n - 1.0);
    let seconds = window.as_secs_f64() * per_block as f64;
    Some(Trend {
        last: blocks[blocks.len() - 1],
        slope_per_s: mean / seconds,
        error_per_s: (variance / n).sqrt() / seconds,
        increments: steps.len(),
        length: window * (series.len() as f64),
    })
}

impl Trend {
    /// Whether the backlog falls: beyond chance (one-sided, 0.1 %), and fast enough to matter.
    pub(super) fn falls(&self) -> bool {
        // Student's quantile by its Cornish–Fisher expansion around the normal one: z + (z³ + z)/4ν.
        let z = 3.09;
        let quantile = z + (z * z * z + z) / (4.0 * (self.increments - 1) as f64);
        self.slope_per_s < -quantile * self.error_per_s
            && self.seconds_to(0.0) <= 20.0 * self.length.as_secs_f64()
    }

    /// How many seconds it takes at this pace until the backlog is `level`; infinite if it does not fall.
    pub(super) fn seconds_to(&self, level: f64) -> f64 {
        if self.slope_per_s < 0.0 { (self.last - level).max(0.0) / -self.slope_per_s } else { f64::INFINITY }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab_core::draw::{Draw, Stream};

    /// A random walk with steps of ±50 around `drift`, reflected at 0.
    fn walk(seed: u64, start: f64, drift: f64) -> Vec<f64> {
        let step = |n| (Draw { seed }.unit(Stream::Demand, n, 0) - 0.5) * 100.0 + drift;
        let walk = (0..60).scan(start, |level, n| {
            *level = (*level + step(n)).max(0.0);
            Some(*level)
        });
        walk.collect()
    }

    fn falls(series: &[f64]) -> bool {
        of_series(series, Span::from_secs(1)).is_some_and(|trend| trend.falls())
    }

    #[test]
    fn a_wandering_queue_is_not_taken_for_a_drain() {
        let false_alarms = (0..2000).filter(|&seed| falls(&walk(seed, 1000.0, 0.0))).count();
        assert!(false_alarms <= 10, "{false_alarms} of 2,000");
    }

    #[test]
    fn a_drain_is_seen_through_the_noise() {
        let seen = (0..200).filter(|&seed| falls(&walk(seed, 4000.0, -25.0))).count();
        assert!(seen >= 198, "{seen} of 200");
    }

    #[test]
    fn a_fall_too_slow_to_end_is_none() {
        let series: Vec<f64> = (0..60).map(|n| 100_000.0 - f64::from(n)).collect();
        assert!(!falls(&series));
    }

    #[test]
    fn the_time_left_is_level_over_slope() {
        let series: Vec<f64> = (0..40).map(|n| 1000.0 - 10.0 * f64::from(n)).collect();
        let trend = of_series(&series, Span::from_secs(1)).expect("long enough");
        assert!((trend.seconds_to(15.0) - 60.0).abs() < 1e-9, "{trend:?}");
        assert!(trend.falls());
        assert_eq!(of_series(&series[..3], Span::from_secs(1)), None);
    }
}
