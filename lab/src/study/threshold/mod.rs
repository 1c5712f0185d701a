//! The smallest trigger that tips: P(metastable) over a dotted path, and the logistic curve through it.
//!
//! Values are found by sequential bisection ([`search`]), the curve by maximum likelihood ([`logistic`]), and its intervals by
//! drawing the seeds anew ([`super::bootstrap`]): every value meets the same seeds, so its runs are no independent trials, and
//! the usual errors of a logistic fit would be too small. The estimate itself does not suffer from that (Liang and Zeger,
//! *Longitudinal data analysis using generalized linear models*, Biometrika 73, 1986: working independence).
mod finding;
pub mod logistic;
mod range;
pub mod search;
mod theory;

pub use finding::{Finding, Fitted, finding};
pub use range::Range;
pub use theory::Theory;

use super::{
    Watch,
    axis::Axis,
    seeds::{self, Ending},
};
use crate::{config::ConfigErrors, scenario::Scenario, verdict::wilson};
use logistic::{Curve, Share};
use search::{Run, Search, Tried};
use serde::Serialize;

/// What was found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Threshold {
    /// The dotted path.
    pub path: String,
    /// The unit of all values: `number`, `rate` (per second), `percent` or `seconds`.
    pub unit: super::axis::Unit,
    /// The range that was searched.
    pub from: f64,
    /// Its end.
    pub to: f64,
    /// How many seeds, the first one first.
    pub seeds: Vec<u64>,
    /// Runs that were left out, because their seed falls without any trigger.
    pub unaided: usize,
    /// Runs that were left out, because they had no verdict even when run for eight times as long.
    pub open: usize,
    /// What was tried, by value.
    pub values: Vec<Value>,
    /// What it comes to.
    pub finding: Finding,
    /// Theory's threshold.
    pub theory: Theory,
    /// Whether someone stopped the search.
    pub interrupted: bool,
}

/// The runs with one value.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Value {
    /// The value.
    pub value: f64,
    /// How many tipped.
    pub tipped: usize,
    /// Of how many that have a verdict.
    pub runs: usize,
    /// Wilson's 95 % interval of the share.
    pub wilson: (f64, f64),
    /// Each verdict's word and how often it came.
    pub verdicts: Vec<(String, usize)>,
    /// The share that the curve gives.
    pub fitted: Option<f64>,
}

/// Looks for the threshold of what stands at `axis`, over `range`, with up to `count` seeds.
///
/// # Errors
/// Where the config does not allow a value of the range.
pub fn threshold(
    base: &Scenario,
    axis: &Axis,
    range: Range,
    count: usize,
    watch: &Watch<'_>,
) -> Result<Threshold, ConfigErrors> {
    let mut trials = Trials::new(base, axis, count, watch);
    let (from, to) = range.ends(axis, base, |value| trials.first_look(value))?;
    let mut search = Search { from, to, whole: axis.whole, seeds: count, tried: vec![] };
    let interrupted = match search.search(&mut |value, seeds| trials.run(value, seeds)) {
        Ok(()) => false,
        Err(Stop::Interrupted) => true,
        Err(Stop::Config(errors)) => return Err(*errors),
    };
    let Search { tried, .. } = search;
    let finding = finding(&tried, count, from, to);
    let curve = if let Finding::Curve(fitted) = &finding { Some(fitted.curve()) } else { None };
    let left_out = || tried.iter().flat_map(|t| &t.runs).filter(|run| run.0 == Ending::Open);
    let unaided = left_out().filter(|run| run.1 == UNAIDED).count();
    Ok(Threshold {
        path: axis.path.clone(),
        unit: axis.unit,
        from,
        to,
        seeds: trials.seeds.clone(),
        unaided,
        open: left_out().count() - unaided,
        values: tried.iter().map(|t| Value::new(t, curve.as_ref())).collect(),
        finding,
        theory: theory::threshold(axis, from, to),
        interrupted,
    })
}

/// The word for a run whose seed falls without a trigger.
const UNAIDED: &str = "falls unaided";

/// Why a search ended early.
enum Stop {
    Interrupted,
    Config(Box<ConfigErrors>),
}

/// Runs values with seeds.
struct Trials<'a> {
    axis: &'a Axis,
    base: &'a Scenario,
    seeds: Vec<u64>,
    watch: &'a Watch<'a>,
    /// Scenarios without triggers, and which seeds fall in them.
    calm: Vec<(Scenario, Vec<bool>)>,
}

impl<'a> Trials<'a> {
    fn new(base: &'a Scenario, axis: &'a Axis, count: usize, watch: &'a Watch<'a>) -> Trials<'a> {
        Trials { axis, base, seeds: seeds::seeds(base, count), watch, calm: vec![] }
    }

    fn scenario(&self, value: f64) -> Result<Scenario, Stop> {
        let scenario = self.axis.scenario(value).map_err(|errors| Stop::Config(Box::new(errors)))?;
        Ok(seeds::long_enough(scenario, seeds::rest(self.base)))
    }

    fn run(&mut self, value: f64, which: std::ops::Range<usize>) -> Result<Vec<Run>, Stop> {
        let scenario = self.scenario(value)?;
        let falls = self.falls(&scenario)?;
        let jobs: Vec<(u64, bool)> = which.map(|index| (self.seeds[index], falls[index])).collect();
        let one = |&(seed, falls): &(u64, bool)| match falls {
            true => (Ending::Open, UNAIDED),
            false => seeds::trial(&scenario, seed),
        };
        let runs: Option<Vec<Run>> = seeds::all(&jobs, self.watch, one).into_iter().collect();
        runs.ok_or(Stop::Interrupted)
    }

    /// Whether most of the first few seeds tip at `value`; `None` where the config does not allow it, or someone stopped it.
    fn first_look(&mut self, value: f64) -> Option<bool> {
        let runs = self.run(value, 0..self.seeds.len().min(4)).ok()?;
        Some(2 * runs.iter().filter(|run| run.0 == Ending::Tipped).count() >= runs.len())
    }

    /// Which seeds fall in `scenario` without its triggers. Most axes leave that as it is, so it is run once for all values.
    fn falls(&mut self, scenario: &Scenario) -> Result<Vec<bool>, Stop> {
        let calm = scenario.undisturbed();
        let known = |(other, _): &&(Scenario, Vec<bool>)| {
            other.duration >= calm.duration && *other == Scenario { duration: other.duration, ..calm.clone() }
        };
        if let Some((_, falls)) = self.calm.iter().find(known) {
            return Ok(falls.clone());
        }
        // With room for longer triggers, so that one answer serves for many values.
        let calm = Scenario { duration: calm.duration * 1.5, ..calm };
        let falls = seeds::all(&self.seeds, self.watch, |seed| seeds::falls_unaided(&calm, *seed));
        let falls: Vec<bool> = falls.into_iter().collect::<Option<_>>().ok_or(Stop::Interrupted)?;
        self.calm.push((calm, falls.clone()));
        Ok(falls)
    }
}

impl Value {
    fn new(tried: &Tried, curve: Option<&Curve>) -> Value {
        let Share { value, tipped, runs } = tried.share();
        let (tipped, runs) = (tipped as usize, runs as usize);
        let verdicts = crate::verdict::shares(tried.runs.iter().map(|run| run.1)).verdicts;
        let wilson = if runs == 0 { (0.0, 1.0) } else { wilson(tipped, runs) };
        Value { value, tipped, runs, wilson, verdicts, fitted: curve.map(|c| c.at(value)) }
    }
}
