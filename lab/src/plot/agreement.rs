//! The answers of theory, simulation and live runs to the same questions, each over the simulation's.
use super::{
    Figure,
    canvas::{AXIS_NAME, CENTRE_TOP, Canvas, HEADING, LEFT_MIDDLE, UNIT, draw, name_in},
    header::Header,
    ink::{Colour, colour},
    panel::Panel,
    quantity::setting_at,
    scale::Scale,
    setting::scene,
    stem,
    words::{count, list, number},
};
use crate::{
    scenario::Scenario,
    study::agreement::{Agreement, Row},
};

const WIDTH: f64 = 960.0;
const LEFT: f64 = 250.0;
const RIGHT: f64 = WIDTH - 60.0;
const HEIGHT: f64 = 76.0;
/// What is farther off than this stands at the axis' end.
const FARTHEST: f64 = 10.0;

/// The figure of `found`. `None` where the simulation has no answer to any question.
pub fn agreement(found: &Agreement, scenario: &Scenario) -> Option<Figure> {
    let rows: Vec<&Row> = found.rows.iter().filter(|row| base(row).is_some()).collect();
    if rows.is_empty() {
        return None;
    }
    let title = title(&rows);
    let seeds = found.seeds;
    let subtitle = format!(
        "each answer over the simulation's; simulated: median and 95 % of {seeds} seeds; shaded: as close as theory promises \
         to be; {}",
        scene(scenario)
    );
    let header = Header::new(&title, &subtitle, None, WIDTH);
    let top = header.bottom() + 26.0;
    let bottom = top + HEIGHT * rows.len() as f64;
    let ratios = rows.iter().flat_map(|row| places(row)).map(|v| v.max(1.0 / v));
    let widest = 1.25 * ratios.filter(|ratio| *ratio <= FARTHEST).fold(2.0, f64::max);
    let panel = Panel {
        x0: LEFT,
        y0: top,
        x1: RIGHT,
        y1: bottom,
        x: Scale::Log(1.0 / widest, widest),
        y: Scale::Linear(0.0, 1.0),
    };
    let ink = draw(WIDTH, bottom + 60.0, |canvas| {
        header.draw(canvas);
        axis(canvas, &panel);
        for (index, row) in rows.iter().enumerate() {
            let y = top + HEIGHT * (index as f64 + 0.5);
            band(canvas, &panel, row, y);
            answers(canvas, &panel, row, y);
        }
    });
    let caption = format!("{title}. {}.", rows.iter().map(|row| said(row)).collect::<Vec<_>>().join("; "));
    Some(Figure { name: stem(&["agreement"]), ink, caption })
}

/// What everything in a row is divided by: the simulation's value, or the finite end of its interval.
fn base(row: &Row) -> Option<f64> {
    let (low, _) = row.simulated.range()?;
    Some(row.simulated.value.unwrap_or(low)).filter(|base| base.is_finite() && *base > 0.0)
}

/// Where the marks of a row lie, as ratios.
fn places(row: &Row) -> Vec<f64> {
    let Some(base) = base(row) else { return vec![] };
    let ranges = [row.theory.range(), row.simulated.range(), row.live.range()];
    let ends = ranges.into_iter().flatten().flat_map(|(low, high)| [low / base, high / base]);
    ends.filter(|v| v.is_finite() && *v > 0.0).collect()
}

fn title(rows: &[&Row]) -> String {
    let judged: Vec<_> = rows.iter().filter(|row| row.theory_agrees().is_some()).collect();
    let differ: Vec<String> = judged
        .iter()
        .filter(|row| row.theory_agrees() == Some(false) || row.live_agrees() == Some(false))
        .map(|row| row.question.words().to_owned())
        .collect();
    let all = match rows.iter().any(|row| row.live_agrees().is_some()) {
        true => "Theory, simulation and live runs",
        false => "Theory and simulation",
    };
    match differ.len() {
        0 => format!("{all} agree on {} questions", count(judged.len())),
        _ => format!("{all} differ on the {}", list(&differ)),
    }
}

