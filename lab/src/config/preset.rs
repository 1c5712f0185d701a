//! Settings of real systems, by name and version: here retry policies of clients.
use super::{
    hedge_preset::HEDGE_PRESETS,
    membership_preset::MEMBERSHIP_PRESETS,
    node::{Node, Place},
    parse::parse,
};

/// Settings with the defaults of a real system.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Preset {
    /// What `preset:` calls it.
    pub name: &'static str,
    /// Which version of the software the values are from.
    pub version: &'static str,
    /// Where they were read.
    pub source: &'static str,
    /// How well they are known.
    pub tag: Tag,
    /// What it does in a sentence, and what of it the lab does not model.
    pub about: &'static str,
    /// The settings of `retry`, `hedge` or `membership`, as YAML; they may build on another preset of the same block.
    pub yaml: &'static str,
}

/// How well a value is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tag {
    /// Read in upstream code, a specification or official documentation.
    V,
    /// Read as a quotation.
    S,
    /// A documented example, not a default.
    E,
    /// Unverified.
    U,
}

/// Every preset of `retry`, in the order of the reference.
pub const PRESETS: &[Preset] = &[
    Preset {
        name: "naive-3x-immediate",
        version: "-",
        source: "the straw man of every talk on retries",
        tag: Tag::E,
        about: "Three attempts at once after one another, on every failure.",
        yaml: "{ max_attempts: 3, retry_on: [timeout, rejected, reset, error], backoff: none, budget: none }",
    },
    Preset {
        name: "aws-standard-2.0",
        version: "AWS SDKs, retry mode `standard` until November 2026",
        source: "botocore `botocore/retries/{standard,quota}.py`; smithy-rs `client/retries/{token_bucket.rs,strategy/standard.rs}`",
        tag: Tag::V,
        about: "Retries timeouts, throttling, connection errors and 500/502/503/504. Costs are botocore's: 10 for a timeout, 5 for \
                anything else; the Rust SDK charges 10 for every transient error. `error` stands for those 5xx.",
        yaml: "{ max_attempts: 3, retry_on: [timeout, rejected, reset, error], backoff: { initial: 1 s, multiplier: 2, max: 20 s, \
               jitter: full }, budget: { aws_quota: { capacity: 500, cost_rejected: 5, cost_timeout: 10, cost_other: 5, \
               first_try_success: 1 } } }",
    },
    Preset {
        name: "aws-standard-2.1",
        version: "AWS SDKs, retry mode `standard` from November 2026 (botocore 1.44.0, aws-config 1.13.2 with v2026_11_10)",
        source: "aws.amazon.com/blogs/developer/updated-default-retry-behavior-for-aws-sdks-and-tools; botocore and smithy-rs as for 2.0",
        tag: Tag::V,
        about: "Shorter waits than 2.0, except after throttling, and dearer retries. Not modelled: the server's hint \
                `x-amz-retry-after`.",
        yaml: "{ max_attempts: 3, retry_on: [timeout, rejected, reset, error], backoff: { initial: 50 ms, initial_after_rejection: 1 s, \
               multiplier: 2, max: 20 s, jitter: full }, budget: { aws_quota: { capacity: 500, cost_rejected: 5, cost_timeout: 14, \
               cost_other: 14, first_try_success: 1 } } }",
    },
    Preset {
        name: "aws-dynamodb-2.1",
        version: "AWS SDKs from November 2026, DynamoDB clients",
        source: "as for `aws-standard-2.1`",
        tag: Tag::V,
        about: "As `aws-standard-2.1`, with four attempts and half the first wait. Not modelled: `x-amz-retry-after`.",
        yaml: "{ preset: aws-standard-2.1, max_attempts: 4, backoff: { initial: 25 ms } }",
    },
    Preset {
        name: "grpc-a6-example",
        version: "gRFC A6",
        source: "grpc/proposal `A6-client-retries.md`; grpc-go `stream.go`, `clientconn.go`",
        tag: Tag::E,
        about: "The example of the specification; without a service config gRPC retries nothing. Retries UNAVAILABLE only, never \
                DEADLINE_EXCEEDED. Not modelled: transparent retries, the server's pushback.",
        yaml: "{ max_attempts: 4, retry_on: [rejected, reset], backoff: { initial: 100 ms, multiplier: 2, max: 1 s, jitter: { plus_minus: 20 % } }, \
               budget: { grpc_throttle: { max_tokens: 10, token_ratio: 0.1 } } }",
    },
    Preset {
        name: "envoy-retry-on",
        version: "Envoy, a route with `retry_on: 5xx`",
        source: "envoy `config/route/v3/route_components.proto`, `circuit_breaker.proto`, `source/common/router/retry_state_impl.cc`",
        tag: Tag::V,
        about: "One retry; at most 3 retries at a time for the whole cluster. Without a per-try timeout a slow attempt eats the route's \
                timeout of 15 s (write `deadline: 15 s`), so timeouts are in effect not retried. Not modelled: priorities, Envoy's own \
                overflow, which it never retries.",
        yaml: "{ max_attempts: 2, retry_on: [rejected, reset, error], backoff: { initial: 25 ms, multiplier: 2, max: 250 ms, jitter: full }, \
               budget: { concurrent: { ratio: 0 %, at_least: 3 } } }",
    },
    Preset {
        name: "envoy-retry-budget",
        version: "Envoy, as `envoy-retry-on`, with `retry_budget`",
        source: "envoy `config/cluster/v3/circuit_breaker.proto`, `source/common/upstream/resource_manager_impl.h`",
        tag: Tag::V,
        about: "Retries in progress stay within 20 % of the calls in progress, but 3 are always allowed. Timeouts as for `envoy-retry-on`.",
        yaml: "{ max_attempts: 2, retry_on: [rejected, reset, error], backoff: { initial: 25 ms, multiplier: 2, max: 250 ms, jitter: full }, \
               budget: { concurrent: { ratio: 20 %, at_least: 3 } } }",
    },
    Preset {
        name: "istio-default",
        version: "Istio, no retry policy written",
        source: "istio `pilot/pkg/networking/core/route/retry/retry.go`, `cluster_traffic_policy.go`",
        tag: Tag::V,
        about: "Retries connection failures, refused streams, UNAVAILABLE, CANCELLED and 503; neither timeouts nor 500. No budget: Envoy's \
                limit of 3 is set to 2^32 − 1. Not modelled: a retry avoids the host that failed (`previous_hosts`).",
        yaml: "{ max_attempts: 3, retry_on: [rejected, reset], backoff: { initial: 25 ms, multiplier: 2, max: 250 ms, jitter: full }, budget: none }",
    },
    Preset {
        name: "finagle",
        version: "Finagle, `RequeueFilter` with the default `RetryBudget`",
        source: "finagle-core `service/{RetryBudget,RequeueFilter,Retries}.scala`",
        tag: Tag::V,
        about: "Requeues nacks and what was never sent, at once; neither timeouts nor application errors. Not modelled: the cap of \
                ⌈0.2 × balance⌉ requeues per request (here unlimited within the budget), the service's status.",
        yaml: "{ max_attempts: unlimited, retry_on: [rejected, reset], backoff: none, budget: { finagle_window: { ttl: 10 s, \
               min_per_second: 10/s, ratio: 20 %, credit_per: success } } }",
    },
    Preset {
        name: "linkerd-serviceprofile",
        version: "Linkerd, a ServiceProfile with `isRetryable`",
        source: "linkerd2 `controller/api/destination/profile_translator.go`",
        tag: Tag::V,
        about: "No limit per request, only the budget; no waits. Which failures count is the profile's choice; here 5xx and broken \
                connections. Deposits are made by every response that is not retryable; here by success.",
        yaml: "{ max_attempts: unlimited, retry_on: [rejected, reset, error], backoff: none, budget: { finagle_window: { ttl: 10 s, \
               min_per_second: 10/s, ratio: 20 %, credit_per: success } } }",
    },
    Preset {
        name: "linkerd-annotations",
        version: "Linkerd 2.16 and later, `retry.linkerd.io/http`",
        source: "linkerd2 `policy-controller/grpc/src/outbound/http.rs`; linkerd2-proxy `linkerd/http/retry`",
        tag: Tag::V,
        about: "One retry, no budget. Linkerd adds up to 100 % of the wait to it; the same spread here is ± 33 % of 1.5 times the wait.",
        yaml: "{ max_attempts: 2, retry_on: [rejected, reset, error], backoff: { initial: 37.5 ms, multiplier: 2, max: 375 ms, \
               jitter: { plus_minus: 33.33333333333333 % } }, budget: none }",
    },
    Preset {
        name: "google-sre",
        version: "Site Reliability Engineering, 2016, chapter 21",
        source: "sre.google/sre-book/handling-overload, by quotation",
        tag: Tag::S,
        about: "Three attempts, and retries below 10 % of a client's attempts over two minutes. The book names no waits; there are none \
                here. Not modelled: adaptive throttling with K = 2, the answer \"overloaded; don't retry\".",
        yaml: "{ max_attempts: 3, retry_on: [timeout, rejected, reset, error], backoff: none, budget: { window_ratio: { ratio: 10 %, window: 2 min } } }",
    },
    Preset {
        name: "google-cloud-rust-gax",
        version: "google-cloud-rust, gax `ExponentialBackoff`",
        source: "google-cloud-rust `gax/src/exponential_backoff.rs`",
        tag: Tag::V,
        about: "The waits only; attempts and outcomes are chosen per API, here three and those that are safe to repeat. Not modelled: its \
                adaptive throttler.",
        yaml: "{ max_attempts: 3, retry_on: [rejected, reset], backoff: { initial: 1 s, multiplier: 2, max: 60 s, jitter: full }, budget: none }",
    },
    Preset {
        name: "polly-v8",
        version: "Polly 8",
        source: "Polly `RetryConstants.cs`",
        tag: Tag::V,
        about: "Every failure, after two seconds each.",
        yaml: "{ max_attempts: 4, retry_on: [timeout, rejected, reset, error], backoff: { initial: 2 s, multiplier: 1 }, budget: none }",
    },
    Preset {
        name: "resilience4j",
        version: "Resilience4j, `RetryConfig.ofDefaults()`",
        source: "resilience4j `RetryConfig.java`, `IntervalFunction.java`",
        tag: Tag::V,
        about: "Every failure, after half a second each.",
        yaml: "{ max_attempts: 3, retry_on: [timeout, rejected, reset, error], backoff: { initial: 500 ms, multiplier: 1 }, budget: none }",
    },
    Preset {
        name: "failsafe-go",
        version: "failsafe-go, default retry policy",
        source: "failsafe-go `retrypolicy`",
        tag: Tag::V,
        about: "Every failure, at once.",
        yaml: "{ max_attempts: 3, retry_on: [timeout, rejected, reset, error], backoff: none, budget: none }",
    },
    Preset {
        name: "failsafe-go-budget",
        version: "failsafe-go, with its retry budget switched on",
        source: "failsafe-go `retrypolicy`, `budget`",
        tag: Tag::V,
        about: "As `failsafe-go`, with retries in progress within 20 % of the calls in progress, but 3 always allowed.",
        yaml: "{ max_attempts: 3, retry_on: [timeout, rejected, reset, error], backoff: none, budget: { concurrent: { ratio: 20 %, at_least: 3 } } }",
    },
    Preset {
        name: "reqwest-scoped",
        version: "reqwest 0.12, `retry::for_host` with a classifier",
        source: "reqwest `src/retry.rs`",
        tag: Tag::V,
        about: "Two retries within a budget as tower's. Which failures count is the classifier's choice, here all but timeouts.",
        yaml: "{ max_attempts: 3, retry_on: [rejected, reset, error], backoff: none, budget: { finagle_window: { ttl: 10 s, min_per_second: 10/s, \
               ratio: 20 %, credit_per: success } } }",
    },
    Preset {
        name: "mongodb-driver",
        version: "MongoDB drivers, retryable reads and writes",
        source: "mongodb/specifications `retryable-reads.md`, `retryable-writes.md`",
        tag: Tag::V,
        about: "One retry at once after a network error; neither timeouts of the server nor errors of the application. Not modelled: server \
                selection.",
        yaml: "{ max_attempts: 2, retry_on: [reset], backoff: none, budget: none }",
    },
    Preset {
        name: "mongodb-backpressure",
        version: "MongoDB drivers, client backpressure (2026)",
        source: "mongodb/specifications `client-backpressure.md`",
        tag: Tag::V,
        about: "Retries only what the server labels as overloaded. Not modelled: the server's own base wait.",
        yaml: "{ max_attempts: 3, retry_on: [rejected], backoff: { initial: 200 ms, multiplier: 2, max: 10 s, jitter: full }, budget: none }",
    },
    Preset {
        name: "urllib3-default",
        version: "urllib3 2, `Retry(3)`",
        source: "urllib3 `src/urllib3/util/retry.py`",
        tag: Tag::V,
        about: "Connection and read errors, at once; a read timeout is a read error. No status is retried unless listed.",
        yaml: "{ max_attempts: 4, retry_on: [timeout, reset], backoff: none, budget: none }",
    },
    Preset {
        name: "axios-retry",
        version: "axios-retry 4",
        source: "axios-retry `src/index.ts`",
        tag: Tag::V,
        about: "Network errors and 5xx of idempotent requests, and 429, at once. Never timeouts: the time limit is shared by all attempts, \
                so write it as `deadline`.",
        yaml: "{ max_attempts: 4, retry_on: [rejected, reset, error], backoff: none, budget: none }",
    },
    Preset {
        name: "etcd-clientv3",
        version: "etcd clientv3",
        source: "etcd `client/v3/retry_interceptor.go`",
        tag: Tag::V,
        about: "A hundred attempts, 25 ms ± 10 % apart, on UNAVAILABLE. Not modelled: the wait comes only after a whole round of endpoints.",
        yaml: "{ max_attempts: 100, retry_on: [rejected, reset], backoff: { initial: 25 ms, multiplier: 1, jitter: { plus_minus: 10 % } }, budget: none }",
    },
];

