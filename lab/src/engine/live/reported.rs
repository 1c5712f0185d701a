//! What the processes of a run have reported of its windows, put together.
use super::{
    process::Replica,
    wire::{Measured, Seat},
};
use crate::{
    scenario::{Scenario, Service},
    trace::{CacheTrace, CacheWindow, GroupTrace, GroupWindow, ServerTrace, ServerWindow},
};
use lab_core::replicate::View;

/// The processes of a run with all that they have reported, where each of them sits, and how many windows there were.
pub(super) struct Reported<'a> {
    pub scenario: &'a Scenario,
    pub replicas: &'a [Replica],
    pub seats: &'a [(usize, Seat)],
    pub windows: usize,
}

impl Reported<'_> {
    /// Of each replica, service by service.
    pub(super) fn servers(&self) -> Vec<ServerTrace> {
        let seated = self.replicas.iter().zip(self.seats);
        let of_replica = |(process, &(service, seat)): (&Replica, &(usize, Seat))| {
            let Seat::Replica(replica) = seat else { return None };
            let Service { name, policy, .. } = &self.scenario.services[service];
            let window = |index: usize| match process.windows.get(&index) {
                Some(Measured::Replica { window, .. } | Measured::Cache { window, .. }) => *window,
                // A replica that was down did nothing.
                Some(Measured::Group(_)) | None => {
                    ServerWindow { workers: f64::from(policy.workers), ..ServerWindow::default() }
                }
            };
            Some(ServerTrace {
                service: name.clone(),
                replica,
                workers: policy.workers,
                windows: (0..self.windows).map(window).collect(),
            })
        };
        seated.filter_map(of_replica).collect()
    }

    /// What the caches found in each window. A replica that was down found nothing and holds nothing.
    pub(super) fn caches(&self) -> Vec<CacheTrace> {
        let services = self.scenario.services.iter().enumerate();
        let of_cache = |(index, service): (usize, &Service)| {
            let mut windows = vec![CacheWindow::default(); self.windows];
            for (process, _) in self.replicas.iter().zip(self.seats).filter(|(_, (of, _))| *of == index) {
                for (sum, at) in windows.iter_mut().zip(0..) {
                    if let Some(Measured::Cache { cache, .. }) = process.windows.get(&at) {
                        *sum += *cache;
                    }
                }
            }
            CacheTrace { service: service.name.clone(), windows }
        };
        services.filter(|(_, service)| service.cache.is_some()).map(of_cache).collect()
    }

    /// How the groups stood at the end of each window. The view of a manager that was down is the last one it had; how far a
    /// replica is that was down then is not known and left out of the lag.
    pub(super) fn groups(&self) -> Vec<GroupTrace> {
        let managers = self.seats.iter().zip(self.replicas).filter(|((_, seat), _)| *seat == Seat::Manager);
        managers.map(|(&(service, _), manager)| self.group(service, manager)).collect()
    }

    fn group(&self, service: usize, manager: &Replica) -> GroupTrace {
        let first = self.scenario.first_replica(service);
        let mut view = View::initial(self.scenario.services[service].replicas);
        let mut window = |index: usize| {
            if let Some(Measured::Group(reported)) = manager.windows.get(&index) {
                view = *reported;
            }
            let known = || {
                view.members.iter().filter_map(|m| {
                    match self.replicas[first + m as usize].windows.get(&index) {
                        Some(Measured::Replica { committed, .. }) => Some(*committed),
                        Some(Measured::Group(_) | Measured::Cache { .. }) | None => None,
                    }
                })
            };
            GroupWindow {
                view: view.number,
                members: view.members.len() as u64,
                learners: view.learners.len() as u64,
                lag: known().max().unwrap_or(0) - known().min().unwrap_or(0),
            }
        };
        GroupTrace {
            service: self.scenario.services[service].name.clone(),
            windows: (0..self.windows).map(&mut window).collect(),
        }
    }
}
