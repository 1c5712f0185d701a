//! Goodput against the load on its way up and down, over many seeds, and where they fell and healed.
use super::{
    Figure,
    canvas::{AXIS_NAME, At, CENTRE_BOTTOM, CENTRE_TOP, Canvas, REFERENCE, draw, name_in, remark_in},
    header::Header,
    hysteresis::{Ways, draw_way, everybody_served, name_way},
    ink::{Colour, colour},
    panel::Panel,
    place::Places,
    scale::{Scale, round_up},
    setting::scene,
    stem,
    words::{number, rate, seconds},
};
use crate::{
    scenario::Scenario,
    study::{
        bootstrap::median,
        hysteresis::{Branch, Counts, Hysteresis},
    },
};

const WIDTH: f64 = 760.0;
const LEFT: f64 = 84.0;
const RIGHT: f64 = WIDTH - 40.0;
const HEIGHT: f64 = 360.0;
/// Height of the distributions below.
const BELOW: f64 = 86.0;

/// The figure of `found`.
pub fn loops(found: &Hysteresis, scenario: &Scenario) -> Figure {
    let ways = medians(found);
    let title = title(found);
    let subtitle = format!(
        "{} levels, {} each, of each the second half; median of {} seeds, single ones pale; {}; simulated",
        2 * found.levels.len() - 1,
        seconds(found.dwell.dwell_s),
        found.branches.len(),
        scene(scenario)
    );
    let header = Header::new(&title, &subtitle, None, WIDTH);
    let y0 = header.bottom() + 24.0;
    let most = found.levels.last().copied().unwrap_or(1.0);
    let x = Scale::Linear(0.0, most * 1.04);
    let highest = found.branches.iter().flat_map(|b| b.up.iter().chain(&b.down)).copied().fold(0.0, f64::max);
    let panel = Panel {
        x0: LEFT,
        y0,
        x1: RIGHT,
        y1: y0 + HEIGHT,
        x,
        y: Scale::Linear(0.0, round_up(highest * 1.05, 4)),
    };
    let counts = found.tips.at.iter().chain(&found.heals.at).map(|c| c.1).max().unwrap_or(1);
    let lower = Panel {
        y0: panel.y1 + 42.0,
        y1: panel.y1 + 42.0 + BELOW,
        y: Scale::Linear(0.0, counts as f64 * 1.25),
        ..panel
    };
    let ink = draw(WIDTH, lower.y1 + 62.0, |canvas| {
        header.draw(canvas);
        let mut places = Places::new(&panel);
        let (across, up) = (panel.x.ticks(8), panel.y.ticks(5));
        panel.grid(canvas, &across, &up);
        panel.left_axis(canvas, &up);
        let beside = (20.0, f64::midpoint(panel.y0, panel.y1));
        canvas.text_upwards("goodput (per second)", AXIS_NAME, beside, CENTRE_TOP);
        ways.two_outcomes(canvas, &panel, &mut places);
        everybody_served(canvas, &panel, &mut places);
        lines(canvas, &panel, &mut places, found);
        for branch in &found.branches {
            pale(canvas, &panel, found, branch);
        }
        for (way, colour) in [(&ways.up, colour::BLUE), (&ways.down, colour::RED)] {
            places.avoid(draw_way(canvas, &panel, way, colour));
        }
        ways.gap(canvas, &panel, &mut places);
        for (way, words, colour) in
            [(&ways.up, "load going up", colour::BLUE), (&ways.down, "load going down", colour::RED)]
        {
            name_way(canvas, &panel, &mut places, way, words, colour);
        }
        distributions(canvas, &lower, &across, found);
    });
    let caption = format!("{title}. {}", said(found));
    Figure { name: stem(&["hysteresis"]), ink, caption }
}

/// The two ways of the median seed, level by level.
fn medians(found: &Hysteresis) -> Ways {
    let middle = |of: fn(&Branch) -> &Vec<f64>, level: usize| {
        median(&found.branches.iter().map(|b| of(b)[level]).filter(|v| v.is_finite()).collect::<Vec<_>>())
    };
    let levels = || found.levels.iter().enumerate();
    let up = levels().map(|(index, level)| (*level, middle(|b| &b.up, index))).filter(|p| p.1.is_finite());
    let down = levels().rev().map(|(index, level)| (*level, middle(|b| &b.down, index)));
    Ways { up: up.collect(), down: down.filter(|p| p.1.is_finite()).collect() }
}

fn title(found: &Hysteresis) -> String {
    let range = |counts: &Counts| match (counts.at.first(), counts.at.last()) {
        (Some(low), Some(high)) if low.0 == high.0 => Some(rate(low.0)),
        (Some(low), Some(high)) => Some(format!("{} to {}", number(low.0), rate(high.0))),
        _ => None,
    };
    match (range(&found.tips), range(&found.heals)) {
        (Some(tips), Some(heals)) => format!("Going up it falls at {tips}; coming down it heals at {heals}"),
        (Some(tips), None) => format!("Going up it falls at {tips}; coming down it does not heal"),
        _ => "It comes back the way it went".into(),
    }
}

