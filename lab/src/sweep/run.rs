//! Simulates cells on all cores, and has a thread of its own write what they gave.
use super::{Attempt, Cell, Found, Plan, SweepError, simulate};
use rayon::prelude::*;
use std::{
    sync::{
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    thread,
};

/// Simulates `cells` of `plan` on `cores` cores (0: all there are) and appends what they gave to `attempt`. Between two cells it asks
/// whether to `stop`; `done` is told of every cell. Says how many are on the disk.
///
/// # Errors
/// When a result cannot be written; then no further cell is begun.
pub fn run(
    plan: &Plan,
    cells: &[Cell],
    cores: usize,
    attempt: Attempt,
    stop: impl Fn() -> bool + Sync,
    done: impl Fn() + Sync,
) -> Result<usize, SweepError> {
    let (sender, receiver) = channel();
    let failed = AtomicBool::new(false);
    let simulate_all = |sender: Sender<(Cell, Found)>| {
        // Cells differ tenfold in length: they are handed out one by one.
        cells.par_iter().with_max_len(1).for_each_with(sender, |sender, cell| {
            if stop() || failed.load(Ordering::Relaxed) {
                return;
            }
            let seed = plan.grid.seed(cell.point, cell.replication);
            let found = simulate(&plan.grid.points[cell.point].scenario, seed);
            // Nobody listens any more once writing has failed, and that is told at the end.
            let _ = sender.send((*cell, found));
            done();
        });
    };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(cores).build();
    let failed_to_write = &failed;
    thread::scope(|scope| {
        let writer = scope.spawn(move || {
            let written = write(plan, attempt, &receiver);
            failed_to_write.store(written.is_err(), Ordering::Relaxed);
            written
        });
        match pool {
            Ok(pool) => pool.install(|| simulate_all(sender)),
            Err(_) => simulate_all(sender),
        }
        writer.join().unwrap_or(Ok(0))
    })
}

/// Appends cells as they come. While the disk is at work more may come: they share the next wait.
fn write(plan: &Plan, mut attempt: Attempt, receiver: &Receiver<(Cell, Found)>) -> Result<usize, SweepError> {
    let mut written = 0;
    while let Ok((cell, found)) = receiver.recv() {
        attempt.append(plan, cell, found)?;
        written += 1;
        for (cell, found) in receiver.try_iter() {
            attempt.append(plan, cell, found)?;
            written += 1;
        }
        attempt.sync()?;
    }
    Ok(written)
}
