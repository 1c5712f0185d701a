//! `lab committor`: the probability that a state tips over, by branches that go on from it.
use super::{
    exit::{Exit, Failure, Outcome},
    interrupt, progress,
    study::{Common, Found, span},
    table::Table,
};
use crate::{
    plot,
    study::committor::{self, Committor, Effort, Route},
};
use lab_core::time::Span;
use std::{fmt::Write as _, sync::OnceLock};

/// The probability that a state tips over: branches go on from states near the threshold.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  lab committor configs/retry-storm.yaml --branches 40

The config's triggers push the service; each time the queue reaches a level the push ends, and from that state many branches go on with
draws of their own. Those that end failed, over all, are P(tip | state) (docs/LIFETIMES.md)")]
pub(super) struct Args {
    #[command(flatten)]
    common: Common,
    /// Branches of each state
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(2..))]
    branches: u32,
    /// How long a branch is watched until it is known how it ends. Without it, as long as the config's run lasts after its triggers
    #[arg(long = "for", value_name = "TIME", value_parser = span)]
    watch: Option<Span>,
}

pub(super) fn run(args: &Args) -> Outcome {
    /// Runs on which the states lie.
    const RUNS: usize = 6;
    let study = args.common.begin(args.common.plan()?)?;
    let scenario = study.plan.baseline.clone();
    // Three healthy windows after a first one that is cut.
    let least = scenario.healthy.over * 5.0;
    let watch = args.watch.unwrap_or(scenario.end().since(scenario.triggers_over())).max(least);
    let effort = Effort { runs: args.common.seeds(RUNS), branches: args.branches as usize, watch };
    let bar = OnceLock::new();
    let done = |total: usize| {
        let words = format!("states of {}", study.plan.name);
        bar.get_or_init(|| progress::bar(&words, total as u64, args.common.json)).inc(1);
        !interrupt::interrupted()
    };
    let found = committor::committor(&scenario, effort, scenario.seed, &done);
    if let Some(bar) = bar.get() {
        bar.finish_and_clear();
    }
    let found = found.map_err(|why| Failure::Usage(format!("{}: {why}", study.plan.file.display())))?;
    if found.points.is_empty() {
        return Err(Failure::Interrupted);
    }
    study.finish(Found {
        verb: "committor",
        text: tell(&found),
        figures: vec![plot::committor(&scenario, &found)],
        document: serde_json::to_value(&found).expect("plain data"),
        exit: if found.by_jobs.is_some() { Exit::Done } else { Exit::Inconclusive },
    })
}

fn tell(found: &Committor) -> String {
    let mut table =
        Table::new(&["jobs>", "retrying>", "late>", "state", "tipped>", "held>", "P(tip)>", "95 %"]);
    let mut points: Vec<_> = found.points.iter().collect();
    points.sort_by_key(|p| p.jobs);
    for point in points {
        let route = match point.route {
            Route::Pushed => "the push ends",
            Route::LeftAlone => "left alone",
        };
        table.line([
            point.jobs.to_string(),
            point.retrying.to_string(),
            point.late.to_string(),
            route.into(),
            point.tipped.to_string(),
            point.held.to_string(),
            format!("{:.2}", point.p.value),
            format!("{:.2} to {:.2}", point.p.low, point.p.high),
        ]);
    }
    let mut text = format!("  pushed by {}\n\n{table}\n", found.pushed_by);
    let undecided: usize = found.points.iter().map(|p| p.undecided).sum();
    if undecided > 0 {
        let _ = writeln!(
            text,
            "  {undecided} branches were neither healthy nor failed when their watch ended: give it more time with --for"
        );
    }
    match &found.by_jobs {
        None => text += "  all branches had the same fate: there is no threshold among these states\n",
        Some(fit) => {
            if let Some(half) = fit.half_at {
                let _ = writeln!(
                    text,
                    "  one half tips from {:.0} jobs on (95 %: {:.0} to {:.0}); μT is {:.0}",
                    half.value, half.low, half.high, found.jobs_per_timeout
                );
            }
            if let Some(spread) = fit.spread {
                let with = |fit: &Option<committor::Fit>, what: &str| {
                    let spread = fit.as_ref().and_then(|fit| fit.spread);
                    spread.map_or(String::new(), |spread| format!(", {spread:.2} with {what}"))
                };
                let retries = with(&found.by_retries, "the calls being retried");
                let late = with(&found.by_late, "the attempts that will be late");
                let _ = writeln!(
                    text,
                    "  spread of P among the {} states near it, counting noise taken off: {spread:.2} by the jobs alone{retries}{late}",
                    fit.near
                );
            }
        }
    }
    text
}
