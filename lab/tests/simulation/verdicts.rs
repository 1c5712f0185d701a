//! No false verdicts: what the lab says of runs whose fate is known, over many seeds each.
use lab::{
    engine::sim::sim,
    scenario::{Scenario, sample::queueing},
    trace::{Cohort, Trace},
    verdict::{Judgement, Verdict, judge, judge_sim},
};
use lab_core::{
    arrival::Stage,
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

/// Replicas of three workers, 30 ms each: 100/s. One attempt of a second.
fn small(rate: f64, duration: u64) -> Scenario {
    let mut scenario = queueing(rate, 3, Span::from_millis(30), Span::from_secs(duration));
    scenario.warmup = Span::from_secs(10);
    scenario.clients[0].policy.per_try_timeout = Span::from_secs(1);
    scenario
}

/// Stages of so many seconds at so many calls per second.
fn stages(scenario: &mut Scenario, stages: &[(u64, f64)]) {
    let mut from = Time::ZERO;
    scenario.clients[0].load.stages = stages
        .iter()
        .map(|&(length, rate)| {
            let until = from + Span::from_secs(length);
            let stage = Stage { from, until, rate, end_rate: rate };
            from = until;
            stage
        })
        .collect();
}

fn bad(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Metastable { .. } | Verdict::Escaped { .. })
}

/// The textbook trap: at ρ = 0.93 the queue wanders for minutes, and many windows look terrible.
#[test]
fn a_quiet_queue_at_93_percent_is_never_metastable() {
    for (latency, good) in [(Span::FOREVER, 0.99), (Span::from_secs(6), 0.9), (Span::from_secs(3), 0.8)] {
        let mut scenario = queueing(9.3, 1, Span::from_millis(100), Span::from_secs(1500));
        scenario.warmup = Span::from_secs(100);
        scenario.healthy.latency = latency;
        scenario.healthy.good = good;
        all(&scenario, |v| !bad(v));
        scenario.clients[0].policy.per_try_timeout = latency;
        all(&scenario, |v| !bad(v));
        scenario.disturbances = vec![spike(700, 10, 1.1)];
        all(&scenario, |v| !bad(v));
    }
}

#[test]
fn plain_overload_with_a_negligible_trigger_is_overload() {
    for rate in [102.0, 130.0, 200.0] {
        let mut scenario = small(rate, 180);
        scenario.disturbances = vec![spike(40, 2, 1.01)];
        all(&scenario, |v| !bad(v) && !matches!(v, Verdict::Recovered { .. } if rate > 110.0));
        if rate > 110.0 {
            all(&scenario, |v| *v == Verdict::Overloaded);
        }
    }
    // Nobody ever gives up, so no call fails: the queue just grows.
    let mut scenario = small(150.0, 180);
    scenario.clients[0].policy.per_try_timeout = Span::FOREVER;
    scenario.disturbances = vec![spike(40, 2, 1.01)];
    all(&scenario, |v| *v == Verdict::Overloaded);
}

#[test]
fn a_full_recovery_is_one_whatever_the_whole_runs_p99_is() {
    let mut scenario = small(50.0, 150);
    scenario.disturbances = vec![spike(40, 10, 5.0)];
    for (trace, judgement) in runs(&scenario) {
        let Verdict::Recovered { after } = judgement.verdict else { panic!("{:?}", judgement.verdict) };
        assert!((Span::from_secs(20)..=Span::from_secs(60)).contains(&after), "{after}");
        let mut whole = trace.clients[0].latency.before.clone();
        whole += &trace.clients[0].latency.during;
        whole += &trace.clients[0].latency.after;
        assert!(whole.value_at_quantile(0.99) >= 999_000, "a bad p99 was wanted");
    }
}

