//! Figures that state what a run showed. Titles, phases and labels are derived from the scenario, the trace and the
//! judgement; nothing here knows any particular experiment.
//!
//! - [`ink`]: the display list behind a figure, and its export as SVG and PNG.
//! - [`timeline`], [`comparison`], [`percentiles`], [`overlay`]: the figures that every experiment gets.
//! - [`wanted`]: those that a config asks for.
//! - [`drift()`], [`bifurcation()`]: pictures of theory, with simulations laid over them.
//! - [`agreement()`], [`threshold()`], [`loops`], [`lifetimes`], [`committor()`], [`cure()`], [`signals()`], [`warning()`]: those of studies.
//! - [`phase_maps`]: those of a sweep.
mod agreement;
mod bifurcation;
mod busy;
mod canvas;
mod clip;
mod committor;
mod comparison;
mod cure;
mod drift;
mod group;
mod header;
mod hits;
mod hysteresis;
pub mod ink;
mod loops;
mod map;
mod over_time;
mod overlay;
mod panel;
mod percentiles;
mod phase_colours;
mod place;
mod quantity;
mod remarks;
mod rows;
mod scale;
mod signals;
mod strip;
mod survival;
mod threshold;
mod timeline;
mod variants;
mod warning;

pub use agreement::agreement;
pub use bifurcation::bifurcation;
pub use committor::committor;
pub use comparison::comparison;
pub use cure::cure;
pub use drift::drift;
pub use loops::loops;
pub use map::phase_maps;
pub use overlay::overlay;
pub use percentiles::percentiles;
pub use signals::signals;
pub use survival::lifetimes;
pub use threshold::threshold;
pub use timeline::timeline;
pub use warning::warning;

pub use crate::story::{
    finding::{finding, findings},
    setting::setting,
};

use crate::{
    scenario::Wanted,
    story::{finding, phases, series, setting, words},
    verdict::RunView,
};
use ink::{Ink, TextAs, Theme};

/// A figure that a config asks for, from `runs` of one engine and of all seeds. `None` where what it shows did not run.
pub fn wanted(wanted: &Wanted, runs: &[RunView]) -> Option<Figure> {
    match wanted {
        Wanted::OverVariants { metric, over, x, points } => {
            variants::over_variants(*metric, *over, x, points, runs)
        }
        Wanted::Loop { metric, variant } => {
            let variant = if variant.is_empty() { "baseline" } else { variant };
            hysteresis::load_loop(*metric, runs.iter().find(|run| run.variant == variant)?)
        }
    }
}

/// A figure, ready to be written.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// The stem of its file name.
    pub name: String,
    /// What is drawn.
    pub ink: Ink,
    /// What it shows, in one sentence: the alternative text.
    pub caption: String,
}

impl Figure {
    /// The figure as a file of its own: text as text with the fonts embedded, light or dark as the viewer wants.
    pub fn svg(&self) -> String {
        self.ink.svg(&self.caption, TextAs::Embedded)
    }

    /// The figure for a page that brings fonts and colours itself, as [`crate::report`] does.
    pub fn inline_svg(&self) -> String {
        self.ink.svg(&self.caption, TextAs::Inline)
    }

    /// The figure as SVG outlines, for programs that know no fonts.
    pub fn outlined_svg(&self) -> String {
        self.ink.svg(&self.caption, TextAs::Outlines)
    }

    /// The figure as a PNG file, two device pixels to a pixel.
    pub fn png(&self, theme: Theme) -> Vec<u8> {
        self.ink.png(theme, 2.0)
    }
}

/// A file stem from the parts of a name: what is not a letter, a digit, `-`, `_` or `.` becomes `-`.
fn stem(parts: &[&str]) -> String {
    let keep = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    parts.join("-").chars().map(keep).collect()
}
