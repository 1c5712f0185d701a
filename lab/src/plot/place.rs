//! Where labels go: never over each other, and as little as can be over curves.
use super::{
    canvas::{At, Canvas, LEFT_MIDDLE, LEFT_TOP, Type, covers, name_in},
    ink::{Colour, Rect, colour},
    panel::Panel,
};

/// What a panel holds that labels keep clear of.
#[derive(Debug)]
pub(super) struct Places {
    bounds: Rect,
    labels: Vec<Rect>,
    curves: Vec<Vec<At>>,
}

impl Places {
    pub(super) fn new(panel: &Panel) -> Places {
        Places { bounds: panel.rect(), labels: vec![], curves: vec![] }
    }

    /// As [`Places::new`], with labels up to `right`, beside the panel.
    pub(super) fn reaching(panel: &Panel, right: f64) -> Places {
        let mut places = Places::new(panel);
        places.bounds.x1 = right as f32;
        places
    }

    /// Labels shall keep clear of these curves.
    pub(super) fn avoid(&mut self, curves: Vec<Vec<At>>) {
        self.curves.extend(curves);
    }

    /// Writes `text` at the best of `candidates` for its upper left corner, earlier ones preferred; leaves it away where
    /// none is free of other labels.
    pub(super) fn write(&mut self, canvas: &Canvas, text: &str, kind: Type, candidates: &[At]) {
        if let Some(at) = self.take(text, kind, candidates) {
            canvas.text(text, kind, at, LEFT_TOP);
        }
    }

    /// As [`Places::write`], on a piece of paper that hides what is below.
    pub(super) fn write_on_paper(&mut self, canvas: &Canvas, text: &str, kind: Type, candidates: &[At]) {
        if let Some(at) = self.take(text, kind, candidates) {
            let (right, bottom) = (at.0 + kind.width(text) + 4.0, at.1 + kind.em * 0.93 + 3.0);
            canvas.fill_rect((at.0 - 4.0, at.1 - 3.0), (right, bottom), colour::PAPER, 0.88);
            canvas.text(text, kind, at, LEFT_TOP);
        }
    }

    /// The best of `candidates` for `text`, which is taken from now on.
    fn take(&mut self, text: &str, kind: Type, candidates: &[At]) -> Option<At> {
        let mut best: Option<(f64, At)> = None;
        for &at in candidates {
            let rect = covers(text, kind, at);
            if !self.bounds.contains(&rect) || self.labels.iter().any(|l| l.overlaps(&widened(rect))) {
                continue;
            }
            let cost = self.curve_inside(&rect);
            if best.is_none_or(|(least, _)| cost + 0.5 < least) {
                best = Some((cost, at));
            }
        }
        let (_, at) = best?;
        self.labels.push(covers(text, kind, at));
        Some(at)
    }

    /// Writes the name of a horizontal line at height `y`, above or below it, at the left end if possible.
    pub(super) fn write_along(&mut self, canvas: &Canvas, text: &str, kind: Type, y: f64) {
        let length = kind.width(text);
        let (from, to) = (f64::from(self.bounds.x0) + 8.0, f64::from(self.bounds.x1) - 8.0 - length);
        let (above, below) = (y - kind.em * 0.93 - 3.0, y + 5.0);
        let steps = (0..=8).map(|k| from + (to - from) * f64::from(k) / 8.0);
        let candidates: Vec<At> = steps.flat_map(|x| [(x, above), (x, below)]).collect();
        self.write(canvas, text, kind, &candidates);
    }

    /// Writes the name of a curve where it ends: beside the end, above it or below it.
    pub(super) fn write_at_end(&mut self, canvas: &Canvas, name: &str, colour: Colour, end: At) {
        let kind = name_in(colour);
        let (length, half) = (kind.width(name), kind.em * 0.93 / 2.0);
        let heights = [0.0, -8.0, 8.0, -16.0, 16.0, -24.0, 24.0, -32.0, 32.0];
        let beside = heights.into_iter().map(|dy| (end.0 + 8.0, end.1 - half + dy));
        let before = heights.into_iter().map(|dy| (end.0 - length, end.1 - half + dy));
        let candidates: Vec<At> = beside.chain(before).collect();
        self.write(canvas, name, kind, &candidates);
    }

    /// How many pixels of curve lie in `rect`.
    fn curve_inside(&self, rect: &Rect) -> f64 {
        let pairs = self.curves.iter().flat_map(|curve| curve.windows(2));
        pairs.map(|pair| inside(pair[0], pair[1], rect)).sum()
    }
}

fn widened(rect: Rect) -> Rect {
    Rect { x0: rect.x0 - 4.0, y0: rect.y0 - 1.0, x1: rect.x1 + 4.0, y1: rect.y1 + 1.0 }
}

