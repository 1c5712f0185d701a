//! The command line: one file for each verb.
mod check;
mod compare;
mod exit;
mod format;
mod interrupt;
mod keep;
mod open;
mod presets;
mod progress;
mod run;
mod schema;
#[cfg(feature = "live")]
mod selftest;
mod sweep;
mod table;

use clap::{Parser, Subcommand, error::ErrorKind};
use exit::Exit;
use std::process::ExitCode;

/// A load lab that tips a replicated service into metastable failure, live and simulated.
#[derive(Debug, Parser)]
#[command(name = "lab", version, max_term_width = 110, after_help = AFTER_HELP)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

const AFTER_HELP: &str = "\
Example:
  lab run configs/retry-storm.yaml

Exit codes: 0 done and all expectations held, 1 an expectation failed, 2 inconclusive or the host was unfit,
3 a sweep is incomplete, 64 bad config or usage, 75 try again (the disk is full), 130 interrupted (what was done is kept)";

#[derive(Debug, Subcommand)]
enum Verb {
    /// Run configs and their variants: verdicts, figures, a report
    Run(run::Args),
    /// Explain configs without running them: hand calculations, and whether they are vulnerable
    Check(check::Args),
    /// Two results side by side, or the simulated and live halves of one
    Compare(compare::Args),
    /// One experiment at every point of a grid, over many seeds, on one machine or many: phase maps
    Sweep(sweep::Args),
    /// Is this host fit for live runs? Measures it against theory and simulation
    #[cfg(feature = "live")]
    Selftest(selftest::Args),
    /// List or remove results
    Results(keep::Args),
    /// Retry policies of real clients, with their sources
    Presets(presets::Args),
    /// The JSON schemas of configs and workload files, or their reference
    Schema(schema::Args),
    /// A replica of a live run; started by the lab itself
    #[cfg(feature = "live")]
    #[command(hide = true)]
    Replica,
}

/// Reads the command line and does what it says.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let done = match cli.verb {
        Verb::Run(args) => run::run(&args),
        Verb::Check(args) => check::check(&args),
        Verb::Compare(args) => compare::compare(&args),
        Verb::Sweep(args) => sweep::sweep(&args),
        #[cfg(feature = "live")]
        Verb::Selftest(args) => selftest::selftest(&args),
        Verb::Results(args) => keep::results(&args),
        Verb::Presets(args) => presets::presets(&args),
        Verb::Schema(args) => schema::schema(&args),
        #[cfg(feature = "live")]
        Verb::Replica => return crate::engine::live::replica_main(),
    };
    match done {
        Ok(exit) => exit.code(),
        Err(failure) => {
            eprintln!("{failure}");
            failure.exit().code()
        }
    }
}

/// Help and version are no errors; all else is bad usage.
fn usage(error: &clap::Error) -> ExitCode {
    // A closed pipe is all that can go wrong here.
    let _ = error.print();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Exit::Done.code(),
        _ => Exit::Usage.code(),
    }
}
