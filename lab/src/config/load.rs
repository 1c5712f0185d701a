//! From a file to resolved experiments: the way of a config, step by step.
use super::{
    Experiment,
    check::check,
    diagnose::{ConfigErrors, Finding, suggest},
    effective::{effective, relocate, to_yaml},
    expand::Expander,
    figure::{Figure, NO_LOOP, has_a_loop},
    node::{Entry, Node, Place, Source, Sources, Value},
    overlay::{change, find},
    parse::{Malformed, parse},
    points::{Candidate, NoPoints, Point, points},
    read::{Poison, read},
    resolve::resolve,
};
use std::path::{Path, PathBuf};

/// A config, read and resolved.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The experiment.
    pub experiment: Experiment,
    /// The changed experiments.
    pub variants: Vec<LoadedVariant>,
    /// Where each expectation stands: its line from 1, and its text on one line.
    pub expectations: Vec<(usize, String)>,
    /// For each figure that the config asks for, its points; none for a loop.
    pub points: Vec<Vec<Point>>,
    /// The experiment as YAML; runs again as it is.
    pub resolved: String,
    /// What looks wrong but runs, rendered.
    pub warnings: Vec<String>,
}

/// The experiment with one change.
#[derive(Clone, Debug)]
pub struct LoadedVariant {
    /// Its name.
    pub name: String,
    /// What is changed: dotted path and new value.
    pub change: Vec<(String, String)>,
    /// The changed experiment.
    pub experiment: Experiment,
}

/// Larger files are refused.
const LARGEST: u64 = 4 << 20;

/// Reads the config `file`, with changes `PATH=VALUE` from the command line.
pub fn load(file: &Path, set: &[String]) -> Result<Loaded, ConfigErrors> {
    let text = read_file(file)?;
    let folder = file.canonicalize().ok().and_then(|f| f.parent().map(Path::to_owned)).unwrap_or_default();
    load_text(&file.display().to_string(), text, folder, set)
}

/// Reads the config `text`, called `name` in errors, which lies in `folder`.
pub fn load_text(name: &str, text: String, folder: PathBuf, set: &[String]) -> Result<Loaded, ConfigErrors> {
    let mut loader = Loader::new(name, text, folder);
    match loader.run(set) {
        Some(loaded) => Ok(loaded),
        None => Err(ConfigErrors::new(loader.findings, loader.sources)),
    }
}

pub(super) fn read_file(file: &Path) -> Result<String, ConfigErrors> {
    let refuse = |message: String, help| Err(ConfigErrors::plain(message, help));
    let shown = file.display();
    match std::fs::metadata(file) {
        Err(error) => {
            let help = similar(file).map(|s| format!("did you mean `{}`?", s.display()));
            refuse(format!("cannot read `{shown}`: {error}"), help)
        }
        Ok(meta) if meta.is_dir() => refuse(format!("`{shown}` is a folder; a config is a YAML file"), None),
        Ok(meta) if meta.len() > LARGEST => {
            refuse(format!("`{shown}` is too large for a config (4 MiB)"), None)
        }
        Ok(_) => match std::fs::read(file).map(String::from_utf8) {
            Ok(Ok(text)) => Ok(text),
            Ok(Err(_)) => refuse(format!("`{shown}` is not a text file in UTF-8"), None),
            Err(error) => refuse(format!("cannot read `{shown}`: {error}"), None),
        },
    }
}

/// A file beside `file`, or in `configs/`, whose name is much alike.
fn similar(file: &Path) -> Option<PathBuf> {
    let name = file.file_stem()?.to_str()?;
    let parent = file.parent().filter(|p| p.is_dir() && !p.as_os_str().is_empty());
    [parent.unwrap_or(Path::new(".")), Path::new("configs")].into_iter().find_map(|folder| {
        let files: Vec<PathBuf> = std::fs::read_dir(folder).ok()?.flatten().map(|e| e.path()).collect();
        let yaml = files.iter().filter(|f| f.extension().is_some_and(|e| e == "yaml"));
        let stems: Vec<String> = yaml.filter_map(|f| f.file_stem()?.to_str().map(str::to_owned)).collect();
        let best = suggest(name, &stems)?.split('`').nth(1)?.to_owned();
        Some(folder.join(format!("{best}.yaml")))
    })
}

