//! Drawing in pixels, through plotters, with the type sizes that all figures share.
use super::ink::{Colour, Face, Ink, Pen, Rect, SUBPIXELS, colour, width};
use plotters::{
    coord::Shift,
    drawing::{DrawingArea, IntoDrawingArea},
    element::{Circle, Drawable, PathElement, PointCollection, Polygon, Rectangle, Text},
    style::{
        Color, FontDesc, FontFamily, FontStyle, FontTransform, RGBAColor, RGBColor, ShapeStyle, TextStyle,
        text_anchor::{HPos, Pos, VPos},
    },
};

/// A point in pixels from the upper left corner.
pub(super) type At = (f64, f64);

/// How a text looks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Type {
    pub(super) em: f64,
    pub(super) face: Face,
    pub(super) colour: Colour,
}

const fn kind(em: f64, face: Face, colour: Colour) -> Type {
    Type { em, face, colour }
}

pub(super) const TITLE: Type = kind(19.0, Face::SemiBold, colour::INK);
pub(super) const SUBTITLE: Type = kind(13.0, Face::Regular, colour::MUTED);
pub(super) const HEADING: Type = kind(13.0, Face::SemiBold, colour::INK);
pub(super) const UNIT: Type = kind(12.0, Face::Regular, colour::MUTED);
pub(super) const TICK: Type = kind(12.0, Face::Regular, colour::MUTED);
pub(super) const AXIS_NAME: Type = kind(12.5, Face::Regular, colour::INK);
pub(super) const REFERENCE: Type = kind(11.5, Face::Italic, colour::MUTED);

/// The name of a curve, in its colour.
pub(super) const fn name_in(colour: Colour) -> Type {
    kind(12.5, Face::SemiBold, colour)
}

/// A remark on a curve, in its colour.
pub(super) const fn remark_in(colour: Colour) -> Type {
    kind(11.5, Face::Regular, colour)
}

impl Type {
    /// The length of `text` in pixels.
    pub(super) fn width(&self, text: &str) -> f64 {
        f64::from(width(self.face, self.em as f32, text))
    }
}

/// Which point of a text is meant by its place: horizontally, then vertically.
pub(super) const LEFT_TOP: Pos = Pos { h_pos: HPos::Left, v_pos: VPos::Top };
pub(super) const LEFT_MIDDLE: Pos = Pos { h_pos: HPos::Left, v_pos: VPos::Center };
pub(super) const LEFT_BOTTOM: Pos = Pos { h_pos: HPos::Left, v_pos: VPos::Bottom };
pub(super) const CENTRE_TOP: Pos = Pos { h_pos: HPos::Center, v_pos: VPos::Top };
pub(super) const CENTRE_BOTTOM: Pos = Pos { h_pos: HPos::Center, v_pos: VPos::Bottom };
pub(super) const RIGHT_TOP: Pos = Pos { h_pos: HPos::Right, v_pos: VPos::Top };
pub(super) const RIGHT_MIDDLE: Pos = Pos { h_pos: HPos::Right, v_pos: VPos::Center };

/// What a figure is drawn on.
pub(super) struct Canvas<'a> {
    area: DrawingArea<Pen<'a>, Shift>,
}

/// A figure of this size in pixels, on paper, as `picture` draws it.
pub(super) fn draw(width: f64, height: f64, picture: impl FnOnce(&Canvas)) -> Ink {
    let mut ink = Ink::new(width.ceil() as u32, height.ceil() as u32);
    let canvas = Canvas { area: Pen(&mut ink).into_drawing_area() };
    canvas.fill_rect((0.0, 0.0), (width.ceil(), height.ceil()), colour::PAPER, 1.0);
    picture(&canvas);
    drop(canvas);
    ink
}

fn units(pixels: f64) -> i32 {
    // `as` would make a zero of it: a false point instead of a visible mistake.
    assert!(pixels.is_finite(), "a figure has a point that is not a number");
    (pixels * f64::from(SUBPIXELS)).round() as i32
}

fn place(at: At) -> (i32, i32) {
    (units(at.0), units(at.1))
}

fn opaque(colour: Colour) -> RGBColor {
    RGBColor(colour.light.0, colour.light.1, colour.light.2)
}

fn stroke(color: RGBAColor, width: f64) -> ShapeStyle {
    ShapeStyle { color, filled: false, stroke_width: units(width).max(1) as u32 }
}

fn fill(colour: Colour, opacity: f64) -> ShapeStyle {
    ShapeStyle { color: opaque(colour).mix(opacity), filled: true, stroke_width: 0 }
}

impl<'c> Canvas<'c> {
    fn put<E>(&self, element: &E)
    where
        for<'b> &'b E: PointCollection<'b, (i32, i32)>,
        E: Drawable<Pen<'c>>,
    {
        self.area.draw(element).expect("recording a display list does not fail");
    }

