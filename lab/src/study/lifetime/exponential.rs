//! A constant rate: what lives without memory have, and whether they do.
use crate::study::survival::{Estimate, Life};
use serde::Serialize;

/// The rate of exponential lives.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Rate {
    /// Lives that ended.
    pub events: usize,
    /// Seconds that all were watched together.
    pub exposure_s: f64,
    /// Events per second at risk: the maximum-likelihood estimate, with the exact interval of a Poisson count (Garwood, *Fiducial
    /// limits for the Poisson distribution*, Biometrika 28, 1936): `χ²(2d)/2E` to `χ²(2d + 2)/2E`.
    pub per_s: Estimate,
    /// The mean life, the inverse of it, in seconds; its upper end is infinite where nothing ended.
    pub mean_s: Estimate,
    /// The probability that lives without memory look as uneven as these, by the score test against a Weibull law under censoring
    /// (Cox and Oakes, *Analysis of Survival Data*, 1984, §3.7). `None` below five events.
    pub p_memoryless: Option<f64>,
}

impl Rate {
    /// The rate of `lives`.
    pub fn new(lives: &[Life]) -> Rate {
        let events = lives.iter().filter(|life| life.ended).count();
        let exposure_s: f64 = lives.iter().map(|life| life.seconds).sum();
        let (low, high) = poisson_interval(events);
        let per_s =
            Estimate { value: events as f64 / exposure_s, low: low / exposure_s, high: high / exposure_s };
        let mean_s = Estimate { value: 1.0 / per_s.value, low: 1.0 / per_s.high, high: 1.0 / per_s.low };
        Rate { events, exposure_s, per_s, mean_s, p_memoryless: memoryless(lives) }
    }
}

/// The exact 95 % confidence interval of the mean of a Poisson law of which `count` was seen.
fn poisson_interval(count: usize) -> (f64, f64) {
    let quantile = |p: f64, freedom: f64| 2.0 * gamma_quantile(p, freedom / 2.0);
    let freedom = 2.0 * count as f64;
    let low = if count == 0 { 0.0 } else { quantile(0.025, freedom) / 2.0 };
    (low, quantile(0.975, freedom + 2.0) / 2.0)
}

/// The score of a Weibull shape of 1, standardised, as a two-sided probability.
fn memoryless(lives: &[Life]) -> Option<f64> {
    let lives = lives.iter().filter(|life| life.seconds > 0.0);
    let (mut d, mut logs) = (0.0, 0.0);
    let (mut sum, mut first, mut second) = (0.0, 0.0, 0.0);
    for life in lives {
        let (x, log) = (life.seconds, libm::log(life.seconds));
        if life.ended {
            d += 1.0;
            logs += log;
        }
        sum += x;
        first += x * log;
        second += x * log * log;
    }
    if d < 5.0 {
        return None;
    }
    let mean = first / sum;
    let score = d + logs - d * mean;
    let variance = d + d * (second / sum - mean * mean);
    Some(libm::erfc(score.abs() / (2.0 * variance).sqrt()))
}

/// Where the regularised lower incomplete gamma function `P(a, x)` is `p`, by bisection.
fn gamma_quantile(p: f64, a: f64) -> f64 {
    let (mut low, mut high) = (0.0, a + 1.0);
    while gamma_p(a, high) < p {
        high *= 2.0;
    }
    for _ in 0..200 {
        let middle = f64::midpoint(low, high);
        if gamma_p(a, middle) < p { low = middle } else { high = middle }
    }
    f64::midpoint(low, high)
}

/// `P(a, x)`, by its series below a + 1 and by Lentz's continued fraction above (Press et al., *Numerical Recipes*, §6.2).
fn gamma_p(a: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    let front = libm::exp(a * libm::log(x) - x - libm::lgamma(a));
    if x < a + 1.0 {
        let (mut term, mut sum, mut n) = (1.0 / a, 1.0 / a, a);
        while term > sum * 1e-16 {
            n += 1.0;
            term *= x / n;
            sum += term;
        }
        return front * sum;
    }
    let mut b = x + 1.0 - a;
    let mut c = 1e300;
    let mut d = 1.0 / b;
    let mut fraction = d;
    for n in 1..100_000 {
        let n = f64::from(n);
        let factor = -n * (n - a);
        b += 2.0;
        d = 1.0 / (factor * d + b);
        c = b + factor / c;
        let step = c * d;
        fraction *= step;
        if (step - 1.0).abs() < 1e-15 {
            break;
        }
    }
    1.0 - front * fraction
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab_core::draw::{Draw, Stream};

    /// Garwood's limits, to four decimals (for 0: −ln 0.025).
    #[test]
    fn intervals_of_counts_are_garwoods() {
        for (count, low, high) in [
            (0, 0.0, 3.6889),
            (1, 0.0253, 5.5716),
            (5, 1.6235, 11.6683),
            (10, 4.7954, 18.3904),
            (100, 81.3640, 121.6268),
        ] {
            let (a, b) = poisson_interval(count);
            assert!((a - low).abs() < 1e-4 && (b - high).abs() < 1e-4, "{count}: {a} {b}");
        }
    }

    /// Lives of 50 runs each: exponential ones are called uneven as often as the test says, and others are found out. 2,000 samples, four
    /// standard errors.
    #[test]
    fn memory_is_noticed_and_its_absence_too() {
        let sample = |number: u64, shape: f64| -> Vec<Life> {
            let draw = |life| Draw { seed: number }.unit(Stream::Demand, life, 0);
            let time = |life| libm::pow(-libm::log(draw(life)), 1.0 / shape);
            (0..50).map(|life| Life { seconds: time(life).min(1.5), ended: time(life) < 1.5 }).collect()
        };
        let share = |shape: f64| {
            let found =
                (0..2000).filter(|&n| memoryless(&sample(n, shape)).is_some_and(|p| p < 0.05)).count();
            found as f64 / 2000.0
        };
        let alarms = share(1.0);
        assert!((0.03..0.07).contains(&alarms), "{alarms}");
        assert!(share(2.0) > 0.95 && share(0.5) > 0.9);
    }

    #[test]
    fn a_rate_is_events_over_exposure() {
        let rate = Rate::new(
            &[(3.0, true), (5.0, false), (2.0, true)].map(|(seconds, ended)| Life { seconds, ended }),
        );
        assert_eq!((rate.events, rate.exposure_s, rate.per_s.value, rate.mean_s.value), (2, 10.0, 0.2, 5.0));
        assert_eq!(rate.p_memoryless, None);
        let none = Rate::new(&[Life { seconds: 10.0, ended: false }]);
        assert_eq!((none.per_s.low, none.mean_s.high), (0.0, f64::INFINITY));
        assert!((none.per_s.high - 0.36889).abs() < 1e-4);
    }
}
