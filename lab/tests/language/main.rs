//! The config language: what is read, and what is said of what cannot be.
mod bad_input;
mod errors;
mod load;
#[path = "../mutations/mod.rs"]
mod mutations;
mod presets;
mod reference;
