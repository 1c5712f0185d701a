//! A results folder in the making.
use super::ResultsError;
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// A folder that is being written. Dropped unfinished, it is removed.
#[derive(Debug)]
pub struct Folder {
    root: PathBuf,
    config: String,
    time: String,
    partial: PathBuf,
    finished: bool,
}

impl Folder {
    /// Begins the results of `config` at `time` (a folder name) under `root`, such as `results`.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn create(root: &Path, config: &str, time: &str) -> Result<Folder, ResultsError> {
        let parent = root.join(config);
        fs::create_dir_all(&parent).map_err(ResultsError::write(&parent))?;
        // Two runs of one config may begin in the same second.
        let partial = parent.join(format!(".{time}.{}", std::process::id()));
        let folder =
            Folder { root: root.into(), config: config.into(), time: time.into(), partial, finished: false };
        fs::create_dir(&folder.partial).map_err(ResultsError::write(&folder.partial))?;
        Ok(folder)
    }

    /// Writes `contents` to `name`, a path inside the folder.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, name: &str, contents: impl AsRef<[u8]>) -> Result<(), ResultsError> {
        let path = self.partial.join(name);
        let parent = path.parent().unwrap_or(&self.partial);
        fs::create_dir_all(parent).map_err(ResultsError::write(parent))?;
        fs::write(&path, contents).map_err(ResultsError::write(&path))
    }

    /// Gives the folder its name and points `latest` to it. Says where it is.
    ///
    /// # Errors
    /// When the system refuses, or what stands in the place of `latest` is no symlink.
    pub fn finish(mut self) -> Result<PathBuf, ResultsError> {
        let (name, path) = self.settle()?;
        self.finished = true;
        point(&self.root, &Path::new(&self.config).join(name), &path)?;
        Ok(path)
    }

    /// Renames the folder to the first name that is free.
    fn settle(&self) -> Result<(String, PathBuf), ResultsError> {
        let parent = self.root.join(&self.config);
        for number in 1.. {
            let name = if number == 1 { self.time.clone() } else { format!("{}-{number}", self.time) };
            let path = parent.join(&name);
            match fs::rename(&self.partial, &path) {
                Ok(()) => return Ok((name, path)),
                Err(e) if taken(&e) && path.exists() => {}
                Err(e) => return Err(ResultsError::write(&path)(e)),
            }
        }
        unreachable!("some number is free")
    }
}

fn taken(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory
    )
}

/// Replaces the symlink `root/latest` in one step, so that nobody ever finds none.
#[cfg(unix)]
fn point(root: &Path, target: &Path, folder: &Path) -> Result<(), ResultsError> {
    let latest = root.join("latest");
    if fs::symlink_metadata(&latest).is_ok_and(|found| !found.is_symlink()) {
        return Err(ResultsError::Latest { path: latest, folder: folder.into() });
    }
    let new = root.join(format!(".latest.{}", std::process::id()));
    // A killed run with this process's number may have left one.
    let _ = fs::remove_file(&new);
    std::os::unix::fs::symlink(target, &new).map_err(ResultsError::write(&new))?;
    fs::rename(&new, &latest).map_err(ResultsError::write(&latest))
}

#[cfg(not(unix))]
fn point(_: &Path, _: &Path, _: &Path) -> Result<(), ResultsError> {
    Ok(())
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !self.finished {
            // Nothing more can be done where this fails; its name says that it is not complete.
            let _ = fs::remove_dir_all(&self.partial);
            let _ = fs::remove_dir(self.root.join(&self.config));
            let _ = fs::remove_dir(&self.root);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finished_folder_is_named_and_latest_points_to_it() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        for name in ["T1", "T1-2"] {
            let folder = Folder::create(dir.path(), "storm", "T1").expect("writable");
            folder.write("a/b.txt", name).expect("writable");
            let path = folder.finish().expect("writable");
            assert_eq!(path, dir.path().join("storm").join(name));
            let latest = fs::read_to_string(dir.path().join("latest/a/b.txt")).expect("there");
            assert_eq!(latest, name);
        }
    }

    #[test]
    fn an_unfinished_folder_leaves_nothing() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let root = dir.path().join("results");
        let folder = Folder::create(&root, "storm", "T1").expect("writable");
        folder.write("a.txt", "a").expect("writable");
        drop(folder);
        assert!(!root.exists());
    }

    #[test]
    fn a_folder_called_latest_is_left_alone() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        fs::create_dir(dir.path().join("latest")).expect("writable");
        let folder = Folder::create(dir.path(), "storm", "T1").expect("writable");
        let error = folder.finish().expect_err("it is no symlink").to_string();
        assert!(error.contains("not a symlink") && error.contains("storm"), "{error}");
        assert!(dir.path().join("storm/T1").exists());
    }
}
