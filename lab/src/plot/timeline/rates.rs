//! The rates: what is offered, sent, worked on and good.
use super::{
    super::{
        canvas::{CENTRE_BOTTOM, Canvas, REFERENCE, remark_in},
        ink::colour,
        panel::Panel,
        place::{Places, name_curves},
        remarks::wasted_work,
        scale::{Scale, round_up},
        series::{Rates, host_bound},
        setting::capacity,
        strip,
        words::{rate, seconds},
    },
    RATES_HEIGHT, Story,
};

impl Story<'_> {
    pub(super) fn rates(&self, canvas: &Canvas, top: f64) -> Panel {
        let r = &self.rates;
        let capacity = capacity(self.run.scenario);
        let (most, peak) = rate_axis(r, capacity);
        let panel = self.frame.panel(canvas, top, RATES_HEIGHT, Scale::Linear(0.0, most), 4);
        let unit = format!("per second, {} windows", seconds(r.width));
        let unit = if host_bound(self.run.trace).is_empty() {
            unit
        } else {
            format!("{unit}; hatched: the host could not keep up")
        };
        let heading = panel.heading(canvas, "Rates", &unit);
        let mut places = Places::new(&panel);
        places.avoid(strip::edges(&panel, &self.frame.phases));
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
            wasted_work(canvas, &panel, &mut places, &self.frame.phases, r, capacity);
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
