//! A figure as a display list: drawn once through plotters, then exported as SVG or PNG, light or dark.
//!
//! plotters' coordinates and stroke widths are whole numbers. [`Pen`] gives it a canvas 16 times as fine as a pixel, so that
//! curves do not snap, and records what it draws. Text is measured and outlined with the fonts of this crate, so that a
//! figure is the same on machines without fonts.
mod font;
mod palette;
mod pen;
mod png;
mod svg;

pub use font::{Face, face_css, width};
pub use palette::{Colour, PALETTE, Rgb, Theme, colour, css_variables};
pub use pen::{Pen, SUBPIXELS};
pub use svg::{TextAs, escape};

/// A point in pixels from the upper left corner.
pub type Point = (f32, f32);

/// A colour and its opacity in [0, 1].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Paint {
    /// The colour on a light background.
    pub rgb: Rgb,
    /// From 0, invisible, to 1.
    pub opacity: f32,
}

/// One thing drawn.
#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    /// A polyline; closed if it ends where it begins.
    Line {
        /// Its corners.
        points: Vec<Point>,
        /// Stroke width in pixels.
        width: f32,
        /// Its colour.
        paint: Paint,
    },
    /// A filled polygon.
    Fill {
        /// Its corners.
        points: Vec<Point>,
        /// Its colour.
        paint: Paint,
    },
    /// A filled circle.
    Dot {
        /// Its centre.
        centre: Point,
        /// Its radius in pixels.
        radius: f32,
        /// Its colour.
        paint: Paint,
    },
    /// One line of text.
    Text(Label),
}

/// Where the anchor of a text lies in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// At its beginning.
    Start,
    /// In its middle.
    Middle,
    /// At its end.
    End,
}

/// One line of text.
#[derive(Clone, Debug, PartialEq)]
pub struct Label {
    /// What it says.
    pub text: String,
    /// The anchor, on the baseline.
    pub at: Point,
    /// Font size in pixels.
    pub em: f32,
    /// Its face.
    pub face: Face,
    /// Where the anchor lies along the text.
    pub align: Align,
    /// Turned around the anchor, in degrees clockwise: 0 or 270.
    pub rotation: i32,
    /// Its colour.
    pub paint: Paint,
}

/// A rectangle in pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rect {
    /// Left edge.
    pub x0: f32,
    /// Upper edge.
    pub y0: f32,
    /// Right edge.
    pub x1: f32,
    /// Lower edge.
    pub y1: f32,
}

impl Rect {
    /// Whether the insides of the two have a point in common.
    pub fn overlaps(&self, other: &Rect) -> bool {
        self.x0 < other.x1 && other.x0 < self.x1 && self.y0 < other.y1 && other.y0 < self.y1
    }

    /// Whether `other` lies in this one.
    pub fn contains(&self, other: &Rect) -> bool {
        self.x0 <= other.x0 && self.y0 <= other.y0 && other.x1 <= self.x1 && other.y1 <= self.y1
    }
}

/// Height of a capital letter and depth of a descender of Inter, in em.
pub(super) const CAPITAL: f32 = 0.728;
pub(super) const DESCENT: f32 = 0.2;

impl Label {
    /// What the text covers, from the font's own widths.
    pub fn bounds(&self) -> Rect {
        let length = width(self.face, self.em, &self.text);
        let start = match self.align {
            Align::Start => 0.0,
            Align::Middle => -length / 2.0,
            Align::End => -length,
        };
        let (x, y) = self.at;
        let (up, down) = (CAPITAL * self.em, DESCENT * self.em);
        if self.rotation == 270 {
            Rect { x0: x - up, y0: y - start - length, x1: x + down, y1: y - start }
        } else {
            Rect { x0: x + start, y0: y - up, x1: x + start + length, y1: y + down }
        }
    }
}

/// A drawn figure.
#[derive(Clone, Debug, PartialEq)]
pub struct Ink {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// What was drawn, in order.
    pub ops: Vec<Op>,
}

impl Ink {
    /// An empty figure.
    pub fn new(width: u32, height: u32) -> Ink {
        Ink { width, height, ops: vec![] }
    }

    /// Every text of the figure, in the order of drawing.
    pub fn labels(&self) -> impl Iterator<Item = &Label> {
        self.ops.iter().filter_map(|op| if let Op::Text(label) = op { Some(label) } else { None })
    }
}
