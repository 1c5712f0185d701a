//! The three faces that figures are set in: measured, outlined and embedded from this crate's own files.
use super::{Align, Label};
use ab_glyph::{Font, FontRef, GlyphId, OutlineCurve, Point, point};
use base64::{Engine, prelude::BASE64_STANDARD};
use std::sync::LazyLock;

/// A face of Inter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Face {
    /// Upright.
    Regular,
    /// Semi-bold.
    SemiBold,
    /// Italic.
    Italic,
}

static REGULAR: LazyLock<FontRef> =
    LazyLock::new(|| parse(include_bytes!("../../../fonts/Inter-Regular.sub.otf")));
static SEMI_BOLD: LazyLock<FontRef> =
    LazyLock::new(|| parse(include_bytes!("../../../fonts/Inter-SemiBold.sub.otf")));
static ITALIC: LazyLock<FontRef> =
    LazyLock::new(|| parse(include_bytes!("../../../fonts/Inter-Italic.sub.otf")));

fn parse(bytes: &'static [u8]) -> FontRef<'static> {
    FontRef::try_from_slice(bytes).expect("the fonts of this crate can be read")
}

impl Face {
    fn font(self) -> &'static FontRef<'static> {
        match self {
            Face::Regular => &REGULAR,
            Face::SemiBold => &SEMI_BOLD,
            Face::Italic => &ITALIC,
        }
    }
}

/// The glyphs of `text` and where each begins, in pixels; then the length of the whole.
fn layout(face: Face, em: f32, text: &str) -> (Vec<(GlyphId, f32)>, f32) {
    let font = face.font();
    let scale = em / font.units_per_em().unwrap_or(1.0);
    let mut x = 0.0;
    let mut glyphs: Vec<(GlyphId, f32)> = vec![];
    for character in text.chars() {
        let glyph = font.glyph_id(character);
        if let Some((previous, _)) = glyphs.last() {
            x += font.kern_unscaled(*previous, glyph) * scale;
        }
        glyphs.push((glyph, x));
        x += font.h_advance_unscaled(glyph) * scale;
    }
    (glyphs, x)
}

/// The length of `text` in pixels, set in `face` at `em` pixels.
pub fn width(face: Face, em: f32, text: &str) -> f32 {
    layout(face, em, text).1
}

/// The closed contours of `label`, not yet turned by its rotation.
pub(super) fn contours(label: &Label) -> Vec<Vec<OutlineCurve>> {
    let font = label.face.font();
    let (glyphs, length) = layout(label.face, label.em, &label.text);
    let scale = label.em / font.units_per_em().unwrap_or(1.0);
    let start = match label.align {
        Align::Start => label.at.0,
        Align::Middle => label.at.0 - length / 2.0,
        Align::End => label.at.0 - length,
    };
    let mut contours = vec![];
    for (glyph, x) in glyphs {
        let place = |p: Point| point(start + x + p.x * scale, label.at.1 - p.y * scale);
        let curves = font.outline(glyph).map(|outline| outline.curves).unwrap_or_default();
        let curves = curves.into_iter().map(|curve| match curve {
            OutlineCurve::Line(a, b) => OutlineCurve::Line(place(a), place(b)),
            OutlineCurve::Quad(a, b, c) => OutlineCurve::Quad(place(a), place(b), place(c)),
            OutlineCurve::Cubic(a, b, c, d) => OutlineCurve::Cubic(place(a), place(b), place(c), place(d)),
        });
        contours.extend(split(curves));
    }
    contours
}

/// Splits curves where one does not begin at the end of the one before.
fn split(curves: impl Iterator<Item = OutlineCurve>) -> Vec<Vec<OutlineCurve>> {
    let mut contours: Vec<Vec<OutlineCurve>> = vec![];
    let mut pen = None;
    for curve in curves {
        let (from, to) = ends(&curve);
        if pen != Some(from) {
            contours.push(vec![]);
        }
        pen = Some(to);
        if let Some(contour) = contours.last_mut() {
            contour.push(curve);
        }
    }
    contours
}

/// Where a curve begins and ends.
pub(super) fn ends(curve: &OutlineCurve) -> (Point, Point) {
    match *curve {
        OutlineCurve::Line(a, b) | OutlineCurve::Quad(a, _, b) | OutlineCurve::Cubic(a, _, _, b) => (a, b),
    }
}

/// The `@font-face` rules that embed all three faces, for SVG and HTML that is to look the same everywhere.
pub fn face_css() -> &'static str {
    static CSS: LazyLock<String> = LazyLock::new(|| {
        let rule = |weight: u32, style: &str, file: &[u8]| {
            let data = BASE64_STANDARD.encode(file);
            format!(
                "@font-face{{font-family:Inter;font-weight:{weight};font-style:{style};\
                 src:url(data:font/woff2;base64,{data})format(\"woff2\")}}\n"
            )
        };
        rule(400, "normal", include_bytes!("../../../fonts/Inter-Regular.sub.woff2"))
            + &rule(600, "normal", include_bytes!("../../../fonts/Inter-SemiBold.sub.woff2"))
            + &rule(400, "italic", include_bytes!("../../../fonts/Inter-Italic.sub.woff2"))
    });
    &CSS
}
