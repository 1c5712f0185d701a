//! What was run, in one line: the subtitle of its figures.
use super::words::{number, plural, rate, span};
use crate::{scenario::Scenario, verdict::RunView};
use lab_core::time::{Span, Time};

/// What was run: service, load, clients, engine and seed.
pub fn setting(run: &RunView) -> String {
    let variant =
        if run.variant == "baseline" { String::new() } else { format!("variant {}: ", run.variant) };
    format!("{variant}{}; {}, seed\u{a0}{}", system(run), run.engine, run.trace.seed)
}

/// The service, its load and its clients.
pub(super) fn system(run: &RunView) -> String {
    format!("{}, {}; {}", service(run.scenario), load(run), clients(run.scenario))
}

fn service(scenario: &Scenario) -> String {
    match &scenario.services[..] {
        [one] => {
            let workers = plural(u64::from(one.policy.workers), "worker");
            let capacity = scenario.capacity(0);
            let capacity = if capacity.is_finite() && capacity > 0.0 {
                format!(", capacity {}", rate(capacity))
            } else {
                String::new()
            };
            match one.replicas {
                1 => format!("{workers}{capacity}"),
                n => format!("{} × {workers}{capacity}", plural(u64::from(n), "replica")),
            }
        }
        several => plural(several.len() as u64, "service"),
    }
}

fn load(run: &RunView) -> String {
    let fresh = fresh_load(run);
    let capacity = capacity(run.scenario);
    let share = capacity.map_or_else(String::new, |c| format!(" (ρ\u{a0}=\u{a0}{:.2})", fresh / c));
    format!("fresh load {}{share}", rate(fresh))
}

/// Calls per second at the end of the warm-up, without the triggers; measured where the workload is a recording.
pub(super) fn fresh_load(run: &RunView) -> f64 {
    let warm = Time::ZERO + run.scenario.warmup;
    let planned: f64 = run.scenario.clients.iter().map(|group| group.load.rate_at(warm)).sum();
    if planned > 0.0 { planned } else { run.judgement.before.offered_per_s }
}

/// Completions per second that the only service is capable of; `None` where there are several, or where it has no limit.
pub(super) fn capacity(scenario: &Scenario) -> Option<f64> {
    let capacity = scenario.capacity(0);
    (scenario.services.len() == 1 && capacity.is_finite() && capacity > 0.0).then_some(capacity)
}

/// A call over in less milliseconds than this was not served but turned away: a twentieth of the mean service time. Such
/// calls are no reason to stretch a logarithmic axis.
pub(super) fn turned_away_ms(scenario: &Scenario) -> f64 {
    let service = &scenario.services[scenario.clients[0].service];
    service.policy.service_time.mean_seconds().min(1e6) * 1e3 / 20.0
}

fn clients(scenario: &Scenario) -> String {
    let groups = &scenario.clients;
    let policy = &groups[0].policy;
    let who = if groups.len() == 1 { "clients".into() } else { format!("clients {}", groups[0].name) };
    let limit = match (policy.per_try_timeout, policy.deadline) {
        (Span::FOREVER, Span::FOREVER) => "wait as long as it takes".into(),
        (Span::FOREVER, deadline) => format!("give up after {}", span(deadline)),
        (timeout, _) => format!("time out at {}", span(timeout)),
    };
    let attempts = match policy.retry.max_attempts {
        1 => "never retry".into(),
        n => format!("make up to {} attempts", number(f64::from(n))),
    };
    let more = if groups.len() == 1 { String::new() } else { format!(" (of {} groups)", groups.len()) };
    format!("{who} {limit} and {attempts}{more}")
}
