//! What a config means once it is read.
use lab::{
    engine::sim::sim,
    scenario::{Bound, Claim, Metric, Over, Plan, load},
};
use lab_core::{
    arrival::Process,
    balance::Balance,
    budget::{Budget, CreditPer},
    call::{Outcome, OutcomeSet},
    demand::Demand,
    queue::Discipline,
    retry::Jitter,
    setting::{ClientSetting, ServerSetting, Setting},
    time::{Span, Time},
    timeline::{Effect, Replicas, Role},
};
use std::path::{Path, PathBuf};

fn configs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("configs")
}

fn plan(name: &str, set: &[&str]) -> Plan {
    let set: Vec<String> = set.iter().map(|s| s.to_string()).collect();
    load(&configs().join(name), &set).unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn retry_storm_reads_as_written() {
    let plan = plan("retry-storm.yaml", &[]);
    assert!(plan.warnings.is_empty(), "{:?}", plan.warnings);
    assert_eq!((plan.name.as_str(), plan.cell.0.as_str()), ("retry-storm", "load_spike"));
    assert_eq!(plan.cell.1, "workload_amplification");
    let s = &plan.baseline;
    assert_eq!(
        (s.duration, s.warmup, s.window),
        (Span::from_secs(120), Span::from_secs(10), Span::from_millis(500))
    );
    let store = &s.services[0];
    assert_eq!((store.replicas, store.policy.workers, store.policy.capacity), (3, 8, usize::MAX));
    assert_eq!(store.policy.service_time, Demand::Exponential { mean: Span::from_millis(30) });
    assert_eq!(store.policy.discipline, Discipline::Fifo);
    let web = &s.clients[0].policy;
    assert_eq!((web.per_try_timeout, web.deadline), (Span::from_secs(1), Span::FOREVER));
    assert_eq!((web.retry.max_attempts, web.balance), (4, Balance::RoundRobin));
    let outcomes = OutcomeSet::of(&[Outcome::Timeout, Outcome::Rejected, Outcome::Reset]);
    assert_eq!(web.retry.retry_on, outcomes);
    assert_eq!((web.retry.backoff.initial, web.retry.backoff.jitter), (Span::from_millis(50), Jitter::None));
    assert_eq!(s.clients[0].load.rate_at(Time::ZERO), 560.0);
    // The disabled lever is not there.
    assert_eq!(s.disturbances.len(), 1);
    assert_eq!(s.disturbances[0].role, Role::Trigger);
    assert_eq!(s.disturbances[0].effect, Effect::LoadSpike { clients: vec![0], factor: 2.0 });
    assert_eq!(
        (s.first_trigger(), s.triggers_over()),
        (Time::from_secs_f64(40.0), Time::from_secs_f64(50.0))
    );
}

#[test]
fn variants_change_one_thing_each() {
    let plan = plan("retry-storm.yaml", &[]);
    let names: Vec<&str> = plan.variants.iter().map(|v| v.name.as_str()).collect();
    assert_eq!(names, ["short_queue", "retry_budget", "backoff"]);
    assert_eq!(plan.variants[0].change, [("services.store.queue.capacity".to_owned(), "200".to_owned())]);
    let mut expected = plan.baseline.clone();
    expected.services[0].policy.capacity = 200;
    assert_eq!(plan.variants[0].scenario, expected);
    let budget = Budget::TokenBucket { credit_per: CreditPer::Call, ratio: 0.1, burst: 50.0 };
    assert_eq!(plan.variants[1].scenario.clients[0].policy.retry.budget, budget);
    assert_eq!(plan.variants[2].scenario.clients[0].policy.retry.backoff.jitter, Jitter::Full);
}

#[test]
fn expectations_keep_their_line_and_their_words() {
    let plan = plan("retry-storm.yaml", &[]);
    assert_eq!(plan.expect.len(), 5);
    assert_eq!(plan.expect[0].text, "{ verdict: metastable }");
    let claim = Claim::Metric {
        metric: Metric::Amplification,
        over: Over::Last(Span::from_secs(20)),
        between: (3.8, 4.1),
    };
    assert_eq!(plan.expect[1].claim, claim);
    let recovery_time = Bound { at_least: Span::ZERO, at_most: Span::from_secs(15) };
    assert_eq!(plan.expect[2].claim, Claim::Verdict { word: "recovered".into(), recovery_time });
    assert_eq!(
        (plan.expect[2].variant.as_str(), plan.expect[0].line + 2),
        ("short_queue", plan.expect[2].line)
    );
}

#[test]
fn the_command_line_reaches_into_the_workload() {
    let plan =
        plan("retry-storm.yaml", &["workload.rate=400/s", "services.store.queue.discipline=lifo", "seed=7"]);
    assert_eq!(plan.baseline.clients[0].load.rate_at(Time::ZERO), 400.0);
    assert_eq!(plan.baseline.services[0].policy.discipline, Discipline::Lifo);
    assert_eq!(plan.baseline.seed, 7);
    // Variants are changes to the experiment as it was set.
    assert_eq!(plan.variants[0].scenario.clients[0].load.rate_at(Time::ZERO), 400.0);
}

const SETTINGS: &str = "
workload: { rate: 100/s }
duration: 60 s
services:
  store: { replicas: 2, workers: 4, service_time: 20 ms, queue: { capacity: 50 } }
clients:
  web: { calls: store, per_try_timeout: 1 s, retry: { max_attempts: 3 } }
triggers:
  push:
    at: 10 s
    for: 5 s
    do:
      set:
        clients.web.retry: { preset: aws-standard-2.1, max_attempts: 7 }
        clients.web.retry.budget: none
        services.store.queue: { discipline: lifo }
levers:
  longer: { at: 20 s, do: { set: { clients.web.per_try_timeout: 2.5 s, services.store.workers: 6 } } }
variants:
  longest: { levers.longer.do.set.clients.web.per_try_timeout: 9 s }
  attempts: { triggers.push.do.set.clients.web.retry.max_attempts: 2 }
";

/// Paths become settings with what they were before; of two that meet, the one written last counts.
#[test]
fn what_is_set_becomes_settings_with_their_values_before() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("settings.yaml");
    std::fs::write(&file, SETTINGS).unwrap();
    let plan = load(&file, &[]).unwrap_or_else(|e| panic!("{e}"));
    let replicas = || Replicas { service: 0, which: vec![0, 1] };
    let client = |to, back| Setting::Client { group: 0, to, back };
    let server = |to, back| Setting::Server { replicas: replicas(), to, back };
    let patience = |s: f64| ClientSetting::PerTryTimeout(Span::from_secs_f64(s));
    let workers = server(ServerSetting::Workers(6), ServerSetting::Workers(4));
    let longer = |s| Effect::Set { settings: vec![client(patience(s), patience(1.0)), workers.clone()] };
    assert_eq!(plan.baseline.disturbances[1].effect, longer(2.5));
    assert_eq!(plan.baseline.disturbances[1].until, plan.baseline.end());
    assert_eq!(plan.variants[0].scenario.disturbances[1].effect, longer(9.0));

    let Effect::Set { settings } = &plan.baseline.disturbances[0].effect else { panic!("no settings") };
    assert_eq!(settings.len(), 6);
    let attempts = |n| client(ClientSetting::MaxAttempts(n), ClientSetting::MaxAttempts(3));
    assert_eq!(settings[0], attempts(7));
    let outcomes = |all: &[Outcome]| ClientSetting::RetryOn(OutcomeSet::of(all));
    let preset = [Outcome::Timeout, Outcome::Rejected, Outcome::Reset, Outcome::Error];
    assert_eq!(settings[1], client(outcomes(&preset), outcomes(&preset[..3])));
    let Setting::Client { to: ClientSetting::Backoff(backoff), .. } = &settings[2] else {
        panic!("no backoff")
    };
    assert_eq!(
        (backoff.initial, backoff.initial_after_rejection),
        (Span::from_millis(50), Span::from_secs(1))
    );
    assert_eq!(settings[3], client(ClientSetting::Budget(Budget::None), ClientSetting::Budget(Budget::None)));
    let [lifo, fifo] = [Discipline::Lifo, Discipline::Fifo].map(ServerSetting::Discipline);
    assert_eq!(settings[4], server(lifo, fifo));
    assert_eq!(settings[5], server(ServerSetting::Capacity(usize::MAX), ServerSetting::Capacity(50)));
    let Effect::Set { settings } = &plan.variants[1].scenario.disturbances[0].effect else {
        panic!("no settings")
    };
    assert_eq!(settings[0], attempts(2));

    std::fs::write(&file, &plan.resolved).unwrap();
    let again = load(&file, &[]).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(again.baseline.disturbances, plan.baseline.disturbances);
}

