//! A metric over the variants: a point for each, a line for each series.
use super::{
    Figure,
    canvas::{AXIS_NAME, CENTRE_TOP, Canvas, draw, name_in},
    header::{Header, wrap},
    ink::{Colour, colour},
    panel::Panel,
    place::name_curves,
    quantity::{Quantity, change, named, setting_at},
    scale::{Scale, round_up},
    setting::system,
    stem,
    words::{capital, list, number, seconds},
};
use crate::{
    scenario::{Metric, Over, plan::Point},
    verdict::{RunView, measure},
};

const WIDTH: f64 = 760.0;
const LEFT: f64 = 84.0;
const HEIGHT: f64 = 320.0;
/// The lines' colours, one after the other.
const COLOURS: [Colour; 5] = [colour::BLUE, colour::ORANGE, colour::GREEN, colour::PURPLE, colour::SLATE];
/// Two marks of the axis are at least this far apart, in pixels.
const MARKS_APART: f64 = 30.0;

/// A measured point: where, the median over the seeds, and the smallest and largest.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Measured {
    x: f64,
    median: f64,
    least: f64,
    most: f64,
}

/// The points of one series, from left to right.
struct Line<'a> {
    name: &'a str,
    points: Vec<Measured>,
}

/// `metric` over `over` of the runs of each of `points`, against what stands at the path `x`.
pub(super) fn over_variants(
    metric: Metric,
    over: Over,
    x: &str,
    points: &[Point],
    runs: &[RunView],
) -> Option<Figure> {
    let quantity = Quantity::of(metric);
    let lines = lines(metric, over, points, runs, &quantity);
    let first = runs.first().filter(|_| !lines.is_empty())?;
    let setting = setting_at(x);
    let title = title(&quantity, &lines);
    let subtitle = format!("{}, {}", reach(&setting, points, &lines), subtitle(over, runs, first));
    let header = Header::new(&title, &subtitle, None, WIDTH);
    let names: Vec<String> = lines.iter().map(|line| short(line.name)).collect();
    let widest = names.iter().map(|name| name_in(colour::INK).width(name)).fold(0.0, f64::max);
    let y0 = header.bottom() + 24.0;
    let panel = Panel {
        x0: LEFT,
        y0,
        x1: WIDTH - widest - 32.0,
        y1: y0 + HEIGHT,
        x: across(&lines),
        y: Scale::Linear(0.0, round_up(highest(&lines) * 1.05, 4)),
    };
    let ink = draw(WIDTH, panel.y1 + 62.0, |canvas| {
        header.draw(canvas);
        axes(canvas, &panel, &lines);
        let below = (f64::midpoint(panel.x0, panel.x1), panel.y1 + 31.0);
        canvas.text(&named(&setting, points.first().map_or("", |p| p.unit)), AXIS_NAME, below, CENTRE_TOP);
        canvas.text_upwards(
            &quantity.axis(),
            AXIS_NAME,
            (20.0, f64::midpoint(panel.y0, panel.y1)),
            CENTRE_TOP,
        );
        for (line, colour) in lines.iter().zip(COLOURS.iter().cycle()) {
            line.draw(canvas, &panel, *colour);
        }
        let end = |line: &Line| line.points[line.points.len() - 1].median;
        let ends =
            names.iter().zip(COLOURS.iter().cycle()).zip(&lines).filter(|((name, _), _)| !name.is_empty());
        let ends: Vec<(&str, Colour, f64)> =
            ends.map(|((name, colour), line)| (name.as_str(), *colour, end(line))).collect();
        name_curves(canvas, &panel, &ends);
    });
    let caption = format!("{title}. {}.", capital(&said(&quantity, &setting, &lines)));
    Some(Figure { name: stem(&[quantity.noun, "over", x]), ink, caption })
}

/// A name that leaves room for the panel beside it.
fn short(name: &str) -> String {
    const MOST: f64 = 280.0;
    wrap(name, name_in(colour::INK), MOST).into_iter().next().unwrap_or_default()
}

fn lines<'a>(
    metric: Metric,
    over: Over,
    points: &'a [Point],
    runs: &[RunView],
    quantity: &Quantity,
) -> Vec<Line<'a>> {
    let mut lines: Vec<Line<'a>> = vec![];
    for point in points {
        let variant = point.variant.as_deref().unwrap_or("baseline");
        let values = runs
            .iter()
            .filter(|run| run.variant == variant)
            .map(|run| quantity.on_axis(measure(run.trace, metric, over)));
        let mut values: Vec<f64> = values.filter(|v| v.is_finite()).collect();
        values.sort_unstable_by(f64::total_cmp);
        let (Some(&least), Some(&most)) = (values.first(), values.last()) else { continue };
        let median = f64::midpoint(values[(values.len() - 1) / 2], values[values.len() / 2]);
        let measured = Measured { x: point.x, median, least, most };
        match lines.iter_mut().find(|line| line.name == point.series) {
            Some(line) => line.points.push(measured),
            None => lines.push(Line { name: &point.series, points: vec![measured] }),
        }
    }
    for line in &mut lines {
        line.points.sort_unstable_by(|a, b| a.x.total_cmp(&b.x));
    }
    lines
}

