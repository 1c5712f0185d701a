//! The values that a slider or a choice goes through.
use serde::Serialize;
use std::fmt::Display;

/// One value: what the page writes beside the slider, and what a config says.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Step {
    pub(crate) label: String,
    pub(crate) value: String,
    /// Where it stands among the others.
    #[serde(skip)]
    pub(crate) rank: f64,
}

impl Step {
    /// A value that is read as it is written.
    pub(crate) fn plain(rank: f64, value: impl Display) -> Step {
        Step { label: value.to_string(), value: value.to_string(), rank }
    }
}

/// `steps` and those of `more` that are not among them, from the smallest to the largest.
pub(crate) fn ladder(steps: impl IntoIterator<Item = Step>, more: &[Step]) -> Vec<Step> {
    let mut all: Vec<Step> = steps.into_iter().collect();
    for step in more {
        if all.iter().all(|known| known.value != step.value) {
            all.push(step.clone());
        }
    }
    all.sort_by(|a, b| a.rank.total_cmp(&b.rank));
    all
}

/// A round number of about this size: 1, 2 or 5 times a power of ten, as mantissa and exponent of ten.
pub(crate) fn round(size: f64) -> (f64, i32) {
    let mut exponent = 0;
    let mut left = size;
    while left >= 10.0 {
        (left, exponent) = (left / 10.0, exponent + 1);
    }
    while left < 1.0 && exponent > -9 {
        (left, exponent) = (left * 10.0, exponent - 1);
    }
    let mantissa = match left {
        m if m < 1.5 => 1.0,
        m if m < 3.5 => 2.0,
        _ => 5.0,
    };
    (mantissa, exponent)
}

/// The multiples of a round number from `from` to `to`, about `count` of them, exact as decimals.
pub(crate) fn multiples(from: f64, to: f64, count: f64) -> Vec<f64> {
    let (mantissa, exponent) = round((to - from) / count);
    let exact = |n: u32| format!("{}e{exponent}", f64::from(n) * mantissa).parse::<f64>().unwrap_or(from);
    (1..=10_000).map(exact).skip_while(|v| *v < from).take_while(|v| *v <= to).collect()
}

/// A choice as a config would say it on one line: JSON is YAML.
fn written(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// The steps of a choice, each with what the page calls it.
pub(crate) fn choices<T: Serialize>(known: &[(&str, T)]) -> Vec<Step> {
    let step = |(rank, (label, value)): (u32, &(&str, T))| Step {
        label: (*label).into(),
        value: written(value),
        rank: f64::from(rank),
    };
    (0..).zip(known).map(step).collect()
}

/// What is chosen: one of those that are known, or one of the config's own.
pub(crate) fn choice<T: Serialize + PartialEq>(own: &T, known: &[(&str, T)]) -> Step {
    let found = choices(known).into_iter().zip(known).find(|(_, (_, value))| value == own);
    found.map_or_else(
        || Step { label: "as in the config".into(), value: written(own), rank: f64::INFINITY },
        |(step, _)| step,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_config_says_is_among_the_steps() {
        let steps = [1.0, 2.0, 5.0].map(|n| Step::plain(n, n));
        let values = |more: &[f64]| -> Vec<String> {
            let more: Vec<Step> = more.iter().map(|n| Step::plain(*n, n)).collect();
            ladder(steps.clone(), &more).into_iter().map(|s| s.value).collect()
        };
        assert_eq!(values(&[]), ["1", "2", "5"]);
        assert_eq!(values(&[2.0, 3.5]), ["1", "2", "3.5", "5"]);
    }

    #[test]
    fn multiples_are_round_and_within_their_ends() {
        assert_eq!(multiples(40.0, 100.0, 6.0), [40.0, 50.0, 60.0, 70.0, 80.0, 90.0, 100.0]);
        assert_eq!(multiples(0.25, 1.0, 4.0), [0.4, 0.6, 0.8, 1.0]);
        assert_eq!(multiples(0.0, 0.03, 3.0), [0.01, 0.02, 0.03]);
    }
}
