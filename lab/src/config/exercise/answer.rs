//! From the text of an answer to the experiments that its tests run.
use super::{
    Limits, LoadedExercise, Test,
    check::size,
    differ::{Difference, Differences},
};
use crate::config::{
    ConfigErrors, Experiment,
    check::check as check_experiment,
    diagnose::Finding,
    effective::effective,
    expect::Amount,
    load::{Loader, read_file},
    node::{Node, Source, Value},
    overlay::{change, find},
};
use std::path::Path;

/// An answer, read.
#[derive(Clone, Debug)]
pub struct LoadedAnswer {
    /// What it changes, and may.
    pub allowed: Vec<Difference>,
    /// What it changes and may not, each rendered with its excerpt. If there is any, nothing is graded.
    pub locked: Vec<String>,
    /// For each test, the experiment that it runs.
    pub experiments: Vec<Experiment>,
    /// For each test, what stands where it has limits: the path, what was found, whether that is within them.
    pub sizes: Vec<Vec<(String, String, bool)>>,
    /// What looks wrong but runs, rendered.
    pub warnings: Vec<String>,
}

/// Where the texts stand among the sources.
const WRITTEN: usize = 1;
const OWN: usize = 2;

/// Keys of a whole config that play no part in grading, and may be what they want.
const FREE: [&str; 8] = ["title", "source", "cell", "variants", "expect", "figures", "seed", "replications"];

/// Reads the answer `file`: a whole config, or only what is changed, as in a variant.
///
/// # Errors
/// Everything that is wrong with it. That it changes what is locked is no error, and told in the answer.
pub fn load_answer(exercise: &LoadedExercise, file: &Path) -> Result<LoadedAnswer, ConfigErrors> {
    load_answer_text(exercise, &file.display().to_string(), read_file(file)?)
}

/// Reads the answer `text`, called `name` in errors.
///
/// # Errors
/// As [`load_answer`].
pub fn load_answer_text(
    exercise: &LoadedExercise,
    name: &str,
    text: String,
) -> Result<LoadedAnswer, ConfigErrors> {
    let mut loader = Loader::new(name, text, exercise.folder.clone());
    let others = [&exercise.written, &exercise.own].map(|source: &Source| source.clone());
    loader.sources.0.extend(others);
    let loaded = run(&mut loader, exercise);
    let (warnings, errors): (Vec<Finding>, Vec<Finding>) =
        loader.findings.into_iter().partition(|finding| finding.warning);
    match loaded {
        Some(mut loaded) if errors.is_empty() => {
            loaded.warnings = warnings.iter().map(|finding| finding.render(&loader.sources)).collect();
            Ok(loaded)
        }
        _ => Err(ConfigErrors::new(errors, loader.sources)),
    }
}

fn run(loader: &mut Loader, exercise: &LoadedExercise) -> Option<LoadedAnswer> {
    let text = loader.sources.0[0].text.clone();
    let root = loader.parse(&text, 0)?;
    let mut tree = match is_whole(&root) {
        true => root,
        false => changed(loader, exercise, &root)?,
    };
    for block in ["variants", "expect", "figures"] {
        tree.remove(block);
    }
    let mut experiment = loader.experiment(&mut tree)?;
    let full = loader.resolved(&experiment, &tree)?;
    let found = check_experiment(&experiment, &full, &loader.poison);
    loader.findings.extend(found);
    if loader.findings.iter().any(|finding| !finding.warning) {
        return None;
    }
    let (allowed, locked) = differences(exercise, &full)?;
    let locked: Vec<String> = locked.iter().map(|finding| finding.render(&loader.sources)).collect();
    // Those who are graded do not choose their draws.
    experiment.seed = exercise.experiment.seed;
    let mut experiments = vec![];
    if locked.is_empty() {
        let sets = sets(loader, exercise)?;
        for (test, set) in exercise.exercise.tests.iter().zip(sets) {
            experiments.push(case(loader, test, set.as_ref(), &experiment, &full)?);
        }
    }
    let sizes = exercise.exercise.tests.iter().map(|test| sizes(test, &full)).collect();
    Some(LoadedAnswer { allowed, locked, experiments, sizes, warnings: vec![] })
}

