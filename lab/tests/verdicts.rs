//! No false verdicts: what the lab says of runs whose fate is known, over many seeds each.
use lab::{
    engine::sim::sim,
    scenario::{Scenario, sample::queueing},
    trace::Trace,
    verdict::{Judgement, Verdict, judge_sim},
};
use lab_core::{
    call::{Outcome, OutcomeSet},
    retry::{Backoff, Retry},
    time::{Span, Time},
    timeline::{Disturbance, Effect, Role},
};
use rayon::prelude::*;

const SEEDS: u64 = 24;

fn seconds(s: u64) -> Time {
    Time(s * 1_000_000_000)
}

/// Three replicas of eight workers, 30 ms each: 800/s. Four attempts, 1 s each, 50 ms apart.
fn store(rate: f64, duration: u64) -> Scenario {
    let mut scenario = queueing(rate, 8, Span::from_millis(30), Span::from_secs(duration));
    scenario.services[0].replicas = 3;
    scenario.warmup = Span::from_secs(10);
    scenario.clients[0].policy.per_try_timeout = Span::from_secs(1);
    scenario.clients[0].policy.retry = retries(4);
    scenario
}

fn retries(max_attempts: u32) -> Retry {
    let wait = Span::from_millis(50);
    let backoff = Backoff { initial: wait, initial_after_rejection: wait, max: wait, ..Backoff::none() };
    let retry_on = OutcomeSet::of(&[Outcome::Timeout, Outcome::Rejected, Outcome::Reset]);
    Retry { max_attempts, retry_on, backoff, ..Retry::none() }
}

fn spike(at: u64, length: u64, factor: f64) -> Disturbance {
    let effect = Effect::LoadSpike { clients: vec![0], factor };
    Disturbance {
        name: "spike".into(),
        role: Role::Trigger,
        from: seconds(at),
        until: seconds(at + length),
        effect,
    }
}

fn runs(scenario: &Scenario) -> Vec<(Trace, Judgement)> {
    let judged = (1..=SEEDS).into_par_iter().map(|seed| {
        let trace = sim(scenario, seed);
        let judgement = judge_sim(scenario, &trace);
        (trace, judgement)
    });
    judged.collect()
}

/// Asserts that every seed's verdict is `allowed`.
fn all(scenario: &Scenario, allowed: impl Fn(&Verdict) -> bool) {
    for (trace, Judgement { verdict, reason, windows, .. }) in runs(scenario) {
        let shown: Vec<_> = windows.iter().map(|w| (w.from.as_secs_f64(), w.good, w.state)).collect();
        assert!(allowed(&verdict), "seed {}: {verdict:?}, {reason}\n{shown:?}", trace.seed);
    }
}

#[test]
fn the_retry_storm_is_metastable() {
    let mut scenario = store(560.0, 120);
    scenario.disturbances = vec![spike(40, 10, 2.0)];
    all(&scenario, |v| matches!(v, Verdict::Metastable { spontaneous: false }));
}
