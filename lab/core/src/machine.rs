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
    type In: Clone + Debug + PartialEq;
    /// What it can ask for.
    type Out: Clone + Debug + PartialEq;

    /// Takes one input and hands its requests to `out`, in the order they are to be carried out.
    fn step(&mut self, now: Time, input: Self::In, out: &mut impl Outbox<Self::Out>);
}

/// Where a machine puts its requests: a list that is looked at after the step, or an engine that carries each of them out at
/// once. The compiler then sees which request it is and no list is written and read; in the simulation's inner loop that
/// saves a third of the time.
pub trait Outbox<T> {
    /// Asks for `request`.
    fn put(&mut self, request: T);
}

impl<T> Outbox<T> for Vec<T> {
    #[inline]
    fn put(&mut self, request: T) {
        self.push(request);
    }
}
