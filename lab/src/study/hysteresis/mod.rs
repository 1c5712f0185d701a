//! The load up and down over many seeds: where the service falls, where it heals, and what lies between.
mod branch;
mod capacities;
mod staircase;

pub use branch::Branch;
pub use capacities::Way;
pub use staircase::{Dwell, NoStaircase, Staircase, Steps};
pub(super) use staircase::{steadily, under};

use super::{Watch, bootstrap, seeds};
use crate::{engine::sim::sim, scenario::Scenario};
use serde::Serialize;

/// What was found. Rates are per second.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Hysteresis {
    /// The levels, from the lowest to the highest.
    pub levels: Vec<f64>,
    /// How long each lasts, and why.
    pub dwell: Dwell,
    /// What each seed did.
    pub branches: Vec<Branch>,
    /// How often the service fell at each level, and how often it never did.
    pub tips: Counts,
    /// How often it healed at each level, and how often it never did although it had fallen.
    pub heals: Counts,
    /// Between the two, seed by seed: the median.
    pub width: Estimate,
    /// Between the two ways of goodput, in (calls per second)²: the median over seeds.
    pub area: Estimate,
    /// What the healthy branch carries, by several ways.
    pub advertised: Vec<Way>,
    /// Where the failed branch heals, by several ways.
    pub hidden: Vec<Way>,
    /// What theory draws: capacity, ceiling and hidden capacity, where they are known.
    pub theory: Lines,
    /// Whether someone stopped it: then some seeds are missing.
    pub interrupted: bool,
}

/// How often something happened at each level.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Counts {
    /// Level and count, by level.
    pub at: Vec<(f64, usize)>,
    /// How often it did not happen at all.
    pub never: usize,
}

/// A median over seeds with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// The median; infinite where it lies beyond what was looked at, NaN where nothing was measured.
    #[serde(serialize_with = "finite")]
    pub median: f64,
    /// Its interval; `None` where too few seeds leave none.
    pub interval: Option<(f64, f64)>,
    /// How many seeds it rests on.
    pub seeds: usize,
}

/// Loads that theory tells apart, in calls per second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Lines {
    /// μ.
    pub capacity: Option<f64>,
    /// The highest load with a healthy state.
    pub ceiling: Option<f64>,
    /// μ/R.
    pub hidden: Option<f64>,
    /// R.
    pub attempts: Option<f64>,
}

/// JSON has no infinity.
fn finite<S: serde::Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    value.is_finite().then_some(*value).serialize(serializer)
}

/// Runs the staircase with `count` seeds.
pub fn hysteresis(
    scenario: &Scenario,
    stairs: &Staircase,
    dwell: Dwell,
    count: usize,
    watch: &Watch<'_>,
) -> Hysteresis {
    let stepped = stairs.scenario(scenario);
    let numbers = seeds::seeds(scenario, count);
    let one = |seed: &u64| Branch::new(stairs, &stepped, &sim(&stepped, *seed));
    let branches: Vec<Branch> = seeds::all(&numbers, watch, one).into_iter().flatten().collect();
    let levels = &stairs.levels;
    let hand = staircase::by_hand(scenario, levels[0]);
    let capacity = scenario.capacity(scenario.clients[0].service);
    let retried = hand.as_ref().filter(|h| h.attempts_when_failing > 1.0);
    let theory = Lines {
        capacity: (capacity.is_finite() && capacity > 0.0).then_some(capacity),
        ceiling: retried.map(|h| h.ceiling_per_s.min(h.capacity_per_s)),
        hidden: retried.map(|h| h.hidden_capacity_per_s),
        attempts: retried.map(|h| h.attempts_when_failing),
    };
    Hysteresis {
        tips: Counts::of(branches.iter().map(|b| b.tips_at)),
        heals: Counts::of(branches.iter().filter(|b| b.tips_at.is_some()).map(|b| b.heals_at)),
        width: Estimate::of(&branches, Branch::width),
        area: Estimate::of(&branches, |b| b.area(levels)),
        advertised: capacities::advertised(&branches, levels, hand.as_ref()),
        hidden: capacities::hidden(scenario, &branches, levels, count, watch),
        interrupted: branches.len() < count,
        levels: levels.clone(),
        dwell,
        branches,
        theory,
    }
}

impl Counts {
    fn of(levels: impl Iterator<Item = Option<f64>>) -> Counts {
        let mut counts = Counts::default();
        for level in levels {
            match (level, counts.at.iter_mut().find(|(known, _)| Some(*known) == level)) {
                (None, _) => counts.never += 1,
                (Some(_), Some((_, count))) => *count += 1,
                (Some(level), None) => counts.at.push((level, 1)),
            }
        }
        counts.at.sort_by(|a, b| a.0.total_cmp(&b.0));
        counts
    }

    /// All that were counted.
    pub fn total(&self) -> usize {
        self.never + self.at.iter().map(|(_, count)| count).sum::<usize>()
    }
}

impl Estimate {
    /// The median of `value` over the seeds. What is infinite counts as beyond everything; NaN is left out.
    pub(crate) fn of(branches: &[Branch], value: impl Fn(&Branch) -> f64) -> Estimate {
        let values: Vec<f64> = branches.iter().map(value).filter(|v| !v.is_nan()).collect();
        Estimate {
            median: bootstrap::median(&values),
            interval: bootstrap::median_interval(&values),
            seeds: values.len(),
        }
    }

    /// The median, where it is a number.
    pub fn finite(&self) -> Option<f64> {
        self.median.is_finite().then_some(self.median)
    }
}
