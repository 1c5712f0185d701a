//! A resolved experiment, every default filled in, as YAML and as a tree.
use super::{
    Experiment,
    node::{Node, Place, Value},
    parse::parse,
};

/// Gives every node of a resolved tree the place and identity of what was written at the same path; what was not written gets
/// the place of the block around it.
pub(super) fn relocate(node: &mut Node, written: Option<&Node>, around: Place) {
    node.place = written.map_or(around, |w| w.place);
    if let Some(written) = written {
        node.id = written.id;
    }
    match &mut node.value {
        Value::Scalar { .. } => {}
        Value::List(items) => {
            let others = match written.map(|w| &w.value) {
                Some(Value::List(others)) => &others[..],
                _ => &[],
            };
            for (index, item) in items.iter_mut().enumerate() {
                relocate(item, others.get(index), node.place);
            }
        }
        Value::Map(entries) => {
            for entry in entries {
                let other = written.and_then(|w| w.entry(entry.key.text().unwrap_or("")));
                entry.key.place = other.map_or(node.place, |o| o.key.place);
                if let Some(other) = other {
                    entry.key.id = other.key.id;
                }
                // A block of its own begins at its key.
                let around = other.map_or(node.place, |o| o.key.place);
                relocate(&mut entry.value, other.map(|o| &o.value), around);
            }
        }
    }
}

/// A resolved experiment as a tree.
pub(super) fn effective(experiment: &Experiment) -> Option<Node> {
    parse(&to_yaml(experiment)?, 0).ok().map(|(tree, _)| tree)
}

/// A resolved experiment as YAML, which runs again as it is. Every experiment that was read can be written.
pub fn to_yaml(experiment: &Experiment) -> Option<String> {
    let mut bytes = vec![];
    let mut serializer = serde_yaml::Serializer::new(&mut bytes);
    serde_yaml::with::singleton_map_recursive::serialize(experiment, &mut serializer).ok()?;
    String::from_utf8(bytes).ok()
}
