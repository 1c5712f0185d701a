//! A recorded live run, replayed through fresh machines, takes the same steps.
#![cfg(feature = "live")]
use lab::{
    engine::live::{LiveOptions, Step, Steps, live, replay},
    scenario::sample,
};
use lab_core::{
    budget::{Budget, CreditPer},
    call::{Outcome, OutcomeSet},
    hedge::{After, Hedge},
    queue::Discipline,
    retry::{Backoff, Retry},
    server::{Cancel, ServerControl, ServerIn, ServerOut},
    setting::{ClientSetting, ServerSetting},
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
    let budget = Budget::Concurrent { ratio: 0.5, at_least: 20 };
    let wait = Span::from_millis(10);
    let backoff = Backoff { initial: wait, initial_after_rejection: wait, max: wait, ..Backoff::none() };
    // In force before, during and after the crash, one over the other.
    let pushed = [
        (1200, 4500, vec![scenario.client_setting(0, ClientSetting::PerTryTimeout(Span::from_millis(60)))]),
        (1400, 2800, vec![scenario.client_setting(0, ClientSetting::Budget(budget))]),
        (1300, 4000, vec![scenario.client_setting(0, ClientSetting::Backoff(backoff))]),
        (1600, 4200, vec![scenario.service_setting(0, ServerSetting::Workers(1))]),
        (3000, 4400, vec![scenario.service_setting(0, ServerSetting::Workers(3))]),
        (2500, 4300, vec![scenario.service_setting(0, ServerSetting::Discipline(Discipline::Lifo))]),
        (2200, 3900, vec![scenario.service_setting(0, ServerSetting::Capacity(5))]),
        (2600, 4600, vec![scenario.service_setting(0, ServerSetting::Cancel(Cancel::OnDisconnect))]),
    ];
    let pushed =
        pushed.into_iter().map(|(from, until, settings)| disturb(from, until, Effect::Set { settings }));
    scenario.disturbances.extend(pushed);
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

    // The process that came back had been told what was in force.
    let told = |setting: ServerSetting| {
        let step =
            |step: &Step<ServerIn, ServerOut>| step.input == ServerIn::Control(ServerControl::Set(setting));
        let lives = recording.lives.iter().filter(|life| match &life.steps {
            Steps::Server { steps, .. } => steps.iter().any(step),
            _ => false,
        });
        lives.count()
    };
    // What a killed process took after its last window is not kept.
    assert!(told(ServerSetting::Workers(3)) >= 2);
    assert_eq!((told(ServerSetting::Workers(1)), told(ServerSetting::Capacity(5))), (2, 3));

    // And a difference would be seen.
    let step = &mut recording.clients[0][0];
    step.now = step.now + Span(1);
    let changed = replay(&recording);
    assert!(changed.differing > 0 && changed.first.is_some());
}
