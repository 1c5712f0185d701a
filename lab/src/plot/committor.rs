//! The probability that a state tips over: over the queue's length, and over the plane of queue and retries.
use super::{
    Figure,
    canvas::{AXIS_NAME, At, CENTRE_TOP, Canvas, REFERENCE, RIGHT_MIDDLE, TICK, draw, name_in, remark_in},
    header::Header,
    ink::{Colour, colour},
    panel::Panel,
    place::Places,
    scale::{Scale, round_up},
    setting::planned,
    words::{number, plural},
};
use crate::{
    scenario::Scenario,
    study::committor::{Committor, Fit, Point, Route},
};

const WIDTH: f64 = 760.0;
const LEFT: f64 = 78.0;
const RIGHT: f64 = WIDTH - 40.0;
const HEIGHT: f64 = 270.0;
const BETWEEN: f64 = 60.0;
/// The axis of jobs ends so many times beyond μT and the last state whose fate is open.
const BEYOND: f64 = 1.5;

/// The committor of `scenario`.
pub fn committor(scenario: &Scenario, found: &Committor) -> Figure {
    let title = title(found);
    let branches = found.points.first().map_or(0, |p| p.tipped + p.held + p.undecided);
    let subtitle = format!(
        "{} with {} branches each, pushed by {} and then left alone{}; {}; simulated",
        plural(found.points.len() as u64, "state"),
        number(branches as f64),
        found.pushed_by.replace('`', ""),
        spread(found),
        planned(scenario)
    );
    let header = Header::new(&title, &subtitle, None, WIDTH);
    let end = end(found);
    let shown = || found.points.iter().filter(|p| p.jobs as f64 <= end);
    let most = |of: fn(&Point) -> f64| shown().map(of).fold(0.0, f64::max);
    let x = Scale::Linear(0.0, round_up(most(|p| p.jobs as f64).max(found.jobs_per_timeout) * 1.04, 8));
    let y0 = header.bottom() + 40.0;
    let upper = Panel { x0: LEFT, y0, x1: RIGHT, y1: y0 + HEIGHT, x, y: Scale::Linear(0.0, 1.0) };
    let (y0, highest) = (upper.y1 + BETWEEN, most(second(found).of));
    let y = Scale::Linear(0.0, round_up(highest.max(1.0) * 1.1, 4));
    let lower = Panel { y0, y1: y0 + HEIGHT, y, ..upper };
    let ink = draw(WIDTH, lower.y1 + 58.0, |canvas| {
        header.draw(canvas);
        over_jobs(canvas, &upper, found);
        over_plane(canvas, &lower, found);
    });
    let caption =
        format!("{title}: the share of branches that end failed, by the state they begin in ({subtitle}).");
    Figure { name: "committor".into(), ink, caption }
}

/// Where the axis of jobs ends: with the last state, or well beyond where all fates are sealed. Farther states would only press the
/// others together.
fn end(found: &Committor) -> f64 {
    let jobs = |p: &Point| p.jobs as f64;
    let open = found.points.iter().filter(|p| p.tipped > 0 && p.held > 0).map(jobs);
    let enough = BEYOND * open.fold(found.jobs_per_timeout, f64::max);
    let last = found.points.iter().map(jobs).fold(0.0, f64::max);
    last.min(enough)
}

/// Says at the axis' end which states are not shown.
fn cut(canvas: &Canvas, panel: &Panel, places: &mut Places, found: &Committor) {
    let end = end(found);
    let beyond: Vec<&Point> = found.points.iter().filter(|p| p.jobs as f64 > end).collect();
    let Some(last) = beyond.iter().map(|p| p.jobs).max() else { return };
    // Few states lie below the curve there.
    let y = panel.py(0.12);
    canvas.line(&[(panel.x1 - 26.0, y), (panel.x1, y)], colour::MUTED, 1.5);
    canvas.arrow_head((panel.x1 - 26.0, y), (panel.x1, y), 9.0, colour::MUTED);
    let fate = match beyond.iter().map(|p| p.p.value).fold(f64::INFINITY, f64::min) {
        least if least >= 1.0 => ", where all branches tip",
        _ => "",
    };
    let words = format!(
        "{} not shown, up to {} jobs{fate}",
        plural(beyond.len() as u64, "state"),
        number(last as f64)
    );
    places.write(canvas, &words, REFERENCE, &[(panel.x1 - 34.0 - REFERENCE.width(&words), y - 7.0)]);
}

