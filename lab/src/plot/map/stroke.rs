//! Lines on a map that are seen on every colour, and dashes that go on around corners.
use super::spot::distance;
use crate::plot::{
    canvas::{At, Canvas},
    ink::Colour,
};

/// A line and its border.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stroke {
    pub(super) colour: Colour,
    pub(super) width: f64,
    /// What is seen on both sides of it.
    pub(super) border: Option<(Colour, f64)>,
    /// Lengths of dash and gap in pixels.
    pub(super) dash: Option<(f64, f64)>,
}

impl Stroke {
    pub(super) fn draw(&self, canvas: &Canvas, lines: &[Vec<At>]) {
        for line in lines {
            if let Some((colour, opacity)) = self.border {
                canvas.pale_line(line, colour, self.width + 2.0, opacity);
            }
            match self.dash {
                None => canvas.line(line, self.colour, self.width),
                Some((on, off)) => {
                    for dash in dashes(line, on, off) {
                        canvas.line(&dash, self.colour, self.width);
                    }
                }
            }
        }
    }
}

/// The dashes of a line, each with the corners that it goes around.
fn dashes(line: &[At], on: f64, off: f64) -> Vec<Vec<At>> {
    let mut dashes = vec![];
    let (mut left, mut drawing) = (on, true);
    let mut dash: Vec<At> = line.first().copied().into_iter().collect();
    for pair in line.windows(2) {
        let (mut from, to) = (pair[0], pair[1]);
        while distance(from, to) > left {
            let share = left / distance(from, to);
            from = (from.0 + (to.0 - from.0) * share, from.1 + (to.1 - from.1) * share);
            if drawing {
                dash.push(from);
                dashes.push(std::mem::take(&mut dash));
            } else {
                dash = vec![from];
            }
            drawing = !drawing;
            left = if drawing { on } else { off };
        }
        left -= distance(from, to);
        if drawing {
            dash.push(to);
        }
    }
    if dash.len() > 1 {
        dashes.push(dash);
    }
    dashes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dashes_go_on_around_corners() {
        let corner = [(0.0, 0.0), (7.0, 0.0), (7.0, 7.0)];
        let drawn = dashes(&corner, 5.0, 1.0);
        assert_eq!(drawn[0], [(0.0, 0.0), (5.0, 0.0)]);
        assert_eq!(drawn[1], [(6.0, 0.0), (7.0, 0.0), (7.0, 4.0)]);
        assert_eq!(drawn[2], [(7.0, 5.0), (7.0, 7.0)]);
    }
}
