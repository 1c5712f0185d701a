//! `lab agree`: formulas, Markov chain, fluid, simulation and live runs on the same questions.
use super::{
    exit::{Exit, Outcome},
    study::{Common, Found},
    table::Table,
};
use crate::{
    plot::agreement as figure,
    scenario::Scenario,
    study::{
        agreement::{Agreement, Answer, Level, Live, Row, agreement},
        axis::{Axis, Unit, natural},
    },
    verdict::Verdict,
};

/// Ask formulas, a Markov chain, a fluid, simulation and the live service the same questions, and say how far apart the answers are.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lab agree configs/retry-storm.yaml
  lab agree configs/retry-storm.yaml --live

With --live the service is run four times more: on either side of the threshold, and of the hidden capacity.

Exit codes: 0 all that can be compared agrees, 1 something does not, 2 a live run was unfit")]
pub(super) struct Args {
    #[command(flatten)]
    common: Common,
    /// A dotted path to the size of the trigger; without it, how strong the only trigger is
    #[arg(long, value_name = "PATH")]
    over: Option<String>,
    /// Ask the live service, too: some minutes
    #[arg(long)]
    live: bool,
}

pub(super) fn run(args: &Args) -> Outcome {
    const SEEDS: usize = 20;
    let plan = args.common.plan()?;
    let path = args.over.clone().map_or_else(|| natural(&plan), Ok)?;
    let axis = Axis::new(&plan, &args.common.changes(), &path)?;
    let count = args.common.seeds(SEEDS);
    let seed = plan.baseline.seed;
    let study = args.common.begin(plan)?;
    let base = study.plan.baseline.clone();
    let live = |what: &str, scenario: &Scenario| run_live(what, scenario, seed, args.common.json);
    let live: Option<&Live<'_>> = if args.live { Some(&live) } else { None };
    let runs = 28 * count as u64;
    let found = study.watched("agreement", runs, |watch| agreement(&base, &axis, count, live, watch))?;
    let differs = found.rows.iter().any(|row| row.differing().next().is_some());
    let exit = match (found.unfit.is_empty(), differs) {
        (false, _) => Exit::Inconclusive,
        (true, true) => Exit::Failed,
        (true, false) => Exit::Done,
    };
    study.finish(Found {
        verb: "agreement",
        text: tell(&found),
        figures: figure(&found, &base).into_iter().collect(),
        document: serde_json::to_value(&found).expect("plain data"),
        exit,
    })
}

/// A live run's verdict, and why it was unfit.
#[cfg(feature = "live")]
fn run_live(what: &str, scenario: &Scenario, seed: u64, quiet: bool) -> Option<(Verdict, Vec<String>)> {
    use super::{interrupt, progress};
    use crate::{
        engine::live::{LiveOptions, Progress, live},
        verdict::judge,
    };
    if interrupt::interrupted() {
        return None;
    }
    let bar = progress::bar(&format!("live, {what}"), scenario.duration.0 / 1_000_000, quiet);
    let show = |p: Progress| bar.set_position(p.elapsed.0 / 1_000_000);
    let options =
        LiveOptions { progress: Some(&show), interrupted: Some(interrupt::flag()), ..LiveOptions::default() };
    let done = live(scenario, seed, &options);
    bar.finish_and_clear();
    let done = done.map_err(|error| eprintln!("note: {what} was not run live: {error}")).ok()?;
    if interrupt::interrupted() {
        return None;
    }
    let unfit = if done.fitness.fit { vec![] } else { done.fitness.reasons };
    Some((judge(scenario, &done.trace, None).verdict, unfit))
}

#[cfg(not(feature = "live"))]
fn run_live(what: &str, _: &Scenario, _: u64, _: bool) -> Option<(Verdict, Vec<String>)> {
    eprintln!("note: {what} was not run live: this build has no live engine (feature `live`)");
    None
}

fn tell(found: &Agreement) -> String {
    let mut table =
        Table::new(&["", "formula>", "chain>", "fluid>", "simulated>", "95 %>", "live>", "differ"]);
    for row in &found.rows {
        let range = row.simulated.interval.map_or(String::new(), |range| between(range, row.unit));
        let cell = |level| match row.distance(level) {
            Some(ratio) => format!("{} (×{ratio:.2})", said(row.answer(level), row.unit)),
            None => said(row.answer(level), row.unit),
        };
        let simulated = row.simulated.value.map_or("–".into(), |value| row.unit.shown(value));
        table.line([
            row.question.words().into(),
            cell(Level::Formula),
            cell(Level::Chain),
            cell(Level::Fluid),
            simulated,
            range,
            cell(Level::Live),
            differ(row),
        ]);
    }
    let mut text = format!(
        "  {} seeds; in brackets: over the simulation's; theory is promised to within a factor that each line names\n\n{table}\n",
        found.seeds
    );
    for row in &found.rows {
        let what = row.what.as_ref().map_or(String::new(), |what| format!(" ({what})"));
        text += &format!("  {}{what}, theory to within ×{}\n", row.question.words(), row.question.promised());
        for level in Level::ALL {
            text += &format!("    {}: {}\n", level.word(), row.answer(level).note);
        }
    }
    for why in &found.unfit {
        text += &format!("  unfit: {why}\n");
    }
    text
}

/// Who does not agree with the simulation; `nobody` where somebody could be asked.
fn differ(row: &Row) -> String {
    let differing: Vec<&str> = row.differing().map(Level::word).collect();
    match Level::ALL.iter().any(|level| row.agrees(*level).is_some()) {
        false => "–".into(),
        true if differing.is_empty() => "nobody".into(),
        true => differing.join(", ").to_uppercase(),
    }
}

fn said(answer: &Answer, unit: Unit) -> String {
    match (answer.value, answer.interval) {
        (Some(value), _) => unit.shown(value),
        (None, Some(range)) => between(range, unit),
        (None, None) => "–".into(),
    }
}

fn between((low, high): (f64, f64), unit: Unit) -> String {
    match high.is_finite() {
        true => format!("{} to {}", unit.shown(low), unit.shown(high)),
        false => format!("more than {}", unit.shown(low)),
    }
}
