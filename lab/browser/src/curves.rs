//! The curves of a run, window by window.
use lab::{
    scenario::Scenario,
    trace::{ServerTrace, ServerWindow, Trace},
};
use serde::Serialize;

/// What was measured, one number for each window. Rates are per second, all client groups together.
#[derive(Serialize)]
pub(crate) struct Curves {
    /// The middle of each window, in seconds.
    at_s: Vec<f64>,
    /// How long a window is, in seconds; the last one may be shorter.
    window_s: f64,
    offered: Vec<f64>,
    attempts: Vec<f64>,
    goodput: Vec<f64>,
    /// Whose latency it is: the first client group's, of so many.
    group: String,
    groups: usize,
    /// Milliseconds; nothing where no call ended.
    p50_ms: Vec<Option<f64>>,
    p99_ms: Vec<Option<f64>>,
    /// The first is the one that the first client group calls.
    services: Vec<OfService>,
    /// How long an attempt of the first client group may take, in milliseconds; nothing without a limit.
    timeout_ms: Option<f64>,
}

/// The curves of a service, all its replicas together.
#[derive(Serialize)]
struct OfService {
    name: String,
    /// Completions per second that it is capable of.
    capacity: f64,
    completed: Vec<f64>,
    /// Attempts waiting.
    queue: Vec<f64>,
    /// Waiting places; nothing where there is no limit.
    places: Option<usize>,
}

impl Curves {
    /// The curves of `trace`, a run of `scenario`.
    pub(crate) fn new(scenario: &Scenario, trace: &Trace) -> Curves {
        let windows = 0..trace.len();
        let bounds: Vec<(f64, f64)> = windows
            .clone()
            .map(|index| trace.bounds(index))
            .map(|(from, until)| (from.as_secs_f64(), until.as_secs_f64()))
            .collect();
        let per_s = |count: &dyn Fn(usize) -> u64| -> Vec<f64> {
            bounds.iter().enumerate().map(|(w, (from, until))| count(w) as f64 / (until - from)).collect()
        };
        let group = &scenario.clients[0];
        let latency = |us: &dyn Fn(usize) -> (u64, u64)| -> Vec<Option<f64>> {
            windows.clone().map(us).map(|(count, us)| (count > 0).then_some(us as f64 / 1e3)).collect()
        };
        let of_group = |w: usize| &trace.clients[0].windows[w].latency;
        let mut order: Vec<usize> = (0..scenario.services.len()).collect();
        order.sort_by_key(|service| *service != group.service);
        let services = order.into_iter().map(|index| {
            let service = &scenario.services[index];
            let servers: Vec<&ServerTrace> =
                trace.servers.iter().filter(|s| s.service == service.name).collect();
            let sum = |w: usize, of: &dyn Fn(&ServerWindow) -> f64| -> f64 {
                servers.iter().filter_map(|s| s.windows.get(w)).map(of).sum()
            };
            let places = service.policy.capacity;
            OfService {
                name: service.name.clone(),
                capacity: scenario.capacity(index),
                completed: per_s(&|w| {
                    servers.iter().filter_map(|s| s.windows.get(w)).map(|w| w.completed).sum()
                }),
                queue: windows.clone().map(|w| sum(w, &|window| window.queue)).collect(),
                places: (places != usize::MAX).then(|| places * service.replicas as usize),
            }
        });
        let timeout = group.policy.per_try_timeout.min(group.policy.deadline);
        Curves {
            offered: per_s(&|w| trace.client_sum(w).offered),
            attempts: per_s(&|w| trace.client_sum(w).attempts),
            goodput: per_s(&|w| trace.client_sum(w).good),
            group: group.name.clone(),
            groups: scenario.clients.len(),
            p50_ms: latency(&|w| (of_group(w).count, of_group(w).p50_us)),
            p99_ms: latency(&|w| (of_group(w).count, of_group(w).p99_us)),
            services: services.collect(),
            timeout_ms: (!timeout.is_forever()).then(|| timeout.as_millis_f64()),
            at_s: bounds.iter().map(|(from, until)| (from + until) / 2.0).collect(),
            window_s: trace.window.as_secs_f64(),
        }
    }
}
