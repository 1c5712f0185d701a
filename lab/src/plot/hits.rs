//! A cache over time: how often it has what it is asked for, and what becomes of its fills.
use super::series::{of_point, points};
use crate::{trace::CacheTrace, trace::CacheWindow, verdict::RunView};

/// Fills of which less than this share populates the cache are a story of their own.
const POPULATED: f64 = 0.9;

/// One cache.
#[derive(Clone, Debug, Default)]
pub(super) struct Hits {
    /// The service's name.
    pub(super) service: String,
    /// The service behind it, and the fills per second that it is capable of.
    pub(super) store: String,
    pub(super) store_capacity: f64,
    /// The middle of each stretch of time, in seconds.
    pub(super) at: Vec<f64>,
    /// How long a stretch is, in seconds.
    pub(super) width: f64,
    /// Reads that found their key, in percent; NaN where nobody read.
    pub(super) rate: Vec<f64>,
    /// Fills begun per second.
    pub(super) begun: Vec<f64>,
    /// Fills per second that have put their key into the cache.
    pub(super) populated: Vec<f64>,
}

/// The caches of `run`.
pub(super) fn hits(run: &RunView) -> Vec<Hits> {
    run.trace.caches.iter().map(|cache| Hits::new(run, cache)).collect()
}

impl Hits {
    fn new(run: &RunView, trace: &CacheTrace) -> Hits {
        let (at, groups, width) = points(run.trace);
        let mut hits = Hits { service: trace.service.clone(), at, width, ..Hits::default() };
        let cache = run.scenario.services.iter().find(|s| s.name == trace.service);
        if let Some(calls) = cache.and_then(|s| s.cache.as_ref()).map(|cache| cache.calls) {
            hits.store = run.scenario.services[calls].name.clone();
            hits.store_capacity = run.scenario.capacity(calls);
        }
        for group in groups {
            let (from, until) = (run.trace.bounds(group.start).0, run.trace.bounds(group.end - 1).1);
            let seconds = until.since(from).as_secs_f64();
            let windows = of_point(&trace.windows, &group);
            let sum = |of: fn(&CacheWindow) -> u64| windows.iter().map(of).sum::<u64>() as f64;
            let (found, missed) = (sum(|w| w.hits), sum(|w| w.misses));
            hits.rate.push(100.0 * found / (found + missed));
            hits.begun.push(sum(|w| w.fills) / seconds);
            hits.populated.push(sum(|w| w.populated) / seconds);
        }
        hits
    }

    /// Whether for some time, a tenth of the run, fills are begun that populate nothing.
    pub(super) fn fills_in_vain(&self) -> bool {
        let pairs = self.begun.iter().zip(&self.populated);
        let vain = pairs.filter(|(begun, populated)| **populated < POPULATED * **begun).count();
        vain * 10 > self.begun.len()
    }
}
