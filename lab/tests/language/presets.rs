//! Presets against the test vectors of their sources.
use lab::{
    config::{self, hedge_preset::HEDGE_PRESETS},
    scenario::load,
};
use lab_core::{
    budget::{Budget, BudgetState},
    call::{Outcome, OutcomeSet},
    draw::Draw,
    hedge::{After, Hedge},
    retry::Retry,
    time::{Span, Time},
};

/// The policy of a client that names the preset `name`, with `more` beside it.
fn preset(name: &str, more: &str) -> Retry {
    let text = format!(
        "workload: {{ rate: 10/s }}\nduration: 30 s\nservices: {{ s: {{ service_time: 5 ms }} }}\n\
         clients: {{ c: {{ calls: s, per_try_timeout: 1 s, retry: {{ preset: {name}{more} }} }} }}\n"
    );
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("preset.yaml");
    std::fs::write(&file, text).unwrap();
    let plan = load(&file, &[]).unwrap_or_else(|e| panic!("{e}"));
    assert!(plan.warnings.is_empty(), "{name}: {:?}", plan.warnings);
    plan.baseline.clients[0].policy.retry.clone()
}

/// How many retries a full budget allows one after the other, when everything fails as `outcome`.
fn allowed(retry: &Retry, outcome: Outcome) -> u32 {
    let mut budget = BudgetState::new(&retry.budget);
    (0..10_000)
        .take_while(|_| {
            budget.failed();
            budget.charge(Time::ZERO, outcome, 1).is_some()
        })
        .count() as u32
}

/// The longest wait before retry `n`, over many calls.
fn longest(retry: &Retry, n: u32, rejected: bool) -> f64 {
    let wait = |call| retry.backoff.wait(call, n, rejected, Span::ZERO, Draw { seed: 1 }).as_millis_f64();
    (0..5000).map(wait).fold(0.0, f64::max)
}

fn near(found: f64, limit: f64) -> bool {
    found <= limit && found > 0.98 * limit
}

#[test]
fn every_preset_reads_and_says_where_it_is_from() {
    for p in config::PRESETS {
        let retry = preset(p.name, "");
        assert!(retry.max_attempts > 1, "{}", p.name);
        assert!(!p.source.is_empty() && !p.version.is_empty() && !p.about.is_empty());
    }
}

/// The client that hedges as the preset `name` says.
fn hedge(name: &str, more: &str) -> Hedge {
    let text = format!(
        "workload: {{ rate: 10/s }}\nduration: 30 s\nservices: {{ s: {{ replicas: 3, service_time: 5 ms }} }}\n\
         clients: {{ c: {{ calls: s, hedge: {{ preset: {name}{more} }} }} }}\n"
    );
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("preset.yaml");
    std::fs::write(&file, text).unwrap();
    let plan = load(&file, &[]).unwrap_or_else(|e| panic!("{e}"));
    assert!(plan.warnings.is_empty(), "{name}: {:?}", plan.warnings);
    plan.baseline.clients[0].policy.hedge.clone().unwrap()
}

#[test]
fn hedging_presets_are_those_of_their_sources() {
    let set = |outcomes: &[Outcome]| OutcomeSet::of(outcomes);
    let expected = [
        ("grpc-a6-hedging-example", After::Fixed(Span::from_millis(500)), 4),
        ("finagle-backup-1pct", After::Quantile(0.99), 2),
        ("polly-v8-hedging", After::Fixed(Span::from_secs(2)), 2),
    ];
    assert_eq!(expected.map(|e| e.0).to_vec(), HEDGE_PRESETS.iter().map(|p| p.name).collect::<Vec<_>>());
    for (name, after, attempts) in expected {
        let hedge = hedge(name, "");
        assert_eq!((hedge.after, hedge.max_attempts, hedge.writes), (after, attempts, false), "{name}");
    }
    let not_fatal = hedge("grpc-a6-hedging-example", "").non_fatal;
    assert_eq!(not_fatal, set(&[Outcome::Rejected, Outcome::Reset, Outcome::Error]));
    assert_eq!(hedge("finagle-backup-1pct", "").non_fatal, OutcomeSet::EMPTY);
    // One in a hundred: 1,000 calls pay for 10 backups.
    let mut budget = BudgetState::new(&hedge("finagle-backup-1pct", "").budget);
    (0..1000).for_each(|_| budget.started(Time::ZERO));
    let paid = (0..100).filter(|_| budget.charge(Time::ZERO, Outcome::Timeout, 1).is_some());
    assert_eq!(paid.count(), 10);
    // Fields beside a preset override it.
    let own = hedge("polly-v8-hedging", ", after: p95");
    assert_eq!((own.after, own.max_attempts), (After::Quantile(0.95), 2));
}

