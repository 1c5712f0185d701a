//! A module, read: every file of it, and that they fit together.
use super::{
    fill::{PARTS, figures, slots},
    notes::{Notes, notes},
    shelf::Volume,
    text::{Module, module},
};
use crate::{
    config::{
        ConfigErrors, LoadedAnswers,
        diagnose::{Finding, suggest},
        lecture::Kind,
        load_answers,
        node::{Place, Source, Sources},
    },
    scenario::{Plan, Scenario, load},
};
use std::path::{Path, PathBuf};

/// A module and everything that it needs.
#[derive(Clone, Debug)]
pub struct Lecture {
    /// Which one.
    pub volume: Volume,
    /// Its text.
    pub module: Module,
    /// Its slides and what is said to them.
    pub notes: Notes,
    /// Its numbers and figures.
    pub answers: LoadedAnswers,
    /// `module.md` and `notes.md`, with their names.
    pub texts: [(PathBuf, String); 2],
    /// Its configs, with the changes that its answers and figures ask for.
    plans: Vec<Changed>,
}

/// A config with changes.
#[derive(Clone, Debug)]
struct Changed {
    config: PathBuf,
    set: Vec<String>,
    plan: Plan,
}

impl Lecture {
    /// Reads the module in the folder of `volume`.
    ///
    /// # Errors
    /// Everything that is wrong with the first file that is wrong.
    pub fn read(volume: &Volume) -> Result<Lecture, ConfigErrors> {
        let answers = load_answers(&volume.folder.join("answers.yaml"))?;
        let [text, spoken] = ["module.md", "notes.md"].map(|name| volume.folder.join(name));
        let texts = [read(text)?, read(spoken)?];
        let module = module(&texts[0].0, &texts[0].1)?;
        let notes = notes(&texts[1].1)
            .map_err(|message| ConfigErrors::plain(format!("{}: {message}", texts[1].0.display()), None))?;
        let mut lecture = Lecture { volume: volume.clone(), module, notes, answers, texts, plans: vec![] };
        lecture.fits()?;
        lecture.plans = plans(&lecture.answers)?;
        lecture.variants()?;
        Ok(lecture)
    }

    /// The config `file` with the changes `set`, which an answer or a figure asks for.
    pub fn plan(&self, file: &Path, set: &[String]) -> &Plan {
        let found = self.plans.iter().find(|known| known.config == file && known.set == set);
        &found.expect("all plans of a module were read with it").plan
    }

    /// A variant of it; the experiment itself where it is empty.
    pub fn scenario(&self, file: &Path, set: &[String], variant: &str) -> &Scenario {
        let plan = self.plan(file, set);
        let found = plan.variants.iter().find(|v| v.name == variant);
        found.map_or(&plan.baseline, |v| &v.scenario)
    }

    /// The config files that answers and figures are about, each once.
    pub fn configs(&self) -> Vec<&Path> {
        let answers = self.answers.answers.iter().map(|a| a.config.as_path());
        let figures = self.answers.figures.iter().map(|f| f.config.as_path());
        let mut files: Vec<&Path> = answers.chain(figures).collect();
        files.sort();
        files.dedup();
        files
    }

    /// Whether texts name only what there is.
    fn fits(&self) -> Result<(), ConfigErrors> {
        let names: Vec<&str> = self.answers.answers.iter().map(|a| a.name.as_str()).collect();
        let drawn: Vec<&str> = self.answers.figures.iter().map(|f| f.name.as_str()).collect();
        let sources = Sources(self.texts.iter().map(|(name, text)| source(name, text)).collect());
        let mut findings = vec![];
        for (index, (_, text)) in self.texts.iter().enumerate() {
            let place =
                |range: std::ops::Range<usize>| Place { source: index, start: range.start, end: range.end };
            for slot in slots(text) {
                let wrong = if !names.contains(&slot.name) {
                    Some((format!("there is no answer `{}`", slot.name), suggest(slot.name, &names)))
                } else if !PARTS.contains(&slot.part) {
                    let help = Some("an answer has `range` and `seeds`".to_owned());
                    Some((format!("an answer has no `{}`", slot.part), help))
                } else {
                    None
                };
                if let Some((message, help)) = wrong {
                    findings.push(Finding::error(place(slot.range), message, String::new(), help));
                }
            }
            for (range, name) in figures(text).into_iter().filter(|(_, name)| !drawn.contains(name)) {
                let message = format!("there is no figure `{name}`");
                findings.push(Finding::error(place(range), message, String::new(), suggest(name, &drawn)));
            }
        }
        findings.extend(self.question());
        if findings.is_empty() { Ok(()) } else { Err(ConfigErrors::new(findings, sources)) }
    }

