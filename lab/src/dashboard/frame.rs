//! Windows as the page is told of them.
use super::protocol::{Replica, Window};
use crate::{
    scenario::Scenario,
    trace::{ClientWindow, Windows},
};
use std::ops::Range;

/// Where the service that is watched is in a run of a scenario.
#[derive(Clone, Copy, Debug)]
pub(super) struct Watch {
    /// The service.
    pub service: usize,
    first_replica: usize,
    replicas: usize,
    /// Its group, and the cache that is in front of it or that it is, if there is one.
    group: Option<usize>,
    cache: Option<usize>,
    window_s: f64,
}

impl Watch {
    /// Watches service `service` of `scenario`.
    pub(super) fn new(scenario: &Scenario, service: usize) -> Watch {
        let grouped = |s: usize| scenario.services[s].membership.is_some();
        let cached = |s: usize| scenario.services[s].cache.is_some();
        let before = |is: &dyn Fn(usize) -> bool, of: usize| (0..of).filter(|s| is(*s)).count();
        let caches = || (0..scenario.services.len()).filter(|s| cached(*s));
        let cache = caches().find(|s| *s == service || scenario.reaches(*s, service));
        Watch {
            service,
            first_replica: scenario.first_replica(service),
            replicas: scenario.services[service].replicas as usize,
            group: grouped(service).then(|| before(&grouped, service)),
            cache: cache.map(|s| before(&cached, s)),
            window_s: scenario.window.as_secs_f64(),
        }
    }

    /// How many windows of `all` are whole.
    pub(super) fn count(windows: &Windows<'_>) -> usize {
        let clients = windows.clients.iter().map(|w| w.len());
        clients.chain(windows.servers.iter().map(|w| w.len())).min().unwrap_or(0)
    }

    /// These windows as the page is told of them.
    pub(super) fn rows(&self, windows: &Windows<'_>, range: Range<usize>) -> Vec<Window> {
        range.map(|index| self.row(windows, index)).collect()
    }

    fn row(&self, windows: &Windows<'_>, index: usize) -> Window {
        let clients: Vec<&ClientWindow> = windows.clients.iter().filter_map(|w| w.get(index)).collect();
        let rate = |of: &dyn Fn(&ClientWindow) -> u64| {
            clients.iter().map(|w| of(w)).sum::<u64>() as f64 / self.window_s
        };
        // Percentiles of groups cannot be put together.
        let most = clients.iter().max_by_key(|w| w.latency.count).filter(|w| w.latency.count > 0);
        let replicas = &windows.servers[self.first_replica..self.first_replica + self.replicas];
        let replicas: Vec<Replica> = replicas
            .iter()
            .filter_map(|w| w.get(index))
            .map(|w| Replica { queue: w.queue, busy: w.busy, completed: w.completed })
            .collect();
        let group = self.group.and_then(|g| windows.groups.get(g)?.get(index));
        let cache = self.cache.and_then(|c| windows.caches.get(c)?.get(index));
        Window {
            from_s: index as f64 * self.window_s,
            until_s: (index + 1) as f64 * self.window_s,
            offered_per_s: rate(&|w| w.offered),
            attempts_per_s: rate(&|w| w.attempts),
            good_per_s: rate(&|w| w.good),
            failed_per_s: rate(&|w| w.failed),
            shed_per_s: rate(&|w| w.shed),
            p50_ms: most.map(|w| w.latency.p50_us as f64 / 1e3),
            p99_ms: most.map(|w| w.latency.p99_us as f64 / 1e3),
            queue: replicas.iter().map(|r| r.queue).sum(),
            in_progress: clients.iter().map(|w| w.in_progress).sum(),
            replicas,
            members: group.map(|g| g.members),
            lag: group.map(|g| g.lag),
            hit_share: cache.map(|c| c.hits as f64 / (c.hits + c.misses) as f64).filter(|s| s.is_finite()),
        }
    }
}
