//! The cells of a sweep and what identifies them: a pure function of the sweep file and of the engine's version.
use crate::scenario::{Grid, Scenario};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use siphasher::sip128::{Hasher128, SipHasher24};
use std::{fmt, hash::Hasher};

/// The engine's version: the package's, and a hash of the sources that a result depends on. Results of two builds whose sources
/// differ are never taken for one another.
pub const ENGINE: &str = concat!(env!("CARGO_PKG_VERSION"), "+", env!("LAB_SOURCES"));

/// A cell's identity: a hash of the engine and its version, of the scenario that is run and of its seed. The same on every machine, and
/// whatever file the cell is part of.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(u128);

/// A point of the grid with one seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// The point's index.
    pub point: usize,
    /// Which of the point's seeds, from 0.
    pub replication: u32,
}

/// A sweep and the keys of its cells.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What is asked for.
    pub grid: Grid,
    /// A hash of the keys of all cells that there may be: says whether two sweeps are the same.
    pub id: String,
    points: Vec<Key>,
}

impl Plan {
    /// The plan of `grid`, for this engine.
    pub fn new(grid: Grid) -> Plan {
        Plan::of_engine(grid, ENGINE)
    }

    /// The same for another engine's version.
    pub fn of_engine(grid: Grid, engine: &str) -> Plan {
        let engine = if grid.live { format!("{engine}, live") } else { engine.into() };
        let of_point = |point: &crate::scenario::grid::GridPoint| scenario_key(&engine, &point.scenario);
        let points: Vec<Key> = grid.points.par_iter().map(of_point).collect();
        let mut plan = Plan { grid, id: String::new(), points };
        let mut hasher = SipHasher24::new();
        for cell in plan.cells() {
            hasher.write(&plan.key(cell).0.to_le_bytes());
        }
        plan.id = Key(hasher.finish128().as_u128()).to_string()[..16].to_owned();
        plan
    }

    /// All cells that there may be, seed by seed of one point after the other.
    pub fn cells(&self) -> impl Iterator<Item = Cell> {
        let replications = self.grid.replications;
        (0..self.points.len())
            .flat_map(move |point| (0..replications).map(move |replication| Cell { point, replication }))
    }

    /// The identity of `cell`.
    pub fn key(&self, cell: Cell) -> Key {
        let mut hasher = SipHasher24::new();
        hasher.write(&self.points[cell.point].0.to_le_bytes());
        hasher.write_u64(self.grid.seed(cell.point, cell.replication).to_le());
        Key(hasher.finish128().as_u128())
    }
}

/// A hash of all that a run of `scenario` depends on, except for its seed. What it is called does not count.
fn scenario_key(engine: &str, scenario: &Scenario) -> Key {
    let nameless = Scenario {
        name: String::new(),
        title: String::new(),
        source: String::new(),
        seed: 0,
        replications: 1,
        ..scenario.clone()
    };
    let text = serde_json::to_vec(&nameless).expect("a scenario is plain data");
    let mut hasher = SipHasher24::new();
    hasher.write(engine.as_bytes());
    hasher.write_u8(0);
    hasher.write(&text);
    Key(hasher.finish128().as_u128())
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Key {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        u128::from_str_radix(&text, 16).map(Key).map_err(serde::de::Error::custom)
    }
}
