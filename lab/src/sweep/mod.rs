//! One experiment at every point of a grid, over many seeds, on whatever machines there are.
//!
//! Nothing here schedules anything. A sweep is a list of cells, a cell is a point of the grid with one seed, and what a cell
//! gives is a pure function of both. So any number of processes, on any hosts, may each do a share of the cells and append what
//! they found to a file of their own in one shared folder; whoever comes later does what is missing. The parts:
//!
//! - [`Plan`]: the cells and their keys, a pure function of the sweep file and of the engine's version.
//! - [`Progress`]: which cells are next, a pure function of the plan and of what has been found.
//! - [`run()`]: simulates cells on all cores; `run_live` runs live ones, one after the other.
//! - [`Store`]: what has been found, in files that are only appended to.
//! - [`merge()`]: verdicts, rates and pooled latencies of every point.
//! - [`shard`]: which share of the cells a process is to do, by what its scheduler tells it.
//! - [`script`]: what is submitted to schedulers that exist.
mod cell;
mod error;
#[cfg(feature = "live")]
mod live;
mod merge;
mod plan;
mod rounds;
mod run;
pub mod script;
pub mod shard;
mod store;
mod theory;

pub use cell::{Found, simulate};
pub use error::SweepError;
#[cfg(feature = "live")]
pub use live::run_live;
pub use merge::{Latency, LiveRuns, Merged, PointResult, merge};
pub use plan::{Cell, ENGINE, Key, Plan};
pub use rounds::Progress;
pub use run::run;
pub use shard::Shard;
pub use store::{Attempt, Store, read};
pub use theory::Theory;
