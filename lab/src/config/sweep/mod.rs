//! Sweeps: one experiment at every point of a grid, over many seeds. A file of its own, beside the experiment that it varies.
mod check;
mod load;
mod values;
mod whole;

pub use load::{LoadedAxis, LoadedPoint, LoadedSweep, load_sweep, load_sweep_text};

use super::{
    choice::OrNone,
    expect::Amount,
    units::{POISON, Share},
};
use indexmap::IndexMap;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, value::MapAccessDeserializer, value::SeqAccessDeserializer},
};
use std::{borrow::Cow, fmt};

/// One experiment at every point of a grid, over many seeds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sweep {
    /// Version of this language; there is only 1.
    #[serde(default = "version")]
    #[schemars(range(min = 1, max = 1))]
    pub version: u32,
    /// What the sweep shows, in one line.
    #[serde(default)]
    pub title: String,
    /// The experiment: its file, as seen from this one, or its keys written here. Its variants, figures and expectations play no
    /// part. Replication r of the sweep runs with its `seed` + r.
    #[schemars(schema_with = "file_or_block")]
    pub base: serde_yaml::Value,
    /// Changes to the experiment that hold everywhere: dotted paths and new values, as in a variant.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    #[schemars(with = "IndexMap<String, serde_json::Value>")]
    pub set: IndexMap<String, serde_yaml::Value>,
    /// What is varied: dotted paths, each with its values. The grid has a point for every combination.
    pub axes: IndexMap<String, Axis>,
    /// What runs the cells. `live` cells take real time and run one after the other, on one host and alone.
    #[serde(default)]
    pub engine: SweepEngine,
    /// Seeds for each point; with `refine`, the most that a point gets. Every point meets the same arrivals, demands and jitter.
    #[serde(default = "twenty")]
    #[schemars(range(min = 1))]
    pub replications: u32,
    /// Spends the seeds where the outcome is open. Needs a `map`.
    #[serde(default)]
    pub refine: OrNone<Refine>,
    /// The figure. Left out: there is none, only data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub map: Option<MapFigure>,
}

fn version() -> u32 {
    1
}

fn twenty() -> u32 {
    20
}

fn file_or_block(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "anyOf": [{ "type": "string" }, { "type": "object" }] })
}

/// What runs the cells of a sweep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SweepEngine {
    /// The simulation.
    #[default]
    Simulated,
    /// Processes and sockets of this host.
    Live,
}

/// The values of an axis: a list, or equal steps from one to another.
#[derive(Clone, Debug, PartialEq)]
pub enum Axis {
    /// These.
    Values(Vec<serde_yaml::Value>),
    /// From one to another.
    Range(Range),
}

/// Equal steps from one value to another, both included.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// The first value: a number, a rate, a share or a length of time.
    #[schemars(schema_with = "amount")]
    pub from: Amount,
    /// The last value.
    #[schemars(schema_with = "amount")]
    pub to: Amount,
    /// How many values, the first and the last included.
    #[schemars(range(min = 2))]
    pub steps: u32,
    /// What is equal between neighbours.
    #[serde(default)]
    pub scale: Spacing,
}

/// The schema of an amount, which may be a plain number.
fn amount(generator: &mut SchemaGenerator) -> Schema {
    let amount = generator.subschema_for::<Amount>();
    json_schema!({ "anyOf": [{ "type": "number" }, amount] })
}

/// What is equal between neighbours of an axis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Spacing {
    /// Their difference.
    #[default]
    Linear,
    /// Their ratio.
    Log,
}

/// How seeds are spent in rounds: all points get a few, and those at which the outcome is open get four times as many in every
/// further round, up to `replications`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Refine {
    /// Seeds that every point gets. With 3, a point is left alone when all 75 runs of it and its 24 neighbours end alike.
    #[serde(default = "three")]
    #[schemars(range(min = 1))]
    pub first: u32,
    /// A point gets no more seeds once the 95 % interval of its P(metastable) is as narrow as this.
    #[serde(default = "narrow")]
    pub until: Share,
}

fn three() -> u32 {
    3
}

fn narrow() -> Share {
    Share(0.2)
}

/// The phase map.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MapFigure {
    /// The axis that goes to the right.
    pub x: String,
    /// The axis that goes up.
    pub y: String,
    /// The axis of which every value gets a boundary line of its own. Left out: the map is coloured instead.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub lines: String,
    /// What is shown at each point.
    #[serde(default)]
    pub colour: MapColour,
}

/// What a map shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MapColour {
    /// The share of the seeds whose verdict is `metastable`.
    #[default]
    PMetastable,
}

impl<'de> Deserialize<'de> for Axis {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> de::Visitor<'de> for Either {
            type Value = Axis;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of values, or `{ from: …, to: …, steps: … }`")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Axis, E> {
                match text {
                    POISON => Ok(Axis::Values(vec![])),
                    _ => {
                        let expected = "a list of values, or `{ from: …, to: …, steps: … }`";
                        Err(E::custom(format!(
                            "expected {expected}, found `{text}`\ndid you mean `[{text}]`?"
                        )))
                    }
                }
            }
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Axis, E> {
                self.visit_str(&number.to_string())
            }
            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Axis, E> {
                self.visit_str(&number.to_string())
            }
            fn visit_seq<A: de::SeqAccess<'de>>(self, seq: A) -> Result<Axis, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(seq)).map(Axis::Values)
            }
            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Axis, A::Error> {
                Range::deserialize(MapAccessDeserializer::new(map)).map(Axis::Range)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

impl Serialize for Axis {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Axis::Values(values) => values.serialize(serializer),
            Axis::Range(range) => range.serialize(serializer),
        }
    }
}

impl JsonSchema for Axis {
    fn schema_name() -> Cow<'static, str> {
        "Axis".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let range = generator.subschema_for::<Range>();
        json_schema!({
            "description": "The values of an axis: a list, or equal steps from one to another.",
            "anyOf": [{ "type": "array", "minItems": 1 }, range]
        })
    }
}
