//! Measures one replica of a cache.
use super::{CacheWindow, ServerRecorder};
use crate::scenario::Scenario;
use lab_core::{
    cache::{Cache, CacheIn, CacheOut},
    time::Time,
};

/// Shown all that one replica of a cache is asked and does, it measures the replica as any other, and what it finds.
#[derive(Clone, Debug)]
pub struct CacheRecorder {
    /// Its queue and workers.
    pub server: ServerRecorder,
    /// Its counters at the end of the last window.
    before: CacheWindow,
}

impl CacheRecorder {
    /// Measures replica `replica` of service `service` in a run of `scenario`.
    pub fn new(scenario: &Scenario, service: usize, replica: u32) -> CacheRecorder {
        let server = ServerRecorder::new(scenario, service, replica);
        CacheRecorder { server, before: CacheWindow::default() }
    }

    /// Sees what the replica's machine is about to be told.
    pub fn told(&mut self, now: Time, input: &CacheIn) {
        self.server.reach(now);
        if let CacheIn::Request { .. } = input {
            self.server.arrived();
        }
    }

    /// Sees one output of that step.
    pub fn asked(&mut self, output: &CacheOut) {
        match output {
            CacheOut::Reply { outcome, work, .. } => self.server.replied(*outcome, work),
            CacheOut::Drop { work, .. } => self.server.dropped(work),
            CacheOut::WakeAt { .. } | CacheOut::Store { .. } => {}
        }
    }

    /// What the replica found since this was last asked, and holds now.
    pub fn sample(&mut self, cache: &Cache) -> CacheWindow {
        let now = CacheWindow {
            hits: cache.hits(),
            misses: cache.misses(),
            fills: cache.fills(),
            populated: cache.populated(),
            keys: cache.size() as u64,
        };
        let before = std::mem::replace(&mut self.before, now);
        CacheWindow {
            hits: now.hits - before.hits,
            misses: now.misses - before.misses,
            fills: now.fills - before.fills,
            populated: now.populated - before.populated,
            keys: now.keys,
        }
    }
}

impl std::ops::AddAssign for CacheWindow {
    fn add_assign(&mut self, other: CacheWindow) {
        self.hits += other.hits;
        self.misses += other.misses;
        self.fills += other.fills;
        self.populated += other.populated;
        self.keys += other.keys;
    }
}