fn title(found: &Committor) -> String {
    let all = |tips: bool| found.points.iter().all(|p| if tips { p.held == 0 } else { p.tipped == 0 });
    match found.by_jobs.as_ref().and_then(|fit| fit.half_at) {
        _ if all(false) => "Whatever the push brought together, the service came back".into(),
        _ if all(true) => "Wherever the push ended, the service stayed down".into(),
        Some(half) => format!(
            "From {} jobs on the service tips over rather than not; μT is {}",
            number(half.value.round()),
            number(found.jobs_per_timeout.round())
        ),
        None => "The probability that the service tips over".into(),
    }
}

fn axes(canvas: &Canvas, panel: &Panel, up: &[f64]) {
    let across = panel.x.ticks(8);
    panel.grid(canvas, &across, up);
    let marks: Vec<(f64, String)> = across.iter().map(|at| (*at, number(*at))).collect();
    panel.lower_axis(canvas, &marks);
}

/// Where a timeout's worth of work is in the queue.
fn mu_t(canvas: &Canvas, panel: &Panel, places: &mut Places, found: &Committor) {
    let x = panel.px(found.jobs_per_timeout);
    canvas.dashed((x, panel.y1), (x, panel.y0), colour::MUTED);
    places.avoid(vec![vec![(x, panel.y1), (x, panel.y0)]]);
    let words = format!("μT = {}", number(found.jobs_per_timeout.round()));
    let heights = (0..=8).map(|k| panel.y1 - 18.0 - (panel.y1 - panel.y0 - 30.0) * f64::from(k) / 8.0);
    let beside: Vec<At> =
        heights.flat_map(|y| [(x + 6.0, y), (x - 6.0 - REFERENCE.width(&words), y)]).collect();
    places.write(canvas, &words, REFERENCE, &beside);
}

fn route_colour(route: Route) -> Colour {
    match route {
        Route::Pushed => colour::BLUE,
        Route::LeftAlone => colour::PURPLE,
    }
}

fn over_jobs(canvas: &Canvas, panel: &Panel, found: &Committor) {
    let up = [0.0, 0.25, 0.5, 0.75, 1.0];
    axes(canvas, panel, &up);
    for value in up {
        let words = format!("{} %", number(value * 100.0));
        canvas.text(&words, TICK, (panel.x0 - 8.0, panel.py(value)), RIGHT_MIDDLE);
    }
    panel.heading(
        canvas,
        "Branches that tip over",
        "share, with 95 % intervals, over the jobs that they begin with",
    );
    let mut places = Places::new(panel);
    canvas.dashes(panel.x0, panel.x1, panel.py(0.5), colour::INK);
    let end = end(found);
    let decided = || found.points.iter().filter(|p| p.p.value.is_finite() && p.jobs as f64 <= end);
    for point in decided() {
        let x = panel.px(point.jobs as f64);
        let bar = [(x, panel.py(point.p.low)), (x, panel.py(point.p.high))];
        canvas.pale_line(&bar, route_colour(point.route), 1.0, 0.35);
    }
    for point in decided() {
        let at = (panel.px(point.jobs as f64), panel.py(point.p.value));
        canvas.dot(at, 2.8, route_colour(point.route));
        places.avoid(vec![vec![(at.0 - 3.0, at.1), (at.0 + 3.0, at.1)]]);
    }
    if let Some(fit) = &found.by_jobs {
        let Scale::Linear(low, high) = panel.x else { return };
        let at: Vec<f64> = (0..=300).map(|k| low + (high - low) * f64::from(k) / 300.0).collect();
        let p: Vec<f64> = at.iter().map(|jobs| fit.p(&[*jobs])).collect();
        places.avoid(panel.curve(canvas, &at, &p, colour::INK, 1.75));
    }
    mu_t(canvas, panel, &mut places, found);
    cut(canvas, panel, &mut places, found);
    for (route, words) in
        [(Route::Pushed, "the push ends here"), (Route::LeftAlone, "left alone for a while")]
    {
        let mut of = decided().filter(|p| p.route == route);
        if of.next().is_some() {
            let kind = name_in(route_colour(route));
            let line = if route == Route::Pushed { 0.0 } else { 19.0 };
            let left = (panel.x0 + 10.0, panel.y0 + 10.0 + line);
            let right = (panel.x1 - 10.0 - kind.width(words), panel.y1 - 44.0 + line);
            places.write(canvas, words, kind, &[left, right]);
        }
    }
}

/// What is told of a state besides its jobs.
struct Second<'f> {
    of: fn(&Point) -> f64,
    fit: &'f Option<Fit>,
    heading: &'static str,
    words: &'static str,
}

