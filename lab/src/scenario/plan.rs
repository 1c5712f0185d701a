//! What one config asks for: the experiment, its variants, and what is expected of them.
use super::{Scenario, build::build};
use crate::config::{
    self, ConfigErrors, Experiment, expect::Stretch, replication::Replication, service::Service,
};
use lab_core::time::{Span, Time};
use std::path::{Path, PathBuf};

pub use crate::config::{Metric, points::Point};

/// A config, understood: everything that a run needs to know.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The config file.
    pub file: PathBuf,
    /// Its name without folder and ending.
    pub name: String,
    /// The experiment itself.
    pub baseline: Scenario,
    /// One change each, in the order of the config.
    pub variants: Vec<Variant>,
    /// What is expected, in the order of the config.
    pub expect: Vec<Expect>,
    /// Figures beside those that every experiment gets, in the order of the config.
    pub figures: Vec<Wanted>,
    /// Trigger and sustaining effect, as words; empty if the config does not say.
    pub cell: (String, String),
    /// The resolved experiment, in the words of the config.
    pub experiment: Experiment,
    /// The same as YAML: runs again as it is.
    pub resolved: String,
    /// What looks wrong but runs, each rendered with its excerpt.
    pub warnings: Vec<String>,
    /// What is accepted but plays no part here, one sentence each.
    pub notes: Vec<String>,
}

/// The experiment with one thing changed.
#[derive(Clone, Debug)]
pub struct Variant {
    /// Its name in the config.
    pub name: String,
    /// What is changed: dotted path, and the new value as one line of YAML.
    pub change: Vec<(String, String)>,
    /// The experiment with the change, in the words of the config.
    pub experiment: Experiment,
    /// The same, with every choice made.
    pub scenario: Scenario,
}

/// One line of `expect`.
#[derive(Clone, Debug, PartialEq)]
pub struct Expect {
    /// Which variant it speaks of; empty for the experiment itself.
    pub variant: String,
    /// What it says.
    pub claim: Claim,
    /// As written, on one line.
    pub text: String,
    /// Where it stands in the config, from 1.
    pub line: usize,
}

/// What an expectation claims.
#[derive(Clone, Debug, PartialEq)]
pub enum Claim {
    /// The verdict.
    Verdict {
        /// Its word, such as `metastable`.
        word: String,
        /// Limits of the recovery time; only with `recovered`.
        recovery_time: Bound,
    },
    /// Unaffected, or recovered within these limits.
    Back {
        /// Limits of the recovery time.
        recovery_time: Bound,
    },
    /// What the service was like after a lever: `recovered`, `failed` or `degraded`.
    AfterLever {
        /// Its word.
        word: String,
    },
    /// A metric stays within limits, both included, when taken over all of a stretch of time.
    Metric {
        /// Which.
        metric: Metric,
        /// When.
        over: Over,
        /// Smallest and largest value, in the metric's unit.
        between: (f64, f64),
    },
}

/// A figure that the config asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Wanted {
    /// A metric over the variants.
    OverVariants {
        /// Which.
        metric: Metric,
        /// When.
        over: Over,
        /// The dotted path that the horizontal axis stands for.
        x: String,
        /// The variants that belong to it.
        points: Vec<Point>,
    },
    /// A metric over the load as it goes up and down again.
    Loop {
        /// Which.
        metric: Metric,
        /// Of which variant; empty for the experiment itself.
        variant: String,
    },
}

/// Limits of a length of time, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    /// Zero if there is no such limit.
    pub at_least: Span,
    /// [`Span::FOREVER`] if there is no such limit.
    pub at_most: Span,
}

/// A stretch of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// The last so much of it.
    Last(Span),
    /// Between two instants.
    Between(Time, Time),
}

impl Over {
    /// The instants between which the stretch lies in a run that ends at `end`.
    pub fn of(self, end: Time) -> (Time, Time) {
        match self {
            Over::Last(span) => (Time(end.0.saturating_sub(span.0)), end),
            Over::Between(from, until) => (from.min(end), until.min(end)),
        }
    }
}

/// Reads the config `file`, with changes `PATH=VALUE` from the command line, and everything it names.
pub fn load(file: &Path, set: &[String]) -> Result<Plan, ConfigErrors> {
    let loaded = config::load(file, set)?;
    let name = file.file_stem().map_or("experiment".into(), |s| s.to_string_lossy().into_owned());
    plan(file.to_owned(), name, loaded)
}

/// Reads the config `text`, called `name` in errors and results, which names no file.
pub fn load_text(name: &str, text: String) -> Result<Plan, ConfigErrors> {
    plan(PathBuf::from(name), name.into(), config::load_text(name, text, PathBuf::new(), &[])?)
}

