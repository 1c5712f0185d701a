//! Studies and predictions: thresholds, loops, lives, cures, signals, and how they agree.
mod agreement;
mod cure;
#[path = "../drawing/mod.rs"]
mod drawing;
mod hysteresis;
mod lifetimes;
mod predict;
#[path = "../runs/mod.rs"]
mod runs;
mod signals;
mod threshold;
