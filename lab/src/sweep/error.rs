//! What can go wrong with a sweep, said so that it can be put right.
use super::Key;
use std::{
    io,
    path::{Path, PathBuf},
};

/// Why a sweep cannot be run or merged.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// The folder of results cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// Which file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The folder of results cannot be read.
    #[error("cannot read {}: {source}{}", path.display(), missing(source))]
    Read {
        /// Which file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A line is no result, and is not the last one of its file, which a killed process may leave.
    #[error("{}:{line} is damaged: {reason}\n  help: remove the file; what it held is run again", path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// Why it is no result.
        reason: String,
    },
    /// The same cell gave two results.
    #[error(
        "nondeterminism: the cell {key} has two different results, in {} and in {}: {what}\n  help: the same cell must give the \
         same bytes on every machine; compare the two hosts' builds of the lab, and report it",
        first.display(),
        second.display()
    )]
    Nondeterminism {
        /// The cell.
        key: Key,
        /// Where one result is.
        first: PathBuf,
        /// Where another is.
        second: PathBuf,
        /// In what they differ.
        what: String,
    },
    /// A live cell could not be run.
    #[error("a live run could not be made: {0}")]
    Live(String),
    /// A histogram of latencies cannot be read.
    #[error("the latencies of a cell cannot be read: {0}")]
    Latency(String),
    /// The environment does not say which share is to be done.
    #[error("{0}")]
    Shard(String),
}

impl SweepError {
    /// Whether the same may succeed later: the disk is full, or a shared folder out of reach for a while.
    pub fn is_temporary(&self) -> bool {
        let permanent = |source: &io::Error| {
            matches!(
                source.kind(),
                io::ErrorKind::NotFound
                    | io::ErrorKind::PermissionDenied
                    | io::ErrorKind::NotADirectory
                    | io::ErrorKind::ReadOnlyFilesystem
                    | io::ErrorKind::AlreadyExists
            )
        };
        match self {
            SweepError::Write { source, .. } | SweepError::Read { source, .. } => !permanent(source),
            _ => false,
        }
    }

    pub(super) fn write(path: &Path) -> impl FnOnce(io::Error) -> SweepError + '_ {
        |source| SweepError::Write { path: path.into(), source }
    }

    pub(super) fn read(path: &Path) -> impl FnOnce(io::Error) -> SweepError + '_ {
        |source| SweepError::Read { path: path.into(), source }
    }
}

fn missing(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::NotFound => "\n  help: `lab sweep run` makes it; name it with `-o`",
        _ => "",
    }
}
