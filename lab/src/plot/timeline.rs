//! One run over time: rates, latency and queue on one time axis.
use super::{
    Figure,
    canvas::{AXIS_NAME, CENTRE_BOTTOM, CENTRE_TOP, Canvas, REFERENCE, draw, remark_in},
    finding::finding,
    header::Header,
    ink::colour,
    panel::Panel,
    phases::{Phase, phases},
    place::{Places, name_curves},
    remarks::wasted_work,
    scale::{Scale, log_around, round_up},
    series::{Latency, Rates, gap, host_bound, latency, mean_from, rates},
    setting::{capacity, setting, turned_away_ms},
    stem, strip,
    words::{number, rate, seconds},
};
use crate::verdict::RunView;

const WIDTH: f64 = 960.0;
const LEFT: f64 = 68.0;
const RIGHT: f64 = WIDTH - 106.0;
const RATES_HEIGHT: f64 = 192.0;
const LATENCY_HEIGHT: f64 = 164.0;
const QUEUE_HEIGHT: f64 = 92.0;
/// Between panels, for the heading of the lower one.
const GAP: f64 = 42.0;

/// Rates, latency and queue depth of `run` over time, with its phases.
pub fn timeline(run: &RunView) -> Figure {
    let title = finding(run);
    let header = Header::new(&title, &setting(run), Some(&run.judgement.verdict), WIDTH);
    let story = Story {
        run,
        phases: phases(run),
        rates: rates(run.trace),
        latency: latency(run.trace, 0),
        time: Scale::Linear(0.0, run.trace.end.as_secs_f64().max(1e-9)),
    };
    let strip_bottom = header.bottom() + 14.0 + strip::HEIGHT;
    let top = strip_bottom + 34.0;
    let tops = [top, top + RATES_HEIGHT + GAP, top + RATES_HEIGHT + LATENCY_HEIGHT + 2.0 * GAP];
    let height = tops[2] + QUEUE_HEIGHT + 56.0;
    let ink = draw(WIDTH, height, |canvas| {
        header.draw(canvas);
        let panel = story.rates(canvas, tops[0]);
        strip::draw(canvas, &panel, &story.phases, strip_bottom, WIDTH);
        story.latency(canvas, tops[1]);
        story.queue(canvas, tops[2]);
    });
    Figure { name: stem(&["timeline", run.variant, run.engine]), ink, caption: caption(run, &title) }
}

fn caption(run: &RunView, title: &str) -> String {
    let groups = &run.scenario.clients;
    let several = if groups.len() > 1 {
        format!(" Rates are the sum of {} client groups, latency is of {}.", groups.len(), groups[0].name)
    } else {
        String::new()
    };
    format!(
        "{title}: rates, latency and queue depth over time ({}); verdict: {}.{several}",
        setting(run),
        run.judgement.verdict.word()
    )
}

struct Story<'a> {
    run: &'a RunView<'a>,
    phases: Vec<Phase>,
    rates: Rates,
    latency: Latency,
    time: Scale,
}

