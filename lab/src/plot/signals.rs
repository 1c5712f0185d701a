//! Which metric tells stuck from recovered runs: the best ones in rows, a column for each time after the trigger.
use super::{
    Figure,
    canvas::{AXIS_NAME, CENTRE_BOTTOM, CENTRE_TOP, Canvas, HEADING, RIGHT_MIDDLE, TICK, Type, draw},
    header::Header,
    ink::colour,
    panel::Panel,
    scale::Scale,
    setting::scene,
    stem,
    words::{number, seconds},
};
use crate::{
    scenario::Scenario,
    study::signals::{Separation, Signals},
};

const WIDTH: f64 = 760.0;
const LEFT: f64 = 168.0;
const RIGHT: f64 = WIDTH - 28.0;
const ROW: f64 = 26.0;
const GAP: f64 = 16.0;
/// Rows of the figure.
const ROWS: usize = 12;
/// Columns of the figure.
const COLUMNS: usize = 4;

/// The figure of `found`. `None` where nothing separates because one kind of run is missing.
pub fn signals(found: &Signals, scenario: &Scenario) -> Option<Figure> {
    let rows: Vec<&Separation> = found.metrics.iter().take(ROWS).collect();
    let best = rows.first()?;
    let columns = columns(found);
    let title = title(found, best);
    let subtitle = format!(
        "area under the ROC curve between {} runs that stay down and {} that recover, with DeLong's 95 %; ↓: lower in those that \
         stay down; {}; simulated",
        found.stuck,
        found.recovered,
        scene(scenario)
    );
    let header = Header::new(&title, &subtitle, None, WIDTH);
    let y0 = header.bottom() + 44.0;
    let width = (RIGHT - LEFT - GAP * (columns.len() as f64 - 1.0)) / columns.len() as f64;
    let panel = |index: usize| Panel {
        x0: LEFT + index as f64 * (width + GAP),
        y0,
        x1: LEFT + index as f64 * (width + GAP) + width,
        y1: y0 + ROW * rows.len() as f64,
        x: Scale::Linear(0.46, 1.03),
        y: Scale::Linear(rows.len() as f64 - 0.5, -0.5),
    };
    let ink = draw(WIDTH, panel(0).y1 + 62.0, |canvas| {
        header.draw(canvas);
        for (index, column) in columns.iter().enumerate() {
            let panel = panel(index);
            axes(canvas, &panel, rows.len());
            let above = (f64::midpoint(panel.x0, panel.x1), panel.y0 - 8.0);
            canvas.text(
                &when(found.times_s[*column])
                    .replace("the trigger ends", "it ends")
                    .replace(" the trigger", ""),
                HEADING,
                above,
                CENTRE_BOTTOM,
            );
            for (row, metric) in rows.iter().enumerate() {
                point(canvas, &panel, row, metric, *column);
            }
        }
        let panel = panel(0);
        for (row, metric) in rows.iter().enumerate() {
            let kind = Type { colour: colour::INK, ..TICK };
            let at = (panel.x0 - 10.0, panel.y0 + ROW * (row as f64 + 0.5));
            canvas.text(
                &format!("{}{}", metric.metric, if lower(metric) { " ↓" } else { "" }),
                kind,
                at,
                RIGHT_MIDDLE,
            );
        }
        let below = (f64::midpoint(LEFT, RIGHT), panel.y1 + 31.0);
        canvas.text("AUC: ½ tells nothing, 1 tells all", AXIS_NAME, below, CENTRE_TOP);
    });
    let caption = format!("{title}. {}", said(found, &rows));
    Some(Figure { name: stem(&["signals"]), ink, caption })
}

/// A time after the last trigger.
fn when(after_s: f64) -> String {
    if after_s == 0.0 {
        "as the trigger ends".into()
    } else {
        format!("{} after the trigger", seconds(after_s))
    }
}

/// The columns that are drawn: evenly, the first and the last among them.
fn columns(found: &Signals) -> Vec<usize> {
    let all = found.times_s.len();
    if all <= COLUMNS {
        (0..all).collect()
    } else {
        (0..COLUMNS).map(|n| n * (all - 1) / (COLUMNS - 1)).collect()
    }
}

/// Whether runs that stay down have the lower values, by the time at which that is clearest.
fn lower(metric: &Separation) -> bool {
    let clearest =
        metric.at.iter().flatten().max_by(|a, b| (a.auc - 0.5).abs().total_cmp(&(b.auc - 0.5).abs()));
    clearest.is_some_and(|auc| auc.auc < 0.5)
}

fn title(found: &Signals, best: &Separation) -> String {
    let known = best.at.iter().zip(&found.times_s).filter_map(|(auc, t)| Some(((*auc)?, *t)));
    let size = |auc: f64| (auc - 0.5).abs() + 0.5;
    let first = known.clone().next();
    let good = known.clone().find(|(auc, _)| size(auc.auc) >= 0.95);
    match (good, first) {
        (Some((auc, t)), _) => {
            format!("“{}” tells {} who stays down (AUC {:.2})", best.metric, when(t), size(auc.auc))
        }
        (None, Some(_)) => {
            let (auc, t) = known
                .fold((0.0, 0.0), |most, (a, t)| if size(a.auc) > most.0 { (size(a.auc), t) } else { most });
            format!("No metric is sure: the best is “{}”, AUC {auc:.2} {}", best.metric, when(t))
        }
        (None, None) => "Nothing separates them".into(),
    }
}

fn axes(canvas: &Canvas, panel: &Panel, rows: usize) {
    let marks = [0.5, 0.75, 1.0];
    panel.grid(canvas, &marks, &(0..rows).map(|r| r as f64).collect::<Vec<_>>());
    panel.lower_axis(canvas, &marks.map(|v| (v, number(v))));
}

fn point(canvas: &Canvas, panel: &Panel, row: usize, metric: &Separation, column: usize) {
    let Some(auc) = metric.at[column] else { return };
    // Turned so that right is always better.
    let turned = |v: f64| if auc.auc < 0.5 { 1.0 - v } else { v };
    let (a, b) = (turned(auc.interval.0), turned(auc.interval.1));
    let y = panel.py(row as f64);
    let (low, high) = (panel.px(a.min(b).max(0.46)), panel.px(a.max(b)));
    let tint = if (auc.auc < 0.5) == lower(metric) { colour::BLUE } else { colour::PURPLE };
    canvas.line(&[(low, y), (high, y)], tint, 1.5);
    canvas.dot((panel.px(turned(auc.auc)), y), 4.0, tint);
}

fn said(found: &Signals, rows: &[&Separation]) -> String {
    let one = |metric: &&Separation| {
        let best = metric.at.iter().flatten().map(|a| (a.auc - 0.5).abs() + 0.5).fold(0.5, f64::max);
        format!("{} {best:.2}", metric.metric)
    };
    let all: Vec<String> = rows.iter().map(one).collect();
    format!(
        "Best area of each metric over {} times after the trigger: {}.",
        found.times_s.len(),
        all.join(", ")
    )
}
