//! Tells what came of an experiment: tables for people, one document for machines.
use super::{Exit, Experiment, Run, files::record, report::seeds};
use crate::{
    cli::{
        format::{rate, ratio, seconds},
        table::Table,
    },
    verdict::Row,
};
use serde_json::{Value, json};
use std::path::Path;

/// The tables.
pub(super) fn tell(experiment: &Experiment<'_>, path: &Path, report: bool) -> String {
    let main = &experiment.runs[0];
    let mut text = format!("{} · {}\n\n", experiment.plan.name, main.scenario.title);
    text += &verdicts(&experiment.runs);
    text += &format!("\n  {}: {}\n", main.variant, main.summary.reason);
    for run in experiment.runs.iter().filter(|run| !run.unfit.is_empty()) {
        text += &format!("\n  {} live is unfit: {}\n", run.variant, run.unfit.join("; "));
    }
    for (variant, rows) in &experiment.agreement {
        text += &format!(
            "\nagreement of simulation and live run, {variant}\n\n{}",
            agreement_table(rows, ["simulated", "live"])
        );
    }
    text += &expectations(experiment);
    if experiment.interrupted {
        text += "\ninterrupted: what was done until then is kept, expectations were not checked\n";
    }
    let shown = if report { path.join("report.html") } else { path.into() };
    text + &format!("\n{}  ({:.1} s)\n", shown.display(), experiment.took_s)
}

/// One line for each variant and engine; with several seeds, of the first one and the shares of all.
fn verdicts(runs: &[Run]) -> String {
    let mut table = Table::new(&[
        "variant",
        "engine",
        "verdict",
        "before>",
        "during>",
        "after>",
        "amplification>",
        "recovery>",
        "seeds",
    ]);
    let mut seen: Vec<(&str, &str)> = vec![];
    for run in runs {
        if seen.contains(&(&run.variant, run.engine)) {
            continue;
        }
        seen.push((&run.variant, run.engine));
        let s = &run.summary;
        let spontaneous = if s.spontaneous { " (spontaneous)" } else { "" };
        let lever =
            if s.after_lever.is_empty() { String::new() } else { format!(", lever: {}", s.after_lever) };
        table.line([
            run.variant.clone(),
            run.engine.into(),
            format!("{}{spontaneous}{lever}", s.verdict),
            rate(s.before.goodput_per_s),
            rate(s.during.goodput_per_s),
            rate(s.after.goodput_per_s),
            ratio(s.after.amplification),
            seconds(s.recovery_s),
            seeds(runs, run),
        ]);
    }
    format!("{table}\n  before, during, after: good calls per second before, during and after the trigger\n")
}

/// A table of what is compared, with the names of its two sides.
pub(in crate::cli) fn agreement_table(rows: &[Row], sides: [&str; 2]) -> String {
    let mut table =
        Table::new(&["", &format!("{}>", sides[0]), &format!("{}>", sides[1]), "difference>", "allowed", ""]);
    for row in rows {
        let unit = if row.unit.is_empty() { String::new() } else { format!(" ({})", row.unit) };
        table.line([
            format!("{}{unit}", row.quantity),
            row.sim.to_string(),
            row.live.to_string(),
            row.difference.clone(),
            row.tolerance.clone(),
            match row.agrees {
                Some(true) => "agrees".into(),
                Some(false) => "DIFFERS".into(),
                None => String::new(),
            },
        ]);
    }
    table.to_string()
}

fn expectations(experiment: &Experiment<'_>) -> String {
    let mut table = Table::new(&["expected", "engine", "found", ""]);
    for checked in &experiment.expectations {
        let held = if checked.held { "held" } else { "NOT HELD" };
        table.line([checked.text.clone(), checked.engine.clone(), checked.measured.clone(), held.into()]);
    }
    if table.is_empty() { String::new() } else { format!("\n{table}") }
}

/// The same for machines.
pub(super) fn document(experiment: &Experiment<'_>, path: &Path, exit: Exit) -> Value {
    json!({
        "config": experiment.plan.name,
        "title": experiment.plan.baseline.title,
        "results": path,
        "interrupted": experiment.interrupted,
        "exit_code": exit.number(),
        "runs": experiment.runs.iter().map(record).collect::<Vec<_>>(),
        "agreement": experiment.agreement,
        "expectations": experiment.expectations,
    })
}
