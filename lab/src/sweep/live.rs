//! Runs live cells, one after the other: two at a time would measure each other.
use super::{Attempt, Cell, Found, Plan, SweepError};
use crate::engine::live::{LiveOptions, Progress, live};
use std::{
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

/// Runs `cells` of `plan` live, by the lab's binary `executable` (the running one, if left out), and appends what each gave to `attempt`.
/// `look` is told how far the run of a cell is, about ten times a second, and answers whether to go on; a run that is ended that
/// way is dropped. Says how many are on the disk.
///
/// # Errors
/// When the host cannot run a cell, or a result cannot be written; then no further cell is begun.
pub fn run_live(
    plan: &Plan,
    cells: &[Cell],
    executable: Option<&Path>,
    mut attempt: Attempt,
    look: impl Fn(&Cell, Progress) -> bool,
    done: impl Fn(&Cell, &Found),
) -> Result<usize, SweepError> {
    for (number, cell) in cells.iter().enumerate() {
        let stopped = AtomicBool::new(false);
        let progress = |progress: Progress| {
            if !look(cell, progress) {
                stopped.store(true, Ordering::Relaxed);
            }
        };
        let options = LiveOptions {
            executable,
            progress: Some(&progress),
            interrupted: Some(&stopped),
            ..LiveOptions::default()
        };
        let scenario = &plan.grid.points[cell.point].scenario;
        let seed = plan.grid.seed(cell.point, cell.replication);
        let run = live(scenario, seed, &options).map_err(|error| SweepError::Live(error.to_string()))?;
        if stopped.load(Ordering::Relaxed) {
            return Ok(number);
        }
        let unfit = if run.fitness.fit { vec![] } else { run.fitness.reasons };
        let found = Found::of(scenario, &run.trace, Some(unfit));
        attempt.append(plan, *cell, found.clone())?;
        attempt.sync()?;
        done(cell, &found);
    }
    Ok(cells.len())
}
