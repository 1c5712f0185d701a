//! `lab schema`: what editors need to complete and check configs, and what people look up.
use super::exit::{Exit, Outcome};
use crate::config::{reference, schema as of_configs, sweep_schema, workload_schema};

/// The JSON schema of configs, of sweeps or of workload files, or the reference of all.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lab schema > configs/schema.json
  lab schema --sweep > configs/sweeps/schema.json
  lab schema --workload > workloads/schema.json
  lab schema --reference > configs/REFERENCE.md")]
pub(super) struct Args {
    /// The schema of a workload in a file of its own
    #[arg(long)]
    workload: bool,
    /// The schema of a sweep
    #[arg(long, conflicts_with = "workload")]
    sweep: bool,
    /// Every key with its default, as Markdown
    #[arg(long, conflicts_with_all = ["workload", "sweep"])]
    reference: bool,
}

pub(super) fn schema(args: &Args) -> Outcome {
    let text = match args {
        Args { reference: true, .. } => reference(),
        Args { workload: true, .. } => workload_schema(),
        Args { sweep: true, .. } => sweep_schema(),
        _ => of_configs(),
    };
    print!("{text}");
    Ok(Exit::Done)
}
