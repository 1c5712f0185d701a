//! A metric against the load, in a run whose load goes up and down again: does it come back the way it went?
use super::{
    Figure,
    canvas::{AXIS_NAME, At, CENTRE_TOP, Canvas, REFERENCE, draw, name_in, remark_in},
    header::Header,
    ink::{Colour, colour},
    panel::Panel,
    place::Places,
    quantity::Quantity,
    scale::{Scale, round_up},
    setting::{capacity, setting},
    stem,
    words::{capital, count, number, rate},
};
use crate::{
    scenario::{Metric, Over, Scenario},
    theory::hand,
    verdict::{RunView, measure},
};
use lab_core::time::Time;

const WIDTH: f64 = 760.0;
const LEFT: f64 = 84.0;
const RIGHT: f64 = WIDTH - 40.0;
const HEIGHT: f64 = 400.0;
/// The two ways differ where one value is less than this share of the other.
const DIFFERENT: f64 = 0.5;

/// The settled half of one stage: the calls per second that it plans, and the metric.
pub(super) type Settled = (f64, f64);

/// The way up and the way down; the point at the top belongs to both.
pub(super) struct Ways {
    pub(super) up: Vec<Settled>,
    pub(super) down: Vec<Settled>,
}

/// `metric` of `run` against its offered load. `None` where its load does not go up and down again.
pub(super) fn load_loop(metric: Metric, run: &RunView) -> Option<Figure> {
    let quantity = Quantity::of(metric);
    let ways = ways(metric, &quantity, run)?;
    let title = ways.title(&quantity);
    let steps = count(ways.up.len() + ways.down.len() - 1);
    let subtitle = format!("load in {steps} steps, of each its second half; {}", setting(run));
    let header = Header::new(&title, &subtitle, None, WIDTH);
    let y0 = header.bottom() + 24.0;
    let most = |of: fn(&Settled) -> f64| ways.all().map(of).fold(0.0, f64::max);
    let panel = Panel {
        x0: LEFT,
        y0,
        x1: RIGHT,
        y1: y0 + HEIGHT,
        x: Scale::Linear(0.0, most(|p| p.0) * 1.06),
        y: Scale::Linear(0.0, round_up(most(|p| p.1) * 1.08, 4)),
    };
    let ink = draw(WIDTH, panel.y1 + 62.0, |canvas| {
        header.draw(canvas);
        let mut places = Places::new(&panel);
        axes(canvas, &panel, &quantity);
        ways.two_outcomes(canvas, &panel, &mut places);
        if metric == Metric::Goodput {
            everybody_served(canvas, &panel, &mut places);
        }
        thresholds(canvas, &panel, &mut places, run.scenario);
        for (way, colour) in [(&ways.up, colour::BLUE), (&ways.down, colour::RED)] {
            places.avoid(draw_way(canvas, &panel, way, colour));
        }
        ways.gap(canvas, &panel, &mut places);
        for (way, words, colour) in
            [(&ways.up, "load going up", colour::BLUE), (&ways.down, "load going down", colour::RED)]
        {
            name_way(canvas, &panel, &mut places, way, words, colour);
        }
    });
    let caption = format!(
        "{title}: {} against offered load, on the way up and on the way down ({}).",
        quantity.noun,
        setting(run)
    );
    Some(Figure { name: stem(&["loop", quantity.noun, run.variant]), ink, caption })
}

/// The stretches of `scenario` in which the load is planned to be constant, and the planned rate of each.
fn levels(scenario: &Scenario, end: Time) -> Vec<(Time, Time, f64)> {
    let groups = &scenario.clients;
    let mut edges = vec![Time::ZERO, end];
    edges.extend(groups.iter().flat_map(|group| group.load.stages.iter().map(|stage| stage.until)));
    edges.retain(|at| *at <= end);
    edges.sort_unstable();
    edges.dedup();
    let mut levels: Vec<(Time, Time, f64)> = vec![];
    for pair in edges.windows(2) {
        let ramps = |group: &crate::scenario::ClientGroup| {
            let stage = group.load.stages.iter().find(|stage| pair[0] < stage.until);
            stage.is_some_and(|stage| stage.rate != stage.end_rate)
        };
        if groups.iter().any(ramps) {
            continue;
        }
        let rate: f64 = groups.iter().map(|group| group.load.rate_at(pair[0])).sum();
        match levels.last_mut() {
            // What goes on at the same rate is one level.
            Some(last) if last.1 == pair[0] && last.2 == rate => last.1 = pair[1],
            _ => levels.push((pair[0], pair[1], rate)),
        }
    }
    levels
}

