//! Goodput of several runs over the same time, one strip each.
use super::{
    Figure,
    busy::{Busy, every_row},
    canvas::{AXIS_NAME, CENTRE_TOP, Canvas, HEADING, LEFT_MIDDLE, Type, UNIT, draw, name_in},
    finding::{aside, findings},
    group::{Group, groups},
    header::{Header, verdict_colour, wrap},
    hits::hits,
    ink::colour,
    panel::Panel,
    phases::{Phase, phases},
    scale::{Scale, round_up},
    series::{Rates, mean_from, rates},
    setting::system,
    strip,
    words::{number, seconds},
};
use crate::verdict::RunView;

const WIDTH: f64 = 960.0;
const LEFT: f64 = 68.0;
const RIGHT: f64 = WIDTH - 142.0;
const GAP: f64 = 38.0;

/// Goodput over time of each of `runs` with its verdict, on one time axis. Empty where there is no run.
pub fn comparison(runs: &[RunView]) -> Figure {
    let title = findings(runs);
    let subtitle = runs.first().map_or_else(String::new, |run| {
        format!("goodput of each variant; baseline: {}; seed\u{a0}{}", system(run), run.trace.seed)
    });
    let header = Header::new(&title, &subtitle, None, WIDTH);
    let strips: Vec<Strip> = runs
        .iter()
        .zip(remarks(runs))
        .map(|(run, remark)| Strip { run, remark, rates: rates(run), phases: phases(run) })
        .collect();
    let axes = Axes::new(&strips);
    let height = strip_height(runs.len());
    let top = header.bottom() + 44.0;
    let total = top + strips.len() as f64 * (height + GAP) - GAP + 58.0;
    let ink = draw(WIDTH, total, |canvas| {
        header.draw(canvas);
        for (index, strip) in strips.iter().enumerate() {
            let y0 = top + index as f64 * (height + GAP);
            let panel = Panel { x0: LEFT, y0, x1: RIGHT, y1: y0 + height, x: axes.time, y: axes.goodput };
            strip.draw(canvas, &panel, index == 0);
            if index + 1 == strips.len() {
                time_axis(canvas, &panel);
            }
        }
    });
    Figure { name: "comparison".into(), ink, caption: caption(runs, &title) }
}

/// The one thing to say of every run beside its goodput, as it is over the last twentieth of the run: of a cache its hit
/// rate; of groups of which any changes its members, how many are left; of other groups how busy the busiest replica is.
fn remarks(runs: &[RunView]) -> Vec<String> {
    let groups: Vec<Vec<Group>> = runs.iter().map(groups).collect();
    let changes = groups.iter().flatten().any(Group::changes);
    let remark = |(run, groups): (&RunView, &Vec<Group>)| {
        let end = run.trace.end.as_secs_f64();
        if let Some(hits) = hits(run).first() {
            return format!("hit rate {} %", number(mean_from(&hits.at, &hits.rate, end * 0.95).round()));
        }
        match groups.first() {
            Some(group) if changes => format!("{} of {} members", group.members_at_end(), group.replicas),
            Some(_) => busiest(&every_row(run), end).unwrap_or_default(),
            None => String::new(),
        }
    };
    runs.iter().zip(&groups).map(remark).collect()
}

fn busiest(busy: &Busy, end: f64) -> Option<String> {
    let most = busy.rows.iter().map(|row| busy.at_end(row, end)).max_by(f64::total_cmp)?;
    Some(format!("busiest replica {} %", number((most * 100.0).round())))
}

fn caption(runs: &[RunView], title: &str) -> String {
    let each: Vec<String> = runs
        .iter()
        .map(|run| {
            let aside = aside(run.judgement);
            let aside = if aside.is_empty() { aside } else { format!(" {aside}") };
            format!("{} ({}) {}{aside}", run.variant, run.engine, run.judgement.verdict.word())
        })
        .collect();
    format!("{title}. Goodput over time: {}.", each.join("; "))
}

fn strip_height(strips: usize) -> f64 {
    match strips {
        0..=4 => 84.0,
        5..=8 => 60.0,
        _ => 44.0,
    }
}

fn time_axis(canvas: &Canvas, panel: &Panel) {
    let marks: Vec<_> = panel.x.ticks(8).into_iter().map(|t| (t, number(t))).collect();
    panel.lower_axis(canvas, &marks);
    canvas.text("time (s)", AXIS_NAME, (f64::midpoint(panel.x0, panel.x1), panel.y1 + 30.0), CENTRE_TOP);
}

/// The axes that all strips share.
struct Axes {
    time: Scale,
    goodput: Scale,
}

impl Axes {
    fn new(strips: &[Strip]) -> Axes {
        let end = strips.iter().map(|s| s.run.trace.end.as_secs_f64()).fold(1e-9, f64::max);
        let most = strips.iter().flat_map(|s| s.rates.goodput.iter().chain(&s.rates.offered));
        let most = most.copied().fold(0.0, f64::max);
        Axes { time: Scale::Linear(0.0, end), goodput: Scale::Linear(0.0, round_up(most * 1.05, 2)) }
    }
}

struct Strip<'a> {
    run: &'a RunView<'a>,
    /// What else there is to say of it, in a few words.
    remark: String,
    rates: Rates,
    phases: Vec<Phase>,
}

impl Strip<'_> {
    fn draw(&self, canvas: &Canvas, panel: &Panel, first: bool) {
        let marks = panel.y.ticks(2);
        strip::bands(canvas, panel, &self.phases);
        panel.grid(canvas, &panel.x.ticks(8), &marks);
        panel.left_axis(canvas, &marks);
        let r = &self.rates;
        panel.area(canvas, &r.at, &r.goodput, colour::GREEN, 0.18);
        panel.curve(canvas, &r.at, &r.offered, colour::SLATE, 1.0);
        panel.curve(canvas, &r.at, &r.goodput, colour::GREEN, 2.0);
        let engine = if first {
            format!(
                "{}; goodput (green) and offered load per second, {} windows",
                self.run.engine,
                seconds(r.width)
            )
        } else {
            self.run.engine.to_owned()
        };
        let name = wrap(self.run.variant, HEADING, RIGHT - LEFT - UNIT.width(&engine) - 20.0);
        panel.heading(canvas, name.first().map_or("", String::as_str), &engine);
        self.verdict(canvas, panel);
    }

    /// The verdict's word and what there is to add, beside the strip.
    fn verdict(&self, canvas: &Canvas, panel: &Panel) {
        let (x, middle) = (panel.x1 + 14.0, f64::midpoint(panel.y0, panel.y1));
        let verdict = &self.run.judgement.verdict;
        let asides: Vec<String> =
            [aside(self.run.judgement), self.remark.clone()].into_iter().filter(|s| !s.is_empty()).collect();
        let up = 9.0 * asides.len() as f64;
        let kind: Type = name_in(verdict_colour(verdict));
        canvas.text(verdict.word(), Type { em: 14.0, ..kind }, (x, middle - up), LEFT_MIDDLE);
        for (line, text) in asides.iter().enumerate() {
            canvas.text(text, UNIT, (x, middle - up + 18.0 * (line as f64 + 1.0)), LEFT_MIDDLE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_to_compare_is_an_empty_figure_and_no_panic() {
        let figure = comparison(&[]);
        assert_eq!(figure.name, "comparison");
    }
}
