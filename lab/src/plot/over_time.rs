//! What figures over time have in common: where their panels lie, the bands of the phases, and the time axis.
use super::{
    busy::Busy,
    canvas::{AXIS_NAME, CENTRE_TOP, Canvas},
    ink::colour,
    panel::Panel,
    phases::{Phase, phases},
    rows,
    scale::Scale,
    series::host_bound,
    strip,
    words::number,
};
use crate::{trace::Trace, verdict::RunView};

pub(super) const WIDTH: f64 = 960.0;
pub(super) const LEFT: f64 = 68.0;
const RIGHT: f64 = WIDTH - 106.0;
pub(super) const LATENCY_HEIGHT: f64 = 164.0;
/// A panel with a single thing to say.
pub(super) const SMALL_HEIGHT: f64 = 84.0;
/// Between panels, for the heading of the lower one.
pub(super) const GAP: f64 = 42.0;

/// The frame of a figure over time.
pub(super) struct OverTime<'a> {
    trace: &'a Trace,
    pub(super) phases: Vec<Phase>,
    time: Scale,
}

impl<'a> OverTime<'a> {
    /// With the phases of `run`, up to `end` seconds.
    pub(super) fn new(run: &RunView<'a>, end: f64) -> OverTime<'a> {
        OverTime { trace: run.trace, phases: phases(run), time: Scale::Linear(0.0, end.max(1e-9)) }
    }

    /// The bands of the phases, and what the host could not carry.
    pub(super) fn shade(&self, canvas: &Canvas, panel: &Panel) {
        strip::bands(canvas, panel, &self.phases);
        for (from, until) in host_bound(self.trace) {
            let (from, until) = (panel.px(from), panel.px(until).max(panel.px(from) + 1.0));
            canvas.hatch((from, panel.y0), (until.min(panel.x1), panel.y1), colour::MUTED);
        }
    }

    /// An empty panel with bands and grid, `height` pixels high.
    pub(super) fn panel(&self, canvas: &Canvas, top: f64, height: f64, y: Scale, ticks: usize) -> Panel {
        let panel = Panel { x0: LEFT, y0: top, x1: RIGHT, y1: top + height, x: self.time, y };
        self.shade(canvas, &panel);
        let marks = y.ticks(ticks);
        panel.grid(canvas, &self.ticks(), &marks);
        panel.left_axis(canvas, &marks);
        panel
    }

    /// A panel for each row of `busy`, the first one at `top`; nothing is drawn yet.
    pub(super) fn rows(&self, busy: &Busy, top: f64) -> Vec<Panel> {
        rows::panels(busy, LEFT, RIGHT, top, self.time)
    }

    /// The marks of the time axis.
    pub(super) fn ticks(&self) -> Vec<f64> {
        self.time.ticks(8)
    }

    /// The time axis, below the lowest panel.
    pub(super) fn axis(&self, canvas: &Canvas, panel: &Panel) {
        panel.lower_axis(canvas, &self.ticks().into_iter().map(|t| (t, number(t))).collect::<Vec<_>>());
        let middle = f64::midpoint(panel.x0, panel.x1);
        canvas.text("time (s)", AXIS_NAME, (middle, panel.y1 + 30.0), CENTRE_TOP);
    }
}
