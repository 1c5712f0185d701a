//! The config language: what a person writes, read with care, and with every default filled in.
mod expect;

pub use expect::Metric;