    /// Whether the right choice is one, and every other one says what is tempting about it.
    fn question(&self) -> Vec<Finding> {
        let Module { question, choices, .. } = &self.module;
        let place = Place { source: 0, start: question.at, end: question.at };
        let wrong = |message: String| Finding::error(place, message, String::new(), None);
        let right = &self.answers.file.right;
        let is_right = |letter: char| right.starts_with(letter);
        if !choices.iter().any(|choice| is_right(choice.letter)) {
            return vec![wrong(format!("`answers.yaml` calls choice `{right}` right, which is not there"))];
        }
        let silent = choices.iter().filter(|c| !is_right(c.letter) && c.tempting.is_empty());
        let silent =
            silent.map(|c| wrong(format!("choice `{}` does not say what is tempting about it", c.letter)));
        silent.collect()
    }

    /// Whether the variants that are named are there.
    fn variants(&self) -> Result<(), ConfigErrors> {
        let answers = self.answers.answers.iter();
        let answers = answers.map(|a| (a.place, &a.config, &a.set, vec![a.answer.variant.clone()]));
        let figures = self.answers.figures.iter().filter(|f| f.picture.draw != Kind::PhaseMap).map(|f| {
            let named = f.picture.variants.iter().filter(|v| *v != "baseline").cloned();
            (f.place, &f.config, &f.set, named.chain([f.picture.variant.clone()]).collect())
        });
        let mut findings = vec![];
        for (place, config, set, wanted) in answers.chain(figures) {
            let names: Vec<&str> = self.plan(config, set).variants.iter().map(|v| v.name.as_str()).collect();
            for name in wanted.iter().filter(|name| !name.is_empty() && !names.contains(&name.as_str())) {
                let message = format!("`{}` has no variant `{name}`", config.display());
                findings.push(Finding::error(place, message, String::new(), suggest(name, &names)));
            }
        }
        if findings.is_empty() {
            Ok(())
        } else {
            Err(ConfigErrors::new(findings, self.answers.sources.clone()))
        }
    }
}

fn source(name: &Path, text: &str) -> Source {
    Source { name: name.display().to_string(), text: text.into() }
}

fn read(file: PathBuf) -> Result<(PathBuf, String), ConfigErrors> {
    match std::fs::read_to_string(&file) {
        Ok(text) => Ok((file, text)),
        Err(error) => Err(ConfigErrors::plain(format!("cannot read `{}`: {error}", file.display()), None)),
    }
}

/// Every config with every set of changes, once.
fn plans(answers: &LoadedAnswers) -> Result<Vec<Changed>, ConfigErrors> {
    let numbers = answers.answers.iter().map(|a| (&a.name, &a.config, &a.set));
    let drawn = answers.figures.iter().filter(|f| f.picture.draw != Kind::PhaseMap);
    let mut plans: Vec<Changed> = vec![];
    for (name, config, set) in numbers.chain(drawn.map(|f| (&f.name, &f.config, &f.set))) {
        if plans.iter().any(|known| known.config == *config && known.set == *set) {
            continue;
        }
        let plan = load(config, set).map_err(|errors| {
            let help = Some(format!("`{name}` of `{}` asks for it", answers.sources.0[0].name));
            if set.is_empty() {
                return errors;
            }
            let text = errors.to_string();
            ConfigErrors::plain(text.strip_prefix("error: ").unwrap_or(&text).into(), help)
        })?;
        plans.push(Changed { config: config.clone(), set: set.clone(), plan });
    }
    Ok(plans)
}