/// 5,200 calls too many, 10/s of spare capacity: ten minutes.
#[test]
fn a_long_drain_that_will_end_is_one() {
    let mut scenario = small(90.0, 200);
    scenario.disturbances = vec![spike(40, 20, 4.0)];
    for (trace, judgement) in runs(&scenario) {
        let Verdict::Draining { left } = judgement.verdict else {
            panic!("seed {}: {:?} {}", trace.seed, judgement.verdict, judgement.reason)
        };
        assert!((Span::from_secs(150)..=Span::from_secs(1200)).contains(&left), "{left}");
    }
    scenario.duration = Span::from_secs(1200);
    all(&scenario, |v| matches!(v, Verdict::Recovered { after } if *after > Span::from_secs(200)));
}

#[test]
fn retries_below_the_hidden_capacity_drain() {
    let mut scenario = small(22.0, 140);
    scenario.clients[0].policy.retry = retries(4);
    scenario.disturbances = vec![spike(40, 20, 5.0)];
    all(&scenario, |v| {
        matches!(v, Verdict::Draining { .. } | Verdict::Recovered { .. } | Verdict::Undecided)
    });
    scenario.duration = Span::from_secs(1500);
    all(&scenario, |v| matches!(v, Verdict::Recovered { .. }));
}

#[test]
fn an_overloaded_start_is_not_the_triggers_doing() {
    let mut scenario = small(60.0, 160);
    scenario.clients[0].policy.retry = retries(4);
    stages(&mut scenario, &[(30, 200.0), (200, 60.0)]);
    for disturbances in [vec![], vec![spike(60, 5, 1.2)]] {
        scenario.disturbances = disturbances;
        all(&scenario, |v| *v == Verdict::Overloaded);
    }
}

#[test]
fn periodic_bursts_swing() {
    for last in [20, 60] {
        let mut scenario = small(30.0, 360 + last);
        let period = [(40, 30.0), (20, 200.0)];
        let all_stages: Vec<(u64, f64)> = (0..8).flat_map(|_| period).collect();
        stages(&mut scenario, &all_stages);
        all(&scenario, |v| *v == Verdict::Oscillating);
    }
}

/// M/M/1 at λ = 8, μ = 10, 2 s, four attempts: the healthy state lives for about four minutes.
#[test]
fn what_falls_unaided_is_called_spontaneous_or_escaped() {
    let mut scenario = queueing(8.0, 1, Span::from_millis(100), Span::from_secs(1500));
    scenario.clients[0].policy.per_try_timeout = Span::from_secs(2);
    scenario.clients[0].policy.retry = retries(4);
    scenario.warmup = Span::from_secs(10);
    scenario.healthy.good = 0.8;
    let unaided = runs(&scenario);
    let fell: Vec<bool> = unaided.iter().map(|(_, j)| matches!(j.verdict, Verdict::Escaped { .. })).collect();
    assert!(
        fell.iter().filter(|f| **f).count() >= 18,
        "{:?}",
        unaided.iter().map(|u| &u.1.verdict).collect::<Vec<_>>()
    );
    scenario.disturbances = vec![spike(60, 20, 3.0)];
    let mut spontaneous = 0;
    for ((trace, judgement), fell) in runs(&scenario).iter().zip(fell) {
        match judgement.verdict {
            Verdict::Metastable { spontaneous: said } => {
                assert!(said || !fell, "seed {}: {}", trace.seed, judgement.reason);
                spontaneous += u32::from(said);
            }
            ref other => assert_ne!(other.word(), "unaffected", "seed {}", trace.seed),
        }
    }
    assert!(spontaneous >= 12, "{spontaneous} of {SEEDS}");
}

/// A run of 150 s whose windows of 10 s, from 10 s on, are healthy (`H`), degraded (`D`), failed (`F`) or undecided (`?`).
fn made(windows: &str, disturbances: Vec<Disturbance>) -> Judgement {
    let mut scenario = small(40.0, 150);
    scenario.disturbances = disturbances;
    let mut trace = sim(&scenario, 1);
    let cohorts = &mut trace.clients[0].cohorts;
    for (index, state) in windows.chars().enumerate() {
        let (good, bad) = match state {
            'H' => (1000, 0),
            'D' => (800, 200),
            'F' => (10, 990),
            _ => (0, 0),
        };
        cohorts.cohorts[index + 1] = Cohort { offered: 1000, good, bad };
    }
    // A call that nobody answers stays open.
    scenario.clients[0].policy.per_try_timeout = Span::FOREVER;
    judge(&scenario, &trace, None)
}

