//! The levels of a splitting, and the branches that climb them.
use super::{
    Effort, INTERRUPTED, Repetition,
    excursion::{End, Particle},
};
use crate::{
    engine::sim::Unbranchable,
    scenario::Scenario,
    study::branch::{Subject, after},
};
use lab_core::draw::{Draw, Stream};

/// A share of branches that is worth a level: more levels cost more, fewer vary more.
const PASS: f64 = 0.3;
/// Excursions from which the levels are chosen.
pub(super) const PILOT: usize = 400;
/// Where one replica has so many timeouts' work in its queue, a longer one makes no difference any more.
const FULL: f64 = 3.0;
/// No run in search of excursions plans more events than this.
pub(super) const EVENTS_MAX: u64 = 50_000_000;

/// The levels, for one scenario.
pub(super) struct Ladder<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) service: usize,
    pub(super) home: usize,
    pub(super) levels: Vec<usize>,
    /// Seconds of the healthy state in which the first level is reached once for each branch, about.
    basin_s: f64,
}

impl<'a> Ladder<'a> {
    /// Chooses the levels from runs of their own, which count for nothing else: what is found later stays without bias.
    pub(super) fn climb(
        scenario: &'a Scenario,
        effort: Effort,
        draw: Draw,
        go_on: &impl Fn() -> bool,
    ) -> Result<(Ladder<'a>, u64), String> {
        let Subject { service, jobs_per_timeout } = Subject::of(scenario)?;
        let full = FULL * jobs_per_timeout / f64::from(scenario.services[service].replicas);
        let mut ladder = Ladder { scenario, service, home: 0, levels: vec![usize::MAX], basin_s: 0.0 };
        let mut events = 0;
        ladder.home = ladder.usual(draw.child(0), &mut events);
        let basin = ladder.basin(draw.child(1), f64::INFINITY, |seen| seen.excursions >= PILOT);
        events += basin.events;
        if basin.excursions < PILOT {
            return Err(format!(
                "the queue of `{}` makes too few excursions from {} jobs to measure how they end",
                scenario.services[service].name, ladder.home
            ));
        }
        ladder.levels = vec![quantile(&basin.highest, 1.0 - PASS).max(ladder.home + 1)];
        let reached = basin.highest.iter().filter(|h| **h >= ladder.levels[0]).count().max(1);
        ladder.basin_s = basin.seconds * effort.branches as f64 / reached as f64;
        let mut states = ladder
            .basin(draw.child(2), f64::INFINITY, |seen| seen.reached.len() >= PILOT.min(effort.branches));
        events += states.events;
        for stage in 0.. {
            if !go_on() {
                return Err(INTERRUPTED.into());
            }
            let level = ladder.levels[stage];
            let draw = draw.child(3 + stage as u64);
            let branches = effort.branches.min(PILOT);
            let (mut highest, mut failed) = (vec![], 0);
            for number in 0..branches as u64 {
                let mut particle = pick(&states.reached, draw, number).map_err(|e| e.to_string())?;
                let before = particle.events();
                let (end, top) = ladder.follow(&mut particle, usize::MAX);
                events += particle.events() - before;
                failed += usize::from(end == End::Failed);
                highest.push(top);
            }
            let next = quantile(&highest, 1.0 - PASS).max(level + 1);
            if failed as f64 >= PASS * branches as f64 || next as f64 > full {
                break;
            }
            let (onward, _, cost) = ladder
                .pass(&states.reached, next, branches, draw.child(u64::MAX))
                .map_err(|e| e.to_string())?;
            events += cost;
            if onward.is_empty() {
                break;
            }
            ladder.levels.push(next);
            states.reached = onward;
        }
        Ok((ladder, events))
    }

    /// The jobs that there usually are while the service is healthy: the median of what is there at regular instants.
    fn usual(&self, draw: Draw, events: &mut u64) -> usize {
        let mut particle = self.begin(draw);
        let from = particle.simulation.now();
        let window_s = self.scenario.healthy.over.as_secs_f64();
        let mut jobs = vec![];
        for look in 1..=2000 {
            particle.simulation.run(after(from, window_s * f64::from(look) / 10.0));
            jobs.push(particle.simulation.state().fullest(self.service));
            if look % 10 == 0 {
                particle.watch.look(self.scenario, &mut particle.simulation);
                if particle.watch.down_since().is_some() || particle.events() > EVENTS_MAX / 50 {
                    break;
                }
            }
        }
        *events += particle.events();
        quantile(&jobs, 0.5)
    }

    /// `branches` branches of the `states`, each until `goal` or the end of its excursion: those that got there or failed, how many
    /// those are, and what they cost.
    fn pass(
        &self,
        states: &[Particle<'a>],
        goal: usize,
        branches: usize,
        draw: Draw,
    ) -> Result<(Vec<Particle<'a>>, usize, u64), Unbranchable> {
        let (mut there, mut cost) = (vec![], 0);
        for number in 0..branches as u64 {
            let mut particle = pick(states, draw, number)?;
            let before = particle.events();
            let (end, _) = self.follow(&mut particle, goal);
            cost += particle.events() - before;
            // One that has failed is beyond every level.
            if end != End::Home {
                there.push(particle);
            }
        }
        let passed = there.len();
        Ok((there, passed, cost))
    }

    /// The rate once more, with draws of its own.
    pub(super) fn repetition(&self, effort: Effort, draw: Draw) -> Result<Repetition, Unbranchable> {
        let basin = self.basin(draw.child(0), self.basin_s, |_| false);
        let first = basin.reached.len();
        let mut found = Repetition {
            basin: (basin.excursions, first, basin.seconds),
            passed: vec![],
            events: basin.events,
            basin_events: basin.events,
        };
        let mut states = basin.reached;
        let goals = self.levels.iter().skip(1).copied().chain([usize::MAX]);
        for (stage, goal) in (1..).zip(goals) {
            if states.is_empty() {
                found.passed.push(0.0);
                continue;
            }
            let (there, passed, cost) = self.pass(&states, goal, effort.branches, draw.child(stage))?;
            found.passed.push(passed as f64 / effort.branches as f64);
            found.events += cost;
            states = there;
        }
        Ok(found)
    }
}

/// Branch `number` of a state drawn from `states`.
fn pick<'a>(states: &[Particle<'a>], draw: Draw, number: u64) -> Result<Particle<'a>, Unbranchable> {
    let Particle { simulation, watch } = &states[draw.index(Stream::Instance, number, 0, states.len())];
    Ok(Particle { simulation: simulation.branch(draw.child(number).seed)?, watch: watch.clone() })
}

/// A value below which there is about a share `q` of all.
fn quantile(values: &[usize], q: f64) -> usize {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    sorted.get((q * sorted.len() as f64) as usize).or(sorted.last()).copied().unwrap_or(0)
}
