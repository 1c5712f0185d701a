//! What is wrong with a sweep itself, whatever its experiment.
use super::{Sweep, SweepEngine, load::WrittenAxis, values::MOST};
use crate::config::{
    choice::OrNone,
    diagnose::{Finding, suggest},
    node::Node,
    read::{Poison, any_of},
};

/// A grid of more points is refused.
const MOST_POINTS: usize = 100_000;

/// Everything that is wrong with `sweep`, which was read from `root`.
pub(super) fn check(sweep: &Sweep, root: &Node, axes: &[WrittenAxis], poison: &Poison) -> Vec<Finding> {
    let mut checker = Checker { sweep, root, axes, poison, findings: vec![] };
    checker.whole();
    checker.axes();
    checker.refine();
    checker.map();
    checker.findings
}

struct Checker<'a> {
    sweep: &'a Sweep,
    root: &'a Node,
    axes: &'a [WrittenAxis],
    poison: &'a Poison,
    findings: Vec<Finding>,
}

impl Checker<'_> {
    /// Reports at the keys `steps` deep, or at the block around them; nothing is said of what could not be read.
    fn error(&mut self, steps: &[&str], message: String, help: Option<String>) {
        let (mut node, mut place) = (self.root, self.root.place);
        for step in steps {
            let Some(entry) = node.entry(step) else { break };
            place = if entry.value.text().is_some() { entry.value.place } else { entry.key.place };
            node = &entry.value;
        }
        if self.poison.has(node) {
            return;
        }
        let mut finding = Finding::error(place, message, String::new(), help);
        finding.path = steps.join(".");
        self.findings.push(finding);
    }

    fn whole(&mut self) {
        if self.sweep.version != 1 {
            let message =
                format!("version {} of the language is not known; there is only 1", self.sweep.version);
            self.error(&["version"], message, None);
        }
        if self.sweep.replications == 0 {
            self.error(&["replications"], "at least one seed must be run".into(), None);
        }
    }

    fn axes(&mut self) {
        if self.sweep.axes.is_empty() {
            let help = Some("for example `workload.rate: [400/s, 560/s, 700/s]`".into());
            self.error(&["axes"], "there is no axis, so there is nothing to vary".into(), help);
        }
        let count = self.axes.iter().try_fold(1_usize, |all, axis| all.checked_mul(axis.values.len()));
        if count.is_none_or(|count| count > MOST_POINTS) {
            let message = format!("the grid has more than {MOST_POINTS} points");
            self.error(&["axes"], message, None);
        }
        for axis in self.axes {
            let path = axis.key.text().unwrap_or("");
            if axis.values.is_empty() || axis.values.len() > MOST as usize {
                let message = format!("expected 1 to {MOST} values, found {}", axis.values.len());
                self.error(&["axes", path], message, None);
            }
            if ["seed", "replications"].contains(&path) {
                let message = "seeds are no axis: every point gets the same ones".into();
                self.error(&["axes", path], message, Some("use the sweep's `replications`".into()));
            }
            for (index, value) in axis.values.iter().enumerate() {
                let text = value.one_line();
                if axis.values[..index].iter().any(|other| other.one_line() == text) {
                    let mut finding =
                        Finding::error(value.place, format!("`{text}` is there twice"), String::new(), None);
                    finding.path = format!("axes.{path}");
                    self.findings.push(finding);
                }
            }
            let inside = |other: &&WrittenAxis| {
                let other = other.key.text().unwrap_or("");
                path.strip_prefix(other).is_some_and(|rest| rest.starts_with('.'))
            };
            if let Some(block) = self.axes.iter().find(inside) {
                let block = block.key.text().unwrap_or("");
                let message = format!("this lies in `{block}`, which another axis replaces as a whole");
                self.error(&["axes", path], message, None);
            }
        }
    }

    fn refine(&mut self) {
        let OrNone::Some(refine) = self.sweep.refine else { return };
        if self.sweep.map.is_none() {
            let message = "seeds are spent along the boundary in a map, and there is no `map`".into();
            self.error(&["refine"], message, None);
        }
        if self.sweep.engine == SweepEngine::Live {
            let message =
                "which cells come next hangs on what was found, and live runs do not find the same twice"
                    .into();
            let help = Some("leave out `refine`, and give `replications`".into());
            self.error(&["refine"], message, help);
        }
        if refine.first == 0 || refine.first > self.sweep.replications {
            let message = format!(
                "expected 1 to {} seeds (`replications`), found {}",
                self.sweep.replications, refine.first
            );
            self.error(&["refine", "first"], message, None);
        }
        if !(refine.until.0 > 0.0 && refine.until.0 < 1.0) {
            let message = format!("expected more than 0 % and less than 100 %, found {}", refine.until);
            self.error(&["refine", "until"], message, None);
        }
    }

    fn map(&mut self) {
        let Some(map) = &self.sweep.map else { return };
        let paths: Vec<&str> = self.sweep.axes.keys().map(String::as_str).collect();
        let mut used: Vec<&str> = vec![];
        for (key, path) in [("x", &map.x), ("y", &map.y), ("lines", &map.lines)] {
            if path.is_empty() && key == "lines" {
                continue;
            }
            if !paths.contains(&path.as_str()) {
                let message = format!("`{path}` is none of the axes");
                let help = suggest(path, &paths)
                    .or_else(|| (!paths.is_empty()).then(|| format!("the axes are {}", any_of(&paths))));
                self.error(&["map", key], message, help.map(|h| h.replace(" or ", " and ")));
            } else if used.contains(&path.as_str()) {
                self.error(&["map", key], format!("`{path}` is in the map already"), None);
            } else if key != "lines" {
                self.drawable(key, path);
            }
            used.push(path);
        }
        if let Some(left) = paths.iter().find(|path| !used.contains(path))
            && used.iter().all(|path| paths.contains(path))
        {
            let message = format!("a map shows all axes, and `{left}` is neither `x` nor `y`");
            let help = Some(format!("draw a boundary for each of its values with `lines: {left}`"));
            self.error(&["map"], message, help.filter(|_| map.lines.is_empty()));
        }
    }

    /// An axis of a map needs at least two numbers of one unit.
    fn drawable(&mut self, key: &str, path: &str) {
        let Some(axis) = self.axes.iter().find(|axis| axis.key.text() == Some(path)) else { return };
        match axis.numbers() {
            None => {
                let message =
                    format!("an axis of a map needs numbers of one unit, and those of `{path}` are not");
                self.error(&["map", key], message, Some("values that are words can be `lines`".into()));
            }
            Some((numbers, _)) if numbers.len() < 2 => {
                let message = format!("`{path}` has only one value, so there is nothing to draw");
                self.error(&["map", key], message, None);
            }
            Some(_) => {}
        }
    }
}
