//! The points of an answer.
use super::words::requirement;
use crate::{
    config::{
        ConfigErrors,
        exercise::{Difference, LoadedAnswer, LoadedExercise, Test},
    },
    engine::sim::sim,
    scenario::{
        Scenario,
        exam::{Case, cases},
    },
    verdict::{RunView, check, judge, over_seeds},
};
use rayon::prelude::*;

/// An answer, graded.
#[derive(Clone, Debug, PartialEq)]
pub struct Grade {
    /// The tests, in the order of the exercise.
    pub tests: Vec<Graded>,
    /// What the answer changes, and may.
    pub allowed: Vec<Difference>,
    /// What it changes and may not, rendered. If there is any, no test was run.
    pub locked: Vec<String>,
}

/// One test, graded.
#[derive(Clone, Debug, PartialEq)]
pub struct Graded {
    /// Its name.
    pub name: String,
    /// What it asks.
    pub asked: String,
    /// What was found.
    pub found: String,
    /// Whether those who are graded are told only that it is there.
    pub hidden: bool,
    /// What the answer gets.
    pub score: u32,
    /// What there is to get.
    pub points: u32,
}

impl Grade {
    /// The points that the answer gets.
    pub fn score(&self) -> u32 {
        self.tests.iter().map(|test| test.score).sum()
    }

    /// All points that there are.
    pub fn points(&self) -> u32 {
        self.tests.iter().map(|test| test.points).sum()
    }

    /// Whether it gets all of them.
    pub fn is_full(&self) -> bool {
        self.score() == self.points()
    }
}

/// What is run once, and the tests that look at it.
struct Job<'a> {
    scenario: &'a Scenario,
    tests: Vec<usize>,
}

/// How many runs it takes to grade an answer, at most.
pub fn runs(exercise: &LoadedExercise) -> u64 {
    let tests = exercise.exercise.tests.iter().filter(|test| test.runs()).count();
    tests as u64 * u64::from(exercise.exercise.seeds)
}

/// Grades `answer`, and tells `done` of every run. A test gets its points if it holds on every seed; where something locked was changed,
/// there are none.
///
/// # Errors
/// When a scenario cannot be built; the answer has been checked, so nothing of what a person wrote is wrong.
pub fn grade(
    exercise: &LoadedExercise,
    answer: &LoadedAnswer,
    done: &(dyn Fn() + Sync),
) -> Result<Grade, ConfigErrors> {
    let (allowed, locked) = (answer.allowed.clone(), answer.locked.clone());
    if !locked.is_empty() {
        let tests = exercise.exercise.tests.iter().map(|test| {
            let found = "not run: something locked was changed".to_owned();
            graded(test, false, found)
        });
        return Ok(Grade { tests: tests.collect(), allowed, locked });
    }
    let cases = cases(exercise, answer)?;
    let found = measure(&cases, exercise.exercise.seeds, done);
    let tests = exercise.exercise.tests.iter().zip(found).zip(&answer.sizes).map(|((test, runs), sizes)| {
        let (mut held, mut found) = match runs.as_slice() {
            [] => (true, vec![]),
            runs => {
                let (held, found) = over_seeds(runs);
                (held, vec![found])
            }
        };
        for (path, size, inside) in sizes {
            held &= inside;
            found.push(format!("{path} is {size}"));
        }
        graded(test, held, found.join("; "))
    });
    Ok(Grade { tests: tests.collect(), allowed, locked })
}

fn graded(test: &Test, held: bool, found: String) -> Graded {
    Graded {
        name: test.name.clone(),
        asked: requirement(test),
        found,
        hidden: test.hidden,
        score: if held { test.points } else { 0 },
        points: test.points,
    }
}

/// What each seed shows of each test's claim. Tests of the same scenario share its runs.
fn measure(cases: &[Case], seeds: u32, done: &(dyn Fn() + Sync)) -> Vec<Vec<(bool, String)>> {
    let mut jobs: Vec<Job<'_>> = vec![];
    for (test, case) in cases.iter().enumerate().filter(|(_, case)| case.claim.is_some()) {
        match jobs.iter_mut().find(|job| *job.scenario == case.scenario) {
            Some(job) => job.tests.push(test),
            None => jobs.push(Job { scenario: &case.scenario, tests: vec![test] }),
        }
    }
    let runs: Vec<(&Job<'_>, u64)> =
        jobs.iter().flat_map(|job| (0..u64::from(seeds)).map(move |seed| (job, seed))).collect();
    let one = |&(job, index): &(&Job<'_>, u64)| {
        let trace = sim(job.scenario, job.scenario.seed + index);
        let judgement = judge(job.scenario, &trace, None);
        let scenario = job.scenario;
        let run = RunView {
            variant: "baseline",
            engine: "simulated",
            scenario,
            trace: &trace,
            judgement: &judgement,
        };
        let looked = job.tests.iter().filter_map(|test| Some((*test, cases[*test].claim.as_ref()?)));
        let found: Vec<_> = looked.map(|(test, claim)| (test, check(claim, &run))).collect();
        done();
        found
    };
    let mut found: Vec<Vec<(bool, String)>> = cases.iter().map(|_| vec![]).collect();
    let each: Vec<Vec<_>> = runs.par_iter().map(one).collect();
    for (test, finding) in each.into_iter().flatten() {
        found[test].push(finding);
    }
    found
}
