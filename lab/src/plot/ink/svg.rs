//! SVG export. Colours are written twice: as plain attributes for viewers without CSS, and as CSS variables, so that a
//! browser shows the figure dark where its reader wants that.
use super::{
    Align, Face, Ink, Label, Op, Paint, Point, Theme, css_variables,
    font::{contours, ends, face_css},
    palette::{hex, named},
};
use ab_glyph::OutlineCurve;
use std::fmt::Write as _;

/// How text is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextAs {
    /// As text, with the fonts and the colours of both themes embedded: a file of its own.
    Embedded,
    /// As text, for a page that brings [`super::face_css`] and [`css_variables`] itself.
    Inline,
    /// As outlines, without style sheet: for programs that know no fonts; in light colours.
    Outlines,
}

impl Ink {
    /// The figure as SVG. `title` is what a screen reader says.
    pub fn svg(&self, title: &str, text: TextAs) -> String {
        let (w, h) = (self.width, self.height);
        let mut svg = String::with_capacity(100_000);
        let _ = writeln!(
            svg,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{w}\" height=\"{h}\" viewBox=\"0 0 {w} {h}\" role=\"img\" \
             font-family=\"Inter,Helvetica Neue,Arial,sans-serif\"><title>{}</title>",
            escape(title)
        );
        if text == TextAs::Embedded {
            let (light, dark) = (css_variables(Theme::Light), css_variables(Theme::Dark));
            let _ = writeln!(
                svg,
                "<style>{}:root{{{light}}}@media(prefers-color-scheme:dark){{:root{{{dark}}}}}</style>",
                face_css()
            );
        }
        for op in &self.ops {
            write_op(&mut svg, op, text);
        }
        svg.push_str("</svg>\n");
        svg
    }
}

fn write_op(svg: &mut String, op: &Op, text: TextAs) {
    let _ = match op {
        Op::Line { points, width, paint } => {
            let (d, width) = (path(points, is_closed(points)), number(*width));
            let colour = attributes("stroke", *paint, text);
            writeln!(
                svg,
                "<path d=\"{d}\" fill=\"none\"{colour} stroke-width=\"{width}\" stroke-linejoin=\"round\"/>"
            )
        }
        Op::Fill { points, paint } => {
            writeln!(svg, "<path d=\"{}\"{}/>", path(points, true), attributes("fill", *paint, text))
        }
        Op::Dot { centre, radius, paint } => {
            let (x, y, r) = (number(centre.0), number(centre.1), number(*radius));
            writeln!(svg, "<circle cx=\"{x}\" cy=\"{y}\" r=\"{r}\"{}/>", attributes("fill", *paint, text))
        }
        Op::Text(label) if text == TextAs::Outlines => {
            let (d, fill) = (outline_path(label), attributes("fill", label.paint, text));
            writeln!(svg, "<path d=\"{d}\"{fill}{}/>", turned(label))
        }
        Op::Text(label) => write_label(svg, label, text),
    };
}

fn write_label(svg: &mut String, label: &Label, text: TextAs) -> std::fmt::Result {
    let (x, y, em) = (number(label.at.0), number(label.at.1), number(label.em));
    let anchor = match label.align {
        Align::Start => "",
        Align::Middle => " text-anchor=\"middle\"",
        Align::End => " text-anchor=\"end\"",
    };
    let face = match label.face {
        Face::Regular => "",
        Face::SemiBold => " font-weight=\"600\"",
        Face::Italic => " font-style=\"italic\"",
    };
    let (fill, words) = (attributes("fill", label.paint, text), escape(&label.text));
    let turned = turned(label);
    writeln!(svg, "<text x=\"{x}\" y=\"{y}\" font-size=\"{em}\"{anchor}{face}{fill}{turned}>{words}</text>")
}

fn turned(label: &Label) -> String {
    match label.rotation {
        0 => String::new(),
        degrees => format!(" transform=\"rotate({degrees} {} {})\"", number(label.at.0), number(label.at.1)),
    }
}

/// The attributes that give `property` (`fill` or `stroke`) its colour.
fn attributes(property: &str, paint: Paint, text: TextAs) -> String {
    let mut attributes = format!(" {property}=\"{}\"", hex(paint.rgb));
    if paint.opacity < 0.999 {
        let _ = write!(attributes, " {property}-opacity=\"{}\"", number(paint.opacity));
    }
    if text != TextAs::Outlines
        && let Some(colour) = named(paint.rgb)
    {
        let _ = write!(attributes, " style=\"{property}:var(--{})\"", colour.name);
    }
    attributes
}

/// Whether a polyline ends where it begins.
pub(super) fn is_closed(points: &[Point]) -> bool {
    points.len() > 2 && points.first() == points.last()
}

/// Path data in steps of a hundredth of a pixel, relative, so that rounding does not add up.
fn path(points: &[Point], close: bool) -> String {
    let mut d = String::with_capacity(points.len() * 10);
    let hundredths = |v: f32| (f64::from(v) * 100.0).round() as i64;
    let show = |v: i64| number(v as f32 / 100.0);
    let mut at: Option<(i64, i64)> = None;
    for &(x, y) in points {
        let to = (hundredths(x), hundredths(y));
        let step = at.map(|at| (to.0 - at.0, to.1 - at.1));
        let _ = match step {
            None => write!(d, "M{} {}", show(to.0), show(to.1)),
            Some((0, 0)) => Ok(()),
            Some((dx, 0)) => write!(d, "h{}", show(dx)),
            Some((0, dy)) => write!(d, "v{}", show(dy)),
            Some((dx, dy)) => write!(d, "l{} {}", show(dx), show(dy)),
        };
        at = Some(to);
    }
    if close {
        d.push('Z');
    }
    d
}

fn outline_path(label: &Label) -> String {
    let mut d = String::new();
    let show = |p: ab_glyph::Point| format!("{} {}", number(p.x), number(p.y));
    for contour in contours(label) {
        for (index, curve) in contour.iter().enumerate() {
            if index == 0 {
                let _ = write!(d, "M{}", show(ends(curve).0));
            }
            let _ = match *curve {
                OutlineCurve::Line(_, b) => write!(d, "L{}", show(b)),
                OutlineCurve::Quad(_, b, c) => write!(d, "Q{} {}", show(b), show(c)),
                OutlineCurve::Cubic(_, b, c, e) => write!(d, "C{} {} {}", show(b), show(c), show(e)),
            };
        }
        d.push('Z');
    }
    d
}

/// At most two decimals, none where there is nothing to say.
fn number(v: f32) -> String {
    let shown = format!("{v:.2}");
    match shown.trim_end_matches('0').trim_end_matches('.') {
        "-0" => "0".into(),
        shown => shown.into(),
    }
}

/// `text` with the characters escaped that mean something in SVG and HTML.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
