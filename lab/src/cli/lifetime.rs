//! `lab lifetime`: how long the healthy state lives with no trigger, and how long the failed state does.
use super::{
    exit::{Exit, Failure, Outcome},
    interrupt, progress,
    study::{Common, Found, span},
    table::Table,
};
use crate::{
    plot,
    scenario::Scenario,
    study::{
        lifetime::{self, Expected, FailedBy, Study},
        seeds::seeds,
        splitting::{Effort, Rare, rare},
        survival::Estimate,
    },
};
use clap::ValueEnum;
use lab_core::time::{Span, Time};
use std::fmt::Write as _;

/// How long the healthy state lives with no trigger, and the failed state after one.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lab lifetime configs/retry-storm.yaml --set workload.rate=720/s --for '20 min'
  lab lifetime configs/retry-storm.yaml --splitting always

The healthy state ends when health has failed for 20 s; the failed one when it is back in three windows in a row. Where fewer than
20 runs fall, the rate is found by splitting (docs/LIFETIMES.md)")]
pub(super) struct Args {
    #[command(flatten)]
    common: Common,
    /// How long each run is watched: from the warm-up's end, and from the last trigger's. Without it, as long as the config's run lasts after them
    #[arg(long = "for", value_name = "TIME", value_parser = span)]
    watch: Option<Span>,
    /// Whether rare failures are sought by splitting: `auto` where fewer than 20 runs fall
    #[arg(long, value_enum, default_value = "auto")]
    splitting: Splitting,
    /// Branches at each level of the splitting
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(10..))]
    branches: u32,
    /// Repetitions of the splitting
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u32).range(5..))]
    repetitions: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Splitting {
    /// Where too few runs fall
    Auto,
    /// Whatever is seen without
    Always,
    /// Not at all
    Never,
}

/// From so many escapes on, they tell the rate well enough: to a factor of 1.6.
const ENOUGH: usize = 20;

pub(super) fn run(args: &Args) -> Outcome {
    const SEEDS: usize = 64;
    let study = args.common.begin(args.common.plan()?)?;
    let scenario = study.plan.baseline.clone();
    let seeds = seeds(&scenario, args.common.seeds(SEEDS));
    let (healthy, failed) = watches(args, &scenario);
    let (escape, (failed_by, recovery)) = study.watched("lifetimes of", 2 * seeds.len() as u64, |watch| {
        let escape = lifetime::escapes(&scenario, &seeds, healthy, watch);
        (escape, lifetime::recoveries(&scenario, &seeds, failed, watch))
    });
    if escape.lives.is_empty() && escape.elsewhere == 0 {
        return Err(Failure::Interrupted);
    }
    let wanted = match args.splitting {
        Splitting::Always => true,
        Splitting::Auto => escape.rate.events < ENOUGH && !escape.lives.is_empty(),
        Splitting::Never => false,
    };
    let sought = (wanted && !interrupt::interrupted()).then(|| split(args, &scenario));
    let (rare, not_rare) = match sought {
        None => (None, None),
        Some(Ok(rare)) => (Some(rare), None),
        Some(Err(why)) => (None, Some(why)),
    };
    let found = Study { watch_s: healthy.as_secs_f64(), escape, failed_by, recovery, rare, not_rare };
    let nothing = found.escape.lives.is_empty() && found.recovery.lives.is_empty();
    study.finish(Found {
        verb: "lifetime",
        text: tell(&found),
        figures: if nothing { vec![] } else { vec![plot::lifetimes(&scenario, &found)] },
        document: serde_json::to_value(&found).expect("plain data"),
        // Never healthy: there is no lifetime to speak of.
        exit: if found.escape.lives.is_empty() { Exit::Inconclusive } else { Exit::Done },
    })
}

/// How long the healthy and the failed state are watched.
fn watches(args: &Args, scenario: &Scenario) -> (Span, Span) {
    let rest = |from: Time| scenario.end().since(from).max(scenario.healthy.over);
    let healthy = args.watch.unwrap_or(rest(Time::ZERO + scenario.warmup));
    let failed = args.watch.unwrap_or(rest(scenario.triggers_over()));
    (healthy, failed)
}

fn split(args: &Args, scenario: &Scenario) -> Result<Rare, String> {
    let effort = Effort { branches: args.branches as usize, repetitions: args.repetitions as usize };
    let bar = progress::spinner("splitting", args.common.json);
    let found = rare(&scenario.undisturbed(), effort, scenario.seed, &|| !interrupt::interrupted());
    bar.finish_and_clear();
    found
}

