//! Housekeeping: which results are there, and which may go.
use super::{ResultsError, read};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// A results folder that is kept.
#[derive(Clone, Debug)]
pub struct Kept {
    /// The config's name.
    pub config: String,
    /// The folder.
    pub path: PathBuf,
    /// Size of all its files, in bytes.
    pub bytes: u64,
    /// The verdict of its baseline, or why it cannot be read.
    pub verdict: String,
}

/// All complete results under `root`, by config, then by time. None if there is no `root`.
///
/// # Errors
/// When a folder cannot be read.
pub fn list(root: &Path) -> Result<Vec<Kept>, ResultsError> {
    let mut kept = vec![];
    if !root.exists() {
        return Ok(kept);
    }
    for config in folders(root)? {
        for path in folders(&config)?.into_iter().filter(|p| p.join("manifest.json").is_file()) {
            let config = name(&config);
            kept.push(Kept { config, bytes: size(&path)?, verdict: verdict(&path), path });
        }
    }
    Ok(kept)
}

/// Removes all results under `root` except the newest `keep` of each config, and what killed runs left. Says what it removed.
///
/// # Errors
/// When a folder cannot be read or removed.
pub fn clean(root: &Path, keep: usize) -> Result<Vec<PathBuf>, ResultsError> {
    let mut removed = vec![];
    if !root.exists() {
        return Ok(removed);
    }
    for config in folders(root)? {
        let all = folders(&config)?;
        let (left, complete): (Vec<_>, Vec<_>) = all.into_iter().partition(|p| name(p).starts_with('.'));
        let ours = complete.into_iter().filter(|p| p.join("manifest.json").is_file()).collect::<Vec<_>>();
        let old = ours.len().saturating_sub(keep);
        // A hidden folder without a complete one beside it may be anything: only names that this program gives are removed.
        let left = left.into_iter().filter(|p| is_partial(&name(p)));
        for path in left.chain(ours.into_iter().take(old)) {
            fs::remove_dir_all(&path).map_err(ResultsError::write(&path))?;
            removed.push(path);
        }
        // Gone only if nothing is left in it.
        let _ = fs::remove_dir(&config);
    }
    let latest = root.join("latest");
    if latest.is_symlink() && !latest.exists() {
        fs::remove_file(&latest).map_err(ResultsError::write(&latest))?;
    }
    Ok(removed)
}

/// Whether `name` is that of an unfinished folder whose process is gone: `.2026-01-31T12-00-00.4711`.
fn is_partial(name: &str) -> bool {
    let parts: Option<(&str, &str)> = name.strip_prefix('.').and_then(|n| n.rsplit_once('.'));
    parts.is_some_and(|(time, process)| {
        time.len() == 19
            && time.as_bytes()[10] == b'T'
            && process.parse::<u32>().is_ok_and(|id| !Path::new(&format!("/proc/{id}")).exists())
    })
}

/// The folders in `path`, without symlinks, by name; those of a config are so by time.
fn folders(path: &Path) -> Result<Vec<PathBuf>, ResultsError> {
    let mut found = vec![];
    for entry in fs::read_dir(path).map_err(ResultsError::read(path))? {
        let entry = entry.map_err(ResultsError::read(path))?;
        if entry.file_type().is_ok_and(|t| t.is_dir()) {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

fn size(path: &Path) -> Result<u64, ResultsError> {
    let mut bytes = 0;
    for entry in fs::read_dir(path).map_err(ResultsError::read(path))? {
        let entry = entry.map_err(ResultsError::read(path))?;
        let found = entry.metadata().map_err(ResultsError::read(&entry.path()))?;
        bytes += if found.is_dir() { size(&entry.path())? } else { found.len() };
    }
    Ok(bytes)
}

fn verdict(path: &Path) -> String {
    match read(path) {
        Ok(runs) if runs.is_empty() && path.join("sweep.json").is_file() => "a sweep".into(),
        Ok(runs) => runs.first().map_or("no runs".into(), |run| run.summary.verdict.clone()),
        Err(ResultsError::Version { found, .. }) => format!("format {found}, of another version"),
        Err(_) => "damaged".into(),
    }
}

fn name(path: &Path) -> String {
    path.file_name().map_or(String::new(), |n| n.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_lab_left_is_removed() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let make = |path: &str, manifest: bool| {
            let path = dir.path().join(path);
            fs::create_dir_all(&path).expect("writable");
            if manifest {
                fs::write(path.join("manifest.json"), "{}").expect("writable");
            }
        };
        make("storm/2026-01-01T00-00-00", true);
        make("storm/2026-01-02T00-00-00", true);
        make("storm/.2026-01-03T00-00-00.4294967295", false);
        make("storm/mine", false);
        make("storm/.git", false);
        assert_eq!(list(dir.path()).expect("readable").len(), 2);
        let removed: Vec<String> = clean(dir.path(), 1).expect("removable").iter().map(|p| name(p)).collect();
        assert_eq!(removed, [".2026-01-03T00-00-00.4294967295", "2026-01-01T00-00-00"]);
        assert!(dir.path().join("storm/mine").exists() && dir.path().join("storm/.git").exists());
    }
}
