//! What can go wrong with results, said so that it can be put right.
use std::{
    io,
    path::{Path, PathBuf},
};

/// Why results cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum ResultsError {
    /// A file or folder cannot be written.
    #[error("cannot write {}: {source}{}", path.display(), advice(source))]
    Write {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file or folder cannot be read.
    #[error("cannot read {}: {source}{}", path.display(), missing(source))]
    Read {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The manifest is not one.
    #[error("{} is not a manifest that this version understands: {reason}", path.display())]
    Manifest {
        /// Which.
        path: PathBuf,
        /// Where and why.
        reason: String,
    },
    /// The folder was written by another version of the lab.
    #[error(
        "{} has results format {found}, this version reads format {}: run its scenario.yaml again, or use the version of \
         the lab that wrote it ({lab})",
        path.display(),
        super::FORMAT
    )]
    Version {
        /// Which manifest.
        path: PathBuf,
        /// Its format.
        found: u64,
        /// The lab's version that wrote it.
        lab: String,
    },
    /// A file of windows is not of the run that it should be of.
    #[error("{}:{line}: {reason}", path.display())]
    Windows {
        /// Which.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// What stands where the symlink to the newest results belongs is none.
    #[error(
        "{} is not a symlink, so it is left alone; the results are complete in {}",
        path.display(),
        folder.display()
    )]
    Latest {
        /// The path of the symlink.
        path: PathBuf,
        /// The results.
        folder: PathBuf,
    },
}

impl ResultsError {
    /// Whether the disk is full, so that the same may succeed later.
    pub fn is_full(&self) -> bool {
        matches!(self, ResultsError::Write { source, .. } if full(source))
    }

    pub(super) fn write(path: &Path) -> impl FnOnce(io::Error) -> ResultsError + '_ {
        |source| ResultsError::Write { path: path.into(), source }
    }

    pub(super) fn read(path: &Path) -> impl FnOnce(io::Error) -> ResultsError + '_ {
        |source| ResultsError::Read { path: path.into(), source }
    }
}

fn full(source: &io::Error) -> bool {
    matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

fn advice(source: &io::Error) -> &'static str {
    match source.kind() {
        _ if full(source) => {
            "\n  help: free some space (`lab results clean`), or write elsewhere with --results DIR"
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "\n  help: write elsewhere with --results DIR"
        }
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
            "\n  help: a file stands where a folder belongs; write elsewhere with --results DIR"
        }
        _ => "",
    }
}

fn missing(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::NotFound => "\n  help: `lab results list` shows the results that are there",
        _ => "",
    }
}