impl Story<'_> {
    /// An empty panel with bands and grid, `height` pixels high.
    fn panel(&self, canvas: &Canvas, top: f64, height: f64, y: Scale, ticks: usize) -> Panel {
        let panel = Panel { x0: LEFT, y0: top, x1: RIGHT, y1: top + height, x: self.time, y };
        strip::bands(canvas, &panel, &self.phases);
        for (from, until) in host_bound(self.run.trace) {
            let (from, until) = (panel.px(from), panel.px(until).max(panel.px(from) + 1.0));
            canvas.hatch((from, panel.y0), (until.min(panel.x1), panel.y1), colour::MUTED);
        }
        let marks = y.ticks(ticks);
        panel.grid(canvas, &self.time.ticks(8), &marks);
        panel.left_axis(canvas, &marks);
        panel
    }

    fn rates(&self, canvas: &Canvas, top: f64) -> Panel {
        let r = &self.rates;
        let capacity = capacity(self.run.scenario);
        let (most, peak) = rate_axis(r, capacity);
        let panel = self.panel(canvas, top, RATES_HEIGHT, Scale::Linear(0.0, most), 4);
        let unit = format!("per second, {} windows", seconds(r.width));
        let unit = if host_bound(self.run.trace).is_empty() {
            unit
        } else {
            format!("{unit}; hatched: the host could not keep up")
        };
        let heading = panel.heading(canvas, "Rates", &unit);
        let mut places = Places::new(&panel);
        places.avoid(strip::edges(&panel, &self.phases));
        panel.area(canvas, &r.at, &r.goodput, colour::GREEN, 0.18);
        if let Some(capacity) = capacity.filter(|c| *c <= most) {
            canvas.dashes(panel.x0, panel.x1, panel.py(capacity), colour::MUTED);
        }
        for (values, colour, width) in [
            (&r.offered, colour::SLATE, 1.25),
            (&r.attempts, colour::ORANGE, 1.75),
            (&r.throughput, colour::BLUE, 1.75),
            (&r.goodput, colour::GREEN, 2.0),
        ] {
            places.avoid(panel.curve(canvas, &r.at, values, colour, width));
        }
        if let Some(capacity) = capacity {
            let (words, y) = if capacity <= most {
                (format!("capacity {}", rate(capacity)), panel.py(capacity))
            } else {
                (format!("↑ capacity {}", rate(capacity)), panel.y0)
            };
            places.write_along(canvas, &words, REFERENCE, y);
        }
        if let Some(capacity) = capacity {
            wasted_work(canvas, &panel, &mut places, &self.phases, r, capacity);
        }
        if let Some((at, height)) = peak {
            mark_peak(canvas, &panel, heading, at, height);
        }
        let end = |values: &[f64]| self.end_of(&r.at, values);
        name_curves(
            canvas,
            &panel,
            &[
                ("attempts sent", colour::ORANGE, end(&r.attempts)),
                ("throughput", colour::BLUE, end(&r.throughput)),
                ("offered", colour::SLATE, end(&r.offered)),
                ("goodput", colour::GREEN, end(&r.goodput)),
            ],
        );
        panel
    }

    fn latency(&self, canvas: &Canvas, top: f64) {
        let l = &self.latency;
        let group = &self.run.scenario.clients[0];
        let limits = [("timeout", group.policy.per_try_timeout), ("deadline", group.policy.deadline)];
        let limits: Vec<(&str, f64)> = limits
            .into_iter()
            .filter(|(_, span)| !span.is_forever())
            .map(|(name, span)| (name, span.as_millis_f64()))
            .collect();
        let floor = turned_away_ms(self.run.scenario);
        let panel = self.panel(canvas, top, LATENCY_HEIGHT, latency_axis(l, &limits, floor), 4);
        let of =
            if self.run.scenario.clients.len() > 1 { format!(" of {}", group.name) } else { String::new() };
        let below =
            if l.p50.iter().any(|v| *v < floor) { "; below the axis: turned away at once" } else { "" };
        let unit = format!(
            "ms, log scale; intended start to final answer or failure{of}, {} windows{below}{}",
            seconds(l.width),
            gap(l)
        );
        panel.heading(canvas, "Latency", &unit);
        let mut places = Places::new(&panel);
        for (_, ms) in &limits {
            canvas.dashes(panel.x0, panel.x1, panel.py(*ms), colour::MUTED);
        }
        let curves = [
            ("p99.9", &l.p999, colour::PURPLE, 1.25),
            ("p99", &l.p99, colour::RED, 1.5),
            ("p50", &l.p50, colour::BLUE, 2.0),
        ];
        let mut names = vec![];
        for (name, values, colour, width) in curves {
            places.avoid(panel.curve(canvas, &l.at, values, colour, width));
            names.push((name, colour, self.end_of(&l.at, values)));
        }
        for (name, ms) in &limits {
            places.write_along(canvas, &format!("{name} {}", seconds(ms / 1e3)), REFERENCE, panel.py(*ms));
        }
        name_curves(canvas, &panel, &names);
    }

    fn queue(&self, canvas: &Canvas, top: f64) {
        let r = &self.rates;
        let deepest = r.queue.iter().copied().fold(0.0, f64::max);
        let limit = queue_limit(self.run);
        let shown = limit.filter(|limit| *limit <= deepest.max(1.0) * 4.0);
        let most = round_up(shown.map_or(deepest * 1.05, |limit| limit.max(deepest) * 1.1), 3).max(1.0);
        let panel = self.panel(canvas, top, QUEUE_HEIGHT, Scale::Linear(0.0, most), 3);
        let bound = match limit {
            None => "attempts waiting, all replicas; no limit".into(),
            Some(limit) if shown.is_none() => {
                format!("attempts waiting, all replicas; the limit is {}", number(limit))
            }
            Some(_) => "attempts waiting, all replicas".to_owned(),
        };
        panel.heading(canvas, "Queue depth", &bound);
        panel.area(canvas, &r.at, &r.queue, colour::SLATE, 0.20);
        let mut places = Places::new(&panel);
        places.avoid(panel.curve(canvas, &r.at, &r.queue, colour::SLATE, 1.75));
        if let Some(limit) = shown {
            canvas.dashes(panel.x0, panel.x1, panel.py(limit), colour::MUTED);
            places.write_along(canvas, &format!("queue limit {}", number(limit)), REFERENCE, panel.py(limit));
        }
        let marks: Vec<_> = self.time.ticks(8).into_iter().map(|t| (t, number(t))).collect();
        panel.lower_axis(canvas, &marks);
        let middle = f64::midpoint(panel.x0, panel.x1);
        canvas.text("time (s)", AXIS_NAME, (middle, panel.y1 + 30.0), CENTRE_TOP);
    }

    /// The last twentieth of a curve, where its name is put.
    fn end_of(&self, times: &[f64], values: &[f64]) -> f64 {
        mean_from(times, values, self.run.trace.end.as_secs_f64() * 0.95)
    }
}

