//! What has been found: one file for each attempt of a process, one line for each finished cell.
//!
//! Files are only appended to, and no process writes to another one's: no locks, and no harm when a scheduler runs a share twice,
//! on two hosts, over NFS. A process that is killed leaves at most half a line at the end of its file, which is passed over.
use super::{Cell, ENGINE, Found, Key, Plan, Shard, SweepError};
use serde::{Deserialize, Serialize};
use std::{
    collections::HashMap,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

/// The first line of a file: who wrote it.
#[derive(Debug, Serialize, Deserialize)]
struct Head {
    /// The format of the lines below.
    lab_sweep: u32,
    engine: String,
    plan: String,
    /// Which share of how many.
    shard: (u32, u32),
}

/// A finished cell.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    key: Key,
    plan: String,
    seed: u64,
    found: Found,
}

/// The file of one attempt, to append to.
#[derive(Debug)]
pub struct Attempt {
    path: PathBuf,
    file: File,
    plan: String,
}

impl Attempt {
    /// Begins a file of its own in `folder` for the process that does `shard` of `plan`.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn begin(folder: &Path, plan: &Plan, shard: Shard) -> Result<Attempt, SweepError> {
        fs::create_dir_all(folder).map_err(SweepError::write(folder))?;
        let (path, file) = create(folder, shard)?;
        let mut attempt = Attempt { path, file, plan: plan.id.clone() };
        let (engine, plan) = (ENGINE.into(), plan.id.clone());
        let head = Head { lab_sweep: 1, engine, plan, shard: (shard.index, shard.of) };
        attempt.write(&serde_json::to_string(&head).expect("plain data"))?;
        attempt.sync()?;
        Ok(attempt)
    }

    /// Appends what `cell` gave. It is on the disk after [`Attempt::sync`].
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn append(&mut self, plan: &Plan, cell: Cell, found: Found) -> Result<(), SweepError> {
        let (key, seed) = (plan.key(cell), plan.grid.seed(cell.point, cell.replication));
        let line = Line { key, plan: self.plan.clone(), seed, found };
        self.write(&serde_json::to_string(&line).expect("plain data"))
    }

    /// Has the disk keep what was appended.
    ///
    /// # Errors
    /// When the system cannot.
    pub fn sync(&mut self) -> Result<(), SweepError> {
        self.file.sync_data().map_err(SweepError::write(&self.path))
    }

    /// One call of the system for a whole line, so that only a crash can tear it.
    fn write(&mut self, line: &str) -> Result<(), SweepError> {
        self.file.write_all(format!("{line}\n").as_bytes()).map_err(SweepError::write(&self.path))
    }
}

/// A new file whose name no other attempt has, on no host.
fn create(folder: &Path, shard: Shard) -> Result<(PathBuf, File), SweepError> {
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host: String = host.trim().chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
    let host = if host.is_empty() { "host".into() } else { host };
    let process = std::process::id();
    for number in 0.. {
        let name = format!("s{:05}-of-{:05}.{host}.{process}.{number}.jsonl", shard.index, shard.of);
        let path = folder.join(name);
        match OpenOptions::new().append(true).create_new(true).open(&path) {
            Ok(file) => return Ok((path, file)),
            // Containers may have the same name and process number.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(SweepError::write(&path)(error)),
        }
    }
    unreachable!("some number is free")
}

/// All that has been found in a folder.
#[derive(Clone, Debug, Default)]
pub struct Store {
    /// A simulated cell gives one result, whoever runs it; a live one another at every attempt.
    cells: HashMap<Key, Vec<(Found, PathBuf)>>,
    /// Lines that a killed process has left unfinished.
    pub torn: usize,
    /// Files.
    pub attempts: usize,
    /// Lines of cells that another attempt had finished, too.
    pub repeated: usize,
}

/// Reads everything in `folder`. A folder that is not there holds nothing yet.
///
/// # Errors
/// When a file cannot be read or is damaged, or two results of a cell differ.
pub fn read(folder: &Path) -> Result<Store, SweepError> {
    let mut store = Store::default();
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(store),
        Err(error) => return Err(SweepError::read(folder)(error)),
    };
    let mut files = vec![];
    for entry in entries {
        let path = entry.map_err(SweepError::read(folder))?.path();
        if path.extension().is_some_and(|ending| ending == "jsonl") {
            files.push(path);
        }
    }
    files.sort();
    for path in files {
        store.take(&path)?;
    }
    Ok(store)
}

impl Store {
    /// What the cell with this key gave: of several live runs the first that counts, or one that does not.
    pub fn get(&self, key: Key) -> Option<&Found> {
        self.all(key).find(|found| found.is_fit()).or(self.all(key).next())
    }

    /// All that it gave: one result, or those of all live runs.
    pub fn all(&self, key: Key) -> impl Iterator<Item = &Found> {
        self.cells.get(&key).into_iter().flatten().map(|(found, _)| found)
    }

    /// How many cells have been finished, of whatever plan.
    pub fn len(&self) -> usize {
        self.cells.len()
    }

    /// Whether none has.
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// Keeps what a cell gave, for a sweep that is run and drawn at once, without a folder.
    pub fn keep(&mut self, key: Key, found: Found) {
        self.cells.entry(key).or_default().push((found, PathBuf::new()));
    }

    fn take(&mut self, path: &Path) -> Result<(), SweepError> {
        let text = fs::read(path).map_err(SweepError::read(path))?;
        self.attempts += 1;
        let mut lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
        // What follows the last line break is nothing, or a line that was never finished.
        if lines.pop().is_some_and(|rest| !rest.is_empty()) {
            self.torn += 1;
        }
        let damaged = |line: usize, reason: String| SweepError::Damaged { path: path.into(), line, reason };
        for (index, line) in lines.iter().enumerate() {
            if index == 0 {
                let head: Head = serde_json::from_slice(line).map_err(|e| damaged(1, e.to_string()))?;
                if head.lab_sweep != 1 {
                    return Err(damaged(
                        1,
                        format!("format {} is not known to this version", head.lab_sweep),
                    ));
                }
                continue;
            }
            let line: Line = serde_json::from_slice(line).map_err(|e| damaged(index + 1, e.to_string()))?;
            self.put(line, path)?;
        }
        Ok(())
    }

    fn put(&mut self, line: Line, path: &Path) -> Result<(), SweepError> {
        let Line { key, found, .. } = line;
        let of_cell = self.cells.entry(key).or_default();
        match of_cell.first() {
            Some(_) if found.unfit.is_some() => of_cell.push((found, path.into())),
            None => of_cell.push((found, path.into())),
            Some((known, _)) if *known == found => self.repeated += 1,
            Some((known, first)) => {
                let (first, second) = (first.clone(), path.into());
                return Err(SweepError::Nondeterminism { key, first, second, what: known.differs(&found) });
            }
        }
        Ok(())
    }
}

impl Found {
    /// In what two results differ, in a few words.
    fn differs(&self, other: &Found) -> String {
        let shown = |found: &Found| {
            let Found { verdict, goodput_per_s, amplification, .. } = found;
            format!("{verdict}, goodput {goodput_per_s:?}/s, amplification {amplification:?}")
        };
        match (shown(self), shown(other)) {
            (one, two) if one == two => format!("{one}, but other latencies or recovery times"),
            (one, two) => format!("{one}; {two}"),
        }
    }
}
