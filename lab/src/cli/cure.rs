//! `lab cure`: what gets a service out of its failed state.
use super::{
    exit::{Exit, Failure, Outcome},
    study::{Common, Found},
    table::Table,
};
use crate::{
    config::units::Duration,
    plot::cure as figure,
    study::cure::{Cure, NothingToCure, cure, natural_time},
    theory::grouped,
};
use lab_core::time::{Span, Time};

/// Find what gets a service out of its failed state: the levers that suffice, and what each costs.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lab cure configs/retry-storm.yaml
  lab cure configs/retry-storm.yaml --at 90s --seeds 40
  lab cure configs/retry-storm.yaml --set services.store.queue.capacity=2000

Exit codes: 0 something suffices, 2 nothing that was tried does")]
pub(super) struct Args {
    #[command(flatten)]
    common: Common,
    /// When the operator acts, from the start of the run; without it three verdict windows after the last trigger
    #[arg(long, value_name = "TIME")]
    at: Option<Duration>,
    /// No lever is held longer than this
    #[arg(long, value_name = "TIME", default_value = "300 s")]
    longest: Duration,
}

impl From<NothingToCure> for Failure {
    fn from(nothing: NothingToCure) -> Failure {
        Failure::Usage(nothing.to_string())
    }
}

pub(super) fn run(args: &Args) -> Outcome {
    const SEEDS: usize = 20;
    let plan = args.common.plan()?;
    let over = plan.baseline.triggers_over();
    let at = args.at.map_or_else(|| natural_time(&plan.baseline), |at| Time::ZERO + at.0);
    if at <= over {
        return Err(Failure::Usage(format!(
            "--at {} is before the triggers are over, at {}: until then a failure is no metastable one",
            Span(at.0),
            Span(over.0)
        )));
    }
    if args.longest.0 < Span::from_secs(1) {
        return Err(Failure::Usage(format!(
            "--longest {} is too short: levers are held for a second or more",
            args.longest
        )));
    }
    let count = args.common.seeds(SEEDS);
    let study = args.common.begin(plan)?;
    let base = study.plan.baseline.clone();
    let runs = 300 + 16 * count as u64;
    let found = study.watched("cure", runs, |watch| cure(&base, at, args.longest.0, count, watch))?;
    study.finish(Found {
        verb: "cure",
        text: tell(&found),
        figures: figure(&found, &base).into_iter().collect(),
        document: serde_json::to_value(&found).expect("plain data"),
        exit: if found.proposals.is_empty() { Exit::Inconclusive } else { Exit::Done },
    })
}

fn tell(found: &Cure) -> String {
    let whole = |x: f64| grouped(&format!("{x:.0}"));
    let mut text = format!(
        "  At {} s the failed state stands on {} seeds, with a backlog of {} jobs",
        found.at_s,
        found.seeds.len(),
        whole(found.state.backlog_jobs)
    );
    if let (Some(offered), Some(capacity), Some(attempts)) =
        (found.state.offered_per_s, found.state.capacity_per_s, found.state.attempts)
    {
        text += &format!(
            "; {} calls/s × {attempts:.2} attempts meet a capacity of {}/s",
            whole(offered),
            whole(capacity)
        );
    }
    text += ".\n\n";
    let mut table = Table::new(&[
        "what suffices",
        "",
        "recovered>",
        "95 %>",
        "calls lost>",
        "95 %>",
        "healthy after>",
        "formula>",
    ]);
    for p in &found.proposals {
        table.line([
            p.what.clone(),
            p.words.clone(),
            format!("{} of {}", p.recovered, p.runs),
            format!("{:.0}–{:.0} %", 100.0 * p.wilson.0, 100.0 * p.wilson.1),
            whole(p.lost),
            p.lost_interval.map_or("–".into(), |(low, high)| format!("{}–{}", whole(low), whole(high))),
            format!("{} s", whole(p.after_s)),
            p.formula_s.map_or("–".into(), |s| format!("{} s", whole(s))),
        ]);
    }
    if !table.is_empty() {
        text += &format!("{table}\n");
    }
    let mut table = Table::new(&["what does not", "tried up to", "recovered>"]);
    for i in &found.insufficient {
        table.line([i.what.into(), i.words.clone(), format!("{} of {}", i.recovered, i.runs)]);
    }
    if !table.is_empty() {
        text += &format!("{table}\n");
    }
    text += "  Calls lost: not good, of those meant to start from the lever's beginning until it is released and the service healthy.\n  Formula: how \
             long it must be held, K/(μ − λ'R).\n";
    match found.proposals.first() {
        Some(best) => text + &format!("\n  The cheapest, for the config:\n\n{}", best.yaml),
        None => text + "\n  Nothing that was tried suffices.\n",
    }
}
