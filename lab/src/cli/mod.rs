//! The command line: one file for each verb.
mod agree;
mod check;
mod committor;
mod compare;
mod cure;
mod exercise;
mod exit;
mod format;
mod hysteresis;
mod interrupt;
mod keep;
mod lecture;
mod lifetime;
mod open;
mod predict;
mod presets;
mod progress;
#[cfg(feature = "live")]
mod replay;
mod run;
mod schema;
#[cfg(feature = "live")]
mod screen;
#[cfg(feature = "live")]
mod selftest;
#[cfg(feature = "live")]
mod serve;
mod signals;
mod study;
mod sweep;
mod table;
mod threshold;
mod writing;

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
    /// What theory says before anything runs: formulas, a Markov chain and a fluid, side by side
    Predict(predict::Args),
    /// The smallest trigger that tips: P(metastable) over a dotted path
    Threshold(threshold::Args),
    /// The load up and down: where it falls, where it heals, and the two capacities
    Hysteresis(hysteresis::Args),
    /// How long the healthy state lives with no trigger, and the failed state after one
    Lifetime(lifetime::Args),
    /// The probability that a state tips over, by branches that go on from it
    Committor(committor::Args),
    /// What gets a service out of its failed state, and what each lever costs
    Cure(cure::Args),
    /// Which metric tells stuck from recovered runs, and whether anything warns
    Signals(signals::Args),
    /// Theory, simulation and live runs on the same questions, and how far apart they are
    Agree(agree::Args),
    /// One experiment at every point of a grid, over many seeds, on one machine or many: phase maps
    Sweep(sweep::Args),
    /// Two results side by side, or the simulated and live halves of one
    Compare(compare::Args),
    /// A live dashboard with levers: watch a run, press what goes wrong, then try to save it
    #[cfg(feature = "live")]
    Serve(serve::Args),
    /// A run that was kept, in the dashboard
    #[cfg(feature = "live")]
    Replay(replay::Args),
    /// Is this host fit for live runs? Measures it against theory and simulation
    #[cfg(feature = "live")]
    Selftest(selftest::Args),
    /// Modules for a class: predict, run, reveal; or build their pages and slides
    Lecture(lecture::Args),
    /// Exercises that grade themselves: a task as numbers to meet, a file to work in, and its points
    Exercise(exercise::Args),
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
        Verb::Predict(args) => predict::run(&args),
        Verb::Threshold(args) => threshold::run(&args),
        Verb::Hysteresis(args) => hysteresis::run(&args),
        Verb::Lifetime(args) => lifetime::run(&args),
        Verb::Committor(args) => committor::run(&args),
        Verb::Cure(args) => cure::run(&args),
        Verb::Signals(args) => signals::run(&args),
        Verb::Agree(args) => agree::run(&args),
        Verb::Sweep(args) => sweep::sweep(&args),
        Verb::Compare(args) => compare::compare(&args),
        #[cfg(feature = "live")]
        Verb::Serve(args) => serve::serve(&args),
        #[cfg(feature = "live")]
        Verb::Replay(args) => replay::run(&args),
        #[cfg(feature = "live")]
        Verb::Selftest(args) => selftest::selftest(&args),
        Verb::Lecture(args) => lecture::lecture(&args),
        Verb::Exercise(args) => exercise::exercise(&args),
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

/// Whether the words of a command line, without the program's name, are one that this version understands.
///
/// # Errors
/// What is wrong with it.
pub fn understands<'w>(words: impl IntoIterator<Item = &'w str>) -> Result<(), String> {
    let words = std::iter::once("lab").chain(words);
    Cli::try_parse_from(words).map(|_| ()).map_err(|error| error.to_string())
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
