//! Levers at work: which suffice is found on a few seeds and verified on all.
use super::{
    Action, Insufficient, Lever, Proposal, Seconds, Shed, State,
    attempt::{Outcome, Patient},
};
use crate::{
    study::{Watch, bootstrap, seeds},
    verdict::wilson,
};
use lab_core::time::Span;

/// Seeds on which a lever is tried before it is worth verifying.
const PROBES: usize = 3;
/// A lever suffices where at least this share of the runs recovers.
const SUFFICES: f64 = 0.95;
/// Shares of the new calls that are let in, in per cent.
const ADMIT: [u32; 11] = [0, 5, 10, 15, 20, 25, 30, 35, 40, 50, 60];
/// How long a restart keeps replicas down.
const DOWN: Span = Span::from_secs(2);

/// Levers at work on failed states.
pub(super) struct Ward<'a> {
    pub(super) patient: Patient,
    pub(super) seeds: Vec<u64>,
    pub(super) state: State,
    /// For how long levers are held.
    pub(super) ladder: Vec<Span>,
    pub(super) watch: &'a Watch<'a>,
    pub(super) proposals: Vec<Proposal>,
    pub(super) insufficient: Vec<Insufficient>,
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
    pub(super) fn sheds(&self) -> Vec<Shed> {
        // A shed that is much shorter than it takes to serve the backlog with nobody let in cannot help.
        let least_s = self.state.formula_s(0.0).map_or(0.0, |s| s / 4.0);
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
    pub(super) fn propose_sheds(&mut self, sheds: &[Shed]) {
        let mut works: Vec<&Shed> = sheds.iter().filter(|s| s.runs > 0 && s.recovered == s.runs).collect();
        if works.is_empty() {
            let longest = self.ladder.last().copied().unwrap_or(Span::ZERO);
            self.decline("shed", &Action::one(Lever::ShedLoad(0.0), longest));
            return;
        }
        // What makes one shed better than another: less of the first, then of the second.
        type Order = fn(&Shed) -> (f64, f64);
        let rules: [(&str, Order); 3] = [
            ("shallowest shed", |s| (-s.admit, s.lasts_s)),
            ("shortest shed", |s| (s.lasts_s, -s.admit)),
            ("cheapest shed", |s| (s.lost.unwrap_or(f64::INFINITY), s.lasts_s)),
        ];
        for (what, key) in rules {
            works.sort_by(|a, b| key(a).0.total_cmp(&key(b).0).then(key(a).1.total_cmp(&key(b).1)));
            // On more seeds the first may turn out to be too little.
            let _ = works.iter().take(6).any(|shed| {
                let action = Action::one(Lever::ShedLoad(shed.admit), Span::from_secs_f64(shed.lasts_s));
                self.verified(what, action)
            });
        }
    }

    /// Retries off; settings that are changed; a flush and a restart, alone where that suffices, else with what keeps the load away.
    pub(super) fn propose_others(&mut self) {
        self.climb("retries off", |lasts| Action::one(Lever::RetriesOff, lasts));
        let settings = [
            ("longer timeout", Lever::Timeout(3)),
            ("retry budget", Lever::RetryBudget),
            ("newest first", Lever::Lifo),
            ("more workers", Lever::Workers(2)),
        ];
        for (what, lever) in settings {
            if !lever.settings(&self.patient.scenario).is_empty() {
                self.climb(what, |lasts| Action::one(lever, lasts));
            }
        }
        let flush = (Lever::QueueFlush, Seconds(Span::ZERO));
        let restart = (Lever::Restart, Seconds(DOWN));
        let kinds = [
            (flush, ["queue flush", "flush, retries off", "flush, shed"]),
            (restart, ["restart", "restart, retries off", "restart, shed"]),
        ];
        for (pull, [alone, quiet, empty]) in kinds {
            let action = Action { pulls: vec![pull] };
            if self.works(&action) && self.verified(alone, action.clone()) {
                continue;
            }
            self.decline(alone, &action);
            for (what, lever) in [(quiet, Lever::RetriesOff), (empty, Lever::ShedLoad(0.0))] {
                self.climb(what, |lasts| Action { pulls: vec![pull, (lever, Seconds(lasts))] });
            }
        }
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
        self.proposals.push(Proposal {
            what: what.into(),
            words: action.words(),
            recovered: good.len(),
            runs: outcomes.len(),
            wilson: wilson(good.len(), outcomes.len()),
            lost: bootstrap::median(&lost),
            lost_interval: bootstrap::median_interval(&lost),
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
