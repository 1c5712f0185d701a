//! Free places for labels on a map: inside one region, clear of lines and of each other.
use crate::plot::{canvas::At, ink::Rect, panel::Panel};

/// What is taken on a map.
pub(super) struct Spots<'a> {
    panel: &'a Panel,
    /// Whether a point in pixels belongs to the region that a label is for, by the region's number.
    region: &'a dyn Fn(At) -> u8,
    taken: Vec<Rect>,
    lines: Vec<Vec<At>>,
}

/// Room between a label and what is around it, in pixels.
const AIR: f64 = 7.0;
/// Places are tried so far apart, in pixels.
const STEP: f64 = 6.0;

impl<'a> Spots<'a> {
    pub(super) fn new(panel: &'a Panel, region: &'a dyn Fn(At) -> u8) -> Spots<'a> {
        Spots { panel, region, taken: vec![], lines: vec![] }
    }

    /// Labels shall keep clear of these lines.
    pub(super) fn avoid(&mut self, lines: &[Vec<At>]) {
        self.lines.extend(lines.iter().cloned());
    }

    /// The upper left corner of a free place of `size` inside `region`: the one that `cost` likes best. It is taken then.
    pub(super) fn take(&mut self, size: (f64, f64), region: u8, cost: impl Fn(At) -> f64) -> Option<At> {
        let (width, height) = size;
        let mut best: Option<(f64, At)> = None;
        let mut y = self.panel.y0 + AIR;
        while y + height + AIR <= self.panel.y1 {
            let mut x = self.panel.x0 + AIR;
            while x + width + AIR <= self.panel.x1 {
                let cost = cost((x + width / 2.0, y + height / 2.0));
                if best.is_none_or(|(least, _)| cost < least) && self.is_free((x, y), size, region) {
                    best = Some((cost, (x, y)));
                }
                x += STEP;
            }
            y += STEP;
        }
        let (_, at) = best?;
        self.taken.push(rect(at, size));
        Some(at)
    }

    fn is_free(&self, at: At, size: (f64, f64), region: u8) -> bool {
        let label = rect(at, size);
        if self.taken.iter().any(|other| label.overlaps(other)) {
            return false;
        }
        // Samples as close as the smallest cell of a map that is worth drawing.
        let samples = |from: f64, length: f64| {
            let count = (length / STEP).ceil().max(1.0) as usize;
            (0..=count).map(move |k| from + length * k as f64 / count as f64)
        };
        let (x, y) = (at.0 - AIR, at.1 - AIR);
        let (w, h) = (size.0 + 2.0 * AIR, size.1 + 2.0 * AIR);
        let inside = samples(y, h).all(|y| samples(x, w).all(|x| (self.region)((x, y)) == region));
        inside && !self.lines.iter().flat_map(|line| line.windows(2)).any(|pair| crosses(pair, &label))
    }

    /// Where `place` of `0..=1` along the longest line lies.
    pub(super) fn along(lines: &[Vec<At>], place: f64) -> Option<At> {
        let line = lines.iter().max_by(|a, b| length(a).total_cmp(&length(b)))?;
        let mut left = length(line) * place;
        for pair in line.windows(2) {
            let here = length(pair);
            if left <= here && here > 0.0 {
                let share = left / here;
                return Some((
                    pair[0].0 + (pair[1].0 - pair[0].0) * share,
                    pair[0].1 + (pair[1].1 - pair[0].1) * share,
                ));
            }
            left -= here;
        }
        line.last().copied()
    }
}

/// The length of a line in pixels.
pub(super) fn length(line: &[At]) -> f64 {
    line.windows(2).map(|pair| distance(pair[0], pair[1])).sum()
}

pub(super) fn distance(a: At, b: At) -> f64 {
    let (dx, dy) = (a.0 - b.0, a.1 - b.1);
    (dx * dx + dy * dy).sqrt()
}

/// A label and the air around it.
fn rect(at: At, size: (f64, f64)) -> Rect {
    Rect {
        x0: (at.0 - AIR) as f32,
        y0: (at.1 - AIR) as f32,
        x1: (at.0 + size.0 + AIR) as f32,
        y1: (at.1 + size.1 + AIR) as f32,
    }
}

/// Whether a piece of a line comes into a rectangle, to within half a step.
fn crosses(pair: &[At], rect: &Rect) -> bool {
    let count = (distance(pair[0], pair[1]) / (STEP / 2.0)).ceil().max(1.0) as usize;
    (0..=count).any(|k| {
        let share = k as f64 / count as f64;
        let x = pair[0].0 + (pair[1].0 - pair[0].0) * share;
        let y = pair[0].1 + (pair[1].1 - pair[0].1) * share;
        (f64::from(rect.x0)..=f64::from(rect.x1)).contains(&x)
            && (f64::from(rect.y0)..=f64::from(rect.y1)).contains(&y)
    })
}
