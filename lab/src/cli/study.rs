//! What verbs that study a config by many simulations have in common: their config, and the results folder they write.
use super::{exit::Failure, interrupt};
use crate::{
    config::units::Duration,
    plot::{Figure, ink::Theme},
    results::{FORMAT, Folder, Manifest, now},
    scenario::plan::{Plan, load},
};
use lab_core::time::Span;
use serde_json::Value;
use std::{
    path::{Path, PathBuf},
    time::Instant,
};

/// A study under way.
pub(super) struct Study {
    verb: &'static str,
    pub(super) plan: Plan,
    folder: Folder,
    began: String,
    clock: Instant,
}

/// What is asked of every study.
#[derive(Debug, clap::Args)]
pub(super) struct Common {
    /// Change the experiment: a dotted path and its new value, in YAML
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub(super) set: Vec<String>,
    /// The first seed
    #[arg(long, value_name = "S")]
    pub(super) seed: Option<u64>,
    /// Where results go
    #[arg(long, value_name = "DIR", default_value = "results")]
    pub(super) results: PathBuf,
    /// Write no figures
    #[arg(long)]
    pub(super) no_figures: bool,
    /// Print one JSON document instead of text
    #[arg(long)]
    pub(super) json: bool,
}

/// A length of time on the command line, such as `20 min`.
pub(super) fn span(text: &str) -> Result<Span, String> {
    let Duration(span) = text.parse()?;
    if span == Span::ZERO { Err("nothing can be seen in no time".into()) } else { Ok(span) }
}

impl Study {
    /// Reads the config, and begins its results: that they cannot be written is better known before than after.
    pub(super) fn begin(verb: &'static str, config: &Path, common: &Common) -> Result<Study, Failure> {
        let mut set = common.set.clone();
        set.extend(common.seed.map(|seed| format!("seed={seed}")));
        let plan = load(config, &set)?;
        for warning in &plan.warnings {
            eprintln!("{warning}\n");
        }
        let (began, time) = now();
        let folder = Folder::create(&common.results, &plan.name, &time)?;
        interrupt::listen();
        Ok(Study { verb, plan, folder, began, clock: stopwatch() })
    }

    /// Writes what was found as `<verb>.json`, and the figures, light and dark. Says where.
    pub(super) fn finish(self, found: &Value, figures: &[Figure]) -> Result<PathBuf, Failure> {
        let Study { verb, plan, folder, began, clock } = self;
        folder.write("scenario.yaml", &plan.resolved)?;
        folder.write(&format!("{verb}.json"), format!("{found:#}\n"))?;
        for figure in figures {
            let name = format!("figures/{}", figure.name);
            folder.write(&format!("{name}.svg"), figure.svg())?;
            folder.write(&format!("{name}.png"), figure.png(Theme::Light))?;
            folder.write(&format!("{name}.dark.png"), figure.png(Theme::Dark))?;
        }
        let manifest = Manifest {
            format: FORMAT,
            lab: env!("CARGO_PKG_VERSION"),
            study: verb,
            config: plan.name,
            title: plan.baseline.title,
            began,
            took_s: clock.elapsed().as_secs_f64(),
            command: std::env::args().collect(),
            host: super::run::host(),
            interrupted: interrupt::interrupted(),
            runs: vec![],
            agreement: vec![],
            expectations: vec![],
        };
        let manifest = serde_json::to_string_pretty(&manifest).expect("a manifest is plain data");
        folder.write("manifest.json", manifest)?;
        Ok(folder.finish()?)
    }
}

#[expect(clippy::disallowed_methods, reason = "how long it took is kept in the manifest alone")]
fn stopwatch() -> Instant {
    Instant::now()
}
