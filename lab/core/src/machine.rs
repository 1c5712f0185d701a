//! The one contract between the core and the engines.
use crate::time::Time;
use std::fmt::Debug;

/// Something that decides: told the time and one input, it says what it wants done.
///
/// `step` must not read a clock, wait, or depend on anything but `self`, `now` and `input`;
/// that is what makes a recorded run replayable. Timers are outputs that come back as inputs. They are
/// never cancelled: a stale one is recognised by its generation and ignored.
pub trait Machine {
    /// What can happen to it.
    type In: Copy + Debug + PartialEq;
    /// What it can ask for.
    type Out: Copy + Debug + PartialEq;

    /// Takes one input and leaves its requests in `out`, in the order they are to be carried out.
    fn step(&mut self, now: Time, input: Self::In, out: &mut Outbox<Self::Out>);
}

/// The requests of one step. The engine drains it before the next step.
#[derive(Debug)]
pub struct Outbox<T>(Vec<T>);

impl<T> Outbox<T> {
    /// An empty outbox.
    pub fn new() -> Self {
        Outbox(Vec::with_capacity(8))
    }
    /// Asks for `request`.
    #[inline]
    pub fn put(&mut self, request: T) {
        self.0.push(request);
    }
    /// What has been asked for so far, in order.
    #[inline]
    pub fn requests(&self) -> &[T] {
        &self.0
    }
    /// Forgets what was asked for, once the engine has carried it out; the memory is kept.
    #[inline]
    pub fn clear(&mut self) {
        self.0.clear();
    }
    /// Hands the requests over and leaves the outbox empty, its memory kept.
    pub fn drain(&mut self) -> std::vec::Drain<'_, T> {
        self.0.drain(..)
    }
}

impl<T> Default for Outbox<T> {
    fn default() -> Self {
        Self::new()
    }
}
