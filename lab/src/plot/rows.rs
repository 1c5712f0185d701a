//! Rows one below the other, each of them how busy a replica's or a service's workers are.
use super::{
    busy::{Busy, Row, Standing},
    canvas::{At, Canvas, LEFT_MIDDLE, RIGHT_MIDDLE, TICK, Type, name_in},
    header::wrap,
    ink::{Colour, colour},
    panel::Panel,
    scale::Scale,
    words::number,
};

/// Between rows.
const GAP: f64 = 6.0;

fn row_height(rows: usize) -> f64 {
    if rows <= 4 { 24.0 } else { 17.0 }
}

/// How high all rows are together.
pub(super) fn height(busy: &Busy) -> f64 {
    let rows = busy.rows.len();
    rows as f64 * (row_height(rows) + GAP) - GAP
}

/// A panel for each row of `busy` on the time axis `x`, the first one at `top`.
pub(super) fn panels(busy: &Busy, x0: f64, x1: f64, top: f64, x: Scale) -> Vec<Panel> {
    let height = row_height(busy.rows.len());
    let tops = (0..busy.rows.len()).map(|index| top + index as f64 * (height + GAP));
    tops.map(|y0| Panel { x0, y0, x1, y1: y0 + height, x, y: Scale::Linear(0.0, 1.0) }).collect()
}

/// What a row is, for a heading.
pub(super) fn meaning(busy: &Busy) -> String {
    let mut words = vec!["share of workers at work, each row from 0 to 100 %, right: at the end".to_owned()];
    let has = |standing: Standing| busy.rows.iter().any(|row| row.standing.contains(&standing));
    for (standing, colour, role) in
        [(Standing::First, "blue", busy.roles.0), (Standing::Last, "purple", busy.roles.1)]
    {
        if has(standing) && !role.is_empty() {
            words.push(format!("{colour}: the {role}"));
        }
    }
    if has(Standing::Out) {
        words.push("grey: not in the view".into());
    }
    words.join("; ")
}

/// The colour of a replica that is `standing` in its group; where nobody has a role of his own, all have the first one's.
fn colour_of(busy: &Busy, standing: Standing) -> Colour {
    match standing {
        Standing::Last => colour::PURPLE,
        Standing::Member | Standing::Out if !busy.roles.0.is_empty() => colour::SLATE,
        Standing::First | Standing::Member | Standing::Out => colour::BLUE,
    }
}

/// Names the row on the left, and says on the right how busy it is in the end.
pub(super) fn name(canvas: &Canvas, panel: &Panel, busy: &Busy, row: &Row, end: f64) {
    let middle = f64::midpoint(panel.y0, panel.y1);
    let kind = Type { colour: colour::INK, ..TICK };
    let name = wrap(&row.name, kind, panel.x0 - 12.0);
    canvas.text(name.first().map_or("", String::as_str), kind, (panel.x0 - 8.0, middle), RIGHT_MIDDLE);
    if end.is_finite() {
        let last = row.standing.last().copied().unwrap_or(Standing::Member);
        let kind = name_in(colour_of(busy, last));
        canvas.text(
            &format!("{} %", number((end * 100.0).round())),
            kind,
            (panel.x1 + 13.0, middle),
            LEFT_MIDDLE,
        );
    }
    canvas.line(&[(panel.x0, panel.y1), (panel.x1, panel.y1)], colour::AXIS, 0.75);
}

/// Fills a row below the steps of its values, with this opacity, and greys where the replica is no member.
pub(super) fn fill(canvas: &Canvas, panel: &Panel, busy: &Busy, row: &Row, opacity: f64) {
    for (standing, steps) in steps(panel, busy, row) {
        let (Some(first), Some(last)) = (steps.first(), steps.last()) else { continue };
        let (from, until) = (first.0, last.0);
        if standing == Standing::Out {
            canvas.fill_rect((from, panel.y0), (until, panel.y1), colour::MUTED, 0.28);
        }
        let corners: Vec<At> = steps.iter().copied().chain([(until, panel.y1), (from, panel.y1)]).collect();
        canvas.fill_polygon(&corners, colour_of(busy, standing), opacity);
    }
}

/// Draws the steps of a row as a line.
pub(super) fn line(canvas: &Canvas, panel: &Panel, busy: &Busy, row: &Row, width: f64) {
    for (standing, steps) in steps(panel, busy, row) {
        canvas.line(&steps, colour_of(busy, standing), width);
    }
}

/// The outline of a row, in stretches in which the replica is the same thing.
fn steps(panel: &Panel, busy: &Busy, row: &Row) -> Vec<(Standing, Vec<At>)> {
    let mut stretches: Vec<(Standing, Vec<At>)> = vec![];
    let end = panel.x1;
    for (index, (at, value)) in busy.at.iter().zip(&row.busy).enumerate() {
        if !value.is_finite() {
            continue;
        }
        let standing = row.standing.get(index).copied().unwrap_or(Standing::Member);
        let y = panel.py(value.clamp(0.0, 1.0));
        let from = panel.px((at - busy.width / 2.0).max(0.0)).min(end);
        let until = panel.px(at + busy.width / 2.0).min(end);
        match stretches.last_mut() {
            Some((last, points)) if *last == standing => points.extend([(from, y), (until, y)]),
            _ => stretches.push((standing, vec![(from, y), (until, y)])),
        }
    }
    stretches
}
