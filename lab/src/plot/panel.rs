//! One pair of axes on the canvas.
use super::{
    canvas::{At, CENTRE_TOP, Canvas, HEADING, LEFT_BOTTOM, RIGHT_MIDDLE, TICK, UNIT},
    clip,
    ink::{Colour, Rect, colour},
    scale::Scale,
    words::number,
};

/// A panel: its edges in pixels and its axes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Panel {
    pub(super) x0: f64,
    pub(super) y0: f64,
    pub(super) x1: f64,
    pub(super) y1: f64,
    pub(super) x: Scale,
    pub(super) y: Scale,
}

impl Panel {
    pub(super) fn px(&self, value: f64) -> f64 {
        self.x0 + (self.x1 - self.x0) * self.x.place(value)
    }

    pub(super) fn py(&self, value: f64) -> f64 {
        self.y1 - (self.y1 - self.y0) * self.y.place(value)
    }

    /// The places of `values` at `times`, in stretches without gaps: NaN is a gap.
    pub(super) fn stretches(&self, times: &[f64], values: &[f64]) -> Vec<Vec<At>> {
        let mut stretches: Vec<Vec<At>> = vec![vec![]];
        for (&time, &value) in times.iter().zip(values) {
            match stretches.last_mut() {
                Some(stretch) if value.is_finite() => stretch.push((self.px(time), self.py(value))),
                Some(stretch) if !stretch.is_empty() => stretches.push(vec![]),
                _ => {}
            }
        }
        stretches.retain(|stretch| !stretch.is_empty());
        stretches
    }

    /// Draws a curve, cut off at the panel's edges. Returns what was drawn, for labels to keep clear of.
    pub(super) fn curve(
        &self,
        canvas: &Canvas,
        times: &[f64],
        values: &[f64],
        colour: Colour,
        width: f64,
    ) -> Vec<Vec<At>> {
        self.pale_curve(canvas, times, values, colour, (width, 1.0))
    }

    /// As [`Panel::curve`], with `pen` giving width and opacity.
    pub(super) fn pale_curve(
        &self,
        canvas: &Canvas,
        times: &[f64],
        values: &[f64],
        colour: Colour,
        pen: (f64, f64),
    ) -> Vec<Vec<At>> {
        let mut drawn = vec![];
        for mut stretch in self.stretches(times, values) {
            if let [(x, y)] = stretch[..] {
                // A value between two gaps is still one that was measured.
                stretch = vec![(x - 1.5, y), (x + 1.5, y)];
            }
            drawn.extend(clip::curve(&stretch, self.y0, self.y1));
        }
        for piece in &drawn {
            canvas.pale_line(piece, colour, pen.0, pen.1);
        }
        drawn
    }

    /// Fills what lies between a curve and the lower edge.
    pub(super) fn area(&self, canvas: &Canvas, times: &[f64], values: &[f64], colour: Colour, opacity: f64) {
        for stretch in self.stretches(times, values) {
            let (first, last) = (stretch[0].0, stretch[stretch.len() - 1].0);
            let mut corners = stretch;
            corners.extend([(last, self.y1), (first, self.y1)]);
            canvas.fill_polygon(&clip::polygon(&corners, self.y0), colour, opacity);
        }
    }

    /// Grid lines at the marks of both axes.
    pub(super) fn grid(&self, canvas: &Canvas, across: &[f64], up: &[f64]) {
        for &value in across {
            let x = self.px(value);
            canvas.line(&[(x, self.y0), (x, self.y1)], colour::GRID, 0.75);
        }
        for &value in up {
            let y = self.py(value);
            canvas.line(&[(self.x0, y), (self.x1, y)], colour::GRID, 0.75);
        }
    }

    /// The axis on the left, with its grid lines left to [`Panel::grid`].
    pub(super) fn left_axis(&self, canvas: &Canvas, marks: &[f64]) {
        for &value in marks {
            canvas.text(&number(value), TICK, (self.x0 - 8.0, self.py(value)), RIGHT_MIDDLE);
        }
        for value in self.y.small_ticks() {
            let y = self.py(value);
            canvas.line(&[(self.x0 - 3.0, y), (self.x0, y)], colour::GRID, 1.0);
        }
        canvas.line(&[(self.x0, self.y1), (self.x1, self.y1)], colour::AXIS, 1.0);
    }

    /// The axis below, with words at its marks.
    pub(super) fn lower_axis(&self, canvas: &Canvas, marks: &[(f64, String)]) {
        canvas.line(&[(self.x0, self.y1), (self.x1, self.y1)], colour::AXIS, 1.0);
        for (value, words) in marks {
            let x = self.px(*value);
            canvas.line(&[(x, self.y1), (x, self.y1 + 4.0)], colour::AXIS, 1.0);
            canvas.text(words, TICK, (x, self.y1 + 8.0), CENTRE_TOP);
        }
    }

    /// What the panel shows, and in which unit. Returns where that ends.
    pub(super) fn heading(&self, canvas: &Canvas, what: &str, unit: &str) -> f64 {
        let y = self.y0 - 9.0;
        let x = self.x0 + HEADING.width(what) + 7.0;
        canvas.text(what, HEADING, (self.x0, y), LEFT_BOTTOM);
        canvas.text(unit, UNIT, (x, y), LEFT_BOTTOM);
        x + UNIT.width(unit)
    }

    pub(super) fn rect(&self) -> Rect {
        Rect { x0: self.x0 as f32, y0: self.y0 as f32, x1: self.x1 as f32, y1: self.y1 as f32 }
    }
}
