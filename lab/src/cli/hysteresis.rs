//! `lab hysteresis`: the load up and down, over seeds.
use super::{
    exit::{Exit, Failure, Outcome},
    study::{Common, Found, interval},
    table::Table,
};
use crate::{
    config::units::{Duration, Rate},
    plot::loops,
    study::hysteresis::{Counts, Estimate, Hysteresis, NoStaircase, Staircase, Steps, Way, hysteresis},
    theory::grouped,
};

/// Raise the load step by step and lower it again: where it falls, where it heals, and the two capacities.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lab hysteresis configs/hysteresis.yaml
  lab hysteresis configs/retry-storm.yaml --set services.store.queue.capacity=2000
  lab hysteresis configs/hysteresis.yaml --step 0.5/s --to 10/s --dwell 300s --seeds 40

Without --dwell each level lasts five relaxation times of the slowest healthy level, and long enough for a full
queue to drain below the hidden capacity.")]
pub(super) struct Args {
    #[command(flatten)]
    common: Common,
    /// The lowest load; without it one step
    #[arg(long, value_name = "RATE")]
    from: Option<Rate>,
    /// The highest load; without it 5 % beyond the capacity
    #[arg(long, value_name = "RATE")]
    to: Option<Rate>,
    /// From one level to the next; without it a twentieth of the capacity
    #[arg(long, value_name = "RATE")]
    step: Option<Rate>,
    /// How long each level lasts
    #[arg(long, value_name = "TIME")]
    dwell: Option<Duration>,
}

impl From<NoStaircase> for Failure {
    fn from(wrong: NoStaircase) -> Failure {
        Failure::Usage(wrong.to_string())
    }
}

pub(super) fn run(args: &Args) -> Outcome {
    const SEEDS: usize = 20;
    let plan = args.common.plan()?;
    let per_s = |rate: Option<Rate>| rate.map(|r| r.0);
    let steps = Steps {
        from: per_s(args.from),
        to: per_s(args.to),
        step: per_s(args.step),
        dwell: args.dwell.map(|d| d.0),
    };
    let (stairs, dwell) = Staircase::new(&plan.baseline, &steps)?;
    let count = args.common.seeds(SEEDS);
    let study = args.common.begin(plan)?;
    let base = study.plan.baseline.clone();
    // As many runs again look for the hidden capacity under stress.
    let runs = 12 * count as u64;
    let found = study.watched("hysteresis", runs, |watch| hysteresis(&base, &stairs, dwell, count, watch));
    if found.branches.is_empty() {
        return Err(Failure::Interrupted);
    }
    study.finish(Found {
        verb: "hysteresis",
        text: tell(&found),
        figures: vec![loops(&found, &base)],
        document: serde_json::to_value(&found).expect("plain data"),
        exit: if found.tips.at.is_empty() { Exit::Inconclusive } else { Exit::Done },
    })
}

/// A number to four significant digits.
fn figure(value: f64) -> String {
    let decimals = if value == 0.0 { 0 } else { 3 - libm::floor(libm::log10(value.abs())) as i32 };
    let text = format!("{value:.*}", decimals.clamp(0, 9) as usize);
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    grouped(text)
}

/// A rate in calls per second.
fn rate(per_s: f64) -> String {
    format!("{}/s", figure(per_s))
}

fn tell(found: &Hysteresis) -> String {
    let dwell = &found.dwell;
    let levels = &found.levels;
    let mut text = format!(
        "  {} levels from {} to {} and back, {:.0} s each, {} seeds\n",
        2 * levels.len() - 1,
        rate(levels[0]),
        rate(levels[levels.len() - 1]),
        dwell.dwell_s,
        found.branches.len()
    );
    if let (Some(relaxation), Some(level)) = (dwell.relaxation_s, dwell.slowest_per_s) {
        text += &format!(
            "  Dwell: {:.1} relaxation times of {relaxation:.1} s at {}, the slowest level that is healthy in theory",
            dwell.dwell_s / relaxation,
            rate(level)
        );
        text += &dwell.drain_s.map_or(".\n".into(), |drain| {
            format!(
                "; {:.1} drains of a full queue ({drain:.0} s) just below the hidden capacity.\n",
                dwell.dwell_s / drain
            )
        });
    }
    for warning in &dwell.warnings {
        text += &format!("  note: {warning}.\n");
    }
    text += &format!("\n  Fell at:   {}\n  Healed at: {}\n", counts(&found.tips), counts(&found.heals));
    text += &format!(
        "  Width of the loop: {}.  Area: {}.\n",
        estimate(&found.width, rate),
        estimate(&found.area, |a| format!("{} (/s)²", figure(a)))
    );
    let mut table = Table::new(&["capacity", "way", "calls>", "95 %", ""]);
    for (what, ways) in [("advertised", &found.advertised), ("hidden", &found.hidden)] {
        for way in ways {
            let Way { way, per_s, interval, note } = way;
            let range =
                interval.map_or(String::new(), |(low, high)| format!("{} to {}", rate(low), rate(high)));
            table.line([what.into(), (*way).into(), per_s.map_or("–".into(), rate), range, note.clone()]);
        }
    }
    format!("{text}\n{table}")
}

fn counts(counts: &Counts) -> String {
    let mut parts: Vec<String> =
        counts.at.iter().map(|(level, n)| format!("{} ({n})", rate(*level))).collect();
    if counts.never > 0 {
        parts.push(format!("never ({})", counts.never));
    }
    if parts.is_empty() { "nowhere".into() } else { parts.join(", ") }
}

fn estimate(of: &Estimate, shown: impl Fn(f64) -> String) -> String {
    match of.finite() {
        Some(median) => format!("{} ({}, {} seeds)", shown(median), interval(of.interval, &shown), of.seeds),
        None => "not seen".into(),
    }
}
