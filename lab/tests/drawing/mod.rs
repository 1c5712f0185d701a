//! What every figure must keep to, and what tests ask of one.
use lab::plot::{
    Figure,
    ink::{Colour, Op, Rect},
};

/// No label leaves the canvas or covers another.
pub(crate) fn labels_are_apart(figure: &Figure) {
    let canvas = Rect { x0: 0.0, y0: 0.0, x1: figure.ink.width as f32, y1: figure.ink.height as f32 };
    let labels: Vec<_> = figure.ink.labels().map(|label| (label.text.as_str(), label.bounds())).collect();
    for (index, (text, bounds)) in labels.iter().enumerate() {
        assert!(canvas.contains(bounds), "{}: {text:?} leaves the canvas: {bounds:?}", figure.name);
        for (other, theirs) in &labels[index + 1..] {
            assert!(!bounds.overlaps(theirs), "{}: {text:?} covers {other:?}", figure.name);
        }
    }
}

/// Everything drawn is made of numbers inside the canvas.
pub(crate) fn paths_are_inside(figure: &Figure) {
    let (width, height) = (figure.ink.width as f32, figure.ink.height as f32);
    for op in &figure.ink.ops {
        let points: &[(f32, f32)] = match op {
            Op::Line { points, .. } | Op::Fill { points, .. } => points,
            Op::Dot { centre, .. } => std::slice::from_ref(centre),
            Op::Text(label) => std::slice::from_ref(&label.at),
        };
        for (x, y) in points {
            let inside = (0.0..=width).contains(x) && (0.0..=height).contains(y);
            assert!(inside, "{}: a point at {x}, {y}", figure.name);
        }
    }
    assert!(!figure.inline_svg().contains("NaN"), "{}", figure.name);
}

/// Every text of the figure.
pub(crate) fn words(figure: &Figure) -> Vec<String> {
    figure.ink.labels().map(|label| label.text.clone()).collect()
}

/// The corners of all lines of this colour and width.
pub(crate) fn lines(figure: &Figure, colour: Colour, stroke: f32) -> Vec<Vec<(f32, f32)>> {
    let is_it = |op: &Op| match op {
        Op::Line { points, width, paint } if paint.rgb == colour.light && *width == stroke => {
            Some(points.clone())
        }
        _ => None,
    };
    figure.ink.ops.iter().filter_map(is_it).collect()
}
