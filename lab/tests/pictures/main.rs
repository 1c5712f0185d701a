//! Figures and reports: what is drawn says what was measured.
#[path = "../drawing/mod.rs"]
mod drawing;
mod figures;
mod map;
mod report;
mod stores;
mod theory;
