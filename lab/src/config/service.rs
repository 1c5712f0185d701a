//! What runs: services, their queues, and how long work takes.
use super::{
    cache::Cache,
    choice::{OrNone, Places},
    replication::{Membership, Replication},
    units::{Duration, Limit, POISON},
};
use lab_core::time::Span;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{self, value::MapAccessDeserializer},
};
use std::{borrow::Cow, fmt, path::PathBuf};

/// A service of equal replicas, each with a queue and workers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// How many replicas.
    #[serde(default = "one")]
    #[schemars(range(min = 1))]
    pub replicas: u32,
    /// Workers of one replica. The capacity of the service is replicas × workers / mean service time.
    #[serde(default = "one")]
    #[schemars(range(min = 1))]
    pub workers: u32,
    /// How long a call holds a worker that is not slowed down.
    pub service_time: Law,
    /// Who waits, and who is served next.
    #[serde(default)]
    pub queue: Queue,
    /// Makes the service a cache in front of another one.
    #[serde(default)]
    pub cache: OrNone<Cache>,
    /// How the replicas hold a keyed store together.
    #[serde(default)]
    pub replication: Replication,
    /// Of a replicated store: how long a message with writes of other replicas to apply, or a question of a quorum read, holds a worker. `none`: as long as
    /// `service_time` says, for every replica does the same work.
    #[serde(default)]
    pub apply_time: OrNone<Law>,
    /// Of a replicated store: how long a part of it, read or written for a newcomer, holds a worker. `none`: as `service_time`.
    #[serde(default)]
    pub transfer_time: OrNone<Law>,
    /// Of a replicated store: whether a write that is tried again carries an idempotency key. A replica recognises a copy of a
    /// write that it has, or has carried out, when it arrives: it is neither worked on nor replicated once more, and gets the
    /// answer of the first.
    #[serde(default)]
    pub deduplicate: bool,
    /// Who of the replicas is sent work. A replicated store always has a membership; without one written here, that of the
    /// defaults. `none` for replicas that hold nothing: all of them are sent work, always.
    #[serde(default)]
    pub membership: OrNone<Membership>,
    /// Who is let in before the queue. Only `none` in this version: everybody.
    #[serde(default)]
    pub admission: Admission,
    /// What the service does about attempts whose caller has given up.
    #[serde(default)]
    pub cancel: Cancel,
    /// What a service time is drawn for.
    #[serde(default)]
    pub demand: DemandPer,
    /// Worker time that turning an attempt away costs; the next work to start pays it.
    #[serde(default = "no_time")]
    pub rejection_cost: Duration,
    /// How long an attempt that an error burst hits holds a worker. `none`: it fails on arrival and holds none.
    #[serde(default)]
    pub error_service_time: OrNone<Law>,
}

impl Service {
    /// Whether its replicas form a group: a replicated store, or replicas under a membership.
    pub fn is_group(&self) -> bool {
        self.replication != Replication::None || self.membership.as_ref().is_some()
    }
}

fn one() -> u32 {
    1
}

fn no_time() -> Duration {
    Duration(Span::ZERO)
}

/// The queue of one replica.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Queue {
    /// Who is served next.
    #[serde(default)]
    pub discipline: Discipline,
    /// Waiting places of one replica, workers not included (a textbook K counts both: M/M/1/10 is `capacity: 9`). Whoever
    /// finds no place is rejected.
    #[serde(default = "unbounded")]
    pub capacity: Places,
}

impl Default for Queue {
    fn default() -> Queue {
        Queue { discipline: Discipline::Fifo, capacity: unbounded() }
    }
}

fn unbounded() -> Places {
    Places(usize::MAX)
}

/// Who is served next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Discipline {
    /// Oldest first.
    #[default]
    Fifo,
    /// Newest first.
    Lifo,
    /// Oldest first while the queue empties now and then, newest first while it never does (Maurer, *Fail at Scale*, ACM Queue
    /// 13(8), 2015).
    AdaptiveLifo {
        /// From this long without being empty, newest first.
        #[serde(default = "codel_interval")]
        interval: Duration,
        /// Controlled delay: turn away what has waited longer than this while the queue never empties, and longer than
        /// `interval` otherwise. The paper pairs the two, with 5 ms. `none`: nobody is turned away.
        #[serde(default = "no_limit")]
        target: Limit,
    },
    /// Oldest first; some of the oldest are rejected while even the shortest wait is too long (RFC 8289).
    Codel {
        /// The wait that is acceptable for long.
        #[serde(default = "codel_target")]
        target: Duration,
        /// How long the shortest wait must stay above `target` before one is rejected.
        #[serde(default = "codel_interval")]
        interval: Duration,
    },
}

