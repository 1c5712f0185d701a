//! From values to places on an axis, and the round values to mark there.

/// An axis, from its lower to its upper end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Scale {
    /// Evenly.
    Linear(f64, f64),
    /// By the logarithm; both ends above zero.
    Log(f64, f64),
}

impl Scale {
    /// Where `value` lies: 0 at the lower end, 1 at the upper one, outside of that beyond the ends.
    pub(super) fn place(&self, value: f64) -> f64 {
        match *self {
            Scale::Linear(low, high) => (value - low) / (high - low),
            Scale::Log(low, high) => libm::log(value.max(low / 1e3) / low) / libm::log(high / low),
        }
    }

    /// Round values to mark, about `wanted` of them.
    pub(super) fn ticks(&self, wanted: usize) -> Vec<f64> {
        match *self {
            Scale::Linear(low, high) => multiples(low, high, step(high - low, wanted)),
            Scale::Log(low, high) => {
                let decades = round_values(low, high, &[1.0]);
                if decades.len() >= 2 { decades } else { round_values(low, high, &[1.0, 2.0, 5.0]) }
            }
        }
    }

    /// As [`Scale::ticks`], for a panel so large that a logarithmic axis has room for 1, 2 and 5 of every power of ten.
    pub(super) fn close_ticks(&self, wanted: usize) -> Vec<f64> {
        match *self {
            Scale::Log(low, high) if high < low * 1e3 => round_values(low, high, &[1.0, 2.0, 5.0]),
            _ => self.ticks(wanted),
        }
    }

    /// Values between the marks of a logarithmic axis that get a small mark.
    pub(super) fn small_ticks(&self) -> Vec<f64> {
        match *self {
            Scale::Linear(..) => vec![],
            Scale::Log(low, high) => round_values(low, high, &[2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]),
        }
    }
}

/// The step of 1, 2 or 5 times a power of ten that divides `length` into at most `wanted` parts.
fn step(length: f64, wanted: usize) -> f64 {
    let rough = (length / wanted.max(1) as f64).max(f64::MIN_POSITIVE);
    let power = libm::pow(10.0, libm::floor(libm::log10(rough)));
    let factors = [1.0, 2.0, 5.0, 10.0];
    factors.iter().map(|f| f * power).find(|s| *s >= rough * (1.0 - 1e-9)).unwrap_or(rough)
}

fn multiples(low: f64, high: f64, step: f64) -> Vec<f64> {
    let first = (low / step - 1e-9).ceil() as i64;
    let last = (high / step + 1e-9).floor() as i64;
    (first..=last).map(|n| n as f64 * step).collect()
}

/// The values of `factors` times a power of ten from `low` to `high`.
fn round_values(low: f64, high: f64, factors: &[f64]) -> Vec<f64> {
    let powers = libm::floor(libm::log10(low)) as i32..=libm::ceil(libm::log10(high)) as i32;
    let values = powers.flat_map(|p| factors.iter().map(move |f| f * libm::pow(10.0, f64::from(p))));
    values.filter(|v| *v >= low * (1.0 - 1e-9) && *v <= high * (1.0 + 1e-9)).collect()
}

/// The end of a linear axis from zero that shows `most`: a multiple of half a step of its marks.
pub(super) fn round_up(most: f64, wanted: usize) -> f64 {
    if most <= 0.0 || !most.is_finite() {
        return 1.0;
    }
    let half = step(most, wanted) / 2.0;
    (most / half - 1e-9).ceil() * half
}

/// A logarithmic axis that shows everything from `low` to `high`, at least a factor of ten, with a little air.
pub(super) fn log_around(low: f64, high: f64) -> Scale {
    if !(low.is_finite() && high.is_finite() && low > 0.0) {
        return Scale::Log(1.0, 1000.0);
    }
    let steps = [1.0, 2.0, 5.0];
    let low = low / 1.25;
    let lower = round_values(low / 10.0, low, &steps).last().copied().unwrap_or(low);
    let high = (high * 1.25).max(lower * 10.0);
    let upper = round_values(high, high * 10.0, &steps).first().copied().unwrap_or(high);
    Scale::Log(lower, upper)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_round_and_inside() {
        assert_eq!(Scale::Linear(0.0, 120.0).ticks(6), [0.0, 20.0, 40.0, 60.0, 80.0, 100.0, 120.0]);
        assert_eq!(Scale::Linear(0.0, 40_000.0).ticks(8).last(), Some(&40_000.0));
        assert_eq!(Scale::Linear(0.0, 0.9).ticks(3), [0.0, 0.5]);
        assert_eq!(Scale::Log(5.0, 6000.0).ticks(4), [10.0, 100.0, 1000.0]);
        assert_eq!(round_up(2240.0, 4), 2500.0);
        assert_eq!(round_up(0.0, 4), 1.0);
    }

    #[test]
    fn a_log_axis_shows_what_it_was_made_for() {
        for (low, high) in [(0.02, 0.03), (1.0, 1.0), (14.0, 4150.0), (900.0, 3.6e6)] {
            let Scale::Log(lower, upper) = log_around(low, high) else { panic!() };
            assert!(lower < low && upper > high && upper >= 10.0 * lower * 0.999, "{lower}..{upper}");
        }
    }
}
