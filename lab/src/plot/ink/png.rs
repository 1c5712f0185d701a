//! PNG export through tiny-skia: text as outlines, so no machine's fonts matter.
use super::{
    Ink, Label, Op, Paint, Point, Theme,
    font::{contours, ends},
    palette::named,
    svg::is_closed,
};
use ab_glyph::OutlineCurve;
use tiny_skia::{FillRule, LineJoin, Path, PathBuilder, Pixmap, Stroke, Transform};

impl Ink {
    /// The figure as a PNG file on `theme`, `scale` device pixels to a pixel.
    pub fn png(&self, theme: Theme, scale: f32) -> Vec<u8> {
        let side = |pixels: u32| (pixels as f32 * scale).ceil().max(1.0) as u32;
        let mut map =
            Pixmap::new(side(self.width), side(self.height)).expect("a figure has a size that fits");
        for op in &self.ops {
            paint_op(&mut map, op, theme, Transform::from_scale(scale, scale));
        }
        map.encode_png().expect("writing to memory does not fail")
    }
}

fn paint_op(map: &mut Pixmap, op: &Op, theme: Theme, transform: Transform) {
    let fill = |map: &mut Pixmap, path: Option<Path>, paint: Paint, transform, smooth| {
        if let Some(path) = path {
            let paint = shade(paint, theme, smooth);
            map.fill_path(&path, &paint, FillRule::Winding, transform, None);
        }
    };
    match op {
        Op::Line { points, width, paint } => {
            let stroke = Stroke { width: *width, line_join: LineJoin::Round, ..Stroke::default() };
            if let Some(path) = polygon(points, is_closed(points)) {
                map.stroke_path(&path, &shade(*paint, theme, true), &stroke, transform, None);
            }
        }
        // Neighbouring bands must not leave a seam, so upright rectangles have hard edges.
        Op::Fill { points, paint } => {
            fill(map, polygon(points, true), *paint, transform, !is_upright(points))
        }
        Op::Dot { centre, radius, paint } => {
            fill(map, PathBuilder::from_circle(centre.0, centre.1, *radius), *paint, transform, true);
        }
        Op::Text(label) => {
            let turn = Transform::from_rotate_at(label.rotation as f32, label.at.0, label.at.1);
            fill(map, outline(label), label.paint, transform.pre_concat(turn), true);
        }
    }
}

fn is_upright(points: &[Point]) -> bool {
    matches!(points, [a, b, c, d] if a.1 == b.1 && b.0 == c.0 && c.1 == d.1 && d.0 == a.0)
}

fn shade(paint: Paint, theme: Theme, smooth: bool) -> tiny_skia::Paint<'static> {
    let (r, g, b) = named(paint.rgb).map_or(paint.rgb, |colour| colour.on(theme));
    let mut shade = tiny_skia::Paint { anti_alias: smooth, ..tiny_skia::Paint::default() };
    shade.set_color_rgba8(r, g, b, (paint.opacity * 255.0).round() as u8);
    shade
}

fn polygon(points: &[Point], close: bool) -> Option<Path> {
    let mut path = PathBuilder::new();
    for (index, &(x, y)) in points.iter().enumerate() {
        if index == 0 { path.move_to(x, y) } else { path.line_to(x, y) }
    }
    if close {
        path.close();
    }
    path.finish()
}

fn outline(label: &Label) -> Option<Path> {
    let mut path = PathBuilder::new();
    for contour in contours(label) {
        for (index, curve) in contour.iter().enumerate() {
            if index == 0 {
                let from = ends(curve).0;
                path.move_to(from.x, from.y);
            }
            match *curve {
                OutlineCurve::Line(_, b) => path.line_to(b.x, b.y),
                OutlineCurve::Quad(_, b, c) => path.quad_to(b.x, b.y, c.x, c.y),
                OutlineCurve::Cubic(_, b, c, d) => path.cubic_to(b.x, b.y, c.x, c.y, d.x, d.y),
            }
        }
        path.close();
    }
    path.finish()
}
