//! Choices between a word and something longer: `none` or a block, `all` or a list, `unbounded` or a number.
use super::units::{POISON, Quantity, read};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, value::MapAccessDeserializer, value::SeqAccessDeserializer},
};
use std::{borrow::Cow, fmt, marker::PhantomData, str::FromStr};

/// `none`, or a block of settings.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum OrNone<T> {
    /// `none`.
    #[default]
    None,
    /// The settings.
    Some(T),
}

impl<T> OrNone<T> {
    /// The settings, if there are any.
    pub fn as_ref(&self) -> Option<&T> {
        match self {
            OrNone::None => None,
            OrNone::Some(value) => Some(value),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OrNone<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> de::Visitor<'de> for Either<T> {
            type Value = OrNone<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`none` or a block of settings")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<OrNone<T>, E> {
                match text {
                    "none" | POISON => Ok(OrNone::None),
                    _ => Err(E::custom(format!("expected `none` or a block of settings, found `{text}`"))),
                }
            }
            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<OrNone<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(OrNone::Some)
            }
        }
        deserializer.deserialize_any(Either(PhantomData))
    }
}

impl<T: Serialize> Serialize for OrNone<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            OrNone::None => serializer.serialize_str("none"),
            OrNone::Some(value) => value.serialize(serializer),
        }
    }
}

impl<T: JsonSchema> JsonSchema for OrNone<T> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        format!("{}OrNone", T::schema_name()).into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let some = generator.subschema_for::<T>();
        json_schema!({ "anyOf": [{ "const": "none" }, some] })
    }
}

/// `all`, or a list of some.
#[derive(Clone, Debug, PartialEq, Default)]
pub enum Selection<T> {
    /// Every one there is.
    #[default]
    All,
    /// These.
    Only(Vec<T>),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Selection<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> de::Visitor<'de> for Either<T> {
            type Value = Selection<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`all` or a list in brackets")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Selection<T>, E> {
                match text {
                    "all" | POISON => Ok(Selection::All),
                    _ => Err(E::custom(format!(
                        "expected `all` or a list in brackets, found `{text}`\ndid you mean `[{text}]`?"
                    ))),
                }
            }
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Selection<T>, E> {
                self.visit_str(&number.to_string())
            }
            fn visit_seq<A: de::SeqAccess<'de>>(self, seq: A) -> Result<Selection<T>, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(seq)).map(Selection::Only)
            }
        }
        deserializer.deserialize_any(Either(PhantomData))
    }
}

impl<T: Serialize> Serialize for Selection<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Selection::All => serializer.serialize_str("all"),
            Selection::Only(list) => list.serialize(serializer),
        }
    }
}

impl<T: JsonSchema> JsonSchema for Selection<T> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        format!("Some_{}", T::schema_name()).into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let list = generator.subschema_for::<Vec<T>>();
        json_schema!({ "anyOf": [{ "const": "all" }, list] })
    }
}

/// A whole number whose largest value has a word of its own.
macro_rules! wordy {
    ($name:ident, $int:ty, $word:literal, $expected:literal, $least:literal) => {
        impl Quantity for $name {
            const EXPECTED: &'static str = $expected;
            fn any() -> Self {
                $name(<$int>::MAX)
            }
        }
        impl FromStr for $name {
            type Err = String;
            fn from_str(text: &str) -> Result<Self, String> {
                if text == $word {
                    return Ok($name(<$int>::MAX));
                }
                // More than a thousand million is as good as no limit, and leaves room to calculate.
                match text.replace('_', "").parse::<$int>() {
                    Ok(n) if (1_000_000_000..<$int>::MAX).contains(&n) => {
                        Err(format!("`{text}` is too many\nfor no limit, write `{}`", $word))
                    }
                    Ok(n) if ($least..).contains(&n) => Ok($name(n)),
                    _ => Err(format!("expected {}, found `{text}`", $expected)),
                }
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                if self.0 == <$int>::MAX { f.write_str($word) } else { self.0.fmt(f) }
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                read(deserializer)
            }
        }
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if self.0 == <$int>::MAX { serializer.serialize_str($word) } else { self.0.serialize(serializer) }
            }
        }
        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({
                    "anyOf": [{ "const": $word }, { "type": "integer", "minimum": $least }],
                    "description": $expected
                })
            }
        }
    };
}

/// Waiting places: a whole number or `unbounded`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Places(pub usize);
wordy!(Places, usize, "unbounded", "a whole number from 0, or `unbounded`", 0);

/// Attempts of one call: a whole number from 1, or `unlimited`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Attempts(pub u32);
wordy!(Attempts, u32, "unlimited", "a whole number from 1, or `unlimited`", 1);
