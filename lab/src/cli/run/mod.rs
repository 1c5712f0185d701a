//! `lab run`: baseline and variants, judged, drawn, written, and told.
mod execute;
mod files;
#[cfg(feature = "live")]
mod live;
mod report;
mod tell;

pub(super) use tell::agreement_table;

use super::{
    exit::{Exit, Failure, Outcome},
    interrupt,
    open::open,
    writing::stopwatch,
};
use crate::{
    results::{Folder, now},
    scenario::{
        Scenario,
        plan::{Claim, Plan, load},
    },
    trace::Trace,
    verdict::{Checked, Judgement, Row, RunView, Summary, agreement, expectations},
};
use clap::ValueEnum;
use serde_json::json;
use std::{
    io::IsTerminal,
    path::{Path, PathBuf},
};

/// Run configs and their variants: verdicts, figures, a report.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lab run configs/retry-storm.yaml
  lab run configs/retry-storm.yaml --engine both
  lab run configs/retry-storm.yaml --set workload.rate=400/s --seeds 20
  lab run configs/four-protocols.yaml --history")]
pub(super) struct Args {
    /// Config files
    #[arg(required = true, value_name = "CONFIG")]
    configs: Vec<PathBuf>,
    /// What runs them: `both` simulates everything and runs the experiment itself live
    #[arg(long, value_enum, default_value = "sim")]
    engine: Engine,
    /// Change the experiment: a dotted path and its new value, in YAML
    #[arg(long = "set", value_name = "PATH=VALUE")]
    set: Vec<String>,
    /// How many seeds, from the first one on (simulation; live runs take the first)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    seeds: Option<u32>,
    /// The first seed
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
    /// Run the variants live, too
    #[arg(long)]
    live_variants: bool,
    /// Where results go
    #[arg(long, value_name = "DIR", default_value = "results")]
    results: PathBuf,
    /// Write `history.jsonl` for each run of a replicated store: one line per operation, as its client saw it
    #[arg(long)]
    history: bool,
    /// Write neither figures nor a report
    #[arg(long)]
    no_figures: bool,
    /// Open the report afterwards, on a terminal; of several configs the last one's
    #[arg(long, conflicts_with = "no_figures")]
    open: bool,
    /// Print one JSON document instead of tables
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Engine {
    /// The simulation
    Sim,
    /// Real processes and sockets
    Live,
    /// Both, and where they agree
    Both,
}

/// One run of one variant, judged.
struct Run {
    /// `baseline`, or the variant's name.
    variant: String,
    /// What the variant changes, on one line.
    change: String,
    /// `simulated` or `live`.
    engine: &'static str,
    seed: u64,
    scenario: Scenario,
    trace: Trace,
    judgement: Judgement,
    summary: Summary,
    /// Why a live run is unfit.
    unfit: Vec<String>,
    /// What was checked of the host.
    fitness: Vec<crate::report::FitnessRow>,
}

/// All that came of one config.
struct Experiment<'a> {
    plan: &'a Plan,
    runs: Vec<Run>,
    /// By variant.
    agreement: Vec<(String, Vec<Row>)>,
    expectations: Vec<Checked>,
    interrupted: bool,
    began: String,
    took_s: f64,
}

pub(super) fn run(args: &Args) -> Outcome {
    if cfg!(not(feature = "live")) && args.engine != Engine::Sim {
        return Err(Failure::Usage("this build has no live engine (feature `live`)".into()));
    }
    let plans = plans(args)?;
    interrupt::listen();
    let mut exit = Exit::Done;
    let mut documents = vec![];
    let mut last = None;
    for plan in &plans {
        if interrupt::interrupted() {
            exit = exit.max(Exit::Interrupted);
            break;
        }
        let (one, path, document) = experiment(args, plan)?;
        exit = exit.max(one);
        last = Some(path);
        documents.push(document);
    }
    if args.json {
        println!("{:#}", json!({ "version": 1, "exit_code": exit.number(), "experiments": documents }));
    }
    if let Some(path) = last.filter(|_| args.open) {
        show(&path.join("report.html"));
    }
    Ok(exit)
}

