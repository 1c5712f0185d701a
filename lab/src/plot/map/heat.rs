//! The map itself: P(metastable) as colour, its contours, and what theory says of them.
use super::{
    ramp::{DARK, LIGHT, NOTHING, YELLOW, colour},
    sheet::{Sheet, edges, scale},
    spot::{Spots, distance},
    stroke::Stroke,
    theory::{TheoryLine, fluid, loads},
    words,
};
use crate::{
    plot::{
        Figure,
        canvas::{AXIS_NAME, At, CENTRE_BOTTOM, CENTRE_TOP, Canvas, LEFT_MIDDLE, LEFT_TOP, TICK, Type, draw},
        header::Header,
        ink::{Colour, Face, colour as palette},
        panel::Panel,
        stem,
        words::{capital, number},
    },
    scenario::{Grid, grid::MapAxes},
    sweep::Merged,
};

pub(super) const WIDTH: f64 = 780.0;
pub(super) const LEFT: f64 = 84.0;
pub(super) const HEIGHT: f64 = 430.0;
const BAR: f64 = 22.0;

/// The contours that are drawn, and how wide.
const CONTOURS: [(f64, f64); 3] = [(0.05, 1.0), (0.95, 1.0), (0.5, 2.25)];

/// Regions of a map: no run is metastable, some are, all are; most say nothing.
const NEVER: u8 = 0;
const SOME: u8 = 1;
const ALWAYS: u8 = 2;
const UNKNOWN: u8 = 3;

pub(super) fn heat_map(grid: &Grid, map: MapAxes, merged: &Merged) -> Figure {
    let sheet = Sheet::of(grid, map, 0, merged);
    let title = title(grid, map, &sheet);
    let header = Header::new(&title, &words::setting(grid, merged), None, WIDTH);
    let y0 = header.bottom() + 40.0;
    let panel =
        Panel { x0: LEFT, y0, x1: WIDTH - 128.0, y1: y0 + HEIGHT, x: scale(&sheet.xs), y: scale(&sheet.ys) };
    let trigger = words::trigger(grid);
    let ink = draw(WIDTH, panel.y1 + 62.0, |canvas| {
        header.draw(canvas);
        cells(canvas, &panel, &sheet);
        let region = |at: At| region_at(&panel, &sheet, at);
        let mut spots = Spots::new(&panel, &region);
        contours(canvas, &panel, &sheet, &mut spots);
        for line in loads(&sheet, &panel) {
            upright(canvas, &panel, &line);
            spots.avoid(&line.lines);
        }
        let fluid = fluid(&sheet, &panel, &trigger);
        if let Some(line) = &fluid {
            let dash = Some((8.0, 5.0));
            Stroke { colour: YELLOW, width: 2.5, border: Some((DARK, 1.0)), dash }.draw(canvas, &line.lines);
            spots.avoid(&line.lines);
        }
        regions(canvas, &panel, &sheet, &mut spots, &trigger);
        if let Some(line) = &fluid {
            pointed_out(canvas, &mut spots, line);
        }
        axes(canvas, &panel, grid, map);
        colour_bar(canvas, &panel, &sheet);
    });
    let caption = format!(
        "{title}. Colour: the share of seeds that are metastable, over {} and {}.",
        words::noun(&grid.axes[map.x]),
        words::noun(&grid.axes[map.y])
    );
    Figure { name: stem(&["map", &grid.name]), ink, caption }
}

/// How large a trigger tips the service, at the two ends of the boundary.
fn title(grid: &Grid, map: MapAxes, sheet: &Sheet) -> String {
    let (x, y) = (&grid.axes[map.x], &grid.axes[map.y]);
    let trigger = words::trigger(grid);
    let at: Vec<(f64, f64)> =
        (0..sheet.xs.len()).filter_map(|i| Some((sheet.xs[i], sheet.threshold(i)?))).collect();
    let all =
        || (0..sheet.ys.len()).flat_map(|row| (0..sheet.xs.len()).map(move |column| sheet.p(column, row)));
    match at[..] {
        [first, .., last] if y.path.starts_with("triggers.") => {
            let (small, large) = if first.1 < last.1 { (first, last) } else { (last, first) };
            let said = |p: (f64, f64)| (words::value(y, p.1), words::value(x, p.0));
            let ((size, here), (more, there)) = (said(small), said(large));
            format!("A {trigger} of {size} tips the service at {here}; at {there} it takes {more}")
        }
        _ if all().all(|p| p < 0.5) => format!("No {trigger} in this map tips the service for good"),
        _ if all().all(|p| p >= 0.5) => format!("Every {trigger} in this map tips the service for good"),
        _ => format!(
            "Where the {trigger} tips the service for good, by {} and {}",
            words::noun(x),
            words::noun(y)
        ),
    }
}

