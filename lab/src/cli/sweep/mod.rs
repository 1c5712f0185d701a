//! `lab sweep`: one experiment at every point of a grid, on one machine or many.
mod live;
mod merge;
mod run;
mod script;
mod tell;
mod terminate;

use super::exit::{Exit, Failure, Outcome};
use crate::{
    scenario::load_grid,
    sweep::{Plan, Progress, SweepError, read},
};
use clap::Subcommand;
use std::path::{Path, PathBuf};

/// One experiment at every point of a grid, over many seeds: phase maps.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example, on one machine:
  lab sweep run configs/sweeps/load-by-spike.yaml -o sweeps/load-by-spike
  lab sweep merge configs/sweeps/load-by-spike.yaml -o sweeps/load-by-spike

On many, see `lab sweep script --help` and docs/SWEEPS.md.")]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// How many cells there are, and what they cost; writes nothing
    #[command(after_help = "Example:\n  lab sweep plan configs/sweeps/load-by-spike.yaml")]
    Plan {
        #[command(flatten)]
        sweep: SweepFile,
        /// Print one JSON document instead of text
        #[arg(long)]
        json: bool,
    },
    /// Simulate what is missing, or a share of it
    Run(run::Args),
    /// How far it is; exit code 3 while cells are missing
    #[command(after_help = "Example:\n  lab sweep status configs/sweeps/load-by-spike.yaml -o out")]
    Status {
        #[command(flatten)]
        sweep: SweepFile,
        #[command(flatten)]
        out: Out,
        /// Print one JSON document instead of text
        #[arg(long)]
        json: bool,
    },
    /// The shards that have cells missing, to paste into a scheduler's array
    #[command(
        after_help = "Example:\n  sbatch --array=$(lab sweep missing phase-map.yaml -o out --shards 16) ..."
    )]
    Missing {
        #[command(flatten)]
        sweep: SweepFile,
        #[command(flatten)]
        out: Out,
        /// Of how many shards
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
        shards: u32,
    },
    /// Put everything together: data, figure. Exit code 3 if cells are missing
    Merge(merge::Args),
    /// Print what submits the shards to a scheduler; starts nothing
    Script(script::Args),
}

#[derive(Debug, clap::Args)]
struct SweepFile {
    /// The sweep file
    #[arg(value_name = "SWEEP")]
    file: PathBuf,
}

#[derive(Debug, clap::Args)]
struct Out {
    /// The folder of what has been found; all shards share it
    #[arg(short, long, value_name = "DIR")]
    out: PathBuf,
}

pub(super) fn sweep(args: &Args) -> Outcome {
    match &args.verb {
        Verb::Plan { sweep, json } => {
            let plan = plan(&sweep.file)?;
            print!("{}", tell::plan(&plan, *json));
            Ok(Exit::Done)
        }
        Verb::Run(args) => run::run(args),
        Verb::Status { sweep, out, json } => {
            let plan = plan(&sweep.file)?;
            let store = read(&out.out)?;
            let progress = Progress::of(&plan, &store);
            print!("{}", tell::status(&plan, &store, &progress, *json));
            Ok(if progress.is_complete() { Exit::Done } else { Exit::Incomplete })
        }
        Verb::Missing { sweep, out, shards } => {
            let plan = plan(&sweep.file)?;
            let progress = Progress::of(&plan, &read(&out.out)?);
            println!("{}", tell::missing(&progress, *shards));
            Ok(Exit::Done)
        }
        Verb::Merge(args) => merge::merge_all(args),
        Verb::Script(args) => script::script_of(args),
    }
}

/// Reads a sweep file, tells what looks wrong with it, and plans it.
fn plan(file: &Path) -> Result<Plan, Failure> {
    let grid = load_grid(file)?;
    for warning in &grid.warnings {
        eprintln!("{warning}\n");
    }
    Ok(Plan::new(grid))
}

impl From<SweepError> for Failure {
    fn from(error: SweepError) -> Failure {
        Failure::Sweep(error)
    }
}
