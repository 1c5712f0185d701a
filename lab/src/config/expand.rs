//! Puts in place what a config names: workload files, presets, and the folders of recorded data.
use super::{
    diagnose::{Finding, suggest},
    node::{Node, Place, Source, Sources, Value},
    parse::parse,
    preset,
    read::Poison,
};
use std::path::{Path, PathBuf};

/// What expanding needs and changes.
pub(super) struct Expander<'a> {
    pub(super) folder: &'a Path,
    pub(super) sources: &'a mut Sources,
    pub(super) findings: &'a mut Vec<Finding>,
    pub(super) poison: &'a mut Poison,
}

impl Expander<'_> {
    /// Expands the whole tree of an experiment. Once expanded, a tree stays as it is.
    pub(super) fn experiment(&mut self, root: &mut Node) {
        self.workload(root);
        if let Some(Node { value: Value::Map(clients), .. }) = root.get_mut("clients") {
            for client in clients {
                self.workload(&mut client.value);
                self.preset(&mut client.value, "retry");
                self.preset(&mut client.value, "hedge");
            }
        }
        if let Some(Node { value: Value::Map(services), .. }) = root.get_mut("services") {
            for service in services {
                self.preset(&mut service.value, "membership");
            }
        }
        for block in ["triggers", "levers"] {
            if let Some(Node { value: Value::Map(all), .. }) = root.get_mut(block) {
                for one in all {
                    self.settings(&mut one.value);
                }
            }
        }
        self.recordings(root);
    }

    /// Expands the retry policies among the settings that a trigger or a lever changes.
    fn settings(&mut self, one: &mut Node) {
        let settings = one.get_mut("do").and_then(|action| action.get_mut("set"));
        let Some(Node { value: Value::Map(settings), .. }) = settings else { return };
        for setting in settings {
            if setting.key.text().is_some_and(|path| path.ends_with(".retry")) {
                self.preset_of(&mut setting.value, "retry");
            }
        }
    }

    fn wrong(&mut self, node: &Node, path: &str, message: String, help: Option<String>) {
        self.poison.add(node);
        let mut finding = Finding::error(node.place, message, String::new(), help);
        finding.path = path.into();
        self.findings.push(finding);
    }

    /// Replaces `workload: NAME` in `parent` by what the file of that name holds.
    fn workload(&mut self, parent: &mut Node) {
        let Some(written) = parent.get("workload").cloned() else { return };
        let Some(name) = written.text().filter(|_| !written.is_null()) else { return };
        match self.read_workload(name) {
            Ok(node) => {
                if let Some(place) = parent.get_mut("workload") {
                    *place = node;
                }
            }
            Err((message, help)) => self.wrong(&written, "workload", message, help),
        }
    }

    fn read_workload(&mut self, name: &str) -> Result<Node, (String, Option<String>)> {
        if name.contains(['/', '\\', '\0']) || name.starts_with('.') || name.ends_with(".yaml") {
            let stem = Path::new(name).file_stem().and_then(|s| s.to_str()).unwrap_or("steady-560");
            let message =
                format!("expected the name of a workload, without folder and ending, found `{name}`");
            return Err((message, Some(format!("did you mean `{stem}`?"))));
        }
        let folder = self.folder.ancestors().map(|a| a.join("workloads")).find(|w| w.is_dir());
        let Some(folder) = folder else {
            let message =
                format!("there is no folder `workloads` in `{}` or above it", self.folder.display());
            return Err((
                message,
                Some(format!("make it and put `{name}.yaml` there, or write the workload here")),
            ));
        };
        let file = shortened(folder.join(format!("{name}.yaml")));
        let text = std::fs::read_to_string(&file).map_err(|error| {
            let names = yaml_files(&folder);
            let help = suggest(name, &names).or_else(|| {
                (!names.is_empty())
                    .then(|| format!("there are {}", super::read::any_of(&names).replace(" or ", " and ")))
            });
            (format!("cannot read the workload `{}`: {error}", file.display()), help)
        })?;
        let known = self.sources.0.iter().position(|s| s.name == file.display().to_string());
        let source = known.unwrap_or_else(|| {
            self.sources.0.push(Source { name: file.display().to_string(), text: text.clone() });
            self.sources.0.len() - 1
        });
        match parse(&text, source) {
            Ok((node, repeated)) => {
                self.findings.extend(repeated.into_iter().map(Finding::from));
                Ok(node)
            }
            Err(malformed) => {
                self.findings.push(malformed.into());
                Err((format!("the workload `{name}` cannot be used"), None))
            }
        }
    }

    /// Replaces `preset: NAME` in a block of `parent` by the preset's settings, under those that are written beside it.
    fn preset(&mut self, parent: &mut Node, block: &str) {
        if let Some(written) = parent.get_mut(block) {
            self.preset_of(written, block);
        }
    }

    /// The same in `written`, which is such a block.
    fn preset_of(&mut self, written: &mut Node, block: &str) {
        let Some(entry) = written.entry("preset").cloned() else { return };
        let Some(name) = entry.value.text() else { return };
        let Some(preset) = preset::find(block, name) else {
            let names = preset::names(block);
            let help = suggest(name, &names);
            let mut finding = Finding::error(
                entry.value.place,
                format!("there is no preset `{name}`"),
                format!("expected {}", super::read::any_of(&names)),
                help,
            );
            finding.path = format!("{block}.preset");
            self.findings.push(finding);
            self.poison.add(written);
            return;
        };
        written.remove("preset");
        let mut settings = preset::over(preset.settings(entry.value.place), written);
        settings.place = written.place;
        settings.id = written.id;
        *written = settings;
    }

    /// Makes the paths of recorded files absolute: relative ones start at the file in which they are written.
    fn recordings(&mut self, node: &mut Node) {
        match &mut node.value {
            Value::Scalar { .. } => {}
            Value::List(items) => items.iter_mut().for_each(|item| self.recordings(item)),
            Value::Map(entries) => {
                for entry in entries {
                    if entry.key.text() == Some("recorded")
                        && let Some(file) = entry.value.get_mut("file")
                    {
                        let folder = self.folder_of(file.place);
                        if let Value::Scalar { text, .. } = &mut file.value
                            && !text.is_empty()
                        {
                            *text = folder.join(&*text).display().to_string();
                        }
                    }
                    self.recordings(&mut entry.value);
                }
            }
        }
    }

    fn folder_of(&self, place: Place) -> PathBuf {
        let file = self.sources.0.get(place.source).map(|s| Path::new(&s.name)).filter(|p| p.is_file());
        let folder = file.and_then(|f| f.canonicalize().ok()?.parent().map(Path::to_owned));
        folder.unwrap_or_else(|| self.folder.to_owned())
    }
}

/// `path` as seen from the working folder, if it lies there.
fn shortened(path: PathBuf) -> PathBuf {
    let inside =
        std::env::current_dir().ok().and_then(|here| path.strip_prefix(here).ok().map(Path::to_owned));
    inside.unwrap_or(path)
}

/// The names of the YAML files in a folder, without ending, in order.
fn yaml_files(folder: &Path) -> Vec<String> {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|e| e.path());
    let yaml = files.filter(|p| p.extension().is_some_and(|e| e == "yaml"));
    let mut names: Vec<String> =
        yaml.filter_map(|p| p.file_stem().map(|s| s.to_string_lossy().into_owned())).collect();
    names.sort();
    names
}