fn ways(metric: Metric, quantity: &Quantity, run: &RunView) -> Option<Ways> {
    let levels = levels(run.scenario, run.trace.end);
    let highest = levels.iter().map(|level| level.2).fold(0.0, f64::max);
    let top = levels.iter().position(|level| level.2 == highest)?;
    let settled = |&(from, until, rate): &(Time, Time, f64)| {
        let over = Over::Between(Time(from.0 / 2 + until.0 / 2), until);
        (rate, quantity.on_axis(measure(run.trace, metric, over)))
    };
    let measured = |levels: &[(Time, Time, f64)]| -> Vec<Settled> {
        levels.iter().map(settled).filter(|point| point.1.is_finite()).collect()
    };
    let ways = Ways { up: measured(&levels[..=top]), down: measured(&levels[top..]) };
    (ways.up.len() > 1 && ways.down.len() > 1).then_some(ways)
}

impl Ways {
    pub(super) fn all(&self) -> impl Iterator<Item = &Settled> {
        self.up.iter().chain(&self.down)
    }

    /// The points of the way down that lie beside the way up and differ from it, each with the value there.
    fn different(&self) -> Vec<(Settled, f64)> {
        let beside = |point: &Settled| {
            let pair = self.up.windows(2).find(|pair| pair[0].0 <= point.0 && point.0 <= pair[1].0)?;
            let share = (point.0 - pair[0].0) / (pair[1].0 - pair[0].0).max(1e-9);
            Some((*point, pair[0].1 + (pair[1].1 - pair[0].1) * share))
        };
        let differ = |(point, up): &(Settled, f64)| point.1.min(*up) < DIFFERENT * point.1.max(*up);
        self.down.iter().skip(1).filter_map(beside).filter(differ).collect()
    }

    /// The point at which the two differ, in the middle of all such points.
    pub(super) fn typical(&self) -> Option<(Settled, f64)> {
        let different = self.different();
        different.get(different.len() / 2).copied()
    }

    pub(super) fn title(&self, quantity: &Quantity) -> String {
        match self.typical() {
            Some(((load, down), up)) => format!(
                "Same load, two outcomes: at {}, {} is {} or {}",
                rate(load),
                quantity.noun,
                quantity.shown(up),
                quantity.shown(down)
            ),
            None => format!("{} comes back the way it went", capital(quantity.noun)),
        }
    }

    /// Shades the loads at which both values were seen.
    pub(super) fn two_outcomes(&self, canvas: &Canvas, panel: &Panel, places: &mut Places) {
        let loads: Vec<f64> = self.different().iter().map(|(point, _)| point.0).collect();
        let (low, high) =
            (loads.iter().copied().fold(f64::INFINITY, f64::min), loads.iter().copied().fold(0.0, f64::max));
        let (x0, x1) = (panel.px(low), panel.px(high));
        if loads.is_empty() || x1 - x0 < 2.0 {
            return;
        }
        canvas.fill_rect((x0, panel.y0), (x1, panel.y1), colour::PURPLE, 0.09);
        let (words, kind) = ("both outcomes seen", name_in(colour::PURPLE));
        let x = f64::midpoint(x0, x1) - kind.width(words) / 2.0;
        let x = x.clamp(panel.x0 + 6.0, panel.x1 - kind.width(words) - 6.0);
        places.write(canvas, words, kind, &[(x, panel.y0 + 8.0)]);
    }

    /// An arrow between the two values where they differ.
    pub(super) fn gap(&self, canvas: &Canvas, panel: &Panel, places: &mut Places) {
        let Some(((load, down), up)) = self.typical() else { return };
        let x = panel.px(load);
        let (high, low) = (panel.py(up.max(down)) + 5.0, panel.py(up.min(down)) - 5.0);
        if low - high < 30.0 {
            return;
        }
        canvas.line(&[(x, high + 4.0), (x, low - 4.0)], colour::INK, 1.25);
        canvas.arrow_head((x, low), (x, high), 9.0, colour::INK);
        canvas.arrow_head((x, high), (x, low), 9.0, colour::INK);
        places.avoid(vec![vec![(x, high), (x, low)]]);
        let words = "history decides";
        let kind = remark_in(colour::INK);
        let length = kind.width(words);
        let heights = [0.5, 0.6, 0.4, 0.7].map(|share| high + (low - high) * share - 6.0);
        let candidates: Vec<At> =
            heights.iter().flat_map(|y| [(x + 9.0, *y), (x - 9.0 - length, *y)]).collect();
        places.write(canvas, words, kind, &candidates);
    }
}

