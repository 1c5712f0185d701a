//! The live engine against theory, and a stall as users see it.
#![cfg(feature = "live")]
use lab::{
    engine::{live::LiveOptions, sim::sim},
    scenario::sample,
    selftest::selftest,
};
use lab_core::time::Span;
use std::path::Path;

/// Wider than the self-test's own tolerance, as the machine may be busy: no queue without end, no stall hidden.
#[test]
fn queues_and_a_stall_look_as_they_should() {
    let executable = Some(Path::new(env!("CARGO_BIN_EXE_lab")));
    let found = selftest(&LiveOptions { executable, ..LiveOptions::default() });
    let found = found.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(found.queues.len(), 3);
    for row in &found.queues {
        let (measured, simulated) = (row.measured_ms, row.simulated_ms);
        // A host that was too busy says so, and then its figures say nothing of the engine.
        let fit = row.fitness.fit;
        assert!(!fit || measured > simulated * 0.9 && measured < simulated * 1.5 + 5.0, "{row:?}");
        let service = Span::from_secs_f64(row.service_ms / 1e3);
        let rate = row.load * f64::from(row.workers) / service.as_secs_f64();
        let long = sim(&sample::queueing(rate, row.workers, service, Span::from_secs(5000)), 1);
        let long_ms = long.clients[0].latency.before.mean() / 1e3;
        assert!((long_ms / row.theory_ms - 1.0).abs() < 0.05, "{long_ms} ms in the long run: {row:?}");
    }
    let stall = &found.stall;
    assert!((900.0..1300.0).contains(&stall.p50_ms) && (1700.0..2300.0).contains(&stall.p90_ms), "{stall:?}");
}
