//! Lines of equal value through a grid of numbers: marching squares (Lorensen and Cline, 1987, in two dimensions).
use crate::plot::canvas::At;
use std::collections::BTreeMap;

/// Numbers at the crossings of vertical lines `xs` and horizontal lines `ys`, in pixels.
#[derive(Clone, Debug)]
pub(super) struct Field {
    xs: Vec<f64>,
    ys: Vec<f64>,
    /// Row by row; NaN where nothing is known.
    values: Vec<f64>,
}

/// An edge between two neighbouring crossings: the lower left one, and whether it goes up.
type Edge = (usize, usize, bool);

impl Field {
    /// `value(i, j)` at the crossing of `xs[i]` and `ys[j]`, continued to the edges of a panel from `x` to `x` and `y` to `y`: with the
    /// slope that the outermost two have if it is `sloped`, else level.
    pub(super) fn new(
        xs: &[f64],
        ys: &[f64],
        (x, y): ((f64, f64), (f64, f64)),
        sloped: bool,
        value: impl Fn(usize, usize) -> f64,
    ) -> Field {
        let inner = Field {
            xs: xs.to_vec(),
            ys: ys.to_vec(),
            values: (0..ys.len())
                .flat_map(|j| (0..xs.len()).map(move |i| (i, j)))
                .map(|(i, j)| value(i, j))
                .collect(),
        };
        let wide = |line: &[f64], ends: (f64, f64)| [&[ends.0], line, &[ends.1]].concat();
        let (all_x, all_y) = (wide(xs, x), wide(ys, y));
        let at = |x: f64, y: f64| inner.near(x, y, sloped);
        let values = all_y.iter().flat_map(|y| all_x.iter().map(move |x| (*x, *y))).map(|(x, y)| at(x, y));
        Field { values: values.collect(), xs: all_x, ys: all_y }
    }

    /// The value at a point of the grid's lines, or beyond them.
    fn near(&self, x: f64, y: f64, sloped: bool) -> f64 {
        let (i, u) = place(&self.xs, x, sloped);
        let (j, v) = place(&self.ys, y, sloped);
        let at = |i: usize, j: usize| self.at(i.min(self.xs.len() - 1), j.min(self.ys.len() - 1));
        // A neighbour that has no weight may be unknown.
        let mix = |a: f64, b: f64, t: f64| if t == 0.0 { a } else { a + (b - a) * t };
        mix(mix(at(i, j), at(i + 1, j), u), mix(at(i, j + 1), at(i + 1, j + 1), u), v)
    }

    fn at(&self, i: usize, j: usize) -> f64 {
        self.values[j * self.xs.len() + i]
    }

    /// The lines on which the value is `level`.
    pub(super) fn lines(&self, level: f64) -> Vec<Vec<At>> {
        let mut next: BTreeMap<Edge, Vec<Edge>> = BTreeMap::new();
        for j in 0..self.ys.len() - 1 {
            for i in 0..self.xs.len() - 1 {
                for (a, b) in self.crossings(i, j, level) {
                    next.entry(a).or_default().push(b);
                    next.entry(b).or_default().push(a);
                }
            }
        }
        let mut lines = vec![];
        // Open lines begin where they have one neighbour; what is left then are rings.
        for alone in [true, false] {
            while let Some(start) = next.iter().find(|(_, n)| !alone || n.len() == 1).map(|(edge, _)| *edge) {
                lines.push(self.follow(&mut next, start, level));
            }
        }
        lines
    }

    /// The line that begins at `start`; takes its pieces out of `next`.
    fn follow(&self, next: &mut BTreeMap<Edge, Vec<Edge>>, start: Edge, level: f64) -> Vec<At> {
        let mut line = vec![self.point(start, level)];
        let mut here = start;
        while let Some(there) = next.get_mut(&here).and_then(Vec::pop) {
            if next.get(&here).is_some_and(Vec::is_empty) {
                next.remove(&here);
            }
            if let Some(back) = next.get_mut(&there) {
                if let Some(index) = back.iter().position(|edge| *edge == here) {
                    back.swap_remove(index);
                }
                if back.is_empty() {
                    next.remove(&there);
                }
            }
            line.push(self.point(there, level));
            here = there;
        }
        next.remove(&start);
        line
    }