    pub(super) fn text(&self, text: &str, kind: Type, at: At, anchor: Pos) {
        self.text_turned(text, kind, at, anchor, FontTransform::None);
    }

    /// A text that reads from below to above.
    pub(super) fn text_upwards(&self, text: &str, kind: Type, at: At, anchor: Pos) {
        self.text_turned(text, kind, at, anchor, FontTransform::Rotate270);
    }

    fn text_turned(&self, text: &str, kind: Type, at: At, anchor: Pos, turn: FontTransform) {
        let style = match kind.face {
            Face::Regular => FontStyle::Normal,
            Face::SemiBold => FontStyle::Bold,
            Face::Italic => FontStyle::Italic,
        };
        let size = kind.em * f64::from(SUBPIXELS);
        let font = FontDesc::new(FontFamily::Name("Inter"), size, style).transform(turn);
        let colour = opaque(kind.colour);
        let style = TextStyle::from(font).color(&colour).pos(anchor);
        self.put(&Text::new(text.to_owned(), place(at), style));
    }

    pub(super) fn line(&self, points: &[At], colour: Colour, width: f64) {
        self.pale_line(points, colour, width, 1.0);
    }

    /// A line through which one sees what is below.
    pub(super) fn pale_line(&self, points: &[At], colour: Colour, width: f64, opacity: f64) {
        let points: Vec<_> = points.iter().map(|&at| place(at)).collect();
        self.put(&PathElement::new(points, stroke(opaque(colour).mix(opacity), width)));
    }

    /// A horizontal dashed line from `x0` to `x1`.
    pub(super) fn dashes(&self, x0: f64, x1: f64, y: f64, colour: Colour) {
        self.dashed((x0, y), (x1, y), colour);
    }

    /// A dashed line.
    pub(super) fn dashed(&self, from: At, to: At, colour: Colour) {
        const ON: f64 = 5.0;
        const OFF: f64 = 4.0;
        let (dx, dy) = (to.0 - from.0, to.1 - from.1);
        let length = (dx * dx + dy * dy).sqrt();
        let at = |s: f64| (from.0 + dx * s / length, from.1 + dy * s / length);
        let mut s = 0.0;
        while s < length {
            self.line(&[at(s), at((s + ON).min(length))], colour, 1.0);
            s += ON + OFF;
        }
    }

    pub(super) fn fill_rect(&self, from: At, to: At, colour: Colour, opacity: f64) {
        self.put(&Rectangle::new([place(from), place(to)], fill(colour, opacity)));
    }

    pub(super) fn dot(&self, at: At, radius: f64, colour: Colour) {
        self.put(&Circle::new(place(at), units(radius), fill(colour, 1.0)));
    }

    /// The head of an arrow at `tip` that comes from the direction of `from`, `length` pixels long.
    pub(super) fn arrow_head(&self, from: At, tip: At, length: f64, colour: Colour) {
        let (dx, dy) = (tip.0 - from.0, tip.1 - from.1);
        let distance = (dx * dx + dy * dy).sqrt().max(1e-9);
        let (ux, uy) = (dx / distance * length, dy / distance * length);
        let notch = (tip.0 - 0.72 * ux, tip.1 - 0.72 * uy);
        let wing = |side: f64| (tip.0 - ux - side * 0.42 * uy, tip.1 - uy + side * 0.42 * ux);
        self.fill_polygon(&[tip, wing(1.0), notch, wing(-1.0)], colour, 1.0);
    }

    pub(super) fn fill_polygon(&self, corners: &[At], colour: Colour, opacity: f64) {
        let corners: Vec<_> = corners.iter().map(|&at| place(at)).collect();
        self.put(&Polygon::new(corners, fill(colour, opacity)));
    }

    /// Slanted thin lines over a rectangle: what is below is not to be trusted.
    pub(super) fn hatch(&self, from: At, to: At, colour: Colour) {
        const STEP: f64 = 7.0;
        let (width, height) = (to.0 - from.0, to.1 - from.1);
        let mut offset = STEP / 2.0;
        while offset < width + height {
            let low = (from.0 + offset.min(width), from.1 + (offset - width).max(0.0));
            let high = (from.0 + (offset - height).max(0.0), from.1 + offset.min(height));
            self.pale_line(&[low, high], colour, 1.0, 0.45);
            offset += STEP;
        }
    }
}

/// What `text` covers when its upper left corner is at `at`: capitals and descenders.
pub(super) fn covers(text: &str, kind: Type, at: At) -> Rect {
    let (x, y) = (at.0 as f32, at.1 as f32);
    Rect { x0: x, y0: y, x1: x + kind.width(text) as f32, y1: y + kind.em as f32 * 0.93 }
}
