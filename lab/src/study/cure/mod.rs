//! What gets a service out of its failed state: the levers that suffice, and what each costs.
mod attempt;
mod levers;
mod ward;

pub use levers::{Action, Lever, Seconds};

use super::{Watch, seeds};
use crate::{
    scenario::Scenario,
    theory::{busiest, hand, retries::cure_s},
};
use attempt::Patient;
use lab_core::time::{Span, Time};
use serde::Serialize;
use ward::Ward;

/// How long levers are held, in seconds: the ladder that is climbed.
const LADDER: [u64; 15] = [1, 2, 3, 5, 7, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300];

/// What was found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cure {
    /// When the operator acts, in seconds.
    pub at_s: f64,
    /// The seeds whose failed state stands then, of `looked` seeds.
    pub seeds: Vec<u64>,
    /// How many seeds were looked at.
    pub looked: usize,
    /// What the levers act on.
    pub state: State,
    /// Sheds by depth and length, each on a few seeds.
    pub shed: Vec<Shed>,
    /// What suffices, cheapest first.
    pub proposals: Vec<Proposal>,
    /// What does not, each with how far it was tried.
    pub insufficient: Vec<Insufficient>,
    /// Whether someone stopped it.
    pub interrupted: bool,
}

/// The failed state.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct State {
    /// Attempts that wait or are worked on, the mean over the seeds (K).
    pub backlog_jobs: f64,
    /// New calls per second (λ), where the hand calculation fits.
    pub offered_per_s: Option<f64>,
    /// Completions per second (μ).
    pub capacity_per_s: Option<f64>,
    /// Attempts per call while all fail (R).
    pub attempts: Option<f64>,
}

/// A shed that was tried.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Shed {
    /// The share of new calls that is let in.
    pub admit: f64,
    /// How long, in seconds.
    pub lasts_s: f64,
    /// How many runs recovered.
    pub recovered: usize,
    /// Of how many.
    pub runs: usize,
    /// Calls lost, the mean over those that recovered.
    pub lost: Option<f64>,
}

/// A lever that suffices.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Proposal {
    /// What it is, such as `shallowest shed`.
    pub what: String,
    /// What is done.
    pub action: Action,
    /// The same in words.
    pub words: String,
    /// How many of the runs recovered.
    pub recovered: usize,
    /// Of how many.
    pub runs: usize,
    /// Wilson's 95 % interval of the share.
    pub wilson: (f64, f64),
    /// Calls lost from the lever's beginning until it is released and the service healthy: the median over the runs that recovered.
    pub lost: f64,
    /// Its 95 % interval, by drawing the seeds anew.
    pub lost_interval: Option<(f64, f64)>,
    /// Seconds from the lever's beginning to health, likewise.
    pub after_s: f64,
    /// How long the formula says that it must be held: `K/(μ − λ'R)`; `None` where it says nothing.
    pub formula_s: Option<f64>,
    /// Lines for the config.
    pub yaml: String,
}

/// A lever that does not suffice.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Insufficient {
    /// What it is.
    pub what: &'static str,
    /// The most that was tried, in words.
    pub words: String,
    /// How many of the runs recovered with it.
    pub recovered: usize,
    /// Of how many.
    pub runs: usize,
}

/// Why there is nothing to cure. The text is complete.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NothingToCure(String);

/// Three verdict windows after the last trigger, and at least 30 s.
pub fn natural_time(scenario: &Scenario) -> Time {
    scenario.triggers_over() + (scenario.healthy.over * 3.0).max(Span::from_secs(30))
}

/// The levers that get `scenario` out of the state in which it is at `at`, verified on `count` seeds; none is held longer than
/// `longest`.
///
/// # Errors
/// Where that state is not a failed one that stands, on most seeds.
pub fn cure(
    scenario: &Scenario,
    at: Time,
    longest: Span,
    count: usize,
    watch: &Watch<'_>,
) -> Result<Cure, NothingToCure> {
    let patient = Patient::new(scenario, at);
    let candidates = seeds::seeds(scenario, 2 * count);
    let stands = seeds::all(&candidates, watch, |seed| patient.stands(*seed));
    let standing: Vec<(u64, f64)> =
        candidates.iter().zip(&stands).filter_map(|(s, k)| Some((*s, (*k)??))).take(count).collect();
    let looked = candidates.len();
    if 2 * standing.len() < count && !(watch.stopped)() {
        return Err(NothingToCure(format!(
            "at {} s a failed state stands on {} of {looked} seeds only: there is nothing to cure\n  help: choose another time \
             with --at, or make the trigger larger with --set",
            at.as_secs_f64(),
            standing.len()
        )));
    }
    let backlog_jobs = standing.iter().map(|(_, k)| k).sum::<f64>() / standing.len().max(1) as f64;
    let mut ward = Ward {
        state: State::new(&patient.scenario, backlog_jobs),
        seeds: standing.iter().map(|(seed, _)| *seed).collect(),
        ladder: LADDER.iter().map(|s| Span::from_secs(*s)).filter(|s| *s <= longest).collect(),
        patient,
        watch,
        proposals: vec![],
        insufficient: vec![],
    };
    let shed = ward.sheds();
    ward.propose_sheds(&shed);
    ward.propose_others();
    let Ward { state, seeds, mut proposals, insufficient, .. } = ward;
    proposals.sort_by(|a, b| a.lost.total_cmp(&b.lost));
    let interrupted = (watch.stopped)();
    Ok(Cure { at_s: seeds::s(at), seeds, looked, state, shed, proposals, insufficient, interrupted })
}

impl State {
    fn new(scenario: &Scenario, backlog_jobs: f64) -> State {
        let hand = busiest(hand(scenario).services);
        State {
            backlog_jobs,
            offered_per_s: hand.as_ref().map(|h| h.offered_per_s),
            capacity_per_s: hand.as_ref().map(|h| h.capacity_per_s),
            attempts: hand.as_ref().map(|h| h.attempts_when_failing),
        }
    }

    /// How long the load must be shed to the share `admit`, by the formula; infinite where it never helps, `None` where the
    /// formula does not fit.
    pub fn formula_s(&self, admit: f64) -> Option<f64> {
        let (offered, capacity, attempts) = (self.offered_per_s?, self.capacity_per_s?, self.attempts?);
        Some(cure_s(self.backlog_jobs, capacity, admit * offered, attempts))
    }

    fn formula_of(&self, action: &Action) -> Option<f64> {
        match action.pulls[..] {
            [(Lever::ShedLoad(admit), _)] => self.formula_s(admit),
            [(Lever::RetriesOff, _)] => {
                Some(cure_s(self.backlog_jobs, self.capacity_per_s?, self.offered_per_s?, 1.0))
            }
            [(Lever::RetryBudget, _)] => {
                Some(cure_s(self.backlog_jobs, self.capacity_per_s?, self.offered_per_s?, 1.1))
            }
            [(Lever::Workers(times), _)] => {
                let capacity = f64::from(times) * self.capacity_per_s?;
                Some(cure_s(self.backlog_jobs, capacity, self.offered_per_s?, self.attempts?))
            }
            _ => None,
        }
    }
}
