//! The answers of formulas, chain, fluid, simulation and live runs to the same questions, each over the simulation's.
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
    words::{capital, count, list, number},
};
use crate::{
    scenario::Scenario,
    study::agreement::{Agreement, Answer, Level, Row},
};

const WIDTH: f64 = 960.0;
const LEFT: f64 = 250.0;
const RIGHT: f64 = WIDTH - 60.0;
/// From one answer to the next, and above the first and below the last.
const LINE: f64 = 19.0;
const MARGIN: f64 = 19.0;
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
    let bottom = top + rows.iter().map(|row| height(row)).sum::<f64>();
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
        let mut y = top;
        for row in &rows {
            band(canvas, &panel, row, (y, y + height(row)));
            answers(canvas, &panel, row, y);
            y += height(row);
        }
    });
    let caption = format!("{title}. {}.", rows.iter().map(|row| said(row)).collect::<Vec<_>>().join("; "));
    Some(Figure { name: stem(&["agreement"]), ink, caption })
}

/// The answers of a row, and who gives them.
fn answered(row: &Row) -> impl Iterator<Item = (Level, &Answer)> {
    let all = Level::ALL.into_iter().map(|level| (level, row.answer(level)));
    all.filter(|(_, answer)| answer.range().is_some())
}

fn height(row: &Row) -> f64 {
    2.0 * MARGIN + LINE * (answered(row).count() as f64 - 1.0)
}

/// What everything in a row is divided by: the simulation's value, or the finite end of its interval.
fn base(row: &Row) -> Option<f64> {
    let (low, _) = row.simulated.range()?;
    Some(row.simulated.value.unwrap_or(low)).filter(|base| base.is_finite() && *base > 0.0)
}

/// Where the marks of a row lie, as ratios.
fn places(row: &Row) -> Vec<f64> {
    let Some(base) = base(row) else { return vec![] };
    let ends = answered(row).filter_map(|(_, answer)| answer.range());
    let ends = ends.flat_map(|(low, high)| [low / base, high / base]);
    ends.filter(|v| v.is_finite() && *v > 0.0).collect()
}

fn title(rows: &[&Row]) -> String {
    let judged = |level: Level| rows.iter().any(|row| row.agrees(level).is_some());
    let who: Vec<&str> = Level::ALL
        .into_iter()
        .filter(|level| *level == Level::Simulated || judged(*level))
        .map(|level| match level {
            Level::Simulated => "simulation",
            Level::Live => "live runs",
            theory => theory.word(),
        })
        .collect();
    let differ: Vec<String> = rows
        .iter()
        .filter_map(|row| {
            let levels: Vec<&str> = row.differing().map(Level::word).collect();
            (!levels.is_empty()).then(|| format!("{} ({})", row.question.words(), list(&levels)))
        })
        .collect();
    let asked = rows.iter().filter(|row| Level::ALL.iter().any(|level| row.agrees(*level).is_some())).count();
    match differ.len() {
        0 => format!("{} agree on {} questions", capital(&list(&who)), count(asked)),
        n => {
            let but = format!(
                "{} agree on {} of {} questions",
                capital(&list(&who)),
                count(asked - n),
                count(asked)
            );
            format!("{but}, not on the {}", list(&differ))
        }
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
fn band(canvas: &Canvas, panel: &Panel, row: &Row, (above, below): (f64, f64)) {
    let y = f64::midpoint(above, below);
    let what = row.what.as_deref().map(setting_at).filter(|what| UNIT.width(what) < LEFT - 30.0);
    let up = if what.is_some() { 9.0 } else { 0.0 };
    canvas.text(row.question.words(), HEADING, (16.0, y - up), LEFT_MIDDLE);
    if let Some(what) = what {
        canvas.text(&what, UNIT, (16.0, y + 10.0), LEFT_MIDDLE);
    }
    canvas.line(&[(16.0, below), (panel.x1, below)], colour::GRID, 1.0);
    let theory = Level::THEORY.iter().any(|level| row.answer(*level).range().is_some());
    if let (Some(base), Some((low, high)), true) = (base(row), row.simulated.range(), theory) {
        let promised = row.question.promised();
        let (x0, x1) = (inside(panel, low / base / promised), inside(panel, high / base * promised));
        canvas.fill_rect((x0, above + 7.0), (x1, below - 7.0), colour::MUTED, 0.1);
    }
}

fn ink(level: Level) -> Colour {
    match level {
        Level::Formula => colour::ORANGE,
        Level::Chain => colour::PURPLE,
        Level::Fluid => colour::SLATE,
        Level::Simulated => colour::BLUE,
        Level::Live => colour::GREEN,
    }
}

/// The answers, one below the other, in a row that begins at `top`.
fn answers(canvas: &Canvas, panel: &Panel, row: &Row, top: f64) {
    let Some(base) = base(row) else { return };
    for (index, (level, answer)) in answered(row).enumerate() {
        let Some((low, high)) = answer.range() else { continue };
        let (y, ink) = (top + MARGIN + LINE * index as f64, ink(level));
        let (x0, x1) = (inside(panel, low / base), inside(panel, high / base));
        canvas.line(&[(x0, y), (x1, y)], ink, 2.0);
        for (end, x) in [(low, x0), (high, x1)] {
            let beyond = x != panel.px(end / base);
            if beyond {
                let from = if x == panel.x1 { x - 14.0 } else { x + 14.0 };
                canvas.line(&[(from, y), (x, y)], ink, 2.0);
                canvas.arrow_head((from, y), (x, y), 9.0, ink);
            } else if answer.interval.is_some() {
                canvas.line(&[(x, y - 4.0), (x, y + 4.0)], ink, 2.0);
            }
        }
        if let Some(value) =
            answer.value.filter(|value| inside(panel, value / base) == panel.px(value / base))
        {
            canvas.dot((inside(panel, value / base), y), 4.5, ink);
        }
        let distance = row.distance(level).filter(|_| level != Level::Simulated);
        let distance = distance.map_or(String::new(), |ratio| format!(" (×{ratio:.2})"));
        let words = format!("{} {}{distance}", level.word(), shown(row, answer));
        name(canvas, panel, &words, ink, (x0, x1), y);
    }
}

/// The answer in words, beside its mark.
fn name(canvas: &Canvas, panel: &Panel, words: &str, ink: Colour, (x0, x1): (f64, f64), y: f64) {
    let kind = name_in(ink);
    let left = if x0 == panel.x1 { x0 - 22.0 } else { x0 - 10.0 } - kind.width(words);
    let right = x1 + 10.0;
    // Not across the line of the simulation, where that can be helped.
    let crosses = x1 < panel.px(1.0) - 1.0 && left > panel.x0;
    let x = if right + kind.width(words) < panel.x1 && !crosses { right } else { left };
    canvas.text(words, kind, (x, y), LEFT_MIDDLE);
}

/// The place of a ratio, at the axis' end where it lies beyond.
fn inside(panel: &Panel, ratio: f64) -> f64 {
    panel.px(ratio).clamp(panel.x0, panel.x1)
}

fn shown(row: &Row, answer: &Answer) -> String {
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
    let answers: Vec<String> =
        answered(row).map(|(level, answer)| format!("{} {}", level.word(), shown(row, answer))).collect();
    format!("{}: {}", row.question.words(), answers.join(", "))
}
