//! The drift field of queue and outstanding retries: where the chain is drawn to, the line that parts its ways, and a run over it.
mod over;

use super::{
    Figure,
    canvas::{AXIS_NAME, At, CENTRE_BOTTOM, CENTRE_TOP, Canvas, REFERENCE, draw, name_in},
    header::Header,
    ink::{Colour, colour},
    panel::Panel,
    place::Places,
    scale::Scale,
    setting::setting,
    words::{number, rate},
};
use crate::{
    study::portrait::Place,
    theory::{
        Prediction, Solved,
        chain::{Field, Fitted, retries_under_way},
    },
    verdict::RunView,
};

const WIDTH: f64 = 760.0;
const LEFT: f64 = 76.0;
const RIGHT: f64 = WIDTH - 28.0;
const HEIGHT: f64 = 430.0;
/// Arrows across and up.
const ARROWS: (usize, usize) = (25, 17);
/// Length in pixels of the longest arrow, and of the shortest.
const LONGEST: f64 = 21.0;
const SHORTEST: f64 = 6.0;

/// The drift field of the chain of `prediction`, for one replica of the service, with the way of `run` over it. `None` where it has no chain.
pub fn drift(prediction: &Prediction, way: &[Place], run: &RunView) -> Option<Figure> {
    let (solved, service) = (prediction.chain.as_ref().ok()?, &prediction.service);
    let service_of = run.scenario.services.iter().position(|s| s.name == *service)?;
    let replicas = f64::from(run.scenario.services[service_of].replicas);
    let mut picture = Picture::new(solved, way);
    // Where a budget bounds the retries under way, most outstanding calls of the fluid never try again: that is another axis.
    let mut callers = run.scenario.clients.iter().filter(|group| group.service == service_of);
    if callers.all(|group| retries_under_way(group).is_none()) {
        picture.fluid = prediction.separatrix.iter().map(|(q, o)| (q / replicas, o / replicas)).collect();
    }
    let title = picture.title(replicas == 1.0);
    let scale = match solved.fitted.jobs_per_state {
        by if by > 1.0 => format!("; chain in steps of {} jobs", number(by)),
        _ => String::new(),
    };
    let subtitle = format!("{}{scale}", setting(run));
    let header = Header::new(&title, &subtitle, None, WIDTH);
    let y0 = header.bottom() + 34.0;
    let panel = Panel {
        x0: LEFT,
        y0,
        x1: RIGHT,
        y1: y0 + HEIGHT,
        x: Scale::Linear(0.0, picture.most.0),
        y: Scale::Linear(0.0, picture.most.1),
    };
    let ink = draw(WIDTH, panel.y1 + 60.0, |canvas| {
        header.draw(canvas);
        picture.draw(canvas, &panel);
    });
    let caption = format!(
        "{title}. Arrows: mean drift of jobs in the queue of one replica of {service} and of outstanding retries; the line \
         parts the ways to the sinks ({}).",
        setting(run)
    );
    Some(Figure { name: super::stem(&["drift", service]), ink, caption })
}

struct Picture<'a> {
    solved: &'a Solved,
    way: &'a [Place],
    field: Field,
    /// The line by the fluid, in jobs and calls; empty where it is not drawn.
    fluid: Vec<(f64, f64)>,
    /// Jobs to a step of the chain.
    by: f64,
    /// The ends of the axes, in jobs and calls.
    most: (f64, f64),
}

