//! The bifurcation diagram of retries: how many attempts a call makes in each state that a load has, with simulations over it.
use super::{
    Figure,
    canvas::{AXIS_NAME, At, CENTRE_TOP, Canvas, LEFT_MIDDLE, REFERENCE, draw, name_in, remark_in},
    header::Header,
    ink::{Colour, colour},
    panel::Panel,
    place::Places,
    scale::Scale,
    setting::setting,
    words::{number, rate},
};
use crate::{
    study::portrait::Settles,
    theory::{ServiceHand, retries::load_at},
    verdict::RunView,
};
use lab_core::{queue::Discipline, server::Cancel};

const WIDTH: f64 = 760.0;
const LEFT: f64 = 76.0;
const RIGHT: f64 = WIDTH - 28.0;
const HEIGHT: f64 = 380.0;
const POINTS: u32 = 4000;

/// Attempts per call against load, by the fixed point of retries, with what simulations settled at. `None` where a service has no
/// retries on timeouts.
pub fn bifurcation(hand: &ServiceHand, simulated: &[Settles], run: &RunView) -> Option<Figure> {
    if !hand.timeout_s.is_finite() || hand.attempts_when_failing <= 1.0 {
        return None;
    }
    let branches = Branches::new(hand);
    let title = branches.title(keeps_failures(hand, run));
    let by =
        if simulated.is_empty() { "" } else { "; dots: simulations begun empty, rings: begun in failure" };
    let subtitle = format!("{}{by}", setting(run));
    let header = Header::new(&title, &subtitle, None, WIDTH);
    let y0 = header.bottom() + 66.0;
    let air = 0.14 * (branches.attempts - 1.0);
    let panel = Panel {
        x0: LEFT,
        y0,
        x1: RIGHT,
        y1: y0 + HEIGHT,
        x: Scale::Linear(0.0, branches.capacity_per_s * 1.04),
        y: Scale::Linear(1.0 - air, branches.attempts + air),
    };
    let ink = draw(WIDTH, panel.y1 + 62.0, |canvas| {
        header.draw(canvas);
        branches.draw(canvas, &panel, hand, simulated);
    });
    let caption = format!(
        "{title}. Attempts per call against offered load: stable states solid, the unstable one dashed ({}).",
        setting(run)
    );
    Some(Figure { name: super::stem(&["bifurcation", &hand.service]), ink, caption })
}

/// Whether the service does work that nobody waits for any more, oldest first and more of it than fits into a timeout: only then is there
/// a failed state.
fn keeps_failures(hand: &ServiceHand, run: &RunView) -> bool {
    let policy = run.scenario.services.iter().find(|service| service.name == hand.service).map(|s| &s.policy);
    let late = hand.places_per_replica > hand.jobs_per_timeout_and_replica;
    late && policy.is_some_and(|p| p.discipline == Discipline::Fifo && p.cancel == Cancel::Never)
}

/// A state of the fixed point: calls per second, and attempts per call.
type State = (f64, f64);

struct Branches {
    capacity_per_s: f64,
    attempts: f64,
    /// Up to the load with the most calls that has one.
    healthy: Vec<State>,
    /// From there back to the hidden capacity; empty where there is one state at every load.
    unstable: Vec<State>,
    hidden_per_s: f64,
}

impl Branches {
    fn new(hand: &ServiceHand) -> Branches {
        let (attempts, theta) = (hand.attempts_when_failing, hand.jobs_per_timeout_and_replica);
        let state = |busy: f64| {
            let load = load_at(busy, attempts, theta);
            (load * hand.capacity_per_s, busy / load)
        };
        // Close to full utilisation the curve turns within a small part of it.
        let busy = |point: u32| {
            let left = f64::from(POINTS - point) / f64::from(POINTS);
            1.0 - left * left
        };
        let states: Vec<State> = (1..=POINTS).map(|point| state(busy(point))).collect();
        let fold = (0..states.len()).max_by(|a, b| states[*a].0.total_cmp(&states[*b].0)).unwrap_or(0);
        let unstable = if fold + 1 < states.len() { states[fold..].to_vec() } else { vec![] };
        Branches {
            capacity_per_s: hand.capacity_per_s,
            attempts,
            healthy: states[..=fold].to_vec(),
            unstable,
            hidden_per_s: hand.hidden_capacity_per_s,
        }
    }

