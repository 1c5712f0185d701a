//! Exit codes, and the errors that lead to some of them.
use crate::{config::ConfigErrors, results::ResultsError, sweep::SweepError};
use std::process::ExitCode;

/// How the program ends. Where several apply, the greatest counts (they are in the order of their rank).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Exit {
    /// All done, all expectations held.
    Done,
    /// An expectation failed, or two results disagree.
    Failed,
    /// A verdict is inconclusive, or a live run unfit.
    Inconclusive,
    /// Cells of a sweep are missing.
    Incomplete,
    /// Try again when there is room (`EX_TEMPFAIL` of sysexits).
    TryAgain,
    /// Someone stopped it; what was done is kept.
    Interrupted,
    /// Bad config or usage (`EX_USAGE` of sysexits); never worth a retry.
    Usage,
}

impl Exit {
    pub(super) fn number(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Inconclusive => 2,
            Exit::Incomplete => 3,
            Exit::Interrupted => 130,
            Exit::TryAgain => 75,
            Exit::Usage => 64,
        }
    }

    pub(super) fn code(self) -> ExitCode {
        ExitCode::from(self.number())
    }
}

/// Why a verb could not do its work.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// What the user wrote cannot be done.
    #[error("error: {0}")]
    Usage(String),
    /// Configs are wrong; the text is complete.
    #[error("{0}")]
    Config(String),
    /// Results cannot be written or read.
    #[error("error: {0}")]
    Results(#[from] ResultsError),
    /// A sweep cannot be run or merged.
    #[error("error: {0}")]
    Sweep(SweepError),
    /// The host cannot do a live run.
    #[error("error: {0}")]
    #[cfg_attr(not(feature = "live"), expect(dead_code, reason = "only live runs ask something of the host"))]
    Host(String),
    /// Interrupted before anything was done.
    #[error("interrupted before a run was complete: nothing is kept")]
    Interrupted,
}

impl Failure {
    pub(super) fn exit(&self) -> Exit {
        match self {
            Failure::Usage(_) | Failure::Config(_) => Exit::Usage,
            Failure::Results(error) if error.is_full() => Exit::TryAgain,
            Failure::Results(_) => Exit::Usage,
            Failure::Sweep(SweepError::Nondeterminism { .. }) => Exit::Failed,
            Failure::Sweep(error) if error.is_temporary() => Exit::TryAgain,
            Failure::Sweep(_) => Exit::Usage,
            Failure::Host(_) => Exit::Inconclusive,
            Failure::Interrupted => Exit::Interrupted,
        }
    }
}

impl From<ConfigErrors> for Failure {
    fn from(errors: ConfigErrors) -> Failure {
        Failure::Config(errors.to_string())
    }
}

/// How a verb ends.
pub(super) type Outcome = Result<Exit, Failure>;
