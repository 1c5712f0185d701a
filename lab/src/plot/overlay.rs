//! A live run over its simulation: the same quantities on the same axes.
use super::{
    Figure,
    busy::{Busy, busy},
    canvas::{Canvas, LEFT_MIDDLE, UNIT, draw},
    group::{Group, groups},
    header::Header,
    hits::{Hits, hits},
    ink::{Colour, colour},
    over_time::{GAP, LATENCY_HEIGHT, LEFT, OverTime, SMALL_HEIGHT, WIDTH},
    panel::Panel,
    place::name_curves,
    rows,
    scale::{Scale, log_around, round_up},
    series::{Latency, Rates, gap, latency, mean_from, rates},
    setting::{system, turned_away_ms},
    stem,
    words::seconds,
};
use crate::verdict::RunView;

const RATES_HEIGHT: f64 = 180.0;
const QUEUE_HEIGHT: f64 = 100.0;
/// Width and opacity of the simulation's wide pale lines and the live run's thin ones.
const SIMULATED: (f64, f64) = (6.0, 0.32);
const LIVE: (f64, f64) = (1.4, 1.0);

/// What was measured of one of the two.
struct Measured {
    rates: Rates,
    latency: Latency,
    hits: Vec<Hits>,
    busy: Busy,
    groups: Vec<Group>,
}

impl Measured {
    fn new(run: &RunView) -> Measured {
        Measured {
            rates: rates(run),
            latency: latency(run.trace, 0),
            hits: hits(run),
            busy: busy(run),
            groups: groups(run),
        }
    }
}

/// One quantity of both runs.
struct Pair<'a> {
    name: &'static str,
    colour: Colour,
    sim: (&'a [f64], &'a [f64]),
    live: (&'a [f64], &'a [f64]),
}

/// Goodput, attempts, latency and queue depth of the simulation and of the live run, over each other.
pub fn overlay(sim: &RunView, live: &RunView) -> Figure {
    let title = title(sim, live);
    let seeds = match (sim.trace.seed, live.trace.seed) {
        (one, other) if one == other => format!("seed\u{a0}{one}"),
        (one, other) => format!("seeds {one} and {other}"),
    };
    let subtitle = format!("{}; {seeds}", system(live));
    let header = Header::new(&title, &subtitle, None, WIDTH);
    let (s, l) = (Measured::new(sim), Measured::new(live));
    let end = sim.trace.end.max(live.trace.end).as_secs_f64();
    let both = Both { live, frame: OverTime::new(live, end), end };
    let key = header.bottom() + 14.0;
    let top = key + 44.0;
    let hits = top + RATES_HEIGHT + GAP;
    let middle = hits + s.hits.iter().zip(&l.hits).count() as f64 * (SMALL_HEIGHT + GAP);
    let rows = middle + LATENCY_HEIGHT + GAP;
    // Rows that only one of the two tells would not be compared.
    let told = !s.busy.is_empty() && s.busy.rows.len() == l.busy.rows.len();
    let members = if told { rows + rows::height(&s.busy) + GAP } else { rows };
    let changing = s.groups.iter().zip(&l.groups).filter(|(s, l)| s.changes() || l.changes());
    let changing: Vec<(&Group, &Group)> = changing.collect();
    let low = members + changing.len() as f64 * (SMALL_HEIGHT + GAP);
    let ink = draw(WIDTH, low + QUEUE_HEIGHT + 58.0, |canvas| {
        header.draw(canvas);
        draw_key(canvas, key, !live.trace.host_bound.is_empty());
        both.rates(canvas, top, &s, &l);
        for (index, pair) in s.hits.iter().zip(&l.hits).enumerate() {
            both.hit_rate(canvas, hits + index as f64 * (SMALL_HEIGHT + GAP), pair);
        }
        both.latency(canvas, middle, &s, &l);
        if told {
            both.busy(canvas, rows, &s, &l);
        }
        for (index, pair) in changing.iter().enumerate() {
            both.members(canvas, members + index as f64 * (SMALL_HEIGHT + GAP), *pair);
        }
        both.queue(canvas, low, &s, &l);
    });
    let caption = format!(
        "{title}: goodput, attempts, latency and queue depth of the simulation (wide, pale) and of the live run (thin); \
         verdicts: {} and {}.",
        sim.judgement.verdict.word(),
        live.judgement.verdict.word()
    );
    Figure { name: stem(&["overlay", live.variant]), ink, caption }
}

fn title(sim: &RunView, live: &RunView) -> String {
    let (s, l) = (sim.judgement.verdict.word(), live.judgement.verdict.word());
    if s == l {
        format!("Simulation and live run come to the same verdict: {s}")
    } else {
        format!("Simulation and live run differ: {s} simulated, {l} live")
    }
}

/// Which line is which: drawn, not boxed.
fn draw_key(canvas: &Canvas, y: f64, hatched: bool) {
    let entries = [("simulated", SIMULATED), ("live", LIVE)];
    let mut x = LEFT;
    for (name, (width, opacity)) in entries {
        canvas.pale_line(&[(x, y), (x + 28.0, y)], colour::INK, width, opacity);
        canvas.text(name, UNIT, (x + 35.0, y), LEFT_MIDDLE);
        x += 35.0 + UNIT.width(name) + 24.0;
    }
    if hatched {
        canvas.hatch((x, y - 6.0), (x + 28.0, y + 6.0), colour::MUTED);
        canvas.text("the host could not keep up", UNIT, (x + 35.0, y), LEFT_MIDDLE);
    }
}

struct Both<'a> {
    live: &'a RunView<'a>,
    frame: OverTime<'a>,
    end: f64,
}

