//! Questions that one run cannot answer: many simulations, judged together.
//!
//! A study runs a scenario over seeds, changes it, and says what it found with an interval. Everything here is a pure function
//! of the config and the seeds: on one core or on many, the bytes are the same.
//!
//! - [`seeds`]: a scenario over seeds, in parallel, judged.
//! - [`agreement`]: theory, simulation and live runs on the same questions.
//! - [`axis`]: what stands at a dotted path, as a number that can be changed.
//! - [`bootstrap`]: intervals by drawing the seeds anew.
//! - [`threshold`]: the smallest trigger that tips.
//! - [`hysteresis`]: the load up and down, and the two capacities.
//! - [`cure`]: what an operator can do about a failed state.
//! - [`lifetime`]: how long the healthy state lives, and the failed one; by [`survival`] analysis, rare ends by [`splitting`].
//! - [`committor`]: from which states the service tips over.
//! - [`portrait`]: runs over the plane of queue and outstanding retries.
//! - [`signals`]: which metric tells early who will recover, and who will fall.
pub mod agreement;
pub mod axis;
pub mod bootstrap;
mod branch;
pub mod committor;
pub mod cure;
pub mod hysteresis;
pub mod lifetime;
pub mod portrait;
pub mod seeds;
pub mod signals;
pub mod splitting;
pub mod survival;
pub mod threshold;

pub use seeds::Watch;
