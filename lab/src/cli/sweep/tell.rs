//! Tells what a sweep asks for, how far it is, and what came of it.
use crate::{
    sweep::{Cell, ENGINE, LiveRuns, Merged, Plan, PointResult, Progress, Shard, Store, simulate},
    theory::grouped,
};
use serde_json::json;
use std::{fmt::Write, path::Path};

/// What `plan` asks for. One cell in the middle of the grid is run, to say what all cost.
pub(super) fn plan(plan: &Plan, json: bool) -> String {
    let grid = &plan.grid;
    let (points, cells) = (grid.points.len(), plan.cells().count());
    let centre: Vec<usize> = grid.axes.iter().map(|axis| axis.values.len() / 2).collect();
    let middle = grid.index(&centre);
    let real_s = grid.live.then(|| seconds(plan, plan.cells()));
    let cpu_s = real_s.is_none().then(|| {
        let before = cpu_s();
        simulate(&grid.points[middle].scenario, grid.seed(middle, 0));
        (cpu_s() - before) * cells as f64
    });
    if json {
        let axes: Vec<_> =
            grid.axes.iter().map(|axis| json!({ "path": axis.path, "values": axis.values })).collect();
        let document = json!({
            "version": 1, "sweep": grid.name, "plan": plan.id, "engine": ENGINE, "axes": axes, "points": points,
            "replications": grid.replications, "cells": cells, "refined": grid.refine.is_some(),
            "estimated_cpu_s": cpu_s, "live_s": real_s,
        });
        return format!("{document:#}\n");
    }
    let mut text = format!("{} · {}\n\n", grid.name, grid.title);
    for axis in &grid.axes {
        let values = match &axis.values[..] {
            [first, .., last] if axis.values.len() > 6 => {
                format!("{} values from {first} to {last}", axis.values.len())
            }
            values => values.join(", "),
        };
        put(&mut text, format_args!("  {}: {values}\n", axis.path));
    }
    let refined = match grid.refine {
        None => String::new(),
        Some(refine) => {
            let first = count(points * refine.first as usize);
            format!("; refined: {first} for certain, the others near the boundary")
        }
    };
    put(
        &mut text,
        format_args!(
            "\n  plan {}, engine {ENGINE}\n  {} points × {} seeds: {} cells{refined}\n",
            plan.id,
            count(points),
            grid.replications,
            count(cells)
        ),
    );
    if let Some(cpu_s) = cpu_s {
        put(
            &mut text,
            format_args!(
                "  about {} of processor time for all of them, by a cell in the middle\n",
                rough(cpu_s)
            ),
        );
    }
    if let Some(real_s) = real_s {
        put(&mut text, format_args!("  live: {} on a quiet host, one after the other\n", rough(real_s)));
    }
    text
}

/// How long live runs of `cells` take, in seconds.
pub(super) fn seconds(plan: &Plan, cells: impl Iterator<Item = Cell>) -> f64 {
    cells.map(|cell| plan.grid.duration(cell.point).as_secs_f64()).sum()
}

/// What is to be done about live cells without a run that counts; empty where there are none.
pub(super) fn unfit(progress: &Progress) -> String {
    match progress.unfit.len() {
        0 => String::new(),
        n => format!(
            "{} of {} cells have no run on a host that was fit, and count for nothing\n  help: `lab sweep run --unfit` runs them \
             again; `lab selftest` says what the host can do\n",
            count(n),
            count(progress.asked())
        ),
    }
}

/// How far a sweep is.
pub(super) fn status(plan: &Plan, store: &Store, progress: &Progress, json: bool) -> String {
    let (asked, missing) = (progress.asked(), progress.missing.len());
    let refined = progress.rounds > 1;
    if json {
        let document = json!({
            "version": 1, "sweep": plan.grid.name, "plan": plan.id, "round": progress.round, "rounds_at_most": progress.rounds,
            "cells": asked, "done": asked - missing, "missing": missing, "complete": progress.is_complete(),
            "unfit": progress.unfit.len(), "attempts": store.attempts, "torn": store.torn, "repeated": store.repeated,
        });
        return format!("{document:#}\n");
    }
    let round = if refined {
        format!(", round {} of at most {}", progress.round + 1, progress.rounds)
    } else {
        String::new()
    };
    let torn = if store.torn > 0 { format!(", torn={}", store.torn) } else { String::new() };
    let repeated =
        if store.repeated > 0 { format!(", done twice={}", store.repeated) } else { String::new() };
    let unfit =
        if progress.unfit.is_empty() { String::new() } else { format!(", unfit={}", progress.unfit.len()) };
    format!(
        "{} · plan {}: {}/{} done{round}, attempts={}{torn}{repeated}{unfit}\n",
        plan.grid.name,
        plan.id,
        count(asked - missing),
        count(asked),
        store.attempts
    )
}

