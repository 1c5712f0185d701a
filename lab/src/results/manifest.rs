//! `manifest.json`: what ran, when, where, and what came of it. Host, times and folder names are here and nowhere else.
use super::ResultsError;
use crate::verdict::{Checked, Row, Summary};
use serde::{Deserialize, Serialize};
use std::{
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

/// The format of results folders. It changes when what this version reads from them changes its meaning.
pub const FORMAT: u64 = 1;

/// The manifest as it is written.
#[derive(Clone, Debug, Serialize)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: u64,
    /// The lab's version.
    pub lab: &'static str,
    /// The verb of a study, whose findings are in a file of that name; empty for a run.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub study: &'static str,
    /// The config's name.
    pub config: String,
    /// The experiment's title.
    pub title: String,
    /// When the run began: UTC, RFC 3339.
    pub began: String,
    /// How long it took, in seconds.
    pub took_s: f64,
    /// The command line.
    pub command: Vec<String>,
    /// The host's name, and how many CPUs it offers.
    pub host: (String, usize),
    /// Whether someone stopped it before the end.
    pub interrupted: bool,
    /// The runs.
    pub runs: Vec<RunRecord>,
    /// Sim against live, by variant.
    pub agreement: Vec<(String, Vec<Row>)>,
    /// What was expected.
    pub expectations: Vec<Checked>,
}

/// One run in the manifest.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunRecord {
    /// `baseline`, or the variant's name.
    pub variant: String,
    /// `simulated` or `live`.
    pub engine: String,
    /// Its seed.
    pub seed: u64,
    /// Its folder inside the results folder.
    pub folder: String,
    /// Why a live run is unfit; empty for a fit or simulated one.
    #[serde(default)]
    pub unfit: Vec<String>,
    /// What was found.
    pub summary: Summary,
}

/// What is read back from a manifest.
#[derive(Deserialize)]
struct Found {
    #[serde(default)]
    study: String,
    runs: Vec<RunRecord>,
}

/// The part of a manifest that every version writes.
#[derive(Deserialize)]
struct Head {
    format: u64,
    lab: String,
}

/// The runs of the results folder `folder`.
///
/// # Errors
/// When there is no manifest, it is damaged, or of another version's format.
pub fn read(folder: &Path) -> Result<Vec<RunRecord>, ResultsError> {
    Ok(found(folder)?.runs)
}

/// What the results folder `folder` shows in a word: the verdict of its baseline, or which study it is of.
///
/// # Errors
/// As [`read`].
pub(super) fn word(folder: &Path) -> Result<String, ResultsError> {
    let Found { study, runs } = found(folder)?;
    let none = if study.is_empty() { "no runs".into() } else { study };
    Ok(runs.into_iter().next().map_or(none, |run| run.summary.verdict))
}

fn found(folder: &Path) -> Result<Found, ResultsError> {
    let path = folder.join("manifest.json");
    let text = fs::read_to_string(&path).map_err(ResultsError::read(&path))?;
    let damaged = |path: &PathBuf, e: &serde_json::Error| ResultsError::Manifest {
        path: path.clone(),
        reason: e.to_string(),
    };
    let head: Head = serde_json::from_str(&text).map_err(|e| damaged(&path, &e))?;
    if head.format != FORMAT {
        return Err(ResultsError::Version { path, found: head.format, lab: head.lab });
    }
    serde_json::from_str(&text).map_err(|e| damaged(&path, &e))
}

/// The date and time, UTC, as RFC 3339 to the second, and as the name of a folder.
#[expect(clippy::disallowed_methods, reason = "dates belong into the manifest and the folder's name")]
pub fn now() -> (String, String) {
    let text = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    let name = text.trim_end_matches('Z').replace(':', "-");
    (text, name)
}
