//! The live engine: real processes and sockets, short runs, and tolerances that a busy machine keeps.
#![cfg(feature = "live")]
use lab::{
    engine::live::{LiveOptions, LiveRun, live},
    scenario::{Scenario, sample},
};
use lab_core::time::Span;
use std::path::Path;

fn options<'a>() -> LiveOptions<'a> {
    LiveOptions { executable: Some(Path::new(env!("CARGO_BIN_EXE_lab"))), ..LiveOptions::default() }
}

fn run(scenario: &Scenario) -> LiveRun {
    live(scenario, 1, &options()).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn a_healthy_run_answers_what_is_offered() {
    let mut scenario = sample::queueing(200.0, 4, Span::from_millis(5), Span::from_secs(4));
    scenario.services[0].replicas = 2;
    let LiveRun { trace, .. } = run(&scenario);
    let total = trace.client_total(lab_core::time::Time::ZERO, trace.end);
    assert!(total.offered > 700, "{total:?}");
    assert_eq!(total.good + trace.clients[0].unfinished, total.offered, "{total:?}");
    assert!(trace.clients[0].unfinished < 20);
    let arrived: u64 = trace.servers.iter().flat_map(|s| &s.windows).map(|w| w.arrived).sum();
    let completed: u64 = trace.servers.iter().flat_map(|s| &s.windows).map(|w| w.completed).sum();
    assert!(arrived <= total.attempts && completed <= arrived, "{arrived} {completed} {total:?}");
}
