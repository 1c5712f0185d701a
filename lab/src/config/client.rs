//! Who calls: client groups, timeouts, retries.
use super::{
    budget::Budget,
    choice::{Attempts, OrNone},
    hedge::Hedge,
    units::{Duration, Limit, Share},
    workload::Workload,
};
use lab_core::time::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A group of equal client instances that share one load.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// The service it calls.
    pub calls: String,
    /// How many instances the load is spread over. Budgets and balancers belong to one instance.
    #[serde(default = "one")]
    #[schemars(range(min = 1))]
    pub instances: u32,
    /// A workload of its own: a name, or the keys of a workload file. Left out: a share of the experiment's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "super::workload::by_name")]
    pub workload: Option<Workload>,
    /// The share of the experiment's workload. Left out: an equal part of what the other clients' shares leave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<Share>,
    /// Which replica gets an attempt.
    #[serde(default)]
    pub balance: Balance,
    /// How long an attempt may take, from when it is sent.
    #[serde(default = "no_limit")]
    pub per_try_timeout: Limit,
    /// How long the whole call may take, all attempts and waits, from when it was meant to start.
    #[serde(default = "no_limit")]
    pub deadline: Limit,
    /// When and after which wait a failed attempt is tried again.
    #[serde(default)]
    pub retry: OrNone<Retry>,
    /// A circuit breaker. Only `none` in this version.
    #[serde(default)]
    pub breaker: Breaker,
    /// Further attempts beside a slow one.
    #[serde(default)]
    pub hedge: OrNone<Hedge>,
}

fn one() -> u32 {
    1
}

fn no_limit() -> Limit {
    Limit(Span::FOREVER)
}

/// Which replica gets an attempt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Balance {
    /// Each replica in turn.
    #[default]
    RoundRobin,
    /// At random, all equally likely.
    Random,
    /// The replica with the fewest attempts in flight from this instance; ties at random.
    LeastRequest,
    /// The less loaded of two different ones picked at random (power of two choices). Envoy's and gRPC's "least request"
    /// is this one.
    P2c,
}

/// A circuit breaker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Breaker {
    /// No breaker.
    #[default]
    None,
}

/// When and after which wait a failed attempt is tried again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Retry {
    /// Start from a preset; the other fields override its fields. Of `backoff`, single fields override single fields.
    #[serde(default, skip_serializing)]
    #[schemars(extend("enum" = super::preset::names("retry")))]
    pub preset: Option<String>,
    /// Attempts in all, the first one included (as in gRPC and the AWS SDKs).
    #[serde(default = "three")]
    pub max_attempts: Attempts,
    /// Which outcomes are tried again.
    #[serde(default = "retryable")]
    pub retry_on: Vec<Outcome>,
    /// The wait before each retry. `none`: retries follow at once.
    #[serde(default)]
    pub backoff: OrNone<Backoff>,
    /// What limits retries over all calls of one client instance.
    #[serde(default)]
    pub budget: Budget,
}

fn three() -> Attempts {
    Attempts(3)
}

pub(super) fn retryable() -> Vec<Outcome> {
    vec![Outcome::Timeout, Outcome::Rejected, Outcome::Reset]
}

/// How a failed attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// No answer before the per-try timeout or the deadline.
    Timeout,
    /// Turned away: full queue, queue discipline, shed load (HTTP 503, UNAVAILABLE, throttled).
    Rejected,
    /// Connection refused or broken.
    Reset,
    /// The service failed (HTTP 500).
    Error,
}

/// The wait before the n-th retry: min(initial × multiplier^(n−1), max), then jittered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Backoff {
    /// Before the first retry.
    pub initial: Duration,
    /// The same, when what failed was `rejected`. Left out: `initial`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial_after_rejection: Option<Duration>,
    /// Growth from one retry to the next; 1 keeps the wait fixed.
    #[serde(default = "two")]
    pub multiplier: f64,
    /// No wait grows beyond this; jitter comes on top.
    #[serde(default = "no_limit")]
    pub max: Limit,
    /// How waits are spread.
    #[serde(default)]
    pub jitter: Jitter,
}

fn two() -> f64 {
    2.0
}

/// How a wait v is spread; U(a, b) is a random number between a and b, all equally likely (Brooker, *Exponential Backoff and Jitter*, AWS Architecture Blog, 2015).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Jitter {
    /// Always v.
    #[default]
    None,
    /// U(0, v).
    Full,
    /// v/2 + U(0, v/2).
    Equal,
    /// min(max, U(initial, 3 × previous wait)); the multiplier plays no part.
    Decorrelated,
    /// v × U(1 − share, 1 + share); gRPC uses 20 %.
    PlusMinus(Share),
}
