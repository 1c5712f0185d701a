//! Reads typed settings from a tree, and goes on after a mistake.
//!
//! Serde stops at the first error. Here the error names the node that it is about; that node is then *poisoned*, which means
//! that it reads as some valid value of whatever type is wanted, and reading starts again. So every mistake of a file is found
//! once, and none of them causes another one.
use super::{
    deserialize::De,
    diagnose::{Finding, suggest},
    node::{Entry, Node, Place, Value},
};
use serde::{Deserialize, de};
use std::{
    collections::{HashMap, HashSet},
    fmt,
};

/// What is known to be wrong with a tree, so that it is not reported again.
#[derive(Clone, Debug, Default)]
pub(super) struct Poison {
    nodes: HashSet<usize>,
    /// Keys that a map lacks, by the map's node.
    missing: HashMap<usize, Vec<&'static str>>,
}

impl Poison {
    /// Whether the node itself is wrong.
    pub(super) fn has(&self, node: &Node) -> bool {
        self.nodes.contains(&node.id)
    }

    /// Whether `key` is missing in the map `node`.
    pub(super) fn lacks(&self, node: &Node, key: &str) -> bool {
        self.missing(node).contains(&key)
    }

    /// The keys that `node` lacks.
    pub(super) fn missing(&self, node: &Node) -> &[&'static str] {
        self.missing.get(&node.id).map_or(&[], |keys| keys)
    }

    /// Marks a node as wrong.
    pub(super) fn add(&mut self, node: &Node) {
        self.nodes.insert(node.id);
    }
}

/// A file with more mistakes than this has others to worry about.
const MOST_FINDINGS: usize = 30;

/// Reads a `T` from `root`. What is wrong goes to `findings` and `poison`; the value that is returned is usable all the same.
/// `None` if there was too much wrong.
pub(super) fn read<'de, T: Deserialize<'de>>(
    root: &'de Node,
    poison: &mut Poison,
    findings: &mut Vec<Finding>,
) -> Option<T> {
    for _ in 0..MOST_FINDINGS {
        let error = match T::deserialize(De { node: root, poison }) {
            Ok(value) => return Some(value),
            Err(error) => error,
        };
        let id = match error.culprit {
            Culprit::Node(id) => {
                if !poison.nodes.insert(id) {
                    return None;
                }
                id
            }
            Culprit::Missing(id, key) => {
                let keys = poison.missing.entry(id).or_default();
                if keys.contains(&key) {
                    return None;
                }
                keys.push(key);
                id
            }
            Culprit::Unknown => return None,
        };
        let mut finding = Finding::error(error.place, error.message, error.label, error.help);
        finding.path = path_of(root, id).unwrap_or_default();
        findings.push(finding);
    }
    None
}

/// The dotted path of the key or value `id`.
fn path_of(node: &Node, id: usize) -> Option<String> {
    let join = |step: &str, rest: String| match rest.as_str() {
        "" => step.to_owned(),
        rest => format!("{step}.{rest}"),
    };
    match &node.value {
        _ if node.id == id => Some(String::new()),
        Value::Scalar { .. } => None,
        Value::List(items) => items
            .iter()
            .enumerate()
            .find_map(|(index, item)| path_of(item, id).map(|rest| join(&index.to_string(), rest))),
        Value::Map(entries) => entries.iter().find_map(|entry| {
            let key = entry.key.text().unwrap_or("");
            if entry.key.id == id {
                return Some(key.to_owned());
            }
            path_of(&entry.value, id).map(|rest| join(key, rest))
        }),
    }
}

/// Why reading stopped.
#[derive(Debug)]
pub(super) struct ReadError {
    message: String,
    pub(super) label: String,
    pub(super) help: Option<String>,
    place: Place,
    culprit: Culprit,
    /// A key that is missing, until the map is known that lacks it.
    missing: Option<&'static str>,
}

#[derive(Debug)]
enum Culprit {
    Unknown,
    Node(usize),
    Missing(usize, &'static str),
}

impl ReadError {
    pub(super) fn new(message: String, help: Option<String>) -> ReadError {
        let culprit = Culprit::Unknown;
        ReadError { message, label: String::new(), help, place: Place::default(), culprit, missing: None }
    }

