//! What a run shows, before it is drawn: its finding in one sentence, its phases, and its curves. Figures, reports and pages tell
//! it from here, so that they tell the same.
mod change;
pub mod finding;
pub mod phases;
pub mod series;
pub mod setting;
pub mod words;
