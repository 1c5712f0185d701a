//! Metrics and settings in a reader's words.
use super::words::{number, rate};
use crate::scenario::Metric;

/// How a metric is told.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Quantity {
    /// As the subject of a sentence, without capital.
    pub(super) noun: &'static str,
    /// On an axis, in brackets; empty where it has no unit.
    unit: &'static str,
    /// What one of the metric's unit is on the axis.
    scale: f64,
}

impl Quantity {
    pub(super) fn of(metric: Metric) -> Quantity {
        let (noun, unit, scale) = match metric {
            Metric::Offered => ("offered load", "per second", 1.0),
            Metric::Attempts => ("load of attempts", "per second", 1.0),
            Metric::Goodput => ("goodput", "per second", 1.0),
            Metric::GoodShare => ("share of good calls", "%", 100.0),
            Metric::Amplification => ("number of attempts per call", "", 1.0),
            Metric::Rejected => ("rate of rejected attempts", "per second", 1.0),
            Metric::TimedOut => ("rate of timeouts", "per second", 1.0),
            Metric::P50 => ("median latency", "ms", 1.0),
            Metric::P99 => ("p99 latency", "ms", 1.0),
            Metric::Utilisation => ("share of busy workers", "%", 100.0),
            Metric::StaleWork => ("share of stale work", "%", 100.0),
            Metric::QueueDepth => ("queue depth", "attempts", 1.0),
        };
        Quantity { noun, unit, scale }
    }

    /// A measured value as the axis has it.
    pub(super) fn on_axis(&self, measured: f64) -> f64 {
        measured * self.scale
    }

    /// What is written along the axis.
    pub(super) fn axis(&self) -> String {
        named(self.noun, self.unit)
    }

    /// A value on the axis, with its unit.
    pub(super) fn shown(&self, value: f64) -> String {
        match self.unit {
            "per second" => rate(value.round()),
            "" => number(value),
            unit => format!("{} {unit}", number(value)),
        }
    }
}

/// A name and its unit: `goodput (per second)`.
pub(super) fn named(name: &str, unit: &str) -> String {
    if unit.is_empty() { name.into() } else { format!("{name} ({unit})") }
}

/// What stands at a dotted path, in words: `replicas`, `share of writes`, `retry max attempts`.
pub(super) fn setting_at(path: &str) -> String {
    let steps: Vec<&str> = path.split('.').collect();
    let words = match steps[..] {
        ["workload", "mix", kind] => format!("share of {kind}s"),
        ["workload", "rate"] => "fresh load".into(),
        ["services" | "clients", _, ..] if steps.len() > 2 => steps[2..].join(" "),
        ["triggers" | "levers", name, .., last] => format!("{name} {last}"),
        _ => steps.join(" "),
    };
    words.replace('_', " ")
}

/// How a quantity goes through `values`, from the first to the last, as the end of a sentence.
pub(super) fn change(values: &[f64]) -> String {
    const SAME: f64 = 0.1;
    let (Some(&first), Some(&last)) = (values.first(), values.last()) else { return String::new() };
    let same = |value: f64| value == first || (value / first - 1.0).abs() <= SAME;
    let ratio = last / first;
    match ratio {
        _ if values.iter().all(|v| same(*v)) => "stays the same".into(),
        _ if same(last) => "ends where it began".into(),
        r if !r.is_finite() => "grows from nothing".into(),
        r if r >= 1.0 => format!("grows {}-fold", number((r * 10.0).round() / 10.0)),
        r => format!("falls to {} %", number((r * 100.0).round())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_changes_read_as_words() {
        assert_eq!(setting_at("services.store.replicas"), "replicas");
        assert_eq!(setting_at("clients.web.retry.max_attempts"), "retry max attempts");
        assert_eq!(setting_at("workload.mix.write"), "share of writes");
        assert_eq!(setting_at("triggers.spike.do.load_spike.factor"), "spike factor");
        let said = [
            &[100.0, 230.0][..],
            &[100.0, 95.0],
            &[100.0, 150.0, 95.0],
            &[100.0, 41.0],
            &[0.0, 3.0],
            &[0.0, 0.0],
        ];
        let expected = [
            "grows 2.3-fold",
            "stays the same",
            "ends where it began",
            "falls to 41 %",
            "grows from nothing",
            "stays the same",
        ];
        assert_eq!(said.map(change), expected);
    }
}
