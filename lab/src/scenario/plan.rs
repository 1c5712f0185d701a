//! What one config asks for: the experiment, its variants, and what is expected of them.
use super::Scenario;
use lab_core::time::{Span, Time};
use std::path::PathBuf;

pub use crate::config::Metric;

/// A config, understood: everything that a run needs to know.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The config file.
    pub file: PathBuf,
    /// Its name without folder and ending.
    pub name: String,
    /// The experiment itself.
    pub baseline: Scenario,
    /// One change each, in the order of the config.
    pub variants: Vec<Variant>,
    /// What is expected, in the order of the config.
    pub expect: Vec<Expect>,
    /// Trigger and sustaining effect, as words; empty if the config does not say.
    pub cell: (String, String),
    /// The resolved experiment as YAML: runs again as it is.
    pub resolved: String,
    /// What looks wrong but runs, each rendered with its excerpt.
    pub warnings: Vec<String>,
    /// What is accepted but plays no part here, one sentence each.
    pub notes: Vec<String>,
}

/// The experiment with one thing changed.
#[derive(Clone, Debug)]
pub struct Variant {
    /// Its name in the config.
    pub name: String,
    /// What is changed: dotted path, and the new value as one line of YAML.
    pub change: Vec<(String, String)>,
    /// The experiment with the change.
    pub scenario: Scenario,
}

/// One line of `expect`.
#[derive(Clone, Debug, PartialEq)]
pub struct Expect {
    /// Which variant it speaks of; empty for the experiment itself.
    pub variant: String,
    /// What it says.
    pub claim: Claim,
    /// As written, on one line.
    pub text: String,
    /// Where it stands in the config, from 1.
    pub line: usize,
}

/// What an expectation claims.
#[derive(Clone, Debug, PartialEq)]
pub enum Claim {
    /// The verdict.
    Verdict {
        /// Its word, such as `metastable`.
        word: String,
        /// Limits of the recovery time; only with `recovered`.
        recovery_time: Bound,
    },
    /// What the service was like after a lever: `recovered`, `failed` or `degraded`.
    AfterLever {
        /// Its word.
        word: String,
    },
    /// A metric stays within limits, both included, when taken over all of a stretch of time.
    Metric {
        /// Which.
        metric: Metric,
        /// When.
        over: Over,
        /// Smallest and largest value, in the metric's unit.
        between: (f64, f64),
    },
}

/// Limits of a length of time, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    /// Zero if there is no such limit.
    pub at_least: Span,
    /// [`Span::FOREVER`] if there is no such limit.
    pub at_most: Span,
}

/// A stretch of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// The last so much of it.
    Last(Span),
    /// Between two instants.
    Between(Time, Time),
}

impl Over {
    /// The instants between which the stretch lies in a run that ends at `end`.
    pub fn of(self, end: Time) -> (Time, Time) {
        match self {
            Over::Last(span) => (Time(end.0.saturating_sub(span.0)), end),
            Over::Between(from, until) => (from.min(end), until.min(end)),
        }
    }
}
