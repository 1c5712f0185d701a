//! `lab compare`: two results, or the simulated and the live half of one.
use super::{
    exit::{Exit, Failure, Outcome},
    run::agreement_table,
};
use crate::{
    results::{RunRecord, read},
    verdict::{Row, agreement},
};
use serde_json::json;
use std::path::PathBuf;

/// Two results side by side, or the simulated and live halves of one.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lab compare results/latest
  lab compare results/retry-storm/2026-01-31T12-00-00 results/latest")]
pub(super) struct Args {
    /// A results folder
    #[arg(value_name = "A")]
    a: PathBuf,
    /// Another one; without it, the simulated and the live half of the first are compared
    #[arg(value_name = "B")]
    b: Option<PathBuf>,
    /// Print one JSON document instead of tables
    #[arg(long)]
    json: bool,
}

/// Two runs that are compared, and what they are.
struct Pair {
    what: String,
    rows: Vec<Row>,
}

pub(super) fn compare(args: &Args) -> Outcome {
    let a = read(&args.a)?;
    let (pairs, sides) = match &args.b {
        Some(b) => (across(&a, &read(b)?), ["A", "B"]),
        None => (halves(&a), ["simulated", "live"]),
    };
    if pairs.is_empty() {
        let a = args.a.display();
        return Err(Failure::Usage(match &args.b {
            Some(b) => {
                format!("no variant ran with the same engine and seed in both {a} and {}", b.display())
            }
            None => format!(
                "no variant of {a} ran both simulated and live\n  help: `lab run CONFIG --engine both`, or name a second folder"
            ),
        }));
    }
    let agrees = pairs.iter().all(|pair| pair.rows.iter().all(|row| row.agrees != Some(false)));
    if args.json {
        let pairs: Vec<_> = pairs.iter().map(|p| json!({ "what": p.what, "rows": p.rows })).collect();
        println!("{:#}", json!({ "version": 1, "agrees": agrees, "pairs": pairs }));
    } else {
        for pair in &pairs {
            println!("{}\n\n{}", pair.what, agreement_table(&pair.rows, sides));
        }
    }
    Ok(if agrees { Exit::Done } else { Exit::Failed })
}

/// The runs of the same variant, engine and seed in two results.
fn across(a: &[RunRecord], b: &[RunRecord]) -> Vec<Pair> {
    let pairs = a.iter().filter_map(|a| {
        let same = |b: &&RunRecord| b.variant == a.variant && b.engine == a.engine && b.seed == a.seed;
        let rows = agreement(&a.summary, &b.iter().find(same)?.summary);
        Some(Pair { what: format!("{}, {}, seed {}", a.variant, a.engine, a.seed), rows })
    });
    pairs.collect()
}

/// The simulated and the live run of the same variant and seed.
fn halves(runs: &[RunRecord]) -> Vec<Pair> {
    let pairs = runs.iter().filter(|run| run.engine == "live").filter_map(|live| {
        let same = |sim: &&RunRecord| {
            sim.engine == "simulated" && sim.variant == live.variant && sim.seed == live.seed
        };
        let rows = agreement(&runs.iter().find(same)?.summary, &live.summary);
        Some(Pair { what: format!("{}, seed {}", live.variant, live.seed), rows })
    });
    pairs.collect()
}