/// The length of the part of a segment that lies in `rect` (Liang and Barsky, 1984).
fn inside(a: At, b: At, rect: &Rect) -> f64 {
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    let (mut enters, mut leaves) = (0.0_f64, 1.0_f64);
    let edges = [
        (-dx, a.0 - f64::from(rect.x0)),
        (dx, f64::from(rect.x1) - a.0),
        (-dy, a.1 - f64::from(rect.y0)),
        (dy, f64::from(rect.y1) - a.1),
    ];
    for (direction, distance) in edges {
        if direction == 0.0 {
            if distance < 0.0 {
                return 0.0;
            }
        } else if direction < 0.0 {
            enters = enters.max(distance / direction);
        } else {
            leaves = leaves.min(distance / direction);
        }
    }
    (leaves - enters).max(0.0) * (dx * dx + dy * dy).sqrt()
}

/// The names of a panel's curves beside its right edge, each at the height where its curve ends.
pub(super) fn name_curves(canvas: &Canvas, panel: &Panel, curves: &[(&str, Colour, f64)]) {
    let measured = curves.iter().filter(|curve| curve.2.is_finite());
    let curves: Vec<_> = measured.copied().collect();
    let inside = |value: f64| panel.py(value).clamp(panel.y0, panel.y1);
    let ends: Vec<f64> = curves.iter().map(|curve| inside(curve.2)).collect();
    // Curves that end within a few pixels are named in the given order: noise shall not shuffle the names.
    let rough: Vec<f64> = ends.iter().map(|end| (end / 6.0).round() * 6.0).collect();
    let heights = apart(&rough, 15.5, panel.y0 + 6.0, panel.y1 - 4.0);
    for ((name, colour, _), (end, height)) in curves.iter().zip(ends.iter().zip(heights)) {
        let line = [(panel.x1 + 3.0, *end), (panel.x1 + 10.0, height)];
        canvas.pale_line(&line, *colour, 1.0, 0.7);
        canvas.text(name, name_in(*colour), (panel.x1 + 13.0, height), LEFT_MIDDLE);
    }
}

/// Heights as near to `wanted` as can be, at least `gap` apart, from `low` to `high`; equal ones keep their order.
pub(super) fn apart(wanted: &[f64], gap: f64, low: f64, high: f64) -> Vec<f64> {
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by(|&a, &b| wanted[a].total_cmp(&wanted[b]));
    // Groups of labels that touch: the middle of each, and its members.
    let mut groups: Vec<(f64, Vec<usize>)> = vec![];
    for index in order {
        let mut group = (wanted[index], vec![index]);
        while let Some(last) = groups.last() {
            let reach = gap * (last.1.len() + group.1.len()) as f64 / 2.0;
            let between = |group: &(f64, Vec<usize>)| {
                let half = gap * (group.1.len() - 1) as f64 / 2.0;
                group.0.min(high - half).max(low + half)
            };
            if between(&group) - between(last) >= reach {
                break;
            }
            let Some(mut last) = groups.pop() else { break };
            last.1.extend(group.1);
            let middle = last.1.iter().map(|&i| wanted[i]).sum::<f64>() / last.1.len() as f64;
            group = (middle, last.1);
        }
        groups.push(group);
    }
    let mut heights = vec![0.0; wanted.len()];
    for (middle, members) in groups {
        let half = gap * (members.len() - 1) as f64 / 2.0;
        let middle = middle.min(high - half).max(low + half);
        for (rank, index) in members.into_iter().enumerate() {
            heights[index] = middle - half + gap * rank as f64;
        }
    }
    heights
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_move_apart_and_keep_their_order() {
        assert_eq!(apart(&[10.0, 50.0, 90.0], 15.0, 0.0, 100.0), [10.0, 50.0, 90.0]);
        assert_eq!(apart(&[50.0, 50.0, 50.0], 15.0, 0.0, 100.0), [35.0, 50.0, 65.0]);
        assert_eq!(apart(&[99.0, 100.0, 80.0], 15.0, 0.0, 100.0), [85.0, 100.0, 70.0]);
        assert_eq!(apart(&[0.0, 1.0], 15.0, 6.0, 100.0), [6.0, 21.0]);
    }

    #[test]
    fn a_segment_counts_only_where_it_crosses_the_label() {
        let rect = Rect { x0: 10.0, y0: 10.0, x1: 20.0, y1: 20.0 };
        assert_eq!(inside((0.0, 15.0), (100.0, 15.0), &rect), 10.0);
        assert_eq!(inside((0.0, 25.0), (100.0, 25.0), &rect), 0.0);
        assert_eq!(inside((15.0, 0.0), (15.0, 100.0), &rect), 10.0);
    }
}
