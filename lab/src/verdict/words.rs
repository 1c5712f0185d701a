//! Numbers and times in the sentences that give a verdict's reason.
use crate::theory::grouped;
use lab_core::time::{Span, Time};

/// A number without decimals.
pub(super) fn whole(number: f64) -> String {
    grouped(&format!("{number:.0}"))
}

/// A number with one decimal.
pub(super) fn tenths(number: f64) -> String {
    grouped(&format!("{number:.1}"))
}

/// The same with its sign, whichever it is.
pub(super) fn signed(number: f64) -> String {
    grouped(&format!("{number:+.1}"))
}

/// A share.
pub(super) fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// An instant, from the beginning of the run.
pub(super) fn at(time: Time) -> String {
    seconds(Span(time.0))
}

/// A length of time.
pub(super) fn seconds(span: Span) -> String {
    format!("{} s", whole(span.as_secs_f64()))
}
