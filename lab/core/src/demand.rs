//! How much work a call asks of a server: the time it holds a worker that is not slowed down.
use crate::{
    draw::{Draw, Stream},
    time::Span,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A law of lengths of time, drawn by inversion from one keyed uniform number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Demand {
    /// Always the same.
    Constant(Span),
    /// Exponential with this mean.
    Exponential {
        /// The mean.
        mean: Span,
    },
    /// Lognormal: the logarithm is normal with mean `ln median` and standard deviation `sigma`.
    Lognormal {
        /// Half of the draws are shorter.
        median: Span,
        /// Standard deviation of the logarithm, ≥ 0.
        sigma: f64,
    },
    /// Pareto: `P(X > x) = (minimum / x)^shape`.
    Pareto {
        /// No draw is shorter.
        minimum: Span,
        /// Tail index; the mean is finite above 1, the variance above 2.
        shape: f64,
    },
    /// Drawn uniformly, with replacement, from a list of recorded lengths (not empty).
    Recorded(Arc<[Span]>),
}

impl Demand {
    /// The draw for attempt `attempt` of `call` from `stream`.
    #[inline]
    pub fn draw(&self, stream: Stream, call: u64, attempt: u32, draw: Draw) -> Span {
        match self {
            Demand::Constant(span) => *span,
            Demand::Exponential { mean } => *mean * -libm::log(draw.unit(stream, call, attempt)),
            Demand::Lognormal { median, sigma } => {
                *median * libm::exp(sigma * normal_quantile(draw.unit(stream, call, attempt)))
            }
            Demand::Pareto { minimum, shape } => {
                *minimum * libm::pow(draw.unit(stream, call, attempt), -1.0 / shape)
            }
            Demand::Recorded(spans) => spans[draw.index(stream, call, attempt, spans.len())],
        }
    }

    /// The mean in seconds; infinite for a Pareto law of shape ≤ 1.
    pub fn mean_seconds(&self) -> f64 {
        match self {
            Demand::Constant(span) => span.as_secs_f64(),
            Demand::Exponential { mean } => mean.as_secs_f64(),
            Demand::Lognormal { median, sigma } => median.as_secs_f64() * libm::exp(sigma * sigma / 2.0),
            Demand::Pareto { minimum, shape } if *shape > 1.0 => {
                minimum.as_secs_f64() * shape / (shape - 1.0)
            }
            Demand::Pareto { .. } => f64::INFINITY,
            Demand::Recorded(spans) => {
                spans.iter().map(|s| s.as_secs_f64()).sum::<f64>() / spans.len() as f64
            }
        }
    }

    /// The squared coefficient of variation, variance / mean²; infinite for a Pareto law of shape ≤ 2.
    pub fn squared_variation(&self) -> f64 {
        match self {
            Demand::Constant(_) => 0.0,
            Demand::Exponential { .. } => 1.0,
            Demand::Lognormal { sigma, .. } => libm::exp(sigma * sigma) - 1.0,
            Demand::Pareto { shape, .. } if *shape > 2.0 => 1.0 / (shape * (shape - 2.0)),
            Demand::Pareto { .. } => f64::INFINITY,
            Demand::Recorded(spans) => {
                let mean = self.mean_seconds();
                let square = |s: &Span| (s.as_secs_f64() - mean) * (s.as_secs_f64() - mean);
                spans.iter().map(square).sum::<f64>() / spans.len() as f64 / (mean * mean)
            }
        }
    }
}

/// The standard normal quantile, accurate to about 1e-15 (Wichura, *Algorithm AS 241*, Applied Statistics 37, 1988).
fn normal_quantile(p: f64) -> f64 {
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        let r = 0.180625 - q * q;
        return q * ratio(r, &CENTRE);
    }
    let tail = if q < 0.0 { p } else { 1.0 - p };
    let r = libm::sqrt(-libm::log(tail));
    let x = if r <= 5.0 { ratio(r - 1.6, &MIDDLE) } else { ratio(r - 5.0, &FAR) };
    if q < 0.0 { -x } else { x }
}