    /// The innermost node on the way out is the one it is about.
    pub(super) fn at(mut self, node: &Node) -> ReadError {
        if let Culprit::Unknown = self.culprit {
            self.place = node.place;
            self.culprit = match self.missing {
                Some(key) => Culprit::Missing(node.id, key),
                None => Culprit::Node(node.id),
            };
        }
        self
    }

    /// A missing key is shown at the key whose block lacks it.
    pub(super) fn under(mut self, entry: &Entry) -> ReadError {
        if let Culprit::Missing(id, _) = self.culprit
            && id == entry.value.id
        {
            self.place = entry.key.place;
        }
        self
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ReadError {}

/// `a`, `b` or `c`.
pub(super) fn any_of(words: &[impl AsRef<str>]) -> String {
    let quoted: Vec<String> = words.iter().map(|w| format!("`{}`", w.as_ref())).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => "nothing".into(),
    }
}

/// Words of the language that a later version will know.
const LATER: &[&str] = &[
    "admission_control",
    "aimd",
    "cache",
    "cache_flush",
    "craq",
    "chain",
    "gradient2",
    "loss",
    "membership",
    "partition",
    "peak_ewma",
    "primary_backup",
    "replication",
    "rolling_restart",
    "shared_log",
    "vegas",
    "add_replicas",
    "token_bucket_limit",
    "consecutive_failures",
    "error_ratio",
    "failure_ratio",
    "after",
    "percentile",
];

impl de::Error for ReadError {
    fn custom<T: fmt::Display>(message: T) -> ReadError {
        let text = message.to_string();
        match text.split_once('\n') {
            Some((message, help)) => ReadError::new(message.into(), Some(help.into())),
            None => ReadError::new(text, None),
        }
    }

    fn invalid_type(found: de::Unexpected<'_>, expected: &dyn de::Expected) -> ReadError {
        ReadError::new(format!("expected {expected}, found {}", describe(found)), None)
    }

    fn invalid_value(found: de::Unexpected<'_>, expected: &dyn de::Expected) -> ReadError {
        ReadError::invalid_type(found, expected)
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> ReadError {
        if LATER.contains(&field) {
            return ReadError::new(format!("`{field}` is not available in this version"), None);
        }
        let mut error = ReadError::new(format!("unknown key `{field}`"), suggest(field, expected));
        error.label = match expected {
            [] => "no key is allowed here".into(),
            _ => format!("allowed here: {}", any_of(expected)),
        };
        error
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> ReadError {
        // A choice of which there is only `none` is one that a later version will offer.
        if LATER.contains(&variant) || expected == ["none"] {
            let mut error = ReadError::new(format!("`{variant}` is not available in this version"), None);
            error.label = format!("available: {}", any_of(expected));
            return error;
        }
        let set = "settings change with `set`, such as `set: { clients.web.per_try_timeout: 2 s }`";
        let help = match variant {
            "config_push" | "raise_timeout" | "add_workers" => Some(set.into()),
            _ => suggest(variant, expected),
        };
        let mut error = ReadError::new(format!("unknown choice `{variant}`"), help);
        error.label = format!("expected {}", any_of(expected));
        error
    }

    fn missing_field(field: &'static str) -> ReadError {
        let mut error = ReadError::new(format!("the key `{field}` is missing"), None);
        error.label = format!("needs `{field}`");
        error.missing = Some(field);
        error
    }
}

fn describe(found: de::Unexpected<'_>) -> String {
    match found {
        de::Unexpected::Str(text) => format!("`{text}`"),
        de::Unexpected::Unsigned(number) => format!("the number `{number}`"),
        de::Unexpected::Signed(number) => format!("the number `{number}`"),
        de::Unexpected::Float(number) => format!("the number `{number}`"),
        de::Unexpected::Bool(value) => format!("`{value}`"),
        de::Unexpected::Unit | de::Unexpected::Option => "nothing".into(),
        de::Unexpected::Seq => "a list".into(),
        de::Unexpected::Map => "a block of settings".into(),
        other => other.to_string(),
    }
}
