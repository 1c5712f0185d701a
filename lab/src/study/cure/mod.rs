//! What gets a service out of its failed state: the levers that suffice, and what each costs.
mod attempt;
mod levers;

pub use levers::{Action, Lever, Seconds};

use super::{
    Watch,
    bootstrap::{self, SAMPLES},
    seeds,
};
use crate::{
    scenario::Scenario,
    theory::{hand, retries::cure_s},
    verdict::wilson,
};
use attempt::{Outcome, Patient};
use lab_core::time::{Span, Time};
use serde::Serialize;

/// Seeds on which a lever is tried before it is worth verifying.
const PROBES: usize = 3;
/// A lever suffices where at least this share of the runs recovers.
const SUFFICES: f64 = 0.95;
/// How long levers are held, in seconds: the ladder that is climbed.
const LADDER: [u64; 15] = [1, 2, 3, 5, 7, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300];
/// Shares of the new calls that are let in, in per cent.
const ADMIT: [u32; 12] = [0, 5, 10, 15, 20, 25, 30, 35, 40, 50, 60, 80];
/// How long a restart keeps replicas down.
const DOWN: Span = Span::from_secs(2);

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
    /// Calls lost from its beginning to the recovery, the mean over those that recovered.
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
    /// Calls lost from the lever's beginning to the recovery: the median over the runs that recovered.
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
        let all = hand(scenario).services;
        let hand = all.into_iter().max_by(|a, b| a.utilisation.total_cmp(&b.utilisation));
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
            _ => None,
        }
    }
}

/// Levers at work on failed states.
struct Ward<'a> {
    patient: Patient,
    seeds: Vec<u64>,
    state: State,
    ladder: Vec<Span>,
    watch: &'a Watch<'a>,
    proposals: Vec<Proposal>,
    insufficient: Vec<Insufficient>,
}

