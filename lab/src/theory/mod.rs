//! What theory says of a scenario before anything runs.
//!
//! [`queues`] has the textbook formulas of queues without retries, [`retries`] what retries make of them,
//! [`amplification`] how often a call is tried while everything fails, [`fluid`] follows the backlog through the triggers, and [`hand()`] puts them together into the calculations that a person would do by hand.
//! [`BirthDeath`] and [`chain`] are Markov chains, solved exactly: how long states last. [`predict()`] asks all of them the same questions.
pub mod amplification;
mod birth_death;
pub mod chain;
pub mod fluid;
pub mod hand;
mod passage;
mod predict;
pub mod queues;
pub mod retries;
mod words;

pub use birth_death::BirthDeath;
pub use hand::{Beyond, Hand, Row, ServiceHand, busiest, hand};
pub use passage::Passage;
pub use predict::{Cell, Prediction, Predictions, Question, Solved, Unit, predict};
pub use words::grouped;
