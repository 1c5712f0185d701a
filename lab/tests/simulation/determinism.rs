//! The same scenario and seed give the same trace to the last bit, and every variant meets the same calls.

use super::traces::all_of;
use lab::{
    engine::sim::sim,
    scenario::{Scenario, sample::queueing},
};
use lab_core::{
    arrival::{Arrival, Process},
    balance::Balance,
    budget::{Budget, CreditPer},
    call::{Outcome, OutcomeSet},
    demand::Demand,
    draw::Draw,
    hedge::{After, Hedge},
    queue::Discipline,
    retry::{Backoff, Jitter, Retry},
    server::Cancel,
    setting::{ClientSetting, ServerSetting},
    time::{Span, Time},
    timeline::{Disturbance, Effect, Replicas, Role},
};

/// Two client groups of several instances, three replicas, and everything that can go wrong, one after the other.
fn everything() -> Scenario {
    let mut scenario = queueing(300.0, 4, Span::from_millis(30), Span::from_secs(120));
    scenario.warmup = Span::from_secs(5);
    let exponential = |ms| Demand::Exponential { mean: Span::from_millis(ms) };
    scenario.network_delay = exponential(1);
    let service = &mut scenario.services[0];
    service.replicas = 3;
    service.policy.capacity = 400;
    service.policy.cancel = Cancel::OnDisconnect;
    service.policy.service_time = Demand::Lognormal { median: Span::from_millis(20), sigma: 0.8 };
    service.policy.discipline =
        Discipline::Codel { target: Span::from_millis(50), interval: Span::from_millis(500) };
    service.policy.error_service_time = Some(exponential(5));
    let wait = Span::from_millis(50);
    let group = &mut scenario.clients[0];
    group.instances = 5;
    group.policy.per_try_timeout = Span::from_secs(1);
    group.policy.deadline = Span::from_secs(5);
    group.policy.balance = Balance::PowerOfTwo;
    group.policy.retry.max_attempts = 4;
    group.policy.retry.retry_on =
        OutcomeSet::of(&[Outcome::Timeout, Outcome::Reset, Outcome::Rejected, Outcome::Error]);
    group.policy.retry.backoff = Backoff {
        initial: wait,
        initial_after_rejection: wait,
        multiplier: 2.0,
        max: Span::from_secs(1),
        jitter: Jitter::Decorrelated,
    };
    group.policy.retry.budget =
        Budget::TokenBucket { credit_per: CreditPer::Success, ratio: 0.5, burst: 100.0 };
    let mut second = scenario.clients[0].clone();
    second.name = "batch".into();
    second.policy.balance = Balance::LeastRequest;
    second.load.process = Process::Bursty { factor: 4.0, share: 0.2, mean_burst: Span::from_secs(1) };
    second.load.stages[0].rate = 50.0;
    second.load.stages[0].end_rate = 50.0;
    scenario.clients.push(second);
    let mut third = scenario.clients[1].clone();
    third.name = "readers".into();
    third.policy.retry = Retry::none();
    third.policy.hedge = Some(Hedge {
        after: After::Quantile(0.9),
        max_attempts: 3,
        non_fatal: OutcomeSet::of(&[Outcome::Reset, Outcome::Rejected]),
        budget: Budget::Concurrent { ratio: 0.2, at_least: 3 },
        writes: false,
    });
    scenario.clients.push(third);
    let some = |which: &[u32]| Replicas { service: 0, which: which.to_vec() };
    let effects = [
        Effect::LoadSpike { clients: vec![0, 1], factor: 2.0 },
        Effect::SlowDown { replicas: some(&[0]), factor: 3.0 },
        Effect::Pause { replicas: some(&[1]) },
        Effect::Crash { replicas: some(&[2]) },
        Effect::ErrorBurst { replicas: some(&[0, 1, 2]), share: 0.3 },
        Effect::NetworkDelay { service: 0, extra: Span::from_millis(20) },
        Effect::ShedLoad { clients: vec![0], admit: 0.5 },
        Effect::RetriesOff { clients: vec![1] },
        Effect::QueueFlush { replicas: some(&[0]) },
        Effect::Set {
            settings: vec![
                scenario.client_setting(0, ClientSetting::PerTryTimeout(Span::from_millis(300))),
                scenario.client_setting(1, ClientSetting::Budget(Budget::None)),
                scenario.service_setting(0, ServerSetting::Workers(2)),
                scenario.service_setting(0, ServerSetting::Discipline(Discipline::Lifo)),
                scenario.service_setting(0, ServerSetting::Cancel(Cancel::Deadline)),
            ],
        },
    ];
    for (index, effect) in (0..).zip(effects) {
        let from = Time::ZERO + Span::from_secs(10 + 10 * index);
        let until = from + Span::from_secs(7);
        let role = if index < 6 { Role::Trigger } else { Role::Lever };
        scenario.disturbances.push(Disturbance { name: format!("d{index}"), role, from, until, effect });
    }
    scenario
}

