//! Time as both engines see it: whole nanoseconds, so that sums are exact and runs repeat to the byte.
use serde::{Deserialize, Serialize};
use std::{
    fmt,
    ops::{Add, AddAssign, Mul, Sub},
};

/// Nanoseconds since the run began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Time(pub u64);

/// A length of time, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Span(pub u64);

impl Time {
    /// The run's first instant.
    pub const ZERO: Time = Time(0);
    /// Later than anything that happens.
    pub const NEVER: Time = Time(u64::MAX);

    /// The instant `seconds` into the run; negative and NaN become zero.
    pub fn from_secs_f64(seconds: f64) -> Time {
        Time(Span::from_secs_f64(seconds).0)
    }
    /// Seconds since the run began.
    pub fn as_secs_f64(self) -> f64 {
        Span(self.0).as_secs_f64()
    }
    /// How long after `earlier` this is; zero if it is not later.
    pub fn since(self, earlier: Time) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }
}

impl Span {
    /// No time at all.
    pub const ZERO: Span = Span(0);
    /// Longer than any run: what `none` means for a timeout or a deadline.
    pub const FOREVER: Span = Span(u64::MAX);

    /// `seconds` as a span, rounded to the nanosecond; negative and NaN become zero.
    pub fn from_secs_f64(seconds: f64) -> Span {
        // `as` saturates, which is what a length of time wants.
        Span((seconds * 1e9 + 0.5) as u64)
    }
    /// `ms` milliseconds.
    pub const fn from_millis(ms: u64) -> Span {
        Span(ms * 1_000_000)
    }
    /// `s` seconds.
    pub const fn from_secs(s: u64) -> Span {
        Span(s * 1_000_000_000)
    }
    /// In seconds.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }
    /// In milliseconds.
    pub fn as_millis_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }
    /// Whether this is the span that never ends.
    pub fn is_forever(self) -> bool {
        self == Span::FOREVER
    }
}

impl Add<Span> for Time {
    type Output = Time;
    fn add(self, span: Span) -> Time {
        Time(self.0.saturating_add(span.0))
    }
}

impl Add for Span {
    type Output = Span;
    fn add(self, other: Span) -> Span {
        Span(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Span {
    fn add_assign(&mut self, other: Span) {
        *self = *self + other;
    }
}

impl Sub for Span {
    type Output = Span;
    fn sub(self, other: Span) -> Span {
        Span(self.0.saturating_sub(other.0))
    }
}

impl Mul<f64> for Span {
    type Output = Span;
    #[inline]
    fn mul(self, factor: f64) -> Span {
        // By way of signed numbers, which processors convert in one step; 292 years are more than any finite span.
        match i64::try_from(self.0) {
            Ok(ns) => Span((ns as f64 * factor + 0.5).max(0.0) as i64 as u64),
            Err(_) => self,
        }
    }
}

/// As a person writes it: `250 ms`, `1.5 s`, `none` for [`Span::FOREVER`].
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_forever() {
            return f.write_str("none");
        }
        let (scale, unit) = match self.0 {
            0 => (1e9, "s"),
            ns if ns >= 1_000_000_000 => (1e9, "s"),
            ns if ns >= 1_000_000 => (1e6, "ms"),
            ns if ns >= 1_000 => (1e3, "us"),
            _ => (1.0, "ns"),
        };
        write!(f, "{} {unit}", self.0 as f64 / scale)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_print_in_the_unit_a_person_would_choose() {
        let shown = |ns| Span(ns).to_string();
        assert_eq!(shown(250_000_000), "250 ms");
        assert_eq!(shown(1_500_000_000), "1.5 s");
        assert_eq!(shown(100_000), "100 us");
        assert_eq!(shown(0), "0 s");
        assert_eq!(Span::FOREVER.to_string(), "none");
    }

    #[test]
    fn arithmetic_saturates_instead_of_wrapping() {
        assert_eq!(Time(5) + Span::FOREVER, Time::NEVER);
        assert_eq!(Span(3) - Span(5), Span::ZERO);
        assert_eq!(Span::FOREVER * 0.5, Span::FOREVER);
        assert_eq!(Span::from_secs_f64(-1.0), Span::ZERO);
    }
}