/// What `loaded`, read from `file` and called `name`, asks for.
///
/// # Errors
/// When something that it names cannot be used.
pub fn plan(file: PathBuf, name: String, loaded: config::Loaded) -> Result<Plan, ConfigErrors> {
    let scenario = |e: &Experiment| build(&name, e).map_err(|message| ConfigErrors::plain(message, None));
    let experiment = &loaded.experiment;
    let variants = loaded.variants.iter().map(|v| {
        let scenario = scenario(&v.experiment)?;
        let (name, change) = (v.name.clone(), v.change.clone());
        Ok(Variant { name, change, experiment: v.experiment.clone(), scenario })
    });
    Ok(Plan {
        baseline: scenario(experiment)?,
        variants: variants.collect::<Result<_, ConfigErrors>>()?,
        expect: expectations(experiment, &loaded.expectations),
        figures: figures(experiment, &loaded.points),
        cell: (word(&experiment.cell.trigger), word(&experiment.cell.sustained_by)),
        notes: notes(experiment),
        resolved: loaded.resolved,
        warnings: loaded.warnings,
        experiment: loaded.experiment,
        file,
        name,
    })
}

/// The config's word for a choice, empty for `none`.
pub(super) fn word(choice: &impl serde::Serialize) -> String {
    match serde_json::to_value(choice) {
        Ok(serde_json::Value::String(word)) if word != "none" => word,
        _ => String::new(),
    }
}

fn expectations(experiment: &Experiment, places: &[(usize, String)]) -> Vec<Expect> {
    let places = places.iter().cloned().chain(std::iter::repeat((0, String::new())));
    let claims = experiment.expect.iter().zip(places).filter_map(|(e, (line, text))| {
        Some(Expect { variant: e.variant.clone(), claim: claim(e, experiment)?, text, line })
    });
    claims.collect()
}

/// What an expectation claims. The config's check has seen to it that it claims one thing, with its limits.
fn claim(e: &config::expect::Expectation, experiment: &Experiment) -> Option<Claim> {
    if let Some(verdict) = e.verdict {
        let at_least = e.recovery_time.and_then(|b| b.at_least).map_or(Span::ZERO, |d| d.0);
        let at_most = e.recovery_time.and_then(|b| b.at_most).map_or(Span::FOREVER, |d| d.0);
        return Some(Claim::Verdict { word: word(&verdict), recovery_time: Bound { at_least, at_most } });
    }
    if let Some(after) = e.after_lever {
        return Some(Claim::AfterLever { word: word(&after) });
    }
    let (metric, (low, high)) = (e.metric?, e.between?);
    Some(Claim::Metric {
        metric,
        over: over(e.over, experiment.warmup.0, experiment.duration.0),
        between: (metric.value(low).ok()?, metric.value(high).ok()?),
    })
}

/// A stretch of a run that is `duration` long; where none is given, all of it but the warm-up.
pub fn over(stretch: Option<Stretch>, warmup: Span, duration: Span) -> Over {
    match stretch {
        Some(Stretch::Last(length)) => Over::Last(length.0),
        Some(Stretch::Between(from, until)) => Over::Between(Time::ZERO + from.0, Time::ZERO + until.0),
        None => Over::Between(Time::ZERO + warmup, Time::ZERO + duration),
    }
}

/// The figures that are asked for. The config's check has seen to it that each is of one kind.
fn figures(experiment: &Experiment, points: &[Vec<Point>]) -> Vec<Wanted> {
    let wanted = experiment.figures.iter().zip(points).filter_map(|(figure, points)| {
        if let Some(metric) = figure.looped {
            return Some(Wanted::Loop { metric, variant: figure.variant.clone() });
        }
        let over = over(figure.over, experiment.warmup.0, experiment.duration.0);
        let x = figure.x.clone();
        Some(Wanted::OverVariants { metric: figure.metric?, over, x, points: points.clone() })
    });
    wanted.collect()
}

fn notes(experiment: &Experiment) -> Vec<String> {
    let own = experiment.clients.values().filter_map(|c| c.workload.as_ref());
    let keyed = experiment.workload.iter().chain(own).any(|w| !w.mix.is_empty() || w.keys.is_some());
    let stateless = |s: &Service| s.replication == Replication::None && s.cache.as_ref().is_none();
    let note =
        "`mix` and `keys` of the workload matter only to a keyed store; the replicas here are stateless.";
    if keyed && experiment.services.values().all(stateless) { vec![note.into()] } else { vec![] }
}
