//! Where modules are, and which there are.
use crate::config::{ConfigErrors, diagnose::suggest};
use std::path::{Path, PathBuf};

/// A folder of modules.
#[derive(Clone, Debug)]
pub struct Shelf {
    /// The folder.
    pub folder: PathBuf,
    /// The modules, by number.
    pub volumes: Vec<Volume>,
}

/// A module that is there, not read yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Volume {
    /// Its number, the first part of its folder's name.
    pub number: u32,
    /// Its folder's name, such as `04-the-state-that-stays`.
    pub name: String,
    /// Its folder.
    pub folder: PathBuf,
}

/// The folder of lectures that is nearest: in `here`, or in a folder around it.
pub fn nearest(here: &Path) -> Option<PathBuf> {
    here.ancestors().map(|folder| folder.join("docs/lectures")).find(|folder| folder.is_dir())
}

impl Shelf {
    /// The modules in `folder`: the folders in it whose names begin with a number and a dash.
    ///
    /// # Errors
    /// Where there are none, or two have the same number.
    pub fn open(folder: &Path) -> Result<Shelf, ConfigErrors> {
        let shown = folder.display();
        let entries = std::fs::read_dir(folder)
            .map_err(|error| ConfigErrors::plain(format!("cannot read `{shown}`: {error}"), None))?;
        let volume = |entry: std::fs::DirEntry| {
            let name = entry.file_name().into_string().ok()?;
            let number = name.split_once('-')?.0.parse().ok()?;
            entry.path().is_dir().then(|| Volume { number, name, folder: entry.path() })
        };
        let mut volumes: Vec<Volume> = entries.flatten().filter_map(volume).collect();
        volumes.sort_by(|a, b| (a.number, &a.name).cmp(&(b.number, &b.name)));
        if let Some(pair) = volumes.windows(2).find(|pair| pair[0].number == pair[1].number) {
            let message =
                format!("`{}` and `{}` in `{shown}` have the same number", pair[0].name, pair[1].name);
            return Err(ConfigErrors::plain(message, None));
        }
        if volumes.is_empty() {
            let help = Some("a module is a folder such as `04-the-state-that-stays`".into());
            return Err(ConfigErrors::plain(format!("there is no module in `{shown}`"), help));
        }
        Ok(Shelf { folder: folder.to_owned(), volumes })
    }

    /// The module called `wanted`: its number, with or without zeros in front, its name or a part of it.
    ///
    /// # Errors
    /// Where there is no such module, with one that may have been meant.
    pub fn find(&self, wanted: &str) -> Result<&Volume, ConfigErrors> {
        let number = wanted.parse::<u32>().ok();
        let fits = |v: &&Volume| Some(v.number) == number || v.name == wanted;
        let part = |v: &&Volume| number.is_none() && v.name.contains(wanted);
        self.volumes.iter().find(fits).or_else(|| self.volumes.iter().find(part)).ok_or_else(|| {
            let names: Vec<&str> = self.volumes.iter().map(|v| v.name.as_str()).collect();
            let numbers: Vec<String> = self.volumes.iter().map(|v| format!("{:02}", v.number)).collect();
            let help = suggest(wanted, &names).unwrap_or_else(|| format!("there are {}", numbers.join(", ")));
            ConfigErrors::plain(format!("there is no module `{wanted}`"), Some(help))
        })
    }
}
