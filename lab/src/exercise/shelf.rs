//! Where exercises are, and which there are.
use crate::config::{ConfigErrors, diagnose::suggest};
use std::path::{Path, PathBuf};

/// A folder of exercises.
#[derive(Clone, Debug)]
pub struct Shelf {
    /// The exercises, by number.
    pub pieces: Vec<Piece>,
}

/// An exercise that is there, not read yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Its number, the first part of its folder's name.
    pub number: u32,
    /// Its folder's name, such as `03-limit-the-queue`.
    pub name: String,
    /// Its folder.
    pub folder: PathBuf,
}

/// The folder of exercises that is nearest: in `here`, or in a folder around it.
pub fn nearest(here: &Path) -> Option<PathBuf> {
    here.ancestors().map(|folder| folder.join("docs/exercises")).find(|folder| folder.is_dir())
}

impl Shelf {
    /// The exercises in `folder`: the folders in it whose names begin with a number and a dash.
    ///
    /// # Errors
    /// Where there are none, or two have the same number.
    pub fn open(folder: &Path) -> Result<Shelf, ConfigErrors> {
        let shown = folder.display();
        let entries = std::fs::read_dir(folder)
            .map_err(|error| ConfigErrors::plain(format!("cannot read `{shown}`: {error}"), None))?;
        let piece = |entry: std::fs::DirEntry| {
            let name = entry.file_name().into_string().ok()?;
            let number = name.split_once('-')?.0.parse().ok()?;
            entry.path().is_dir().then(|| Piece { number, name, folder: entry.path() })
        };
        let mut pieces: Vec<Piece> = entries.flatten().filter_map(piece).collect();
        pieces.sort_by(|a, b| (a.number, &a.name).cmp(&(b.number, &b.name)));
        if let Some(pair) = pieces.windows(2).find(|pair| pair[0].number == pair[1].number) {
            let message =
                format!("`{}` and `{}` in `{shown}` have the same number", pair[0].name, pair[1].name);
            return Err(ConfigErrors::plain(message, None));
        }
        if pieces.is_empty() {
            let help = Some("an exercise is a folder such as `03-limit-the-queue`".into());
            return Err(ConfigErrors::plain(format!("there is no exercise in `{shown}`"), help));
        }
        Ok(Shelf { pieces })
    }

    /// The exercise called `wanted`: its number, with or without zeros in front, its name or a part of it.
    ///
    /// # Errors
    /// Where there is no such exercise, with one that may have been meant.
    pub fn find(&self, wanted: &str) -> Result<&Piece, ConfigErrors> {
        let number = wanted.parse::<u32>().ok();
        let fits = |piece: &&Piece| Some(piece.number) == number || piece.name == wanted;
        let part = |piece: &&Piece| number.is_none() && piece.name.contains(wanted);
        self.pieces.iter().find(fits).or_else(|| self.pieces.iter().find(part)).ok_or_else(|| {
            let names: Vec<&str> = self.pieces.iter().map(|piece| piece.name.as_str()).collect();
            let numbers: Vec<String> = self.pieces.iter().map(|p| format!("{:02}", p.number)).collect();
            let help = suggest(wanted, &names).unwrap_or_else(|| format!("there are {}", numbers.join(", ")));
            ConfigErrors::plain(format!("there is no exercise `{wanted}`"), Some(help))
        })
    }
}
