//! The columns of `windows.csv`, each as one number for a window: what somebody who watches the service could plot.
use crate::trace::{ClientWindow, Percentiles, ServerWindow, Trace};
use lab_core::call::Outcome;

/// A metric of one window, over all nodes that have it.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// The column's name; `call` and `attempt` in front tell apart what clients and servers have in common.
    pub name: &'static str,
    of: Of,
}

#[derive(Clone, Copy, Debug)]
enum Of {
    /// The sum over client groups.
    Clients(fn(&ClientWindow) -> f64),
    /// The sum over replicas.
    Servers(fn(&ServerWindow) -> f64),
    /// The largest of the client groups.
    WorstClient(fn(&ClientWindow) -> f64),
    /// The largest of the replicas.
    WorstServer(fn(&ServerWindow) -> f64),
    /// The sum over groups of replicas, or over caches.
    Stores(fn(&Trace, usize) -> f64),
}
use Of::{Clients, Servers, Stores, WorstClient, WorstServer};

const fn metric(name: &'static str, of: Of) -> Metric {
    Metric { name, of }
}

/// In milliseconds; NaN where nothing ended in the window.
fn ms(of: &Percentiles, us: fn(&Percentiles) -> u64) -> f64 {
    if of.count == 0 { f64::NAN } else { us(of) as f64 / 1e3 }
}

fn groups(trace: &Trace, window: usize, of: fn(&crate::trace::GroupWindow) -> u64) -> f64 {
    let all: Vec<_> = trace.groups.iter().filter_map(|g| g.windows.get(window)).collect();
    if all.is_empty() { f64::NAN } else { all.into_iter().map(of).sum::<u64>() as f64 }
}

fn caches(trace: &Trace, window: usize, of: fn(&crate::trace::CacheWindow) -> u64) -> f64 {
    let all: Vec<_> = trace.caches.iter().filter_map(|c| c.windows.get(window)).collect();
    if all.is_empty() { f64::NAN } else { all.into_iter().map(of).sum::<u64>() as f64 }
}

/// All of them, in the order of the columns.
pub const METRICS: &[Metric] = &[
    metric("call count", Clients(|w| w.latency.count as f64)),
    metric("call p50_ms", WorstClient(|w| ms(&w.latency, |p| p.p50_us))),
    metric("call p90_ms", WorstClient(|w| ms(&w.latency, |p| p.p90_us))),
    metric("call p99_ms", WorstClient(|w| ms(&w.latency, |p| p.p99_us))),
    metric("call p999_ms", WorstClient(|w| ms(&w.latency, |p| p.p999_us))),
    metric("call max_ms", WorstClient(|w| ms(&w.latency, |p| p.max_us))),
    metric("attempt count", Servers(|w| w.sojourn.count as f64)),
    metric("attempt p50_ms", WorstServer(|w| ms(&w.sojourn, |p| p.p50_us))),
    metric("attempt p90_ms", WorstServer(|w| ms(&w.sojourn, |p| p.p90_us))),
    metric("attempt p99_ms", WorstServer(|w| ms(&w.sojourn, |p| p.p99_us))),
    metric("attempt p999_ms", WorstServer(|w| ms(&w.sojourn, |p| p.p999_us))),
    metric("attempt max_ms", WorstServer(|w| ms(&w.sojourn, |p| p.max_us))),
    metric("offered", Clients(|w| w.offered as f64)),
    metric("attempts", Clients(|w| w.attempts as f64)),
    metric("retries", Clients(|w| w.retries as f64)),
    metric("redirects", Clients(|w| w.redirects as f64)),
    metric("good", Clients(|w| w.good as f64)),
    metric("slow", Clients(|w| w.slow as f64)),
    metric("failed", Clients(|w| w.failed as f64)),
    metric("shed", Clients(|w| w.shed as f64)),
    metric("late", Clients(|w| w.late as f64)),
    metric("in_progress", Clients(|w| w.in_progress)),
    metric("success_mean_ms", WorstClient(|w| w.success_mean_ms)),
    metric("success", Clients(|w| w.ended[Outcome::Success as usize] as f64)),
    metric("timeout", Clients(|w| w.ended[Outcome::Timeout as usize] as f64)),
    metric("reset", Clients(|w| w.ended[Outcome::Reset as usize] as f64)),
    metric("rejected", Clients(|w| w.ended[Outcome::Rejected as usize] as f64)),
    metric("error", Clients(|w| w.ended[Outcome::Error as usize] as f64)),
    metric("arrived", Servers(|w| w.arrived as f64)),
    metric("completed", Servers(|w| w.completed as f64)),
    metric("server_rejected", Servers(|w| w.rejected as f64)),
    metric("errors", Servers(|w| w.errors as f64)),
    metric("resets", Servers(|w| w.resets as f64)),
    metric("dropped", Servers(|w| w.dropped as f64)),
    metric("redirected", Servers(|w| w.redirected as f64)),
    metric("peers", Servers(|w| w.peers as f64)),
    metric("held_ms", Servers(|w| w.held_ns as f64 / 1e6)),
    metric("stale_ms", Servers(|w| w.stale_ns as f64 / 1e6)),
    metric("queue", Servers(|w| w.queue)),
    metric("queue_max", WorstServer(|w| w.queue_max as f64)),
    metric("busy", Servers(|w| w.busy)),
    metric("wait_mean_ms", WorstServer(|w| w.wait_mean_ms)),
    metric("view", Stores(|t, w| groups(t, w, |g| g.view))),
    metric("members", Stores(|t, w| groups(t, w, |g| g.members))),
    metric("learners", Stores(|t, w| groups(t, w, |g| g.learners))),
    metric("lag", Stores(|t, w| groups(t, w, |g| g.lag))),
    metric("hits", Stores(|t, w| caches(t, w, |c| c.hits))),
    metric("misses", Stores(|t, w| caches(t, w, |c| c.misses))),
    metric("fills", Stores(|t, w| caches(t, w, |c| c.fills))),
    metric("populated", Stores(|t, w| caches(t, w, |c| c.populated))),
    metric("keys", Stores(|t, w| caches(t, w, |c| c.keys))),
];

impl Metric {
    /// Its value in window `window`; NaN where nothing was measured.
    pub fn value(&self, trace: &Trace, window: usize) -> f64 {
        let clients = || trace.clients.iter().filter_map(|c| c.windows.get(window));
        let servers = || trace.servers.iter().filter_map(|s| s.windows.get(window));
        match self.of {
            Clients(of) => clients().map(of).sum(),
            Servers(of) => servers().map(of).sum(),
            // `max` passes over NaN.
            WorstClient(of) => clients().map(of).fold(f64::NAN, f64::max),
            WorstServer(of) => servers().map(of).fold(f64::NAN, f64::max),
            Stores(of) => of(trace, window),
        }
    }
}
