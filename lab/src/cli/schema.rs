//! `lab schema`: what editors need to complete and check configs, and what people look up.
use super::exit::{Exit, Outcome};
use crate::config::{reference, schema as of_configs, workload_schema};

/// The JSON schema of configs or of workload files, or the reference of both.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lab schema > configs/schema.json
  lab schema --workload > workloads/schema.json
  lab schema --reference > configs/REFERENCE.md")]
pub(super) struct Args {
    /// The schema of a workload in a file of its own
    #[arg(long)]
    workload: bool,
    /// Every key with its default, as Markdown
    #[arg(long, conflicts_with = "workload")]
    reference: bool,
}

pub(super) fn schema(args: &Args) -> Outcome {
    let text = match (args.reference, args.workload) {
        (true, _) => reference(),
        (false, true) => workload_schema(),
        (false, false) => of_configs(),
    };
    print!("{text}");
    Ok(Exit::Done)
}
