//! Writes the results folder of a prediction: the answers, the figures, and the run that is drawn over them.
use crate::{
    cli::{
        exit::Failure,
        writing::{self, write_figures},
    },
    plot::{Figure, bifurcation, drift},
    results::{Folder, Manifest, RunFiles, RunRecord, write_run},
    scenario::Plan,
    study::portrait::Portraits,
    theory::Predictions,
    verdict::{RunView, Summary},
};
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
    let figures = figures(plan, predictions, portraits);
    write_figures(&folder, &figures.iter().collect::<Vec<_>>())?;
    let run = RunRecord {
        variant: "baseline".into(),
        engine: "simulated".into(),
        seed: trace.seed,
        folder: name,
        unfit: vec![],
        summary,
    };
    let took_s = clock.elapsed().as_secs_f64();
    let manifest = Manifest {
        runs: vec![run],
        ..writing::manifest("predict", (&plan.name, &plan.baseline.title), began, took_s)
    };
    folder.write("manifest.json", writing::text(&manifest))?;
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
