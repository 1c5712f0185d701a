//! One question, five levels: what formula, Markov chain, fluid, simulation and the live service answer, and how far apart they are.
//!
//! Theory is asked three ways, each with the accuracy that its source promises; a way that cannot answer says why. Simulation answers over seeds, with a 95 %
//! interval. A live run takes minutes, so the live service is asked only where it can decide something: two runs, one on either
//! side of the simulation's answer.
mod drop;
mod life;
mod row;
mod theory;

pub use row::{Answer, Level, Question, Row};

use super::{
    Watch,
    axis::{Axis, Unit},
    bootstrap,
    hysteresis::{Hysteresis, Staircase, Steps, hysteresis},
    seeds,
    threshold::{Finding, Range, Threshold, threshold},
};
use crate::{
    config::ConfigErrors,
    scenario::Scenario,
    theory::{ServiceHand, busiest, hand},
    verdict::Verdict,
};
use drop::{Drop, bounded};
use serde::Serialize;

/// What was found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Agreement {
    /// The questions with their answers.
    pub rows: Vec<Row>,
    /// Seeds of the simulation.
    pub seeds: usize,
    /// Live runs, each with its verdict's word.
    pub live_runs: Vec<(String, &'static str)>,
    /// Why live runs were unfit.
    pub unfit: Vec<String>,
    /// Whether someone stopped it.
    pub interrupted: bool,
}

/// Runs a scenario live: the verdict, and why the run was unfit. Nothing where it could not be run.
pub type Live<'a> = dyn Fn(&str, &Scenario) -> Option<(Verdict, Vec<String>)> + 'a;

/// A staircase has so many levels up to the capacity.
const LEVELS: f64 = 40.0;
/// Live runs are made where the simulation tips one run in so many, and all but one in so many.
const SURE: f64 = 50.0;

/// Asks all levels all questions about `base`, the size of whose trigger stands at `axis`. `live` runs a scenario live.
///
/// # Errors
/// Where the config does not allow a value of the axis.
pub fn agreement(
    base: &Scenario,
    axis: &Axis,
    count: usize,
    live: Option<&Live<'_>>,
    watch: &Watch<'_>,
) -> Result<Agreement, ConfigErrors> {
    let base = &Scenario { disturbances: base.triggers().cloned().collect(), ..base.clone() };
    let by_hand = busiest(hand(base).services);
    let mut asked = Asked { base, by_hand, count, live, live_runs: vec![], unfit: vec![] };
    let found = threshold(base, axis, Range::default(), count, watch)?;
    let mut rows = vec![asked.threshold(axis, &found)?];
    let step = base.capacity(base.clients[0].service) / LEVELS;
    match Staircase::new(&bounded(base), &Steps { step: Some(step), ..Steps::default() }) {
        Err(why) => {
            let none = |question, unit| Row::unasked(question, unit, &why.to_string());
            rows.push(none(Question::Hidden, Unit::Rate));
            rows.push(none(Question::Recovery, Unit::Seconds));
            rows.push(none(Question::Width, Unit::Rate));
        }
        Ok((stairs, dwell)) => {
            let found = hysteresis(&bounded(base), &stairs, dwell, count, watch);
            let drop = found.hidden.first().and_then(|way| Drop::new(base, way.per_s?));
            let [hidden, recovery] = asked.hidden(&found, drop.as_ref(), watch);
            let width = asked.width(&found, &hidden.chain);
            rows.extend([hidden, recovery, width]);
        }
    }
    rows.extend(life::rows(base, count, watch));
    let Asked { live_runs, unfit, .. } = asked;
    Ok(Agreement { rows, seeds: count, live_runs, unfit, interrupted: (watch.stopped)() })
}

/// What is asked, and of whom.
struct Asked<'a> {
    base: &'a Scenario,
    /// The hand calculation of the service under the greatest load, where the formulas fit it.
    by_hand: Option<ServiceHand>,
    count: usize,
    live: Option<&'a Live<'a>>,
    live_runs: Vec<(String, &'static str)>,
    unfit: Vec<String>,
}

