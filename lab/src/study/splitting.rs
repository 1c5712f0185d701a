//! How often something rare happens: multilevel splitting, without bias.
//!
//! A healthy service makes *excursions*: its queue grows beyond what is usual and falls back. Nearly all are short; a failure is one that
//! does not come back. Its probability is a product of larger ones, of getting from each level of the queue to the next before coming
//! home, and each factor is estimated with the same number of branches, begun at states drawn from those in which the level was reached.
//! This *fixed-effort splitting* is unbiased whatever the levels, and however good the queue is as a measure of progress; a poor measure
//! only costs precision (Garvels, *The splitting method in rare event simulation*, thesis, Twente 2000; L'Ecuyer, Demers and Tuffin,
//! *Rare events, splitting, and quasi-Monte Carlo*, ACM TOMACS 17(2), 2007, §3). How often excursions begin is counted in a run of the
//! healthy state, as in forward flux sampling (Allen, Valeriani and ten Wolde, J. Phys.: Condens. Matter 21, 2009), so that nothing is
//! assumed of the state in which they do.
//!
//! The interval comes from independent repetitions of it all, never from the variance within one, whose factors depend on each other.
use super::{
    branch::{Subject, Watch, after, next_look},
    survival::Estimate,
};
use crate::{
    engine::sim::{Simulation, Unbranchable},
    scenario::Scenario,
};
use lab_core::{
    draw::{Draw, Stream},
    time::Time,
};
use rayon::prelude::*;
use serde::Serialize;

/// How much is spent.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Effort {
    /// Branches at each level.
    pub branches: usize,
    /// Independent repetitions, at least 2.
    pub repetitions: usize,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rare {
    /// Failures per second of the healthy state.
    pub rate_per_s: Estimate,
    /// Probability that an excursion ends in failure.
    pub per_excursion: Estimate,
    /// Excursions per second.
    pub excursions_per_s: f64,
    /// With so many jobs or fewer, the service is at home.
    pub home: usize,
    /// The queue's levels, in jobs at all replicas.
    pub levels: Vec<usize>,
    /// The share of branches that get from each level to the next, from the last one to failure; means over the repetitions.
    pub passed: Vec<f64>,
    /// The rate that each repetition found.
    pub repetitions_per_s: Vec<f64>,
    /// Simulated events of everything, the choice of levels included.
    pub events: u64,
    /// Events that runs without splitting would need for the same precision: `(1 − p)/(p·v)` excursions for a relative variance of v.
    /// Infinite where no repetition found a failure.
    pub events_without: f64,
}

/// Runs of the healthy state, for comparison: nothing is split.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Plain {
    /// Excursions that were seen to their end.
    pub excursions: usize,
    /// Those that ended in failure.
    pub failures: usize,
    /// Seconds spent in the healthy state.
    pub healthy_s: f64,
    /// Simulated events.
    pub events: u64,
}

/// A share of branches that is worth a level: more levels cost more, fewer vary more.
const PASS: f64 = 0.3;
/// Excursions from which the levels are chosen.
const PILOT: usize = 400;
/// No run in search of excursions plans more events than this.
const EVENTS_MAX: u64 = 50_000_000;

const INTERRUPTED: &str = "it was interrupted";

/// A run that is watched.
#[derive(Clone)]
struct Particle<'a> {
    simulation: Simulation<'a>,
    watch: Watch,
}

/// How a branch ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The queue reached the level.
    Reached,
    /// It fell back to what is usual.
    Home,
    /// The service is down, as a verdict says it.
    Failed,
}

/// The rate at which the healthy state of `scenario`, which has no trigger, fails; drawn from `seed`. `go_on` is asked now and then.
///
/// # Errors
/// Where there is nothing to measure the queue against, where it makes no excursions, where the workload is recorded, or when it was not to
/// go on.
pub fn rare(
    scenario: &Scenario,
    effort: Effort,
    seed: u64,
    go_on: &(impl Fn() -> bool + Sync),
) -> Result<Rare, String> {
    let draw = Draw { seed };
    let (ladder, pilot_events) = Ladder::climb(scenario, effort, draw.child(0), go_on)?;
    let one = |n: u64| match go_on() {
        true => ladder.repetition(effort, draw.child(n + 1)).map_err(|e| e.to_string()),
        false => Err(INTERRUPTED.into()),
    };
    let repetitions = (0..effort.repetitions as u64).into_par_iter();
    let found: Vec<Repetition> = repetitions.map(one).collect::<Result<_, String>>()?;
    Ok(ladder.sum_up(&found, pilot_events))
}

/// The same without splitting, over `excursions` excursions, to compare.
///
/// # Errors
/// As [`rare`].
pub fn plain(scenario: &Scenario, effort: Effort, seed: u64, excursions: usize) -> Result<Plain, String> {
    let draw = Draw { seed };
    let (mut ladder, _) = Ladder::climb(scenario, effort, draw.child(0), &|| true)?;
    // No state needs to be kept.
    ladder.levels = vec![usize::MAX];
    let basin = ladder.basin(draw.child(1), f64::INFINITY, |seen| seen.excursions >= excursions);
    Ok(Plain {
        excursions: basin.excursions,
        failures: basin.failures,
        healthy_s: basin.seconds,
        events: basin.events,
    })
}

/// The levels, for one scenario.
struct Ladder<'a> {
    scenario: &'a Scenario,
    service: usize,
    home: usize,
    levels: Vec<usize>,
    /// Seconds of the healthy state in which the first level is reached once for each branch, about.
    basin_s: f64,
}

/// What one repetition found.
struct Repetition {
    /// Excursions, those that reached the first level, and the time in which they began.
    basin: (usize, usize, f64),
    passed: Vec<f64>,
    events: u64,
    basin_events: u64,
}