/// One seed's two ways.
fn pale(canvas: &Canvas, panel: &Panel, found: &Hysteresis, branch: &Branch) {
    for (way, colour) in [(&branch.up, colour::BLUE), (&branch.down, colour::RED)] {
        panel.pale_curve(canvas, &found.levels, way, colour, (0.9, 0.22));
    }
}

/// The loads that theory tells apart.
fn lines(canvas: &Canvas, panel: &Panel, places: &mut Places, found: &Hysteresis) {
    let theory = &found.theory;
    let mut marks = vec![];
    if let (Some(hidden), Some(attempts)) = (theory.hidden, theory.attempts) {
        marks.push((hidden, format!("μ/R: capacity ÷ {} = {}", number(attempts), rate(hidden))));
    }
    // A ceiling at the capacity is one line.
    let near = |a: f64, b: f64| (a - b).abs() < 0.03 * b;
    match (theory.ceiling, theory.capacity) {
        (Some(ceiling), Some(capacity)) if near(ceiling, capacity) => {
            marks.push((ceiling, format!("ceiling {}, capacity {}", rate(ceiling), rate(capacity))));
        }
        (ceiling, capacity) => {
            marks.extend(ceiling.map(|c| (c, format!("ceiling in theory {}", rate(c)))));
            marks.extend(capacity.map(|c| (c, format!("capacity {}", rate(c)))));
        }
    }
    for (load, words) in marks.into_iter().filter(|(load, _)| panel.x.place(*load) <= 1.0) {
        let x = panel.px(load);
        canvas.dashed((x, panel.y0), (x, panel.y1), colour::MUTED);
        places.avoid(vec![vec![(x, panel.y0), (x, panel.y1)]]);
        let length = REFERENCE.width(&words);
        let heights = [8.0, 28.0, 46.0, 64.0, 82.0].map(|down| panel.y0 + down);
        let candidates: Vec<At> =
            heights.iter().flat_map(|y| [(x - 6.0 - length, *y), (x + 6.0, *y)]).collect();
        places.write(canvas, &words, REFERENCE, &candidates);
    }
}

/// At which level how many seeds fell and healed.
fn distributions(canvas: &Canvas, panel: &Panel, across: &[f64], found: &Hysteresis) {
    panel.grid(canvas, across, &[]);
    panel.lower_axis(canvas, &across.iter().map(|v| (*v, number(*v))).collect::<Vec<_>>());
    let below = (f64::midpoint(panel.x0, panel.x1), panel.y1 + 31.0);
    canvas.text("offered load (per second)", AXIS_NAME, below, CENTRE_TOP);
    canvas.text_upwards("seeds", AXIS_NAME, (20.0, f64::midpoint(panel.y0, panel.y1)), CENTRE_TOP);
    let step = found.levels.get(1).zip(found.levels.first()).map_or(1.0, |(b, a)| b - a);
    let mut places = Places::new(panel);
    for (counts, colour, words) in
        [(&found.tips, colour::BLUE, "fell here"), (&found.heals, colour::RED, "healed here")]
    {
        bars(canvas, panel, counts, step, colour);
        let Some(most) = counts.at.iter().max_by_key(|c| c.1) else { continue };
        let never = match counts.never {
            0 => String::new(),
            n => format!(", {n} never"),
        };
        let (words, kind) = (format!("{words}{never}"), name_in(colour));
        let (x, y) = (panel.px(most.0), panel.y0 + 4.0);
        let reach = panel.px(step) - panel.px(0.0);
        let length = kind.width(&words);
        let spread = counts.at.len() as f64 * reach;
        let candidates =
            [(x + reach + 6.0, y), (x - reach - 6.0 - length, y), (x + spread, y), (x - spread - length, y)];
        places.write(canvas, &words, kind, &candidates);
    }
}

fn bars(canvas: &Canvas, panel: &Panel, counts: &Counts, step: f64, colour: Colour) {
    for (level, count) in &counts.at {
        let (x0, x1) = (panel.px(level - 0.4 * step), panel.px(level + 0.4 * step));
        let top = panel.py(*count as f64);
        canvas.fill_rect((x0, top), (x1, panel.y1), colour, 0.75);
        let at = (f64::midpoint(x0, x1), top - 2.0);
        canvas.text(&count.to_string(), remark_in(colour), at, CENTRE_BOTTOM);
    }
}

fn said(found: &Hysteresis) -> String {
    let counts = |counts: &Counts| {
        let each: Vec<String> =
            counts.at.iter().map(|(level, n)| format!("{} at {}", n, rate(*level))).collect();
        if each.is_empty() { "none".to_owned() } else { each.join(", ") }
    };
    format!("Seeds that fell: {}; that healed: {}.", counts(&found.tips), counts(&found.heals))
}