impl Ward<'_> {
    fn probes(&self) -> &[u64] {
        &self.seeds[..self.seeds.len().min(PROBES)]
    }

    fn outcomes(&self, action: &Action, seeds: &[u64]) -> Vec<Outcome> {
        seeds::all(seeds, self.watch, |seed| self.patient.tried(action, *seed))
            .into_iter()
            .flatten()
            .collect()
    }

    /// Every shed of the grid on a few seeds.
    fn sheds(&self) -> Vec<Shed> {
        // A shed that is much shorter than it takes to serve the backlog with nobody let in cannot help.
        let least_s = self.state.formula_s(0.0).map_or(0.0, |s| s / 8.0);
        let lengths: Vec<Span> = self.ladder.iter().copied().filter(|l| l.as_secs_f64() >= least_s).collect();
        let lengths = if lengths.is_empty() { self.ladder.clone() } else { lengths };
        let cells: Vec<(f64, Span)> =
            ADMIT.iter().flat_map(|admit| lengths.iter().map(|l| (f64::from(*admit) / 100.0, *l))).collect();
        let jobs: Vec<(f64, Span, u64)> = cells
            .iter()
            .flat_map(|(admit, l)| self.probes().iter().map(|seed| (*admit, *l, *seed)))
            .collect();
        let one = |&(admit, lasts, seed): &(f64, Span, u64)| {
            self.patient.tried(&Action::one(Lever::ShedLoad(admit), lasts), seed)
        };
        let outcomes = seeds::all(&jobs, self.watch, one);
        let of = |(cell, outcomes): (&(f64, Span), &[Option<Outcome>])| {
            let done: Vec<&Outcome> = outcomes.iter().flatten().collect();
            let recovered: Vec<f64> = done.iter().filter(|o| o.recovered).map(|o| o.lost).collect();
            let mean = recovered.iter().sum::<f64>() / recovered.len() as f64;
            Shed {
                admit: cell.0,
                lasts_s: cell.1.as_secs_f64(),
                recovered: recovered.len(),
                runs: done.len(),
                lost: mean.is_finite().then_some(mean),
            }
        };
        cells.iter().zip(outcomes.chunks(self.probes().len().max(1))).map(of).collect()
    }

    /// The shallowest, the shortest and the cheapest shed.
    fn propose_sheds(&mut self, sheds: &[Shed]) {
        let mut works: Vec<&Shed> = sheds.iter().filter(|s| s.runs > 0 && s.recovered == s.runs).collect();
        if works.is_empty() {
            let longest = self.ladder.last().copied().unwrap_or(Span::ZERO);
            self.decline("shed", &Action::one(Lever::ShedLoad(0.0), longest));
            return;
        }
        let shallow = |s: &Shed| (-s.admit, s.lasts_s);
        let short = |s: &Shed| (s.lasts_s, -s.admit);
        let cheap = |s: &Shed| (s.lost.unwrap_or(f64::INFINITY), s.lasts_s);
        let rules: [(&str, &dyn Fn(&Shed) -> (f64, f64)); 3] =
            [("shallowest shed", &shallow), ("shortest shed", &short), ("cheapest shed", &cheap)];
        for (what, key) in rules {
            works.sort_by(|a, b| key(a).0.total_cmp(&key(b).0).then(key(a).1.total_cmp(&key(b).1)));
            // On more seeds the first may turn out to be too little.
            let _ = works.iter().take(6).any(|shed| {
                let action = Action::one(Lever::ShedLoad(shed.admit), Span::from_secs_f64(shed.lasts_s));
                self.verified(what, action)
            });
        }
    }

    fn propose_others(&mut self) {
        let flush = (Lever::QueueFlush, Seconds(Span::ZERO));
        let restart = (Lever::Restart, Seconds(DOWN));
        for (what, pull) in [("queue flush", flush), ("restart", restart)] {
            let action = Action { pulls: vec![pull] };
            if !self.works(&action) || !self.verified(what, action.clone()) {
                self.decline(what, &action);
            }
        }
        self.climb("retries off", |lasts| Action::one(Lever::RetriesOff, lasts));
        let with = |first, lever| move |lasts| Action { pulls: vec![first, (lever, Seconds(lasts))] };
        self.climb("flush, retries off", with(flush, Lever::RetriesOff));
        self.climb("flush, shed", with(flush, Lever::ShedLoad(0.0)));
        self.climb("restart, retries off", with(restart, Lever::RetriesOff));
        self.climb("restart, shed", with(restart, Lever::ShedLoad(0.0)));
    }

    /// The shortest length on the ladder that suffices.
    fn climb(&mut self, what: &'static str, action: impl Fn(Span) -> Action) {
        for lasts in self.ladder.clone() {
            let action = action(lasts);
            if self.works(&action) && self.verified(what, action) {
                return;
            }
        }
        let longest = self.ladder.last().copied().unwrap_or(Span::ZERO);
        self.decline(what, &action(longest));
    }

    /// Whether all of the first few seeds recover.
    fn works(&self, action: &Action) -> bool {
        let outcomes = self.outcomes(action, self.probes());
        !outcomes.is_empty() && outcomes.iter().all(|o| o.recovered)
    }

    /// Proposes `action` if it suffices on all seeds.
    fn verified(&mut self, what: &'static str, action: Action) -> bool {
        // The cheapest shed may be the shallowest or the shortest one as well.
        if let Some(same) = self.proposals.iter_mut().find(|p| p.action == action) {
            same.what = format!("{} and {what}", same.what.trim_end_matches(" shed"));
            return true;
        }
        let outcomes = self.outcomes(&action, &self.seeds);
        let good: Vec<&Outcome> = outcomes.iter().filter(|o| o.recovered).collect();
        if outcomes.len() < self.seeds.len() || (good.len() as f64) < SUFFICES * outcomes.len() as f64 {
            return false;
        }
        let lost: Vec<f64> = good.iter().map(|o| o.lost).collect();
        let after: Vec<f64> = good.iter().map(|o| o.after_s).collect();
        let drawn = |number: usize| {
            let weights = bootstrap::weights(lost.len(), number);
            let times = lost.iter().zip(&weights).flat_map(|(v, w)| std::iter::repeat_n(*v, *w as usize));
            bootstrap::median(&times.collect::<Vec<_>>())
        };
        self.proposals.push(Proposal {
            what: what.into(),
            words: action.words(),
            recovered: good.len(),
            runs: outcomes.len(),
            wilson: wilson(good.len(), outcomes.len()),
            lost: bootstrap::median(&lost),
            lost_interval: bootstrap::interval((0..SAMPLES).map(drawn), lost.len()),
            after_s: bootstrap::median(&after),
            formula_s: self.state.formula_of(&action).filter(|s| s.is_finite()),
            yaml: action.yaml(&self.patient.scenario, self.patient.at),
            action,
        });
        true
    }

    fn decline(&mut self, what: &'static str, action: &Action) {
        let outcomes = self.outcomes(action, &self.seeds);
        let recovered = outcomes.iter().filter(|o| o.recovered).count();
        self.insufficient.push(Insufficient { what, words: action.words(), recovered, runs: outcomes.len() });
    }
}
