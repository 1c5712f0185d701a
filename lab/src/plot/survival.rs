//! How long the healthy and the failed state last: survival curves with their bands, and theory over them.
use super::{
    Figure,
    canvas::{AXIS_NAME, At, CENTRE_TOP, Canvas, REFERENCE, draw, remark_in},
    header::Header,
    ink::{Colour, colour},
    panel::Panel,
    place::Places,
    scale::Scale,
    setting::planned,
    words::number,
};
use crate::{
    scenario::Scenario,
    study::{
        lifetime::{Expected, FailedBy, Lifetimes, Study},
        survival::Estimate,
    },
};

const WIDTH: f64 = 760.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = WIDTH - 34.0;
const HEIGHT: f64 = 210.0;
/// Of a panel in which nothing ends.
const FLAT: f64 = 84.0;
/// From one panel's lower edge to the next one's upper edge.
const BETWEEN: f64 = 84.0;

/// One state's curve and its words.
struct Curve<'a> {
    lives: &'a Lifetimes,
    heading: &'static str,
    unit: String,
    colour: Colour,
    /// The mean life by splitting, in seconds.
    split: Option<Estimate>,
}

/// Survival curves of the healthy and the failed state of `scenario`.
pub fn lifetimes(scenario: &Scenario, study: &Study) -> Figure {
    let curves = curves(study);
    let title = title(study);
    let subtitle = format!("share of runs, with 95 % bands (Kaplan–Meier); {}; simulated", planned(scenario));
    let header = Header::new(&title, &subtitle, None, WIDTH);
    let first = header.bottom() + 40.0;
    let mut y0 = first;
    let mut panels = vec![];
    for curve in &curves {
        let height = if curve.lives.survival.steps.is_empty() { FLAT } else { HEIGHT };
        let watched = curve.lives.survival.watched_s.max(1e-9);
        let (x, y) = (Scale::Linear(0.0, watched), Scale::Linear(0.0, 1.0));
        panels.push(Panel { x0: LEFT, y0, x1: RIGHT, y1: y0 + height, x, y });
        y0 += height + BETWEEN;
    }
    let bottom = panels.last().map_or(first, |panel| panel.y1);
    let ink = draw(WIDTH, bottom + 58.0, |canvas| {
        header.draw(canvas);
        for (curve, panel) in curves.iter().zip(&panels) {
            curve.draw(canvas, panel);
        }
    });
    let caption =
        format!("{title}: share of runs that are still healthy, and still failed, over time ({subtitle}).");
    Figure { name: "lifetimes".into(), ink, caption }
}

/// The states that any run was in.
fn curves(study: &Study) -> Vec<Curve<'_>> {
    let runs = |lives: &Lifetimes| number(lives.lives.len() as f64);
    let since = match study.failed_by {
        FailedBy::Triggers => "after the end of the triggers",
        FailedBy::Escape => "that fell by themselves, from then on",
    };
    let all = [
        Curve {
            lives: &study.escape,
            heading: "Still healthy",
            unit: format!("of {} runs with no trigger", runs(&study.escape)),
            colour: colour::GREEN,
            split: split(study),
        },
        Curve {
            lives: &study.recovery,
            heading: "Still failed",
            unit: format!("of {} runs {since}", runs(&study.recovery)),
            colour: colour::RED,
            split: None,
        },
    ];
    all.into_iter().filter(|curve| !curve.lives.lives.is_empty()).collect()
}

fn title(study: &Study) -> String {
    if study.escape.lives.is_empty() {
        return "The service was never healthy".into();
    }
    let lasts = |lives: &Lifetimes| match lives.rate.events {
        0 => format!("for more than {}", long(lives.rate.mean_s.low)),
        _ => format!("for {} on average", long(lives.rate.mean_s.value)),
    };
    let healthy = match split(study) {
        // No more digits than such an estimate has.
        Some(mean) if study.escape.rate.events < 20 => format!("for about {}", told(mean.value, 1)),
        _ => lasts(&study.escape),
    };
    match study.recovery.lives.is_empty() {
        true => format!("Healthy {healthy}"),
        false => format!("Healthy {healthy}, failed {}", lasts(&study.recovery)),
    }
}