impl Asked<'_> {
    /// A live run of `scenario`, called `what`.
    fn live(&mut self, what: String, scenario: &Scenario) -> Option<Verdict> {
        let (verdict, unfit) = self.live?(&what, scenario)?;
        self.unfit.extend(unfit.into_iter().map(|why| format!("{what}: {why}")));
        self.live_runs.push((what, verdict.word()));
        Some(verdict)
    }

    /// The smallest trigger that tips.
    fn threshold(&mut self, axis: &Axis, found: &Threshold) -> Result<Row, ConfigErrors> {
        let formula = Answer { value: found.theory.value, interval: None, note: found.theory.why.clone() };
        let chain = theory::threshold_by_chain(axis, found.from, found.to);
        let fluid = theory::threshold_by_fluid(axis, found.from, found.to);
        let (simulated, sides) = match &found.finding {
            Finding::Curve(curve) => {
                let at = |share| curve.curve().value_at(share);
                let sides = (at(1.0 / SURE), at(1.0 - 1.0 / SURE));
                let note = "half of the runs stay down".to_owned();
                (Answer { value: Some(curve.middle), interval: curve.middle_interval, note }, Some(sides))
            }
            Finding::Step { below, above, .. } => {
                let note = "all runs change sides in between".to_owned();
                let value = Some(f64::midpoint(*below, *above));
                (Answer { value, interval: Some((*below, *above)), note }, Some((*below, *above)))
            }
            _ => (Answer::none("the range that was searched holds no threshold"), None),
        };
        let mut live = Answer::none("not asked");
        if let (Some(sides), true) = (sides, self.live.is_some()) {
            let mut told = vec![];
            for value in [sides.0, sides.1] {
                let scenario = seeds::long_enough(axis.scenario(value)?, seeds::rest(self.base));
                let scenario = Scenario { disturbances: scenario.triggers().cloned().collect(), ..scenario };
                told.push((value, self.live(format!("{} {}", axis.path, axis.shown(value)), &scenario)));
            }
            live = bracket(&told, |value| axis.shown(value));
        }
        let what = Some(axis.path.clone());
        let (question, unit) = (Question::Threshold, axis.unit);
        Ok(Row { question, what, unit, formula, chain, fluid, simulated, live })
    }

    /// The load at which the failed state heals, and how long that takes well below it.
    fn hidden(&mut self, found: &Hysteresis, drop: Option<&Drop>, watch: &Watch<'_>) -> [Row; 2] {
        let formula = match &self.by_hand {
            Some(hand) => Answer::of(
                hand.hidden_capacity_per_s,
                format!("μ/R, with R = {:.3}", hand.attempts_when_failing),
            ),
            None => Answer::none("the formulas do not fit this service"),
        };
        let chain = theory::hidden_by_chain(self.base, found.dwell.dwell_s);
        let fluid = theory::hidden_by_fluid(self.base);
        let simulated = match found.hidden.first() {
            // It heals somewhere between this level and the one above.
            Some(way) => within(way.per_s, way.interval, (0.0, step(found)), &way.note),
            None => Answer::none("no way down"),
        };
        let live = Answer::none("not asked");
        let (question, unit) = (Question::Hidden, Unit::Rate);
        let mut hidden = Row { question, what: None, unit, formula, chain, fluid, simulated, live };
        let Some(drop) = drop else {
            hidden.live.note += ": the simulation has no answer";
            let why = "no load is known at which it heals";
            return [hidden, Row::unasked(Question::Recovery, Unit::Seconds, why)];
        };
        let (heals, stays) = (drop.heals(self.base, self.by_hand.as_ref()), drop.stays(self.base));
        let mut live = Answer::none("not asked");
        if self.live.is_some() {
            let rate = |per_s: f64| format!("{per_s:.0}/s");
            let mut told = vec![];
            for (per_s, scenario) in [(drop.below_per_s, &heals), (drop.above_per_s, &stays)] {
                told.push((per_s, self.live(format!("load falls to {}", rate(per_s)), scenario)));
            }
            hidden.live = bracket(&told, rate);
            live = match told[0].1 {
                Some(Verdict::Recovered { after }) => drop.seconds(after.as_secs_f64()),
                _ => Answer::none("the live run did not heal"),
            };
        }
        let (load, delay_s) = (drop.below_per_s, drop.delay_s());
        let recovery = Row {
            question: Question::Recovery,
            what: Some(format!("load falls to {load:.0}/s {delay_s:.0} s after the trigger")),
            unit: Unit::Seconds,
            formula: drop.formula(self.base, self.by_hand.as_ref()),
            chain: theory::recovery_by_chain(self.base, drop),
            fluid: theory::recovery_by_fluid(self.base, drop),
            simulated: self.recovery(drop, &heals, watch),
            live,
        };
        [hidden, recovery]
    }

    /// How long it takes to heal when the load falls.
    fn recovery(&self, drop: &Drop, heals: &Scenario, watch: &Watch<'_>) -> Answer {
        let numbers = seeds::seeds(heals, self.count);
        let after = |seed: &u64| match seeds::settled(heals, *seed).1.verdict {
            Verdict::Recovered { after } => after.as_secs_f64() - drop.delay_s(),
            _ => f64::INFINITY,
        };
        let found: Vec<f64> = seeds::all(&numbers, watch, after).into_iter().flatten().collect();
        let median = bootstrap::median(&found);
        if !median.is_finite() {
            return Answer::none("half of the runs or more did not heal");
        }
        // The verdict sees whole windows of health.
        let window = heals.healthy.over.as_secs_f64();
        let interval =
            bootstrap::median_interval(&found).map(|(low, high)| ((low - window).max(0.0), high + window));
        let healed = found.iter().filter(|s| s.is_finite()).count();
        let note = format!("{healed} of {} runs heal; to within a window of {window:.0} s", found.len());
        Answer { value: Some(median), interval, note }
    }

    /// Between the load at which the healthy state ends and the one at which the failed state does.
    fn width(&self, found: &Hysteresis, hidden_by_chain: &Answer) -> Row {
        let formula = match (found.theory.ceiling, found.theory.hidden) {
            (Some(ceiling), Some(hidden)) => {
                Answer::of(ceiling - hidden, format!("ceiling {ceiling:.0}/s less μ/R {hidden:.0}/s"))
            }
            _ => Answer::none("the formulas do not fit this service"),
        };
        let note = format!(
            "{} levels up and down, {:.0} s each{}",
            found.levels.len(),
            found.dwell.dwell_s,
            if *self.base == bounded(self.base) { "" } else { ", with a bounded queue" }
        );
        // It falls somewhere between a level and the one below, and heals between one and the one above.
        let simulated = within(found.width.finite(), found.width.interval, (-2.0 * step(found), 0.0), &note);
        let minutes = (2 * found.levels.len() - 1) as f64 * found.dwell.dwell_s / 60.0;
        let live = Answer::none(&format!("not asked: the way up and down takes {minutes:.0} min"));
        let chain = theory::width_by_chain(self.base, hidden_by_chain, found.dwell.dwell_s);
        let fluid = Answer::none("it knows no chance: its healthy state carries the whole capacity");
        let (question, unit) = (Question::Width, Unit::Rate);
        Row { question, what: None, unit, formula, chain, fluid, simulated, live }
    }
}

