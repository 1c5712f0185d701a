//! A recorded live run, replayed through fresh machines, takes the same steps.
#![cfg(feature = "live")]
use lab::{
    engine::live::{LiveOptions, live, replay},
    scenario::sample,
};
use lab_core::{
    budget::{Budget, CreditPer},
    call::{Outcome, OutcomeSet},
    hedge::{After, Hedge},
    retry::Retry,
    time::{Span, Time},
    timeline::{Disturbance, Effect, Replicas, Role},
};
use std::path::Path;

#[test]
fn a_recorded_run_replays_without_a_difference() {
    let mut scenario = sample::queueing(150.0, 2, Span::from_millis(15), Span::from_secs(5));
    scenario.services[0].replicas = 2;
    let client = &mut scenario.clients[0];
    client.instances = 2;
    client.policy.per_try_timeout = Span::from_millis(100);
    client.policy.retry.max_attempts = 3;
    client.policy.retry.retry_on = OutcomeSet::of(&[Outcome::Timeout, Outcome::Reset]);
    let mut hedger = client.clone();
    hedger.name = "hedger".into();
    hedger.policy.retry = Retry::none();
    hedger.policy.hedge = Some(Hedge {
        after: After::Fixed(Span::from_millis(30)),
        max_attempts: 2,
        non_fatal: OutcomeSet::of(&[Outcome::Timeout, Outcome::Reset]),
        budget: Budget::TokenBucket { credit_per: CreditPer::Call, ratio: 0.5, burst: 20.0 },
        writes: false,
    });
    let stage = &mut hedger.load.stages[0];
    (stage.rate, stage.end_rate) = (30.0, 30.0);
    scenario.clients.push(hedger);
    let disturb = |from: u64, until: u64, effect| Disturbance {
        name: "it".into(),
        role: Role::Trigger,
        from: Time(from * 1_000_000),
        until: Time(until * 1_000_000),
        effect,
    };
    let replicas = |which: u32| Replicas { service: 0, which: vec![which] };
    scenario.disturbances = vec![
        disturb(1000, 2000, Effect::Pause { replicas: replicas(0) }),
        disturb(1500, 3000, Effect::SlowDown { replicas: replicas(1), factor: 2.3 }),
        disturb(3200, 3800, Effect::Crash { replicas: replicas(1) }),
    ];
    let executable = Some(Path::new(env!("CARGO_BIN_EXE_lab")));
    let options = LiveOptions { executable, record: true, ..LiveOptions::default() };
    let run = live(&scenario, 1, &options).unwrap_or_else(|error| panic!("{error}"));
    let mut recording = run.recording.expect("it was asked for");
    let differences = replay(&recording);
    assert_eq!(differences.differing, 0, "{differences:?}");
    assert!(differences.steps > 3000, "{differences:?}");
    assert_eq!(recording.lives.len(), 3, "one replica lived twice");
    let sum = run.trace.client_total(Time::ZERO, run.trace.end);
    assert!(sum.ended[Outcome::Timeout as usize] > 50 && sum.retries > 50, "nothing happened: {sum:?}");

    let hedger =
        run.trace.clients[1].windows.iter().fold((0, 0), |sum, w| (sum.0 + w.retries, sum.1 + w.attempts));
    assert!(hedger.0 > 20 && hedger.1 > 150, "nobody hedged: {hedger:?}");

    // And a difference would be seen.
    let step = &mut recording.clients[0][0];
    step.now = step.now + Span(1);
    let changed = replay(&recording);
    assert!(changed.differing > 0 && changed.first.is_some());
}
