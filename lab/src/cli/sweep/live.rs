//! `lab sweep run` of live cells: one after the other, in real time, on this host.
use super::{
    Exit, Failure, Outcome,
    run::{Args, Done},
};
use crate::sweep::{Plan, Shard};

/// A sweep that takes longer is not begun without `--yes`.
#[cfg(feature = "live")]
const UNASKED_S: f64 = 600.0;

#[cfg(not(feature = "live"))]
pub(super) fn all(_: &Args, _: &Plan, _: Shard, _: &mut Done) -> Outcome {
    Err(Failure::Usage("this build has no live engine (feature `live`)".into()))
}

/// Runs what is missing, and with `--unfit` what is there from a host that was unfit.
#[cfg(feature = "live")]
pub(super) fn all(args: &Args, plan: &Plan, shard: Shard, done: &mut Done) -> Outcome {
    use super::{tell, terminate};
    use crate::{
        cli::{interrupt, progress::bar},
        sweep::{Attempt, Cell, Progress, read, run_live},
    };
    use std::cell::Cell as Counter;

    if !shard.is_whole() || args.cores > 1 {
        return Err(Failure::Usage(format!(
            "{} is a live sweep: two cells at a time would measure each other, so there are neither shards nor cores to share\n  \
             help: leave out --shard and -j, and unset the scheduler's variables",
            args.sweep.file.display()
        )));
    }
    let progress = Progress::of(plan, &read(&args.out.out)?);
    let again = if args.unfit { &progress.unfit[..] } else { &[] };
    let mut positions: Vec<usize> = progress.missing.iter().chain(again).copied().collect();
    positions.sort_unstable();
    let cells: Vec<Cell> = positions.iter().map(|position| progress.cells[*position]).collect();
    let takes_s = tell::seconds(plan, cells.iter().copied());
    if takes_s > UNASKED_S && !args.yes {
        return Err(Failure::Usage(format!(
            "{} live runs take {:.0} min, in which this host should do nothing else\n  help: say --yes; it may be stopped at any \
             time, and goes on with the cell it was at",
            cells.len(),
            takes_s / 60.0
        )));
    }
    done.rounds.push(0);
    done.before = progress.cells.len() - cells.len();
    if cells.is_empty() {
        return Ok(if progress.unfit.is_empty() { Exit::Done } else { Exit::Inconclusive });
    }
    let bar = bar("live cells", (takes_s * 1e3) as u64, args.json);
    let attempt = Attempt::begin(&args.out.out, plan, shard)?;
    let stopped = || interrupt::interrupted() || terminate::terminated();
    let (before_ms, unfit) = (Counter::new(0), Counter::new(0));
    let look = |_: &Cell, progress: crate::engine::live::Progress| {
        bar.set_position(before_ms.get() + progress.elapsed.0 / 1_000_000);
        !stopped()
    };
    let finished = |cell: &Cell, found: &crate::sweep::Found| {
        before_ms.set(before_ms.get() + plan.grid.duration(cell.point).0 / 1_000_000);
        if let Some(reasons) = found.unfit.as_ref().filter(|reasons| !reasons.is_empty()) {
            unfit.set(unfit.get() + 1);
            eprintln!("unfit: point {}, seed {}: {}", cell.point, cell.replication, reasons.join("; "));
        }
    };
    done.cells = run_live(plan, &cells, None, attempt, look, finished)?;
    bar.finish_and_clear();
    Ok(match () {
        () if terminate::terminated() => Exit::TryAgain,
        () if interrupt::interrupted() => Exit::Interrupted,
        () if unfit.get() > 0 => Exit::Inconclusive,
        () => Exit::Done,
    })
}