impl Line<'_> {
    fn draw(&self, canvas: &Canvas, panel: &Panel, colour: Colour) {
        let at: Vec<f64> = self.points.iter().map(|p| p.x).collect();
        let medians: Vec<f64> = self.points.iter().map(|p| p.median).collect();
        if at.len() > 1 {
            panel.curve(canvas, &at, &medians, colour, 2.25);
        }
        for point in &self.points {
            let (x, low, high) = (panel.px(point.x), panel.py(point.least), panel.py(point.most));
            if low - high > 1.0 {
                canvas.line(&[(x, low), (x, high)], colour, 1.25);
                for y in [low, high] {
                    canvas.line(&[(x - 4.0, y), (x + 4.0, y)], colour, 1.25);
                }
            }
            canvas.dot((x, panel.py(point.median)), 4.0, colour);
        }
    }
}

fn all<'l>(lines: &'l [Line]) -> impl Iterator<Item = &'l Measured> {
    lines.iter().flat_map(|line| &line.points)
}

fn highest(lines: &[Line]) -> f64 {
    all(lines).map(|point| point.most).fold(0.0, f64::max)
}

/// An axis from the first to the last value, with a little air on both sides.
fn across(lines: &[Line]) -> Scale {
    let low = all(lines).map(|point| point.x).fold(f64::INFINITY, f64::min);
    let high = all(lines).map(|point| point.x).fold(f64::NEG_INFINITY, f64::max);
    let air = ((high - low) * 0.06).max(f64::MIN_POSITIVE);
    Scale::Linear(low - air, high + air)
}

/// Grid and marks. Every value that was run is marked, unless that is too dense.
fn axes(canvas: &Canvas, panel: &Panel, lines: &[Line]) {
    let mut run: Vec<f64> = all(lines).map(|point| point.x).collect();
    run.sort_unstable_by(f64::total_cmp);
    run.dedup();
    let dense = run.windows(2).any(|pair| panel.px(pair[1]) - panel.px(pair[0]) < MARKS_APART);
    let marks = if dense { panel.x.ticks(6) } else { run };
    let up = panel.y.ticks(5);
    panel.grid(canvas, &marks, &up);
    panel.left_axis(canvas, &up);
    panel.lower_axis(canvas, &marks.into_iter().map(|v| (v, number(v))).collect::<Vec<_>>());
}

/// Which lines grow, stay and fall from their first to their last point.
fn title(quantity: &Quantity, lines: &[Line]) -> String {
    let mut told: Vec<(String, Vec<&str>)> = vec![];
    for line in lines {
        let medians: Vec<f64> = line.points.iter().map(|p| p.median).collect();
        let change = change(&medians);
        match told.iter_mut().find(|(known, _)| *known == change) {
            Some((_, names)) => names.push(line.name),
            None => told.push((change, vec![line.name])),
        }
    }
    let with =
        |names: &[&str]| if lines.len() == 1 { String::new() } else { format!(" with {}", list(names)) };
    let parts: Vec<String> = told.iter().map(|(change, names)| change.clone() + &with(names)).collect();
    format!("{} {}", capital(quantity.noun), list(&parts))
}

/// What the horizontal axis goes through: `replicas from 3 to 7`.
fn reach(setting: &str, points: &[Point], lines: &[Line]) -> String {
    let unit = match points.first().map_or("", |point| point.unit) {
        "per second" => "/s".to_owned(),
        "" => String::new(),
        unit => format!(" {unit}"),
    };
    let low = all(lines).map(|p| p.x).fold(f64::INFINITY, f64::min);
    let high = all(lines).map(|p| p.x).fold(f64::NEG_INFINITY, f64::max);
    format!("{setting} from {}{unit} to {}{unit}", number(low), number(high))
}

fn subtitle(over: Over, runs: &[RunView], first: &RunView) -> String {
    let when = match over {
        Over::Last(length) => format!("over the last {}", seconds(length.as_secs_f64())),
        Over::Between(from, until) => {
            format!("from {} to {}", seconds(from.as_secs_f64()), seconds(until.as_secs_f64()))
        }
    };
    let mut seeds: Vec<u64> = runs.iter().map(|run| run.trace.seed).collect();
    seeds.sort_unstable();
    seeds.dedup();
    let seeds = match seeds[..] {
        [one] => format!("seed\u{a0}{one}"),
        _ => format!("{} seeds: the median, and from the smallest to the largest", seeds.len()),
    };
    format!("{when}, {}; baseline: {}; {seeds}", first.engine, system(first))
}

/// All points in words: `goodput by replicas: craq 3: 1,200/s, 5: 2,000/s`.
fn said(quantity: &Quantity, setting: &str, lines: &[Line]) -> String {
    let point = |p: &Measured| format!("{}: {}", number(p.x), quantity.shown(p.median));
    let line = |line: &Line| {
        let points: Vec<String> = line.points.iter().map(point).collect();
        let name = if line.name.is_empty() { String::new() } else { format!("{} at ", line.name) };
        format!("{name}{}", points.join(", "))
    };
    let lines: Vec<String> = lines.iter().map(line).collect();
    format!("{} by {setting}: {}", quantity.noun, lines.join("; "))
}
