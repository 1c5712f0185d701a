//! A simulation that is acted upon while it runs, and looked at as it goes on.
use super::Simulation;
use crate::{
    engine::group::next_arrival,
    scenario::Scenario,
    trace::{ServerWindow, Trace, Windows},
};
use lab_core::{
    arrival::Lowers,
    timeline::{Disturbance, timeline},
};

/// Why a run cannot be steered as was wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a run that is under way can be given more load, but not less; shed load instead")]
pub struct Unsteerable;

impl From<Lowers> for Unsteerable {
    fn from(_: Lowers) -> Unsteerable {
        Unsteerable
    }
}

impl<'a> Simulation<'a> {
    /// A run of `scenario` with `seed` that goes on for as long as one likes; of its calls there is no latency log.
    pub fn endless(scenario: &'a Scenario, seed: u64) -> Simulation<'a> {
        let mut simulation = Simulation::new(scenario, seed);
        for group in &mut simulation.world.groups {
            group.recorder.endless();
            // Somebody may want hang-ups heard later, and those that are under way then count.
            group.tells_disconnects = true;
        }
        simulation.world.caches.tell_disconnects();
        simulation
    }

    /// From now on `disturbances` are what goes wrong and what an operator does. Up to now they must have been those that the run
    /// had: new ones begin now or later, and come after the others of their role. The run is then the one that a scenario with these
    /// disturbances would have given from the beginning, to the last bit.
    ///
    /// # Errors
    /// When a new one lowers the load.
    pub fn steer(&mut self, disturbances: &[Disturbance]) -> Result<(), Unsteerable> {
        let Simulation { world, now } = self;
        let scenario = world.scenario;
        for (index, group) in world.groups.iter_mut().enumerate() {
            group.arrivals.extend(&scenario.load_under(index, disturbances))?;
        }
        world.next_arrival = next_arrival(&world.groups);
        world.disturbances = disturbances.into();
        world.changes = timeline(disturbances).into();
        // What changes now has not yet.
        world.changed = world.changes.partition_point(|(at, _)| at < now);
        Ok(())
    }

    /// The windows that have ended.
    pub fn windows(&mut self) -> Windows<'_> {
        let Simulation { world, now } = self;
        let mut servers: Vec<&[ServerWindow]> =
            world.servers.recorders.iter_mut().map(|recorder| recorder.windows(*now)).collect();
        // A replica of a group or of a cache is measured where it is; the one in its place here is idle.
        let (of_caches, caches) = world.caches.windows(*now);
        for (server, windows) in of_caches {
            servers[server] = windows;
        }
        let mut groups = vec![];
        for group in &mut world.stores.groups {
            let (first, of_replicas, own) = group.windows(*now);
            for (replica, windows) in of_replicas.into_iter().enumerate() {
                servers[first + replica] = windows;
            }
            groups.push(own);
        }
        Windows {
            clients: world.groups.iter_mut().map(|group| group.recorder.windows(*now)).collect(),
            servers,
            groups,
            caches,
        }
    }

    /// What was measured so far.
    pub fn so_far(&self) -> Trace {
        self.clone().finish()
    }
}
