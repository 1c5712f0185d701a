//! What the tests of an exercise run and claim, for one answer.
use super::{
    Scenario,
    build::build,
    plan::{Bound, Claim, over, word},
};
use crate::config::{
    ConfigErrors, Experiment,
    exercise::{LoadedAnswer, LoadedExercise, Test},
};
use lab_core::time::Span;

/// One test of one answer.
#[derive(Clone, Debug)]
pub struct Case {
    /// What is run.
    pub scenario: Scenario,
    /// What must be so on every seed; `None` if nothing need be run.
    pub claim: Option<Claim>,
}

/// The tests of `exercise`, in its order, for `answer`, which changes nothing that is locked.
///
/// # Errors
/// When a scenario cannot be built; the answer has been checked, so nothing of what a person wrote is wrong.
pub fn cases(exercise: &LoadedExercise, answer: &LoadedAnswer) -> Result<Vec<Case>, ConfigErrors> {
    let name =
        exercise.folder.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let tests = exercise.exercise.tests.iter().zip(&answer.experiments);
    let case = |(test, experiment)| {
        let scenario = build(&name, experiment).map_err(|why| ConfigErrors::plain(why, None))?;
        Ok(Case { scenario, claim: claim(test, experiment) })
    };
    tests.map(case).collect()
}

/// What a test claims of a run of `experiment`. The exercise's check has seen to it that it is one thing, with its limits.
fn claim(test: &Test, experiment: &Experiment) -> Option<Claim> {
    let bound = test.recovery_time.map(|bounds| Bound {
        at_least: bounds.at_least.map_or(Span::ZERO, |d| d.0),
        at_most: bounds.at_most.map_or(Span::FOREVER, |d| d.0),
    });
    let recovery_time = bound.unwrap_or(Bound { at_least: Span::ZERO, at_most: Span::FOREVER });
    if let Some(verdict) = test.verdict {
        return Some(Claim::Verdict { word: word(&verdict), recovery_time });
    }
    if let Some(after) = test.after_lever {
        return Some(Claim::AfterLever { word: word(&after) });
    }
    let Some(metric) = test.metric else { return bound.map(|recovery_time| Claim::Back { recovery_time }) };
    let limit = |limit: Option<_>, none| limit.map_or(Some(none), |amount| metric.value(amount).ok());
    let between = (limit(test.at_least, f64::NEG_INFINITY)?, limit(test.at_most, f64::INFINITY)?);
    Some(Claim::Metric { metric, over: over(test.over, experiment.warmup.0, experiment.duration.0), between })
}
