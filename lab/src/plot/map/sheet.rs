//! The points of one map in rows and columns, and where they lie in a panel.
use super::contour::Field;
use crate::{
    plot::{canvas::At, panel::Panel, scale::Scale},
    scenario::{
        Grid,
        grid::{Axis, MapAxes},
    },
    sweep::{Merged, PointResult},
};

/// The points of a map that share a value of the axis of lines.
pub(super) struct Sheet<'a> {
    /// Values of the axes, smallest first.
    pub(super) xs: Vec<f64>,
    pub(super) ys: Vec<f64>,
    /// Row by row, from below.
    points: Vec<&'a PointResult>,
}

impl<'a> Sheet<'a> {
    /// The points at value `line` of the axis of lines; all of them where there is none.
    pub(super) fn of(grid: &Grid, map: MapAxes, line: usize, merged: &'a Merged) -> Sheet<'a> {
        let (columns, rows) = (sorted(&grid.axes[map.x]), sorted(&grid.axes[map.y]));
        let mut at = vec![0; grid.axes.len()];
        if let Some(lines) = map.lines {
            at[lines] = line;
        }
        let mut points = vec![];
        for &row in &rows {
            for &column in &columns {
                (at[map.x], at[map.y]) = (column, row);
                points.push(&merged.points[grid.index(&at)]);
            }
        }
        let values =
            |axis: usize, order: &[usize]| order.iter().map(|i| grid.axes[axis].numbers[*i]).collect();
        Sheet { xs: values(map.x, &columns), ys: values(map.y, &rows), points }
    }

    /// The point in this column and row.
    pub(super) fn point(&self, column: usize, row: usize) -> &'a PointResult {
        self.points[row * self.xs.len() + column]
    }

    /// P(metastable) in this column and row; NaN where nothing was run.
    pub(super) fn p(&self, column: usize, row: usize) -> f64 {
        self.point(column, row).shares.p_metastable
    }

    /// Whether most runs of the point say nothing.
    pub(super) fn is_inconclusive(&self, column: usize, row: usize) -> bool {
        let point = self.point(column, row);
        point.shares.runs == 0 || 2 * point.inconclusive > point.shares.runs
    }

    /// The lines on which P(metastable) is `level`.
    pub(super) fn boundary(&self, panel: &Panel, level: f64) -> Vec<Vec<At>> {
        self.field(panel, false, |i, j| self.p(i, j)).lines(level)
    }

    /// The lines on which `value` of a point is 0; NaN where it has none.
    pub(super) fn zero(&self, panel: &Panel, value: impl Fn(&PointResult) -> f64) -> Vec<Vec<At>> {
        self.field(panel, true, |i, j| value(self.point(i, j))).lines(0.0)
    }

    fn field(&self, panel: &Panel, sloped: bool, value: impl Fn(usize, usize) -> f64) -> Field {
        let xs: Vec<f64> = self.xs.iter().map(|x| panel.px(*x)).collect();
        let ys: Vec<f64> = self.ys.iter().map(|y| panel.py(*y)).collect();
        Field::new(&xs, &ys, ((panel.x0, panel.x1), (panel.y1, panel.y0)), sloped, value)
    }

    /// Where along y P(metastable) first reaches one half in a column, between rows; `None` where it does not, or where it does so
    /// from the first row on.
    pub(super) fn threshold(&self, column: usize) -> Option<f64> {
        let row = (0..self.ys.len()).find(|row| self.p(column, *row) >= 0.5).filter(|row| *row > 0)?;
        let (below, above) = (self.p(column, row - 1), self.p(column, row));
        let share = if below.is_finite() { (0.5 - below) / (above - below) } else { 1.0 };
        Some(self.ys[row - 1] + (self.ys[row] - self.ys[row - 1]) * share)
    }
}

/// The indexes of an axis's values, smallest value first.
fn sorted(axis: &Axis) -> Vec<usize> {
    let mut order: Vec<usize> = (0..axis.numbers.len()).collect();
    order.sort_by(|a, b| axis.numbers[*a].total_cmp(&axis.numbers[*b]));
    order
}

/// The axis on which sorted `values` lie most evenly, with half a step of room at both ends.
pub(super) fn scale(values: &[f64]) -> Scale {
    let edges = edges(values);
    let (low, high) = (edges[0], edges[edges.len() - 1]);
    if is_log(values) { Scale::Log(low, high) } else { Scale::Linear(low, high) }
}

/// Between which values of an axis each of the sorted `values` stands for its neighbourhood: one more than there are values.
pub(super) fn edges(values: &[f64]) -> Vec<f64> {
    let log = is_log(values);
    let inward = |v: f64| if log { libm::log(v) } else { v };
    let outward = |v: f64| if log { libm::exp(v) } else { v };
    let at: Vec<f64> = values.iter().map(|v| inward(*v)).collect();
    let last = at.len() - 1;
    let mut edges = vec![at[0] - (at[1] - at[0]) / 2.0];
    edges.extend(at.windows(2).map(|pair| f64::midpoint(pair[0], pair[1])));
    edges.push(at[last] + (at[last] - at[last - 1]) / 2.0);
    edges.into_iter().map(outward).collect()
}

/// Whether the ratios of neighbours differ less than their differences.
fn is_log(values: &[f64]) -> bool {
    let spread = |steps: Vec<f64>| {
        let most = steps.iter().copied().fold(0.0, f64::max);
        most / steps.iter().copied().fold(f64::INFINITY, f64::min)
    };
    values.len() > 2
        && values[0] > 0.0
        && spread(values.windows(2).map(|v| libm::log(v[1] / v[0])).collect())
            < spread(values.windows(2).map(|v| v[1] - v[0]).collect()) * (1.0 - 1e-9)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_is_as_its_values_are_spaced() {
        assert_eq!(scale(&[200.0, 300.0, 400.0]), Scale::Linear(150.0, 450.0));
        let Scale::Log(low, high) = scale(&[1.0, 10.0, 100.0]) else { panic!("equal ratios") };
        assert!((low * low - 0.1).abs() < 1e-9 && (high * high - 1e5).abs() < 1e-3, "{low} {high}");
        assert_eq!(edges(&[0.0, 2.0]), [-1.0, 1.0, 3.0]);
    }
}