impl Both<'_> {
    fn rates(&self, canvas: &Canvas, top: f64, s: &Measured, l: &Measured) {
        let pairs = [
            Pair {
                name: "attempts sent",
                colour: colour::ORANGE,
                sim: (&s.rates.at, &s.rates.attempts),
                live: (&l.rates.at, &l.rates.attempts),
            },
            Pair {
                name: "goodput",
                colour: colour::GREEN,
                sim: (&s.rates.at, &s.rates.goodput),
                live: (&l.rates.at, &l.rates.goodput),
            },
        ];
        let scale = Scale::Linear(0.0, round_up(highest(&pairs) * 1.05, 4));
        let panel = self.frame.panel(canvas, top, RATES_HEIGHT, scale, 4);
        let unit = format!("per second, {} windows", seconds(l.rates.width.max(s.rates.width)));
        panel.heading(canvas, "Rates", &unit);
        self.draw_pairs(canvas, &panel, &pairs);
    }

    fn latency(&self, canvas: &Canvas, top: f64, s: &Measured, l: &Measured) {
        let pairs = [
            Pair {
                name: "p99",
                colour: colour::RED,
                sim: (&s.latency.at, &s.latency.p99),
                live: (&l.latency.at, &l.latency.p99),
            },
            Pair {
                name: "p50",
                colour: colour::BLUE,
                sim: (&s.latency.at, &s.latency.p50),
                live: (&l.latency.at, &l.latency.p50),
            },
        ];
        let floor = turned_away_ms(self.live.scenario);
        let values = || pairs.iter().flat_map(Pair::values).filter(|v| *v >= floor);
        let scale =
            log_around(values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
        let panel = self.frame.panel(canvas, top, LATENCY_HEIGHT, scale, 4);
        let group = &self.live.scenario.clients[0].name;
        let of = if self.live.scenario.clients.len() > 1 { format!(" of {group}") } else { String::new() };
        let width = seconds(l.latency.width.max(s.latency.width));
        let gap = gap(&l.latency);
        let unit =
            format!("ms, log scale; intended start to final answer or failure{of}, {width} windows{gap}");
        panel.heading(canvas, "Latency", &unit);
        self.draw_pairs(canvas, &panel, &pairs);
    }

    fn hit_rate(&self, canvas: &Canvas, top: f64, (s, l): (&Hits, &Hits)) {
        let panel = self.frame.panel(canvas, top, SMALL_HEIGHT, Scale::Linear(0.0, 100.0), 2);
        panel.heading(
            canvas,
            "Hit rate",
            &format!("% of the reads, {} windows", seconds(l.width.max(s.width))),
        );
        let (sim, live) = ((&s.at[..], &s.rate[..]), (&l.at[..], &l.rate[..]));
        self.draw_pairs(canvas, &panel, &[Pair { name: "hits", colour: colour::BLUE, sim, live }]);
    }

    fn busy(&self, canvas: &Canvas, top: f64, s: &Measured, l: &Measured) {
        let panels = self.frame.rows(&s.busy, top);
        for (panel, (sim, live)) in panels.iter().zip(s.busy.rows.iter().zip(&l.busy.rows)) {
            self.frame.shade(canvas, panel);
            rows::fill(canvas, panel, &s.busy, sim, SIMULATED.1);
            rows::line(canvas, panel, &l.busy, live, LIVE.0);
            rows::name(canvas, panel, &l.busy, live, l.busy.at_end(live, self.end));
        }
        if let Some(first) = panels.first() {
            first.heading(canvas, "Busy", &rows::meaning(&l.busy));
        }
    }

    fn members(&self, canvas: &Canvas, top: f64, (s, l): (&Group, &Group)) {
        let most = f64::from(s.replicas.max(l.replicas));
        let panel = self.frame.panel(canvas, top, SMALL_HEIGHT, Scale::Linear(0.0, most * 1.12), 3);
        panel.heading(canvas, "Members", "replicas in the view");
        let [sim, live] = [s, l].map(|group| group.steps(self.end));
        let (sim, live) = ((&sim.0[..], &sim.1[..]), (&live.0[..], &live.1[..]));
        self.draw_pairs(canvas, &panel, &[Pair { name: "members", colour: colour::BLUE, sim, live }]);
    }

    fn queue(&self, canvas: &Canvas, top: f64, s: &Measured, l: &Measured) {
        let pairs = [Pair {
            name: "waiting",
            colour: colour::SLATE,
            sim: (&s.rates.at, &s.rates.queue),
            live: (&l.rates.at, &l.rates.queue),
        }];
        let scale = Scale::Linear(0.0, round_up(highest(&pairs) * 1.05, 3).max(1.0));
        let panel = self.frame.panel(canvas, top, QUEUE_HEIGHT, scale, 3);
        panel.heading(canvas, "Queue depth", "attempts waiting, all replicas");
        self.draw_pairs(canvas, &panel, &pairs);
        self.frame.axis(canvas, &panel);
    }

    fn draw_pairs(&self, canvas: &Canvas, panel: &Panel, pairs: &[Pair]) {
        let mut names = vec![];
        for Pair { name, colour, sim, live } in pairs {
            panel.pale_curve(canvas, sim.0, sim.1, *colour, SIMULATED);
            panel.pale_curve(canvas, live.0, live.1, *colour, LIVE);
            let ends = [*live, *sim].map(|(at, values)| mean_from(at, values, self.end * 0.95));
            names.push((*name, *colour, if ends[0].is_finite() { ends[0] } else { ends[1] }));
        }
        name_curves(canvas, panel, &names);
    }
}

impl Pair<'_> {
    fn values(&self) -> impl Iterator<Item = f64> + '_ {
        self.sim.1.iter().chain(self.live.1).copied()
    }
}

fn highest(pairs: &[Pair]) -> f64 {
    pairs.iter().flat_map(Pair::values).fold(0.0, f64::max)
}
