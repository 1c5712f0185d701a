//! A YAML tree as a serde data format: a choice is a bare word or a map with one key, a bare word stands for a choice with
//! all its defaults, and every error knows its node.
use super::{
    access::{Choice, Entries, Items},
    anything::AnyValue,
    node::{Node, Value},
    read::{Poison, ReadError, any_of},
};
use serde::de::{Deserializer, Visitor};
use std::fmt;

/// A node, to be read as whatever type is wanted.
#[derive(Clone, Copy)]
pub(super) struct De<'de, 'p> {
    pub(super) node: &'de Node,
    pub(super) poison: &'p Poison,
}

impl<'de, 'p> De<'de, 'p> {
    fn poisoned(&self) -> bool {
        self.poison.has(self.node)
    }

    pub(super) fn entries(self) -> Entries<'de, 'p> {
        let missing = self.poison.missing(self.node);
        Entries { map: self, entries: self.node.entries().iter(), missing: missing.iter(), value: None }
    }

    fn found(&self) -> String {
        match &self.node.value {
            Value::Scalar { text, .. } if self.node.is_null() && text.is_empty() => "nothing".into(),
            Value::Scalar { text, .. } => format!("`{text}`"),
            Value::List(_) => "a list".into(),
            Value::Map(_) => "a block of settings".into(),
        }
    }

    pub(super) fn expected(&self, what: &str) -> ReadError {
        ReadError::new(format!("expected {what}, found {}", self.found()), None).at(self.node)
    }

    fn scalar(&self, what: &str) -> Result<&'de str, ReadError> {
        self.node.text().filter(|_| !self.node.is_null()).ok_or_else(|| self.expected(what))
    }

    fn integer(&self) -> Result<u64, ReadError> {
        let what = "a whole number from 0";
        let text = self.scalar(what)?.replace('_', "");
        text.parse().map_err(|_| match text.parse::<f64>() {
            Ok(number) if number.is_finite() && number < 0.0 => {
                ReadError::new(format!("`{text}` is negative; expected {what}"), None).at(self.node)
            }
            Ok(number) if number.is_finite() && number.fract() == 0.0 => {
                ReadError::new(format!("`{text}` is too large"), None).at(self.node)
            }
            _ => self.expected(what),
        })
    }

    fn small<T: TryFrom<u64>>(&self) -> Result<T, ReadError> {
        let number = self.integer()?;
        T::try_from(number)
            .map_err(|_| ReadError::new(format!("`{number}` is too large"), None).at(self.node))
    }

    fn float(&self) -> Result<f64, ReadError> {
        let what = "a plain number such as `2` or `0.5`";
        let text = self.scalar(what)?;
        match text.replace('_', "").parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(number),
            _ => Err(self.expected(what)),
        }
    }
}

macro_rules! small_integers {
    ($($method:ident $visit:ident $type:ty),*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
            if self.poisoned() {
                return AnyValue.$method(visitor);
            }
            visitor.$visit(self.small::<$type>()?).map_err(|e: ReadError| e.at(self.node))
        }
    )*};
}

macro_rules! as_text {
    ($($method:ident),*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
            if self.poisoned() {
                return AnyValue.$method(visitor);
            }
            let expected = expectation(&visitor);
            let text = self.scalar(&expected)?;
            visitor.visit_str(text).map_err(|e: ReadError| e.at(self.node))
        }
    )*};
}

/// What `visitor` says it expects.
fn expectation<'de, V: Visitor<'de>>(visitor: &V) -> String {
    struct Says<'a, V>(&'a V);
    impl<'de, V: Visitor<'de>> fmt::Display for Says<'_, V> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.0.expecting(f)
        }
    }
    match Says(visitor).to_string() {
        text if text == "a string" => "a word".into(),
        text => text,
    }
}