/// From one level of the staircase to the next, in calls per second.
fn step(found: &Hysteresis) -> f64 {
    found.levels[1] - found.levels[0]
}

/// What was found on a staircase, where the truth lies from `off.0` to `off.1` beside it.
fn within(value: Option<f64>, interval: Option<(f64, f64)>, off: (f64, f64), note: &str) -> Answer {
    let range = interval.or(value.map(|v| (v, v)));
    Answer {
        value: value.map(|v| v + f64::midpoint(off.0, off.1)),
        interval: range.map(|(low, high)| (low + off.0, high + off.1)),
        note: format!("{note}, to within a step"),
    }
}

/// What two live runs say: the answer lies between a value at which it stands and one at which it stays down.
fn bracket(told: &[(f64, Option<Verdict>)], shown: impl Fn(f64) -> String) -> Answer {
    let down = |verdict: &Option<Verdict>| verdict.map(|v| matches!(v, Verdict::Metastable { .. }));
    let said: Vec<String> = told
        .iter()
        .map(|(value, verdict)| format!("{} at {}", verdict.map_or("not run", |v| v.word()), shown(*value)))
        .collect();
    let note = said.join(", ");
    match told {
        [low, high] if down(&low.1) == Some(false) && down(&high.1) == Some(true) => {
            Answer { value: None, interval: Some((low.0, high.0)), note }
        }
        _ => Answer { value: None, interval: None, note },
    }
}