fn cells(canvas: &Canvas, panel: &Panel, sheet: &Sheet) {
    let (xs, ys) = (edges(&sheet.xs), edges(&sheet.ys));
    // Whole device pixels, so that neighbours neither overlap nor leave a seam.
    let snap = |v: f64| (v * 2.0).round() / 2.0;
    for row in 0..sheet.ys.len() {
        for column in 0..sheet.xs.len() {
            let from = (snap(panel.px(xs[column])), snap(panel.py(ys[row + 1])));
            let to = (snap(panel.px(xs[column + 1])), snap(panel.py(ys[row])));
            if sheet.is_inconclusive(column, row) {
                canvas.fill_rect(from, to, NOTHING, 1.0);
                canvas.hatch(from, to, DARK);
            } else {
                canvas.fill_rect(from, to, colour(sheet.p(column, row)), 1.0);
            }
        }
    }
}

/// To which region the cell at a place of the panel belongs.
fn region_at(panel: &Panel, sheet: &Sheet, at: At) -> u8 {
    let nearest = |values: &[f64], place: &dyn Fn(f64) -> f64, wanted: f64| {
        let far = |i: &usize| (place(values[*i]) - wanted).abs();
        (0..values.len()).min_by(|a, b| far(a).total_cmp(&far(b))).unwrap_or(0)
    };
    let column = nearest(&sheet.xs, &|v| panel.px(v), at.0);
    let row = nearest(&sheet.ys, &|v| panel.py(v), at.1);
    match sheet.p(column, row) {
        _ if sheet.is_inconclusive(column, row) => UNKNOWN,
        p if p <= 0.05 => NEVER,
        p if p >= 0.95 => ALWAYS,
        _ => SOME,
    }
}

fn contours(canvas: &Canvas, panel: &Panel, sheet: &Sheet, spots: &mut Spots) {
    for (level, width) in CONTOURS {
        let lines = sheet.boundary(panel, level);
        contour(level, width).draw(canvas, &lines);
        spots.avoid(&lines);
    }
}

/// Light in the dark, dark in the light.
fn contour(level: f64, width: f64) -> Stroke {
    let colour = if level < 0.25 { DARK } else { LIGHT };
    let border = (level == 0.5).then_some((DARK, 0.35));
    Stroke { colour, width, border, dash: None }
}

/// A limit of the load, named above the panel.
fn upright(canvas: &Canvas, panel: &Panel, line: &TheoryLine) {
    let dash = Some((4.0, 4.0));
    Stroke { colour: DARK, width: 1.25, border: Some((LIGHT, 0.75)), dash }.draw(canvas, &line.lines);
    let Some(top) = line.lines.iter().flatten().min_by(|a, b| a.1.total_cmp(&b.1)) else { return };
    let half = name(palette::INK).width(line.name).max(formula(palette::MUTED).width(&line.formula)) / 2.0;
    let x = top.0.max(panel.x0 + half - 60.0).min(panel.x1 - half + 60.0);
    canvas.text(line.name, name(palette::INK), (x, panel.y0 - 20.0), CENTRE_BOTTOM);
    canvas.text(&line.formula, formula(palette::MUTED), (x, panel.y0 - 5.0), CENTRE_BOTTOM);
}

fn name(colour: Colour) -> Type {
    Type { em: 12.5, face: Face::SemiBold, colour }
}

fn formula(colour: Colour) -> Type {
    Type { em: 12.0, face: Face::Italic, colour }
}

fn large(colour: Colour) -> Type {
    Type { em: 17.0, face: Face::SemiBold, colour }
}

fn small(colour: Colour) -> Type {
    Type { em: 12.5, face: Face::Regular, colour }
}

/// Says what becomes of the service in each region.
fn regions(canvas: &Canvas, panel: &Panel, sheet: &Sheet, spots: &mut Spots, trigger: &str) {
    let stays = format!("stays down after the {trigger} is over");
    let texts = [
        (ALWAYS, LIGHT, "METASTABLE", stays.as_str()),
        (NEVER, DARK, "recovers", "or never noticed"),
        (UNKNOWN, DARK, "undecided", "most runs say nothing"),
    ];
    for (region, colour, word, remark) in texts {
        let width = large(colour).width(word).max(small(colour).width(remark));
        let centre = centre(panel, sheet, region);
        let Some(at) = centre.and_then(|c| spots.take((width, 36.0), region, |at| distance(at, c))) else {
            continue;
        };
        canvas.text(word, large(colour), (at.0 + width / 2.0, at.1), CENTRE_TOP);
        canvas.text(remark, small(colour), (at.0 + width / 2.0, at.1 + 23.0), CENTRE_TOP);
    }
}

