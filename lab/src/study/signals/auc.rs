//! How well a number tells two kinds of runs apart: the area under the ROC curve.
use serde::Serialize;

/// The standard normal quantile of a two-sided 95 % interval.
const Z: f64 = 1.959_964;

/// The probability that a stuck run has the larger value (ties count half), with a 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Auc {
    /// 0.5: tells nothing. 1: every stuck run has a larger value than every recovered one; 0: a smaller one.
    pub auc: f64,
    /// Its interval.
    pub interval: (f64, f64),
}

/// The area under the curve by the Mann–Whitney statistic, with the interval of DeLong, DeLong and Clarke-Pearson (*Comparing the
/// areas under two or more correlated receiver operating characteristic curves*, Biometrics 44, 1988). Where the two kinds do not
/// overlap, that is a point; then the interval is the score interval of Newcombe (*Confidence intervals for an effect size
/// measure based on the Mann–Whitney statistic, part 2*, Stat. Med. 25, 2006, method 5). NaN is left out; `None` where fewer than
/// two values of a kind are left.
pub fn auc(stuck: &[f64], recovered: &[f64]) -> Option<Auc> {
    let known = |values: &[f64]| values.iter().copied().filter(|v| !v.is_nan()).collect::<Vec<f64>>();
    let (stuck, recovered) = (known(stuck), known(recovered));
    let (m, n) = (stuck.len() as f64, recovered.len() as f64);
    if m < 2.0 || n < 2.0 {
        return None;
    }
    let wins = |x: f64, y: f64| if x > y { 1.0 } else { f64::from(x == y) / 2.0 };
    // The share of the other kind that each value beats, or is beaten by.
    let of_stuck: Vec<f64> =
        stuck.iter().map(|x| recovered.iter().map(|y| wins(*x, *y)).sum::<f64>() / n).collect();
    let of_recovered: Vec<f64> =
        recovered.iter().map(|y| stuck.iter().map(|x| wins(*x, *y)).sum::<f64>() / m).collect();
    let auc = of_stuck.iter().sum::<f64>() / m;
    let spread = |values: &[f64]| {
        let squares: f64 = values.iter().map(|v| (v - auc) * (v - auc)).sum();
        squares / (values.len() as f64 - 1.0) / values.len() as f64
    };
    let error = (spread(&of_stuck) + spread(&of_recovered)).sqrt();
    let interval = match error > 0.0 {
        true => ((auc - Z * error).max(0.0), (auc + Z * error).min(1.0)),
        false if auc > 0.5 => (score_limit(m, n), 1.0),
        false if auc < 0.5 => (0.0, 1.0 - score_limit(m, n)),
        // All values are equal.
        false => (0.0, 1.0),
    };
    Some(Auc { auc, interval })
}

/// The smallest area that an observed one of 1 is compatible with, by bisection: |1 − θ| = z·√V(θ).
fn score_limit(m: f64, n: f64) -> f64 {
    let half = f64::midpoint(m, n) - 1.0;
    let variance =
        |a: f64| a * (1.0 - a) * (1.0 + half * (1.0 - a) / (2.0 - a) + half * a / (1.0 + a)) / (m * n);
    let (mut low, mut high) = (0.5, 1.0);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if 1.0 - middle > Z * variance(middle).sqrt() { low = middle } else { high = middle }
    }
    high
}

/// Kendall's τ-b of a series against its order: 1 where it rises at every pair, −1 where it falls. NaN values are left out; NaN
/// where fewer than three are left or all are equal.
pub fn kendall(series: &[f64]) -> f64 {
    let series: Vec<f64> = series.iter().copied().filter(|v| !v.is_nan()).collect();
    let n = series.len();
    if n < 3 {
        return f64::NAN;
    }
    let (mut balance, mut ties) = (0i64, 0i64);
    for (index, early) in series.iter().enumerate() {
        for late in &series[index + 1..] {
            match late.total_cmp(early) {
                std::cmp::Ordering::Greater => balance += 1,
                std::cmp::Ordering::Less => balance -= 1,
                std::cmp::Ordering::Equal => ties += 1,
            }
        }
    }
    let pairs = (n * (n - 1) / 2) as f64;
    balance as f64 / (pairs * (pairs - ties as f64)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab_core::draw::{Draw, Stream};

    #[test]
    fn the_area_counts_pairs() {
        let found = auc(&[3.0, 4.0, 5.0], &[1.0, 3.0, f64::NAN]).expect("enough");
        // Of six pairs five are won, and one is a tie.
        assert!((found.auc - 5.5 / 6.0).abs() < 1e-12, "{found:?}");
        assert_eq!(auc(&[1.0, 1.0], &[1.0, 1.0]).map(|a| (a.auc, a.interval)), Some((0.5, (0.0, 1.0))));
        assert_eq!(auc(&[1.0], &[1.0, 2.0]), None);
    }

    /// What separates 10 from 10 runs may still be wrong now and then.
    #[test]
    fn a_perfect_area_has_an_interval_too() {
        let (low, high): (Vec<f64>, Vec<f64>) =
            ((0..10).map(f64::from).collect(), (20..30).map(f64::from).collect());
        let found = auc(&high, &low).expect("enough");
        assert_eq!((found.auc, found.interval.1), (1.0, 1.0));
        assert!((0.75..0.95).contains(&found.interval.0), "{found:?}");
        let turned = auc(&low, &high).expect("enough");
        assert!((turned.interval.1 - (1.0 - found.interval.0)).abs() < 1e-9 && turned.auc == 0.0);
    }

    /// Two exponential laws, the one twice as long: the area is 2/3. The interval covers it as often as it says.
    #[test]
    fn the_interval_covers_the_area() {
        let draw = |seed: u64, kind: u32| -> Vec<f64> {
            let unit = |i| -libm::log(Draw { seed }.unit(Stream::Demand, i, kind));
            (0..40).map(|i| unit(i) * f64::from(kind)).collect()
        };
        let covered = (0..400).filter(|&seed| {
            let (low, high) = auc(&draw(seed, 2), &draw(seed, 1)).expect("enough").interval;
            low <= 2.0 / 3.0 && 2.0 / 3.0 <= high
        });
        let covered = covered.count();
        assert!((365..=393).contains(&covered), "{covered} of 400");
    }

    #[test]
    fn tau_is_the_balance_of_pairs() {
        assert_eq!(kendall(&[1.0, 2.0, 3.0, 4.0]), 1.0);
        assert_eq!(kendall(&[4.0, 3.0, f64::NAN, 2.0]), -1.0);
        // Of six pairs five rise.
        assert!((kendall(&[1.0, 3.0, 2.0, 4.0]) - 4.0 / 6.0).abs() < 1e-12);
        assert!(kendall(&[1.0, 1.0, 1.0]).is_nan());
    }
}