/// The mean life of the healthy state by splitting, in seconds, if that saw a failure.
fn split(study: &Study) -> Option<Estimate> {
    let rate = study.rare.as_ref()?.rate_per_s;
    let mean = Estimate { value: 1.0 / rate.value, low: 1.0 / rate.high, high: 1.0 / rate.low };
    mean.value.is_finite().then_some(mean)
}

/// To so many digits.
fn round(value: f64, digits: u32) -> f64 {
    if !(value.is_finite() && value > 0.0) {
        return value;
    }
    let unit = libm::pow(10.0, libm::floor(libm::log10(value)) - f64::from(digits - 1));
    (value / unit).round() * unit
}

/// A time to three digits, in the unit that fits.
fn long(s: f64) -> String {
    told(s, 3)
}

/// A time to so many digits, in the unit that fits.
fn told(s: f64, digits: u32) -> String {
    const DAY: f64 = 86_400.0;
    const YEAR: f64 = 365.25 * DAY;
    let (count, unit) = match s {
        s if s < 1e5 => (s, "s"),
        s if s < YEAR => (s / DAY, "days"),
        s => (s / YEAR, "years"),
    };
    if count >= 1e6 {
        return format!("10^{:.0}\u{a0}{unit}", libm::log10(count));
    }
    format!("{}\u{a0}{unit}", number(round(count, digits)))
}