/// The middle of a region's cells.
fn centre(panel: &Panel, sheet: &Sheet, region: u8) -> Option<At> {
    let places = sheet.ys.iter().flat_map(|y| sheet.xs.iter().map(|x| (panel.px(*x), panel.py(*y))));
    let inside: Vec<At> = places.filter(|at| region_at(panel, sheet, *at) == region).collect();
    let count = inside.len() as f64;
    let sum = inside.iter().fold((0.0, 0.0), |sum, at| (sum.0 + at.0, sum.1 + at.1));
    (!inside.is_empty()).then_some((sum.0 / count, sum.1 / count))
}

/// Names the fluid's line beside it, with an arrow.
fn pointed_out(canvas: &Canvas, spots: &mut Spots, line: &TheoryLine) {
    let width = name(DARK).width(line.name).max(formula(DARK).width(&line.formula));
    let size = (width, 31.0);
    for place in [0.5, 0.4, 0.6, 0.3, 0.7, 0.2, 0.8] {
        let Some(tip) = Spots::along(&line.lines, place) else { return };
        let cost = |at: At| distance(at, tip) + if at.1 < tip.1 { 60.0 } else { 0.0 };
        let Some(at) = spots.take(size, NEVER, cost) else { continue };
        canvas.text(line.name, name(DARK), at, LEFT_TOP);
        canvas.text(&line.formula, formula(DARK), (at.0, at.1 + 17.0), LEFT_TOP);
        let from = (
            tip.0.clamp(at.0 + 10.0, at.0 + width - 10.0),
            if at.1 > tip.1 { at.1 - 4.0 } else { at.1 + 36.0 },
        );
        let way = distance(from, tip);
        // The arrow ends before the line, so that both are seen.
        let end = (tip.0 + (from.0 - tip.0) * 5.0 / way, tip.1 + (from.1 - tip.1) * 5.0 / way);
        if way > 14.0 {
            canvas.line(&[from, end], DARK, 1.25);
            canvas.arrow_head(from, end, 9.0, DARK);
        }
        return;
    }
}

pub(super) fn axes(canvas: &Canvas, panel: &Panel, grid: &Grid, map: MapAxes) {
    let ticks = panel.x.close_ticks(7);
    panel.left_axis(canvas, &panel.y.close_ticks(6));
    panel.lower_axis(canvas, &ticks.iter().map(|v| (*v, number(*v))).collect::<Vec<_>>());
    let below = (f64::midpoint(panel.x0, panel.x1), panel.y1 + 31.0);
    canvas.text(&capital(&words::axis_name(&grid.axes[map.x])), AXIS_NAME, below, CENTRE_TOP);
    let beside = (20.0, f64::midpoint(panel.y0, panel.y1));
    canvas.text_upwards(&capital(&words::axis_name(&grid.axes[map.y])), AXIS_NAME, beside, CENTRE_TOP);
}

/// Which colour is which probability; the contours are marked in it as they are drawn.
fn colour_bar(canvas: &Canvas, panel: &Panel, sheet: &Sheet) {
    const PIECES: usize = 100;
    let (x0, x1) = (panel.x1 + 30.0, panel.x1 + 30.0 + BAR);
    let (top, bottom) = (panel.y0 + 24.0, panel.y0 + 24.0 + 260.0);
    let at = |p: f64| ((bottom + (top - bottom) * p) * 2.0).round() / 2.0;
    canvas.text("P(metastable)", name(palette::INK), (x0, panel.y0), LEFT_TOP);
    for piece in 0..PIECES {
        let (low, high) = (piece as f64 / PIECES as f64, (piece + 1) as f64 / PIECES as f64);
        canvas.fill_rect((x0, at(high)), (x1, at(low)), colour(f64::midpoint(low, high)), 1.0);
    }
    for (level, width) in CONTOURS {
        contour(level, width).draw(canvas, &[vec![(x0, at(level)), (x1, at(level))]]);
    }
    for (p, words) in [(0.0, "0"), (0.05, "5 %"), (0.5, "50 %"), (0.95, "95 %"), (1.0, "100 %")] {
        // The marks at both ends are too near for words beside one another.
        if words != "0" && words != "100 %" {
            canvas.text(words, TICK, (x1 + 8.0, at(p)), LEFT_MIDDLE);
            canvas.line(&[(x1, at(p)), (x1 + 4.0, at(p))], palette::AXIS, 1.0);
        }
    }
    let unknown =
        (0..sheet.ys.len()).any(|row| (0..sheet.xs.len()).any(|column| sheet.is_inconclusive(column, row)));
    if unknown {
        let y = bottom + 26.0;
        canvas.fill_rect((x0, y), (x1, y + 22.0), NOTHING, 1.0);
        canvas.hatch((x0, y), (x1, y + 22.0), DARK);
        canvas.text("undecided", TICK, (x1 + 8.0, y + 11.0), LEFT_MIDDLE);
    }
}
