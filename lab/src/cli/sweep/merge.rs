//! `lab sweep merge`: puts everything together and writes it to a results folder.
use super::{Exit, Out, Outcome, SweepFile, plan, tell};
use crate::{
    cli::run::host,
    plot::{Figure, ink::Theme, phase_maps},
    results::{FORMAT, Folder, Manifest, ResultsError, now},
    sweep::{Merged, Plan, Progress, merge, read},
};
use rayon::prelude::*;
use serde_json::json;
use std::{path::PathBuf, time::Instant};

/// Put everything together: data, figure. Exit code 3 if cells are missing.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lab sweep merge configs/sweeps/load-by-spike.yaml -o out
  lab sweep merge configs/sweeps/load-by-spike.yaml -o out --partial")]
pub(super) struct Args {
    #[command(flatten)]
    sweep: SweepFile,
    #[command(flatten)]
    out: Out,
    /// Merge what is there, as a draft, although cells are missing
    #[arg(long)]
    partial: bool,
    /// Where results go
    #[arg(long, value_name = "DIR", default_value = "results")]
    results: PathBuf,
    /// Write no figure
    #[arg(long)]
    no_figures: bool,
    /// Print one JSON document instead of text
    #[arg(long)]
    json: bool,
}

pub(super) fn merge_all(args: &Args) -> Outcome {
    let plan = plan(&args.sweep.file)?;
    let store = read(&args.out.out)?;
    let progress = Progress::of(&plan, &store);
    if !progress.is_complete() && !args.partial {
        eprint!("{}", tell::refusal(&progress));
        return Ok(Exit::Incomplete);
    }
    let (began, time) = now();
    let clock = stopwatch();
    let folder = Folder::create(&args.results, &plan.grid.name, &time)?;
    let merged = merge(&plan, &store)?;
    folder.write("sweep.json", serde_json::to_string_pretty(&merged).expect("plain data") + "\n")?;
    folder.write("points.csv", tell::csv(&plan, &merged))?;
    folder.write("sweep.yaml", &plan.grid.resolved)?;
    if !args.no_figures {
        figures(&folder, &phase_maps(&plan.grid, &merged))?;
    }
    let manifest = manifest(&plan, &merged, began, clock.elapsed().as_secs_f64());
    folder.write("manifest.json", serde_json::to_string_pretty(&manifest).expect("plain data"))?;
    let path = folder.finish()?;
    if args.json {
        let Merged { plan: id, cells, missing, points, .. } = &merged;
        let document = json!({
            "version": 1, "sweep": plan.grid.name, "plan": id, "cells": cells, "missing": missing, "results": path,
            "points": points,
        });
        println!("{document:#}");
    } else {
        print!("{}", tell::merged(&plan, &merged, &path));
    }
    Ok(Exit::Done)
}

fn figures(folder: &Folder, figures: &[Figure]) -> Result<(), ResultsError> {
    let write = |figure: &Figure| {
        let name = format!("figures/{}", figure.name);
        folder.write(&format!("{name}.svg"), figure.svg())?;
        folder.write(&format!("{name}.png"), figure.png(Theme::Light))?;
        folder.write(&format!("{name}.dark.png"), figure.png(Theme::Dark))
    };
    figures.par_iter().map(write).collect()
}

fn manifest(plan: &Plan, merged: &Merged, began: String, took_s: f64) -> Manifest {
    Manifest {
        format: FORMAT,
        lab: env!("CARGO_PKG_VERSION"),
        study: "sweep",
        config: plan.grid.name.clone(),
        title: merged.title.clone(),
        began,
        took_s,
        command: std::env::args().collect(),
        host: host(),
        interrupted: merged.missing > 0,
        runs: vec![],
        agreement: vec![],
        expectations: vec![],
    }
}

#[expect(clippy::disallowed_methods, reason = "how long it took is kept in the manifest alone")]
fn stopwatch() -> Instant {
    Instant::now()
}
