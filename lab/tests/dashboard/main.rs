//! The dashboard: the session behind it, and the page in a browser.
#![cfg(feature = "live")]
#[path = "../chromium/mod.rs"]
mod chromium;
mod page;
mod session;
mod visitor;