/// Whether it is a config of its own; otherwise it is a block of changes.
fn is_whole(root: &Node) -> bool {
    let parts = ["duration", "services", "clients"];
    root.entries().is_empty() || parts.iter().any(|part| root.get(part).is_some())
}

/// The experiment with the changes that `answer` holds, each at a dotted path.
fn changed(loader: &mut Loader, exercise: &LoadedExercise, answer: &Node) -> Option<Node> {
    let mut tree = loader.parse(&exercise.written.text, WRITTEN)?;
    for block in ["variants", "expect", "figures"] {
        tree.remove(block);
    }
    let experiment = loader.experiment(&mut tree)?;
    let mut tree = loader.resolved(&experiment, &tree)?;
    for entry in answer.entries() {
        if let Err(finding) = change(&mut tree, &entry.key, &entry.value) {
            loader.findings.push(*finding);
        }
    }
    Some(tree)
}

/// What the answer `full` changes and may, and what it may not.
fn differences(exercise: &LoadedExercise, full: &Node) -> Option<(Vec<Difference>, Vec<Finding>)> {
    let mut was = effective(&exercise.experiment)?;
    let mut is = full.clone();
    for key in FREE {
        was.remove(key);
        is.remove(key);
    }
    let may_change = &exercise.exercise.may_change;
    let mut found = Differences { may_change, allowed: vec![], locked: vec![] };
    found.walk("", Some(&was), Some(&is), is.place);
    // The window follows from the duration, where nobody has written one.
    let length = found.locked.iter().any(|finding| finding.path == "duration");
    found.locked.retain(|finding| !(length && finding.path == "window"));
    Some((found.allowed, found.locked))
}

/// The changes of each test.
fn sets(loader: &mut Loader, exercise: &LoadedExercise) -> Option<Vec<Option<Node>>> {
    let root = loader.parse(&exercise.own.text, OWN)?;
    let Value::List(tests) = &root.get("tests")?.value else { return None };
    Some(tests.iter().map(|test| test.get("set").cloned()).collect())
}

/// The experiment that `test` runs.
fn case(
    loader: &mut Loader,
    test: &Test,
    set: Option<&Node>,
    answer: &Experiment,
    full: &Node,
) -> Option<Experiment> {
    let changes = set.map_or(&[][..], Node::entries);
    if changes.is_empty() {
        return Some(answer.clone());
    }
    let before = loader.findings.len();
    let mut tree = full.clone();
    for entry in changes {
        if let Err(finding) = change(&mut tree, &entry.key, &entry.value) {
            loader.findings.push(*finding);
        }
    }
    let experiment = loader.experiment(&mut tree);
    if let Some(experiment) = &experiment
        && let Some(resolved) = loader.resolved(experiment, &tree)
    {
        let found = check_experiment(experiment, &resolved, &loader.poison);
        loader.findings.extend(found.into_iter().filter(|finding| !finding.warning));
    }
    for finding in &mut loader.findings[before..] {
        if test.hidden {
            let message = "a hidden test cannot be run with this answer".to_owned();
            *finding = Finding::error(full.place, message, String::new(), None);
        } else {
            finding.message = format!("{} (test `{}`)", finding.message, test.name);
        }
    }
    experiment.map(|experiment| Experiment { seed: answer.seed, ..experiment })
}

impl Limits {
    /// Whether `amount` is of their kind and within them.
    fn hold(&self, amount: Amount) -> bool {
        let same = |limit: &Amount| std::mem::discriminant(limit) == std::mem::discriminant(&amount);
        self.at_least.is_none_or(|low| same(&low) && size(low) <= size(amount))
            && self.at_most.is_none_or(|high| same(&high) && size(amount) <= size(high))
    }
}

/// What stands in the answer where `test` has limits.
fn sizes(test: &Test, full: &Node) -> Vec<(String, String, bool)> {
    let one = |(path, limits): (&String, &Limits)| {
        let found = find(full, path).map_or_else(|_| "nothing".to_owned(), Node::one_line);
        let inside = found.parse::<Amount>().is_ok_and(|amount| limits.hold(amount));
        (path.clone(), found, inside)
    };
    test.limits.iter().map(one).collect()
}
