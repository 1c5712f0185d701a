//! How long the healthy state lives with no trigger, and how long the failed state does.
//!
//! Both are first passages between states of the verdict: the service *escapes* when windows of health have failed for as long as a
//! verdict wants to see, and has *recovered* when as many in a row as it wants are healthy; either is dated at the beginning of those
//! windows. Runs that end before are right-censored.
mod exponential;
mod theory;

pub use exponential::Rate;
pub use theory::{Expected, expected_escape, expected_recovery};

use super::{
    branch::{HealthWatch, follow},
    seeds::{self, Watch},
    splitting::Rare,
    survival::{Estimate, Life, Survival},
};
use crate::{engine::sim::Simulation, scenario::Scenario, verdict::State};
use lab_core::time::{Span, Time};
use serde::Serialize;

/// Lifetimes of one state.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Lifetimes {
    /// One for each run that was in the state at first.
    pub lives: Vec<Life>,
    /// Runs that were not in it.
    pub elsewhere: usize,
    /// The share that lasts, over time.
    pub survival: Survival,
    /// Half of the lives last longer; `None` where fewer than half were seen to end.
    pub median_s: Option<Estimate>,
    /// The mean of what was seen of a life, up to the longest watch.
    pub restricted_mean_s: Estimate,
    /// The rate, if the state has no memory.
    pub rate: Rate,
    /// What theory says of it.
    pub expected: Expected,
}

/// Both states of a scenario.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Study {
    /// How long each run was watched at most, in seconds.
    pub watch_s: f64,
    /// The healthy state.
    pub escape: Lifetimes,
    /// Where the failed state came from.
    pub failed_by: FailedBy,
    /// The failed state.
    pub recovery: Lifetimes,
    /// The rate of escapes by splitting, where it was asked for or too few were seen without.
    pub rare: Option<Rare>,
    /// Why there is no such rate although it was wanted.
    pub not_rare: Option<String>,
}

/// Where failed states come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FailedBy {
    /// The scenario's triggers; the failed state is watched from the end of the last one.
    Triggers,
    /// Escapes, for there is no trigger; it is watched from when it began.
    Escape,
}

/// The healthy state of `scenario` without its triggers and levers, watched for `watched` after the warm-up, over the
/// seeds.
pub fn escapes(scenario: &Scenario, seeds: &[u64], watched: Span, watch: &Watch<'_>) -> Lifetimes {
    let calm = scenario.undisturbed();
    let until = Time::ZERO + calm.warmup + watched;
    let lives = seeds::all(seeds, watch, |&seed| escape(&calm, seed, until).map(|(life, _)| life));
    Lifetimes::new(lives, expected_escape(&calm))
}

/// The failed state, into which the triggers of `scenario` bring it, or escapes where it has none; its levers are left out. Watched for `watched`
/// after the last trigger, or after the warm-up.
pub fn recoveries(
    scenario: &Scenario,
    seeds: &[u64],
    watched: Span,
    watch: &Watch<'_>,
) -> (FailedBy, Lifetimes) {
    let without_levers = without_levers(scenario);
    if without_levers.disturbances.is_empty() {
        let until = Time::ZERO + scenario.warmup + watched;
        let lives = seeds::all(seeds, watch, |&seed| {
            let (_, fallen) = escape(&without_levers, seed, until)?;
            let (mut simulation, mut watch, down) = fallen?;
            recovery(&without_levers, &mut simulation, &mut watch, down, until)
        });
        return (FailedBy::Escape, Lifetimes::new(lives, expected_recovery(&without_levers)));
    }
    let over = without_levers.triggers_over();
    let lives = seeds::all(seeds, watch, |&seed| {
        let mut simulation = Simulation::lean(&without_levers, seed);
        simulation.run(over);
        let mut looks = HealthWatch::new(&simulation, over);
        recovery(&without_levers, &mut simulation, &mut looks, over, over + watched)
    });
    (FailedBy::Triggers, Lifetimes::new(lives, expected_recovery(&without_levers)))
}

fn without_levers(scenario: &Scenario) -> Scenario {
    let triggers = scenario.triggers().cloned().collect();
    Scenario { disturbances: triggers, ..scenario.clone() }
}

type Fallen<'a> = (Simulation<'a>, HealthWatch, Time);

/// The life of the healthy state of one run, if it was ever healthy; and the run as it has fallen, if it has.
fn escape(scenario: &Scenario, seed: u64, until: Time) -> Option<(Life, Option<Fallen<'_>>)> {
    let mut simulation = Simulation::lean(scenario, seed);
    let warm = Time::ZERO + scenario.warmup;
    simulation.run(warm);
    let mut watch = HealthWatch::new(&simulation, warm);
    let fell = follow(scenario, &mut simulation, &mut watch, until, |watch| watch.down_since().is_some());
    let healthy_from = watch.first_healthy()?;
    let down = watch.down_since().filter(|_| fell);
    let end = down.or(watch.known_until())?;
    let life = Life { seconds: end.since(healthy_from).as_secs_f64(), ended: fell };
    Some((life, down.map(|down| (simulation, watch, down))))
}

/// The life of the failed state that began at `down`; `None` where the run is not failed there.
fn recovery(
    scenario: &Scenario,
    simulation: &mut Simulation,
    watch: &mut HealthWatch,
    down: Time,
    until: Time,
) -> Option<Life> {
    if watch.down_since().is_none() {
        follow(scenario, simulation, watch, until, |watch| watch.last().is_some());
        if watch.last() != Some(State::Failed) {
            return None;
        }
    }
    let rose = follow(scenario, simulation, watch, until, |watch| watch.up_since().is_some());
    let end = if rose { watch.up_since() } else { watch.known_until() }?;
    Some(Life { seconds: end.since(down).as_secs_f64(), ended: rose })
}

impl Lifetimes {
    fn new(found: Vec<Option<Option<Life>>>, expected: Expected) -> Lifetimes {
        // What nobody wanted any more is left out.
        let found: Vec<Option<Life>> = found.into_iter().flatten().collect();
        let lives: Vec<Life> = found.iter().flatten().copied().collect();
        let survival = Survival::new(&lives);
        Lifetimes {
            elsewhere: found.len() - lives.len(),
            median_s: survival.median(),
            restricted_mean_s: survival.restricted_mean(survival.watched_s),
            rate: Rate::new(&lives),
            survival,
            lives,
            expected,
        }
    }
}
