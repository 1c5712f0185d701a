//! Attempts side by side: hedged requests.
use super::{
    budget::Budget,
    client::{Outcome, retryable},
    units::{Duration, Quantity, Share, quantity, read},
};
use lab_core::time::Span;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{borrow::Cow, fmt, str::FromStr};

/// Further attempts beside a slow one (hedged requests: Dean and Barroso, *The Tail at Scale*, CACM 2013), sent to replicas
/// that the call has not asked yet, as far as there are any. The first success wins, and the others are given up.
/// As in gRPC a call is either hedged or retried: hedges count as attempts, and in the results as retries. In a replicated store
/// reads are hedged and writes follow `retry`, unless `writes` says otherwise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Hedge {
    /// Start from a preset; the other fields override its fields.
    #[serde(default, skip_serializing)]
    #[schemars(extend("enum" = super::preset::names("hedge")))]
    pub preset: Option<String>,
    /// How long the attempts under way may stay without a success before the next one is sent: a fixed time, or a percentile
    /// such as `p95` of the latency of the instance's attempts in the last 30 s. Before it has seen 10 s, nothing is hedged.
    pub after: HedgeAfter,
    /// Attempts in all, the first one included, from 2 to 5 (as in gRPC).
    #[serde(default = "two")]
    #[schemars(range(min = 2, max = 5))]
    pub max_attempts: u32,
    /// After these outcomes the next attempt follows at once, and those under way go on. Any other failure ends the call.
    #[serde(default = "retryable")]
    pub non_fatal: Vec<Outcome>,
    /// What limits hedges over all calls of one client instance. A hedge is charged when it is sent; one that is refused is
    /// left out. `aws_quota` charges by what failed, and does not fit.
    #[serde(default)]
    pub budget: Budget,
    /// Of a replicated store: whether writes are hedged too. They need `deduplicate`, or each would be done twice.
    #[serde(default)]
    pub writes: bool,
}

fn two() -> u32 {
    2
}

/// `100 ms` or `p95`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum HedgeAfter {
    /// This long after the attempt before.
    Fixed(Duration),
    /// After the latency that this share of attempts stayed below.
    Percentile(Share),
}
quantity!(
    HedgeAfter,
    "a length of time such as `100 ms`, or a percentile such as `p95`",
    r"^(p[0-9]+(\.[0-9]+)?|[0-9][0-9_]*(\.[0-9]+)? *(ns|us|µs|ms|s|min|h))$",
    HedgeAfter::Fixed(Duration(Span::from_secs(1)))
);

impl FromStr for HedgeAfter {
    type Err = String;
    fn from_str(text: &str) -> Result<HedgeAfter, String> {
        let Some(percentile) = text.strip_prefix('p') else {
            return match text.parse() {
                Ok(duration) => Ok(HedgeAfter::Fixed(duration)),
                Err(_) if !text.starts_with(|c: char| c.is_ascii_digit() || c == '-') => {
                    Err(format!("expected {}, found `{text}`", HedgeAfter::EXPECTED))
                }
                Err(message) => Err(message),
            };
        };
        let share = format!("{percentile} %").parse::<Share>();
        match share {
            Ok(share) if share.0 > 0.0 && share.0 < 1.0 => Ok(HedgeAfter::Percentile(share)),
            Ok(_) => Err(format!("`{text}` is not a percentile between p0 and p100")),
            Err(_) => Err(format!("expected {}, found `{text}`", HedgeAfter::EXPECTED)),
        }
    }
}

impl fmt::Display for HedgeAfter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HedgeAfter::Fixed(duration) => duration.fmt(f),
            HedgeAfter::Percentile(share) => write!(f, "p{}", share.to_string().trim_end_matches(" %")),
        }
    }
}
