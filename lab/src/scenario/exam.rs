//! What the tests of an exercise run and claim, for one answer.
use super::{
    Scenario,
    build::build,
    plan::{Claim, claim},
};
use crate::config::{
    ConfigErrors,
    exercise::{LoadedAnswer, LoadedExercise},
};

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
    let name = exercise.folder.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let tests = exercise.exercise.tests.iter().zip(&answer.experiments);
    let case = |(test, experiment)| {
        let scenario = build(&name, experiment).map_err(|why| ConfigErrors::plain(why, None))?;
        Ok(Case { scenario, claim: claim(&crate::config::exercise::Test::expectation(test), experiment) })
    };
    tests.map(case).collect()
}
