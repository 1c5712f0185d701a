//! The smallest trigger that tips: P(metastable) over a dotted path, and the logistic curve through it.
//!
//! Values are found by sequential bisection ([`search`]), the curve by maximum likelihood ([`logistic`]), and its intervals by
//! drawing the seeds anew ([`super::bootstrap`]): every value meets the same seeds, so its runs are no independent trials, and
//! the usual errors of a logistic fit would be too small. The estimate itself does not suffer from that (Liang and Zeger,
//! *Longitudinal data analysis using generalized linear models*, Biometrika 73, 1986: working independence).
pub mod logistic;
mod range;
pub mod search;
mod theory;

pub use range::Range;
pub use theory::Theory;

use super::{
    Watch,
    axis::Axis,
    bootstrap::{self, SAMPLES},
    seeds::{self, Ending},
};
use crate::{config::ConfigErrors, scenario::Scenario, verdict::wilson};
use lab_core::draw::{Draw, Stream};
use logistic::{Curve, Fit, Share, deviance, fit};
use search::{Run, Search, Tried};
use serde::Serialize;

/// Points of the curve's band.
const BAND: usize = 121;

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

/// What a range holds.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Finding {
    /// A threshold with a width.
    Curve(Fitted),
    /// One value separates all runs that tip from all that do not: what can be said is that it lies between two values.
    Step {
        /// On the lower side.
        below: f64,
        /// On the upper side.
        above: f64,
        /// Whether larger values tip.
        rises: bool,
    },
    /// Every run tips, at all values.
    AllTip,
    /// None does.
    NoneTips,
    /// Nothing can be said: no runs are left that have a verdict.
    Nothing,
}

/// A fitted curve with its 95 % intervals, which are `None` where too few seeds leave none.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Fitted {
    /// Where half of the runs tip.
    pub middle: f64,
    /// Its interval.
    pub middle_interval: Option<(f64, f64)>,
    /// From where a tenth tips to where nine tenths do.
    pub width: f64,
    /// Its interval.
    pub width_interval: Option<(f64, f64)>,
    /// Where a tenth tips, and where nine tenths do.
    pub tenths: (f64, f64),
    /// Whether larger values tip more.
    pub rises: bool,
    /// Deviance of the shares from the curve.
    pub deviance: f64,
    /// Values less the two parameters.
    pub degrees: usize,
    /// How often a deviance as large comes by chance, where the curve is true and the seeds are common.
    pub p_value: f64,
    /// The band of the curve: value, curve, and the ends of its 95 % interval.
    pub band: Vec<(f64, f64, f64, f64)>,
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
    let open = |word: &str| {
        tried
            .iter()
            .flat_map(|t| &t.runs)
            .filter(|r| r.0 == Ending::Open && (r.1 == UNAIDED) == (word == UNAIDED))
            .count()
    };
    Ok(Threshold {
        path: axis.path.clone(),
        unit: axis.unit,
        from,
        to,
        seeds: trials.seeds.clone(),
        unaided: open(UNAIDED),
        open: open(""),
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

impl Fitted {
    /// The curve itself.
    pub fn curve(&self) -> Curve {
        let scale = self.width / (2.0 * libm::log(9.0));
        Curve { middle: self.middle, scale: if self.rises { scale } else { -scale } }
    }
}

/// What the tried values come to, each with up to `seeds` seeds.
pub fn finding(tried: &[Tried], seeds: usize, from: f64, to: f64) -> Finding {
    let shares: Vec<Share> = tried.iter().map(Tried::share).filter(|s| s.runs > 0.0).collect();
    if shares.is_empty() {
        return Finding::Nothing;
    }
    let curve = match fit(&shares) {
        Fit::Flat { all: true } => return Finding::AllTip,
        Fit::Flat { all: false } => return Finding::NoneTips,
        Fit::Step { below, above, rises } => return Finding::Step { below, above, rises },
        Fit::Curve(curve) => curve,
    };
    let samples: Vec<Curve> = (0..SAMPLES)
        .filter_map(|number| {
            let weights = bootstrap::weights(seeds, number);
            let drawn: Vec<Share> = tried.iter().map(|t| t.weighted(|i| f64::from(weights[i]))).collect();
            fit(&drawn.into_iter().filter(|s| s.runs > 0.0).collect::<Vec<_>>()).curve()
        })
        .collect();
    let interval = |of: &dyn Fn(&Curve) -> f64| bootstrap::interval(samples.iter().map(of), seeds);
    // Where the curve rises, and some of where it does not.
    let (low, high) = (curve.middle - 3.0 * curve.width(), curve.middle + 3.0 * curve.width());
    let (low, high) = (low.max(from), high.min(to));
    let at = |n: usize| low + (high - low) * n as f64 / (BAND - 1) as f64;
    let band = (0..BAND).map(at).map(|value| {
        let (low, high) = interval(&|c| c.at(value)).unwrap_or((f64::NAN, f64::NAN));
        (value, curve.at(value), low, high)
    });
    let deviance = deviance(&shares, &curve);
    Finding::Curve(Fitted {
        middle: curve.middle,
        middle_interval: interval(&|c| c.middle),
        width: curve.width(),
        width_interval: interval(&Curve::width),
        tenths: (curve.value_at(0.1), curve.value_at(0.9)),
        rises: curve.scale > 0.0,
        deviance,
        degrees: shares.len().saturating_sub(2),
        p_value: chance(tried, seeds, &curve, deviance),
        band: band.filter(|point| point.2.is_finite()).collect(),
    })
}

/// The share of tables as `tried`, but made by `curve` with each seed on one quantile of it at all values, whose deviance from
/// their own curve is at least `found`.
fn chance(tried: &[Tried], seeds: usize, curve: &Curve, found: f64) -> f64 {
    const TABLES: usize = 500;
    let draw = Draw { seed: 0x600D_F17 };
    let as_large = (0..TABLES).filter(|&table| {
        let quantiles: Vec<f64> =
            (0..seeds).map(|s| draw.unit(Stream::Resample, table as u64, s as u32)).collect();
        let made: Vec<Share> = tried
            .iter()
            .map(|t| {
                let decided = t.runs.iter().zip(&quantiles).filter(|(run, _)| run.0 != Ending::Open);
                let (tipped, runs) = decided.fold((0.0, 0.0), |(tipped, runs), (_, q)| {
                    (tipped + f64::from(*q < curve.at(t.value)), runs + 1.0)
                });
                Share { value: t.value, tipped, runs }
            })
            .filter(|share| share.runs > 0.0)
            .collect();
        fit(&made).curve().is_some_and(|own| deviance(&made, &own) >= found)
    });
    as_large.count() as f64 / TABLES as f64
}
