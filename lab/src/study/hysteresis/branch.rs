//! One seed's way up and down the staircase.
use super::staircase::Staircase;
use crate::{
    scenario::{Metric, Over, Scenario},
    trace::Trace,
    verdict::measure,
};
use lab_core::time::Time;
use serde::Serialize;

/// Fewer good calls than this share: failed, as in a verdict.
const FAILED_BELOW: f64 = 0.5;

/// What one seed did. All is measured over the second half of each level.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Branch {
    /// The seed.
    pub seed: u64,
    /// Goodput on the way up, level by level.
    pub up: Vec<f64>,
    /// Goodput on the way down, by the same levels in the same order.
    pub down: Vec<f64>,
    /// The level at which the service failed and from which it stayed down to the top; `None`: it never did.
    pub tips_at: Option<f64>,
    /// The level on the way down at which it was up again and stayed so; `None`: it never was.
    pub heals_at: Option<f64>,
    /// The first level on the way up at which less was good than `healthy` asks.
    pub misses_at: Option<f64>,
    /// Attempts per call at the levels on the way down at which it had failed; NaN where there are none.
    pub amplification: f64,
}

/// One level of one run.
#[derive(Clone, Copy, Debug)]
struct Level {
    goodput: f64,
    share: f64,
    up: bool,
    amplification: f64,
}

impl Branch {
    /// What the run of `stairs` with this trace did.
    pub fn new(stairs: &Staircase, scenario: &Scenario, trace: &Trace) -> Branch {
        let count = stairs.levels.len();
        let level = |index: usize| {
            let from = Time(stairs.dwell.0 * index as u64);
            let until = from + stairs.dwell;
            let half = Over::Between(Time(from.0 + stairs.dwell.0 / 2), until);
            let share = measure(trace, Metric::GoodShare, half);
            Level {
                goodput: measure(trace, Metric::Goodput, half),
                share,
                // Where nobody called, nobody was failed.
                up: share.is_nan() || share >= FAILED_BELOW,
                amplification: measure(trace, Metric::Amplification, half),
            }
        };
        let all: Vec<Level> = (0..2 * count - 1).map(level).collect();
        let (up, down) = (&all[..count], all[count - 1..].iter().rev().copied().collect::<Vec<_>>());
        let failed_from = up.iter().rposition(|l| l.up).map_or(0, |last| last + 1);
        let tips_at = stairs.levels.get(failed_from).copied();
        // On the way down the levels are met from the top.
        let healed_to = down.iter().position(|l| !l.up).map_or(count, |lowest| lowest);
        let heals_at = (tips_at.is_some() && healed_to > 0).then(|| stairs.levels[healed_to - 1]);
        let missed = up.iter().position(|l| l.share < scenario.healthy.good);
        let failed: Vec<f64> = down.iter().filter(|l| !l.up).map(|l| l.amplification).collect();
        Branch {
            seed: trace.seed,
            up: up.iter().map(|l| l.goodput).collect(),
            down: down.iter().map(|l| l.goodput).collect(),
            tips_at,
            heals_at,
            misses_at: missed.map(|index| stairs.levels[index]),
            amplification: crate::study::bootstrap::median(&failed),
        }
    }

    /// Between the two thresholds; NaN where one of them was not seen.
    pub fn width(&self) -> f64 {
        match (self.tips_at, self.heals_at) {
            (Some(tips), Some(heals)) => tips - heals,
            _ => f64::NAN,
        }
    }

    /// Between the two ways, by the trapezium rule over the levels, in (calls per second)².
    pub fn area(&self, levels: &[f64]) -> f64 {
        let gap: Vec<f64> = self.up.iter().zip(&self.down).map(|(up, down)| up - down).collect();
        let slices = levels.windows(2).zip(gap.windows(2));
        slices.map(|(x, y)| (x[1] - x[0]) * (y[0] + y[1]) / 2.0).sum()
    }
}
