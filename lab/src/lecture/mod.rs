//! Lectures that compute their own figures.
//!
//! A module is a folder: a text (`module.md`), its configs, the numbers that the text rests on (`answers.yaml`), and the speaker's
//! slides and notes (`notes.md`). A text never says what a run showed; it names an answer, and what was measured over the seeds is
//! filled in: on a page, on a slide, or in a terminal.
//!
//! - [`shelf`]: which modules there are.
//! - [`Lecture`]: one of them, read and checked.
//! - [`measure()`]: its numbers, from runs of its configs.
//! - [`loose`]: numbers of a text that nothing pins.
//! - [`build()`]: pages and slides, self-contained.
//! - [`terminal`]: the same text for a terminal.
mod build;
mod count;
mod deck;
mod draw;
mod fill;
mod html;
mod loose;
mod measure;
mod measured;
mod notes;
mod page;
mod read;
pub mod shelf;
mod shown;
pub mod terminal;
mod text;

pub use build::{BuildError, Built, build};
pub use draw::draw;
pub use fill::{As, fill};
pub use loose::{Loose, commands, commands_in, loose};
pub use measure::{jobs, measure};
pub use measured::{Found, Measured, Numbers};
pub use notes::{Notes, Slide};
pub use read::Lecture;
pub use shelf::{Shelf, Volume};
pub use text::{Choice, Module, Section};
