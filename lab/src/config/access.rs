//! What a map, a list or a choice of the tree hands out, one after the other.
use super::{
    anything::AnyValue,
    deserialize::De,
    node::{Entry, Node},
    read::ReadError,
};
use serde::de::{
    self, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess,
    Visitor,
};

/// The entries of a map, then the missing keys that are known already.
pub(super) struct Entries<'de, 'p> {
    pub(super) map: De<'de, 'p>,
    pub(super) entries: std::slice::Iter<'de, Entry>,
    pub(super) missing: std::slice::Iter<'p, &'static str>,
    /// The entry whose key was handed out last; `None` for a missing one.
    pub(super) value: Option<&'de Entry>,
}

impl<'de> MapAccess<'de> for Entries<'de, '_> {
    type Error = ReadError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, ReadError> {
        // A poisoned key has been reported as unknown: its entry is left out.
        let poison = self.map.poison;
        if let Some(entry) = self.entries.by_ref().find(|e| !poison.has(&e.key)) {
            self.value = Some(entry);
            return seed.deserialize(De { node: &entry.key, poison }).map(Some).map_err(|e| e.at(&entry.key));
        }
        self.value = None;
        // A resolved tree may hold by now what was missing when it was read first.
        let there = self.map.node;
        match self.missing.by_ref().find(|key| there.get(key).is_none()) {
            Some(key) => seed.deserialize((*key).into_deserializer()).map(Some),
            None => Ok(None),
        }
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.entries.len() + self.missing.len())
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, ReadError> {
        match self.value {
            Some(entry) => seed
                .deserialize(De { node: &entry.value, poison: self.map.poison })
                .map_err(|e| e.at(&entry.value).under(entry)),
            None => seed.deserialize(AnyValue),
        }
    }
}

/// The items of a list, without those that are poisoned.
pub(super) struct Items<'de, 'p> {
    pub(super) list: De<'de, 'p>,
    pub(super) items: std::slice::Iter<'de, Node>,
}

impl<'de> SeqAccess<'de> for Items<'de, '_> {
    type Error = ReadError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, ReadError> {
        match self.items.next() {
            Some(node) => {
                seed.deserialize(De { node, poison: self.list.poison }).map(Some).map_err(|e| e.at(node))
            }
            None => Ok(None),
        }
    }
}

/// A bare word, or a map with one key.
pub(super) struct Choice<'de, 'p> {
    pub(super) word: &'de str,
    pub(super) inner: Option<&'de Entry>,
    pub(super) outer: De<'de, 'p>,
}

impl<'de, 'p> EnumAccess<'de> for Choice<'de, 'p> {
    type Error = ReadError;
    type Variant = Choice<'de, 'p>;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self::Variant), ReadError> {
        let place = self.inner.map_or(self.outer.node, |entry| &entry.key);
        let word: de::value::StrDeserializer<'_, ReadError> = self.word.into_deserializer();
        seed.deserialize(word).map(|v| (v, self)).map_err(|e| e.at(place))
    }
}

impl<'de> VariantAccess<'de> for Choice<'de, '_> {
    type Error = ReadError;

    fn unit_variant(self) -> Result<(), ReadError> {
        match self.inner {
            Some(entry) if !entry.value.is_null() && !self.outer.poison.has(&entry.value) => {
                let message = format!("`{}` takes no settings", self.word);
                let help = Some(format!("write just `{}`", self.word));
                Err(ReadError::new(message, help).at(&entry.value))
            }
            _ => Ok(()),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, ReadError> {
        match self.inner {
            Some(entry) => {
                let inner = De { node: &entry.value, poison: self.outer.poison };
                seed.deserialize(inner).map_err(|e| e.at(&entry.value).under(entry))
            }
            None => {
                let message = format!("`{}` needs a value", self.word);
                let help = Some(format!("write `{{ {}: … }}`", self.word));
                Err(ReadError::new(message, help).at(self.outer.node))
            }
        }
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, ReadError> {
        match self.inner {
            Some(entry) => {
                let inner = De { node: &entry.value, poison: self.outer.poison };
                Deserializer::deserialize_tuple(inner, length, visitor)
            }
            None => Err(self.outer.expected("a choice with a list")),
        }
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        match self.inner {
            Some(entry) => {
                let inner = De { node: &entry.value, poison: self.outer.poison };
                Deserializer::deserialize_struct(inner, "", fields, visitor).map_err(|e| e.under(entry))
            }
            // A bare word stands for the choice with all its defaults.
            None => visitor.visit_map(self.outer.entries()).map_err(|e| e.at(self.outer.node)),
        }
    }
}
