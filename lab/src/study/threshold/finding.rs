//! What the tried values come to: a curve with its intervals, a step, or nothing.
use super::{
    logistic::{Curve, Fit, Share, deviance, fit},
    search::Tried,
};
use crate::study::{
    bootstrap::{self, SAMPLES},
    seeds::Ending,
};
use lab_core::draw::{Draw, Stream};
use serde::Serialize;

/// Points of the curve's band.
const BAND: usize = 121;

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
    let draw = Draw { seed: 0x600D_0F17 };
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
