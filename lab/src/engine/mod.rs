//! The two engines. Both drive the machines of `lab_core` and show all they do to the recorders of [`crate::trace`].
mod group;
#[cfg(feature = "live")]
pub mod live;
mod network;
mod notes;
pub mod sim;
mod slab;
