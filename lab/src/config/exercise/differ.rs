//! Where an answer differs from the experiment that it began with, and whether it may.
use crate::config::{
    diagnose::Finding,
    node::{Node, Place, Value},
};

/// One difference that is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The dotted path.
    pub path: String,
    /// What stood there, on one line; empty if nothing did.
    pub from: String,
    /// What stands there now, likewise.
    pub to: String,
}

/// Differences, allowed and not.
pub(super) struct Differences<'a> {
    pub(super) may_change: &'a [String],
    pub(super) allowed: Vec<Difference>,
    pub(super) locked: Vec<Finding>,
}

impl Differences<'_> {
    /// Looks at what stands at `path` in the experiment and in the answer; `around` is where the answer has the block around it.
    pub(super) fn walk(&mut self, path: &str, was: Option<&Node>, is: Option<&Node>, around: Place) {
        let (from, to) = (line(was), line(is));
        if from == to && was.is_some() == is.is_some() {
            return;
        }
        if let (Some(was), Some(is)) = (was, is)
            && let (Value::Map(old), Value::Map(new)) = (&was.value, &is.value)
            && !other_choice(was, is)
        {
            let added = new.iter().filter(|entry| old.iter().all(|o| o.key.text() != entry.key.text()));
            for key in old.iter().chain(added).filter_map(|entry| entry.key.text()) {
                let place = is.entry(key).map_or(is.place, |entry| entry.key.place);
                self.walk(&join(path, key), was.get(key), is.get(key), place);
            }
            return;
        }
        let place = is.filter(|is| is.text().is_some()).map_or(around, |is| is.place);
        if self.may_change.iter().any(|free| within(path, free)) {
            self.allowed.push(Difference { path: path.into(), from, to });
            return;
        }
        let message = match (was, is) {
            (Some(_), Some(_)) => format!("this is locked: found `{to}`, expected `{from}`"),
            (Some(_), None) => format!("this is locked: found nothing, expected `{from}`"),
            _ => format!("this is locked: found `{to}`, expected nothing"),
        };
        let mut finding = Finding::error(place, message, String::new(), None);
        finding.path = path.into();
        self.locked.push(finding);
    }
}

fn line(node: Option<&Node>) -> String {
    node.map_or_else(String::new, Node::one_line)
}

/// Whether two maps are choices, and not the same one: then the whole of them has changed.
fn other_choice(was: &Node, is: &Node) -> bool {
    match (was.entries(), is.entries()) {
        ([was], [is]) => was.key.text() != is.key.text(),
        _ => false,
    }
}

fn join(path: &str, step: &str) -> String {
    if path.is_empty() { step.into() } else { format!("{path}.{step}") }
}

/// Whether `path` is `block` or lies in it.
pub(super) fn within(path: &str, block: &str) -> bool {
    path.strip_prefix(block).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}