/// The healthy state, watched.
struct Basin<'a> {
    excursions: usize,
    failures: usize,
    seconds: f64,
    events: u64,
    /// The highest queue of each of the first excursions.
    highest: Vec<usize>,
    /// The states in which the first level was reached.
    reached: Vec<Particle<'a>>,
}

impl<'a> Ladder<'a> {
    /// Chooses the levels from runs of their own, which count for nothing else: what is found later stays without bias.
    fn climb(
        scenario: &'a Scenario,
        effort: Effort,
        draw: Draw,
        go_on: &impl Fn() -> bool,
    ) -> Result<(Ladder<'a>, u64), String> {
        let Subject { service, jobs_per_timeout } = Subject::of(scenario)?;
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
            // Beyond what a timeout's worth of work is, the queue decides less and less.
            let next = quantile(&highest, 1.0 - PASS).max(level + 1);
            if failed as f64 >= PASS * branches as f64 || next as f64 > jobs_per_timeout {
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
            jobs.push(particle.simulation.state().jobs(self.service));
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

    /// A run that has warmed up.
    fn begin(&self, draw: Draw) -> Particle<'a> {
        let mut simulation = Simulation::lean(self.scenario, draw.seed);
        let warm = Time::ZERO + self.scenario.warmup;
        simulation.run(warm);
        let watch = Watch::new(&simulation, warm);
        Particle { simulation, watch }
    }

    /// Watches the excursions that begin within `seconds` of the healthy state, or until there are `enough`. A run that fails begins
    /// anew.
    fn basin(&self, draw: Draw, seconds: f64, enough: impl Fn(&Basin<'a>) -> bool) -> Basin<'a> {
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
        }
        seen
    }

    /// Runs until there are more jobs than usual.
    fn leave_home(&self, particle: &mut Particle<'a>) -> End {
        let (home, service) = (self.home, self.service);
        self.run_to(particle, |jobs| jobs > home, service)
    }

    /// Runs until there are `goal` jobs, or the excursion is over; `top` becomes the highest number of jobs seen.
    fn up_to(&self, particle: &mut Particle<'a>, goal: usize, top: &mut usize) -> End {
        let (home, service) = (self.home, self.service);
        let now = particle.simulation.state().jobs(service);
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
        let home = particle.simulation.state().jobs(service) <= home;
        if end == End::Reached && home { End::Home } else { end }
    }

    fn follow(&self, particle: &mut Particle<'a>, goal: usize) -> (End, usize) {
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
            if simulation.run_to(look, |state| stop(state.jobs(service))) {
                return End::Reached;
            }
            watch.look(self.scenario, simulation);
        }
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

    fn repetition(&self, effort: Effort, draw: Draw) -> Result<Repetition, Unbranchable> {
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

    fn sum_up(self, found: &[Repetition], pilot_events: u64) -> Rare {
        let onward = |r: &Repetition| r.passed.iter().product::<f64>();
        let rates: Vec<f64> = found.iter().map(|r| r.basin.1 as f64 / r.basin.2 * onward(r)).collect();
        let each: Vec<f64> = found.iter().map(|r| r.basin.1 as f64 / r.basin.0 as f64 * onward(r)).collect();
        let (rate_per_s, per_excursion) = (mean(&rates), mean(&each));
        let sum = |of: &dyn Fn(&Repetition) -> f64| found.iter().map(of).sum::<f64>();
        let excursions = sum(&|r| r.basin.0 as f64);
        let events = pilot_events + found.iter().map(|r| r.events).sum::<u64>();
        let p = per_excursion.value;
        let variation = relative_variance(&each);
        let per_excursion_events = sum(&|r| r.basin_events as f64) / excursions;
        let count = found.len() as f64;
        Rare {
            rate_per_s,
            per_excursion,
            excursions_per_s: excursions / sum(&|r| r.basin.2),
            home: self.home,
            passed: (0..self.levels.len()).map(|stage| sum(&|r| r.passed[stage]) / count).collect(),
            levels: self.levels,
            repetitions_per_s: rates,
            events,
            events_without: if p > 0.0 {
                (1.0 - p) / (p * variation) * per_excursion_events
            } else {
                f64::INFINITY
            },
        }
    }
}

impl Particle<'_> {
    fn events(&self) -> u64 {
        self.simulation.state().events()
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

/// The mean with its 95 % confidence interval from Student's law.
fn mean(values: &[f64]) -> Estimate {
    let n = values.len() as f64;
    let value = values.iter().sum::<f64>() / n;
    let half = student(n - 1.0) * value * relative_variance(values).sqrt();
    let half = if half.is_finite() { half } else { f64::INFINITY };
    Estimate { value, low: (value - half).max(0.0), high: value + half }
}

/// The variance of the mean over its square.
fn relative_variance(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|v| (v - mean) * (v - mean)).sum();
    squares / (n - 1.0) / n / (mean * mean)
}

/// Student's 97.5 % point by its expansion (Abramowitz and Stegun, 26.7.5), good to 1 % from four degrees of freedom on.
fn student(freedom: f64) -> f64 {
    let z: f64 = super::survival::Z95;
    let (z3, z5, z7) = (z.powi(3), z.powi(5), z.powi(7));
    let (a, b, c) = (
        (z3 + z) / 4.0,
        (5.0 * z5 + 16.0 * z3 + 3.0 * z) / 96.0,
        (3.0 * z7 + 19.0 * z5 + 17.0 * z3 - 15.0 * z) / 384.0,
    );
    z + a / freedom + b / (freedom * freedom) + c / (freedom * freedom * freedom)
}
