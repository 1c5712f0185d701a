//! The plotters backend that records instead of painting.
use super::{Align, CAPITAL, DESCENT, Face, Ink, Label, Op, Paint, Point};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind, FontStyle,
    FontTransform,
    text_anchor::{HPos, VPos},
};
use std::convert::Infallible;

/// plotters' units in a pixel.
pub const SUBPIXELS: i32 = 16;

/// Draws into an [`Ink`] for plotters, in sixteenths of a pixel.
#[derive(Debug)]
pub struct Pen<'a>(pub &'a mut Ink);

type Drawn = Result<(), DrawingErrorKind<Infallible>>;

fn pixels(at: BackendCoord) -> Point {
    (at.0 as f32 / SUBPIXELS as f32, at.1 as f32 / SUBPIXELS as f32)
}

fn paint(colour: BackendColor) -> Paint {
    Paint { rgb: colour.rgb, opacity: colour.alpha as f32 }
}

fn stroke<S: BackendStyle>(style: &S) -> f32 {
    style.stroke_width() as f32 / SUBPIXELS as f32
}

fn face(style: FontStyle) -> Face {
    match style {
        FontStyle::Normal => Face::Regular,
        FontStyle::Bold => Face::SemiBold,
        FontStyle::Italic | FontStyle::Oblique => Face::Italic,
    }
}

impl Pen<'_> {
    fn put(&mut self, op: Op) -> Drawn {
        self.0.ops.push(op);
        Ok(())
    }
}

impl DrawingBackend for Pen<'_> {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        (self.0.width * SUBPIXELS as u32, self.0.height * SUBPIXELS as u32)
    }

    fn ensure_prepared(&mut self) -> Drawn {
        Ok(())
    }

    fn present(&mut self) -> Drawn {
        Ok(())
    }

    fn draw_pixel(&mut self, at: BackendCoord, colour: BackendColor) -> Drawn {
        let (x, y) = pixels(at);
        let side = 1.0 / SUBPIXELS as f32;
        let points = vec![(x, y), (x + side, y), (x + side, y + side), (x, y + side)];
        self.put(Op::Fill { points, paint: paint(colour) })
    }

    fn draw_line<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S) -> Drawn {
        self.draw_path([from, to], style)
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        from: BackendCoord,
        to: BackendCoord,
        style: &S,
        fill: bool,
    ) -> Drawn {
        let corners = [from, (to.0, from.1), to, (from.0, to.1)];
        if fill {
            self.fill_polygon(corners, style)
        } else {
            self.draw_path(corners.into_iter().chain([from]), style)
        }
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Drawn {
        let points = path.into_iter().map(pixels).collect();
        self.put(Op::Line { points, width: stroke(style), paint: paint(style.color()) })
    }

    fn draw_circle<S: BackendStyle>(
        &mut self,
        centre: BackendCoord,
        radius: u32,
        style: &S,
        _fill: bool,
    ) -> Drawn {
        let radius = radius as f32 / SUBPIXELS as f32;
        self.put(Op::Dot { centre: pixels(centre), radius, paint: paint(style.color()) })
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        corners: I,
        style: &S,
    ) -> Drawn {
        let points = corners.into_iter().map(pixels).collect();
        self.put(Op::Fill { points, paint: paint(style.color()) })
    }

    fn estimate_text_size<T: BackendTextStyle>(
        &self,
        text: &str,
        style: &T,
    ) -> Result<(u32, u32), DrawingErrorKind<Infallible>> {
        let em = style.size() as f32;
        Ok((super::width(face(style.style()), em, text).ceil() as u32, em.ceil() as u32))
    }

    fn draw_text<T: BackendTextStyle>(&mut self, text: &str, style: &T, at: BackendCoord) -> Drawn {
        let em = style.size() as f32 / SUBPIXELS as f32;
        let anchor = style.anchor();
        // From the anchor down to the baseline.
        let down = em
            * match anchor.v_pos {
                VPos::Top => CAPITAL,
                VPos::Center => CAPITAL / 2.0,
                VPos::Bottom => -DESCENT,
            };
        let (x, y) = pixels(at);
        let (rotation, at) = match style.transform() {
            FontTransform::None => (0, (x, y + down)),
            FontTransform::Rotate90 => (90, (x - down, y)),
            FontTransform::Rotate180 => (180, (x, y - down)),
            FontTransform::Rotate270 => (270, (x + down, y)),
        };
        let align = match anchor.h_pos {
            HPos::Left => Align::Start,
            HPos::Center => Align::Middle,
            HPos::Right => Align::End,
        };
        let (face, paint) = (face(style.style()), paint(style.color()));
        self.put(Op::Text(Label { text: text.into(), at, em, face, align, rotation, paint }))
    }
}
