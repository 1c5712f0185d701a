//! The pictures of theory must be readable, and show what theory says, for services of every kind and size.

use super::drawing::{labels_are_apart, lines, paths_are_inside, words};
use lab::{
    plot::{
        Figure, bifurcation, drift,
        ink::{Theme, colour},
    },
    scenario::{Scenario, sample::queueing},
    study::portrait::portraits,
    theory::predict,
    verdict::RunView,
};
use lab_core::{
    budget::{Budget, CreditPer},
    call::{Outcome, OutcomeSet},
    time::{Span, Time},
    timeline::{Disturbance, Effect, Role},
};

/// Four attempts on timeouts of `timeout_s`, and a spike that doubles the load.
fn retrying(rate: f64, workers: u32, service_ms: u64, timeout_s: f64, places: usize) -> Scenario {
    let duration = 60.0 * timeout_s;
    let mut scenario = queueing(rate, workers, Span::from_millis(service_ms), Span::from_secs_f64(duration));
    scenario.services[0].policy.capacity = places;
    scenario.window = Span::from_secs_f64(timeout_s / 4.0);
    let policy = &mut scenario.clients[0].policy;
    policy.per_try_timeout = Span::from_secs_f64(timeout_s);
    policy.retry.max_attempts = 4;
    policy.retry.retry_on = OutcomeSet::of(&[Outcome::Timeout]);
    scenario.disturbances = vec![Disturbance {
        name: "spike".into(),
        role: Role::Trigger,
        from: Time::from_secs_f64(duration / 3.0),
        until: Time::from_secs_f64(duration / 3.0 + 8.0 * timeout_s),
        effect: Effect::LoadSpike { clients: vec![0], factor: 2.0 },
    }];
    scenario
}

/// The drift field and the bifurcation diagram.
fn pictures(scenario: &Scenario) -> (Figure, Figure) {
    let predictions = predict(scenario);
    let simulated = portraits(scenario, &predictions);
    let run = RunView {
        variant: "baseline",
        engine: "simulated",
        scenario,
        trace: &simulated.trace,
        judgement: &simulated.judgement,
    };
    let (prediction, portrayed) = (&predictions.services[0], &simulated.services[0]);
    let bifurcation = bifurcation(&prediction.hand, &portrayed.settles, &run).expect("it has retries");
    (drift(prediction, &portrayed.way, &run).expect("it has a chain"), bifurcation)
}

fn readable(figure: &Figure) {
    println!("{}: {:?}", figure.name, words(figure));
    labels_are_apart(figure);
    paths_are_inside(figure);
    assert!(figure.png(Theme::Dark).len() > 10_000);
}

#[test]
fn two_sinks_get_a_line_and_two_names() {
    let (drift, bifurcation) = pictures(&retrying(7.0, 1, 100, 2.0, 199));
    readable(&drift);
    readable(&bifurcation);
    let said = words(&drift);
    for word in ["healthy", "failed", "on this line it can go either way", "μT = 20 jobs"] {
        assert!(said.iter().any(|text| text == word), "{word}: {said:?}");
    }
    assert!(said[0].starts_with("Two sinks"), "{said:?}");
    assert_eq!(lines(&drift, colour::PURPLE, 3.0).len(), 1);
    let said = words(&bifurcation);
    assert_eq!(said[0], "Two states for one load, from 2.5/s to 8.08/s");
    for word in ["healthy: stable", "failed: stable", "unstable: attempts just fill the capacity"] {
        assert!(said.iter().any(|text| text == word), "{word}: {said:?}");
    }
}

#[test]
fn one_sink_gets_none() {
    let (drift, bifurcation) = pictures(&retrying(2.0, 1, 100, 2.0, 199));
    readable(&drift);
    readable(&bifurcation);
    assert!(
        words(&drift)[0].starts_with("One sink: at 2/s the service always comes back"),
        "{:?}",
        words(&drift)
    );
    assert!(lines(&drift, colour::PURPLE, 3.0).is_empty());
}

#[test]
fn pictures_are_readable_at_every_size() {
    let mut large = retrying(560.0, 8, 30, 1.0, usize::MAX);
    large.services[0].replicas = 3;
    let mut bucket = retrying(8.5, 1, 100, 2.0, 100);
    bucket.clients[0].policy.retry.budget =
        Budget::TokenBucket { credit_per: CreditPer::Call, ratio: 0.3, burst: 10.0 };
    let mut bounded = retrying(9.5, 1, 100, 9.0, 98);
    bounded.clients[0].policy.retry.budget = Budget::Concurrent { ratio: 0.0, at_least: 14 };
    let overloaded = retrying(12.0, 1, 100, 2.0, 199);
    let tight = retrying(3.0, 1, 100, 0.5, 30);
    for scenario in [large, bucket, bounded, overloaded, tight] {
        let (drift, bifurcation) = pictures(&scenario);
        readable(&drift);
        readable(&bifurcation);
    }
}