#[test]
fn verdicts_follow_from_the_windows() {
    let trigger = || vec![spike(40, 10, 1.0)];
    let word = |windows: &str, disturbances: Vec<Disturbance>| made(windows, disturbances).verdict;
    let after = |s| Verdict::Recovered { after: Span::from_secs(s) };
    // Windows begin at 10, 20, …; the trigger lasts from 40 to 50.
    assert_eq!(word("HHHHHHHHHHHHHH", trigger()), Verdict::Unaffected);
    assert_eq!(word("HHHFHHHHHHHHHH", trigger()), after(0));
    assert_eq!(word("HHHFFFHHHHHHHH", trigger()), after(20));
    assert_eq!(word("HHHFFHDHHHHHHH", trigger()), after(30));
    assert_eq!(word("HHHFFFFFFFFFHH", trigger()), after(80));
    assert_eq!(word("HHHFFFFFFFFFFF", trigger()), Verdict::Metastable { spontaneous: false });
    assert_eq!(word("HHHFFFFFFFFFF?", trigger()), Verdict::Metastable { spontaneous: false });
    assert_eq!(word("HHHFFFFFFFFF??", trigger()), Verdict::Undecided);
    assert_eq!(word("HHHFDDDDDDDDDD", trigger()), Verdict::Degraded);
    assert_eq!(word("HHHFHHHHHFFFFF", trigger()), Verdict::Escaped { at: seconds(100) });
    assert_eq!(word("HFFFFFFFFFFFFF", trigger()), Verdict::Escaped { at: seconds(20) });
    assert_eq!(word("FFFFFFFFFFFFFF", trigger()), Verdict::Overloaded);
    assert_eq!(word("DDDHHHHHHHHHHH", trigger()), Verdict::Overloaded);
    assert_eq!(word("HHHFHFFHHFHFFH", trigger()), Verdict::Oscillating);
    assert_eq!(word("HHHHHFFFFFFFFF", vec![]), Verdict::Escaped { at: seconds(60) });
    assert_eq!(word("FFFFFFFFFFFFFF", vec![]), Verdict::Overloaded);
    assert_eq!(word("HHHHHHHHHHHHHH", vec![]), Verdict::Unaffected);
    assert_eq!(word("??????????????", trigger()), Verdict::Undecided);
}

#[test]
fn after_a_lever_the_verdict_is_of_the_time_before_it() {
    let shed = Disturbance {
        role: Role::Lever,
        effect: Effect::RetriesOff { clients: vec![0] },
        ..spike(90, 10, 1.0)
    };
    let with_lever = || vec![spike(40, 10, 1.0), shed.clone()];
    let healed = made("HHHFFFFFFHHHHH", with_lever());
    assert_eq!(healed.verdict, Verdict::Metastable { spontaneous: false });
    assert_eq!(healed.after_lever, "recovered");
    assert_eq!(healed.after.until, seconds(90));
    let stuck = made("HHHFFFFFFFFFFF", with_lever());
    assert_eq!(stuck.after_lever, "failed");
    assert_eq!(made("HHHFFFFFFFFHHD", with_lever()).after_lever, "degraded");
    assert_eq!(made("HHHHHHHHHHHHHH", vec![]).after_lever, "");
}

#[test]
fn an_interrupted_run_or_one_without_an_end_of_the_trigger_is_undecided() {
    let mut scenario = small(40.0, 100);
    scenario.disturbances = vec![spike(40, 60, 3.0)];
    assert_eq!(judge(&scenario, &sim(&scenario, 1), None).verdict, Verdict::Undecided);
    scenario.disturbances = vec![spike(40, 10, 3.0)];
    let mut trace = sim(&scenario, 1);
    trace.end = seconds(70);
    assert_eq!(judge(&scenario, &trace, None).verdict, Verdict::Undecided);
}
