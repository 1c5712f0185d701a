//! How often something rare happens: multilevel splitting, without bias.
//!
//! A healthy service makes *excursions*: the queue of its fullest replica grows beyond what is usual and falls back. Nearly all are short; a failure is one that
//! does not come back. Its probability is a product of larger ones, of getting from each level of the queue to the next before coming
//! home, and each factor is estimated with the same number of branches, begun at states drawn from those in which the level was reached.
//! This *fixed-effort splitting* is unbiased whatever the levels, and however good the queue is as a measure of progress; a poor measure
//! only costs precision (Garvels, *The splitting method in rare event simulation*, thesis, Twente 2000; L'Ecuyer, Demers and Tuffin,
//! *Rare events, splitting, and quasi-Monte Carlo*, ACM TOMACS 17(2), 2007, §3). How often excursions begin is counted in a run of the
//! healthy state, as in forward flux sampling (Allen, Valeriani and ten Wolde, J. Phys.: Condens. Matter 21, 2009), so that nothing is
//! assumed of the state in which they do.
//!
//! The interval comes from independent repetitions of it all, never from the variance within one, whose factors depend on each other.
mod excursion;
mod ladder;

use super::survival::{Estimate, Z95};
use crate::scenario::Scenario;
use lab_core::draw::Draw;
use ladder::Ladder;
use rayon::prelude::*;
use serde::Serialize;

/// How much is spent.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Effort {
    /// Branches at each level.
    pub branches: usize,
    /// Independent repetitions, at least 2.
    pub repetitions: usize,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rare {
    /// Failures per second of the healthy state.
    pub rate_per_s: Estimate,
    /// Probability that an excursion ends in failure.
    pub per_excursion: Estimate,
    /// Excursions per second.
    pub excursions_per_s: f64,
    /// With so many jobs or fewer at every replica, the service is at home.
    pub home: usize,
    /// The queue's levels, in jobs at the fullest replica.
    pub levels: Vec<usize>,
    /// The highest level that every repetition reached, and how often per second an excursion gets there. Where no branch failed, the
    /// healthy state lives longer than that takes; `None` where not all reached the first level.
    pub furthest: Option<(usize, Estimate)>,
    /// The share of branches that get from each level to the next, from the last one to failure; means over the repetitions.
    pub passed: Vec<f64>,
    /// The rate that each repetition found.
    pub repetitions_per_s: Vec<f64>,
    /// Simulated events of everything, the choice of levels included.
    pub events: u64,
    /// Events that runs without splitting would need for the same precision: `(1 − p)/(p·v)` excursions for a relative variance of v.
    /// Infinite where no repetition found a failure.
    pub events_without: f64,
}

/// Runs of the healthy state, for comparison: nothing is split.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Plain {
    /// Excursions that were seen to their end.
    pub excursions: usize,
    /// Those that ended in failure.
    pub failures: usize,
    /// Seconds spent in the healthy state.
    pub healthy_s: f64,
    /// Simulated events.
    pub events: u64,
}

const INTERRUPTED: &str = "it was interrupted";

/// The rate at which the healthy state of `scenario`, which has no trigger, fails; drawn from `seed`. `go_on` is asked now and then.
///
/// # Errors
/// Where there is nothing to measure the queue against, where it makes no excursions, where the workload is recorded, or when it was not to
/// go on.
pub fn rare(
    scenario: &Scenario,
    effort: Effort,
    seed: u64,
    go_on: &(impl Fn() -> bool + Sync),
) -> Result<Rare, String> {
    let draw = Draw { seed };
    let (ladder, pilot_events) = Ladder::climb(scenario, effort, draw.child(0), go_on)?;
    let one = |n: u64| match go_on() {
        true => ladder.repetition(effort, draw.child(n + 1)).map_err(|e| e.to_string()),
        false => Err(INTERRUPTED.into()),
    };
    let repetitions = (0..effort.repetitions as u64).into_par_iter();
    let found: Vec<Repetition> = repetitions.map(one).collect::<Result<_, String>>()?;
    Ok(sum_up(ladder, &found, pilot_events))
}

