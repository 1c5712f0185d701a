//! What load arrives, in a file of its own so that the same load meets different systems.
use super::units::{Duration, Rate, Share};
use indexmap::IndexMap;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The calls that arrive, whatever happens to earlier ones (an open loop).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Workload {
    /// How arrivals are spread in time.
    #[serde(default)]
    pub arrivals: Arrivals,
    /// New calls, all client groups and instances together; retries come on top. With `stages`: the rate that a first ramp
    /// starts from. Needed unless there are stages or a recording.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
    /// The rate over time, one stretch after the other; the last rate stays to the end of the run.
    #[serde(default)]
    pub stages: Stages,
    /// Kinds of calls and their shares, such as `{ read: 90 %, write: 10 % }`. Plays no part without a keyed store.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub mix: IndexMap<String, Share>,
    /// Which keys of a store the calls are about. Plays no part without a keyed store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<Keys>,
}

/// The schema of a workload or its name.
pub(super) fn by_name(generator: &mut SchemaGenerator) -> Schema {
    let whole = generator.subschema_for::<Workload>();
    json_schema!({ "anyOf": [{ "type": "string" }, whole] })
}

/// How arrivals are spread in time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Arrivals {
    /// Evenly.
    Constant,
    /// A Poisson process: independent callers.
    #[default]
    Poisson,
    /// A Poisson process whose rate switches between quiet and burst (a Markov-modulated one with two states). The mean is
    /// the workload's rate.
    Bursty {
        /// Rate in a burst over rate when quiet, from 1.
        factor: f64,
        /// Share of the time that is burst.
        share: Share,
        /// Mean length of a burst; lengths are exponential.
        mean_burst: Duration,
    },
    /// At recorded times.
    Recorded {
        /// A CSV file; its path begins at the file that names it. The first column holds instants such as `12.5 s` since the
        /// beginning, one per line, in order. A heading in the first line and lines that begin with `#` are passed over.
        file: PathBuf,
    },
}

/// `none`, or a list of stages.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stages(pub Vec<Stage>);

/// A stretch of time with a rate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// How long.
    #[serde(rename = "for")]
    pub lasts: Duration,
    /// The rate, or with `ramp` the rate at its end.
    pub rate: Rate,
    /// Whether the rate changes evenly over the stage, from the one before; otherwise it jumps at the beginning.
    #[serde(default)]
    pub ramp: bool,
}

impl<'de> Deserialize<'de> for Stages {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Stages, D::Error> {
        use super::units::POISON;
        use serde::de::{self, value::SeqAccessDeserializer};
        struct Either;
        impl<'de> de::Visitor<'de> for Either {
            type Value = Stages;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("`none` or a list of stages such as `[{ for: 60 s, rate: 560/s }]`")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Stages, E> {
                match text {
                    "none" | POISON => Ok(Stages::default()),
                    _ => Err(E::custom(format!("expected `none` or a list of stages, found `{text}`"))),
                }
            }
            fn visit_seq<A: de::SeqAccess<'de>>(self, seq: A) -> Result<Stages, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(seq)).map(Stages)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

impl Serialize for Stages {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_empty() { serializer.serialize_str("none") } else { self.0.serialize(serializer) }
    }
}

impl JsonSchema for Stages {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Stages".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let list = generator.subschema_for::<Vec<Stage>>();
        json_schema!({ "anyOf": [{ "const": "none" }, list] })
    }
}

/// What the calls are about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// How many keys there are.
    #[schemars(range(min = 1))]
    pub count: u64,
    /// How often each is asked for.
    #[serde(default)]
    pub popularity: Popularity,
}

/// How often each key is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Popularity {
    /// All equally.
    #[default]
    Uniform,
    /// The n-th most popular in proportion to 1 / n^s, with s given here.
    Zipf(f64),
}