#[test]
fn the_resolved_experiment_runs_again_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(configs()).unwrap().flatten() {
        let file = entry.path();
        if file.extension().is_none_or(|e| e != "yaml") {
            continue;
        }
        let first = load(&file, &[]).unwrap_or_else(|e| panic!("{e}"));
        let again = folder.path().join(file.file_name().unwrap());
        std::fs::write(&again, &first.resolved).unwrap();
        let second = load(&again, &[]).unwrap_or_else(|e| panic!("{e}\n{}", first.resolved));
        assert_eq!(first.baseline, second.baseline, "{}", file.display());
        assert_eq!(first.resolved, second.resolved);
        for (a, b) in first.variants.iter().zip(&second.variants) {
            assert_eq!(a.scenario, b.scenario);
        }
        assert_eq!(first.expect.len(), second.expect.len());
    }
}

/// Headings, comments, quotes, further columns and the marks of Windows are all common in such files.
#[test]
fn recorded_arrivals_and_service_times_are_read_and_run() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write(
        "arrivals.csv",
        "\u{feff}time,user\r\n# the first minute\r\n0.5 s,anna\r\n\r\n\"1 s\",ben\r\n1 s,anna\r\n2500 ms,ben\r\n",
    );
    write("times.csv", "10 ms\n30 ms");
    let config = "workload: { arrivals: { recorded: { file: arrivals.csv } } }\nduration: 10 s\n\
                  services: { s: { service_time: { recorded: { file: times.csv } } } }\nclients: { c: { calls: s } }\n";
    write("recorded.yaml", config);
    let plan = load(&folder.path().join("recorded.yaml"), &[]).unwrap_or_else(|e| panic!("{e}"));
    assert!(plan.warnings.is_empty(), "{:?}", plan.warnings);
    let scenario = plan.baseline;
    let at = |seconds| Time::from_secs_f64(seconds);
    let arrivals = Process::Recorded([0.5, 1.0, 1.0, 2.5].map(at).to_vec().into());
    assert_eq!(scenario.clients[0].load.process, arrivals);
    let times = Demand::Recorded([10, 30].map(Span::from_millis).to_vec().into());
    assert_eq!(scenario.services[0].policy.service_time, times);
    let total = sim(&scenario, 1).client_total(Time::ZERO, scenario.end());
    assert_eq!((total.offered, total.good), (4, 4));
}
