//! Writes the results folder of a prediction: the answers, the figures, and the run that is drawn over them.
use super::super::exit::Failure;
use crate::{
    plot::{Figure, bifurcation, drift, ink::Theme},
    results::{FORMAT, Folder, Manifest, ResultsError, RunFiles, RunRecord, write_run},
    scenario::Plan,
    study::portrait::Portraits,
    theory::Predictions,
    verdict::{RunView, Summary},
};
use rayon::prelude::*;
use serde_json::Value;
use std::{path::PathBuf, time::Instant};

/// Writes everything, and says where.
pub(super) fn write(
    folder: Folder,
    plan: &Plan,
    predictions: &Predictions,
    portraits: &Portraits,
    document: &Value,
    (began, clock): (String, Instant),
) -> Result<PathBuf, Failure> {
    let Portraits { trace, judgement, .. } = portraits;
    let summary = Summary::new(&plan.baseline, judgement);
    let name = format!("baseline-sim-{}", trace.seed);
    folder.write("scenario.yaml", &plan.resolved)?;
    folder.write("predict.json", format!("{document:#}\n"))?;
    write_run(&folder, &RunFiles { folder: &name, trace, judgement, summary: &summary })?;
    let written = figures(plan, predictions, portraits).into_par_iter().map(|figure| {
        let name = format!("figures/{}", figure.name);
        folder.write(&format!("{name}.svg"), figure.svg())?;
        folder.write(&format!("{name}.png"), figure.png(Theme::Light))?;
        folder.write(&format!("{name}.dark.png"), figure.png(Theme::Dark))
    });
    written.collect::<Result<(), ResultsError>>()?;
    let run = RunRecord {
        variant: "baseline".into(),
        engine: "simulated".into(),
        seed: trace.seed,
        folder: name,
        unfit: vec![],
        summary,
    };
    let manifest =
        serde_json::to_string_pretty(&manifest(plan, began, clock, run)).expect("a manifest is plain data");
    folder.write("manifest.json", manifest)?;
    Ok(folder.finish()?)
}

fn figures(plan: &Plan, predictions: &Predictions, portraits: &Portraits) -> Vec<Figure> {
    let run = RunView {
        variant: "baseline",
        engine: "simulated",
        scenario: &plan.baseline,
        trace: &portraits.trace,
        judgement: &portraits.judgement,
    };
    let pairs = predictions.services.iter().zip(&portraits.services);
    let drawn = pairs.flat_map(|(prediction, portrayed)| {
        [drift(prediction, &portrayed.way, &run), bifurcation(&prediction.hand, &portrayed.settles, &run)]
    });
    drawn.flatten().collect()
}

fn manifest(plan: &Plan, began: String, clock: Instant, run: RunRecord) -> Manifest {
    Manifest {
        format: FORMAT,
        lab: env!("CARGO_PKG_VERSION"),
        study: "predict",
        config: plan.name.clone(),
        title: plan.baseline.title.clone(),
        began,
        took_s: clock.elapsed().as_secs_f64(),
        command: std::env::args().collect(),
        host: super::super::run::host(),
        interrupted: false,
        runs: vec![run],
        agreement: vec![],
        expectations: vec![],
    }
}
