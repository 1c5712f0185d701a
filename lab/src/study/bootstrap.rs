//! Intervals by drawing the seeds anew.
//!
//! All that one seed did goes together into a sample, for its runs are not independent of each other: the same arrivals meet
//! every value of an axis, and every level of a staircase. To draw whole seeds with replacement keeps that (the cluster
//! bootstrap; Davison and Hinkley, *Bootstrap Methods and their Application*, 1997, §3.8; Field and Welsh, JRSS B 69, 2007).
//!
//! Intervals are *expanded* percentile intervals: the percentiles are moved outwards to make up for the bootstrap's factor
//! √((n−1)/n) and for the difference between a t and a normal distribution (Hesterberg, *What Teachers Should Know About the
//! Bootstrap*, Am. Stat. 69, 2015, §5.3).
use lab_core::draw::{Draw, Stream};

/// Samples that an interval rests on.
pub const SAMPLES: usize = 1000;

/// The standard normal quantile of a two-sided 95 % interval.
const Z: f64 = 1.959_964;

/// How often each of `items` is drawn in sample `number`: `items` draws with replacement.
pub fn weights(items: usize, number: usize) -> Vec<u32> {
    // The seeds of a study's runs are small: this one is of nobody's run.
    let draw = Draw { seed: 0x5EED_B007 };
    let mut weights = vec![0; items];
    for drawn in 0..items {
        weights[draw.index(Stream::Resample, number as u64, drawn as u32, items)] += 1;
    }
    weights
}

/// The 95 % interval of a statistic of `items` independent items from its values in bootstrap samples; what is not finite is
/// left out. `None` where fewer than half of the values are left, or fewer than three items.
pub fn interval(values: impl IntoIterator<Item = f64>, items: usize) -> Option<(f64, f64)> {
    let mut all = 0;
    let mut values: Vec<f64> = values.into_iter().inspect(|_| all += 1).filter(|v| v.is_finite()).collect();
    if items < 3 || values.is_empty() || 2 * values.len() < all {
        return None;
    }
    values.sort_unstable_by(f64::total_cmp);
    let tail = tail(items);
    Some((quantile(&values, tail), quantile(&values, 1.0 - tail)))
}

/// The 95 % interval of the median of independent values, one for each seed.
pub fn median_interval(values: &[f64]) -> Option<(f64, f64)> {
    let drawn = |number: usize| {
        let times = values.iter().zip(weights(values.len(), number));
        median(
            &times
                .flat_map(|(value, weight)| std::iter::repeat_n(*value, weight as usize))
                .collect::<Vec<_>>(),
        )
    };
    interval((0..SAMPLES).map(drawn), values.len())
}

/// The share of samples on either side of the interval.
fn tail(items: usize) -> f64 {
    let (n, z) = (items as f64, Z);
    let (v, z3) = (n - 1.0, z * z * z);
    // Student's quantile by its Cornish–Fisher expansion.
    let t = z + (z3 + z) / (4.0 * v) + (5.0 * z3 * z * z + 16.0 * z3 + 3.0 * z) / (96.0 * v * v);
    let moved = t * (n / v).sqrt();
    0.5 * libm::erfc(moved / 2f64.sqrt())
}

/// The quantile `share` of sorted values, by linear interpolation.
pub fn quantile(sorted: &[f64], share: f64) -> f64 {
    let at = share.clamp(0.0, 1.0) * (sorted.len() - 1) as f64;
    let low = at.floor() as usize;
    let high = (low + 1).min(sorted.len() - 1);
    // Equal ends, infinite ones included, are that value.
    if sorted[low] == sorted[high] {
        sorted[low]
    } else {
        sorted[low] + (sorted[high] - sorted[low]) * (at - low as f64)
    }
}

/// The median of values in any order; NaN of none.
pub fn median(values: &[f64]) -> f64 {
    if values.is_empty() {
        return f64::NAN;
    }
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    quantile(&sorted, 0.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_has_as_many_draws_as_items_and_differs_from_the_next() {
        let (one, other) = (weights(40, 0), weights(40, 1));
        assert_eq!(one.iter().sum::<u32>(), 40);
        assert_ne!(one, other);
        // A share of 1 − 1/e of the items is drawn at all.
        let drawn: usize = (0..400).map(|n| weights(40, n).iter().filter(|w| **w > 0).count()).sum();
        let share = drawn as f64 / (400.0 * 40.0);
        assert!((share - 0.637).abs() < 0.01, "{share}");
    }

    /// Of the mean of twelve exponential values: a plain percentile interval covers it in about 87 % of the cases.
    #[test]
    fn the_interval_of_a_mean_covers_it() {
        let n = 12;
        let covered = (0..400u64).filter(|&run| {
            let value = |i: usize| -libm::log(Draw { seed: run }.unit(Stream::Demand, i as u64, 0));
            let data: Vec<f64> = (0..n).map(value).collect();
            let mean =
                |w: &[u32]| w.iter().zip(&data).map(|(w, x)| f64::from(*w) * x).sum::<f64>() / n as f64;
            let (low, high) = interval((0..400).map(|s| mean(&weights(n, s))), n).expect("enough");
            low <= 1.0 && 1.0 <= high
        });
        let covered = covered.count();
        assert!((355..=390).contains(&covered), "{covered} of 400");
    }

    #[test]
    fn too_little_gives_no_interval() {
        assert_eq!(interval([1.0; 50], 2), None);
        assert_eq!(median_interval(&[]), None);
        let (low, high) = median_interval(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]).expect("enough");
        assert!((1.0..4.0).contains(&low) && (4.0..=7.0).contains(&high), "{low} {high}");
        assert_eq!(interval([f64::NAN, f64::NAN, 1.0], 9), None);
        assert_eq!(median(&[3.0, 1.0, 2.0, 10.0]), 2.5);
        assert!(median(&[]).is_nan());
    }
}