/// A ratio of two polynomials of degree 7, coefficients from the constant up.
fn ratio(r: f64, (above, below): &([f64; 8], [f64; 8])) -> f64 {
    let horner = |c: &[f64; 8]| c.iter().rev().fold(0.0, |sum, k| sum * r + k);
    horner(above) / horner(below)
}

// The constants of AS 241, routine PPND16.
#[rustfmt::skip]
const CENTRE: ([f64; 8], [f64; 8]) = (
    [3.387_132_872_796_366_6, 1.331_416_678_917_843_8e2, 1.971_590_950_306_551_4e3, 1.373_169_376_550_946e4,
     4.592_195_393_154_987e4, 6.726_577_092_700_87e4, 3.343_057_558_358_813e4, 2.509_080_928_730_122_7e3],
    [1.0, 4.231_333_070_160_091e1, 6.871_870_074_920_579e2, 5.394_196_021_424_751e3,
     2.121_379_430_158_659_7e4, 3.930_789_580_009_271e4, 2.872_908_573_572_194_3e4, 5.226_495_278_852_854e3],
);
#[rustfmt::skip]
const MIDDLE: ([f64; 8], [f64; 8]) = (
    [1.423_437_110_749_683_5, 4.630_337_846_156_546, 5.769_497_221_460_691, 3.647_848_324_763_204_5,
     1.270_458_252_452_368_4, 2.417_807_251_774_506e-1, 2.272_384_498_926_918_4e-2, 7.745_450_142_783_414e-4],
    [1.0, 2.053_191_626_637_759, 1.676_384_830_183_803_8, 6.897_673_349_851e-1,
     1.481_039_764_274_800_8e-1, 1.519_866_656_361_645_7e-2, 5.475_938_084_995_345e-4, 1.050_750_071_644_416_9e-9],
);
#[rustfmt::skip]
const FAR: ([f64; 8], [f64; 8]) = (
    [6.657_904_643_501_103, 5.463_784_911_164_114, 1.784_826_539_917_291_3, 2.965_605_718_285_049e-1,
     2.653_218_952_657_612_4e-2, 1.242_660_947_388_078_4e-3, 2.711_555_568_743_487_6e-5, 2.010_334_399_292_288_1e-7],
    [1.0, 5.998_322_065_558_88e-1, 1.369_298_809_227_358e-1, 1.487_536_129_085_061_5e-2,
     7.868_691_311_456_133e-4, 1.846_318_317_510_054_8e-5, 1.421_511_758_316_446e-7, 2.044_263_103_389_939_8e-15],
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_normal_quantile_matches_published_values() {
        // AS 241's own check values, and the textbook 97.5 % point.
        for (p, z) in [
            (0.25, -0.674_489_750_196_081_7),
            (0.001, -3.090_232_306_167_813_5),
            (1e-20, -9.262_340_089_798_408),
        ] {
            assert!((normal_quantile(p) - z).abs() < 1e-13 * z.abs().max(1.0), "{p}: {}", normal_quantile(p));
        }
        assert!((normal_quantile(0.975) - 1.959_963_984_540_054).abs() < 1e-13);
    }

    /// 200,000 draws of each law: mean and variation as the formulas say, within about 4 standard errors.
    #[test]
    fn laws_have_their_mean_and_variation() {
        let ms = Span::from_millis;
        let recorded: Arc<[Span]> = [ms(5), ms(10), ms(45)].into();
        for law in [
            Demand::Constant(ms(20)),
            Demand::Exponential { mean: ms(20) },
            Demand::Lognormal { median: ms(20), sigma: 0.5 },
            Demand::Pareto { minimum: ms(10), shape: 6.0 },
            Demand::Recorded(recorded),
        ] {
            let n = 200_000;
            let draws: Vec<f64> = (0..n)
                .map(|call| law.draw(Stream::Demand, call, 0, Draw { seed: 3 }).as_secs_f64())
                .collect();
            let mean = draws.iter().sum::<f64>() / n as f64;
            let variance = draws.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n as f64;
            assert!((mean / law.mean_seconds() - 1.0).abs() < 0.01, "{law:?}: mean {mean}");
            let variation = variance / (mean * mean);
            assert!((variation - law.squared_variation()).abs() < 0.05, "{law:?}: variation {variation}");
        }
    }
}
