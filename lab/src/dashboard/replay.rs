//! A run that was kept, shown again.
use super::{protocol::Gauges, script::Script, source::Source};
use crate::{
    results::StoredWindows,
    trace::{Trace, Windows},
    verdict::Summary,
};
use lab_core::time::{Span, Time};

/// A run that was kept, and how much of it has been shown.
pub(super) struct Replay {
    windows: StoredWindows,
    summary: Summary,
    window: Span,
    now: Time,
}

impl Replay {
    /// A run with these windows, each `window` wide, and what was found of it.
    pub(super) fn new(windows: StoredWindows, window: Span, summary: Summary) -> Replay {
        Replay { windows, summary, window, now: Time::ZERO }
    }

    fn ends(&self) -> Time {
        Time(self.windows.count() as u64 * self.window.0)
    }
}

impl Source for Replay {
    fn now(&self) -> Time {
        self.now
    }

    fn advance(&mut self, until: Time) {
        self.now = until.min(self.ends());
    }

    fn windows(&mut self) -> Windows<'_> {
        self.windows.windows(0..(self.now.0 / self.window.0) as usize)
    }

    fn gauges(&self, _: usize) -> Option<Gauges> {
        None
    }

    fn so_far(&self) -> Option<Trace> {
        None
    }

    fn steer(&mut self, _: &Script) -> Result<(), String> {
        Err("what was cannot be changed".into())
    }

    fn rewind(&mut self, _: &Script, at: Time) -> Result<(), String> {
        self.now = at.min(self.ends());
        Ok(())
    }

    fn end(&self) -> Option<Time> {
        Some(self.ends())
    }

    fn found(&self) -> Option<&Summary> {
        (self.now >= self.ends()).then_some(&self.summary)
    }
}