/// What reading a config needs, and what it finds.
#[derive(Clone)]
pub(super) struct Loader {
    /// Where the config lies.
    pub(super) folder: PathBuf,
    pub(super) sources: Sources,
    pub(super) findings: Vec<Finding>,
    pub(super) poison: Poison,
}

impl Loader {
    /// For the file called `name`, which holds `text` and lies in `folder`.
    pub(super) fn new(name: &str, text: String, folder: PathBuf) -> Loader {
        let sources = Sources(vec![Source { name: name.into(), text }]);
        Loader { folder, sources, findings: vec![], poison: Poison::default() }
    }

    fn run(&mut self, set: &[String]) -> Option<Loaded> {
        let text = self.sources.0[0].text.clone();
        let mut root = self.parse(&text, 0)?;
        let variants = root.get("variants").cloned();
        let expectations = self.expectations(&root);
        let mut experiment = self.experiment(&mut root)?;
        let mut tree = self.resolved(&experiment, &root)?;
        if !set.is_empty() {
            for assignment in set {
                self.assign(&mut tree, assignment);
            }
            experiment = self.experiment(&mut tree)?;
            tree = self.resolved(&experiment, &tree.clone())?;
        }
        self.findings.extend(check(&experiment, &tree, &self.poison));
        let variants = self.variants(&tree, variants.as_ref());
        let points = self.points(&experiment, &tree, &variants);
        let resolved = to_yaml(&experiment)?;
        let (warnings, errors): (Vec<Finding>, Vec<Finding>) =
            std::mem::take(&mut self.findings).into_iter().partition(|f| f.warning);
        if !errors.is_empty() {
            self.findings = errors;
            return None;
        }
        let warnings = ConfigErrors::new(warnings, self.sources.clone());
        let warnings = warnings.findings().iter().map(|w| w.render(&self.sources)).collect();
        Some(Loaded { experiment, variants, expectations, points, resolved, warnings })
    }

    pub(super) fn parse(&mut self, text: &str, source: usize) -> Option<Node> {
        match parse(text, source) {
            Ok((root, repeated)) => {
                self.findings.extend(repeated.into_iter().map(Finding::from));
                Some(root)
            }
            Err(malformed) => {
                self.findings.push(malformed.into());
                None
            }
        }
    }

    /// Expands and reads a tree, and works out what it leaves open.
    pub(super) fn experiment(&mut self, tree: &mut Node) -> Option<Experiment> {
        let Loader { folder, sources, findings, poison } = self;
        Expander { folder, sources, findings, poison }.experiment(tree);
        let mut experiment: Experiment = read(tree, poison, findings)?;
        resolve(&mut experiment);
        Some(experiment)
    }

    /// The resolved experiment as a tree; what was written keeps its place.
    pub(super) fn resolved(&self, experiment: &Experiment, written: &Node) -> Option<Node> {
        let mut tree = effective(experiment)?;
        relocate(&mut tree, Some(written), written.place);
        Some(tree)
    }

    fn assign(&mut self, tree: &mut Node, assignment: &str) {
        let source = self.sources.0.len();
        self.sources.0.push(Source { name: "--set".into(), text: assignment.into() });
        let whole = Place { source, start: 0, end: assignment.len() };
        let Some((path, value)) = assignment.split_once('=') else {
            let help = Some("for example `--set workload.rate=400/s`".into());
            let message = format!("expected PATH=VALUE, found `{assignment}`");
            self.findings.push(Finding::error(whole, message, String::new(), help));
            return;
        };
        let key = Node::word(path.trim(), Place { end: path.len(), ..whole });
        // Blanks in front keep the places right.
        let padded = " ".repeat(path.len() + 1) + value;
        let Some(value) = self.parse(&padded, source) else { return };
        if let Err(finding) = change(tree, &key, &value) {
            self.findings.push(*finding);
        }
    }

