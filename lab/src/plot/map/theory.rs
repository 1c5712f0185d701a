//! The lines that theory draws through a map, and what each assumes.
use super::sheet::Sheet;
use crate::{
    plot::{canvas::At, panel::Panel, words::rate},
    sweep::{PointResult, Theory},
};

/// A line of theory.
pub(super) struct TheoryLine {
    pub(super) lines: Vec<Vec<At>>,
    /// What it is, and by which formula.
    pub(super) name: &'static str,
    pub(super) formula: String,
}

/// Where a failed state stops healing by itself, and where the healthy state ends: loads that no trigger is needed for.
pub(super) fn loads(sheet: &Sheet, panel: &Panel) -> Vec<TheoryLine> {
    let hidden = |t: &Theory| t.hidden_capacity_per_s;
    let ceiling = |t: &Theory| t.ceiling_per_s;
    let line = |name, sign: &str, limit: fn(&Theory) -> f64| TheoryLine {
        lines: of(sheet, panel, |t| t.offered_per_s - limit(t)),
        name,
        formula: match common(sheet, limit) {
            Some(load) => format!("{sign} = {}", rate(load.round())),
            None => sign.into(),
        },
    };
    let all = [line("hidden capacity", "μ/R", hidden), line("ceiling", "λc", ceiling)];
    all.into_iter().filter(|line| !line.lines.is_empty()).collect()
}

/// Where the triggers leave as much work as is served within a timeout, followed as a fluid.
pub(super) fn fluid(sheet: &Sheet, panel: &Panel, trigger: &str) -> Option<TheoryLine> {
    let lines = of(sheet, panel, |t| match t.vulnerable {
        true => t.backlog_jobs - t.jobs_per_timeout,
        false => f64::NAN,
    });
    let formula = format!("queue after the {trigger} = μT");
    (!lines.is_empty()).then_some(TheoryLine { lines, name: "fluid model", formula })
}

fn of(sheet: &Sheet, panel: &Panel, value: impl Fn(&Theory) -> f64) -> Vec<Vec<At>> {
    sheet.zero(panel, |point: &PointResult| point.theory.as_ref().map_or(f64::NAN, &value))
}

/// The limit, if it is the same at all points.
fn common(sheet: &Sheet, limit: fn(&Theory) -> f64) -> Option<f64> {
    let all = (0..sheet.ys.len()).flat_map(|row| (0..sheet.xs.len()).map(move |column| (column, row)));
    let mut limits = all.filter_map(|(column, row)| sheet.point(column, row).theory.as_ref().map(limit));
    let first = limits.next()?;
    limits.all(|other| (other - first).abs() <= 1e-6 * first.abs()).then_some(first)
}
