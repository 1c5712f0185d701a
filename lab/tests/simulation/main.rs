//! The simulation: deterministic, faithful to theory, and judged without being fooled.
mod branching;
mod caches;
mod determinism;
mod policies;
#[path = "../runs/mod.rs"]
mod runs;
mod theory;
#[path = "../traces/mod.rs"]
mod traces;
mod verdicts;
