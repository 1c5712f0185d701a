//! Simulations over seeds, and when they fall.
use lab::{engine::sim::sim, scenario::Scenario, trace::Trace};
use rayon::prelude::*;

/// What `measure` finds in the runs of seeds 1 to `seeds`.
pub(crate) fn over_seeds<T: Send>(
    scenario: &Scenario,
    seeds: u64,
    measure: impl Fn(&Trace) -> T + Sync,
) -> Vec<T> {
    (1..=seeds).into_par_iter().map(|seed| measure(&sim(scenario, seed))).collect()
}

/// When a run without a trigger falls: the beginning of the first twenty seconds without a good call.
pub(crate) fn falls_at_s(trace: &Trace) -> Option<f64> {
    let good: Vec<u64> = trace.clients[0].windows.iter().map(|w| w.good).collect();
    good.windows(20).position(|w| w.iter().sum::<u64>() == 0).map(|seconds| seconds as f64)
}
