//! The figures of a module, drawn from runs of its configs.
use super::{measure::staircase, read::Lecture};
use crate::{
    config::lecture::{Kind, LoadedPicture},
    engine::sim::sim,
    plot::{Figure, bifurcation, comparison, drift, loops, percentiles, phase_maps, timeline, wanted},
    scenario::{Plan, Scenario, load_grid},
    study::{Watch, hysteresis::hysteresis, portrait::portraits},
    sweep::{self, Store},
    theory::predict,
    trace::Trace,
    verdict::{Judgement, RunView, judge_sim},
};
use rayon::prelude::*;

/// All figures of `lecture`, by name.
///
/// # Errors
/// Which one cannot be drawn, and why.
pub fn draw(lecture: &Lecture) -> Result<Vec<(String, Figure)>, String> {
    let one = |picture: &LoadedPicture| {
        let drawn = of(lecture, picture);
        let named = drawn.map(|figure| (picture.name.clone(), figure));
        named.map_err(|why| format!("figure `{}` of `{}`: {why}", picture.name, lecture.volume.name))
    };
    lecture.answers.figures.par_iter().map(one).collect()
}

/// A run, judged.
struct Run<'a> {
    variant: &'a str,
    scenario: &'a Scenario,
    trace: Trace,
    judgement: Judgement,
}

impl<'a> Run<'a> {
    fn new(variant: &'a str, scenario: &'a Scenario, seed: u64) -> Run<'a> {
        let trace = sim(scenario, seed);
        let judgement = judge_sim(scenario, &trace);
        Run { variant, scenario, trace, judgement }
    }

    fn view(&self) -> RunView<'_> {
        let Run { variant, scenario, trace, judgement } = self;
        RunView { variant, engine: "simulated", scenario, trace, judgement }
    }
}

fn of(lecture: &Lecture, loaded: &LoadedPicture) -> Result<Figure, String> {
    let picture = &loaded.picture;
    if picture.draw == Kind::PhaseMap {
        return phase_map(loaded);
    }
    let plan = lecture.plan(&loaded.config, &loaded.set);
    let name = if picture.variant.is_empty() { "baseline" } else { &picture.variant };
    let scenario = lecture.scenario(&loaded.config, &loaded.set, &picture.variant);
    let one = || Run::new(name, scenario, scenario.seed);
    let nothing = || "there is nothing to draw of this config".to_owned();
    match picture.draw {
        Kind::Timeline => Ok(timeline(&one().view())),
        Kind::Percentiles => Ok(percentiles(&one().view())),
        Kind::Comparison => Ok(compared(plan, &picture.variants)),
        Kind::Asked => asked(lecture, plan, picture.number),
        Kind::Loops => {
            let (stairs, dwell) = staircase(lecture, scenario).ok_or_else(nothing)?;
            let seeds = lecture.answers.file.seeds as usize;
            Ok(loops(&hysteresis(scenario, &stairs, dwell, seeds, &Watch::ALONE), scenario))
        }
        Kind::Drift => {
            let predicted = predict(scenario);
            let portraits = portraits(scenario, &predicted);
            let (prediction, portrayed) =
                predicted.services.first().zip(portraits.services.first()).ok_or_else(nothing)?;
            drift(prediction, &portrayed.way, &one().view()).ok_or_else(nothing)
        }
        Kind::Bifurcation => {
            let predicted = predict(scenario);
            let portraits = portraits(scenario, &predicted);
            let (prediction, portrayed) =
                predicted.services.first().zip(portraits.services.first()).ok_or_else(nothing)?;
            bifurcation(&prediction.hand, &portrayed.settles, &one().view()).ok_or_else(nothing)
        }
        Kind::PhaseMap => unreachable!("drawn above, from a sweep"),
    }
}

/// The experiment itself and its variants, by name.
fn members(plan: &Plan) -> impl Iterator<Item = (&str, &Scenario)> {
    let variants = plan.variants.iter().map(|v| (v.name.as_str(), &v.scenario));
    std::iter::once(("baseline", &plan.baseline)).chain(variants)
}

fn compared(plan: &Plan, chosen: &[String]) -> Figure {
    let named = |wanted: &String| members(plan).find(|(name, _)| name == wanted);
    let members: Vec<(&str, &Scenario)> = match chosen {
        [] => members(plan).collect(),
        // In the order in which the text speaks of them.
        chosen => chosen.iter().filter_map(named).collect(),
    };
    let runs: Vec<Run<'_>> = members.par_iter().map(|(name, s)| Run::new(name, s, s.seed)).collect();
    comparison(&runs.iter().map(Run::view).collect::<Vec<_>>())
}

fn asked(lecture: &Lecture, plan: &Plan, number: u32) -> Result<Figure, String> {
    let figure = plan.figures.get((number as usize).wrapping_sub(1));
    let figure = figure.ok_or_else(|| format!("the config asks for {} figures", plan.figures.len()))?;
    let seeds = u64::from(lecture.answers.file.seeds);
    let jobs: Vec<(&str, &Scenario, u64)> =
        members(plan).flat_map(|(name, s)| (0..seeds).map(move |n| (name, s, s.seed + n))).collect();
    let runs: Vec<Run<'_>> = jobs.par_iter().map(|(name, s, seed)| Run::new(name, s, *seed)).collect();
    let views: Vec<RunView<'_>> = runs.iter().map(Run::view).collect();
    wanted(figure, &views).ok_or_else(|| "what it shows did not run".into())
}

/// All cells of a sweep, round by round, and their map.
fn phase_map(loaded: &LoadedPicture) -> Result<Figure, String> {
    let plan = sweep::Plan::new(load_grid(&loaded.config).map_err(|errors| errors.to_string())?);
    let mut store = Store::default();
    loop {
        let progress = sweep::Progress::of(&plan, &store);
        if progress.is_complete() {
            break;
        }
        let missing: Vec<sweep::Cell> = progress.missing.iter().map(|index| progress.cells[*index]).collect();
        let found = missing.par_iter().map(|cell| {
            let seed = plan.grid.seed(cell.point, cell.replication);
            (plan.key(*cell), sweep::simulate(&plan.grid.points[cell.point].scenario, seed))
        });
        for (key, found) in found.collect::<Vec<_>>() {
            store.keep(key, found);
        }
    }
    let merged = sweep::merge(&plan, &store).map_err(|error| error.to_string())?;
    phase_maps(&plan.grid, &merged).into_iter().next().ok_or_else(|| "the sweep has no `map`".into())
}
