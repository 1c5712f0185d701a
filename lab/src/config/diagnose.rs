//! Messages about a config: where, what was found, what is allowed, what may have been meant.
use super::node::{Place, Sources};
use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use std::fmt;

/// Something that is wrong, or looks wrong.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Whether it is a warning only.
    pub warning: bool,
    /// Where.
    pub place: Place,
    /// The dotted path of the setting, if that is known.
    pub path: String,
    /// What was found.
    pub message: String,
    /// What is allowed, beside the excerpt.
    pub label: String,
    /// What may have been meant, or what to do.
    pub help: Option<String>,
}

impl Finding {
    /// Something wrong.
    pub fn error(place: Place, message: String, label: String, help: Option<String>) -> Finding {
        Finding { warning: false, place, path: String::new(), message, label, help }
    }

    /// Something that looks wrong but runs.
    pub fn into_warning(mut self) -> Finding {
        self.warning = true;
        self
    }

    /// As text, with an excerpt of the source.
    pub fn render(&self, sources: &Sources) -> String {
        let title = match self.path.as_str() {
            "" => self.message.clone(),
            path => format!("{path}: {}", self.message),
        };
        let level = if self.warning { Level::WARNING } else { Level::ERROR };
        let mut group = level
            .primary_title(title.as_str())
            .elements(Vec::<Snippet<'_, annotate_snippets::Annotation<'_>>>::new());
        if let Some(source) = sources.0.get(self.place.source) {
            let end = self.place.end.min(source.text.len());
            let start = self.place.start.min(end);
            // An excerpt of one line is enough, whatever the length of the block.
            let line_end = source.text[start..].find('\n').map_or(source.text.len(), |n| start + n);
            let mut mark = AnnotationKind::Primary.span(start..end.min(line_end));
            if !self.label.is_empty() {
                mark = mark.label(self.label.as_str());
            }
            group = group
                .element(Snippet::source(source.text.as_str()).path(source.name.as_str()).annotation(mark));
        }
        if let Some(help) = &self.help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        Renderer::plain().render(&[group])
    }
}

/// Everything that is wrong with a config, in order of its place.
#[derive(Clone, Debug)]
pub struct ConfigErrors {
    findings: Vec<Finding>,
    sources: Sources,
}

impl ConfigErrors {
    /// `findings` about `sources`; each is kept once.
    pub fn new(findings: Vec<Finding>, sources: Sources) -> ConfigErrors {
        let mut kept: Vec<Finding> = vec![];
        for finding in findings {
            if !kept.iter().any(|k| k.place == finding.place && k.message == finding.message) {
                kept.push(finding);
            }
        }
        kept.sort_by_key(|f| (f.place.source, f.place.start));
        ConfigErrors { findings: kept, sources }
    }

    /// A single error that no text is to blame for, such as a file that cannot be read.
    pub fn plain(message: String, help: Option<String>) -> ConfigErrors {
        let nowhere = Place { source: usize::MAX, start: 0, end: 0 };
        let finding = Finding::error(nowhere, message, String::new(), help);
        ConfigErrors { findings: vec![finding], sources: Sources::default() }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.findings.len()
    }

    /// What they are.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, finding) in self.findings.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n\n" };
            write!(f, "{separator}{}", finding.render(&self.sources))?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

/// The candidate that `written` was probably meant to be, as a question.
pub fn suggest(written: &str, candidates: &[impl AsRef<str>]) -> Option<String> {
    let lower = written.to_lowercase().replace(['-', ' '], "_");
    let distance = |c: &str| strsim::damerau_levenshtein(&lower, c);
    if lower.len() > 1
        && let Some(longer) = candidates.iter().map(AsRef::as_ref).find(|c| c.starts_with(&lower))
    {
        return Some(format!("did you mean `{longer}`?"));
    }
    let (best, far) = candidates.iter().map(|c| (c.as_ref(), distance(c.as_ref()))).min_by_key(|c| c.1)?;
    (far > 0 && far <= (lower.chars().count() / 3).max(1)).then(|| format!("did you mean `{best}`?"))
}
