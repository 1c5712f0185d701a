//! What came of every point. The same bytes whoever ran the cells, on however many hosts, in whatever order.
use super::{Cell, ENGINE, Found, Plan, Progress, Store, SweepError, Theory};
use crate::{
    trace::latency_histogram,
    verdict::{Shares, shares},
};
use hdrhistogram::Histogram;
use rayon::prelude::*;
use serde::Serialize;
use std::collections::BTreeMap;

/// A sweep, merged.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Merged {
    /// Version of this form.
    pub version: u32,
    /// The engine that ran it.
    pub engine: String,
    /// The plan's id.
    pub plan: String,
    /// What the sweep shows.
    pub title: String,
    /// Cells that were run.
    pub cells: usize,
    /// Cells that are missing so far; none unless it is a draft.
    pub missing: usize,
    /// Seeds that every point has without refinement.
    pub replications: u32,
    /// Every point, in the grid's order.
    pub points: Vec<PointResult>,
}

/// What came of a point. Rates are those of the last 20 s; each figure is the median over its runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PointResult {
    /// Where it is: dotted paths and values.
    pub at: BTreeMap<String, String>,
    /// Runs, and how many ended with which verdict. P(metastable) is the share of runs that fell and stay down; whether the same
    /// seed falls without the trigger is not asked.
    #[serde(flatten)]
    pub shares: Shares,
    /// Runs that were too short, or began too badly, to say anything: they count as not metastable.
    pub inconclusive: usize,
    /// Seconds from the end of the last trigger to health, of the runs that recovered.
    pub recovery_s: Option<f64>,
    /// Calls per second meant to start.
    pub offered_per_s: Option<f64>,
    /// Good calls per second.
    pub goodput_per_s: Option<f64>,
    /// Attempts per call.
    pub amplification: Option<f64>,
    /// Latency of the calls meant to start after the triggers, of all runs together.
    pub latency: Latency,
    /// Of a live sweep: how far its runs differ.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub live: Option<LiveRuns>,
    /// What theory says, where it fits.
    pub theory: Option<Theory>,
}

/// The live runs of a point. Every attempt is kept; those on a host that was unfit count for nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct LiveRuns {
    /// Runs, all attempts of all seeds.
    pub attempts: usize,
    /// Those on a host that was unfit.
    pub unfit: usize,
    /// The least and the most good calls per second of the others.
    pub goodput_per_s: Option<(f64, f64)>,
}

/// Percentiles of the latencies of all runs of a point, from one histogram of all. In milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Latency {
    /// How many calls.
    pub count: u64,
    /// Half take at most this long.
    pub p50_ms: f64,
    /// 90 % take at most this long.
    pub p90_ms: f64,
    /// 99 % take at most this long.
    pub p99_ms: f64,
    /// 99.9 % take at most this long.
    pub p999_ms: f64,
    /// The longest.
    pub max_ms: f64,
}

/// Merges what has been found of `plan`. Where cells are missing, it is a draft.
///
/// # Errors
/// When a histogram cannot be read.
pub fn merge(plan: &Plan, store: &Store) -> Result<Merged, SweepError> {
    let progress = Progress::of(plan, store);
    let points: Result<Vec<PointResult>, SweepError> =
        progress.seeds.par_iter().enumerate().map(|(point, seeds)| one(plan, store, point, *seeds)).collect();
    let points = points?;
    Ok(Merged {
        version: 1,
        engine: if plan.grid.live { format!("{ENGINE}, live") } else { ENGINE.into() },
        plan: plan.id.clone(),
        title: plan.grid.title.clone(),
        cells: points.iter().map(|point| point.shares.runs).sum(),
        missing: progress.missing.len(),
        replications: plan.grid.replications,
        points,
    })
}

fn one(plan: &Plan, store: &Store, point: usize, seeds: u32) -> Result<PointResult, SweepError> {
    let cells = (0..seeds).map(|replication| Cell { point, replication });
    let (found, unfit): (Vec<&Found>, Vec<&Found>) =
        cells.flat_map(|cell| store.all(plan.key(cell))).partition(|found| found.is_fit());
    let mut pool = latency_histogram(3);
    for found in &found {
        found.pool_latency(&mut pool).map_err(SweepError::Latency)?;
    }
    let grid = &plan.grid;
    let at = grid.axes.iter().zip(&grid.points[point].at);
    Ok(PointResult {
        at: at.map(|(axis, value)| (axis.path.clone(), axis.values[*value].clone())).collect(),
        shares: shares(found.iter().map(|found| found.verdict.as_str())),
        inconclusive: found.iter().filter(|found| found.is_inconclusive()).count(),
        recovery_s: median(found.iter().map(|found| found.recovery_s)),
        offered_per_s: median(found.iter().map(|found| found.offered_per_s)),
        goodput_per_s: median(found.iter().map(|found| found.goodput_per_s)),
        amplification: median(found.iter().map(|found| found.amplification)),
        latency: Latency::of(&pool),
        live: plan.grid.live.then(|| LiveRuns::new(&found, unfit.len())),
        theory: Theory::of(&grid.points[point].scenario),
    })
}

/// The middle one of what was measured; the lower of two.
fn median(values: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    let mut values: Vec<f64> = values.flatten().collect();
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len().checked_sub(1)? / 2;
    values.get(middle).copied()
}

impl LiveRuns {
    fn new(fit: &[&Found], unfit: usize) -> LiveRuns {
        let goodput = || fit.iter().filter_map(|found| found.goodput_per_s);
        let (low, high) = (goodput().fold(f64::INFINITY, f64::min), goodput().fold(0.0, f64::max));
        let goodput_per_s = (low <= high).then_some((low, high));
        LiveRuns { attempts: fit.len() + unfit, unfit, goodput_per_s }
    }
}

impl Latency {
    fn of(pool: &Histogram<u64>) -> Latency {
        let at = |quantile: f64| pool.value_at_quantile(quantile) as f64 / 1e3;
        Latency {
            count: pool.len(),
            p50_ms: at(0.5),
            p90_ms: at(0.9),
            p99_ms: at(0.99),
            p999_ms: at(0.999),
            max_ms: pool.max() as f64 / 1e3,
        }
    }
}
