//! How real clients hedge, by name.
use super::preset::{Preset, Tag};

/// Every preset of `hedge`, in the order of the reference.
pub const HEDGE_PRESETS: &[Preset] = &[
    Preset {
        name: "grpc-a6-hedging-example",
        version: "gRFC A6",
        source: "grpc/proposal `A6-client-retries.md`; implemented in neither grpc-go nor the C core",
        tag: Tag::E,
        about: "The example of the specification: up to four attempts, half a second apart. UNAVAILABLE, INTERNAL and ABORTED are not \
                fatal. Its throttling is written separately: `budget: { grpc_throttle: { max_tokens: 10, token_ratio: 0.1 } }`. Not \
                modelled: the server's pushback.",
        yaml: "{ after: 500 ms, max_attempts: 4, non_fatal: [rejected, reset, error], budget: none }",
    },
    Preset {
        name: "finagle-backup-1pct",
        version: "Finagle, `idempotent(maxExtraLoad = 0.01)`",
        source: "finagle-core `client/BackupRequestFilter.scala`, `util/WindowedPercentileHistogram.scala`",
        tag: Tag::V,
        about: "A backup request at the 99th percentile, at least 1 ms, within 1 % of the calls of the last 10 s. It is off by default, and \
                the 1 % is the user's choice. Newer versions add a reserve of 10 a second. In Finagle a failure while \
                a backup is under way waits for the other answer; here it ends the call.",
        yaml: "{ after: p99, max_attempts: 2, non_fatal: [], budget: { finagle_window: { ttl: 10 s, min_per_second: 0/s, ratio: 1 %, \
               credit_per: call } } }",
    },
    Preset {
        name: "polly-v8-hedging",
        version: "Polly 8",
        source: "Polly `HedgingConstants.cs`",
        tag: Tag::V,
        about: "One more attempt after two seconds, or at once after any failure.",
        yaml: "{ after: 2 s, max_attempts: 2, non_fatal: [timeout, rejected, reset, error], budget: none }",
    },
];
