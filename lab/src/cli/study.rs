//! What the verbs that run studies share: the config, the results folder, and someone who watches.
use super::{
    exit::{Exit, Failure},
    interrupt, progress,
    writing::{self, stopwatch, write_figures},
};
use crate::{
    config::units::Duration,
    plot::Figure,
    results::{Folder, Manifest, now},
    scenario::{Plan, load},
    study::Watch,
};
use lab_core::time::Span;
use serde_json::{Value, json};
use std::{path::PathBuf, time::Instant};

/// Options of every study.
#[derive(Debug, clap::Args)]
pub(super) struct Common {
    /// A config file
    #[arg(value_name = "CONFIG")]
    config: PathBuf,
    /// Change the experiment: a dotted path and its new value, in YAML
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub(super) set: Vec<String>,
    /// How many seeds, from the first one on
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(4..=10_000))]
    seeds: Option<u32>,
    /// The first seed
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
    /// Where results go
    #[arg(long, value_name = "DIR", default_value = "results")]
    results: PathBuf,
    /// Write no figures
    #[arg(long)]
    no_figures: bool,
    /// Print one JSON document instead of tables
    #[arg(long)]
    pub(super) json: bool,
}

/// A study under way: its folder is made, its clock runs.
pub(super) struct Study<'a> {
    common: &'a Common,
    pub(super) plan: Plan,
    folder: Folder,
    began: String,
    clock: Instant,
}

/// What came of a study.
pub(super) struct Found {
    /// The verb, and the name of the file with its results.
    pub(super) verb: &'static str,
    /// For machines.
    pub(super) document: Value,
    /// For people.
    pub(super) text: String,
    /// The figures that could be drawn.
    pub(super) figures: Vec<Figure>,
    /// How the verb ends.
    pub(super) exit: Exit,
}

impl Common {
    /// How many seeds; `usual` where the user does not say.
    pub(super) fn seeds(&self, usual: usize) -> usize {
        self.seeds.map_or(usual, |n| n as usize)
    }

    /// The changes to the config, the first seed among them.
    pub(super) fn changes(&self) -> Vec<String> {
        self.set.iter().cloned().chain(self.seed.map(|seed| format!("seed={seed}"))).collect()
    }

    /// Reads the config.
    pub(super) fn plan(&self) -> Result<Plan, Failure> {
        let plan = load(&self.config, &self.changes())?;
        for warning in &plan.warnings {
            eprintln!("{warning}\n");
        }
        Ok(plan)
    }

    /// Begins a study of `plan`. What the user wrote has been checked by now.
    pub(super) fn begin(&self, plan: Plan) -> Result<Study<'_>, Failure> {
        interrupt::listen();
        let (began, time) = now();
        let folder = Folder::create(&self.results, &plan.name, &time)?;
        Ok(Study { common: self, plan, folder, began, clock: stopwatch() })
    }
}

impl Study<'_> {
    /// Runs `study`, which is watched and can be stopped; `runs` is about how many runs it makes.
    pub(super) fn watched<T>(&self, what: &str, runs: u64, study: impl FnOnce(&Watch<'_>) -> T) -> T {
        let bar = progress::bar(&format!("{what} {}", self.plan.name), runs, self.common.json);
        let found = study(&Watch { done: &|runs| bar.inc(runs), stopped: &interrupt::interrupted });
        bar.finish_and_clear();
        found
    }

    /// Writes the folder, tells what was found, and says how the verb ends.
    pub(super) fn finish(self, found: Found) -> Result<Exit, Failure> {
        let Study { common, plan, folder, began, clock } = self;
        let interrupted = interrupt::interrupted();
        let exit = if interrupted { Exit::Interrupted } else { found.exit };
        let document = json!({
            "version": 1,
            "config": plan.name,
            "title": plan.baseline.title,
            "interrupted": interrupted,
            "exit_code": exit.number(),
            found.verb: found.document,
        });
        folder.write("scenario.yaml", &plan.resolved)?;
        folder.write(&format!("{}.json", found.verb), format!("{document:#}\n"))?;
        if !common.no_figures {
            write_figures(&folder, &found.figures.iter().collect::<Vec<_>>())?;
        }
        let manifest = Manifest {
            interrupted,
            ..writing::manifest(
                found.verb,
                (&plan.name, &plan.baseline.title),
                began,
                clock.elapsed().as_secs_f64(),
            )
        };
        folder.write("manifest.json", writing::text(&manifest))?;
        let path = folder.finish()?;
        if common.json {
            let mut document = document;
            document["results"] = json!(path);
            println!("{document:#}");
        } else {
            print!("{} · {}\n\n{}", plan.name, plan.baseline.title, found.text);
            if interrupted {
                println!("\ninterrupted: this rests on what was done until then");
            }
            println!("\n{}  ({:.1} s)", path.display(), clock.elapsed().as_secs_f64());
        }
        Ok(exit)
    }
}

/// An interval in brackets, or a word that there is none.
pub(super) fn interval(of: Option<(f64, f64)>, shown: impl Fn(f64) -> String) -> String {
    of.map_or("no interval".into(), |(low, high)| format!("95 %: {} to {}", shown(low), shown(high)))
}

/// A length of time on the command line, such as `20 min`.
pub(super) fn span(text: &str) -> Result<Span, String> {
    let Duration(span) = text.parse()?;
    if span == Span::ZERO { Err("nothing can be seen in no time".into()) } else { Ok(span) }
}