    /// Where an edge has the value `level`.
    fn point(&self, (i, j, up): Edge, level: f64) -> At {
        let a = self.at(i, j);
        let b = if up { self.at(i, j + 1) } else { self.at(i + 1, j) };
        let t = ((level - a) / (b - a)).clamp(0.0, 1.0);
        match up {
            true => (self.xs[i], self.ys[j] + (self.ys[j + 1] - self.ys[j]) * t),
            false => (self.xs[i] + (self.xs[i + 1] - self.xs[i]) * t, self.ys[j]),
        }
    }

    /// The pieces of the line in the square whose lower left corner is (i, j).
    fn crossings(&self, i: usize, j: usize, level: f64) -> Vec<(Edge, Edge)> {
        let corners = [self.at(i, j), self.at(i + 1, j), self.at(i + 1, j + 1), self.at(i, j + 1)];
        if corners.iter().any(|value| !value.is_finite()) {
            return vec![];
        }
        let above = corners.map(|value| value >= level);
        let edges: [Edge; 4] = [(i, j, false), (i + 1, j, true), (i, j + 1, false), (i, j, true)];
        let crossed: Vec<usize> = (0..4).filter(|k| above[*k] != above[(k + 1) % 4]).collect();
        match crossed[..] {
            [a, b] => vec![(edges[a], edges[b])],
            // A saddle: the middle decides which corners belong together.
            [_, _, _, _] => {
                let middle = corners.iter().sum::<f64>() / 4.0 >= level;
                let turned = middle == above[0];
                match turned {
                    true => vec![(edges[0], edges[1]), (edges[2], edges[3])],
                    false => vec![(edges[3], edges[0]), (edges[1], edges[2])],
                }
            }
            _ => vec![],
        }
    }
}

/// Between which two of `line` a value lies, and how far along. Beyond the ends: at the end, or with `sloped` further on.
fn place(line: &[f64], value: f64, sloped: bool) -> (usize, f64) {
    if line.len() < 2 {
        return (0, 0.0);
    }
    let rising = line[1] > line[0];
    let passed = |at: &f64| if rising { *at <= value } else { *at >= value };
    let index = line.iter().take_while(|at| passed(at)).count().saturating_sub(1).min(line.len() - 2);
    let along = (value - line[index]) / (line[index + 1] - line[index]);
    (index, if sloped { along } else { along.clamp(0.0, 1.0) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(value: impl Fn(usize, usize) -> f64) -> Field {
        let line: Vec<f64> = (1..=5).map(f64::from).collect();
        Field::new(&line, &line, ((0.5, 5.5), (0.5, 5.5)), true, value)
    }

    #[test]
    fn a_plane_has_a_straight_line_from_edge_to_edge() {
        let lines = field(|i, j| i as f64 + j as f64).lines(4.0);
        assert_eq!(lines.len(), 1, "{lines:?}");
        for (x, y) in &lines[0] {
            assert!((x + y - 6.0).abs() < 1e-9, "{x}, {y}");
        }
        let ends = [lines[0][0], lines[0][lines[0].len() - 1]];
        assert!(ends.iter().any(|end| end.0 == 0.5) && ends.iter().any(|end| end.1 == 0.5), "{ends:?}");
    }

    #[test]
    fn a_hill_has_a_ring_and_a_flat_field_nothing() {
        let hill = field(|i, j| if (i, j) == (2, 2) { 1.0 } else { 0.0 }).lines(0.5);
        assert_eq!(hill.len(), 1);
        assert_eq!(hill[0].first(), hill[0].last());
        assert!(field(|_, _| 0.0).lines(0.5).is_empty());
        assert!(field(|i, _| if i < 3 { f64::NAN } else { 0.0 }).lines(0.5).is_empty());
    }
}
