//! `lab agree`: the levels on a small retry storm; the simulation stands in for the live service.
use lab::{
    scenario::{Scenario, load},
    study::{
        Watch,
        agreement::{Agreement, Level, Live, Question, Row, agreement},
        axis::{Axis, natural},
    },
    verdict::judge,
};
use std::{cell::Cell, path::Path};

/// Ten workers of 100 ms, T = 1 s, four attempts, a queue of 400: μT is 100, μ/R 25 a second.
const CONFIG: &str = "
version: 1
title: A small storm
workload: { arrivals: poisson, rate: 70/s }
duration: 80 s
warmup: 5 s
services:
  store:
    replicas: 1
    workers: 10
    service_time: { exponential: { mean: 100 ms } }
    queue: { capacity: 400 }
clients:
  web:
    calls: store
    per_try_timeout: 1 s
    retry: { max_attempts: 4, retry_on: [timeout, rejected], backoff: none }
healthy: { good: 90 %, over: 5 s }
triggers:
  spike: { at: 20 s, for: 5 s, do: { load_spike: { factor: 2 } } }
";

fn found(live: Option<&Live<'_>>) -> Agreement {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let file = dir.path().join("small.yaml");
    std::fs::write(&file, CONFIG).expect("writable");
    let plan = load(Path::new(&file), &[]).expect("a config");
    let path = natural(&plan).expect("one trigger");
    let axis = Axis::new(&plan, &[], &path).expect("a number");
    agreement(&plan.baseline, &axis, 8, live, &Watch::ALONE).expect("values that the config allows")
}

fn row(found: &Agreement, question: Question) -> &Row {
    found.rows.iter().find(|row| row.question == question).expect("every question is asked")
}

#[test]
fn the_levels_agree_on_a_storm_that_the_formulas_are_made_for() {
    let runs = Cell::new(0);
    let simulated = |_: &str, scenario: &Scenario| {
        runs.set(runs.get() + 1);
        // Another seed: a live run shares the draws, not the interleaving.
        let trace = lab::engine::sim::sim(scenario, scenario.seed + 100);
        Some((judge(scenario, &trace, None).verdict, vec![]))
    };
    let found = found(Some(&simulated));
    assert_eq!(runs.get(), 4, "{:?}", found.live_runs);
    let hidden = row(&found, Question::Hidden);
    assert_eq!(hidden.formula.value, Some(25.0));
    for question in [Question::Threshold, Question::Hidden, Question::Recovery, Question::Width] {
        let row = row(&found, question);
        for level in [Level::Formula, Level::Chain] {
            assert_eq!(row.agrees(level), Some(true), "{level:?} of {row:?}");
        }
        // The fluid's ceiling would be the capacity.
        let fluid = if question == Question::Width { None } else { Some(true) };
        assert_eq!(row.agrees(Level::Fluid), fluid, "{row:?}");
    }
    for question in [Question::Threshold, Question::Hidden, Question::Recovery] {
        let row = row(&found, question);
        assert_eq!(row.agrees(Level::Live), Some(true), "{row:?}");
    }
    let lives: Vec<&Row> = found.rows.iter().filter(|row| row.question == Question::Lifetime).collect();
    assert_eq!(lives.len(), 2);
    assert!(lives[1].simulated.value.is_some(), "{:?}", lives[1]);
    assert_eq!(lives[1].agrees(Level::Chain), Some(true), "{:?}", lives[1]);
}

#[test]
fn without_a_live_service_nothing_is_claimed_of_it_and_a_second_time_gives_the_same() {
    let first = found(None);
    assert!(first.rows.iter().all(|row| row.live.range().is_none() && row.agrees(Level::Live).is_none()));
    assert!(first.live_runs.is_empty() && first.unfit.is_empty());
    assert_eq!(first, found(None));
}
