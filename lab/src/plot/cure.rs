//! How deep and how long the load must be shed: what was tried, what worked, and what the formula says.
use super::{
    Figure,
    canvas::{AXIS_NAME, At, CENTRE_TOP, Canvas, REFERENCE, RIGHT_MIDDLE, TICK, draw, name_in},
    header::Header,
    ink::colour,
    panel::Panel,
    place::Places,
    scale::Scale,
    setting::scene,
    stem,
    words::{number, seconds},
};
use crate::{
    scenario::Scenario,
    study::cure::{Cure, Lever, Proposal, Shed},
};

const WIDTH: f64 = 760.0;
const LEFT: f64 = 84.0;
const RIGHT: f64 = WIDTH - 40.0;
const HEIGHT: f64 = 400.0;

/// The figure of `found`. `None` where no shed was tried.
pub fn cure(found: &Cure, scenario: &Scenario) -> Option<Figure> {
    let lengths = found.shed.iter().map(|s| s.lasts_s);
    let (short, long) = (lengths.clone().fold(f64::INFINITY, f64::min), lengths.fold(0.0, f64::max));
    let deepest = found.shed.iter().map(|s| s.admit).fold(0.0, f64::max);
    if !(short > 0.0 && long > short) {
        return None;
    }
    let title = title(found);
    let runs = found.shed.iter().map(|s| s.runs).max().unwrap_or(0);
    let subtitle = format!(
        "load shed at {}, with a backlog of {} jobs; each point {runs} seeds, rings verified on {}; {}; simulated",
        seconds(found.at_s),
        number(found.state.backlog_jobs.round()),
        found.seeds.len(),
        scene(scenario)
    );
    let header = Header::new(&title, &subtitle, None, WIDTH);
    let y0 = header.bottom() + 24.0;
    let panel = Panel {
        x0: LEFT,
        y0,
        x1: RIGHT,
        y1: y0 + HEIGHT,
        x: Scale::Log(short / 1.35, long * 1.35),
        y: Scale::Linear(-6.0, 100.0 * deepest + 5.0),
    };
    let ink = draw(WIDTH, panel.y1 + 62.0, |canvas| {
        header.draw(canvas);
        let mut places = Places::new(&panel);
        axes(canvas, &panel, found);
        for shed in &found.shed {
            mark(canvas, &panel, shed);
            let (x, y) = (panel.px(shed.lasts_s), panel.py(100.0 * shed.admit));
            // From corner to corner, so that no label touches a mark.
            places.avoid([-6.0, 6.0].map(|side| vec![(x - 6.0, y - side), (x + 6.0, y + side)]).into());
        }
        formula(canvas, &panel, &mut places, found);
        for proposal in &found.proposals {
            ring(canvas, &panel, &mut places, proposal);
        }
    });
    let caption = format!("{title}. {}", said(found));
    Some(Figure { name: stem(&["cure"]), ink, caption })
}

fn title(found: &Cure) -> String {
    let shed = |name: &str| found.proposals.iter().find(|p| p.what.contains(name)).and_then(in_words);
    match (shed("shallowest"), shed("shortest")) {
        (Some(shallow), Some(short)) if shallow == short => {
            format!("One shed gets it out: it lets {shallow}")
        }
        (Some(shallow), Some(short)) => {
            format!("The shallowest shed that gets it out lets {shallow}, the shortest {short}")
        }
        (Some(one), None) | (None, Some(one)) => format!("A shed gets it out that lets {one}"),
        (None, None) => "No shed that was tried gets it out".into(),
    }
}

/// `25 % in for 180 s`, if the proposal is a shed.
fn in_words(proposal: &Proposal) -> Option<String> {
    let [(Lever::ShedLoad(admit), lasts)] = proposal.action.pulls[..] else { return None };
    let who = if admit == 0.0 { "nobody".into() } else { format!("{} %", number(100.0 * admit)) };
    Some(format!("{who} in for {}", seconds(lasts.0.as_secs_f64())))
}

fn axes(canvas: &Canvas, panel: &Panel, found: &Cure) {
    let mut lengths: Vec<f64> = found.shed.iter().map(|s| s.lasts_s).collect();
    lengths.sort_unstable_by(f64::total_cmp);
    lengths.dedup();
    let up: Vec<f64> = panel.y.ticks(5).into_iter().filter(|v| *v >= 0.0).collect();
    panel.grid(canvas, &lengths, &up);
    for value in up {
        canvas.text(&number(value), TICK, (panel.x0 - 8.0, panel.py(value)), RIGHT_MIDDLE);
    }
    panel.lower_axis(canvas, &lengths.iter().map(|v| (*v, number(*v))).collect::<Vec<_>>());
    let below = (f64::midpoint(panel.x0, panel.x1), panel.y1 + 31.0);
    canvas.text("load shed for (s)", AXIS_NAME, below, CENTRE_TOP);
    let beside = (20.0, f64::midpoint(panel.y0, panel.y1));
    canvas.text_upwards("new calls let in (%)", AXIS_NAME, beside, CENTRE_TOP);
}

