//! What the axes of a map stand for, in a reader's words.
use crate::{
    plot::{
        quantity::{named, setting_at},
        setting::{clients, service},
        words::{number, plural, rate, seconds},
    },
    scenario::{Grid, Scenario, grid::Axis},
    sweep::Merged,
};
use lab_core::timeline::Effect;

/// What an axis is, as a noun: `fresh load`, `length of the spike`.
pub(super) fn noun(axis: &Axis) -> String {
    let steps: Vec<&str> = axis.path.split('.').collect();
    match steps[..] {
        ["triggers" | "levers", name, "for"] => format!("length of the {}", plain(name)),
        ["triggers" | "levers", name, "at"] => format!("beginning of the {}", plain(name)),
        ["triggers", name, "do", "load_spike", "factor"] => format!("height of the {}", plain(name)),
        _ => setting_at(&axis.path),
    }
}

/// The same with its unit, for the edge of a panel.
pub(super) fn axis_name(axis: &Axis) -> String {
    match axis.path.ends_with("load_spike.factor") {
        true => named(&noun(axis), "times the fresh load"),
        false => named(&noun(axis), axis.unit),
    }
}

/// What grows along the axis of a trigger: the trigger itself, of which it is a measure.
pub(super) fn survived(grid: &Grid, axis: &Axis) -> String {
    let of_it = axis.path.ends_with(".for") || axis.path.ends_with("load_spike.factor");
    if of_it { trigger(grid) } else { noun(axis) }
}

/// More and less on an axis: `longer` and `shorter`.
pub(super) fn comparatives(axis: &Axis) -> (&'static str, &'static str) {
    match axis.unit {
        "s" => ("longer", "shorter"),
        _ if axis.path.ends_with("load_spike.factor") => ("higher", "lower"),
        _ => ("larger", "smaller"),
    }
}

/// A value on an axis with its unit.
pub(super) fn value(axis: &Axis, value: f64) -> String {
    match axis.unit {
        "per second" => rate(value),
        "s" => seconds(value),
        "" if axis.path.ends_with("factor") => format!("{} times", number(value)),
        "" => number(value),
        unit => format!("{} {unit}", number(value)),
    }
}

/// What goes wrong, by the name that the config gives it: `spike`.
pub(super) fn trigger(grid: &Grid) -> String {
    let triggers: Vec<&str> =
        grid.points[0].scenario.triggers().map(|t| t.name.split('/').next().unwrap_or("")).collect();
    match triggers[..] {
        [one] => plain(one),
        [] => "load".into(),
        _ => "trouble".into(),
    }
}

fn plain(name: &str) -> String {
    name.replace(['_', '-'], " ")
}

/// What was run and what stays the same everywhere, for the line below the title.
pub(super) fn setting(grid: &Grid, merged: &Merged) -> String {
    let scenario = &grid.points[0].scenario;
    let varied = |part: &str| grid.axes.iter().any(|axis| axis.path.starts_with(part));
    let mut parts = vec![];
    if !varied("services") {
        parts.push(service(scenario));
    }
    if !varied("clients") {
        parts.push(clients(scenario));
    }
    parts.extend(spikes(grid, scenario));
    parts.push(runs(grid, merged));
    parts.join("; ")
}

/// What is fixed of a load spike: its height where its length varies, and the other way round.
fn spikes(grid: &Grid, scenario: &Scenario) -> Option<String> {
    let mut triggers = scenario.triggers();
    let (one, None) = (triggers.next()?, triggers.next()) else { return None };
    let Effect::LoadSpike { factor, .. } = one.effect else { return None };
    let varied =
        |path: &str| grid.axes.iter().any(|axis| axis.path == format!("triggers.{}.{path}", one.name));
    let name = plain(&one.name);
    match (varied("for"), varied("do.load_spike.factor")) {
        (true, false) => Some(format!("the {name} multiplies the load by {}", number(factor))),
        (false, true) => {
            Some(format!("the {name} lasts {}", seconds(one.until.since(one.from).as_secs_f64())))
        }
        _ => None,
    }
}

fn runs(grid: &Grid, merged: &Merged) -> String {
    let runs = plural(merged.cells as u64, if grid.live { "live run" } else { "simulated run" });
    let counts = || merged.points.iter().map(|point| point.shares.runs);
    let (least, most) = (counts().min().unwrap_or(0), counts().max().unwrap_or(0));
    let seeds = match (least, most) {
        (least, most) if least == most => format!("{} a point", plural(most as u64, "seed")),
        (least, most) => format!("{least} to {most} seeds a point"),
    };
    let draft = match merged.missing {
        0 => String::new(),
        missing => format!("; a draft: {} missing", plural(missing as u64, "run")),
    };
    format!("{} points, {runs}, {seeds}{draft}", number(grid.points.len() as f64))
}
