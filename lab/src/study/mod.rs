//! Questions that take many simulations: each is asked of a scenario, run over seeds or over branches of runs, and answered with an
//! interval.
mod branch;
pub mod committor;
pub mod lifetime;
pub mod splitting;
pub mod survival;