/// What came of a shed: a full green dot where all recover, a red cross where none does, a smaller purple dot in between.
fn mark(canvas: &Canvas, panel: &Panel, shed: &Shed) {
    let (x, y) = (panel.px(shed.lasts_s), panel.py(100.0 * shed.admit));
    match shed.recovered {
        _ if shed.runs == 0 => {}
        0 => {
            for side in [-1.0, 1.0] {
                canvas.line(&[(x - 3.5, y - 3.5 * side), (x + 3.5, y + 3.5 * side)], colour::RED, 1.5);
            }
        }
        n if n == shed.runs => canvas.dot((x, y), 5.0, colour::GREEN),
        _ => canvas.dot((x, y), 3.5, colour::PURPLE),
    }
}

/// K/(μ − λ'R), and the share from which on shedding never helps.
fn formula(canvas: &Canvas, panel: &Panel, places: &mut Places, found: &Cure) {
    let state = &found.state;
    let (Scale::Linear(_, high) | Scale::Log(_, high)) = panel.y;
    let point = |n: usize| {
        let admit = high / 100.0 * n as f64 / 400.0;
        let lasts = state.formula_s(admit).filter(|s| s.is_finite())?;
        (0.0..=1.0).contains(&panel.x.place(lasts)).then(|| (panel.px(lasts), panel.py(100.0 * admit)))
    };
    let line: Vec<At> = (0..=400).filter_map(point).collect();
    if line.len() > 1 {
        canvas.line(&line, colour::BLUE, 2.25);
        let (words, kind) = ("by formula: K/(μ − λ′R)", name_in(colour::BLUE));
        let length = kind.width(words);
        let along = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4].map(|share| line[(line.len() as f64 * share) as usize]);
        places.avoid(vec![line]);
        let candidates = along.iter().flat_map(|(x, y)| {
            [-36.0, -24.0, -12.0, 0.0]
                .map(|dy| (x - length - 8.0, y + dy))
                .into_iter()
                .chain([(x - length / 2.0, y - 34.0)])
        });
        places.write(canvas, words, kind, &candidates.collect::<Vec<_>>());
    }
    let (Some(offered), Some(capacity), Some(attempts)) =
        (state.offered_per_s, state.capacity_per_s, state.attempts)
    else {
        return;
    };
    let share = 100.0 * capacity / attempts / offered;
    if attempts > 1.0 && share < high {
        let y = panel.py(share);
        canvas.dashes(panel.x0, panel.x1, y, colour::MUTED);
        let words = format!("μ/R: letting in more than {} % never helps", number(share));
        places.write_along(canvas, &words, REFERENCE, y);
    }
}

/// A shed that is proposed.
fn ring(canvas: &Canvas, panel: &Panel, places: &mut Places, proposal: &Proposal) {
    let [(Lever::ShedLoad(admit), lasts)] = proposal.action.pulls[..] else { return };
    let (x, y) = (panel.px(lasts.0.as_secs_f64()), panel.py(100.0 * admit));
    let circle: Vec<At> = (0..=48)
        .map(|n| f64::from(n) / 48.0 * std::f64::consts::TAU)
        .map(|a| (x + 9.0 * a.cos(), y + 9.0 * a.sin()))
        .collect();
    canvas.line(&circle, colour::INK, 1.75);
    let words = proposal.what.replace(" shed", "").replace(" and ", ", ");
    let kind = name_in(colour::INK);
    let length = kind.width(&words);
    // Between the rows, or below the lowest one.
    let (right, left) = (x + 10.0, x - 10.0 - length);
    let candidates = [
        (right, y + 8.0),
        (left, y + 8.0),
        (right, y - 19.0),
        (left, y - 19.0),
        (x - length / 2.0, y + 12.0),
    ];
    places.write(canvas, &words, kind, &candidates);
}

fn said(found: &Cure) -> String {
    let works = found.shed.iter().filter(|s| s.recovered == s.runs && s.runs > 0).count();
    format!("Of {} sheds that were tried, {works} recover on every seed.", found.shed.len())
}
