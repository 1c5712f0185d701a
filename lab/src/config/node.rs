//! A YAML document as a tree in which every key and value knows where it was written.
/// Where something was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Which source, by its index in [`Sources`].
    pub source: usize,
    /// First byte.
    pub start: usize,
    /// One beyond the last byte.
    pub end: usize,
}

/// All texts that went into an experiment: the config, its workloads, changes from the command line.
#[derive(Clone, Debug, Default)]
pub struct Sources(pub Vec<Source>);

/// A text and what it is called.
#[derive(Clone, Debug)]
pub struct Source {
    /// A file's path, or what else the text is.
    pub name: String,
    /// All of it.
    pub text: String,
}

/// A value and where it was written.
#[derive(Clone, Debug)]
pub struct Node {
    /// Unique, except that copies keep it.
    pub id: usize,
    /// Where the value stands.
    pub place: Place,
    /// What it is.
    pub value: Value,
}

/// What a node is.
#[derive(Clone, Debug)]
pub enum Value {
    /// A word or a quantity.
    Scalar {
        /// As written, quotes removed.
        text: String,
        /// Whether it was written without quotes, so that it may be a number.
        plain: bool,
    },
    /// A list.
    List(Vec<Node>),
    /// A map, in order of writing.
    Map(Vec<Entry>),
}

/// A key and its value.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The key.
    pub key: Node,
    /// The value.
    pub value: Node,
}

impl Node {
    /// A scalar without a place of its own.
    pub fn word(text: &str, place: Place) -> Node {
        Node { id: fresh(), place, value: Value::Scalar { text: text.into(), plain: true } }
    }

    /// The text, if it is a scalar.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// Whether nothing was written where a value could stand.
    pub fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar { text, plain: true } if matches!(text.as_str(), "" | "~" | "null"))
    }

    /// The entries, if it is a map.
    pub fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The value at `key`, if it is a map that has one.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|e| &e.value)
    }

    /// The entry at `key`, if it is a map that has one.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|e| e.key.text() == Some(key))
    }

    /// The item at `index`, counted from 0, if it is a list that has one.
    pub fn item(&self, index: &str) -> Option<&Node> {
        match &self.value {
            Value::List(items) => index.parse::<usize>().ok().and_then(|index| items.get(index)),
            _ => None,
        }
    }

    /// The first step of a dotted path from here, and the steps that are left. A key that holds dots itself is one step.
    pub fn step<'p>(&self, path: &'p str) -> (&'p str, &'p str) {
        let keys = self.entries().iter().filter_map(|entry| entry.key.text());
        let leads = |key: &&str| {
            key.contains('.')
                && path.strip_prefix(*key).is_some_and(|left| left.is_empty() || left.starts_with('.'))
        };
        match keys.filter(leads).map(str::len).max() {
            Some(length) => (&path[..length], path[length..].trim_start_matches('.')),
            None => path.split_once('.').unwrap_or((path, "")),
        }
    }

    /// The value at `key`, to change it.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        match &mut self.value {
            Value::Map(entries) => {
                entries.iter_mut().find(|e| e.key.text() == Some(key)).map(|e| &mut e.value)
            }
            Value::List(items) => key.parse::<usize>().ok().and_then(|i| items.get_mut(i)),
            Value::Scalar { .. } => None,
        }
    }

    /// Puts `value` at `key`, in place of what stood there. Does nothing unless it is a map.
    pub fn put(&mut self, key: Node, value: Node) {
        let Value::Map(entries) = &mut self.value else { return };
        match entries.iter_mut().find(|e| e.key.text() == key.text()) {
            Some(entry) => *entry = Entry { key, value },
            None => entries.push(Entry { key, value }),
        }
    }

    /// Takes the entry at `key` out.
    pub fn remove(&mut self, key: &str) -> Option<Entry> {
        let Value::Map(entries) = &mut self.value else { return None };
        let index = entries.iter().position(|e| e.key.text() == Some(key))?;
        Some(entries.remove(index))
    }

    /// On one line, as YAML.
    pub fn one_line(&self) -> String {
        match &self.value {
            Value::Scalar { text, .. } => text.clone(),
            Value::List(items) => {
                format!("[{}]", items.iter().map(Node::one_line).collect::<Vec<_>>().join(", "))
            }
            Value::Map(entries) => {
                let one = |e: &Entry| format!("{}: {}", e.key.one_line(), e.value.one_line());
                format!("{{ {} }}", entries.iter().map(one).collect::<Vec<_>>().join(", "))
            }
        }
    }
}

/// A number that no other node has.
pub(super) fn fresh() -> usize {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static NEXT: AtomicUsize = AtomicUsize::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
