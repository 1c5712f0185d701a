//! `lab serve`: a dashboard with levers, at a run that goes on while one watches.
use super::{
    exit::{Exit, Outcome},
    screen::{Screen, stopped},
};
use crate::{dashboard::simulate, scenario::load};
use std::path::PathBuf;

/// A live dashboard with levers: watch a run, press what goes wrong, then try to save it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lab serve configs/retry-storm.yaml --open
  lab serve configs/cache-flush.yaml --speed 10
  lab serve configs/retry-storm.yaml --class

Triggers and levers of the config are what can be pressed; with --as-written they also happen as it says.
Whatever is pressed can be taken home as a config (Export), which gives the same run to the last bit.")]
pub(super) struct Args {
    /// A config file
    #[arg(value_name = "CONFIG")]
    config: PathBuf,
    /// Change the experiment: a dotted path and its new value, in YAML
    #[arg(long = "set", value_name = "PATH=VALUE")]
    set: Vec<String>,
    /// The seed
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
    /// Triggers and levers of the config also happen as it says
    #[arg(long)]
    as_written: bool,
    #[command(flatten)]
    screen: Screen,
}

pub(super) fn serve(args: &Args) -> Outcome {
    let seed = args.seed.map(|seed| format!("seed={seed}"));
    let set: Vec<String> = args.set.iter().cloned().chain(seed).collect();
    let plan = load(&args.config, &set)?;
    for warning in &plan.warnings {
        eprintln!("{warning}\n");
    }
    let session = args.screen.session(args.as_written)?;
    let what = format!("{} · {}", plan.name, plan.baseline.title);
    let ready = |address| args.screen.tell(&what, &session, address);
    simulate(plan.experiment, &plan.baseline, &session, ready, stopped())?;
    Ok(Exit::Done)
}