/// The coordinate that says more.
fn second(found: &Committor) -> Second<'_> {
    let retries = Second {
        of: |p| p.retrying as f64,
        fit: &found.by_retries,
        heading: "Calls being retried",
        words: "retries",
    };
    let late = Second {
        of: |p| p.late as f64,
        fit: &found.by_late,
        heading: "Attempts in the queues that will be late",
        words: "late attempts",
    };
    let left = |second: &Second| second.fit.as_ref().and_then(|fit| fit.spread).unwrap_or(1.0);
    if left(&retries) < left(&late) { retries } else { late }
}

/// How good the jobs are as a coordinate.
fn spread(found: &Committor) -> String {
    let points = |spread: f64| format!("±\u{a0}{}", number((spread * 100.0).round()));
    let Some(alone) = found.by_jobs.as_ref().and_then(|fit| fit.spread) else { return String::new() };
    let second = second(found);
    let both = second.fit.as_ref().and_then(|fit| fit.spread);
    let both =
        both.map_or(String::new(), |both| format!(", with as many {} by {}", second.words, points(both)));
    format!("; states with as many jobs differ by {}\u{a0}percentage points{both}", points(alone))
}

fn over_plane(canvas: &Canvas, panel: &Panel, found: &Committor) {
    let Second { of, fit, heading, .. } = second(found);
    let up = panel.y.ticks(5);
    axes(canvas, panel, &up);
    panel.left_axis(canvas, &up);
    panel.heading(canvas, heading, "when the branches begin, over the jobs there");
    let middle = f64::midpoint(panel.x0, panel.x1);
    canvas.text("jobs waiting and at work", AXIS_NAME, (middle, panel.y1 + 28.0), CENTRE_TOP);
    let mut places = Places::new(panel);
    let end = end(found);
    for point in found.points.iter().filter(|p| p.p.value.is_finite() && p.jobs as f64 <= end) {
        let at = (panel.px(point.jobs as f64), panel.py(of(point)));
        canvas.dot(at, 3.4, fate(point.p.value).1);
        places.avoid(vec![vec![(at.0 - 4.0, at.1), (at.0 + 4.0, at.1)]]);
    }
    let line = fit.as_ref().map_or(vec![], |fit| separatrix(panel, found, fit));
    if line.len() > 1 {
        canvas.line(&line, colour::INK, 1.75);
        places.avoid(vec![line.clone()]);
    }
    mu_t(canvas, panel, &mut places, found);
    for p in [0.1, 0.5, 0.9] {
        let (words, colour) = fate(p);
        if !found.points.iter().any(|point| fate(point.p.value).0 == words) {
            continue;
        }
        let kind = name_in(colour);
        let line = if p < 0.3 {
            0.0
        } else if p < 0.7 {
            19.0
        } else {
            38.0
        };
        let left = (panel.x0 + 10.0, panel.y0 + 10.0 + line);
        places.write(canvas, words, kind, &[left, (panel.x1 - 10.0 - kind.width(words), left.1)]);
    }
    let (kind, words) = (remark_in(colour::INK), "one half tips");
    let beside = line.iter().rev().step_by(10);
    let beside: Vec<At> =
        beside.flat_map(|&(x, y)| [(x + 8.0, y - 5.0), (x - 8.0 - kind.width(words), y - 5.0)]).collect();
    places.write(canvas, words, kind, &beside);
}

/// What becomes of such a state, and its colour.
fn fate(p: f64) -> (&'static str, Colour) {
    match p {
        p if p < 0.25 => ("at most one in four tips", colour::GREEN),
        p if p <= 0.75 => ("open", colour::PURPLE),
        _ => ("three in four tip or more", colour::RED),
    }
}

/// The line on which one half of the branches tips, as far as there are states.
fn separatrix(panel: &Panel, found: &Committor, fit: &Fit) -> Vec<At> {
    let ([constant, jobs, second], Scale::Linear(_, most)) = (&fit.coefficients[..], panel.y) else {
        return vec![];
    };
    let end = end(found);
    let met = || found.points.iter().map(|p| p.jobs as f64).filter(|jobs| *jobs <= end);
    let (first, last) = (met().fold(f64::INFINITY, f64::min), met().fold(0.0, f64::max));
    let up = (0..=200).map(|k| most * f64::from(k) / 200.0);
    let line = up.map(|other| (-(constant + second * other) / jobs, other));
    let inside = line.filter(|(jobs, _)| (first..=last).contains(jobs));
    inside.map(|(jobs, other)| (panel.px(jobs), panel.py(other))).collect()
}
