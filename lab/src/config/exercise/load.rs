//! From the text of an `exercise.yaml` to an exercise whose every path leads somewhere.
use super::{Exercise, check::check};
use crate::config::{
    ConfigErrors, Experiment,
    check::check as check_experiment,
    diagnose::{Finding, suggest},
    effective::{effective, relocate},
    load::{Loader, load, read_file},
    node::{Node, Source, Value},
    overlay::{change, find},
    read::read,
};
use std::path::{Path, PathBuf};

/// An `exercise.yaml` and the experiment that it is about, read.
#[derive(Clone, Debug)]
pub struct LoadedExercise {
    /// What the file holds.
    pub exercise: Exercise,
    /// The folder that both are in.
    pub folder: PathBuf,
    /// The experiment that is to be changed.
    pub experiment: Experiment,
    /// Its text, and what it is called.
    pub(super) written: Source,
    /// The text of the `exercise.yaml`, and what it is called.
    pub(super) own: Source,
}

impl LoadedExercise {
    /// The experiment as it was written.
    pub fn text(&self) -> &str {
        &self.written.text
    }
}

/// Reads the exercise in `folder`.
///
/// # Errors
/// Everything that is wrong with it, or with the experiment that it names.
pub fn load_exercise(folder: &Path) -> Result<LoadedExercise, ConfigErrors> {
    let file = folder.join("exercise.yaml");
    load_exercise_text(&file.display().to_string(), read_file(&file)?, folder.to_owned())
}

/// Reads `text`, called `name` in errors, which lies in `folder`.
///
/// # Errors
/// As [`load_exercise`].
pub fn load_exercise_text(name: &str, text: String, folder: PathBuf) -> Result<LoadedExercise, ConfigErrors> {
    let mut loader = Loader::new(name, text, folder);
    match run(&mut loader) {
        Ok(Some(loaded)) if loader.findings.is_empty() => Ok(loaded),
        Ok(_) => Err(ConfigErrors::new(loader.findings, loader.sources)),
        Err(errors) => Err(errors),
    }
}

fn run(loader: &mut Loader) -> Result<Option<LoadedExercise>, ConfigErrors> {
    let own = loader.sources.0[0].clone();
    let Some(root) = loader.parse(&own.text, 0) else { return Ok(None) };
    let exercise: Option<Exercise> = read(&root, &mut loader.poison, &mut loader.findings);
    let Some(exercise) = exercise.filter(|_| loader.findings.is_empty()) else { return Ok(None) };
    loader.findings = check(&exercise, &root);
    let Some(file) = experiment_file(loader, &exercise, &root) else { return Ok(None) };
    let experiment = load(&file, &[])?.experiment;
    let written = Source { name: file.display().to_string(), text: read_file(&file)? };
    if let Some(mut tree) = effective(&experiment) {
        let around = root.entry("experiment").map_or(root.place, |entry| entry.value.place);
        relocate(&mut tree, None, around);
        paths(loader, &exercise, &root, &tree);
        changes(loader, &root, &tree);
    }
    Ok(Some(LoadedExercise { exercise, folder: loader.folder.clone(), experiment, written, own }))
}

fn experiment_file(loader: &mut Loader, exercise: &Exercise, root: &Node) -> Option<PathBuf> {
    let file = loader.folder.join(&exercise.experiment);
    if file.is_file() {
        return Some(file);
    }
    let beside = std::fs::read_dir(&loader.folder).into_iter().flatten().flatten();
    let beside: Vec<String> = beside.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    let place = root.get("experiment").map_or(root.place, |node| node.place);
    let message = format!("there is no file `{}`", exercise.experiment);
    let help = suggest(&exercise.experiment, &beside);
    let mut finding = Finding::error(place, message, String::new(), help);
    finding.path = "experiment".into();
    loader.findings.push(finding);
    None
}

/// Whether what may be changed, and what has limits, is there.
fn paths(loader: &mut Loader, exercise: &Exercise, root: &Node, tree: &Node) {
    let free = exercise.may_change.iter().enumerate();
    let free = free.map(|(index, path)| (format!("may_change.{index}"), path.as_str(), true));
    let limited = exercise.tests.iter().enumerate().flat_map(|(index, test)| {
        test.limits.keys().map(move |path| (format!("tests.{index}.limits"), path.as_str(), false))
    });
    for (at, path, itself) in free.chain(limited) {
        let Err(nowhere) = find(tree, path) else { continue };
        let node = find(root, &at).unwrap_or(root);
        let place = if itself { node.place } else { node.entry(path).map_or(node.place, |e| e.key.place) };
        let mut finding = Finding::error(place, nowhere.message, nowhere.label, nowhere.help);
        finding.path = at;
        loader.findings.push(finding);
    }
}

/// Whether the experiment itself can be changed as the tests ask.
fn changes(loader: &mut Loader, root: &Node, tree: &Node) {
    let tests = find(root, "tests").cloned();
    let Ok(Node { value: Value::List(tests), .. }) = tests else { return };
    for set in tests.iter().filter_map(|test| test.get("set")).filter(|set| !set.entries().is_empty()) {
        let mut tree = tree.clone();
        let before = loader.findings.len();
        for entry in set.entries() {
            if let Err(finding) = change(&mut tree, &entry.key, &entry.value) {
                loader.findings.push(*finding);
            }
        }
        let experiment = loader.experiment(&mut tree);
        if let Some(experiment) = experiment.filter(|_| loader.findings.len() == before)
            && let Some(full) = loader.resolved(&experiment, &tree)
        {
            let found = check_experiment(&experiment, &full, &loader.poison);
            loader.findings.extend(found.into_iter().filter(|finding| !finding.warning));
        }
    }
}
