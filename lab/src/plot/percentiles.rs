//! Latency by percentile, before, during and after the triggers.
use super::{
    Figure,
    canvas::{AXIS_NAME, CENTRE_TOP, Canvas, REFERENCE, draw},
    header::Header,
    ink::{Colour, colour},
    panel::Panel,
    place::Places,
    scale::{Scale, log_around},
    setting::{setting, turned_away_ms},
    stem,
    words::{number, seconds},
};
use crate::verdict::{RunView, Verdict};
use hdrhistogram::Histogram;

const WIDTH: f64 = 760.0;
const LEFT: f64 = 84.0;
const RIGHT: f64 = WIDTH - 120.0;
const HEIGHT: f64 = 320.0;
/// Points of a curve for every factor of ten in 1 / (1 − q).
const POINTS_PER_DECADE: u32 = 60;

/// The latency of one phase of a run.
struct Curve<'a> {
    name: &'static str,
    colour: Colour,
    histogram: &'a Histogram<u64>,
}

/// Latency by percentile of the first client group of `run`, before, during and after the triggers.
pub fn percentiles(run: &RunView) -> Figure {
    let curves = curves(run);
    let title = title(&curves);
    let group = &run.scenario.clients[0];
    let of = if run.scenario.clients.len() > 1 { format!(" of {}", group.name) } else { String::new() };
    let subtitle =
        format!("from a call's intended start to its final answer or failure{of}; {}", setting(run));
    let header = Header::new(&title, &subtitle, None, WIDTH);
    let timeout = group.policy.per_try_timeout;
    let timeout = (!timeout.is_forever()).then(|| timeout.as_millis_f64());
    let y0 = header.bottom() + 30.0;
    let (across, latency) = axes(&curves, timeout, turned_away_ms(run.scenario));
    let panel = Panel { x0: LEFT, y0, x1: RIGHT, y1: y0 + HEIGHT, x: across, y: latency };
    let ink = draw(WIDTH, panel.y1 + 62.0, |canvas| {
        header.draw(canvas);
        axis_marks(canvas, &panel);
        let mut places = Places::reaching(&panel, WIDTH - 4.0);
        for curve in &curves {
            let (at, ms) = points(curve.histogram);
            places.avoid(panel.curve(canvas, &at, &ms, curve.colour, 2.25));
        }
        if let Some(timeout) = timeout {
            canvas.dashes(panel.x0, panel.x1, panel.py(timeout), colour::MUTED);
            let words = format!("timeout {}", seconds(timeout / 1e3));
            places.write_along(canvas, &words, REFERENCE, panel.py(timeout));
        }
        for curve in &curves {
            let (at, ms) = points(curve.histogram);
            if let (Some(at), Some(ms)) = (at.last(), ms.last()) {
                places.write_at_end(canvas, curve.name, curve.colour, (panel.px(*at), panel.py(*ms)));
            }
        }
    });
    let phases: Vec<&str> = curves.iter().map(|curve| curve.name).collect();
    let caption = format!("{title}: latency by percentile ({}); {subtitle}.", phases.join(", "));
    Figure { name: stem(&["percentiles", run.variant, run.engine]), ink, caption }
}

/// The phases in which any call ended.
fn curves<'a>(run: &RunView<'a>) -> Vec<Curve<'a>> {
    let Some(client) = run.trace.clients.first() else { return vec![] };
    let latency = &client.latency;
    let quiet = run.scenario.triggers().next().is_none();
    let after = match run.judgement.verdict {
        Verdict::Metastable { .. } => ("metastable", colour::RED),
        Verdict::Recovered { .. } | Verdict::Unaffected => ("after", colour::BLUE),
        _ => ("after", colour::PURPLE),
    };
    let all = [
        (if quiet { "whole run" } else { "before" }, colour::GREEN, &latency.before),
        ("during", colour::ORANGE, &latency.during),
        (after.0, after.1, &latency.after),
    ];
    let measured = all.into_iter().filter(|(_, _, histogram)| !histogram.is_empty());
    measured.map(|(name, colour, histogram)| Curve { name, colour, histogram }).collect()
}

