//! Where a run comes from: one that is simulated as one watches, or one that was kept.
use super::{protocol::Gauges, script::Script};
use crate::{
    engine::sim::Simulation,
    scenario::Scenario,
    trace::{Trace, Windows},
    verdict::Summary,
};
use lab_core::time::{Span, Time};

/// A run that is watched.
pub(super) trait Source {
    /// Up to when it has got.
    fn now(&self) -> Time;
    /// Goes on until `until`.
    fn advance(&mut self, until: Time);
    /// The windows that have ended.
    fn windows(&mut self) -> Windows<'_>;
    /// How it is at this instant, if that is known.
    fn gauges(&self, service: usize) -> Option<Gauges>;
    /// What was measured so far, for the verdict; `None` where that is not asked for.
    fn so_far(&self) -> Option<Trace>;
    /// Goes on as `script` says from now on.
    ///
    /// # Errors
    /// When it cannot; it goes on as before then.
    fn steer(&mut self, script: &Script) -> Result<(), String>;
    /// Is what it was at `at`; `script` is what happened until then.
    ///
    /// # Errors
    /// When it cannot.
    fn rewind(&mut self, script: &Script, at: Time) -> Result<(), String>;
    /// The instant at which it ends; `None` if it goes on.
    fn end(&self) -> Option<Time>;
    /// What was found of a run that is over.
    fn found(&self) -> Option<&Summary>;
}

/// A run that is simulated as one watches.
pub(super) struct Simulated<'a> {
    scenario: &'a Scenario,
    seed: u64,
    simulation: Simulation<'a>,
}

/// Health is measured in cohorts so wide, from which those of any verdict are put together.
pub(super) const FINE: Span = Span::from_millis(100);

/// What a session's run is measured by: nothing goes wrong in it until somebody acts.
pub(super) fn measured(scenario: &Scenario) -> Scenario {
    let mut fine = scenario.undisturbed();
    // A call's time to be good is in the policy and in `latency`, not in the width.
    fine.healthy.over = FINE;
    fine.warmup = Span::ZERO;
    fine.duration = FINE;
    fine
}

impl<'a> Simulated<'a> {
    /// A run of `scenario`, which is [`measured`], with `seed`.
    pub(super) fn new(scenario: &'a Scenario, seed: u64) -> Simulated<'a> {
        Simulated { scenario, seed, simulation: Simulation::endless(scenario, seed) }
    }
}

impl Source for Simulated<'_> {
    fn now(&self) -> Time {
        self.simulation.now()
    }

    fn advance(&mut self, until: Time) {
        self.simulation.run(until);
    }

    fn windows(&mut self) -> Windows<'_> {
        self.simulation.windows()
    }

    fn gauges(&self, service: usize) -> Option<Gauges> {
        let state = self.simulation.state();
        Some(Gauges {
            queue: state.queued(service),
            in_progress: state.in_progress(service),
            retrying: state.retrying(service),
        })
    }

    fn so_far(&self) -> Option<Trace> {
        Some(self.simulation.so_far())
    }

    fn steer(&mut self, script: &Script) -> Result<(), String> {
        self.simulation.steer(&script.scenario().disturbances).map_err(|e| e.to_string())
    }

    fn rewind(&mut self, script: &Script, at: Time) -> Result<(), String> {
        self.simulation = Simulation::endless(self.scenario, self.seed);
        self.steer(script)?;
        self.simulation.run(at);
        Ok(())
    }

    fn end(&self) -> Option<Time> {
        None
    }

    fn found(&self) -> Option<&Summary> {
        None
    }
}
