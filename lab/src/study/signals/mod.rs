//! Which metric tells who is stuck and who will recover, and whether anything warns before the service falls.
mod auc;
mod metrics;
mod warning;

pub use auc::{Auc, auc, kendall};
pub use metrics::{METRICS, Metric};
pub use warning::{Indicator, Warning, warning};

use super::{
    Watch,
    seeds::{self, Ending},
};
use crate::{scenario::Scenario, verdict::Verdict};
use lab_core::time::Span;
use serde::Serialize;

/// Seconds after the last trigger's end at which metrics are looked at; the first window is the trigger's last one.
const TIMES_S: [f64; 8] = [0.0, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 40.0];

/// What was found of stuck and recovered runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Signals {
    /// Runs that stayed down.
    pub stuck: usize,
    /// Runs that recovered, or were not affected.
    pub recovered: usize,
    /// Runs without a verdict, or that fall without a trigger: left out.
    pub left_out: usize,
    /// When metrics are looked at: seconds after the last trigger's end, each over the window that ends then.
    pub times_s: Vec<f64>,
    /// The width of a window, in seconds.
    pub window_s: f64,
    /// The metrics, the best one first.
    pub metrics: Vec<Separation>,
}

/// How well one metric separates.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Separation {
    /// The column.
    pub metric: &'static str,
    /// At each time; `None` where it was not measured in enough runs, or is the same in all.
    pub at: Vec<Option<Auc>>,
    /// By how much it is better than a coin, either way, on average over the times: 0 to 0.5.
    pub strength: f64,
    /// At the time at which it is best: the median of the stuck runs, and of the recovered ones.
    pub medians: (f64, f64),
}

/// Runs `scenario` with `count` seeds and compares those that stay down with the others.
pub fn signals(scenario: &Scenario, count: usize, watch: &Watch<'_>) -> Signals {
    let numbers = seeds::seeds(scenario, count);
    let over = scenario.triggers_over();
    let rest = seeds::rest(scenario).as_secs_f64();
    let window = scenario.window;
    let distinct = |t: &f64| *t == 0.0 || *t >= window.as_secs_f64() * 0.999;
    let times_s: Vec<f64> = TIMES_S.into_iter().filter(distinct).filter(|t| *t <= rest / 2.0).collect();
    let one = |seed: &u64| -> (Ending, Vec<Vec<f64>>) {
        let (trace, judgement) = seeds::settled(scenario, *seed);
        let ending = match judgement.verdict {
            Verdict::Metastable { .. } if seeds::falls_unaided(scenario, *seed) => Ending::Open,
            Verdict::Metastable { .. } => Ending::Tipped,
            verdict if verdict.is_inconclusive() => Ending::Open,
            _ => Ending::Stood,
        };
        let at = |t: &f64| {
            let end = over + Span::from_secs_f64(*t);
            let index = (end.0 / window.0).saturating_sub(1) as usize;
            METRICS.iter().map(|m| m.value(&trace, index)).collect()
        };
        (ending, times_s.iter().map(at).collect())
    };
    let runs: Vec<(Ending, Vec<Vec<f64>>)> = seeds::all(&numbers, watch, one).into_iter().flatten().collect();
    let of = |kind: Ending| runs.iter().filter(move |run| run.0 == kind);
    let (stuck, recovered) = (of(Ending::Tipped).count(), of(Ending::Stood).count());
    let mut metrics: Vec<Separation> = METRICS
        .iter()
        .enumerate()
        .filter_map(|(index, metric)| {
            let values = |kind, time: usize| of(kind).map(|run| run.1[time][index]).collect::<Vec<f64>>();
            let times = 0..times_s.len();
            Separation::new(metric, times.map(|t| (values(Ending::Tipped, t), values(Ending::Stood, t))))
        })
        .collect();
    metrics.sort_by(|a, b| b.strength.total_cmp(&a.strength));
    Signals {
        stuck,
        recovered,
        left_out: runs.len() - stuck - recovered,
        times_s,
        window_s: window.as_secs_f64(),
        metrics,
    }
}

impl Separation {
    fn new(metric: &Metric, times: impl Iterator<Item = (Vec<f64>, Vec<f64>)>) -> Option<Separation> {
        let mut at = vec![];
        let mut best = (-1.0, (f64::NAN, f64::NAN));
        for (stuck, recovered) in times {
            let mut all = stuck.iter().chain(&recovered).filter(|v| !v.is_nan());
            let first = all.next().copied();
            // What is the same everywhere is no signal.
            let varies = all.any(|v| Some(*v) != first);
            let found = if varies { auc(&stuck, &recovered) } else { None };
            let size = found.map_or(-1.0, |a| (a.auc - 0.5).abs());
            if size > best.0 {
                let median = |values: &[f64]| {
                    super::bootstrap::median(
                        &values.iter().copied().filter(|v| !v.is_nan()).collect::<Vec<_>>(),
                    )
                };
                best = (size, (median(&stuck), median(&recovered)));
            }
            at.push(found);
        }
        let sizes: f64 = at.iter().flatten().map(|a| (a.auc - 0.5).abs()).sum();
        let known = at.iter().flatten().count();
        // A metric that is there at some of the times only is worth that much less.
        (known > 0).then(|| Separation {
            metric: metric.name,
            strength: sizes / at.len() as f64,
            at,
            medians: best.1,
        })
    }
}
