//! Nonsense that parses: settings that are well-formed and cannot be meant.
mod clients;
mod disturbances;
mod expectations;
mod figures;
mod hedges;
mod load;
mod services;
mod settings;

use super::{
    Experiment,
    diagnose::{Finding, suggest},
    node::{Node, Place},
    read::{Poison, any_of},
};
use lab_core::time::Span;

/// Everything about `experiment` that is wrong or looks wrong. `tree` is the resolved tree, for places; nothing is said of
/// what could not be read.
pub(super) fn check(experiment: &Experiment, tree: &Node, poison: &Poison) -> Vec<Finding> {
    let mut checker = Checker { experiment, tree, poison, findings: vec![] };
    checker.run();
    checker.findings
}

struct Checker<'a> {
    experiment: &'a Experiment,
    tree: &'a Node,
    poison: &'a Poison,
    findings: Vec<Finding>,
}

/// A dotted path, or a part of one.
fn join(path: &str, step: &str) -> String {
    if path.is_empty() { step.into() } else { format!("{path}.{step}") }
}

impl Checker<'_> {
    fn run(&mut self) {
        self.whole();
        self.services();
        self.clients();
        self.disturbances();
        self.load();
        self.expectations();
        self.figures();
    }

    /// Where `path` stands, or the block around it. `None` if it, or a block around it, could not be read.
    fn place(&self, path: &str) -> Option<Place> {
        let mut node = self.tree;
        let mut place = node.place;
        let mut left = path;
        while !left.is_empty() {
            let (step, rest) = node.step(left);
            left = rest;
            if self.poison.has(node) || self.poison.lacks(node, step) {
                return None;
            }
            let next = match node.entry(step) {
                Some(entry) => {
                    // A block is shown by its key, a value by itself.
                    place = if entry.value.text().is_some() { entry.value.place } else { entry.key.place };
                    &entry.value
                }
                None => match (&node.value, step.parse::<usize>()) {
                    (super::node::Value::List(items), Ok(index)) if index < items.len() => {
                        place = items[index].place;
                        &items[index]
                    }
                    _ => return Some(place),
                },
            };
            node = next;
        }
        (!self.poison.has(node)).then_some(place)
    }

    /// Whether everything that a statement rests on could be read.
    fn sound(&self, paths: &[&str]) -> bool {
        paths.iter().all(|path| self.place(path).is_some())
    }

    fn say(&mut self, path: &str, message: String, help: Option<String>, warning: bool) {
        let Some(place) = self.place(path) else { return };
        let mut finding = Finding::error(place, message, String::new(), help);
        finding.path = path.into();
        finding.warning = warning;
        self.findings.push(finding);
    }

    fn error(&mut self, path: &str, message: impl Into<String>) {
        self.say(path, message.into(), None, false);
    }

    fn error_with(&mut self, path: &str, message: impl Into<String>, help: Option<String>) {
        self.say(path, message.into(), help, false);
    }

    fn warn(&mut self, path: &str, message: impl Into<String>) {
        self.say(path, message.into(), None, true);
    }

    /// An error if `name` is none of `names`.
    fn must_be_one_of(&mut self, path: &str, what: &str, name: &str, names: &[&str]) -> bool {
        let found = names.contains(&name);
        if !found {
            let message = match names {
                [] => format!("there is no {what} `{name}`; there is none at all"),
                _ => format!(
                    "there is no {what} `{name}`; there is {}",
                    any_of(names).replace(" or ", " and ")
                ),
            };
            self.error_with(path, message, suggest(name, names));
        }
        found
    }

    fn service_names(&self) -> Vec<&str> {
        self.experiment.services.keys().map(String::as_str).collect()
    }

    fn client_names(&self) -> Vec<&str> {
        self.experiment.clients.keys().map(String::as_str).collect()
    }

    /// Names are parts of dotted paths and of file names.
    fn names(&mut self, block: &str, names: Vec<String>) {
        for name in names {
            let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
            let path = join(block, &name);
            if name.is_empty() || name.len() > 60 || !name.chars().all(fine) {
                let message =
                    format!("`{name}` is no name: letters, digits, `_` and `-` may be used, at most 60");
                self.error(if name.contains('.') || name.is_empty() { block } else { &path }, message);
            }
        }
    }

    fn whole(&mut self) {
        let e = self.experiment;
        if e.version != 1 {
            self.error(
                "version",
                format!("version {} of the language is not known; there is only 1", e.version),
            );
        }
        let (duration, warmup) = (e.duration.0, e.warmup.0);
        if duration == Span::ZERO {
            self.error("duration", "a run of no length shows nothing");
        } else if warmup >= duration && self.sound(&["duration"]) {
            self.error("warmup", format!("the warm-up of {warmup} leaves nothing of a run of {duration}"));
        }
        if let Some(window) = e.window.map(|w| w.0).filter(|_| self.sound(&["duration"])) {
            if window == Span::ZERO {
                self.error("window", "a window needs a width");
            } else if window > duration && duration > Span::ZERO {
                self.error("window", format!("a window of {window} is longer than the run of {duration}"));
            } else if duration.0 / window.0 > 100_000 {
                let count = duration.0 / window.0;
                self.error(
                    "window",
                    format!("windows of {window} are {count} in {duration}; 100000 is the most"),
                );
            }
        }
        if e.replications == 0 {
            self.error("replications", "at least one seed must be run");
        } else if e.seed.checked_add(u64::from(e.replications)).is_none() {
            self.error("seed", "there are not so many seeds left above this one");
        }
        if e.services.is_empty() {
            self.error("services", "there is no service");
        }
        if e.clients.is_empty() {
            self.error("clients", "there is no client, so nothing would happen");
        }
        self.healthy();
        self.names("services", e.services.keys().cloned().collect());
        self.names("clients", e.clients.keys().cloned().collect());
        self.names("triggers", e.triggers.keys().cloned().collect());
        self.names("levers", e.levers.keys().cloned().collect());
        self.names("variants", e.variants.keys().cloned().collect());
        self.law("network.delay", &e.network.delay, true);
    }

    fn healthy(&mut self) {
        let healthy = self.experiment.healthy;
        if healthy.good.0 <= 0.0 || healthy.good.0 > 1.0 {
            self.error(
                "healthy.good",
                format!("{} of all calls: expected more than 0 % and at most 100 %", healthy.good),
            );
        }
        if healthy.over.0 == Span::ZERO {
            self.error("healthy.over", "a share can only be judged over some time");
        } else if healthy.over.0 > self.experiment.duration.0 && self.sound(&["duration"]) {
            let duration = self.experiment.duration;
            self.error("healthy.over", format!("{} do not fit into a run of {duration}", healthy.over));
        }
        if healthy.latency.limit == Span::ZERO {
            self.error("healthy.latency", "no call takes no time, so none would be good");
        }
    }
}
