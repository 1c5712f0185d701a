//! The strip of phases above the panels, and their bands through them.
use super::{
    canvas::{At, CENTRE_BOTTOM, Canvas, Type},
    ink::{Colour, Face},
    panel::Panel,
    phases::{Kind, Phase},
};

/// Height of the strip with its names, in pixels.
pub(super) const HEIGHT: f64 = 26.0;

fn kind_in(colour: Colour) -> Type {
    Type { em: 12.0, face: Face::SemiBold, colour }
}

/// Where a phase lies on `panel`'s axis, never so narrow that it cannot be seen.
fn reach(panel: &Panel, phase: &Phase) -> (f64, f64) {
    let (from, until) = (panel.px(phase.from), panel.px(phase.until));
    if until - from >= 2.0 { (from, until) } else { (from, (from + 2.0).min(panel.x1)) }
}

/// Shades the triggers, levers and failures of `phases` in `panel`. Widened ones are drawn last, to be seen.
pub(super) fn bands(canvas: &Canvas, panel: &Panel, phases: &[Phase]) {
    for phase in phases.iter().filter(|phase| phase.kind.tint() > 0.0) {
        let (from, until) = reach(panel, phase);
        canvas.fill_rect((from, panel.y0), (until, panel.y1), phase.kind.colour(), phase.kind.tint());
    }
}

/// The edges of those bands, for labels to keep clear of.
pub(super) fn edges(panel: &Panel, phases: &[Phase]) -> Vec<Vec<At>> {
    let shaded = phases.iter().filter(|phase| phase.kind.tint() > 0.0);
    let edges = shaded.flat_map(|phase| <[f64; 2]>::from(reach(panel, phase)));
    edges.map(|x| vec![(x, panel.y0), (x, panel.y1)]).collect()
}

/// Draws the strip with its lower edge at `bottom`, on the time axis of `panel`, within `canvas_width`.
pub(super) fn draw(canvas: &Canvas, panel: &Panel, phases: &[Phase], bottom: f64, canvas_width: f64) {
    let mut order: Vec<&Phase> = phases.iter().collect();
    order.sort_by_key(|phase| importance(phase.kind));
    for phase in order.iter().rev() {
        let (from, until) = reach(panel, phase);
        let gap = if until - from > 4.0 { 1.0 } else { 0.0 };
        canvas.fill_rect((from + gap, bottom - 4.0), (until - gap, bottom), phase.kind.colour(), 1.0);
    }
    let mut taken: Vec<(f64, f64)> = vec![];
    for phase in order {
        if let Some((name, middle, half)) = fit(panel, phase, &taken, canvas_width) {
            taken.push((middle - half, middle + half));
            canvas.text(name, kind_in(phase.kind.colour()), (middle, bottom - 9.0), CENTRE_BOTTOM);
        }
    }
}

/// Who gets room for a name first.
fn importance(kind: Kind) -> u32 {
    match kind {
        Kind::Trigger | Kind::Lever => 0,
        Kind::Metastable | Kind::Spontaneous | Kind::Oscillating | Kind::Failed => 1,
        Kind::Recovering | Kind::Draining | Kind::Degraded | Kind::StillDown | Kind::Unhealthy => 2,
        Kind::Stable | Kind::StableAgain => 3,
        Kind::Warmup | Kind::Undecided => 4,
    }
}

/// The longest name of `phase` that fits above it, its middle and half its length; a short one may stand out on both sides.
fn fit<'p>(
    panel: &Panel,
    phase: &'p Phase,
    taken: &[(f64, f64)],
    canvas_width: f64,
) -> Option<(&'p str, f64, f64)> {
    const AIR: f64 = 8.0;
    let (from, until) = reach(panel, phase);
    let last = phase.names.len() - 1;
    phase.names.iter().enumerate().find_map(|(index, name)| {
        let half = kind_in(phase.kind.colour()).width(name) / 2.0;
        let fits = half * 2.0 <= until - from + 10.0;
        let may_stand_out = index == last && !matches!(phase.kind, Kind::Warmup | Kind::Undecided);
        let middle = ((from + until) / 2.0).clamp(panel.x0 + half - 40.0, canvas_width - half - 6.0);
        let free =
            |middle: f64| taken.iter().all(|(a, b)| middle + half + AIR <= *a || middle - half - AIR >= *b);
        if !(fits || may_stand_out) {
            return None;
        }
        // Beside a neighbour's name that stands out, a name may leave the middle of its own phase.
        let room = ((until - from) / 2.0 - half).max(0.0);
        let shifts = [0.0, 0.25, -0.25, 0.5, -0.5, 1.0, -1.0];
        shifts.into_iter().map(|s| middle + s * room).find(|m| free(*m)).map(|m| (name.as_str(), m, half))
    })
}
