//! Memory of a simulation grows with what is in flight and with the number of windows, never with the number of calls.
//!
//! One test, in a process of its own, because it reads the largest resident size that the process has had.
#![cfg(target_os = "linux")]
use lab::{engine::sim::sim, scenario::sample::queueing};
use lab_core::time::Span;

/// Largest resident size so far, in bytes.
fn peak_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib * 1024
}

#[test]
fn ten_times_the_calls_need_no_more_memory() {
    let run = |stretch: u64| {
        let mut scenario = queueing(800.0, 1, Span::from_millis(1), Span::from_secs(100 * stretch));
        scenario.window = Span::from_secs(stretch);
        scenario.healthy.over = Span::from_secs(10 * stretch);
        scenario.clients[0].policy.per_try_timeout = Span::from_secs(1);
        let trace = sim(&scenario, 1);
        assert_eq!(trace.len(), 100);
        trace.client_total(lab_core::time::Time::ZERO, scenario.end()).offered
    };
    let few = run(5);
    let before = peak_bytes();
    let many = run(50);
    let grown = peak_bytes() - before;
    assert!(many > 9 * few, "{many} calls against {few}");
    // A single machine word for each of 3.6 million calls more would be 29 MB. What grows is bounded: the distinct values of the histograms of 100 windows.
    assert!(grown < 12_000_000, "{grown} bytes more for {many} calls than for {few}");
}