/// The presets that a block of a config can start from: `retry` or `membership`.
pub fn of_block(block: &str) -> &'static [Preset] {
    match block {
        "retry" => PRESETS,
        "hedge" => HEDGE_PRESETS,
        "membership" => MEMBERSHIP_PRESETS,
        _ => &[],
    }
}

/// The preset of `block` called `name`.
pub fn find(block: &str, name: &str) -> Option<&'static Preset> {
    of_block(block).iter().find(|p| p.name == name)
}

/// The preset called `name`, whichever block it is of.
fn named(name: &str) -> Option<&'static Preset> {
    ["retry", "hedge", "membership"].iter().find_map(|block| find(block, name))
}

/// The names of all presets of `block`.
pub fn names(block: &str) -> Vec<&'static str> {
    of_block(block).iter().map(|p| p.name).collect()
}

impl Preset {
    /// Its settings, as if they had been written at `place`, with those of the preset that it builds on under them.
    pub(super) fn settings(&self, place: Place) -> Node {
        let (mut node, _) =
            parse(self.yaml, place.source).unwrap_or_else(|_| (Node::word("", place), vec![]));
        set_place(&mut node, place);
        match node.remove("preset").and_then(|entry| entry.value.text().and_then(named)) {
            Some(base) => over(base.settings(place), &node),
            None => node,
        }
    }
}

/// The settings `above` over those of `below`; of `backoff`, `heartbeat` and `transfer` entry by entry.
pub(super) fn over(mut below: Node, above: &Node) -> Node {
    overlay(&mut below, above, "");
    below
}

fn overlay(below: &mut Node, above: &Node, under: &str) {
    for entry in above.entries() {
        let key = entry.key.text().unwrap_or("");
        let whole = !matches!(key, "backoff" | "heartbeat" | "transfer") || entry.value.entries().is_empty();
        let merge = under.is_empty() && !whole;
        match below.get_mut(key) {
            Some(inner) if merge && !inner.entries().is_empty() => overlay(inner, &entry.value, key),
            _ => below.put(entry.key.clone(), entry.value.clone()),
        }
    }
}

fn set_place(node: &mut Node, place: Place) {
    use super::node::Value;
    node.place = place;
    match &mut node.value {
        Value::Scalar { .. } => {}
        Value::List(items) => items.iter_mut().for_each(|item| set_place(item, place)),
        Value::Map(entries) => entries.iter_mut().for_each(|entry| {
            entry.key.place = place;
            set_place(&mut entry.value, place);
        }),
    }
}
