//! Numbers as a text says them.
use crate::{
    config::{
        expect::Metric,
        lecture::{ByHand, LoadedAnswer},
    },
    theory::grouped,
};

/// What kind of number an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// Per second.
    Rate,
    /// A share in [0, 1].
    Share,
    /// Milliseconds.
    Milliseconds,
    /// Seconds.
    Seconds,
    /// A ratio.
    Ratio,
    /// Jobs.
    Jobs,
}

impl Unit {
    /// That of `answer`, if it is a number.
    pub(super) fn of(answer: &LoadedAnswer) -> Unit {
        use ByHand::{AttemptRate, Backlog, Capacity, Ceiling, HiddenCapacity, JobsPerTimeout, MeanQueue};
        let answer = &answer.answer;
        match (answer.metric, answer.by_hand) {
            (Some(Metric::P50 | Metric::P99), _) => Unit::Milliseconds,
            (Some(Metric::GoodShare | Metric::Utilisation | Metric::StaleWork), _) => Unit::Share,
            (Some(Metric::Amplification), _) => Unit::Ratio,
            (Some(Metric::QueueDepth), _) => Unit::Jobs,
            (Some(_), _) => Unit::Rate,
            (None, Some(Capacity | AttemptRate | HiddenCapacity | Ceiling)) => Unit::Rate,
            (None, Some(ByHand::Utilisation)) => Unit::Share,
            (None, Some(JobsPerTimeout | Backlog | MeanQueue)) => Unit::Jobs,
            (None, Some(_)) => Unit::Seconds,
            (None, None) if answer.hysteresis.is_some() => Unit::Rate,
            (None, None) => Unit::Seconds,
        }
    }

    /// `value`, to as many figures as a person would say.
    pub(super) fn shown(self, value: f64) -> String {
        if value.is_nan() {
            return "nothing".into();
        }
        if value.is_infinite() {
            return "never".into();
        }
        match self {
            Unit::Rate if value > 0.0 && value < 9.95 => format!("{}/s", tenths(value)),
            Unit::Rate => format!("{}/s", whole(value)),
            Unit::Share => share(value),
            Unit::Milliseconds if value >= 1e4 => format!("{} s", tenths(value / 1e3)),
            Unit::Milliseconds if value >= 999.5 => format!("{:.2} s", value / 1e3),
            Unit::Milliseconds if value >= 99.95 => format!("{} ms", whole(value)),
            Unit::Milliseconds => format!("{} ms", tenths(value)),
            Unit::Seconds if value < 9.95 => format!("{} s", tenths(value)),
            Unit::Seconds => format!("{} s", whole(value)),
            Unit::Ratio => format!("{value:.2}"),
            Unit::Jobs if value < 9.95 => tenths(value),
            Unit::Jobs => whole(value),
        }
    }

    /// From `low` to `high`, with the unit said once.
    pub(super) fn range(self, low: f64, high: f64) -> String {
        let (low, high) = (self.shown(low), self.shown(high));
        if low == high {
            return high;
        }
        let unit = high.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.' || c == ',');
        match low.strip_suffix(unit).filter(|rest| rest.ends_with(|c: char| c.is_ascii_digit())) {
            Some(number) => format!("{number} to {high}"),
            None => format!("{low} to {high}"),
        }
    }
}

fn whole(value: f64) -> String {
    grouped(&format!("{value:.0}"))
}

/// One decimal, none where it is a zero.
fn tenths(value: f64) -> String {
    let text = format!("{value:.1}");
    grouped(text.strip_suffix(".0").unwrap_or(&text))
}

/// Near nothing and near everything a tenth of a percent matters.
fn share(value: f64) -> String {
    let percent = value * 100.0;
    let near = |edge: f64| (percent - edge).abs() < 9.95 && (percent - edge).abs() > 1e-9;
    if near(0.0) || near(100.0) { format!("{} %", tenths(percent)) } else { format!("{} %", whole(percent)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_said_with_their_unit_and_to_a_sensible_precision() {
        for (unit, value, says) in [
            (Unit::Rate, 0.0, "0/s"),
            (Unit::Rate, 3.21, "3.2/s"),
            (Unit::Rate, 1234.4, "1,234/s"),
            (Unit::Share, 0.5, "50 %"),
            (Unit::Share, 0.9987, "99.9 %"),
            (Unit::Share, 1.0, "100 %"),
            (Unit::Share, 0.004, "0.4 %"),
            (Unit::Milliseconds, 27.13, "27.1 ms"),
            (Unit::Milliseconds, 239.4, "239 ms"),
            (Unit::Milliseconds, 1562.0, "1.56 s"),
            (Unit::Seconds, 4.0, "4 s"),
            (Unit::Seconds, 36.7, "37 s"),
            (Unit::Seconds, f64::INFINITY, "never"),
            (Unit::Ratio, 3.996, "4.00"),
            (Unit::Jobs, 2200.0, "2,200"),
            (Unit::Jobs, 0.97, "1"),
            (Unit::Jobs, 7.09, "7.1"),
        ] {
            assert_eq!(unit.shown(value), says);
        }
    }

    #[test]
    fn a_range_says_its_unit_once() {
        assert_eq!(Unit::Seconds.range(35.2, 42.9), "35 to 43 s");
        assert_eq!(Unit::Rate.range(0.0, 0.0), "0/s");
        assert_eq!(Unit::Share.range(0.12, 0.131), "12 to 13 %");
        assert_eq!(Unit::Milliseconds.range(800.0, 1562.0), "800 ms to 1.56 s");
    }
}
