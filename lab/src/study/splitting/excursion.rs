//! Excursions of the healthy state: how they begin, and how they end.
use super::ladder::{EVENTS_MAX, Ladder, PILOT};
use crate::{
    engine::sim::Simulation,
    study::branch::{HealthWatch, next_look},
};
use lab_core::{draw::Draw, time::Time};

/// A run that is watched.
#[derive(Clone)]
pub(super) struct Particle<'a> {
    pub(super) simulation: Simulation<'a>,
    pub(super) watch: HealthWatch,
}

/// How a branch ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The queue reached the level.
    Reached,
    /// It fell back to what is usual.
    Home,
    /// The service is down, as a verdict says it.
    Failed,
}

/// The healthy state, watched.
pub(super) struct Basin<'a> {
    pub(super) excursions: usize,
    pub(super) failures: usize,
    pub(super) seconds: f64,
    pub(super) events: u64,
    /// The highest queue of each of the first excursions.
    pub(super) highest: Vec<usize>,
    /// The states in which the first level was reached.
    pub(super) reached: Vec<Particle<'a>>,
}

impl<'a> Ladder<'a> {
    /// A run that has warmed up.
    pub(super) fn begin(&self, draw: Draw) -> Particle<'a> {
        let mut simulation = Simulation::lean(self.scenario, draw.seed);
        let warm = Time::ZERO + self.scenario.warmup;
        simulation.run(warm);
        let watch = HealthWatch::new(&simulation, warm);
        Particle { simulation, watch }
    }

    /// Watches the excursions that begin within `seconds` of the healthy state, or until there are `enough`. A run that fails begins
    /// anew.
    pub(super) fn basin(&self, draw: Draw, seconds: f64, enough: impl Fn(&Basin<'a>) -> bool) -> Basin<'a> {
        let mut seen =
            Basin { excursions: 0, failures: 0, seconds: 0.0, events: 0, highest: vec![], reached: vec![] };
        for run in 0.. {
            let mut particle = self.begin(draw.child(run));
            let from = particle.simulation.now();
            let (spent, healthy_s) = (seen.events, seen.seconds);
            let mut end = End::Home;
            while end != End::Failed {
                // From home to the first job beyond it …
                end = self.leave_home(&mut particle);
                seen.seconds = healthy_s + particle.simulation.now().since(from).as_secs_f64();
                seen.events = spent + particle.events();
                if end == End::Failed {
                    break;
                }
                if seen.seconds >= seconds {
                    seen.seconds = seconds;
                    return seen;
                }
                if enough(&seen) || seen.events > EVENTS_MAX {
                    return seen;
                }
                // … up to the first level, if it gets there, and on until it is back.
                let mut top = 0;
                end = self.up_to(&mut particle, self.levels[0], &mut top);
                if end == End::Reached {
                    seen.reached.push(particle.clone());
                    end = self.up_to(&mut particle, usize::MAX, &mut top);
                }
                seen.excursions += 1;
                seen.failures += usize::from(end == End::Failed);
                if seen.highest.len() < PILOT {
                    seen.highest.push(top);
                }
            }
            // The healthy state ended when the failure began.
            let down = particle.watch.down_since().unwrap_or(particle.simulation.now());
            seen.seconds = healthy_s + down.since(from).as_secs_f64();
            seen.events = spent + particle.events();
            // A service that is never healthy makes no excursions, however long one waits.
            if seen.events > EVENTS_MAX {
                return seen;
            }
        }
        seen
    }

    /// Runs until there are more jobs than usual at one replica.
    fn leave_home(&self, particle: &mut Particle<'a>) -> End {
        let (home, service) = (self.home, self.service);
        self.run_to(particle, |jobs| jobs > home, service)
    }

    /// Runs until there are `goal` jobs, or the excursion is over; `top` becomes the highest number of jobs seen.
    fn up_to(&self, particle: &mut Particle<'a>, goal: usize, top: &mut usize) -> End {
        let (home, service) = (self.home, self.service);
        let now = particle.simulation.state().fullest(service);
        *top = (*top).max(now);
        if now >= goal {
            return End::Reached;
        }
        let end = self.run_to(
            particle,
            |jobs| {
                *top = (*top).max(jobs);
                jobs <= home || jobs >= goal
            },
            service,
        );
        let home = particle.simulation.state().fullest(service) <= home;
        if end == End::Reached && home { End::Home } else { end }
    }

    /// Follows an excursion up to `goal` jobs or its end, and says how high it got.
    pub(super) fn follow(&self, particle: &mut Particle<'a>, goal: usize) -> (End, usize) {
        let mut top = 0;
        let end = self.up_to(particle, goal, &mut top);
        (end, top)
    }

    fn run_to(
        &self,
        particle: &mut Particle<'a>,
        mut stop: impl FnMut(usize) -> bool,
        service: usize,
    ) -> End {
        let Particle { simulation, watch } = particle;
        loop {
            if watch.down_since().is_some() {
                return End::Failed;
            }
            let look = next_look(simulation);
            if simulation.run_to(look, |state| stop(state.fullest(service))) {
                return End::Reached;
            }
            watch.look(self.scenario, simulation);
        }
    }
}

impl Particle<'_> {
    /// Events planned since its beginning, those of the runs that it descends from included.
    pub(super) fn events(&self) -> u64 {
        self.simulation.state().events()
    }
}
