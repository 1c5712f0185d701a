//! What is said to whoever begins to watch: what runs, which lines to draw, what can be pressed, what a class is asked.
use super::{
    controls::Control,
    protocol::{Can, Card, Healthy, Hello, Lines, VERSION, Watched},
};
use crate::{
    scenario::Scenario,
    theory::{busiest, hand},
};
use lab_core::time::Time;

/// How many times as fast as real time a run can go.
pub const SPEEDS: &[f64] = &[1.0, 2.0, 5.0, 10.0, 20.0, 50.0];

/// The service that is watched: of those that clients call, by way of a cache or directly, the one nearest to its capacity.
pub(super) fn watched(scenario: &Scenario) -> usize {
    let behind = |service: usize| scenario.services[service].cache.as_ref().map_or(service, |c| c.calls);
    let load = |service: usize| {
        let groups = scenario.clients.iter().filter(|group| behind(group.service) == service);
        groups.map(|group| group.load.rate_at(Time::ZERO)).sum::<f64>() / scenario.capacity(service)
    };
    let called = scenario.clients.iter().map(|group| behind(group.service));
    called.max_by(|a, b| load(*a).total_cmp(&load(*b))).unwrap_or(0)
}

/// What is said of a run of `scenario`, whose service `service` is watched.
pub(super) fn hello(scenario: &Scenario, service: usize, engine: &'static str, seed: u64) -> Hello {
    let crate::scenario::Service { name, replicas, policy, .. } = &scenario.services[service];
    let of_it = hand(scenario).services.into_iter().filter(|s| s.service == *name);
    let hand = busiest(of_it);
    let finite = |v: f64| v.is_finite().then_some(v);
    Hello {
        version: VERSION,
        config: scenario.name.clone(),
        title: scenario.title.clone(),
        engine,
        seed,
        window_s: scenario.window.as_secs_f64(),
        can: Can { press: false, pace: false, rewind: false },
        speeds: SPEEDS,
        class: false,
        token_needed: false,
        service: Watched { name: name.clone(), replicas: *replicas, workers: policy.workers },
        lines: Lines {
            capacity_per_s: scenario.capacity(service),
            hidden_capacity_per_s: hand.as_ref().and_then(|h| finite(h.hidden_capacity_per_s)),
            timeout_ms: hand.as_ref().and_then(|h| finite(h.timeout_s * 1e3)),
            jobs_per_timeout: hand.as_ref().and_then(|h| finite(h.jobs_per_timeout)),
        },
        healthy: Healthy { good: scenario.healthy.good, over_s: scenario.healthy.over.as_secs_f64() },
        duration_s: None,
        levers: vec![],
        cards: vec![],
    }
}

/// What a class is asked before a lever is pressed.
pub(super) fn cards(controls: &[Control]) -> Vec<Card> {
    let there = |id: &str| controls.iter().any(|c| c.id == id);
    let card = |id, lever: &str, question: &str, options| Card {
        id,
        lever: lever.into(),
        question: question.into(),
        options,
        answer_after_s: 30.0,
        metric: "goodput_ratio",
    };
    let shares = ["all of the calls end good", "about half of them", "next to none"];
    let all = [
        card(
            "spike",
            "spike",
            "More calls come for a time, then it is over. How is it half a minute after?",
            shares,
        ),
        card(
            "slow_down",
            "slow_down",
            "The service is slower for a time, then as fast as before. How is it half a minute after?",
            shares,
        ),
        card("crash", "crash", "A replica dies and comes back. How is it half a minute after?", shares),
        card(
            "cache_flush",
            "cache_flush",
            "The cache is empty, the store as fast as ever. How is it half a minute after?",
            shares,
        ),
        card(
            "shed",
            "shed",
            "Most new calls are turned away for a time. How is it half a minute after everybody is let in again?",
            shares,
        ),
        card(
            "retries_off",
            "retries_off",
            "Nobody tries again from now on. How is it in half a minute?",
            shares,
        ),
        card("queue_flush", "queue_flush", "All queues are emptied. How is it in half a minute?", shares),
        card("restart", "restart", "All replicas are restarted. How is it half a minute after?", shares),
    ];
    all.into_iter().filter(|card| there(&card.lever)).collect()
}