    fn ceiling(&self) -> f64 {
        self.healthy.last().map_or(0.0, |state| state.0)
    }

    fn title(&self, keeps_failures: bool) -> String {
        if self.unstable.is_empty() {
            return "One state at every load: retries cannot keep a failure up".into();
        }
        if !keeps_failures {
            return format!(
                "Retries alone would leave two states from {} to {}; here they cannot",
                rate(self.hidden_per_s),
                rate(self.ceiling())
            );
        }
        format!("Two states for one load, from {} to {}", rate(self.hidden_per_s), rate(self.ceiling()))
    }

    fn draw(&self, canvas: &Canvas, panel: &Panel, hand: &ServiceHand, simulated: &[Settles]) {
        let mut places = Places::new(panel);
        let at = |(load, attempts): State| (panel.px(load), panel.py(attempts));
        let (hidden, ceiling) = (panel.px(self.hidden_per_s), panel.px(self.ceiling()));
        if !self.unstable.is_empty() {
            canvas.fill_rect((hidden, panel.y0), (ceiling, panel.y1), colour::PURPLE, 0.09);
        }
        axes(canvas, panel);
        let marks = [
            (self.hidden_per_s, format!("hidden capacity {}", rate(self.hidden_per_s))),
            (self.ceiling(), format!("ceiling {}", rate(self.ceiling()))),
            (self.capacity_per_s, format!("capacity {}", rate(self.capacity_per_s))),
        ];
        // Like flags, each at a height of its own.
        for (row, (load, words)) in marks.iter().enumerate() {
            let (x, y) = (panel.px(*load), panel.y0 - 8.0 - 16.0 * row as f64);
            canvas.dashed((x, y - 8.0), (x, panel.y1), colour::MUTED);
            let length = REFERENCE.width(words);
            let left = if x - length - 5.0 > panel.x0 { x - length - 5.0 } else { x + 5.0 };
            canvas.text(words, REFERENCE, (left, y), LEFT_MIDDLE);
            places.avoid(vec![vec![(x, panel.y0), (x, panel.y1)]]);
        }
        self.pulls(canvas, panel, &mut places);
        let healthy: Vec<At> = self.healthy.iter().map(|s| at(*s)).collect();
        let unstable: Vec<At> = self.unstable.iter().map(|s| at(*s)).collect();
        let failed = [at((self.hidden_per_s, self.attempts)), (panel.x1, panel.py(self.attempts))];
        canvas.line(&healthy, colour::GREEN, 3.0);
        canvas.line(&failed, colour::RED, 3.0);
        dashed_curve(canvas, &unstable, colour::PURPLE);
        places.avoid(vec![healthy.clone(), unstable.clone(), failed.to_vec()]);
        for settles in simulated {
            let place = at((settles.load_per_s, settles.attempts_per_call));
            if settles.attempts_per_call.is_finite() {
                dot(canvas, place, settles.began_failed);
                places.avoid(vec![vec![(place.0 - 4.0, place.1), (place.0 + 4.0, place.1)]]);
            }
        }
        if hand.offered_per_s <= self.capacity_per_s * 1.04 {
            let (x, words) =
                (panel.px(hand.offered_per_s), format!("this load: {}", rate(hand.offered_per_s)));
            canvas.line(&[(x, panel.y1), (x, panel.y1 - 10.0)], colour::BLUE, 2.5);
            let kind = remark_in(colour::BLUE);
            let length = kind.width(&words);
            let (y, beside) =
                (panel.y1 - 17.0, [(x - length - 7.0, panel.y1 - 14.0), (x + 7.0, panel.y1 - 14.0)]);
            let candidates = [[(x - length / 2.0, y - 9.0)].as_slice(), &beside].concat();
            places.write(canvas, &words, kind, &candidates);
        }
        self.names(canvas, panel, &mut places);
    }

