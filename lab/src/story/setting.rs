//! What was run, in one line: the subtitle of its figures.
use super::words::{number, plural, rate, span};
use crate::{scenario::Scenario, verdict::RunView};
use lab_core::{
    hedge::{After, Hedge},
    replicate::{Freshness, Mode},
    time::{Span, Time},
};

/// What was run: service, load, clients, engine and seed.
pub fn setting(run: &RunView) -> String {
    let variant =
        if run.variant == "baseline" { String::new() } else { format!("variant {}: ", run.variant) };
    format!("{variant}{}; {}, seed\u{a0}{}", system(run), run.engine, run.trace.seed)
}

/// The service and its clients, without a run of them.
pub fn scene(scenario: &Scenario) -> String {
    format!("{}; {}", service(scenario), clients(scenario))
}

/// The service, its load and its clients.
pub fn system(run: &RunView) -> String {
    let joint = if run.scenario.services.len() == 1 { ", " } else { "; " };
    format!("{}{joint}{}; {}", service(run.scenario), load(run), clients(run.scenario))
}

/// The service, its load and its clients, of a scenario that is not one run.
pub fn planned(scenario: &Scenario) -> String {
    let warm = Time::ZERO + scenario.warmup;
    let fresh: f64 = scenario.clients.iter().map(|group| group.load.rate_at(warm)).sum();
    let share = capacity(scenario).map_or_else(String::new, |c| format!(" (ρ\u{a0}=\u{a0}{:.2})", fresh / c));
    format!("{}, fresh load {}{share}; {}", service(scenario), rate(fresh), clients(scenario))
}

/// The services: replicas, workers, capacity.
pub fn service(scenario: &Scenario) -> String {
    let all: Vec<String> = (0..scenario.services.len()).map(|index| of_service(scenario, index)).collect();
    match &all[..] {
        [one] => one.clone(),
        // More than two would fill the line.
        [first, second] => format!("{first}; {second}"),
        several => plural(several.len() as u64, "service"),
    }
}

/// Replicas, workers and capacity of a service, and what holds its replicas together.
fn of_service(scenario: &Scenario, index: usize) -> String {
    let service = &scenario.services[index];
    let workers = plural(u64::from(service.policy.workers), "worker");
    let replicas = match service.replicas {
        1 => workers,
        n => format!("{} × {workers}", plural(u64::from(n), "replica")),
    };
    let capacity = scenario.capacity(index);
    let capacity = if capacity.is_finite() && capacity > 0.0 {
        format!(", capacity {}", rate(capacity))
    } else {
        String::new()
    };
    let together = match (&service.replication, service.membership) {
        (Some(replication), _) => format!("{}, ", protocol(replication.mode)),
        (None, Some(_)) => "health checks, ".into(),
        (None, None) => String::new(),
    };
    match &service.cache {
        Some(cache) => {
            let keys = match cache.policy.capacity {
                usize::MAX => String::new(),
                keys => format!(" of {} keys", number(keys as f64)),
            };
            let name = if service.name == "cache" { String::new() } else { format!("{}: ", service.name) };
            format!("{name}cache{keys}, {together}{replicas}")
        }
        None if scenario.services.len() > 1 => format!("{}, {together}{replicas}{capacity}", service.name),
        None => format!("{together}{replicas}{capacity}"),
    }
}

/// A replication protocol and its choices, in the words of the config.
pub fn protocol(mode: Mode) -> String {
    match mode {
        Mode::PrimaryBackup { ack, reads } => {
            format!("primary/backup (ack {ack:?}, reads {reads:?})").to_lowercase()
        }
        Mode::Chain => "chain replication".into(),
        Mode::Craq { reads: Freshness::Strong } => "CRAQ".into(),
        Mode::Craq { reads: Freshness::Eventual } => "CRAQ (eventual reads)".into(),
        Mode::Craq { reads: Freshness::Bounded(limit) } => {
            format!("CRAQ (reads at most {} old)", span(limit))
        }
        Mode::SharedLog => "shared log".into(),
    }
}

