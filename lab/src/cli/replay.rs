//! `lab replay`: a run that was kept, in the dashboard.
use super::{
    exit::{Exit, Failure, Outcome},
    screen::{Screen, stopped},
};
use crate::{
    dashboard::{Kept, replay},
    results::{RunRecord, StoredWindows, read},
    scenario::load,
};
use std::path::PathBuf;

/// Show a run that was kept in the dashboard, at any speed, forwards and back.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lab replay results/latest --open
  lab replay results/latest --run short_queue-sim-1 --speed 10")]
pub(super) struct Args {
    /// A results folder of `lab run`
    #[arg(value_name = "RESULT", default_value = "results/latest")]
    result: PathBuf,
    /// Which of its runs: the name of a folder in it; without it the first
    #[arg(long, value_name = "RUN")]
    run: Option<String>,
    #[command(flatten)]
    screen: Screen,
}

pub(super) fn run(args: &Args) -> Outcome {
    let record = chosen(args, read(&args.result)?)?;
    let plan = load(&args.result.join("scenario.yaml"), &[])?;
    let variant = plan.variants.into_iter().find(|v| v.name == record.variant);
    let (experiment, scenario) = match variant {
        Some(variant) => (variant.experiment, variant.scenario),
        None => (plan.experiment, plan.baseline),
    };
    let windows = StoredWindows::read(&args.result.join(&record.folder).join("windows.csv"), &scenario)?;
    let session = args.screen.session(true)?;
    let what = format!("{} · {} of {}", scenario.title, record.folder, args.result.display());
    let ready = |address| args.screen.tell(&what, &session, address);
    replay(Kept { experiment, scenario, record, windows }, &session, ready, stopped())?;
    Ok(Exit::Done)
}

fn chosen(args: &Args, records: Vec<RunRecord>) -> Result<RunRecord, Failure> {
    let names: Vec<String> = records.iter().map(|r| format!("`{}`", r.folder)).collect();
    let found = match &args.run {
        None => records.into_iter().next(),
        Some(run) => records.into_iter().find(|record| record.folder == *run),
    };
    found.ok_or_else(|| {
        let here = args.result.display();
        Failure::Usage(match &args.run {
            Some(run) => format!("there is no run `{run}` in {here}; there are {}", names.join(", ")),
            None => format!("{here} holds no runs: it is of a study"),
        })
    })
}