fn tell(found: &Study) -> String {
    let mut table =
        Table::new(&["state", "runs>", "ended>", "mean life", "median", "without memory?", "theory"]);
    for (state, lives) in [("healthy", &found.escape), ("failed", &found.recovery)] {
        if lives.lives.is_empty() {
            continue;
        }
        let rate = &lives.rate;
        table.line([
            state.into(),
            lives.lives.len().to_string(),
            rate.events.to_string(),
            match rate.events {
                0 => format!("above {}", seconds(rate.mean_s.low)),
                _ => interval(&rate.mean_s),
            },
            lives.median_s.map_or("not seen".into(), |median| interval(&median)),
            rate.p_memoryless.map_or("too few".into(), |p| format!("p = {p:.3}")),
            theory(lives.expected),
        ]);
    }
    let mut text = table.to_string();
    let _ = writeln!(text, "\n  {}", remarks(found));
    if let Some(rare) = &found.rare {
        text += &told(rare);
    }
    if let Some(why) = &found.not_rare {
        let _ = writeln!(text, "\n  No splitting: {why}.");
    }
    text
}

fn remarks(found: &Study) -> String {
    let Study { escape, recovery, failed_by, watch_s, .. } = found;
    let mut text = format!(
        "mean: time at risk over ends, with 95 % intervals; each run was watched for {watch_s:.0} s."
    );
    if escape.elsewhere > 0 {
        let _ = write!(text, "\n  {} runs were never healthy and count for nothing.", escape.elsewhere);
    }
    let (failed, all) = (recovery.lives.len(), recovery.lives.len() + recovery.elsewhere);
    let _ = match failed_by {
        FailedBy::Triggers => write!(text, "\n  {failed} of {all} runs were failed when the triggers ended."),
        FailedBy::Escape => {
            write!(text, "\n  {failed} of {all} runs fell by themselves; the config has no trigger.")
        }
    };
    text
}

fn told(rare: &Rare) -> String {
    let Rare { rate_per_s, per_excursion, levels, home, events, events_without, furthest, .. } = rare;
    let mut text = String::from("\n  By splitting:\n");
    if rate_per_s.value == 0.0 {
        text += "  no branch ended in failure: more branches are needed, or it does not fail\n";
        if let Some((level, per_s)) = furthest {
            let _ = writeln!(
                text,
                "  all repetitions got to {level} jobs at the fullest replica, which takes {} on average; it lives longer",
                interval(&mean_time(per_s))
            );
        }
        return text + &format!("  {:.2e} events\n", *events as f64);
    }
    let life = mean_time(rate_per_s);
    let _ = writeln!(text, "  the healthy state lives {} on average", interval(&life));
    let _ = writeln!(
        text,
        "  one excursion beyond {home} jobs at the fullest replica in {} ends in failure: p = {:.3e} ({:.2e} to {:.2e})",
        crate::theory::grouped(&format!("{:.0}", 1.0 / per_excursion.value)),
        per_excursion.value,
        per_excursion.low,
        per_excursion.high
    );
    let _ = writeln!(text, "  {}, then failure", climbed(levels));
    let _ = writeln!(
        text,
        "  {:.2e} events; runs without splitting would need {events_without:.1e} for the same precision ({:.1}×)",
        *events as f64,
        events_without / *events as f64
    );
    text
}

/// The mean time between events of such a rate.
fn mean_time(per_s: &Estimate) -> Estimate {
    Estimate { value: 1.0 / per_s.value, low: 1.0 / per_s.high, high: 1.0 / per_s.low }
}

/// The levels in words: a few by name, many by their ends.
fn climbed(levels: &[usize]) -> String {
    const NAMED: usize = 12;
    let list: Vec<String> = levels.iter().map(usize::to_string).collect();
    match &list[..] {
        [first, .., last] if list.len() > NAMED => {
            format!("{} levels from {first} to {last} jobs", list.len())
        }
        few => format!("levels of {} jobs", few.join(", ")),
    }
}

fn theory(expected: Expected) -> String {
    match expected {
        Expected::ByChance(mean) => format!("{}, by chance", seconds(mean)),
        Expected::Drains(mean) => format!("{}, a drain", seconds(mean)),
        Expected::Never => "for ever".into(),
        Expected::Unknown => "–".into(),
    }
}

fn interval(estimate: &Estimate) -> String {
    format!("{} ({} to {})", seconds(estimate.value), seconds(estimate.low), seconds(estimate.high))
}

fn seconds(s: f64) -> String {
    match s {
        s if !s.is_finite() => "no bound".into(),
        s if s < 1e7 => format!("{} s", crate::theory::grouped(&format!("{s:.0}"))),
        s => format!("{s:.2e} s"),
    }
}
