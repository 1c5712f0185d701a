//! What theory says of a scenario before anything runs.
//!
//! [`queues`] has the textbook formulas of queues without retries, [`retries`] what retries make of them,
//! [`amplification`] how often a call is tried while everything fails, [`fluid`] follows the backlog through the triggers, and [`hand()`] puts them together into the calculations that a person would do by hand.
pub mod amplification;
pub mod fluid;
pub mod hand;
pub mod queues;
pub mod retries;
mod words;

pub use hand::{Beyond, Hand, Row, ServiceHand, hand};
pub use words::grouped;
