//! Phase maps: where in a grid the service stays down, and where theory says so.
mod contour;
mod heat;
mod lines;
mod ramp;
mod sheet;
mod spot;
mod stroke;
mod theory;
mod words;

use super::Figure;
use crate::{scenario::Grid, sweep::Merged};

/// The figures of a sweep: a map, or one boundary line for each setting; none where the sweep asks for none.
pub fn phase_maps(grid: &Grid, merged: &Merged) -> Vec<Figure> {
    let Some(map) = grid.map else { return vec![] };
    vec![match map.lines {
        None => heat::heat_map(grid, map, merged),
        Some(lines) => lines::line_map(grid, map, lines, merged),
    }]
}