impl Curve<'_> {
    fn draw(&self, canvas: &Canvas, panel: &Panel) {
        let all = [0.0, 0.25, 0.5, 0.75, 1.0];
        let up = if self.lives.survival.steps.is_empty() { &[0.0, 1.0][..] } else { &all };
        let across = panel.x.ticks(6);
        panel.grid(canvas, &across, up);
        self.band(canvas, panel);
        for &value in up {
            let words = format!("{} %", number(value * 100.0));
            canvas.text(
                &words,
                super::canvas::TICK,
                (panel.x0 - 8.0, panel.py(value)),
                super::canvas::RIGHT_MIDDLE,
            );
        }
        let marks: Vec<(f64, String)> = across.iter().map(|at| (*at, number(*at))).collect();
        panel.lower_axis(canvas, &marks);
        let middle = f64::midpoint(panel.x0, panel.x1);
        canvas.text("seconds", AXIS_NAME, (middle, panel.y1 + 28.0), CENTRE_TOP);
        panel.heading(canvas, self.heading, &self.unit);
        let mut places = Places::new(panel);
        let theory = self.theory(panel);
        dashed(canvas, &theory);
        let steps = self.steps(|s| s.share);
        let (at, share): (Vec<f64>, Vec<f64>) = steps.into_iter().unzip();
        places.avoid(panel.curve(canvas, &at, &share, self.colour, 2.25));
        places.avoid(vec![theory.clone()]);
        self.remarks(canvas, panel, &mut places, &theory);
    }

    /// The corners of a staircase.
    fn steps(&self, of: impl Fn(&crate::study::survival::Step) -> f64) -> Vec<(f64, f64)> {
        let survival = &self.lives.survival;
        let (mut corners, mut level) = (vec![(0.0, 1.0)], 1.0);
        for step in &survival.steps {
            corners.push((step.at_s, level));
            level = of(step);
            corners.push((step.at_s, level));
        }
        corners.push((survival.watched_s, level));
        corners
    }

    fn band(&self, canvas: &Canvas, panel: &Panel) {
        let place = |(at, share): (f64, f64)| (panel.px(at), panel.py(share));
        let mut corners: Vec<At> = self.steps(|s| s.interval.1).into_iter().map(place).collect();
        corners.extend(self.steps(|s| s.interval.0).into_iter().rev().map(place));
        canvas.fill_polygon(&corners, self.colour, 0.16);
    }

    /// What theory draws: an exponential, or a fall when the backlog has drained.
    fn theory(&self, panel: &Panel) -> Vec<At> {
        const POINTS: u32 = 240;
        let watched = self.lives.survival.watched_s;
        let share = |at: f64| match self.lives.expected {
            Expected::ByChance(mean) => Some(libm::exp(-at / mean)),
            Expected::Drains(mean) => Some(if at < mean { 1.0 } else { 0.0 }),
            Expected::Never => Some(1.0),
            Expected::Unknown => None,
        };
        let at = (0..=POINTS).map(|k| watched * f64::from(k) / f64::from(POINTS));
        at.filter_map(|at| Some((panel.px(at), panel.py(share(at)?)))).collect()
    }

    fn remarks(&self, canvas: &Canvas, panel: &Panel, places: &mut Places, theory: &[At]) {
        let rate = &self.lives.rate;
        let mut words = vec![match rate.events {
            0 => format!("none ended: the mean is above {}", long(rate.mean_s.low)),
            _ => format!("mean {}", interval(&rate.mean_s)),
        }];
        words.extend(self.split.map(|mean| format!("by splitting: mean {}", interval(&mean))));
        words.extend(self.lives.median_s.map(|median| format!("median {}", interval(&median))));
        let by_chance = matches!(self.lives.expected, Expected::ByChance(_));
        words.extend(rate.p_memoryless.filter(|_| by_chance).map(|p| match p {
            p if p < 0.01 => "not without memory (p < 0.01)".into(),
            p => format!("as if without memory (p = {p:.2})"),
        }));
        let kind = remark_in(self.colour);
        for (line, words) in words.iter().enumerate() {
            let y = panel.y0 + 10.0 + 17.0 * line as f64;
            let right = panel.x1 - 8.0 - kind.width(words);
            let low = panel.y1 - 14.0 - 17.0 * (2 - line.min(2)) as f64;
            places.write(canvas, words, kind, &[(right, y), (panel.x0 + 10.0, low), (right, low)]);
        }
        let words = match self.lives.expected {
            Expected::ByChance(mean) => format!("theory: by chance, mean {}", long(mean)),
            Expected::Drains(mean) => format!("theory: drained after {}", long(mean)),
            Expected::Never => "theory: never".into(),
            Expected::Unknown => return,
        };
        let beside = theory.iter().step_by(6).skip(1);
        let length = REFERENCE.width(&words);
        let candidates: Vec<At> = beside
            .flat_map(|&(x, y)| [(x + 8.0, y - 16.0), (x + 8.0, y + 5.0), (x - length - 6.0, y + 5.0)])
            .collect();
        places.write(canvas, &words, REFERENCE, &candidates);
    }
}

fn interval(estimate: &Estimate) -> String {
    let high = match estimate.high.is_finite() {
        true => format!(" to {}", long(estimate.high)),
        false => " or more".into(),
    };
    format!("{} ({}{high})", long(estimate.value), long(estimate.low))
}

/// A dashed curve.
fn dashed(canvas: &Canvas, curve: &[At]) {
    const ON: f64 = 6.0;
    const PERIOD: f64 = 10.0;
    let mut along = 0.0;
    let mut piece: Vec<At> = vec![];
    for pair in curve.windows(2) {
        let ((ax, ay), (bx, by)) = (pair[0], pair[1]);
        let length = ((bx - ax) * (bx - ax) + (by - ay) * (by - ay)).sqrt();
        let parts = (length / 1.0).ceil().max(1.0) as u32;
        for part in 0..parts {
            let at = |k: u32| f64::from(k) / f64::from(parts);
            let point = |s: f64| (ax + (bx - ax) * s, ay + (by - ay) * s);
            if along % PERIOD < ON {
                if piece.is_empty() {
                    piece.push(point(at(part)));
                }
                piece.push(point(at(part + 1)));
            } else if !piece.is_empty() {
                canvas.line(&std::mem::take(&mut piece), colour::INK, 1.25);
            }
            along += length / f64::from(parts);
        }
    }
    if piece.len() > 1 {
        canvas.line(&piece, colour::INK, 1.25);
    }
}