impl<'a> Picture<'a> {
    fn new(solved: &'a Solved, way: &'a [Place]) -> Picture<'a> {
        let (model, by) = (&solved.fitted.model, solved.fitted.jobs_per_state);
        let most = (f64::from(model.queue_states - 1) * by, f64::from(model.orbit_states - 1) * by);
        Picture { solved, way, field: Field::new(model), fluid: vec![], by, most: (most.0, most.1.max(1.0)) }
    }

    fn title(&self, alone: bool) -> String {
        let load = rate(self.solved.fitted.model.arrivals_per_s * self.by);
        let who = if alone { "the service" } else { "a replica" };
        match (self.solved.portrait.failed, self.heals()) {
            (Some(_), _) => format!("Two sinks, and a line between them: at {load} {who} heals or fails"),
            (None, true) => format!("One sink: at {load} {who} always comes back"),
            (None, false) => format!("One sink: at {load} {who} always fails"),
        }
    }

    /// Jobs beyond which every attempt is late.
    fn late_jobs(&self) -> f64 {
        self.solved.fitted.model.service_per_s * self.solved.fitted.model.timeout_s * self.by
    }

    /// Whether the sink in which the way from the empty system ends is a healthy one.
    fn heals(&self) -> bool {
        self.solved.portrait.healthy.0 * self.by < self.late_jobs()
    }

    fn draw(&self, canvas: &Canvas, panel: &Panel) {
        let mut places = Places::new(panel);
        let at = |(jobs, calls): (f64, f64)| (panel.px(jobs * self.by), panel.py(calls * self.by));
        let mut line: Vec<At> = self.solved.portrait.separatrix.iter().map(|point| at(*point)).collect();
        // Where even the empty queue is drawn to failure there is no line any more.
        let ends = line.iter().position(|point| point.0 <= panel.x0 + 0.5).map_or(line.len(), |end| end + 1);
        line.truncate(ends);
        sides(canvas, panel, &line);
        axes(canvas, panel);
        self.arrows(canvas, panel);
        if self.late_jobs() < self.most.0 {
            let x = panel.px(self.late_jobs());
            canvas.dashed((x, panel.y0), (x, panel.y1), colour::MUTED);
            let words = format!("μT = {} jobs", number(self.late_jobs()));
            canvas.text(&words, REFERENCE, (x, panel.y0 - 5.0), CENTRE_BOTTOM);
        }
        if !line.is_empty() {
            canvas.line(&line, colour::PAPER, 5.0);
            canvas.line(&line, colour::PURPLE, 3.0);
            places.avoid(vec![line.clone()]);
        }
        self.fluid_line(canvas, panel, &mut places);
        self.run(canvas, panel, &mut places);
        self.sinks(canvas, panel, &mut places, at);
        name_line(canvas, &mut places, &line);
        self.name_run(canvas, panel, &mut places);
    }

    /// Arrows on a grid: where the chain drifts, longer where it is faster.
    fn arrows(&self, canvas: &Canvas, panel: &Panel) {
        let cell = ((panel.x1 - panel.x0) / ARROWS.0 as f64, (panel.y1 - panel.y0) / ARROWS.1 as f64);
        // In pixels a second, as the arrows lie in the picture.
        let pixels = |at: At| {
            let jobs = (at.0 - panel.x0) / (panel.x1 - panel.x0) * self.most.0 / self.by;
            let calls = (panel.y1 - at.1) / (panel.y1 - panel.y0) * self.most.1 / self.by;
            let (dq, d_o) = self.field.at((jobs, calls));
            (
                dq * self.by / self.most.0 * (panel.x1 - panel.x0),
                -d_o * self.by / self.most.1 * (panel.y1 - panel.y0),
            )
        };
        let places = (0..ARROWS.0).flat_map(|column| {
            (0..ARROWS.1).map(move |row| {
                (panel.x0 + (column as f64 + 0.5) * cell.0, panel.y0 + (row as f64 + 0.5) * cell.1)
            })
        });
        let arrows: Vec<(At, At)> = places.map(|at| (at, pixels(at))).collect();
        let fastest = arrows.iter().map(|(_, v)| libm::hypot(v.0, v.1)).fold(1e-12, f64::max);
        for (at, velocity) in arrows {
            let speed = libm::hypot(velocity.0, velocity.1);
            if speed <= 1e-4 * fastest {
                continue;
            }
            let length = SHORTEST + (LONGEST - SHORTEST) * (speed / fastest).sqrt();
            let (dx, dy) = (velocity.0 / speed * length / 2.0, velocity.1 / speed * length / 2.0);
            let (tail, tip) = ((at.0 - dx, at.1 - dy), (at.0 + dx, at.1 + dy));
            canvas.pale_line(&[tail, (at.0 + 0.6 * dx, at.1 + 0.6 * dy)], colour::SLATE, 1.1, 0.75);
            canvas.arrow_head(tail, tip, 6.0, colour::SLATE);
        }
    }

    fn sinks(&self, canvas: &Canvas, panel: &Panel, places: &mut Places, at: impl Fn((f64, f64)) -> At) {
        let Fitted { model, whole_queue, .. } = &self.solved.fitted;
        let portrait = &self.solved.portrait;
        let (healthy, failed) = (("healthy", colour::GREEN), ("failed", colour::RED));
        let mut sinks = vec![(portrait.healthy, if self.heals() { healthy } else { failed })];
        sinks.extend(portrait.failed.map(|sink| (sink, failed)));
        for (sink, (words, colour)) in sinks {
            let mut words = words.to_owned();
            let mut place = at(sink);
            if words == "failed" && !whole_queue {
                // Where the chain is cut off is no end of the way: the queue grows on, with all calls in orbit that there are.
                let calls = model.arrivals_per_s * (model.retries + 1.0) * model.again_after_s;
                place = at((f64::from(model.queue_states - 1), calls.min(f64::from(model.orbit_states - 1))));
                words = "failed: the queue grows on".into();
                let tail = (place.0 - 34.0, place.1);
                canvas.line(&[tail, (place.0 - 8.0, place.1)], colour, 4.0);
                canvas.arrow_head(tail, place, 17.0, colour);
            } else {
                ring(canvas, place, colour);
            }
            let kind = name_in(colour);
            let length = kind.width(&words);
            let candidates: Vec<At> =
                [12.0, 24.0, 40.0].iter().flat_map(|away| around(place, length, *away)).collect();
            let candidates: Vec<At> = candidates
                .into_iter()
                .filter(|c| c.0 > panel.x0 + 6.0 && c.0 + length < panel.x1 - 6.0)
                .collect();
            places.write_on_paper(canvas, &words, kind, &candidates);
        }
    }
}

