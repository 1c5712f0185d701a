//! `lab schema`: what editors need to complete and check configs.
use super::exit::{Exit, Outcome};
use crate::config::Experiment;

/// The JSON schema of configs.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  lab schema > configs/schema.json")]
pub(super) struct Args {}

pub(super) fn schema(_: &Args) -> Outcome {
    println!("{:#}", schemars::schema_for!(Experiment).to_value());
    Ok(Exit::Done)
}
