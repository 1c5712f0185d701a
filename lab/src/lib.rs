//! Scenarios, engines, measurement and reports of the metastable-failure lab.
//!
//! Data flows one way, and a module names only modules before it in this list.
pub mod agenda;
pub mod config;
pub mod scenario;
pub mod trace;
pub mod engine;
pub mod theory;
#[cfg(feature = "live")]
pub mod selftest;
pub mod verdict;
pub mod study;
pub mod exercise;
pub mod sweep;
pub mod story;
#[cfg(feature = "cli")]
pub mod plot;
#[cfg(feature = "cli")]
pub mod report;
pub mod results;
#[cfg(feature = "live")]
pub mod dashboard;
#[cfg(feature = "cli")]
pub mod lecture;
#[cfg(feature = "cli")]
pub mod cli;