/// Shades the two sides of the line.
fn sides(canvas: &Canvas, panel: &Panel, line: &[At]) {
    let Some(last) = line.last() else { return };
    let left = [line, &[(panel.x0, last.1), (panel.x0, panel.y1)]].concat();
    let right = [line, &[(last.0, panel.y0), (panel.x1, panel.y0), (panel.x1, panel.y1)]].concat();
    canvas.fill_polygon(&left, colour::GREEN, 0.09);
    canvas.fill_polygon(&right, colour::RED, 0.08);
}

fn name_line(canvas: &Canvas, places: &mut Places, line: &[At]) {
    if line.is_empty() {
        return;
    }
    let (words, kind) = ("on this line it can go either way", name_in(colour::PURPLE));
    let length = kind.width(words);
    let rows =
        [0.5, 0.6, 0.4, 0.7, 0.3, 0.8, 0.2].map(|share| line[(share * (line.len() - 1) as f64) as usize]);
    let candidates: Vec<At> =
        rows.iter().flat_map(|(x, y)| [(x - length - 14.0, y - 6.0), (x + 14.0, y - 6.0)]).collect();
    places.write_on_paper(canvas, words, kind, &candidates);
}

/// Upper left corners for a text of this length around a point.
fn around(at: At, length: f64, away: f64) -> Vec<At> {
    let (x, y) = at;
    vec![
        (x + away, y - 6.0 - away),
        (x - away - length, y - 6.0 - away),
        (x + away, y - 6.0 + away),
        (x - away - length, y - 6.0 + away),
        (x + away, y - 6.0),
        (x - away - length, y - 6.0),
        (x - length / 2.0, y - 12.0 - away),
        (x - length / 2.0, y + away),
    ]
}

fn ring(canvas: &Canvas, at: At, colour: Colour) {
    canvas.dot(at, 9.0, colour::PAPER);
    canvas.dot(at, 7.5, colour);
    canvas.dot(at, 3.5, colour::PAPER);
}

fn axes(canvas: &Canvas, panel: &Panel) {
    let (across, up) = (panel.x.ticks(8), panel.y.ticks(6));
    panel.left_axis(canvas, &up);
    panel.lower_axis(canvas, &across.iter().map(|v| (*v, number(*v))).collect::<Vec<_>>());
    let below = (f64::midpoint(panel.x0, panel.x1), panel.y1 + 31.0);
    canvas.text("jobs at a replica, waiting and in service", AXIS_NAME, below, CENTRE_TOP);
    let left = (20.0, f64::midpoint(panel.y0, panel.y1));
    canvas.text_upwards("outstanding: calls that will time out and try again", AXIS_NAME, left, CENTRE_TOP);
}
