//! What a run shows. A verdict is a claim about persistence, not about how bad it is now.
mod agreement;
mod backlog;
mod case;
mod expectations;
mod health;
mod judge;
mod load;
mod phase;
mod shares;
mod summary;
mod words;

pub(crate) use case::IN_A_ROW;
pub(crate) use health::window;

pub use agreement::{Row, Value, agreement};
pub use expectations::{Checked, check, expectations, measure, over_seeds};
pub use judge::{judge, judge_sim};
pub use shares::{Shares, shares, wilson};
pub use summary::{Rates, Summary};

use crate::{scenario::Scenario, trace::Trace};
use lab_core::time::{Span, Time};

/// What became of the service.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Verdict {
    /// Healthy throughout.
    Unaffected,
    /// Unhealthy for a time, then healthy in three consecutive windows (or all that are left) and at the end.
    Recovered {
        /// From the end of the last trigger to the start of the first of those windows.
        after: Span,
    },
    /// Failed at the end, but the backlog falls: it will recover. Inconclusive.
    Draining {
        /// How long the backlog still needs at this pace.
        left: Span,
    },
    /// Failed, with every trigger gone, no lever touched and no drain that explains it.
    Metastable {
        /// In simulation: the same seed without the trigger fell as well.
        spontaneous: bool,
    },
    /// Fell with no trigger although load was below capacity and the service healthy at first.
    Escaped {
        /// When the healthy state ended.
        at: Time,
    },
    /// Between healthy and failed at the end.
    Degraded,
    /// Swings between healthy and failed.
    Oscillating,
    /// Unhealthy before any trigger. Inconclusive.
    Overloaded,
    /// Too little was measured to say. Inconclusive.
    Undecided,
}

impl Verdict {
    /// The word for it, as configs and results use it.
    pub fn word(&self) -> &'static str {
        match self {
            Verdict::Unaffected => "unaffected",
            Verdict::Recovered { .. } => "recovered",
            Verdict::Draining { .. } => "draining",
            Verdict::Metastable { .. } => "metastable",
            Verdict::Escaped { .. } => "escaped",
            Verdict::Degraded => "degraded",
            Verdict::Oscillating => "oscillating",
            Verdict::Overloaded => "overloaded",
            Verdict::Undecided => "undecided",
        }
    }

    /// Whether the run was too short, or began too badly, to say anything (exit code 2).
    pub fn is_inconclusive(&self) -> bool {
        matches!(self, Verdict::Draining { .. } | Verdict::Overloaded | Verdict::Undecided)
    }
}

/// The state of one verdict window, by the share of good calls that were meant to start in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// At least the share that the config calls healthy.
    Healthy,
    /// In between.
    Degraded,
    /// Fewer than half of the calls are good.
    Failed,
    /// The calls that are not over yet could change the state.
    Undecided,
}

/// One verdict window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HealthWindow {
    /// When it begins.
    pub from: Time,
    /// When it ends.
    pub until: Time,
    /// Share of good calls among those decided; NaN where no call was decided.
    pub good: f64,
    /// Its state.
    pub state: State,
}

/// Rates and latency of one phase of a run, all client groups together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Phase {
    /// When it begins.
    pub from: Time,
    /// When it ends.
    pub until: Time,
    /// Calls per second meant to start in it.
    pub offered_per_s: f64,
    /// Good calls per second, by when they ended.
    pub goodput_per_s: f64,
    /// Attempts per call.
    pub amplification: f64,
    /// Median latency of the calls meant to start in it, in milliseconds; NaN where none.
    pub p50_ms: f64,
    /// 99th percentile, likewise.
    pub p99_ms: f64,
}

/// A run, judged.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// What became of the service, before any lever.
    pub verdict: Verdict,
    /// Why, in one sentence for people, with the figures it rests on.
    pub reason: String,
    /// What the service was like after an operator acted: `recovered`, `failed`, `degraded` or `undecided`; empty where nobody did.
    pub after_lever: &'static str,
    /// The verdict windows, in order.
    pub windows: Vec<HealthWindow>,
    /// From the end of the warm-up to the first trigger.
    pub before: Phase,
    /// While triggers last.
    pub during: Phase,
    /// The last 20 s before a lever or the end, or what there is of them after the triggers. Its latencies are those of the
    /// calls that ended in it.
    pub after: Phase,
}

/// One run with all that is told of it.
#[derive(Clone, Copy, Debug)]
pub struct RunView<'a> {
    /// `baseline`, or the variant's name.
    pub variant: &'a str,
    /// `simulated` or `live`.
    pub engine: &'a str,
    /// What was run.
    pub scenario: &'a Scenario,
    /// What was measured.
    pub trace: &'a Trace,
    /// What it shows.
    pub judgement: &'a Judgement,
}

/// A service that is down shows it over this long before anyone says so.
pub(crate) const TAIL: Span = Span::from_secs(20);
