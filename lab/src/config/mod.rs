//! The config language: what a person writes, read with care, and with every default filled in.
mod access;
mod anything;
pub mod budget;
pub mod cache;
mod check;
pub mod choice;
pub mod client;
#[expect(clippy::result_large_err, reason = "an error is made once per mistake of a person")]
mod deserialize;
pub mod diagnose;
pub mod disturbance;
mod effective;
mod expand;
pub mod experiment;
pub mod expect;
pub mod figure;
mod load;
pub mod membership_preset;
pub mod node;
mod overlay;
mod parse;
pub mod points;
pub mod preset;
mod read;
pub mod recorded;
mod reference;
pub mod replication;
mod resolve;
pub mod service;
pub mod units;
pub mod workload;

pub use diagnose::ConfigErrors;
pub use expect::Metric;
pub use experiment::Experiment;
pub use load::{Loaded, LoadedVariant, load, load_text};
pub use preset::{PRESETS, Preset, Tag};
pub use reference::{reference, schema, workload_schema};