/// Waiting places of all replicas of all services; `None` where one of them is unbounded.
fn queue_limit(run: &RunView) -> Option<f64> {
    let services = &run.scenario.services;
    let bounded = services.iter().all(|s| s.policy.capacity != usize::MAX);
    bounded.then(|| services.iter().map(|s| s.policy.capacity as f64 * f64::from(s.replicas)).sum())
}

/// The upper end of the rates' axis, and the peak (when, how high) where it is cut off because a short peak would press
/// everything else flat.
fn rate_axis(rates: &Rates, capacity: Option<f64>) -> (f64, Option<(f64, f64)>) {
    let all = [&rates.offered, &rates.attempts, &rates.throughput, &rates.goodput];
    let highest = |values: &Vec<f64>| values.iter().copied().fold(0.0, f64::max);
    let peak = all.into_iter().map(highest).fold(0.0, f64::max);
    let mut attempts = rates.attempts.clone();
    attempts.sort_unstable_by(f64::total_cmp);
    let usual = attempts.get(attempts.len() * 9 / 10).copied().unwrap_or(0.0) * 1.15;
    let most = usual.max(highest(&rates.throughput)).max(highest(&rates.goodput));
    let offered = highest(&rates.offered);
    let most = if offered <= 2.5 * most { most.max(offered) } else { most };
    let most = most.max(capacity.filter(|c| *c <= 2.0 * peak).unwrap_or(0.0) * 1.15);
    if peak <= most * 1.5 {
        return (round_up(peak.max(most) * 1.03, 4), None);
    }
    let at = rates.attempts.iter().position(|v| *v == highest(&rates.attempts)).unwrap_or(0);
    (round_up(most * 1.05, 4), Some((rates.at[at], peak)))
}

/// Writes the height of a peak that is cut off above the place where it was, beside the heading, which ends at `heading`.
fn mark_peak(canvas: &Canvas, panel: &Panel, heading: f64, at: f64, height: f64) {
    let kind = remark_in(colour::ORANGE);
    let words = format!("↑ peak {}", rate(height));
    let half = kind.width(&words) / 2.0;
    let middle = panel.px(at).min(panel.x1 - half).max(heading + 16.0 + half);
    canvas.text(&words, kind, (middle, panel.y0 - 6.0), CENTRE_BOTTOM);
}

/// An axis for all percentiles from `floor` on, and for the limits.
fn latency_axis(latency: &Latency, limits: &[(&str, f64)], floor: f64) -> Scale {
    let values = || {
        let all = [&latency.p50, &latency.p99, &latency.p999].into_iter().flatten().copied();
        all.filter(|v| *v >= floor)
    };
    let mut low = values().fold(f64::INFINITY, f64::min);
    let mut high = values().fold(f64::NEG_INFINITY, f64::max);
    for (_, limit) in limits {
        low = low.min(*limit);
        high = high.max(*limit);
    }
    log_around(low, high)
}