    fn expectations(&self, root: &Node) -> Vec<(usize, String)> {
        let Some(Node { value: Value::List(items), .. }) = root.get("expect") else { return vec![] };
        let text = &self.sources.0[0].text;
        let line = |node: &Node| 1 + text[..node.place.start.min(text.len())].matches('\n').count();
        items.iter().map(|item| (line(item), item.one_line())).collect()
    }

    /// The points of every figure over variants. Where something else is wrong, they are not looked for.
    fn points(
        &mut self,
        experiment: &Experiment,
        tree: &Node,
        variants: &[LoadedVariant],
    ) -> Vec<Vec<Point>> {
        if self.findings.iter().any(|finding| !finding.warning) {
            return vec![];
        }
        let trees: Vec<Option<Node>> = variants.iter().map(|v| effective(&v.experiment)).collect();
        let itself = Candidate { variant: None, changes: &[], tree };
        let changed = variants.iter().zip(&trees).filter_map(|(v, tree)| {
            Some(Candidate { variant: Some(&v.name), changes: &v.change, tree: tree.as_ref()? })
        });
        let candidates: Vec<Candidate<'_>> = std::iter::once(itself).chain(changed).collect();
        let mut all = vec![];
        for (index, figure) in experiment.figures.iter().enumerate() {
            let found = match figure.looped {
                None => points(figure, &candidates),
                Some(_) => loop_of(figure, variants).map(|()| vec![]),
            };
            all.push(found.unwrap_or_else(|wrong| {
                let path = format!("figures.{index}.{}", wrong.key);
                let place = find(tree, &path).map_or(tree.place, |node| node.place);
                let mut finding = Finding::error(place, wrong.message, wrong.label, wrong.help);
                finding.path = path;
                self.findings.push(finding);
                vec![]
            }));
        }
        all
    }

    fn variants(&mut self, tree: &Node, written: Option<&Node>) -> Vec<LoadedVariant> {
        let mut base = tree.clone();
        base.remove("variants");
        base.remove("expect");
        base.remove("figures");
        let sound = self.findings.iter().all(|f| f.warning);
        let known: Vec<Finding> = self.findings.clone();
        let variants = written.map_or(&[][..], Node::entries);
        variants.iter().filter_map(|variant| self.variant(&base, variant, sound, &known)).collect()
    }

    fn variant(
        &mut self,
        base: &Node,
        variant: &Entry,
        sound: bool,
        known: &[Finding],
    ) -> Option<LoadedVariant> {
        let mut tree = base.clone();
        let mut changes = vec![];
        for entry in variant.value.entries() {
            if let Err(finding) = change(&mut tree, &entry.key, &entry.value) {
                self.findings.push(*finding);
                return None;
            }
            changes.push((entry.key.text().unwrap_or("").to_owned(), entry.value.one_line()));
        }
        let before = self.findings.len();
        let experiment = self.experiment(&mut tree);
        if let Some(experiment) = &experiment
            && sound
        {
            let full = self.resolved(experiment, &tree)?;
            let mut found = check(experiment, &full, &self.poison);
            // What is wrong with the experiment itself has been said already.
            found.retain(|f| !known.iter().any(|k| k.place == f.place && k.path == f.path));
            for finding in &mut found {
                finding.message =
                    format!("{} (variant `{}`)", finding.message, variant.key.text().unwrap_or(""));
            }
            self.findings.extend(found);
        }
        if self.findings[before..].iter().any(|f| !f.warning) {
            return None;
        }
        let name = variant.key.text().unwrap_or("").to_owned();
        Some(LoadedVariant { name, change: changes, experiment: experiment? })
    }
}

/// That of a variant; the experiment's own workload is looked at where the experiment is.
fn loop_of(figure: &Figure, variants: &[LoadedVariant]) -> Result<(), NoPoints> {
    match variants.iter().find(|v| v.name == figure.variant) {
        Some(variant) if !has_a_loop(&variant.experiment) => {
            let message = format!("{NO_LOOP}; that of `{}` has none", variant.name);
            Err(NoPoints::new("variant", message, None))
        }
        _ => Ok(()),
    }
}

impl From<Malformed> for Finding {
    fn from(malformed: Malformed) -> Finding {
        Finding::error(malformed.place, malformed.message, String::new(), malformed.help)
    }
}
