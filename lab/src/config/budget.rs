//! What limits retries over all calls of one client instance.
use super::units::{Duration, Rate, Share};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A retry budget: what limits retries over all calls of a client instance. Every kind starts full and is charged when a
/// retry is scheduled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Budget {
    /// No limit.
    #[default]
    None,
    /// A bucket of tokens: a retry takes one, a call or a success puts `ratio` back.
    TokenBucket {
        /// What earns a credit.
        credit_per: CreditPer,
        /// Tokens per credit.
        ratio: Share,
        /// The bucket's size, in tokens.
        burst: f64,
    },
    /// The AWS SDKs' retry quota: a retry costs according to what failed; the last charge comes back when the call succeeds
    /// after all.
    AwsQuota {
        /// Size of the quota.
        capacity: u32,
        /// Cost of a retry after `rejected`.
        cost_rejected: u32,
        /// Cost of a retry after `timeout`.
        cost_timeout: u32,
        /// Cost of a retry after anything else.
        cost_other: u32,
        /// What a success at the first try puts back.
        first_try_success: u32,
    },
    /// gRPC's retry throttling: a retryable failure takes a token, a success puts `token_ratio` back, and no retry is made at
    /// or below half of `max_tokens`.
    GrpcThrottle {
        /// Size of the bucket, above 0 and at most 1000.
        max_tokens: f64,
        /// Tokens per success.
        token_ratio: f64,
    },
    /// Finagle's budget: retries up to a share of the deposits of the last `ttl`, plus a reserve.
    FinagleWindow {
        /// How long a deposit or a withdrawal counts.
        ttl: Duration,
        /// Retries that are always allowed.
        min_per_second: Rate,
        /// Retries per deposit.
        ratio: Share,
        /// What makes a deposit: success in today's Finagle, every call in older ones.
        credit_per: CreditPer,
    },
    /// Envoy's retry resource: retries scheduled or in flight ≤ max(`at_least`, `ratio` × calls in progress).
    Concurrent {
        /// Share of the calls in progress.
        ratio: Share,
        /// Retries allowed whatever the ratio says.
        at_least: u32,
    },
    /// Retries ≤ `ratio` of all attempts of the last `window` (Google SRE book, chapter 21: 10 % over 2 minutes).
    WindowRatio {
        /// Largest share of retries among attempts, below 100 %.
        ratio: Share,
        /// How far back attempts count.
        window: Duration,
    },
}

/// What earns a retry budget its credit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CreditPer {
    /// Every call, when it starts.
    Call,
    /// Every call that succeeds.
    Success,
}
