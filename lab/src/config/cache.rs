//! A look-aside cache in front of a store.
use super::{
    choice::Places,
    client::{Balance, Retry},
    units::{Duration, Limit},
};
use lab_core::time::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Makes a service a cache: its replicas look keys up, and call a store for what they do not hold. `mix` and `keys` of the
/// workload say what is asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cache {
    /// The service that holds everything.
    pub calls: String,
    /// How many keys one replica holds; the least recently used one makes room.
    pub capacity: Places,
    /// How long a key is held after it was filled. `none`: until it has to make room.
    #[serde(default = "no_limit")]
    pub ttl: Limit,
    /// What is there at the beginning.
    #[serde(default)]
    pub initial: Initial,
    /// Who fills a key after a miss.
    #[serde(default)]
    pub fill: Fill,
    /// How long a call to the store may go on.
    #[serde(default)]
    pub fill_timeout: FillTimeout,
    /// Whether those who miss a key that is being filled wait for that fill, and share its result.
    #[serde(default)]
    pub single_flight: bool,
    /// At most one fill of a key is begun in this time; others wait for it or are turned away (Nishtala et al., NSDI'13: 10 s).
    #[serde(default = "no_limit")]
    pub lease: Limit,
    /// What a write does to its key.
    #[serde(default)]
    pub on_write: OnWrite,
    /// How long one attempt at the store may take. `none`: as long as the fill may.
    #[serde(default = "no_limit")]
    pub per_try_timeout: Limit,
    /// Whether and how calls to the store are tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
    /// Which replica of the store gets an attempt.
    #[serde(default)]
    pub balance: Balance,
}

/// What a cache holds at the beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Initial {
    /// The most popular keys.
    #[default]
    Warm,
    /// Nothing.
    Empty,
}

/// Who fills a key after a miss.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fill {
    /// The requester, once the store has answered it.
    #[default]
    LookAside,
    /// The cache, whether its requester still waits or not.
    ReadThrough,
}

/// How long a call to the store may go on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FillTimeout {
    /// Until the attempt for which it is made is given up: an answer that comes later fills nothing.
    #[default]
    Requester,
    /// This long, whoever waits.
    After(Duration),
}

/// What a write does to its key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnWrite {
    /// The key is taken out.
    #[default]
    Invalidate,
    /// The key is there afterwards.
    Update,
}

/// Which keys a flush takes out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FlushKeys {
    /// Every key.
    #[default]
    All,
    /// The most popular ones, so many of them.
    Hottest(u64),
}

fn no_limit() -> Limit {
    Limit(Span::FOREVER)
}
