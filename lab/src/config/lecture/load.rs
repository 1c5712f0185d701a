//! From the text of an `answers.yaml` to what is to be run and drawn.
use super::{Answer, Answers, Kind, Picture, check::check};
use crate::config::{
    ConfigErrors,
    diagnose::{Finding, suggest},
    load::{Loader, read_file},
    node::{Node, Place, Sources},
    read::read,
};
use std::path::{Path, PathBuf};

/// An `answers.yaml`, read.
#[derive(Clone, Debug)]
pub struct LoadedAnswers {
    /// What the file holds.
    pub file: Answers,
    /// The numbers, in the order of the file.
    pub answers: Vec<LoadedAnswer>,
    /// The figures, in the order of the file.
    pub figures: Vec<LoadedPicture>,
    /// For messages about places in it.
    pub sources: Sources,
}

/// A number.
#[derive(Clone, Debug)]
pub struct LoadedAnswer {
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub place: Place,
    /// The config's file.
    pub config: PathBuf,
    /// Changes to it, as `PATH=VALUE`.
    pub set: Vec<String>,
    /// How many seeds.
    pub seeds: u32,
    /// As written.
    pub answer: Answer,
}

/// A figure.
#[derive(Clone, Debug)]
pub struct LoadedPicture {
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub place: Place,
    /// The file of the config or of the sweep.
    pub config: PathBuf,
    /// Changes to it, as `PATH=VALUE`.
    pub set: Vec<String>,
    /// As written.
    pub picture: Picture,
}

/// Reads `file`.
///
/// # Errors
/// Everything that is wrong with it. Configs that it names must be there; they are not read yet.
pub fn load_answers(file: &Path) -> Result<LoadedAnswers, ConfigErrors> {
    let text = read_file(file)?;
    let folder = file.parent().unwrap_or(Path::new(".")).to_owned();
    load_answers_text(&file.display().to_string(), text, folder)
}

/// Reads `text`, called `name` in errors, which lies in `folder`.
///
/// # Errors
/// As [`load_answers`].
pub fn load_answers_text(name: &str, text: String, folder: PathBuf) -> Result<LoadedAnswers, ConfigErrors> {
    let mut loader = Loader::new(name, text, folder);
    match run(&mut loader) {
        Some(loaded) if loader.findings.is_empty() => Ok(loaded),
        _ => Err(ConfigErrors::new(loader.findings, loader.sources)),
    }
}

fn run(loader: &mut Loader) -> Option<LoadedAnswers> {
    let text = loader.sources.0[0].text.clone();
    let root = loader.parse(&text, 0)?;
    let file: Answers = read(&root, &mut loader.poison, &mut loader.findings)?;
    if !loader.findings.is_empty() {
        return None;
    }
    loader.findings = check(&file, &root);
    let usual = root.get("config").map_or(root.place, |node| node.place);
    let default = found(loader, &file.config, usual, "config");
    let mut answers = vec![];
    for (name, answer) in &file.answers {
        let (place, config, set) = source(loader, &root, ["answers", name], &answer.config, default.as_ref());
        let seeds = answer.seeds.unwrap_or(file.seeds);
        answers.push(LoadedAnswer { name: name.clone(), place, config, set, seeds, answer: answer.clone() });
    }
    let mut figures = vec![];
    for (name, picture) in &file.figures {
        let (place, config, set) =
            source(loader, &root, ["figures", name], &picture.config, default.as_ref());
        if picture.draw == Kind::PhaseMap && picture.config.is_empty() {
            let message = "a phase map needs the file of its sweep".to_owned();
            let help = Some("for example `{ draw: phase_map, config: sweep.yaml }`".to_owned());
            loader.findings.push(Finding::error(place, message, String::new(), help));
        }
        figures.push(LoadedPicture { name: name.clone(), place, config, set, picture: picture.clone() });
    }
    Some(LoadedAnswers { file, answers, figures, sources: loader.sources.clone() })
}

/// Where the entry at `path` stands, its config's file and its changes.
fn source(
    loader: &mut Loader,
    root: &Node,
    path: [&str; 2],
    config: &str,
    default: Option<&PathBuf>,
) -> (Place, PathBuf, Vec<String>) {
    let entry = root.get(path[0]).and_then(|block| block.entry(path[1]));
    let node = entry.map(|entry| &entry.value);
    let place = entry.map_or(root.place, |entry| entry.key.place);
    let changes = node.and_then(|node| node.get("set")).map_or(&[][..], Node::entries);
    let set = changes.iter().map(|c| format!("{}={}", c.key.text().unwrap_or(""), c.value.one_line()));
    let config = match config {
        "" => default.cloned(),
        own => {
            let at = node.and_then(|node| node.get("config")).map_or(place, |node| node.place);
            found(loader, own, at, &format!("{}.config", path.join(".")))
        }
    };
    (place, config.unwrap_or_default(), set.collect())
}

/// The file called `name`, if it is there.
fn found(loader: &mut Loader, name: &str, place: Place, path: &str) -> Option<PathBuf> {
    let file = loader.folder.join(name);
    if file.is_file() {
        return Some(file);
    }
    let beside = std::fs::read_dir(file.parent().unwrap_or(&loader.folder)).into_iter().flatten().flatten();
    let beside: Vec<String> = beside.filter_map(|e| e.file_name().into_string().ok()).collect();
    let last = Path::new(name).file_name().map_or("", |n| n.to_str().unwrap_or(""));
    let mut finding =
        Finding::error(place, format!("there is no file `{name}`"), String::new(), suggest(last, &beside));
    finding.path = path.into();
    loader.findings.push(finding);
    None
}