fn load(run: &RunView) -> String {
    if let Some((low, high)) = staged(run) {
        return format!("fresh load {} to {}", number(low), rate(high));
    }
    let fresh = fresh_load(run);
    let capacity = capacity(run.scenario);
    let share = capacity.map_or_else(String::new, |c| format!(" (ρ\u{a0}=\u{a0}{:.2})", fresh / c));
    format!("fresh load {}{share}", rate(fresh))
}

/// The smallest and the largest planned load after the warm-up, where it changes.
fn staged(run: &RunView) -> Option<(f64, f64)> {
    let groups = &run.scenario.clients;
    let (warm, end) = (Time::ZERO + run.scenario.warmup, run.scenario.end());
    let edges =
        groups.iter().flat_map(|group| group.load.stages.iter().flat_map(|s| [s.from, Time(s.until.0 - 1)]));
    let inside = edges.filter(|at| warm <= *at && *at < end).chain([warm]);
    let rates: Vec<f64> = inside.map(|at| groups.iter().map(|g| g.load.rate_at(at)).sum()).collect();
    let (low, high) =
        (rates.iter().copied().fold(f64::INFINITY, f64::min), rates.iter().copied().fold(0.0, f64::max));
    // A ramp ends a nanosecond before the next stage begins.
    (high > low * 1.001).then_some((low, high))
}

/// Calls per second at the end of the warm-up, without the triggers; measured where the workload is a recording.
pub fn fresh_load(run: &RunView) -> f64 {
    let warm = Time::ZERO + run.scenario.warmup;
    let planned: f64 = run.scenario.clients.iter().map(|group| group.load.rate_at(warm)).sum();
    if planned > 0.0 { planned } else { run.judgement.before.offered_per_s }
}

/// Completions per second that the only service is capable of; `None` where there are several, or where it has no limit.
pub fn capacity(scenario: &Scenario) -> Option<f64> {
    let capacity = scenario.capacity(0);
    (scenario.services.len() == 1 && capacity.is_finite() && capacity > 0.0).then_some(capacity)
}

/// A call over in less milliseconds than this was not served but turned away: a twentieth of the mean service time. Such
/// calls are no reason to stretch a logarithmic axis.
pub fn turned_away_ms(scenario: &Scenario) -> f64 {
    let service = &scenario.services[scenario.clients[0].service];
    service.policy.service_time.mean_seconds().min(1e6) * 1e3 / 20.0
}

/// `after 150 ms`, `at percentile 95`; and how often, if more than once.
fn hedged(hedge: &Hedge) -> String {
    let after = match hedge.after {
        After::Fixed(after) => format!("after {}", span(after)),
        After::Quantile(share) => format!("at percentile {}", number(share * 100.0)),
    };
    match hedge.max_attempts {
        2 => after,
        n => format!("{after}, up to {} attempts", number(f64::from(n))),
    }
}

/// The client groups: timeouts and attempts.
pub fn clients(scenario: &Scenario) -> String {
    let groups = &scenario.clients;
    let policy = &groups[0].policy;
    let who = if groups.len() == 1 { "clients".into() } else { format!("clients {}", groups[0].name) };
    let limit = match (policy.per_try_timeout, policy.deadline) {
        (Span::FOREVER, Span::FOREVER) => "wait as long as it takes".into(),
        (Span::FOREVER, deadline) => format!("give up after {}", span(deadline)),
        (timeout, _) => format!("time out at {}", span(timeout)),
    };
    let attempts = match (&policy.hedge, policy.retry.max_attempts) {
        (Some(hedge), _) => format!("hedge {}", hedged(hedge)),
        (None, 1) => "never retry".into(),
        (None, n) => format!("make up to {} attempts", number(f64::from(n))),
    };
    let more = if groups.len() == 1 { String::new() } else { format!(" (of {} groups)", groups.len()) };
    format!("{who} {limit} and {attempts}{more}")
}