/// The shards of `shards` that have cells missing in the round in hand.
pub(super) fn missing(progress: &Progress, shards: u32) -> String {
    let has = |index: &u32| {
        let shard = Shard { index: *index, of: shards };
        progress.missing.iter().any(|position| shard.has(*position))
    };
    let indexes: Vec<String> = (0..shards).filter(has).map(|index| index.to_string()).collect();
    indexes.join(",")
}

/// Why a merge is refused.
pub(super) fn refusal(progress: &Progress) -> String {
    let round = match progress.rounds {
        1 => String::new(),
        rounds => format!(" in round {} of at most {rounds}", progress.round + 1),
    };
    format!(
        "error: {} of {} cells are missing{round}\n  help: `lab sweep run` does what is missing; `--partial` makes a draft of what \
         is there\n",
        count(progress.missing.len()),
        count(progress.asked())
    )
}

/// What came of it.
pub(super) fn merged(plan: &Plan, merged: &Merged, path: &Path) -> String {
    let of = |what: fn(&PointResult) -> bool| merged.points.iter().filter(|point| what(point)).count();
    let (never, always) = (of(|p| p.shares.p_metastable == 0.0), of(|p| p.shares.p_metastable == 1.0));
    let inconclusive = of(|p| 2 * p.inconclusive > p.shares.runs);
    let points = merged.points.len();
    let mut text = format!(
        "{} · {}\n\n  {} points, {} runs: no run is metastable at {}, every one at {}, some at {}\n",
        plan.grid.name,
        merged.title,
        count(points),
        count(merged.cells),
        count(never),
        count(always),
        count(points - never - always)
    );
    if inconclusive > 0 {
        put(
            &mut text,
            format_args!(
                "  at {} points most runs say nothing (draining, overloaded or undecided)\n",
                count(inconclusive)
            ),
        );
    }
    if merged.missing > 0 {
        put(&mut text, format_args!("  a draft: {} cells are missing\n", count(merged.missing)));
    }
    put(&mut text, format_args!("\n{}\n", path.display()));
    text
}

/// One row for each point.
pub(super) fn csv(plan: &Plan, merged: &Merged) -> String {
    let mut csv = String::new();
    for axis in &plan.grid.axes {
        put(&mut csv, format_args!("{},", field(&axis.path)));
    }
    csv += "runs,p_metastable,low,high,inconclusive,verdicts,recovery_s,offered_per_s,goodput_per_s,amplification,\
            calls,p50_ms,p90_ms,p99_ms,p999_ms,max_ms";
    csv += if plan.grid.live { ",attempts,unfit,goodput_low_per_s,goodput_high_per_s\n" } else { "\n" };
    for point in &merged.points {
        for axis in &plan.grid.axes {
            put(&mut csv, format_args!("{},", field(&point.at[&axis.path])));
        }
        let (shares, latency) = (&point.shares, &point.latency);
        let verdicts: Vec<String> =
            shares.verdicts.iter().map(|(word, count)| format!("{count} {word}")).collect();
        let number = |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
        let known = |value: f64| number(Some(value).filter(|value| value.is_finite()));
        let columns = [
            shares.runs.to_string(),
            known(shares.p_metastable),
            known(shares.interval.0),
            known(shares.interval.1),
            point.inconclusive.to_string(),
            verdicts.join(" "),
            number(point.recovery_s),
            number(point.offered_per_s),
            number(point.goodput_per_s),
            number(point.amplification),
            latency.count.to_string(),
            latency.p50_ms.to_string(),
            latency.p90_ms.to_string(),
            latency.p99_ms.to_string(),
            latency.p999_ms.to_string(),
            latency.max_ms.to_string(),
        ];
        csv += &columns.join(",");
        if let Some(LiveRuns { attempts, unfit, goodput_per_s }) = point.live {
            let ends = [goodput_per_s.map(|g| g.0), goodput_per_s.map(|g| g.1)].map(number);
            put(&mut csv, format_args!(",{attempts},{unfit},{}", ends.join(",")));
        }
        csv.push('\n');
    }
    csv
}

/// A field of a CSV file.
fn field(text: &str) -> String {
    match text.contains([',', '"', '\n']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.into(),
    }
}

fn count(n: usize) -> String {
    grouped(&n.to_string())
}

fn rough(seconds: f64) -> String {
    match seconds {
        s if s < 90.0 => format!("{s:.0} s"),
        s if s < 5400.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3600.0),
    }
}

fn put(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    text.write_fmt(arguments).expect("writing to a string does not fail");
}

/// Processor time of this thread so far, in seconds.
#[cfg(feature = "live")]
fn cpu_s() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Not known here.
#[cfg(not(feature = "live"))]
fn cpu_s() -> f64 {
    f64::NAN
}