impl<'de> Deserializer<'de> for De<'de, '_> {
    type Error = ReadError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        if self.poisoned() {
            return AnyValue.deserialize_any(visitor);
        }
        let node = self.node;
        match &node.value {
            Value::Map(_) => visitor.visit_map(self.entries()),
            Value::List(items) => visitor.visit_seq(Items { list: self, items: items.iter() }),
            Value::Scalar { .. } if node.is_null() => visitor.visit_unit(),
            Value::Scalar { text, plain: true } => match text.as_str() {
                "true" => visitor.visit_bool(true),
                "false" => visitor.visit_bool(false),
                _ => match (text.parse::<u64>(), text.parse::<f64>()) {
                    (Ok(number), _) => visitor.visit_u64(number),
                    (_, Ok(number)) if number.is_finite() => visitor.visit_f64(number),
                    _ => visitor.visit_str(text),
                },
            },
            Value::Scalar { text, .. } => visitor.visit_str(text),
        }
        .map_err(|e: ReadError| e.at(node))
    }

    small_integers!(deserialize_u8 visit_u8 u8, deserialize_u16 visit_u16 u16, deserialize_u32 visit_u32 u32,
        deserialize_u64 visit_u64 u64, deserialize_i8 visit_i8 i8, deserialize_i16 visit_i16 i16,
        deserialize_i32 visit_i32 i32, deserialize_i64 visit_i64 i64);
    as_text!(
        deserialize_str,
        deserialize_string,
        deserialize_char,
        deserialize_identifier,
        deserialize_bytes,
        deserialize_byte_buf
    );

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        if self.poisoned() {
            return AnyValue.deserialize_f64(visitor);
        }
        visitor.visit_f64(self.float()?)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        if self.poisoned() {
            return AnyValue.deserialize_bool(visitor);
        }
        match self.scalar("`true` or `false`")? {
            "true" => visitor.visit_bool(true),
            "false" => visitor.visit_bool(false),
            other => {
                let help = match other.to_lowercase().as_str() {
                    "yes" | "on" | "y" => Some("did you mean `true`?".into()),
                    "no" | "off" | "n" => Some("did you mean `false`?".into()),
                    _ => None,
                };
                let message = format!("expected `true` or `false`, found `{other}`");
                Err(ReadError::new(message, help).at(self.node))
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        if self.node.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, v: V) -> Result<V::Value, ReadError> {
        v.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match &self.node.value {
            _ if self.poisoned() => AnyValue.deserialize_seq(visitor),
            Value::List(items) => {
                visitor.visit_seq(Items { list: self, items: items.iter() }).map_err(|e| e.at(self.node))
            }
            _ if self.node.is_null() => visitor.visit_seq(Items { list: self, items: [].iter() }),
            _ => {
                let mut error = self.expected("a list in brackets");
                if let Some(text) = self.node.text() {
                    error.help = Some(format!("did you mean `[{text}]`?"));
                }
                Err(error)
            }
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, ReadError> {
        if self.poisoned() {
            return AnyValue.deserialize_tuple(length, visitor);
        }
        match &self.node.value {
            Value::List(items) if items.len() == length => {
                visitor.visit_seq(Items { list: self, items: items.iter() }).map_err(|e| e.at(self.node))
            }
            Value::List(items) => {
                let message = format!("expected a list of {length}, found {}", items.len());
                Err(ReadError::new(message, None).at(self.node))
            }
            _ => Err(self.expected(&format!("a list of {length}"))),
        }
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        self.deserialize_tuple(length, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        if self.poisoned() {
            return AnyValue.deserialize_map(visitor);
        }
        if self.node.is_null() || matches!(self.node.value, Value::Map(_)) {
            return visitor.visit_map(self.entries()).map_err(|e| e.at(self.node));
        }
        Err(self.expected("a block of names, each with its settings"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        if self.poisoned() {
            return AnyValue.deserialize_struct(name, fields, visitor);
        }
        if self.node.is_null() || matches!(self.node.value, Value::Map(_)) {
            return visitor.visit_map(self.entries()).map_err(|e| e.at(self.node));
        }
        let mut error = self.expected("a block of settings");
        error.label = format!("the settings are {}", any_of(fields));
        Err(error)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        let choice = |word, inner| Choice { word, inner, outer: self };
        match &self.node.value {
            _ if self.poisoned() => AnyValue.deserialize_enum(name, variants, visitor),
            Value::Map(entries) => match entries.as_slice() {
                [entry] => visitor
                    .visit_enum(choice(entry.key.text().unwrap_or(""), Some(entry)))
                    .map_err(|e| e.at(&entry.key)),
                entries => {
                    let keys: Vec<&str> = entries.iter().filter_map(|e| e.key.text()).collect();
                    let message = match keys.as_slice() {
                        [] => format!("expected one of {}, found nothing", any_of(variants)),
                        _ => format!("only one of these can be chosen, found {} keys", keys.len()),
                    };
                    let mut error = ReadError::new(message, None).at(self.node);
                    error.label = format!("expected one of {}", any_of(variants));
                    Err(error)
                }
            },
            _ => {
                let word = self.scalar(&any_of(variants))?;
                visitor.visit_enum(choice(word, None)).map_err(|e| e.at(self.node))
            }
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_unit()
    }
}