fn codel_target() -> Duration {
    Duration(Span::from_millis(5))
}

fn codel_interval() -> Duration {
    Duration(Span::from_millis(100))
}

fn no_limit() -> Limit {
    Limit(Span::FOREVER)
}

/// Who is let in before the queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Admission {
    /// Everybody.
    #[default]
    None,
}

/// What a service does about attempts whose caller has given up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Cancel {
    /// It does not learn of it: the work is done to its end, for nobody.
    #[default]
    Never,
    /// A closed connection takes the attempt out of the queue, or off its worker.
    OnDisconnect,
    /// Work carries its deadline: it is not started after it, and stopped when it passes.
    Deadline,
}

/// What a service time is drawn for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DemandPer {
    /// Once per call: a retry asks for the same work again.
    #[default]
    PerCall,
    /// For every attempt anew: a retry may ask for more work than the first attempt, or for less.
    PerAttempt,
}

/// How a length of time is distributed. A bare length such as `5 ms` is always the same.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Law(pub LawKind);

/// How a length of time is distributed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum LawKind {
    /// Always the same.
    Constant(Duration),
    /// Exponential: mostly short, now and then several times the mean.
    Exponential {
        /// The mean.
        mean: Duration,
    },
    /// Lognormal: the logarithm is normal.
    Lognormal {
        /// Half of the draws are shorter.
        median: Duration,
        /// Standard deviation of the logarithm, from 0.
        sigma: f64,
    },
    /// Pareto: P(X > x) = (minimum / x)^shape.
    Pareto {
        /// No draw is shorter.
        minimum: Duration,
        /// Tail index, above 1 (at 1 and below the mean is infinite); the variance is finite above 2.
        shape: f64,
    },
    /// Each time one of the recorded lengths, picked at random.
    Recorded {
        /// A CSV file; its path begins at the file that names it. The first column holds lengths such as `12 ms`, one per line.
        /// A heading in the first line and lines that begin with `#` are passed over.
        file: PathBuf,
    },
}

impl Law {
    /// Always the same length.
    pub fn constant(span: Span) -> Law {
        Law(LawKind::Constant(Duration(span)))
    }
}

impl<'de> Deserialize<'de> for Law {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Law, D::Error> {
        struct Either;
        impl<'de> de::Visitor<'de> for Either {
            type Value = Law;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a law such as `{ exponential: { mean: 30 ms } }`, or a constant such as `5 ms`")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Law, E> {
                if text == POISON {
                    return Ok(Law::constant(Span::from_secs(1)));
                }
                if text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.')) {
                    return text.parse().map(|d| Law(LawKind::Constant(d))).map_err(E::custom);
                }
                let help = match text {
                    "constant" => "write `{ constant: 30 ms }`",
                    "exponential" => "write `{ exponential: { mean: 30 ms } }`",
                    "lognormal" => "write `{ lognormal: { median: 30 ms, sigma: 0.5 } }`",
                    "pareto" => "write `{ pareto: { minimum: 10 ms, shape: 2.5 } }`",
                    "recorded" => "write `{ recorded: { file: times.csv } }`",
                    _ => {
                        return Err(E::unknown_variant(
                            text,
                            &["constant", "exponential", "lognormal", "pareto", "recorded"],
                        ));
                    }
                };
                Err(E::custom(format!("`{text}` needs its settings\n{help}")))
            }
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Law, E> {
                self.visit_str(&number.to_string())
            }
            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Law, E> {
                self.visit_str(&number.to_string())
            }
            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Law, A::Error> {
                if map.size_hint().is_some_and(|keys| keys > 1) {
                    return Err(de::Error::custom("only one law can be chosen, found several keys"));
                }
                LawKind::deserialize(MapAccessDeserializer::new(map)).map(Law)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

impl JsonSchema for Law {
    fn schema_name() -> Cow<'static, str> {
        "Law".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let constant = generator.subschema_for::<Duration>();
        let kinds = generator.subschema_for::<LawKind>();
        json_schema!({ "anyOf": [constant, kinds], "description": "How a length of time is distributed. A bare length such as `5 ms` is always the same." })
    }
}
