//! Writes the results folder of an experiment.
use super::{Args, Experiment, Failure, Run, report};
use crate::{
    cli::writing::{self, write_figures},
    plot::{Figure, comparison, overlay, percentiles, timeline, wanted},
    report::html,
    results::{Folder, Manifest, ResultsError, RunFiles, RunRecord, write_run},
    scenario::Plan,
    verdict::RunView,
};
use rayon::prelude::*;
use std::path::PathBuf;

/// The figures of an experiment, by their place in the report.
pub(super) struct Figures {
    /// The baseline over time.
    pub(super) timeline: Figure,
    /// All variants; none where there is only the baseline.
    pub(super) comparison: Option<Figure>,
    /// Those that the config asks for.
    pub(super) wanted: Vec<Figure>,
    pub(super) percentiles: Figure,
    /// Live over simulated.
    pub(super) overlay: Option<Figure>,
    /// The other runs over time.
    pub(super) more: Vec<Figure>,
}

/// Writes everything, and says where.
pub(super) fn write(args: &Args, folder: Folder, experiment: &Experiment<'_>) -> Result<PathBuf, Failure> {
    folder.write("scenario.yaml", &experiment.plan.resolved)?;
    let runs = experiment.runs.par_iter().map(|run| {
        let Run { trace, judgement, summary, .. } = run;
        write_run(&folder, &RunFiles { folder: &run.folder(), trace, judgement, summary })
    });
    runs.collect::<Result<(), ResultsError>>()?;
    if !args.no_figures {
        let figures = Figures::draw(experiment.plan, &experiment.runs);
        let page = || html(&report::input(experiment, &figures));
        let (written, page) = rayon::join(|| write_figures(&folder, &figures.all()), page);
        written?;
        folder.write("report.html", page)?;
    }
    folder.write("manifest.json", writing::text(&manifest(experiment)))?;
    Ok(folder.finish()?)
}

impl Figures {
    /// Draws the runs of the first seed, and of all seeds what the config asks for.
    fn draw(plan: &Plan, runs: &[Run]) -> Figures {
        let seed = runs[0].seed;
        let views: Vec<RunView<'_>> = runs.iter().filter(|run| run.seed == seed).map(Run::view).collect();
        let main = views[0];
        let compared: Vec<RunView<'_>> = views.iter().filter(|v| v.engine == main.engine).copied().collect();
        let live = views.iter().find(|v| v.variant == main.variant && v.engine != main.engine);
        let all: Vec<RunView<'_>> = runs.iter().map(Run::view).filter(|v| v.engine == main.engine).collect();
        Figures {
            wanted: plan.figures.iter().filter_map(|figure| wanted(figure, &all)).collect(),
            timeline: timeline(&main),
            comparison: (compared.len() > 1).then(|| comparison(&compared)),
            percentiles: percentiles(&main),
            overlay: live.map(|live| overlay(&main, live)),
            more: views[1..].par_iter().map(timeline).collect(),
        }
    }

    pub(super) fn all(&self) -> Vec<&Figure> {
        let main =
            [Some(&self.timeline), self.comparison.as_ref(), Some(&self.percentiles), self.overlay.as_ref()];
        main.into_iter().flatten().chain(&self.wanted).chain(&self.more).collect()
    }
}

fn manifest(experiment: &Experiment<'_>) -> Manifest {
    let Experiment { plan, runs, agreement, expectations, interrupted, began, took_s } = experiment;
    Manifest {
        interrupted: *interrupted,
        runs: runs.iter().map(record).collect(),
        agreement: agreement.clone(),
        expectations: expectations.clone(),
        ..writing::manifest("", (&plan.name, &plan.baseline.title), began.clone(), *took_s)
    }
}

pub(super) fn record(run: &Run) -> RunRecord {
    RunRecord {
        variant: run.variant.clone(),
        engine: run.engine.into(),
        seed: run.seed,
        folder: run.folder(),
        unfit: run.unfit.clone(),
        summary: run.summary.clone(),
    }
}
