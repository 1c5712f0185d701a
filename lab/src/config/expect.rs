//! What a config expects of a run.
use super::units::{Duration, Quantity, Rate, Share, quantity, read};
use lab_core::time::Span;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{borrow::Cow, fmt, str::FromStr};

/// A quantity that an expectation may bound. Each is taken over all client groups and over the whole stretch of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Calls per second meant to start.
    Offered,
    /// Attempts sent per second.
    Attempts,
    /// Good calls per second, by when they ended.
    Goodput,
    /// Good calls as a share of the calls meant to start.
    GoodShare,
    /// Attempts per call.
    Amplification,
    /// Attempts per second that were turned away.
    Rejected,
    /// Attempts per second that ran into their timeout.
    TimedOut,
    /// Median latency of the calls that ended, in milliseconds.
    P50,
    /// 99th percentile of the latency of the calls that ended, in milliseconds.
    P99,
    /// Share of worker time in use, all replicas together.
    Utilisation,
    /// Share of worker time spent on attempts whose callers had given up.
    StaleWork,
    /// Attempts waiting, all replicas together.
    QueueDepth,
}

/// One expectation: a verdict, what the service was like after a lever, or limits of a metric.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// Which variant it speaks of. Left out: the experiment itself.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub variant: String,
    /// What became of the service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Word>,
    /// With `verdict: recovered`: limits of the recovery time, from the end of the last trigger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery_time: Option<Bounds>,
    /// What the service was like after an operator acted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_lever: Option<AfterLever>,
    /// A quantity, with `over` and `between`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<Metric>,
    /// The stretch of time over which the metric is taken. Left out: from the end of the warm-up to the end of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over: Option<Stretch>,
    /// Its smallest and its largest allowed value, with the metric's unit: `[3.8, 4.1]`, `[500/s, 600/s]`, `[0 %, 5 %]`,
    /// `[1 ms, 80 ms]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "limits")]
    pub between: Option<(Amount, Amount)>,
}

/// The schema of two amounts, which may be plain numbers.
fn limits(generator: &mut SchemaGenerator) -> Schema {
    let amount = generator.subschema_for::<Amount>();
    let one = json_schema!({ "anyOf": [{ "type": "number" }, amount] });
    json_schema!({ "type": "array", "items": one, "minItems": 2, "maxItems": 2 })
}

/// A verdict's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Word {
    /// Healthy throughout.
    Unaffected,
    /// Unhealthy for a time, then healthy again.
    Recovered,
    /// Failed at the end, but the backlog falls.
    Draining,
    /// Failed, with every trigger gone and no drain that explains it.
    Metastable,
    /// Fell without a trigger, although healthy at first.
    Escaped,
    /// Between healthy and failed at the end.
    Degraded,
    /// Swings between healthy and failed.
    Oscillating,
    /// Unhealthy before any trigger.
    Overloaded,
}

/// What the service was like after an operator acted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AfterLever {
    /// Healthy.
    Recovered,
    /// Between healthy and failed.
    Degraded,
    /// Still down.
    Failed,
}

/// Limits of a length of time, both included.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bounds {
    /// No shorter than this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<Duration>,
    /// No longer than this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<Duration>,
}

/// A stretch of a run: `last 20 s`, or `40 s to 60 s`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Stretch {
    /// The last so much of it.
    Last(Duration),
    /// From one instant to another.
    Between(Duration, Duration),
}
quantity!(
    Stretch,
    "a stretch of time such as `last 20 s` or `40 s to 60 s`",
    r"^(last .*|.* to .*)$",
    Stretch::Last(Duration(Span::from_secs(1)))
);

impl FromStr for Stretch {
    type Err = String;
    fn from_str(text: &str) -> Result<Stretch, String> {
        if let Some(length) = text.strip_prefix("last ") {
            return length.trim().parse().map(Stretch::Last);
        }
        let Some((from, until)) = text.split_once(" to ") else {
            return Err(format!("expected {}, found `{text}`", Stretch::EXPECTED));
        };
        let (from, until): (Duration, Duration) = (from.trim().parse()?, until.trim().parse()?);
        if until.0 <= from.0 {
            return Err(format!("`{text}` ends before it begins"));
        }
        Ok(Stretch::Between(from, until))
    }
}

impl fmt::Display for Stretch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stretch::Last(length) => write!(f, "last {length}"),
            Stretch::Between(from, until) => write!(f, "{from} to {until}"),
        }
    }
}

/// A metric's value: a plain number, or one with the unit of a rate, a share or a length of time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Amount {
    /// Without a unit.
    Number(f64),
    /// Per second.
    Rate(Rate),
    /// In percent.
    Share(Share),
    /// A length of time.
    Duration(Duration),
}
quantity!(
    Amount,
    "a number, with the metric's unit: `3.8`, `500/s`, `5 %` or `80 ms`",
    r"^[0-9].*$",
    Amount::Number(1.0)
);

impl FromStr for Amount {
    type Err = String;
    fn from_str(text: &str) -> Result<Amount, String> {
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => return Ok(Amount::Number(number)),
            Ok(_) => return Err(format!("expected {}, found `{text}`", Amount::EXPECTED)),
            Err(_) => {}
        }
        match text.chars().last() {
            Some('%') => text.parse().map(Amount::Share),
            _ if text.contains('/') => text.parse().map(Amount::Rate),
            _ => text.parse().map(Amount::Duration),
        }
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Amount::Number(number) => number.fmt(f),
            Amount::Rate(rate) => rate.fmt(f),
            Amount::Share(share) => share.fmt(f),
            Amount::Duration(length) => length.fmt(f),
        }
    }
}

impl Metric {
    /// `amount` in the metric's unit, if it is one of it. Otherwise what the unit is, with an example.
    pub fn value(self, amount: Amount) -> Result<f64, &'static str> {
        use Metric::*;
        match (self, amount) {
            (Offered | Attempts | Goodput | Rejected | TimedOut, Amount::Rate(rate)) => Ok(rate.0),
            (GoodShare | Utilisation | StaleWork, Amount::Share(share)) => Ok(share.0),
            (P50 | P99, Amount::Duration(length)) => Ok(length.0.as_millis_f64()),
            (Amplification | QueueDepth, Amount::Number(number)) => Ok(number),
            (Offered | Attempts | Goodput | Rejected | TimedOut, _) => Err("a rate such as `500/s`"),
            (GoodShare | Utilisation | StaleWork, _) => Err("a share such as `5 %`"),
            (P50 | P99, _) => Err("a length of time such as `80 ms`"),
            (Amplification | QueueDepth, _) => Err("a plain number such as `3.8`"),
        }
    }
}
