//! Sweeps: the same bytes whoever runs them.
mod cli;
mod engine;
mod shared;
