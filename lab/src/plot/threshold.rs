//! P(metastable) over a value: the shares that were measured, the curve through them, and what theory expected.
use super::{
    Figure,
    canvas::{AXIS_NAME, At, CENTRE_TOP, Canvas, REFERENCE, TICK, draw, name_in, remark_in},
    header::Header,
    ink::colour,
    panel::Panel,
    place::Places,
    quantity::{named, setting_at},
    scale::Scale,
    setting::scene,
    stem,
    words::{capital, number, small},
};
use crate::{
    scenario::Scenario,
    study::{
        axis::Axis,
        threshold::{Finding, Fitted, Threshold, Value},
    },
};

const WIDTH: f64 = 760.0;
const LEFT: f64 = 84.0;
const RIGHT: f64 = WIDTH - 40.0;
const HEIGHT: f64 = 340.0;
/// So many widths of the curve are shown on either side of its middle.
const WIDTHS: f64 = 2.5;

/// The figure of `found`, which was looked for along `axis` of `scenario`.
pub fn threshold(found: &Threshold, axis: &Axis, scenario: &Scenario) -> Figure {
    let what = thing(&axis.path);
    let title = title(found, axis, &what);
    let seeds = found.seeds.len();
    let subtitle =
        format!("the same {seeds} seeds at every value, bars: Wilson's 95 %; {}; simulated", scene(scenario));
    let header = Header::new(&title, &subtitle, None, WIDTH);
    let (low, high) = shown(found);
    let y0 = header.bottom() + 24.0;
    let panel = Panel {
        x0: LEFT,
        y0,
        x1: RIGHT,
        y1: y0 + HEIGHT,
        x: Scale::Linear(low, high),
        y: Scale::Linear(-0.03, 1.03),
    };
    let ink = draw(WIDTH, panel.y1 + 62.0, |canvas| {
        header.draw(canvas);
        let mut places = Places::new(&panel);
        axes(canvas, &panel, &what, axis);
        match &found.finding {
            Finding::Curve(fitted) => curve(canvas, &panel, &mut places, fitted),
            Finding::Step { below, above, .. } => step(canvas, &panel, &mut places, *below, *above),
            _ => {}
        }
        expected(canvas, &panel, &mut places, found, axis);
        let inside = found.values.iter().filter(|v| v.runs > 0 && (low..=high).contains(&v.value));
        let dots: Vec<Vec<At>> = inside.map(|value| share(canvas, &panel, value)).collect();
        places.avoid(dots);
        if let Finding::Curve(fitted) = &found.finding {
            half(canvas, &panel, &mut places, fitted, axis);
        }
    });
    let caption = format!("{title}. Share of metastable runs over {what}: {}.", said(found, axis));
    Figure { name: stem(&["threshold", &axis.path]), ink, caption }
}

/// What stands at a path, as the subject of a sentence: `spike factor`, `spike length`.
pub(super) fn thing(path: &str) -> String {
    let words = setting_at(path);
    match words.strip_suffix(" for") {
        Some(trigger) => format!("{trigger} length"),
        None => words,
    }
}

fn title(found: &Threshold, axis: &Axis, what: &str) -> String {
    match &found.finding {
        Finding::Curve(fitted) => match fitted.middle_interval {
            Some((low, high)) => format!(
                "Half of the runs tip at a {what} of {} (95 %: {} to {})",
                axis.shown(fitted.middle),
                axis.shown(low),
                axis.shown(high)
            ),
            None => format!("Half of the runs tip at a {what} of {}", axis.shown(fitted.middle)),
        },
        Finding::Step { below, above, .. } if below == above => {
            format!("The threshold is a step, at a {what} of {}", axis.shown(*below))
        }
        Finding::Step { below, above, .. } => format!(
            "The threshold is a step: all runs change sides between a {what} of {} and {}",
            axis.shown(*below),
            axis.shown(*above)
        ),
        Finding::AllTip => {
            format!("Every run tips, from a {what} of {} to {}", axis.shown(found.from), axis.shown(found.to))
        }
        Finding::NoneTips => {
            format!("No run tips, from a {what} of {} to {}", axis.shown(found.from), axis.shown(found.to))
        }
        Finding::Nothing => "No run has a verdict".into(),
    }
}

/// The part of the range in which something happens.
fn shown(found: &Threshold) -> (f64, f64) {
    let all = (found.from, found.to);
    let (low, high) = match &found.finding {
        Finding::Curve(f) => (f.middle - WIDTHS * f.width, f.middle + WIDTHS * f.width),
        Finding::Step { below, above, .. } => {
            let reach = ((above - below) * 4.0).max((all.1 - all.0) * 0.1);
            (below - reach, above + reach)
        }
        _ => return all,
    };
    let expected = found.theory.value.unwrap_or(low);
    let air = (high - low) * 0.06;
    (low.min(expected - air).max(all.0), high.max(expected + air).min(all.1))
}

fn axes(canvas: &Canvas, panel: &Panel, what: &str, axis: &Axis) {
    let across = panel.x.ticks(7);
    let up = [0.0, 0.25, 0.5, 0.75, 1.0];
    panel.grid(canvas, &across, &up);
    for share in up {
        let at = (panel.x0 - 8.0, panel.py(share));
        canvas.text(&number(share * 100.0), TICK, at, super::canvas::RIGHT_MIDDLE);
    }
    panel.lower_axis(canvas, &across.iter().map(|v| (*v, number(*v))).collect::<Vec<_>>());
    let unit = match axis.suffix().trim() {
        "/s" => "per second",
        unit => unit,
    };
    let below = (f64::midpoint(panel.x0, panel.x1), panel.y1 + 31.0);
    canvas.text(&named(what, unit), AXIS_NAME, below, CENTRE_TOP);
    let beside = (20.0, f64::midpoint(panel.y0, panel.y1));
    canvas.text_upwards("runs that stay down (%)", AXIS_NAME, beside, CENTRE_TOP);
}

