//! A simulation that is stopped, looked at, copied, and goes on with other draws.
//!
//! A copy holds the whole state, and the state is all that the future depends on besides the draws to come. A *branch* is a copy that
//! goes on with another seed, by three rules. What has been drawn stays. What calls that had begun ask for stays too, drawn or not,
//! for it belongs to the calls: see [`Lineage`]. All else is drawn from the new seed: when calls arrive, what new ones ask for, and of
//! attempts and messages whatever had not been drawn (backoff, replica, delay, error, the work of an attempt that draws its own).
//! So branches of one state are independent given that state, and each has the law of the run that it left.
use super::World;
use crate::{
    engine::group::next_arrival,
    scenario::Scenario,
    trace::{Cohorts, Trace},
};
use lab_core::{
    arrival::NoLaw,
    draw::Draw,
    lineage::Lineage,
    server::Server,
    time::Time,
    timeline::{Change, Disturbance, timeline},
};

/// Why a simulation cannot go on with other draws.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a recorded workload is a list of times: nothing says what else could have come, so a run with one has no branches"
)]
pub struct Unbranchable;

impl From<NoLaw> for Unbranchable {
    fn from(_: NoLaw) -> Unbranchable {
        Unbranchable
    }
}

/// A run of a scenario, up to some instant.
#[derive(Clone)]
pub struct Simulation<'a> {
    pub(super) world: World<'a>,
    pub(super) now: Time,
}

/// What one sees of a run that has stopped.
#[derive(Clone, Copy)]
pub struct State<'w, 'a>(&'w World<'a>);

impl<'a> Simulation<'a> {
    /// A run of `scenario` with `seed` that has not begun. Run to the scenario's end and finished, it is
    /// [`sim`](super::sim).
    pub fn new(scenario: &'a Scenario, seed: u64) -> Simulation<'a> {
        Simulation { world: World::new(scenario, seed), now: Time::ZERO }
    }

    /// The same, of which no more is measured than the cohorts of calls, and of those only the ones that are not
    /// [forgotten](Simulation::forget): small, so that thousands of copies can be kept, and without an end.
    pub fn lean(scenario: &'a Scenario, seed: u64) -> Simulation<'a> {
        let mut simulation = Simulation::new(scenario, seed);
        let World { groups, servers, .. } = &mut simulation.world;
        for group in groups {
            group.recorder.only_cohorts();
        }
        for recorder in &mut servers.recorders {
            recorder.only_totals();
        }
        simulation
    }

    /// Goes on until `until`: what is planned for that instant has happened, what changes or arrives then has not.
    pub fn run(&mut self, until: Time) {
        self.run_to(until, |_| false);
    }

    /// The same, but stops as soon as after something that happened `stop` holds, and says whether it did.
    pub fn run_to(&mut self, until: Time, mut stop: impl FnMut(State<'_, 'a>) -> bool) -> bool {
        let stopped = self.world.run(until, |world| stop(State(world)));
        self.now = stopped.unwrap_or(until.max(self.now));
        stopped.is_some()
    }

    /// A copy that goes on with `seed`. With the seed that the run has, it goes on as the run does, to the last bit.
    ///
    /// # Errors
    /// When the workload is recorded, and the seed is another one.
    pub fn branch(&self, seed: u64) -> Result<Simulation<'a>, Unbranchable> {
        let mut copy = self.clone();
        if seed != self.world.draw.seed {
            copy.world.redraw(self.now, Draw { seed })?;
        }
        Ok(copy)
    }

    /// Ends every trigger and lever now, and lets none follow.
    ///
    /// # Errors
    /// When the workload is recorded.
    pub fn calm(&mut self) -> Result<(), Unbranchable> {
        Ok(self.world.calm(self.now)?)
    }

    /// Up to when it has run.
    pub fn now(&self) -> Time {
        self.now
    }

    /// Attempts in the queues of a service that will be late, at the mean pace of service; see [`Server::late`].
    pub fn late(&self, service: usize) -> usize {
        self.state().servers(service).map(|server| server.late(self.now)).sum()
    }

    /// What it looks like now.
    pub fn state(&self) -> State<'_, 'a> {
        State(&self.world)
    }

    /// Drops the cohorts of calls that were meant to start in windows before number `window`.
    pub fn forget(&mut self, window: usize) {
        for group in &mut self.world.groups {
            group.recorder.forget(window);
        }
    }

    /// Ends the run where it is.
    pub fn finish(self) -> Trace {
        self.world.finish(self.now)
    }
}

impl<'w> State<'w, '_> {
    /// Attempts that wait or are worked on at the replicas of a service. At a member of a replicated store, the messages of others
    /// that wait with them count as well.
    #[inline]
    pub fn jobs(self, service: usize) -> usize {
        self.servers(service).map(|server| server.queued() + server.busy()).sum()
    }

