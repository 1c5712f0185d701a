//! Makes a failing schedule small: fewer faults, clients and calls, an even network, as long as it still fails the same way.
use crate::{
    sabotage::Sabotage,
    schedule::{Network, Schedule},
    search::try_run,
};
use lab_core::time::Span;

/// At most this many runs are spent on it.
const RUNS: usize = 600;

struct Minimiser {
    sabotage: Option<Sabotage>,
    kind: &'static str,
    runs: usize,
    best: Schedule,
}

/// The smallest schedule found that violates the same thing as `schedule` does.
pub(crate) fn minimise(schedule: &Schedule, sabotage: Option<Sabotage>, kind: &'static str) -> Schedule {
    let mut minimiser = Minimiser { sabotage, kind, runs: 0, best: schedule.clone() };
    loop {
        let before = minimiser.best.clone();
        minimiser.fewer_faults();
        minimiser.simpler();
        if minimiser.best == before || minimiser.runs >= RUNS {
            return minimiser.best;
        }
    }
}

impl Minimiser {
    /// Keeps `candidate` if it fails too, perhaps with other draws: what was left out shifts them.
    fn keeps(&mut self, candidate: Schedule) -> bool {
        if candidate == self.best {
            return false;
        }
        for shift in 0..6 {
            if self.runs >= RUNS {
                return false;
            }
            self.runs += 1;
            let candidate = Schedule { seed: candidate.seed.wrapping_add(shift << 32), ..candidate.clone() };
            let report = try_run(&candidate, self.sabotage, false);
            if report.violation.is_some_and(|violation| violation.kind == self.kind) {
                self.best = candidate;
                return true;
            }
        }
        false
    }

    /// Delta debugging (Zeller and Hildebrandt 2002): leaves out runs of faults, from halves down to single ones.
    fn fewer_faults(&mut self) {
        let mut size = self.best.faults.len().div_ceil(2);
        while size > 0 {
            let mut from = 0;
            while from < self.best.faults.len() {
                let mut candidate = self.best.clone();
                candidate.faults.drain(from..(from + size).min(self.best.faults.len()));
                if !self.keeps(candidate) {
                    from += size;
                }
            }
            size /= 2;
        }
    }

    fn simpler(&mut self) {
        let change = |minimiser: &mut Minimiser, change: &dyn Fn(&mut Schedule)| {
            let mut candidate = minimiser.best.clone();
            change(&mut candidate);
            minimiser.keeps(candidate)
        };
        while change(self, &|s| s.calls = s.calls.div_ceil(2)) {}
        while self.best.clients > 1 && change(self, &|s| s.clients -= 1) {}
        while self.best.replicas > 2
            && change(self, &|s| {
                s.replicas -= 1;
                s.faults.retain(|fault| fault.replica().is_none_or(|r| r < s.replicas));
            })
        {}
        while self.best.keys > 1 && change(self, &|s| s.keys -= 1) {}
        change(self, &|s| s.network = Network { loss: 0.0, ..s.network });
        change(self, &|s| s.network = Network { twice: 0.0, ..s.network });
        change(self, &|s| s.network = Network { late_share: 0.0, ..s.network });
        change(self, &|s| s.network = Network { delay: Span::from_millis(1), ..s.network });
        change(self, &|s| s.workers = 1);
        change(self, &|s| s.membership.priority = true);
        for i in 0..self.best.faults.len() {
            change(self, &|s| s.faults[i].lasts = s.faults[i].lasts.div_ceil(2));
        }
    }
}
