//! The curves of a run, as the figures of a report show them.
use lab::{
    story::{
        series::{gap, latency, rates},
        setting::{capacity, turned_away_ms},
    },
    verdict::RunView,
};
use serde::Serialize;

/// What was measured. Rates are per second, all client groups together.
#[derive(Serialize)]
pub(crate) struct Curves {
    /// The middle of each stretch of time, in seconds.
    at_s: Vec<f64>,
    /// How long a stretch is, in seconds.
    width_s: f64,
    offered: Vec<f64>,
    attempts: Vec<f64>,
    throughput: Vec<f64>,
    goodput: Vec<f64>,
    /// Attempts waiting, all replicas of all services together.
    queue: Vec<f64>,
    /// Completions per second that the service is capable of; nothing where there are several.
    capacity: Option<f64>,
    /// Waiting places, all together; nothing where there is no limit.
    places: Option<usize>,
    latency: Latency,
}

/// The latency of the first client group, in milliseconds; nothing where no call ended.
#[derive(Serialize)]
struct Latency {
    /// Whose it is, of so many.
    group: String,
    groups: usize,
    at_s: Vec<f64>,
    width_s: f64,
    p50: Vec<f64>,
    p99: Vec<f64>,
    /// Empty where too few calls end for it to mean anything.
    p999: Vec<f64>,
    /// How long an attempt may take; nothing without a limit.
    timeout: Option<f64>,
    /// Shorter ones are of calls that were turned away at once.
    turned_away: f64,
    /// What to say where no call ended for a time.
    gap: &'static str,
}

impl Curves {
    /// The curves of `run`.
    pub(crate) fn new(run: &RunView<'_>) -> Curves {
        let scenario = run.scenario;
        let group = &scenario.clients[0];
        let timeout = group.policy.per_try_timeout.min(group.policy.deadline);
        let bounded = scenario.services.iter().all(|s| s.policy.capacity != usize::MAX);
        let places = scenario.services.iter().map(|s| s.policy.capacity.saturating_mul(s.replicas as usize));
        let (rates, latency) = (rates(run), latency(run.trace, 0));
        Curves {
            at_s: rates.at,
            width_s: rates.width,
            offered: rates.offered,
            attempts: rates.attempts,
            throughput: rates.throughput,
            goodput: rates.goodput,
            queue: rates.queue,
            capacity: capacity(scenario),
            places: bounded.then(|| places.fold(0, usize::saturating_add)),
            latency: Latency {
                group: group.name.clone(),
                groups: scenario.clients.len(),
                gap: gap(&latency),
                at_s: latency.at,
                width_s: latency.width,
                p50: latency.p50,
                p99: latency.p99,
                p999: latency.p999,
                timeout: (!timeout.is_forever()).then(|| timeout.as_millis_f64()),
                turned_away: turned_away_ms(scenario),
            },
        }
    }
}
