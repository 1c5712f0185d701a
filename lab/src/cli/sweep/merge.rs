//! `lab sweep merge`: puts everything together and writes it to a results folder.
use super::{Exit, Out, Outcome, SweepFile, plan, tell};
use crate::{
    cli::writing::{self, stopwatch, write_figures},
    plot::phase_maps,
    results::{Folder, Manifest, now},
    sweep::{Merged, Progress, merge, read},
};
use serde_json::json;
use std::path::PathBuf;

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
        write_figures(&folder, &phase_maps(&plan.grid, &merged).iter().collect::<Vec<_>>())?;
    }
    let took_s = clock.elapsed().as_secs_f64();
    let manifest = Manifest {
        interrupted: merged.missing > 0,
        ..writing::manifest("sweep", (&plan.grid.name, &merged.title), began, took_s)
    };
    folder.write("manifest.json", writing::text(&manifest))?;
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
        print!("{}", tell::unfit(&progress));
    }
    Ok(Exit::Done)
}
