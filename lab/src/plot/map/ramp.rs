//! The colours of a map: from light, where no run is metastable, to dark, where every one is. The same on paper and on a dark
//! screen, as are the marks on them.
use crate::plot::ink::{Colour, Rgb};

const STOPS: [(f64, Rgb); 5] = [
    (0.0, (0xff, 0xf6, 0xd8)),
    (0.25, (0xa6, 0xd9, 0xb6)),
    (0.5, (0x41, 0xa3, 0xb5)),
    (0.75, (0x34, 0x5c, 0xa1)),
    (1.0, (0x48, 0x1a, 0x41)),
];

/// Marks on light colours.
pub(super) const DARK: Colour = fixed((0x17, 0x1b, 0x22));
/// Marks on dark colours.
pub(super) const LIGHT: Colour = fixed((0xff, 0xff, 0xfe));
/// What theory says.
pub(super) const YELLOW: Colour = fixed((0xfd, 0xd8, 0x35));
/// Points of which most runs say nothing.
pub(super) const NOTHING: Colour = fixed((0xd9, 0xdb, 0xdf));

/// A colour that does not follow the theme: none of the palette has its value.
const fn fixed(rgb: Rgb) -> Colour {
    Colour { name: "fixed", light: rgb, dark: rgb }
}

/// The colour of a probability.
pub(super) fn colour(p: f64) -> Colour {
    let p = p.clamp(0.0, 1.0);
    let upper = STOPS.iter().position(|stop| stop.0 >= p).unwrap_or(STOPS.len() - 1).max(1);
    let ((from, a), (to, b)) = (STOPS[upper - 1], STOPS[upper]);
    let share = (p - from) / (to - from);
    let mix = |a: u8, b: u8| (f64::from(a) + (f64::from(b) - f64::from(a)) * share).round() as u8;
    fixed((mix(a.0, b.0), mix(a.1, b.1), mix(a.2, b.2)))
}