/// The same without splitting, over `excursions` excursions, to compare.
///
/// # Errors
/// As [`rare`].
pub fn plain(scenario: &Scenario, effort: Effort, seed: u64, excursions: usize) -> Result<Plain, String> {
    let draw = Draw { seed };
    let (mut ladder, _) = Ladder::climb(scenario, effort, draw.child(0), &|| true)?;
    // No state needs to be kept.
    ladder.levels = vec![usize::MAX];
    let basin = ladder.basin(draw.child(1), f64::INFINITY, |seen| seen.excursions >= excursions);
    Ok(Plain {
        excursions: basin.excursions,
        failures: basin.failures,
        healthy_s: basin.seconds,
        events: basin.events,
    })
}

/// What one repetition found.
struct Repetition {
    /// Excursions, those that reached the first level, and the time in which they began.
    basin: (usize, usize, f64),
    passed: Vec<f64>,
    events: u64,
    basin_events: u64,
}

/// All repetitions together.
fn sum_up(ladder: Ladder<'_>, found: &[Repetition], pilot_events: u64) -> Rare {
    let onward = |r: &Repetition| r.passed.iter().product::<f64>();
    let gets_to = |r: &Repetition, level: usize| {
        r.basin.1 as f64 / r.basin.2 * r.passed[..level].iter().product::<f64>()
    };
    let rates: Vec<f64> = found.iter().map(|r| gets_to(r, r.passed.len())).collect();
    let all_reach = |level: &usize| found.iter().all(|r| gets_to(r, *level) > 0.0);
    let furthest = (0..ladder.levels.len()).rev().find(all_reach).map(|level| {
        let rates: Vec<f64> = found.iter().map(|r| gets_to(r, level)).collect();
        (ladder.levels[level], mean(&rates))
    });
    let each: Vec<f64> = found.iter().map(|r| r.basin.1 as f64 / r.basin.0 as f64 * onward(r)).collect();
    let (rate_per_s, per_excursion) = (mean(&rates), mean(&each));
    let sum = |of: &dyn Fn(&Repetition) -> f64| found.iter().map(of).sum::<f64>();
    let excursions = sum(&|r| r.basin.0 as f64);
    let events = pilot_events + found.iter().map(|r| r.events).sum::<u64>();
    let p = per_excursion.value;
    let variation = relative_variance(&each);
    let per_excursion_events = sum(&|r| r.basin_events as f64) / excursions;
    let count = found.len() as f64;
    Rare {
        rate_per_s,
        per_excursion,
        excursions_per_s: excursions / sum(&|r| r.basin.2),
        home: ladder.home,
        passed: (0..ladder.levels.len()).map(|stage| sum(&|r| r.passed[stage]) / count).collect(),
        levels: ladder.levels,
        furthest,
        repetitions_per_s: rates,
        events,
        events_without: if p > 0.0 {
            (1.0 - p) / (p * variation) * per_excursion_events
        } else {
            f64::INFINITY
        },
    }
}

/// The mean with its 95 % confidence interval from Student's law.
fn mean(values: &[f64]) -> Estimate {
    let n = values.len() as f64;
    let value = values.iter().sum::<f64>() / n;
    let half = student(n - 1.0) * value * relative_variance(values).sqrt();
    let half = if half.is_finite() { half } else { f64::INFINITY };
    Estimate { value, low: (value - half).max(0.0), high: value + half }
}

/// The variance of the mean over its square.
fn relative_variance(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|v| (v - mean) * (v - mean)).sum();
    squares / (n - 1.0) / n / (mean * mean)
}

/// Student's 97.5 % point by its expansion (Abramowitz and Stegun, 26.7.5), good to 1 % from four degrees of freedom on.
fn student(freedom: f64) -> f64 {
    let z: f64 = Z95;
    let (z3, z5, z7) = (z.powi(3), z.powi(5), z.powi(7));
    let (a, b, c) = (
        (z3 + z) / 4.0,
        (5.0 * z5 + 16.0 * z3 + 3.0 * z) / 96.0,
        (3.0 * z7 + 19.0 * z5 + 17.0 * z3 - 15.0 * z) / 384.0,
    );
    z + a / freedom + b / (freedom * freedom) + c / (freedom * freedom * freedom)
}