    fn names(&self, canvas: &Canvas, panel: &Panel, places: &mut Places) {
        let middle = f64::midpoint(panel.px(self.hidden_per_s), panel.px(self.ceiling()));
        let shifts = [0.0, -40.0, 40.0, -80.0, 80.0, -120.0, -180.0];
        let mut flat = |words: &str, colour: Colour, heights: [f64; 2]| {
            let kind = name_in(colour);
            let left = middle - kind.width(words) / 2.0;
            let spots = shifts.iter().flat_map(|dx| heights.map(|y| (left + dx, y))).collect::<Vec<At>>();
            places.write(canvas, words, kind, &spots);
        };
        let (low, high) = (panel.py(1.0), panel.py(self.attempts));
        flat("healthy: stable", colour::GREEN, [low + 12.0, low - 24.0]);
        if self.unstable.is_empty() {
            return;
        }
        flat("failed: stable", colour::RED, [high + 12.0, high - 24.0]);
        let (words, kind) = ("unstable: attempts just fill the capacity", name_in(colour::PURPLE));
        let length = kind.width(words);
        let beside = |share: f64| {
            let (x, y) = self.between(panel, share);
            [(x + 14.0, y - 16.0), (x - 14.0 - length, y + 6.0)]
        };
        let spots: Vec<At> =
            [0.2, 0.15, 0.25, 0.3, 0.35, 0.4, 0.6, 0.8].into_iter().flat_map(beside).collect();
        places.write(canvas, words, kind, &spots);
    }

    /// The place of the unstable state at a load between hidden capacity and ceiling.
    fn between(&self, panel: &Panel, share: f64) -> At {
        let load = self.hidden_per_s + (self.ceiling() - self.hidden_per_s) * share;
        let nearest = |a: &&State, b: &&State| (a.0 - load).abs().total_cmp(&(b.0 - load).abs());
        let state = self.unstable.iter().min_by(nearest).copied().unwrap_or((load, 1.0));
        (panel.px(state.0), panel.py(state.1))
    }

    /// Arrows away from the unstable state.
    fn pulls(&self, canvas: &Canvas, panel: &Panel, places: &mut Places) {
        if self.unstable.is_empty() {
            return;
        }
        for share in [0.1, 0.5, 0.9] {
            let (x, y) = self.between(panel, share);
            for end in [panel.py(self.attempts) + 7.0, panel.py(1.0) - 7.0] {
                let way = end - y;
                if way.abs() > 26.0 {
                    let reach = |length: f64| (x, y + way.signum() * length);
                    let (from, to) = (reach(9.0), reach((way.abs() - 4.0).min(46.0)));
                    canvas.pale_line(&[from, to], colour::SLATE, 1.25, 0.8);
                    canvas.arrow_head(from, to, 8.0, colour::SLATE);
                    places.avoid(vec![vec![from, to]]);
                }
            }
        }
    }
}

fn dot(canvas: &Canvas, at: At, began_failed: bool) {
    canvas.dot(at, 5.5, colour::PAPER);
    canvas.dot(at, 4.2, colour::INK);
    if began_failed {
        canvas.dot(at, 2.4, colour::PAPER);
    }
}

/// A dashed line along a curve.
fn dashed_curve(canvas: &Canvas, curve: &[At], colour: Colour) {
    const ON: f64 = 9.0;
    const OFF: f64 = 6.0;
    let mut dash: Vec<At> = vec![];
    let mut walked = 0.0;
    for pair in curve.windows(2) {
        let length = libm::hypot(pair[1].0 - pair[0].0, pair[1].1 - pair[0].1);
        if walked < ON {
            if dash.is_empty() {
                dash.push(pair[0]);
            }
            dash.push(pair[1]);
        } else if !dash.is_empty() {
            canvas.line(&dash, colour, 2.5);
            dash.clear();
        }
        walked = (walked + length) % (ON + OFF);
    }
    if dash.len() > 1 {
        canvas.line(&dash, colour, 2.5);
    }
}

fn axes(canvas: &Canvas, panel: &Panel) {
    let (across, up) = (panel.x.ticks(8), panel.y.ticks(5));
    panel.grid(canvas, &across, &up);
    panel.left_axis(canvas, &up);
    panel.lower_axis(canvas, &across.iter().map(|v| (*v, number(*v))).collect::<Vec<_>>());
    let below = (f64::midpoint(panel.x0, panel.x1), panel.y1 + 31.0);
    canvas.text("offered load (calls per second)", AXIS_NAME, below, CENTRE_TOP);
    canvas.text_upwards(
        "attempts per call",
        AXIS_NAME,
        (20.0, f64::midpoint(panel.y0, panel.y1)),
        CENTRE_TOP,
    );
}
