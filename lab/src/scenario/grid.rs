//! What one sweep file asks for: the scenario at every point of a grid, and over how many seeds.
use super::{Scenario, build::build};
use crate::config::{self, ConfigErrors, choice::OrNone, sweep::SweepEngine};
use lab_core::time::Span;
use std::path::{Path, PathBuf};

/// A sweep, understood: everything that running and merging it need to know.
#[derive(Clone, Debug)]
pub struct Grid {
    /// The sweep file.
    pub file: PathBuf,
    /// Its name without folder and ending.
    pub name: String,
    /// What it shows, in one line.
    pub title: String,
    /// What is varied, sorted by path.
    pub axes: Vec<Axis>,
    /// Every combination of values; the last axis goes fastest.
    pub points: Vec<GridPoint>,
    /// Whether the cells are live runs.
    pub live: bool,
    /// Seeds of a point, at most.
    pub replications: u32,
    /// How seeds are spent in rounds; `None`: every point gets all of them.
    pub refine: Option<Refinement>,
    /// Which axis goes where in the figure.
    pub map: Option<MapAxes>,
    /// The sweep as YAML, with its experiment written out: runs again as it is.
    pub resolved: String,
    /// What looks wrong but runs, each rendered with its excerpt.
    pub warnings: Vec<String>,
}

/// An axis of a grid.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// The dotted path of what is varied.
    pub path: String,
    /// Its values as one line of YAML each.
    pub values: Vec<String>,
    /// The same in a word or two.
    pub labels: Vec<String>,
    /// The same as numbers, if all are numbers of one unit; empty otherwise. Lengths of time are seconds, shares percent.
    pub numbers: Vec<f64>,
    /// The unit of the numbers; empty for plain ones.
    pub unit: &'static str,
}

/// A point of a grid.
#[derive(Clone, Debug, PartialEq)]
pub struct GridPoint {
    /// Which value of each axis.
    pub at: Vec<usize>,
    /// What is run there.
    pub scenario: Scenario,
}

/// How seeds are spent in rounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Refinement {
    /// Seeds that every point gets.
    pub first: u32,
    /// A point whose 95 % interval is no wider than this, as a share, gets no more.
    pub until: f64,
}

/// The axes of a map, by their index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MapAxes {
    /// The one that goes to the right.
    pub x: usize,
    /// The one that goes up.
    pub y: usize,
    /// The one of which every value gets a line.
    pub lines: Option<usize>,
}

/// Reads the sweep `file`, its experiment and everything that names.
///
/// # Errors
/// Everything that is wrong with them, and with any point.
pub fn load_grid(file: &Path) -> Result<Grid, ConfigErrors> {
    let loaded = config::load_sweep(file)?;
    let name = file.file_stem().map_or("sweep".into(), |stem| stem.to_string_lossy().into_owned());
    let points = loaded.points.into_iter().map(|point| {
        let scenario = build(&name, &point.experiment).map_err(|why| ConfigErrors::plain(why, None))?;
        Ok(GridPoint { at: point.at, scenario })
    });
    let points = points.collect::<Result<Vec<_>, ConfigErrors>>()?;
    let axes: Vec<Axis> = loaded.axes.into_iter().map(axis).collect();
    let index = |path: &str| axes.iter().position(|axis| axis.path == path);
    let map = loaded
        .sweep
        .map
        .as_ref()
        .and_then(|map| Some(MapAxes { x: index(&map.x)?, y: index(&map.y)?, lines: index(&map.lines) }));
    let refine = match loaded.sweep.refine {
        OrNone::None => None,
        OrNone::Some(refine) => Some(Refinement { first: refine.first, until: refine.until.0 }),
    };
    let title = if loaded.sweep.title.is_empty() { loaded.base.title } else { loaded.sweep.title };
    Ok(Grid {
        file: file.to_owned(),
        name,
        title,
        axes,
        points,
        live: loaded.sweep.engine == SweepEngine::Live,
        replications: loaded.sweep.replications,
        refine,
        map,
        resolved: loaded.resolved,
        warnings: loaded.warnings,
    })
}

fn axis(loaded: config::LoadedAxis) -> Axis {
    let (numbers, unit) = loaded.numbers.unwrap_or_default();
    Axis { path: loaded.path, values: loaded.values, labels: loaded.labels, numbers, unit }
}

impl Grid {
    /// The seed of replication `index`: the same at every point, unless the experiment's own seed is set.
    pub fn seed(&self, point: usize, replication: u32) -> u64 {
        self.points[point].scenario.seed + u64::from(replication)
    }

    /// How long the runs of a point are.
    pub fn duration(&self, point: usize) -> Span {
        self.points[point].scenario.duration
    }

    /// The index of the point that has these values of the axes.
    pub fn index(&self, at: &[usize]) -> usize {
        self.axes.iter().zip(at).fold(0, |index, (axis, value)| index * axis.values.len() + value)
    }
}
