//! What a config expects of a run.
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
    /// Good calls over calls offered.
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