fn axis(canvas: &Canvas, panel: &Panel) {
    let Scale::Log(low, high) = panel.x else { return };
    let round = [0.02, 0.05, 0.1, 0.2, 0.5, 0.7, 1.0, 1.5, 2.0, 5.0, 10.0, 20.0, 50.0];
    let marks: Vec<f64> = round.into_iter().filter(|v| (low..=high).contains(v)).collect();
    panel.grid(canvas, &marks, &[]);
    let named: Vec<(f64, String)> = marks.iter().map(|v| (*v, format!("×{}", number(*v)))).collect();
    panel.lower_axis(canvas, &named);
    let x = panel.px(1.0);
    canvas.line(&[(x, panel.y0), (x, panel.y1)], colour::BLUE, 1.0);
    let below = (f64::midpoint(panel.x0, panel.x1), panel.y1 + 31.0);
    canvas.text("answer over that of the simulation (log scale)", AXIS_NAME, below, CENTRE_TOP);
}

/// The name of a row, and how far from the simulation theory may be.
fn band(canvas: &Canvas, panel: &Panel, row: &Row, y: f64) {
    let what = row.what.as_deref().map(setting_at).filter(|what| UNIT.width(what) < LEFT - 30.0);
    let up = if what.is_some() { 9.0 } else { 0.0 };
    canvas.text(row.question.words(), HEADING, (16.0, y - up), LEFT_MIDDLE);
    if let Some(what) = what {
        canvas.text(&what, UNIT, (16.0, y + 10.0), LEFT_MIDDLE);
    }
    canvas.line(&[(16.0, y + HEIGHT / 2.0), (panel.x1, y + HEIGHT / 2.0)], colour::GRID, 1.0);
    if let (Some(base), Some((low, high)), Some(_)) = (base(row), row.simulated.range(), row.theory.value) {
        let promised = row.question.promised();
        let (x0, x1) = (inside(panel, low / base / promised), inside(panel, high / base * promised));
        canvas.fill_rect((x0, y - 30.0), (x1, y + 30.0), colour::MUTED, 0.1);
    }
}

/// The three answers, one below the other.
fn answers(canvas: &Canvas, panel: &Panel, row: &Row, y: f64) {
    let Some(base) = base(row) else { return };
    let lines = [
        ("theory", &row.theory, colour::ORANGE, -20.0),
        ("simulated", &row.simulated, colour::BLUE, 0.0),
        ("live", &row.live, colour::GREEN, 20.0),
    ];
    for (who, answer, ink, dy) in lines {
        let Some((low, high)) = answer.range() else { continue };
        let y = y + dy;
        let (x0, x1) = (inside(panel, low / base), inside(panel, high / base));
        canvas.line(&[(x0, y), (x1, y)], ink, 2.0);
        if answer.interval.is_some() {
            for (end, x) in [(low, x0), (high, x1)] {
                if end.is_finite() {
                    canvas.line(&[(x, y - 4.0), (x, y + 4.0)], ink, 2.0);
                } else {
                    canvas.arrow_head((x - 10.0, y), (x, y), 9.0, ink);
                }
            }
        }
        if let Some(value) = answer.value {
            canvas.dot((inside(panel, value / base), y), 4.5, ink);
        }
        name(canvas, panel, &format!("{who} {}", shown(row, answer)), ink, (x0, x1), y);
    }
}

/// The answer in words, beside its mark.
fn name(canvas: &Canvas, panel: &Panel, words: &str, ink: Colour, (x0, x1): (f64, f64), y: f64) {
    let kind = name_in(ink);
    let right = x1 + 10.0;
    let x = if right + kind.width(words) < panel.x1 { right } else { x0 - 10.0 - kind.width(words) };
    canvas.text(words, kind, (x, y), LEFT_MIDDLE);
}

/// The place of a ratio, at the axis' end where it lies beyond.
fn inside(panel: &Panel, ratio: f64) -> f64 {
    panel.px(ratio).clamp(panel.x0, panel.x1)
}

fn shown(row: &Row, answer: &crate::study::agreement::Answer) -> String {
    let of = |value: f64| row.unit.shown(value);
    match (answer.value, answer.interval) {
        (Some(value), _) => of(value),
        (None, Some((low, high))) if high.is_finite() => format!("{} to {}", of(low), of(high)),
        (None, Some((low, _))) => format!("more than {}", of(low)),
        (None, None) => "–".into(),
    }
}

/// A row in words.
fn said(row: &Row) -> String {
    let all = [("theory", &row.theory), ("simulated", &row.simulated), ("live", &row.live)];
    let answers = all.into_iter().filter(|(_, answer)| answer.range().is_some());
    let answers: Vec<String> = answers.map(|(who, answer)| format!("{who} {}", shown(row, answer))).collect();
    format!("{}: {}", row.question.words(), answers.join(", "))
}
