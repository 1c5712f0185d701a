//! How long the healthy state lives unaided: at the scenario's own load, and at one at which it can be seen to end.
use super::{Answer, Question, Row, theory};
use crate::{
    scenario::Scenario,
    study::{
        Watch,
        axis::Unit,
        hysteresis::steadily,
        lifetime::{Expected, escapes},
        seeds,
    },
    theory::hand,
};
use lab_core::{
    arrival::Process,
    time::{Span, Time},
};

/// At the second load, theory's lifetime is so many runs long, and each run is watched for so many.
const LIFETIME: f64 = 2.0;
const WATCHED: f64 = 6.0;
/// Steps of the bisection for that load.
const STEPS: usize = 40;

/// The row at the scenario's own load, and the one at a load of short lives, where theory knows one.
pub(super) fn rows(base: &Scenario, count: usize, watch: &Watch<'_>) -> Vec<Row> {
    let run = base.duration;
    let mut rows = vec![row(None, &base.undisturbed(), run, count, watch)];
    if let Some(per_s) = short_lived(base, run.as_secs_f64() * LIFETIME) {
        let what = format!("at {per_s:.0}/s");
        rows.push(row(Some(what), &steadily(base, per_s), run * WATCHED, count, watch));
    }
    rows
}

fn row(what: Option<String>, calm: &Scenario, watched: Span, count: usize, watch: &Watch<'_>) -> Row {
    let found = escapes(calm, &seeds::seeds(calm, count), watched, watch);
    let formula = match found.expected {
        Expected::ByChance(mean_s) => {
            Answer::of(mean_s, "the first passage of a queue without retries to μT")
        }
        Expected::Never => Answer::none("for ever: it is not vulnerable"),
        Expected::Drains(_) | Expected::Unknown => Answer::none("the formulas do not fit this service"),
    };
    let rate = found.rate;
    let note =
        format!("{} of {} runs fell, in {:.0} s together", rate.events, found.lives.len(), rate.exposure_s);
    let simulated = match found.lives.is_empty() {
        true => Answer::none("no run was healthy at first"),
        false => Answer {
            value: Some(rate.mean_s.value).filter(|mean| mean.is_finite()),
            interval: Some((rate.mean_s.low, rate.mean_s.high)),
            note,
        },
    };
    let (chain, fluid) = (theory::lifetime_by_chain(calm), Answer::none("it knows no chance"));
    let live = Answer::none("not asked: minutes can only bound it");
    Row { question: Question::Lifetime, what, unit: Unit::Seconds, formula, chain, fluid, simulated, live }
}

/// The load at which theory gives the healthy state `life_s` seconds; `None` where it is shorter already, or the load is a recording.
fn short_lived(base: &Scenario, life_s: f64) -> Option<f64> {
    if base.clients.iter().any(|client| matches!(client.load.process, Process::Recorded(_))) {
        return None;
    }
    let lives = |per_s: f64| {
        hand(&steadily(base, per_s)).services.iter().map(|s| s.lifetime_s).fold(f64::INFINITY, f64::min)
    };
    let service = base.clients[0].service;
    let at = Time::ZERO + base.warmup;
    let (mut low, mut high) = (base.clients.iter().map(|c| c.load.rate_at(at)).sum(), base.capacity(service));
    if !(lives(low) > life_s && lives(high * 0.999) < life_s) {
        return None;
    }
    for _ in 0..STEPS {
        let middle = f64::midpoint(low, high);
        if lives(middle) > life_s { low = middle } else { high = middle }
    }
    Some(low)
}