    /// Attempts that wait at the replicas of a service.
    pub fn queued(self, service: usize) -> usize {
        self.servers(service).map(|server| server.queued()).sum()
    }

    /// Attempts that wait or are worked on at the replica that has the most of them.
    #[inline]
    pub fn fullest(self, service: usize) -> usize {
        self.servers(service).map(|server| server.queued() + server.busy()).max().unwrap_or(0)
    }

    /// The queues and workers of a service, replica by replica.
    #[inline]
    fn servers(self, service: usize) -> impl Iterator<Item = &'w Server> {
        let World { scenario, servers, stores, caches, .. } = self.0;
        let first = scenario.first_replica(service);
        // A replica of a group or of a cache has its own; the one in its place here is idle.
        let stateless = &servers.machines[first..first + scenario.services[service].replicas as usize];
        let own = stores.of_service[service].is_some() || caches.first[service].is_some();
        let stateless = if own { &[] } else { stateless };
        stateless.iter().chain(stores.servers(service)).chain(caches.servers(service))
    }

    /// Calls to `service` that are not over, of all client groups.
    pub fn in_progress(self, service: usize) -> usize {
        self.clients_of(service).map(|client| client.in_progress()).sum()
    }

    /// Those of them that have been tried again, or wait to be.
    pub fn retrying(self, service: usize) -> usize {
        self.clients_of(service).map(|client| client.retrying()).sum()
    }

    fn clients_of(self, service: usize) -> impl Iterator<Item = &'w lab_core::client::Client> {
        let World { scenario, clients, group_of, groups, .. } = self.0;
        let calls = move |group: &u32| scenario.reaches(groups[*group as usize].service as usize, service);
        clients.iter().zip(group_of).filter(move |(_, group)| calls(group)).map(|(client, _)| client)
    }

    /// The cohorts of each client group.
    pub fn cohorts(self) -> impl Iterator<Item = &'w Cohorts> + Clone {
        self.0.groups.iter().map(|group| group.recorder.cohorts())
    }

    /// Events planned since the run's beginning, those of the runs that it descends from included.
    pub fn events(self) -> u64 {
        self.0.servers.post.agenda.planned()
    }
}

impl World<'_> {
    /// From `now` on all is drawn from `draw`.
    fn redraw(&mut self, now: Time, draw: Draw) -> Result<(), NoLaw> {
        let next: Vec<u64> = self.groups.iter().flat_map(|group| group.arrivals.next_calls()).collect();
        self.lineage = self.lineage.and(self.draw, &next);
        self.draw = draw;
        let lineage: &Lineage = &self.lineage;
        for group in &mut self.groups {
            group.branch(now, draw, lineage)?;
        }
        for client in &mut self.clients {
            client.branch(draw, lineage);
        }
        for server in &mut self.servers.machines {
            server.branch(draw, lineage);
        }
        self.servers.post.network.branch(draw);
        self.stores.branch(draw, lineage);
        self.caches.branch(draw, lineage);
        self.next_arrival = next_arrival(&self.groups);
        Ok(())
    }

    fn calm(&mut self, now: Time) -> Result<(), NoLaw> {
        let mut active = vec![false; self.disturbances.len()];
        for (_, change) in &self.changes[..self.changed] {
            if let Change::Mark { disturbance, begins } = *change {
                active[disturbance] = begins;
            }
        }
        let all = self.disturbances.iter().zip(active).filter(|(_, active)| *active);
        let ending = |d: &Disturbance| Disturbance { from: Time::ZERO, until: now, ..d.clone() };
        let active: Vec<Disturbance> = all.map(|(d, _)| ending(d)).collect();
        for (_, change) in timeline(&active).iter().filter(|(at, _)| *at == now) {
            // The record of events is of what the scenario says.
            if !matches!(change, Change::Mark { .. }) {
                self.change(now, change);
            }
        }
        (self.changes, self.changed) = ([].into(), 0);
        for group in &mut self.groups {
            group.arrivals.calm(now)?;
        }
        self.next_arrival = next_arrival(&self.groups);
        Ok(())
    }
}