#[test]
fn which_presets_retry_timeouts() {
    let retries = |name: &str, outcome| preset(name, "").retry_on.contains(outcome);
    for name in
        ["aws-standard-2.0", "aws-standard-2.1", "google-sre", "polly-v8", "resilience4j", "urllib3-default"]
    {
        assert!(retries(name, Outcome::Timeout), "{name}");
    }
    for name in [
        "grpc-a6-example",
        "envoy-retry-on",
        "envoy-retry-budget",
        "istio-default",
        "finagle",
        "axios-retry",
        "linkerd-serviceprofile",
        "mongodb-driver",
    ] {
        assert!(!retries(name, Outcome::Timeout), "{name}");
    }
    assert!(!retries("istio-default", Outcome::Error) && retries("axios-retry", Outcome::Error));
    assert!(!retries("finagle", Outcome::Error) && retries("finagle", Outcome::Rejected));
}

#[test]
fn the_aws_quota_ends_after_35_retries_in_2_1_and_100_or_50_in_2_0() {
    let (old, new) = (preset("aws-standard-2.0", ""), preset("aws-standard-2.1", ""));
    assert_eq!((old.max_attempts, new.max_attempts), (3, 3));
    assert_eq!(preset("aws-dynamodb-2.1", "").max_attempts, 4);
    assert_eq!(allowed(&new, Outcome::Error), 35);
    assert_eq!(allowed(&new, Outcome::Rejected), 100);
    assert_eq!(allowed(&old, Outcome::Error), 100);
    assert_eq!(allowed(&old, Outcome::Timeout), 50);
    assert!(near(longest(&new, 1, false), 50.0) && near(longest(&new, 1, true), 1000.0));
    assert!(near(longest(&old, 1, false), 1000.0) && near(longest(&old, 9, false), 20_000.0));
    assert!(near(longest(&preset("aws-dynamodb-2.1", ""), 2, false), 50.0));
}

#[test]
fn the_grpc_throttle_lets_four_failures_retry() {
    let retry = preset("grpc-a6-example", "");
    assert_eq!(allowed(&retry, Outcome::Rejected), 4);
    assert_eq!(retry.max_attempts, 4);
    assert!(near(longest(&retry, 1, true), 120.0) && near(longest(&retry, 9, true), 1200.0));
}

#[test]
fn finagle_has_a_reserve_of_100_and_earns_one_retry_in_five_successes() {
    let retry = preset("finagle", "");
    assert_eq!(allowed(&retry, Outcome::Rejected), 100);
    let mut budget = BudgetState::new(&retry.budget);
    while budget.charge(Time::ZERO, Outcome::Rejected, 1).is_some() {}
    for success in 1..=5 {
        assert!(budget.charge(Time::ZERO, Outcome::Rejected, 1).is_none(), "after {success}");
        budget.succeeded(Time::ZERO, 0);
    }
    assert!(budget.charge(Time::ZERO, Outcome::Rejected, 1).is_some());
}

#[test]
fn envoy_allows_three_retries_at_a_time_and_istio_any_number() {
    let envoy = preset("envoy-retry-on", "");
    assert_eq!(allowed(&envoy, Outcome::Rejected), 3);
    assert_eq!(envoy.max_attempts, 2);
    let mut budget = BudgetState::new(&preset("envoy-retry-budget", "").budget);
    let at_100_calls =
        (0..100).take_while(|_| budget.charge(Time::ZERO, Outcome::Reset, 100).is_some()).count();
    assert_eq!(at_100_calls, 20);
    let istio = preset("istio-default", "");
    assert_eq!((istio.max_attempts, &istio.budget), (3, &Budget::None));
    assert!(near(longest(&istio, 1, true), 25.0) && near(longest(&istio, 9, true), 250.0));
}

#[test]
fn the_sre_budget_keeps_retries_below_a_tenth() {
    let retry = preset("google-sre", "");
    let mut budget = BudgetState::new(&retry.budget);
    let mut retries = 0;
    for _ in 0..9000 {
        budget.started(Time::ZERO);
        retries += u32::from(budget.charge(Time::ZERO, Outcome::Timeout, 1).is_some());
    }
    assert_eq!(retries, 1000, "1.111 attempts per call");
}

#[test]
fn axios_retries_at_once() {
    let retry = preset("axios-retry", "");
    assert_eq!((retry.max_attempts, longest(&retry, 1, true)), (4, 0.0));
}

#[test]
fn fields_override_a_preset() {
    let retry = preset("aws-standard-2.1", ", max_attempts: 5, backoff: { initial: 25 ms }, budget: none");
    assert_eq!((retry.max_attempts, &retry.budget), (5, &Budget::None));
    assert_eq!(retry.backoff.initial, Span::from_millis(25));
    assert_eq!(retry.backoff.initial_after_rejection, Span::from_secs(1));
    assert_eq!(retry.backoff.max, Span::from_secs(20));
}
