//! `lab schema`: what editors need to complete and check configs, and what people look up.
use super::exit::{Exit, Outcome};
use crate::config::{reference, schema as of_configs};

/// The JSON schema of configs, or their reference.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lab schema > configs/schema.json
  lab schema --reference > configs/REFERENCE.md")]
pub(super) struct Args {
    /// Every key with its default, as Markdown
    #[arg(long)]
    reference: bool,
}

pub(super) fn schema(args: &Args) -> Outcome {
    print!("{}", if args.reference { reference() } else { of_configs() });
    Ok(Exit::Done)
}