#[test]
fn the_same_seed_gives_the_same_trace_and_another_one_does_not() {
    let scenario = everything();
    let first = sim(&scenario, 7);
    // The scenario does what its name says, or the comparison would be of nothing.
    let totals = first.client_total(Time::ZERO, scenario.end());
    assert!(totals.ended.iter().all(|n| *n > 0), "an outcome never happened: {:?}", totals.ended);
    assert!(first.clients[2].windows.iter().any(|window| window.retries > 0), "nobody hedged");
    assert!(totals.late > 0 && totals.shed > 0 && totals.retries > 0);
    assert_eq!(first.events.len(), 20);
    let workers = |from, until| first.servers[0].windows[from..until].iter().map(|w| w.workers).sum::<f64>();
    assert_eq!((workers(0, 100), workers(100, 107), workers(107, 120)), (400.0, 14.0, 52.0));

    assert!(all_of(&first) == all_of(&sim(&scenario, 7)), "the same seed differs");
    let elsewhere = std::thread::scope(|s| s.spawn(|| all_of(&sim(&scenario, 7))).join().unwrap());
    assert!(all_of(&first) == elsewhere, "another thread differs");
    assert!(all_of(&first) != all_of(&sim(&scenario, 8)), "another seed gives the same");
}

fn schedule(scenario: &Scenario, group: usize, seed: u64) -> Vec<Arrival> {
    let mut arrivals = scenario.arrivals(group, Draw { seed });
    std::iter::from_fn(|| (arrivals.peek().at < scenario.end()).then(|| arrivals.pop())).collect()
}

/// Common random numbers: what is changed about the system or its clients changes neither a call nor the work it asks for.
#[test]
fn variants_meet_the_same_calls() {
    let base = everything();
    let mut short_queue = base.clone();
    short_queue.services[0].policy.capacity = 5;
    let mut patient = base.clone();
    patient.clients[0].policy.retry.max_attempts = 1;
    patient.clients[0].policy.per_try_timeout = Span::from_secs(3);
    let offered = |scenario: &Scenario| -> Vec<Vec<u64>> {
        let trace = sim(scenario, 3);
        trace.clients.iter().map(|c| c.windows.iter().map(|w| w.offered).collect()).collect()
    };
    assert_eq!(offered(&base), offered(&short_queue));
    assert_eq!(offered(&base), offered(&patient));
    // Without the spike the base calls are the same, with their numbers, the keys of all other draws.
    let calm = base.undisturbed();
    for group in 0..2 {
        let (with, without) = (schedule(&base, group, 3), schedule(&calm, group, 3));
        let with: std::collections::BTreeSet<(u64, u64)> = with.iter().map(|a| (a.at.0, a.call)).collect();
        assert!(without.iter().all(|a| with.contains(&(a.at.0, a.call))), "group {group}");
        assert!(with.len() > without.len(), "the spike adds calls");
    }
}

/// A lever that acts late changes nothing before it acts.
#[test]
fn what_happens_later_does_not_change_what_was_before() {
    let base = everything();
    let mut more = base.clone();
    more.disturbances.push(Disturbance {
        name: "late".into(),
        role: Role::Lever,
        from: Time::ZERO + Span::from_secs(100),
        until: Time::ZERO + Span::from_secs(110),
        effect: Effect::ShedLoad { clients: vec![0, 1], admit: 0.0 },
    });
    let windows = |scenario: &Scenario, range: std::ops::Range<usize>| {
        let trace = sim(scenario, 5);
        format!("{:?} {:?}", &trace.clients[0].windows[range.clone()], &trace.servers[0].windows[range])
    };
    assert!(windows(&base, 0..100) == windows(&more, 0..100));
    assert!(windows(&base, 100..120) != windows(&more, 100..120));
}
