//! A scenario over seeds, in parallel, and whether its trigger tipped it.
use crate::{
    engine::sim::sim,
    scenario::Scenario,
    theory::hand,
    trace::Trace,
    verdict::{Judgement, Verdict, judge},
};
use lab_core::time::{Span, Time};
use rayon::prelude::*;

/// What is told while a study runs, and what it asks.
#[derive(Clone, Copy)]
pub struct Watch<'a> {
    /// So many runs are done.
    pub done: &'a (dyn Fn(u64) + Sync),
    /// Whether someone wants it to end. What is done is kept.
    pub stopped: &'a (dyn Fn() -> bool + Sync),
}

impl Watch<'_> {
    /// Nobody looks, nobody stops it.
    pub const ALONE: Watch<'static> = Watch { done: &|_| {}, stopped: &|| false };
}

/// What `each` makes of every job, in the order of the jobs; `None` for those that somebody's stop came before.
pub fn all<J: Sync, T: Send>(jobs: &[J], watch: &Watch<'_>, each: impl Fn(&J) -> T + Sync) -> Vec<Option<T>> {
    let one = |job: &J| {
        if (watch.stopped)() {
            return None;
        }
        let made = each(job);
        (watch.done)(1);
        Some(made)
    };
    jobs.par_iter().map(one).collect()
}

/// How a run ended, as a trial of its trigger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Metastable: down with every trigger gone.
    Tipped,
    /// It came back, was not affected, or fell later without the trigger's help.
    Stood,
    /// Overloaded before the trigger, or still undecided or draining after all extensions.
    Open,
}

/// A run that ends undecided or with a drain under way is run again for twice as long, at most this often.
const EXTENSIONS: u32 = 3;

/// Runs `scenario` with `seed`, for longer where its end is no verdict yet. Says how it ended and the verdict's word.
///
/// The draws are keyed, so the longer run begins as the shorter one did, event by event. Whether the seed falls without its
/// trigger is not asked here, see [`falls_unaided`].
pub fn trial(scenario: &Scenario, seed: u64) -> (Ending, &'static str) {
    let (_, judgement) = settled(scenario, seed);
    let ending = match judgement.verdict {
        Verdict::Metastable { .. } => Ending::Tipped,
        verdict if verdict.is_inconclusive() => Ending::Open,
        _ => Ending::Stood,
    };
    (ending, judgement.verdict.word())
}

/// The run behind [`trial`], and its judgement.
pub fn settled(scenario: &Scenario, seed: u64) -> (Trace, Judgement) {
    let mut scenario = scenario.clone();
    for _ in 0..EXTENSIONS {
        let trace = sim(&scenario, seed);
        let judgement = judge(&scenario, &trace, None);
        if !matches!(judgement.verdict, Verdict::Draining { .. } | Verdict::Undecided) {
            return (trace, judgement);
        }
        scenario.duration = scenario.duration + scenario.duration;
    }
    let trace = sim(&scenario, seed);
    let judgement = judge(&scenario, &trace, None);
    (trace, judgement)
}

/// Whether the service fails with this seed although nothing goes wrong: then no trigger can be blamed for it.
pub fn falls_unaided(scenario: &Scenario, seed: u64) -> bool {
    let calm = scenario.undisturbed();
    let verdict = judge(&calm, &sim(&calm, seed), None).verdict;
    !matches!(
        verdict,
        Verdict::Unaffected | Verdict::Recovered { .. } | Verdict::Degraded | Verdict::Undecided
    )
}

/// A run is made at most this many times as long as its config asks, to let a predicted drain end.
const LONGEST: f64 = 10.0;

/// `scenario`, long enough that after its last trigger at least `rest` is left, and that a drain that theory predicts can end.
pub fn long_enough(mut scenario: Scenario, rest: Span) -> Scenario {
    let least = (scenario.triggers_over() + rest).0.max(scenario.duration.0);
    let drained = hand(&scenario).shortest_run().0.min((scenario.duration * LONGEST).0);
    scenario.duration = Span(least.max(drained));
    scenario
}

/// What is left of a run after its last trigger.
pub fn rest(scenario: &Scenario) -> Span {
    scenario.end().since(scenario.triggers_over())
}

/// The seeds of a study: `count` from the scenario's first one on.
pub fn seeds(scenario: &Scenario, count: usize) -> Vec<u64> {
    (scenario.seed..).take(count).collect()
}

/// An instant as seconds, for results.
pub(super) fn s(at: Time) -> f64 {
    at.as_secs_f64()
}
