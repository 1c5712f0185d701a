//! Offered load, attempts and capacity of the service under the greatest pressure.
use crate::{scenario::Scenario, trace::Trace};
use lab_core::{arrival::Process, time::Time};
use std::ops::Range;

/// What one service was asked for in a stretch of time, against what it can do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Pressure {
    /// The service's index.
    pub service: usize,
    /// New calls per second, those by way of a cache included.
    pub offered_per_s: f64,
    /// Attempts per second: as counted at the clients, or at the service where a cache calls it.
    pub attempts_per_s: f64,
    /// λR: attempts per second at the rate that the workload plans, so that a cluster of arrivals is not taken for a load that lasts.
    pub lasting_per_s: f64,
    /// Completions per second with all replicas up and none slowed down, μ.
    pub capacity_per_s: f64,
    /// The load alone, without retries: new calls per second that are sure to come, which by way of a cache only writes are.
    pub sure_per_s: f64,
    /// Whether that alone is beyond the capacity.
    pub overload: bool,
}

/// The pressure in `from..until` on the service that has the most; `None` where no capacity can be computed.
pub(super) fn pressure(scenario: &Scenario, trace: &Trace, from: Time, until: Time) -> Option<Pressure> {
    let services = 0..scenario.services.len();
    let all = services.filter_map(|service| of_service(scenario, trace, service, from, until));
    all.max_by(|a, b| share(a).total_cmp(&share(b)))
}

fn share(pressure: &Pressure) -> f64 {
    pressure.attempts_per_s / pressure.capacity_per_s
}

fn of_service(
    scenario: &Scenario,
    trace: &Trace,
    service: usize,
    from: Time,
    until: Time,
) -> Option<Pressure> {
    let capacity_per_s = scenario.capacity(service);
    let windows = trace.within(from, until);
    if !(capacity_per_s.is_finite() && capacity_per_s > 0.0) || windows.is_empty() {
        return None;
    }
    let bounds = windows.clone().map(|w| trace.bounds(w));
    let seconds: f64 = bounds.map(|(a, b)| b.since(a).as_secs_f64()).sum();
    let callers =
        || (0..scenario.clients.len()).filter(|&g| scenario.reaches(scenario.clients[g].service, service));
    let count = |of: fn(&crate::trace::ClientWindow) -> u64| -> u64 {
        let all = callers().flat_map(|g| trace.clients[g].windows.get(windows.clone()));
        all.flatten().map(of).sum()
    };
    let offered = count(|w| w.offered) as f64;
    let cached = scenario.caches_calling(service).next().is_some();
    let attempts =
        if cached { arrived(trace, scenario, service, windows.clone()) } else { count(|w| w.attempts) };
    let attempts = attempts as f64;
    let planned_of = |group| planned_rate(scenario, group, from, until);
    let planned: f64 = callers().map(planned_of).sum();
    // Two standard errors of a Poisson count: an excess by chance is none.
    let surely = (offered - 2.0 * offered.sqrt()) / seconds;
    let written = |group: usize| match scenario.clients[group].service == service {
        true => planned_of(group),
        false => planned_of(group) * (1.0 - scenario.clients[group].operations.read_share),
    };
    let (sure_per_s, overload) = if cached {
        let sure = callers().map(written).sum();
        (sure, sure >= capacity_per_s)
    } else {
        (offered / seconds, planned.max(surely) >= capacity_per_s)
    };
    Some(Pressure {
        service,
        offered_per_s: offered / seconds,
        attempts_per_s: attempts / seconds,
        lasting_per_s: if planned > 0.0 && offered > 0.0 {
            planned * attempts / offered
        } else {
            attempts / seconds
        },
        capacity_per_s,
        sure_per_s,
        overload,
    })
}

/// Attempts that came to the replicas of `service` in these windows, each once however often it was redirected.
fn arrived(trace: &Trace, scenario: &Scenario, service: usize, windows: Range<usize>) -> u64 {
    let first = scenario.first_replica(service);
    let replicas = &trace.servers[first..first + scenario.services[service].replicas as usize];
    let windows = replicas.iter().filter_map(|replica| replica.windows.get(windows.clone()));
    windows.flatten().map(|w| w.arrived.saturating_sub(w.redirected)).sum()
}

/// The mean rate that the workload of `group` asks for in `from..until`, in calls per second; 0 for a recorded one.
fn planned_rate(scenario: &Scenario, group: usize, from: Time, until: Time) -> f64 {
    const POINTS: u64 = 64;
    let load = scenario.load(group);
    if matches!(load.process, Process::Recorded(_)) {
        return 0.0;
    }
    let length = until.since(from).0;
    let at = |point: u64| Time(from.0 + (2 * point + 1) * (length / (2 * POINTS)));
    (0..POINTS).map(|point| load.rate_at(at(point))).sum::<f64>() / POINTS as f64
}
