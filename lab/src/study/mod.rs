//! Questions that take many simulations, and their answers.
pub mod portrait;