fn title(curves: &[Curve]) -> String {
    let median = |curve: &Curve| curve.histogram.value_at_quantile(0.5) as f64 / 1e6;
    let tail = |curve: &Curve| seconds(curve.histogram.value_at_quantile(0.99) as f64 / 1e6);
    match curves {
        [] => "No call ended".into(),
        [only] => format!(
            "Half of the calls take {}, one in a hundred more than {}",
            seconds(median(only)),
            tail(only)
        ),
        [before, others @ .., last] => {
            let similar = |curve: &Curve| (1.0 / 1.5..1.5).contains(&(median(curve) / median(before)));
            let steady = others.iter().all(similar);
            let (before, after) = (median(before), median(last));
            let when = if last.name == "during" { "during the trigger" } else { "after the trigger" };
            let factor = after / before;
            if factor >= 1.5 {
                format!(
                    "Median latency {when} is {} times what it was before",
                    number((factor * 10.0).round() / 10.0)
                )
            } else if factor <= 1.0 / 1.5 {
                format!(
                    "Median latency {when} is lower than before: {} instead of {}",
                    seconds(after),
                    seconds(before)
                )
            } else if steady {
                format!("Median latency stays at {}", seconds(after))
            } else {
                format!("Median latency {when} is back at {}", seconds(after))
            }
        }
    }
}

/// The axes: 1 / (1 − q) across, milliseconds up.
fn axes(curves: &[Curve], timeout: Option<f64>, floor: f64) -> (Scale, Scale) {
    let most = curves.iter().map(|curve| curve.histogram.len()).max().unwrap_or(0) as f64;
    let calls = most.clamp(100.0, 1e6);
    let ms = || curves.iter().flat_map(|curve| points(curve.histogram).1).chain(timeout);
    let high = ms().fold(f64::NEG_INFINITY, f64::max);
    (Scale::Log(1.0, calls), log_around(ms().filter(|v| *v >= floor).fold(f64::INFINITY, f64::min), high))
}

/// The points of a curve: 1 / (1 − q) and milliseconds, as far as there are enough calls to tell.
fn points(histogram: &Histogram<u64>) -> (Vec<f64>, Vec<f64>) {
    let last = histogram.len() as f64;
    let step = |k: u32| libm::pow(10.0, f64::from(k) / f64::from(POINTS_PER_DECADE));
    let at: Vec<f64> =
        (0..=6 * POINTS_PER_DECADE).map(step).take_while(|x| *x <= last.min(1e6) * (1.0 + 1e-9)).collect();
    let ms = at.iter().map(|x| histogram.value_at_quantile(1.0 - 1.0 / x) as f64 / 1e3).collect();
    (at, ms)
}

fn axis_marks(canvas: &Canvas, panel: &Panel) {
    const MARKS: [(f64, &str); 8] = [
        (1.0, "0 %"),
        (2.0, "50 %"),
        (1e1, "90 %"),
        (1e2, "99 %"),
        (1e3, "99.9 %"),
        (1e4, "99.99 %"),
        (1e5, "99.999 %"),
        (1e6, "99.9999 %"),
    ];
    let inside = |v: f64| panel.x.place(v) <= 1.0 + 1e-9;
    let marks: Vec<(f64, String)> =
        MARKS.iter().filter(|m| inside(m.0)).map(|(v, words)| (*v, (*words).to_owned())).collect();
    let across: Vec<f64> = marks.iter().map(|mark| mark.0).collect();
    let up = panel.y.ticks(5);
    panel.grid(canvas, &across, &up);
    panel.left_axis(canvas, &up);
    panel.lower_axis(canvas, &marks);
    canvas.text(
        "percentile of calls",
        AXIS_NAME,
        (f64::midpoint(panel.x0, panel.x1), panel.y1 + 31.0),
        CENTRE_TOP,
    );
    canvas.text_upwards("latency (ms)", AXIS_NAME, (20.0, f64::midpoint(panel.y0, panel.y1)), CENTRE_TOP);
}
