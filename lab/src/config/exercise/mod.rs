//! Exercises: an experiment, what of it may be changed, and what an answer must reach. A file `exercise.yaml` beside the experiment.
mod answer;
mod check;
mod differ;
mod load;

pub use answer::{LoadedAnswer, load_answer, load_answer_text};
pub use differ::Difference;
pub use load::{LoadedExercise, load_exercise, load_exercise_text};

use super::expect::{AfterLever, Amount, Bounds, Metric, Stretch, Word};
use indexmap::IndexMap;
use serde::Deserialize;

/// What is asked, and how an answer is graded.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exercise {
    /// Version of this language; there is only 1.
    #[serde(default = "one")]
    pub version: u32,
    /// What it is called.
    pub title: String,
    /// How long it takes.
    pub minutes: u32,
    /// The config that is to be changed, as seen from this file.
    pub experiment: String,
    /// Dotted paths of what an answer may change, each with all that is in it. Everything else is locked.
    pub may_change: Vec<String>,
    /// How many seeds, from the experiment's first one on. A test must hold on all of them.
    #[serde(default = "five")]
    pub seeds: u32,
    /// What an answer must reach.
    pub tests: Vec<Test>,
    /// Answers beside this file, and the points that each must get: `reference.yaml` all of them, those that are tempting and
    /// wrong fewer. For whoever writes exercises; nobody who solves one needs them.
    #[serde(default)]
    pub answers: IndexMap<String, u32>,
}

fn one() -> u32 {
    1
}

fn five() -> u32 {
    5
}

/// One thing that an answer must reach: a verdict, a time to recover, or a metric within limits, in the words of `expect`; or the
/// size of something in the answer itself; or both at once.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Test {
    /// What it is, in a few words.
    pub name: String,
    /// What it is worth.
    pub points: u32,
    /// Whether those who are graded are told only that it is there.
    #[serde(default)]
    pub hidden: bool,
    /// Changes to the answer for this test: dotted paths and new values, as in a variant.
    #[serde(default)]
    pub set: IndexMap<String, serde_yaml::Value>,
    /// What became of the service.
    #[serde(default)]
    pub verdict: Option<Word>,
    /// Limits of the time to recover, from the end of the last trigger. A service that is unaffected needs none.
    #[serde(default)]
    pub recovery_time: Option<Bounds>,
    /// What the service was like after an operator acted.
    #[serde(default)]
    pub after_lever: Option<AfterLever>,
    /// A quantity, with `over`, and `at_least` or `at_most` or both.
    #[serde(default)]
    pub metric: Option<Metric>,
    /// The stretch of time over which the metric is taken. Left out: from the end of the warm-up to the end of the run.
    #[serde(default)]
    pub over: Option<Stretch>,
    /// Its smallest allowed value, with the metric's unit.
    #[serde(default)]
    pub at_least: Option<Amount>,
    /// Its largest allowed value, with the metric's unit.
    #[serde(default)]
    pub at_most: Option<Amount>,
    /// Dotted paths in the answer, and limits of what stands there.
    #[serde(default)]
    pub limits: IndexMap<String, Limits>,
}

/// Limits of an amount, both included.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// No less than this.
    #[serde(default)]
    pub at_least: Option<Amount>,
    /// No more than this.
    #[serde(default)]
    pub at_most: Option<Amount>,
}

impl Test {
    /// The limits of its metric.
    pub fn bounds(&self) -> Limits {
        Limits { at_least: self.at_least, at_most: self.at_most }
    }

    /// Whether it needs a run; otherwise it only looks at the answer.
    pub fn runs(&self) -> bool {
        self.verdict.is_some()
            || self.recovery_time.is_some()
            || self.after_lever.is_some()
            || self.metric.is_some()
    }
}

impl Exercise {
    /// All points that there are.
    pub fn points(&self) -> u32 {
        self.tests.iter().map(|test| test.points).sum()
    }
}