/// The curve and its band.
fn curve(canvas: &Canvas, panel: &Panel, places: &mut Places, fitted: &Fitted) {
    let (Scale::Linear(low, high) | Scale::Log(low, high)) = panel.x;
    let inside: Vec<_> = fitted.band.iter().filter(|p| (low..=high).contains(&p.0)).collect();
    let side = |of: fn(&(f64, f64, f64, f64)) -> f64| {
        inside.iter().map(move |p| (panel.px(p.0), panel.py(of(p)))).collect::<Vec<At>>()
    };
    let mut corners = side(|p| p.3);
    corners.extend(side(|p| p.2).into_iter().rev());
    if corners.len() > 3 {
        canvas.fill_polygon(&corners, colour::BLUE, 0.14);
    }
    // Smoother than the band's points.
    let drawn = fitted.curve();
    let line: Vec<At> = (0..=200)
        .map(|n| low + (high - low) * f64::from(n) / 200.0)
        .map(|value| (panel.px(value), panel.py(drawn.at(value))))
        .collect();
    canvas.line(&line, colour::BLUE, 2.25);
    places.avoid(vec![line]);
}

/// The stretch in which a step lies.
fn step(canvas: &Canvas, panel: &Panel, places: &mut Places, below: f64, above: f64) {
    let (x0, x1) = (panel.px(below), panel.px(above).max(panel.px(below) + 1.5));
    canvas.fill_rect((x0, panel.y0), (x1, panel.y1), colour::BLUE, 0.14);
    let words = "here all runs change sides";
    let kind = remark_in(colour::BLUE);
    let y = f64::midpoint(panel.y0, panel.y1);
    places.write(canvas, words, kind, &[(x1 + 8.0, y), (x0 - 8.0 - kind.width(words), y)]);
}

/// One measured share with its bar.
fn share(canvas: &Canvas, panel: &Panel, value: &Value) -> Vec<At> {
    let x = panel.px(value.value);
    let (low, high) = (panel.py(value.wilson.0), panel.py(value.wilson.1));
    canvas.line(&[(x, low), (x, high)], colour::INK, 1.0);
    for y in [low, high] {
        canvas.line(&[(x - 3.0, y), (x + 3.0, y)], colour::INK, 1.0);
    }
    canvas.dot((x, panel.py(value.tipped as f64 / value.runs as f64)), 4.0, colour::INK);
    vec![(x, high), (x, low)]
}

/// The value at which half of the runs tip.
fn half(canvas: &Canvas, panel: &Panel, places: &mut Places, fitted: &Fitted, axis: &Axis) {
    let (x, y) = (panel.px(fitted.middle), panel.py(0.5));
    canvas.dashed((panel.x0, y), (x, y), colour::BLUE);
    canvas.dashed((x, y), (x, panel.y1), colour::BLUE);
    places.avoid(vec![vec![(panel.x0, y), (x, y), (x, panel.y1)]]);
    let words = format!("50 %: {}", axis.shown(fitted.middle));
    let kind = name_in(colour::BLUE);
    let length = kind.width(&words);
    let right = [12.0, 30.0, 60.0].map(|dx| (x + dx, y + 8.0));
    let left = [12.0, 30.0, 60.0].map(|dx| (x - dx - length, y - 24.0));
    places.write(canvas, &words, kind, &[right, left].concat());
    let width = format!("10 % to 90 %: {} wide", axis.shown_width(fitted.width));
    let kind = remark_in(colour::BLUE);
    let right = [12.0, 30.0, 60.0].map(|dx| (x + dx, y + 26.0));
    let left = [12.0, 30.0, 60.0].map(|dx| (x - dx - kind.width(&width), y + 26.0));
    places.write(canvas, &width, kind, &[right, left].concat());
}

/// Theory's threshold.
fn expected(canvas: &Canvas, panel: &Panel, places: &mut Places, found: &Threshold, axis: &Axis) {
    let Some(value) = found.theory.value.filter(|v| (0.0..=1.0).contains(&panel.x.place(*v))) else { return };
    let x = panel.px(value);
    canvas.dashed((x, panel.y0), (x, panel.y1), colour::MUTED);
    places.avoid(vec![vec![(x, panel.y0), (x, panel.y1)]]);
    let words = format!("theory, backlog = μT: {}", axis.shown(value));
    let length = REFERENCE.width(&words);
    let heights = [0.9, 0.8, 0.7, 0.2, 0.1].map(|share| panel.py(share));
    let candidates: Vec<At> = heights.iter().flat_map(|y| [(x - 6.0 - length, *y), (x + 6.0, *y)]).collect();
    places.write(canvas, &words, REFERENCE, &candidates);
}

/// What was found, in words, for those who do not see the figure.
fn said(found: &Threshold, axis: &Axis) -> String {
    let values: Vec<String> =
        found.values.iter().map(|v| format!("{}: {} of {}", axis.shown(v.value), v.tipped, v.runs)).collect();
    let theory = match found.theory.value {
        Some(value) => format!("theory expects {}", axis.shown(value)),
        None => small(&found.theory.why),
    };
    capital(&format!("{}; {theory}", values.join(", ")))
}
