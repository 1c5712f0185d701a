//! The replicas of one service as reservoirs.
use super::places;
use crate::scenario::Scenario;
use lab_core::{
    server::{ServerControl, ServerPolicy},
    setting::ServerSetting,
    timeline::Change,
};

/// How the attempts of a step end, as shares.
#[derive(Clone, Copy)]
pub(super) struct Fate {
    pub(super) late: f64,
    pub(super) reset: f64,
    pub(super) rejected: f64,
}

/// The replicas of one service.
pub(super) struct Fleet {
    queues: Vec<Reservoir>,
    /// Completions per second of one replica that is well.
    each_per_s: f64,
    /// The workers of such a one.
    workers: u32,
}

#[derive(Clone, Copy)]
struct Reservoir {
    jobs: f64,
    slow_down: f64,
    capacity: usize,
    workers: u32,
    /// Its workers over those of one that is well.
    staff: f64,
    paused: bool,
    down: bool,
    /// Share of the last inflow that found the queue full.
    rejected: f64,
}

impl Fleet {
    pub(super) fn new(scenario: &Scenario, service: usize) -> Fleet {
        let of = &scenario.services[service];
        let ServerPolicy { capacity, workers, .. } = of.policy;
        let well = Reservoir {
            jobs: 0.0,
            slow_down: 1.0,
            capacity,
            workers,
            staff: 1.0,
            paused: false,
            down: false,
            rejected: 0.0,
        };
        Fleet {
            queues: vec![well; of.replicas as usize],
            each_per_s: scenario.capacity(service) / f64::from(of.replicas),
            workers,
        }
    }

    pub(super) fn change(&mut self, of: usize, change: &Change) {
        let Change::Server { service, replica, control } = *change else { return };
        let Some(queue) = self.queues.get_mut(replica as usize).filter(|_| service == of) else { return };
        match control {
            ServerControl::SlowDown(factor) => queue.slow_down = factor,
            ServerControl::Pause => queue.paused = true,
            ServerControl::Resume => queue.paused = false,
            ServerControl::Crash => *queue = Reservoir { jobs: 0.0, down: true, paused: false, ..*queue },
            ServerControl::Restart => queue.down = false,
            ServerControl::Flush => queue.jobs = 0.0,
            ServerControl::Set(ServerSetting::Workers(workers)) => {
                queue.workers = workers;
                queue.staff = f64::from(workers) / f64::from(self.workers);
            }
            ServerControl::Set(ServerSetting::Capacity(capacity)) => queue.capacity = capacity,
            ServerControl::Set(_) | ServerControl::ErrorShare(_) => {}
        }
    }

    pub(super) fn fill(&mut self, attempts: f64, step_s: f64) {
        let each = attempts / self.queues.len() as f64;
        for queue in &mut self.queues {
            let room = if queue.down {
                0.0
            } else {
                queue.places() - queue.jobs + queue.service_per_s(self.each_per_s) * step_s
            };
            let admitted = each.min(room.max(0.0));
            queue.rejected = if each > 0.0 { 1.0 - admitted / each } else { 0.0 };
            queue.jobs += admitted;
        }
    }

    pub(super) fn fate(&self, timeout_s: f64) -> Fate {
        let mut fate = Fate { late: 0.0, reset: 0.0, rejected: 0.0 };
        for queue in &self.queues {
            let share = 1.0 / self.queues.len() as f64;
            if queue.down {
                fate.reset += share;
                continue;
            }
            fate.rejected += share * queue.rejected;
            if queue.jobs > queue.service_per_s(self.each_per_s) * timeout_s {
                fate.late += share * (1.0 - queue.rejected);
            }
        }
        fate
    }

    /// Jobs in all queues.
    pub(super) fn jobs(&self) -> f64 {
        self.queues.iter().map(|queue| queue.jobs).sum()
    }

    /// Puts `jobs` into the queues, evenly, as far as they fit.
    pub(super) fn begin_with(&mut self, jobs: f64) {
        let each = jobs / self.queues.len() as f64;
        self.queues.iter_mut().for_each(|queue| queue.jobs = each.min(queue.places()));
    }

    pub(super) fn serve(&mut self, step_s: f64) {
        for queue in &mut self.queues {
            queue.jobs = (queue.jobs - queue.service_per_s(self.each_per_s) * step_s).max(0.0);
        }
    }
}

impl Reservoir {
    fn service_per_s(&self, well_per_s: f64) -> f64 {
        if self.paused || self.down { 0.0 } else { well_per_s * self.staff / self.slow_down }
    }

    /// Jobs that fit into it, those in service included.
    fn places(&self) -> f64 {
        places(self.capacity, self.workers)
    }
}
