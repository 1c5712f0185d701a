//! What a group's manager keeps of its views: a file with a JSON line for each, which outlives its process.
use lab_core::replicate::manager::Record;
use std::{
    fs::{File, OpenOptions},
    io::{self, BufRead, BufReader, Seek, Write},
    path::{Path, PathBuf},
};

/// The file, open for what is to be added.
#[derive(Debug)]
pub(super) struct Records(File);

impl Records {
    /// Opens the file at `path`, new or with what was kept in it. A line that was cut off when its writer was killed was not
    /// kept: nothing that was to follow it was done.
    pub(super) fn open(path: &Path) -> io::Result<(Records, Vec<Record>)> {
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        let mut reader = BufReader::new(&file);
        let (mut kept, mut whole, mut line) = (vec![], 0, vec![]);
        while reader.read_until(b'\n', &mut line)? > 0 && line.ends_with(b"\n") {
            kept.push(serde_json::from_slice(&line)?);
            whole += line.len() as u64;
            line.clear();
        }
        file.set_len(whole)?;
        file.seek(io::SeekFrom::End(0))?;
        Ok((Records(file), kept))
    }

    /// Adds a record. It is with the kernel when this returns, so that the process may be killed; only the host's own crash
    /// would lose it. A manager that cannot keep what it decides must not go on.
    pub(super) fn keep(&mut self, record: &Record) {
        let mut line = serde_json::to_vec(record).expect("a record is plain data");
        line.push(b'\n');
        self.0.write_all(&line).expect("the disk has room for the manager's views");
    }

    /// Writes beside a recording of steps what its machine began with.
    pub(super) fn copy(kept: &[Record], steps: &Path) -> io::Result<()> {
        std::fs::write(beside(steps), serde_json::to_vec(kept)?)
    }

    /// Reads what [`Records::copy`] has written.
    pub(super) fn copied(steps: &Path) -> io::Result<Vec<Record>> {
        Ok(serde_json::from_slice(&std::fs::read(beside(steps))?)?)
    }
}

fn beside(steps: &Path) -> PathBuf {
    steps.with_extension("kept")
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab_core::replicate::View;

    #[test]
    fn what_is_kept_comes_back_without_a_line_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("views");
        let record = |number| Record { view: View { number, ..View::initial(3) }, ..Record::default() };
        let (mut records, kept) = Records::open(&path).unwrap();
        assert_eq!(kept, []);
        records.keep(&record(2));
        records.keep(&record(3));
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, &whole[..whole.len() - 1]).unwrap();
        let (mut records, kept) = Records::open(&path).unwrap();
        assert_eq!(kept, [record(2)]);
        records.keep(&record(4));
        assert_eq!(Records::open(&path).unwrap().1, [record(2), record(4)]);
    }
}
