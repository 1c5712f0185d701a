//! How phases look: colour and band, by what they are to the service.
use super::{
    ink::{Colour, colour},
    phases::{Kind, Mood},
};

impl Kind {
    pub(super) fn colour(self) -> Colour {
        match self.mood() {
            Mood::Good => colour::GREEN,
            Mood::Between => colour::PURPLE,
            Mood::Bad => colour::RED,
            Mood::Trigger => colour::ORANGE,
            Mood::Lever => colour::BLUE,
            Mood::Unknown => colour::MUTED,
        }
    }

    /// Opacity of its band through the panels.
    pub(super) fn tint(self) -> f64 {
        match self.mood() {
            Mood::Trigger => 0.20,
            Mood::Lever => 0.13,
            Mood::Bad => 0.075,
            Mood::Good | Mood::Between | Mood::Unknown => 0.0,
        }
    }
}