/// Opens `report`, or says why not: that the run went well does not depend on it.
fn show(report: &Path) {
    let opened = match std::io::stdout().is_terminal() {
        true => open(report),
        false => Err("standard output is no terminal".into()),
    };
    if let Err(reason) = opened {
        eprintln!("note: the report is not opened: {reason}; it is {}", report.display());
    }
}

/// Reads all configs; where several are wrong, all are told.
fn plans(args: &Args) -> Result<Vec<Plan>, Failure> {
    let mut set = args.set.clone();
    set.extend(args.seed.map(|seed| format!("seed={seed}")));
    set.extend(args.seeds.map(|seeds| format!("replications={seeds}")));
    let read: Vec<_> = args.configs.iter().map(|file| load(file, &set)).collect();
    let errors: Vec<String> =
        read.iter().filter_map(|plan| plan.as_ref().err()).map(|e| e.to_string()).collect();
    if !errors.is_empty() {
        return Err(Failure::Config(errors.join("\n\n")));
    }
    let plans: Vec<Plan> = read.into_iter().flatten().collect();
    for warning in plans.iter().flat_map(|plan| &plan.warnings) {
        eprintln!("{warning}\n");
    }
    Ok(plans)
}

fn experiment(args: &Args, plan: &Plan) -> Result<(Exit, PathBuf, serde_json::Value), Failure> {
    let (began, time) = now();
    let clock = stopwatch();
    // Made first: that results cannot be written is better known before a run of minutes than after it.
    let folder = Folder::create(&args.results, &plan.name, &time)?;
    let (runs, interrupted) = execute::execute(args, plan)?;
    if runs.is_empty() {
        return Err(Failure::Interrupted);
    }
    let views: Vec<RunView<'_>> = runs.iter().map(Run::view).collect();
    let expectations = if interrupted { vec![] } else { expectations(&plan.expect, &views) };
    let agreement = agreements(&runs);
    let took_s = clock.elapsed().as_secs_f64();
    let experiment = Experiment { plan, runs, agreement, expectations, interrupted, began, took_s };
    let path = files::write(args, folder, &experiment)?;
    if !args.json {
        print!("{}", tell::tell(&experiment, &path, !args.no_figures));
    }
    let exit = experiment.exit();
    let document = tell::document(&experiment, &path, exit);
    Ok((exit, path, document))
}

/// Sim against live, for each variant that ran in both with the same seed.
fn agreements(runs: &[Run]) -> Vec<(String, Vec<Row>)> {
    let live = runs.iter().filter(|run| run.engine == "live");
    let pairs = live.filter_map(|live| {
        let twin =
            |run: &&Run| run.engine == "simulated" && run.variant == live.variant && run.seed == live.seed;
        let sim = runs.iter().find(twin)?;
        Some((live.variant.clone(), agreement(&sim.summary, &live.summary)))
    });
    pairs.collect()
}

impl Run {
    fn view(&self) -> RunView<'_> {
        let Run { variant, engine, scenario, trace, judgement, .. } = self;
        RunView { variant, engine, scenario, trace, judgement }
    }

    fn folder(&self) -> String {
        let engine = if self.engine == "live" { "live" } else { "sim" };
        format!("{}-{engine}-{}", self.variant, self.seed)
    }
}

impl Experiment<'_> {
    fn exit(&self) -> Exit {
        if self.interrupted {
            return Exit::Interrupted;
        }
        let inconclusive = self.runs.iter().any(|run| !run.unfit.is_empty() || self.is_inconclusive(run));
        let failed = self.expectations.iter().any(|expectation| !expectation.held);
        match (inconclusive, failed) {
            (true, _) => Exit::Inconclusive,
            (false, true) => Exit::Failed,
            (false, false) => Exit::Done,
        }
    }

    /// An inconclusive verdict that the config expects is what it wanted to show.
    fn is_inconclusive(&self, run: &Run) -> bool {
        let expected = self.plan.expect.iter().any(|expect| {
            let variant = if expect.variant.is_empty() { "baseline" } else { &expect.variant };
            let said = matches!(&expect.claim, Claim::Verdict { word, .. } if *word == run.summary.verdict);
            variant == run.variant && said
        });
        run.judgement.verdict.is_inconclusive() && !expected
    }
}