fn axes(canvas: &Canvas, panel: &Panel, quantity: &Quantity) {
    let (across, up) = (panel.x.ticks(6), panel.y.ticks(5));
    panel.grid(canvas, &across, &up);
    panel.left_axis(canvas, &up);
    panel.lower_axis(canvas, &across.iter().map(|v| (*v, number(*v))).collect::<Vec<_>>());
    let below = (f64::midpoint(panel.x0, panel.x1), panel.y1 + 31.0);
    canvas.text("offered load (per second)", AXIS_NAME, below, CENTRE_TOP);
    canvas.text_upwards(&quantity.axis(), AXIS_NAME, (20.0, f64::midpoint(panel.y0, panel.y1)), CENTRE_TOP);
}

/// The line on which goodput is all that is offered.
pub(super) fn everybody_served(canvas: &Canvas, panel: &Panel, places: &mut Places) {
    let (Scale::Linear(_, most_x) | Scale::Log(_, most_x)) = panel.x;
    let (Scale::Linear(_, most_y) | Scale::Log(_, most_y)) = panel.y;
    let end = most_x.min(most_y);
    let (from, to) = ((panel.px(0.0), panel.py(0.0)), (panel.px(end), panel.py(end)));
    canvas.dashed(from, to, colour::MUTED);
    places.avoid(vec![vec![from, to]]);
}

/// Loads that theory tells apart: the capacity, and what it leaves when every attempt fails.
fn thresholds(canvas: &Canvas, panel: &Panel, places: &mut Places, scenario: &Scenario) {
    let mut marks = vec![];
    if let Some(service) = hand(scenario).services.first().filter(|s| s.attempts_when_failing > 1.0) {
        let words = format!(
            "capacity ÷ {} attempts: {}",
            number(service.attempts_when_failing),
            rate(service.hidden_capacity_per_s)
        );
        marks.push((service.hidden_capacity_per_s, words));
    }
    marks.extend(capacity(scenario).map(|capacity| (capacity, format!("capacity {}", rate(capacity)))));
    for (load, words) in marks.into_iter().filter(|(load, _)| panel.x.place(*load) <= 1.0) {
        let x = panel.px(load);
        canvas.dashed((x, panel.y0), (x, panel.y1), colour::MUTED);
        places.avoid(vec![vec![(x, panel.y0), (x, panel.y1)]]);
        let length = REFERENCE.width(&words);
        let heights = [30.0, 48.0, 66.0].map(|down| panel.y0 + down);
        let candidates: Vec<At> =
            heights.iter().flat_map(|y| [(x - 6.0 - length, *y), (x + 6.0, *y)]).collect();
        places.write(canvas, &words, REFERENCE, &candidates);
    }
}

/// Draws one way with its points, and arrow heads that say where it goes. Returns what was drawn.
pub(super) fn draw_way(canvas: &Canvas, panel: &Panel, way: &[Settled], colour: Colour) -> Vec<Vec<At>> {
    let line: Vec<At> = way.iter().map(|(x, y)| (panel.px(*x), panel.py(*y))).collect();
    canvas.line(&line, colour, 2.25);
    for &at in &line {
        canvas.dot(at, 3.0, colour);
    }
    let length = |pair: &[At]| {
        let (dx, dy) = (pair[1].0 - pair[0].0, pair[1].1 - pair[0].1);
        (dx * dx + dy * dy).sqrt()
    };
    let total: f64 = line.windows(2).map(length).sum();
    for share in [0.35, 0.75] {
        let mut left = total * share;
        for pair in line.windows(2) {
            let here = length(pair);
            if here > 0.0 && left <= here {
                let tip = (
                    pair[0].0 + (pair[1].0 - pair[0].0) * left / here,
                    pair[0].1 + (pair[1].1 - pair[0].1) * left / here,
                );
                canvas.arrow_head(pair[0], tip, 14.0, colour);
                break;
            }
            left -= here;
        }
    }
    vec![line]
}

/// Writes what a way is beside one of its points.
pub(super) fn name_way(
    canvas: &Canvas,
    panel: &Panel,
    places: &mut Places,
    way: &[Settled],
    words: &str,
    colour: Colour,
) {
    let kind = name_in(colour);
    let length = kind.width(words);
    let middle = way.len() / 2;
    let order =
        (0..way.len()).map(|k| if k % 2 == 0 { middle + k / 2 } else { middle.wrapping_sub(k / 2 + 1) });
    let candidates: Vec<At> = order
        .filter_map(|index| way.get(index))
        .map(|(x, y)| (panel.px(*x), panel.py(*y)))
        .flat_map(|(x, y)| {
            [
                (x - length - 12.0, y - 20.0),
                (x - length / 2.0, y - 26.0),
                (x + 12.0, y + 10.0),
                (x - length / 2.0, y + 12.0),
            ]
        })
        .collect();
    places.write(canvas, words, kind, &candidates);
}
