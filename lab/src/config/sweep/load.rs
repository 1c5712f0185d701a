//! From a sweep file to the resolved experiment of every point.
use super::{Sweep, check, values::values, whole::whole};
use crate::config::{
    ConfigErrors, Experiment,
    check::check as check_experiment,
    diagnose::Finding,
    load::{Loader, read_file},
    node::{Node, Source, Value},
    overlay::change,
    points::{labels, on_axis},
    read::read,
};
use rayon::prelude::*;
use std::path::{Path, PathBuf};

/// A sweep file, read and resolved.
#[derive(Clone, Debug)]
pub struct LoadedSweep {
    /// What the file holds.
    pub sweep: Sweep,
    /// The experiment, with the sweep's changes.
    pub base: Experiment,
    /// What is varied, by path.
    pub axes: Vec<LoadedAxis>,
    /// Every point of the grid; the last axis goes fastest.
    pub points: Vec<LoadedPoint>,
    /// The sweep as YAML, with the experiment written out; runs again as it is.
    pub resolved: String,
    /// What looks wrong with the experiment but runs, rendered.
    pub warnings: Vec<String>,
}

/// An axis and its values.
#[derive(Clone, Debug)]
pub struct LoadedAxis {
    /// The dotted path.
    pub path: String,
    /// The values as one line of YAML each.
    pub values: Vec<String>,
    /// The same in a word or two.
    pub labels: Vec<String>,
    /// The same as numbers, with their unit, if all are numbers of one unit.
    pub numbers: Option<(Vec<f64>, &'static str)>,
}

/// A point of the grid.
#[derive(Clone, Debug)]
pub struct LoadedPoint {
    /// Which value of each axis.
    pub at: Vec<usize>,
    /// The experiment there.
    pub experiment: Experiment,
}

/// An axis as it was written.
pub(super) struct WrittenAxis {
    pub(super) key: Node,
    pub(super) values: Vec<Node>,
}

/// Reads the sweep `file` and the experiment that it names.
///
/// # Errors
/// Everything that is wrong with either, and with any point of the grid.
pub fn load_sweep(file: &Path) -> Result<LoadedSweep, ConfigErrors> {
    let text = read_file(file)?;
    let folder = file.canonicalize().ok().and_then(|f| f.parent().map(Path::to_owned)).unwrap_or_default();
    load_sweep_text(&file.display().to_string(), text, folder)
}

/// Reads the sweep `text`, called `name` in errors, which lies in `folder`.
///
/// # Errors
/// As [`load_sweep`].
pub fn load_sweep_text(name: &str, text: String, folder: PathBuf) -> Result<LoadedSweep, ConfigErrors> {
    let mut loader = Loader::new(name, text, folder);
    let loaded = run(&mut loader);
    let (warnings, errors): (Vec<Finding>, Vec<Finding>) =
        loader.findings.into_iter().partition(|finding| finding.warning);
    match loaded {
        Some(mut loaded) if errors.is_empty() => {
            let warnings = ConfigErrors::new(warnings, loader.sources.clone());
            let rendered = warnings.findings().iter().map(|w| w.render(&loader.sources));
            loaded.warnings = rendered.collect();
            Ok(loaded)
        }
        _ => Err(ConfigErrors::new(errors, loader.sources)),
    }
}

fn run(loader: &mut Loader) -> Option<LoadedSweep> {
    let text = loader.sources.0[0].text.clone();
    let root = loader.parse(&text, 0)?;
    let sweep: Sweep = read(&root, &mut loader.poison, &mut loader.findings)?;
    let mut axes = written_axes(loader, &sweep, &root);
    let found = check::check(&sweep, &root, &axes, &loader.poison);
    loader.findings.extend(found);
    let base = root.get("base").filter(|node| !loader.poison.has(node))?;
    let (experiment, tree) = base_of(loader, base, root.get("set"))?;
    if wrong(loader) {
        return None;
    }
    // Sorted, so that the order of writing changes nothing.
    axes.sort_by(|a, b| a.key.text().cmp(&b.key.text()));
    let points = points(loader, &tree, &axes);
    if wrong(loader) {
        return None;
    }
    let resolved = whole(&sweep, &experiment, &axes)?;
    let axes = axes.iter().map(WrittenAxis::loaded).collect();
    Some(LoadedSweep { sweep, base: experiment, axes, points, resolved, warnings: vec![] })
}

fn wrong(loader: &Loader) -> bool {
    loader.findings.iter().any(|finding| !finding.warning)
}

fn written_axes(loader: &mut Loader, sweep: &Sweep, root: &Node) -> Vec<WrittenAxis> {
    let written = root.get("axes").map_or(&[][..], Node::entries);
    let mut axes = vec![];
    for entry in written {
        let path = entry.key.text().unwrap_or("");
        let Some(axis) = sweep.axes.get(path).filter(|_| is_sound(loader, &entry.value)) else { continue };
        match values(axis, &entry.value) {
            Ok(values) => axes.push(WrittenAxis { key: entry.key.clone(), values }),
            Err((key, message)) => {
                let place = entry.value.get(key).unwrap_or(&entry.value).place;
                let mut finding = Finding::error(place, message, String::new(), None);
                finding.path = format!("axes.{path}.{key}");
                loader.findings.push(finding);
            }
        }
    }
    axes
}

/// Whether an axis could be read, all of it.
fn is_sound(loader: &Loader, axis: &Node) -> bool {
    let poison = &loader.poison;
    let parts = axis.entries().iter().all(|part| !poison.has(&part.key) && !poison.has(&part.value));
    parts && !poison.has(axis) && poison.missing(axis).is_empty()
}

/// The experiment that is varied, and its resolved tree.
fn base_of(loader: &mut Loader, base: &Node, set: Option<&Node>) -> Option<(Experiment, Node)> {
    let mut root = match &base.value {
        Value::Map(_) => base.clone(),
        _ => read_base(loader, base)?,
    };
    for block in ["variants", "expect", "figures"] {
        root.remove(block);
    }
    let experiment = loader.experiment(&mut root)?;
    let mut tree = loader.resolved(&experiment, &root)?;
    let found = check_experiment(&experiment, &tree, &loader.poison);
    loader.findings.extend(found);
    let changes = set.map_or(&[][..], Node::entries);
    if changes.is_empty() || wrong(loader) {
        return Some((experiment, tree));
    }
    for entry in changes {
        if let Err(finding) = change(&mut tree, &entry.key, &entry.value) {
            loader.findings.push(*finding);
        }
    }
    let experiment = loader.experiment(&mut tree)?;
    let tree = loader.resolved(&experiment, &tree)?;
    let found = check_experiment(&experiment, &tree, &loader.poison);
    loader.findings.extend(found);
    Some((experiment, tree))
}

fn read_base(loader: &mut Loader, base: &Node) -> Option<Node> {
    let refuse = |loader: &mut Loader, message: String, help: Option<String>| {
        let mut finding = Finding::error(base.place, message, String::new(), help);
        finding.path = "base".into();
        loader.findings.push(finding);
        None
    };
    let Some(name) = base.text().filter(|_| !base.is_null()) else {
        let message = "expected the file of an experiment, or its settings".into();
        return refuse(loader, message, Some("for example `base: ../retry-storm.yaml`".into()));
    };
    let file = loader.folder.join(name);
    let shown = file.canonicalize().map_or_else(|_| file.clone(), shortened);
    match read_file(&shown) {
        Ok(text) => {
            let source = loader.sources.0.len();
            loader.sources.0.push(Source { name: shown.display().to_string(), text: text.clone() });
            loader.folder = shown
                .canonicalize()
                .ok()
                .and_then(|f| f.parent().map(Path::to_owned))
                .unwrap_or_else(|| loader.folder.clone());
            loader.parse(&text, source)
        }
        Err(errors) => {
            let first = errors.findings().first();
            let message = first.map_or_else(String::new, |f| f.message.clone());
            refuse(loader, message, first.and_then(|f| f.help.clone()))
        }
    }
}

/// `path` as seen from the working folder, if it lies there.
fn shortened(path: PathBuf) -> PathBuf {
    let here = std::env::current_dir().ok();
    let inside = here.and_then(|here| path.strip_prefix(here).ok().map(Path::to_owned));
    inside.unwrap_or(path)
}

/// The experiment at every point. What is wrong at one is told once, where its values were written.
fn points(loader: &mut Loader, base: &Node, axes: &[WrittenAxis]) -> Vec<LoadedPoint> {
    let known: Vec<Finding> = loader.findings.clone();
    let count: usize = axes.iter().map(|axis| axis.values.len()).product();
    let fresh = Loader { findings: vec![], ..loader.clone() };
    let all: Vec<(Option<LoadedPoint>, Vec<Finding>)> =
        (0..count).into_par_iter().map(|index| point(&fresh, base, axes, index, &known)).collect();
    let mut points = vec![];
    for (point, found) in all {
        points.extend(point);
        for finding in found {
            // The values of a range stand in one place.
            let told = |known: &Finding| known.place == finding.place && known.path == finding.path;
            if !loader.findings.iter().any(told) {
                loader.findings.push(finding);
            }
        }
    }
    points
}

fn point(
    fresh: &Loader,
    base: &Node,
    axes: &[WrittenAxis],
    index: usize,
    known: &[Finding],
) -> (Option<LoadedPoint>, Vec<Finding>) {
    let mut loader = fresh.clone();
    let mut tree = base.clone();
    let at = place(axes, index);
    for (axis, &value) in axes.iter().zip(&at) {
        if let Err(finding) = change(&mut tree, &axis.key, &axis.values[value]) {
            loader.findings.push(*finding);
        }
    }
    let experiment = loader.experiment(&mut tree);
    let full = experiment.as_ref().filter(|_| !wrong(&loader)).and_then(|e| loader.resolved(e, &tree));
    if let (Some(experiment), Some(full)) = (&experiment, &full) {
        loader.findings.extend(check_experiment(experiment, full, &loader.poison));
    }
    // Warnings are of the experiment: that some points are beyond its capacity is what a sweep wants to show.
    let mut found = loader.findings;
    found.retain(|f| !f.warning && !known.iter().any(|k| k.place == f.place && k.path == f.path));
    (experiment.map(|experiment| LoadedPoint { at, experiment }), found)
}

/// Which value of each axis point `index` has; the last axis goes fastest.
fn place(axes: &[WrittenAxis], index: usize) -> Vec<usize> {
    let mut rest = index;
    let mut at: Vec<usize> = axes
        .iter()
        .rev()
        .map(|axis| {
            let value = rest % axis.values.len();
            rest /= axis.values.len();
            value
        })
        .collect();
    at.reverse();
    at
}

impl WrittenAxis {
    fn loaded(&self) -> LoadedAxis {
        let path = self.key.text().unwrap_or("").to_owned();
        let nodes: Vec<&Node> = self.values.iter().collect();
        LoadedAxis {
            values: self.values.iter().map(Node::one_line).collect(),
            labels: labels(&path, &nodes),
            numbers: self.numbers(),
            path,
        }
    }

    /// The values as numbers, if they are of one unit.
    pub(super) fn numbers(&self) -> Option<(Vec<f64>, &'static str)> {
        let numbers: Option<Vec<(f64, &'static str)>> = self.values.iter().map(on_axis).collect();
        let numbers = numbers?;
        let unit = numbers.first()?.1;
        let same = numbers.iter().all(|number| number.1 == unit);
        same.then(|| (numbers.iter().map(|number| number.0).collect(), unit))
    }
}
