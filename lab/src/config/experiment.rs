//! The experiment as a whole: what a config file holds.
use super::{
    client::Client,
    disturbance::{Lever, Trigger},
    expect::Expectation,
    figure::Figure,
    service::{Law, Service},
    units::{Duration, Quantity, Share, quantity, read},
    workload::Workload,
};
use indexmap::IndexMap;
use lab_core::time::Span;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{borrow::Cow, fmt, str::FromStr};

/// One experiment: what runs, what is healthy, what goes wrong, what is expected.
///
/// Quantities carry their unit (`250 ms`, `800/s`, `20 %`). A choice is a bare word (`fifo`) or a map with one key
/// (`{ codel: { target: 5 ms } }`). Unknown and repeated keys are errors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Experiment {
    /// Version of this language; there is only 1.
    #[serde(default = "version")]
    #[schemars(range(min = 1, max = 1))]
    pub version: u32,
    /// What the experiment shows, in one line; the report's title.
    #[serde(default)]
    pub title: String,
    /// Where it comes from, such as a paper's section.
    #[serde(default)]
    pub source: String,
    /// Which kind of metastable failure it shows (Huang et al., OSDI'22): what triggers it and what sustains it. A note for
    /// readers; it changes nothing in the run.
    #[serde(default)]
    pub cell: Cell,
    /// The load: a name (`steady-560` is the file `steady-560.yaml` in the nearest `workloads` folder going up from the
    /// config), or the keys of a workload file written here. Clients share it, except those with one of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "super::workload::by_name")]
    pub workload: Option<Workload>,
    /// Length of the run.
    pub duration: Duration,
    /// The beginning of the run, which verdicts and figures of health leave out.
    #[serde(default = "no_time")]
    pub warmup: Duration,
    /// The stretches of time in which events are counted: each is a point of the figures. Left out: about a 240th of the
    /// duration, a round number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Duration>,
    /// The first seed. The same config and seed give the same simulated run, to the last bit.
    #[serde(default = "one")]
    pub seed: u64,
    /// How many simulated runs, each with its own seed: `seed`, `seed` + 1 and so on.
    #[serde(default = "once")]
    #[schemars(range(min = 1))]
    pub replications: u32,
    /// The services, by name.
    pub services: IndexMap<String, Service>,
    /// The client groups, by name.
    pub clients: IndexMap<String, Client>,
    /// What lies between clients and services.
    #[serde(default)]
    pub network: Network,
    /// What healthy means.
    #[serde(default)]
    pub healthy: Healthy,
    /// What goes wrong, and then stops by itself, by name.
    #[serde(default)]
    pub triggers: IndexMap<String, Trigger>,
    /// What an operator does, by name.
    #[serde(default)]
    pub levers: IndexMap<String, Lever>,
    /// Changed experiments, by name, run beside the experiment with the same random numbers. Each is a block of dotted paths
    /// and new values, such as `{ services.store.queue.capacity: 200 }`. A path may address anything that `lab check
    /// --resolved` prints; a block replaces the whole of what stood there.
    #[serde(default)]
    #[schemars(with = "IndexMap<String, IndexMap<String, serde_json::Value>>")]
    pub variants: IndexMap<String, IndexMap<String, serde_yaml::Value>>,
    /// What is expected; the exit code says whether it held.
    #[serde(default)]
    pub expect: Vec<Expectation>,
    /// Figures beside those that every experiment gets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub figures: Vec<Figure>,
}

fn version() -> u32 {
    1
}

fn one() -> u64 {
    1
}

fn once() -> u32 {
    1
}

fn no_time() -> Duration {
    Duration(Span::ZERO)
}

/// Which kind of metastable failure it is (Huang et al., OSDI'22, table 1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cell {
    /// What starts it.
    #[serde(default)]
    pub trigger: TriggerKind,
    /// What keeps it going.
    #[serde(default)]
    pub sustained_by: Sustained,
}

/// What starts a failure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TriggerKind {
    /// Nothing, or the config does not say.
    #[default]
    None,
    /// More load for a time.
    LoadSpike,
    /// Less capacity for a time.
    CapacityDecrease,
}

/// What keeps a failure going.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sustained {
    /// Nothing, or the config does not say.
    #[default]
    None,
    /// Every call makes more work than in the healthy state.
    WorkloadAmplification,
    /// Every unit of work costs more than in the healthy state.
    CapacityDegradation,
}

/// What lies between clients and services.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// One-way delay of every message. Live, that of the loopback device comes on top.
    #[serde(default = "no_delay")]
    pub delay: Law,
}

fn no_delay() -> Law {
    Law::constant(Span::ZERO)
}

impl Default for Network {
    fn default() -> Network {
        Network { delay: no_delay() }
    }
}

/// What healthy means: the share of calls, meant to start in a stretch of time, that turn out good.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Healthy {
    /// Smallest share of good calls. A call is good if it succeeds within its deadline and within `latency`.
    #[serde(default = "most")]
    pub good: Share,
    /// Width of the stretches in which the share is judged.
    #[serde(default = "ten_seconds")]
    pub over: Duration,
    /// A call that takes longer is not good although it succeeded: `300 ms`, or `p99 <= 300 ms`, where the 99 % takes the
    /// place of `good`.
    #[serde(default)]
    pub latency: LatencyLimit,
}

fn most() -> Share {
    Share(0.99)
}

fn ten_seconds() -> Duration {
    Duration(Span::from_secs(10))
}

impl Default for Healthy {
    fn default() -> Healthy {
        Healthy { good: most(), over: ten_seconds(), latency: LatencyLimit::default() }
    }
}

/// `none`, `300 ms`, or `p99 <= 300 ms`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LatencyLimit {
    /// The share of calls that must stay within the limit, if it is given here.
    pub share: Option<Share>,
    /// The limit; [`Span::FOREVER`] if there is none.
    pub limit: Span,
}
quantity!(
    LatencyLimit,
    "`none`, a length of time such as `300 ms`, or a percentile such as `p99 <= 300 ms`",
    r"^(none|(p[0-9.]+ *<= *)?[0-9][0-9_]*(\.[0-9]+)? *(ns|us|µs|ms|s|min|h))$",
    LatencyLimit::default()
);

impl Default for LatencyLimit {
    fn default() -> LatencyLimit {
        LatencyLimit { share: None, limit: Span::FOREVER }
    }
}

impl FromStr for LatencyLimit {
    type Err = String;
    fn from_str(text: &str) -> Result<LatencyLimit, String> {
        if text == "none" {
            return Ok(LatencyLimit::default());
        }
        let wrong = || format!("expected {}, found `{text}`", LatencyLimit::EXPECTED);
        let Some(rest) = text.strip_prefix('p') else {
            return text.parse::<Duration>().map(|d| LatencyLimit { share: None, limit: d.0 });
        };
        let (percentile, limit) = rest.split_once("<=").ok_or_else(wrong)?;
        let share = format!("{} %", percentile.trim()).parse::<Share>().map_err(|_| wrong())?;
        if share.0 <= 0.0 || share.0 >= 1.0 {
            return Err(format!("`p{}` is not a percentile between p0 and p100", percentile.trim()));
        }
        let limit: Duration = limit.trim().parse()?;
        Ok(LatencyLimit { share: Some(share), limit: limit.0 })
    }
}

impl fmt::Display for LatencyLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.share {
            Some(share) => write!(f, "p{} <= {}", share.to_string().trim_end_matches(" %"), self.limit),
            None => self.limit.fmt(f),
        }
    }
}
