//! The lab behind the browser lab's page: a config and its changes in, curves, verdict and hand calculations out, as text.
//!
//! [`answer`] is all there is to call: natively, and from JavaScript through `exports`.
mod answer;
mod controls;
mod curves;
#[cfg(target_arch = "wasm32")]
mod exports;
mod ladder;

pub use answer::answer;
