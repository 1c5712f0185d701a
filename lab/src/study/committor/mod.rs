//! The committor: the probability that a state tips over. Many branches go on from the state, with nothing wrong any more, and one counts
//! how many end failed. Where it is one half is the separatrix, the line between the two fates (the name is from reaction kinetics:
//! Onsager, Phys. Rev. 54, 1938; E and Vanden-Eijnden, *Towards a theory of transition paths*, J. Stat. Phys. 123, 2006).
//!
//! The states lie on runs of the scenario: it is pushed by its own triggers (or by a load spike, where it has none), and each time the queue
//! reaches a level, the push ends in a copy. The copies that go on also pass near the separatrix, with more retries under way than there
//! are while the queue is pushed up; some of those states are taken too.
mod fit;

pub use fit::Fit;

use super::{
    branch::{HealthWatch, Subject, after, follow},
    survival::Estimate,
};
use crate::{
    engine::sim::{Simulation, Unbranchable},
    scenario::Scenario,
    verdict::wilson,
};
use lab_core::{
    draw::Draw,
    time::{Span, Time},
    timeline::{Disturbance, Effect, Role},
};
use rayon::prelude::*;
use serde::Serialize;

/// How much is spent.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Effort {
    /// Runs on which the states lie.
    pub runs: usize,
    /// Branches of each state.
    pub branches: usize,
    /// How long each branch may take until it is known how it ends.
    pub watch: Span,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Committor {
    /// The service whose queue it is.
    pub service: String,
    /// Jobs at all its replicas that it completes within a timeout (μT).
    pub jobs_per_timeout: f64,
    /// What pushed: the triggers' names, or what was put in their place.
    pub pushed_by: String,
    /// The states, in the order in which they were met.
    pub points: Vec<Point>,
    /// The probability as a function of the jobs alone; `None` where all states have the same fate.
    pub by_jobs: Option<Fit>,
    /// The same as a function of jobs and calls being retried.
    pub by_retries: Option<Fit>,
    /// The same as a function of jobs and attempts that will be late.
    pub by_late: Option<Fit>,
    /// Simulated events.
    pub events: u64,
}

/// A state, and what became of its branches.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Point {
    /// The run on which it lies.
    pub run: u64,
    /// When, in seconds.
    pub at_s: f64,
    /// How it was reached.
    pub route: Route,
    /// Attempts waiting or being worked on, at all replicas.
    pub jobs: usize,
    /// Calls that are not over.
    pub in_progress: usize,
    /// Those of them that have been tried again, or wait to be.
    pub retrying: usize,
    /// Attempts in the queues that will be late, at the mean pace of service: their callers give up before.
    pub late: usize,
    /// Branches that ended failed.
    pub tipped: usize,
    /// Branches that became healthy.
    pub held: usize,
    /// Branches of which it was not known when the watch ended.
    pub undecided: usize,
    /// The share of those decided that tipped, with Wilson's interval; NaN where none was.
    pub p: Estimate,
}

/// How a state was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Route {
    /// The push ended there.
    Pushed,
    /// The push had ended before.
    LeftAlone,
}

/// Levels of the queue on each run.
const LEVELS: usize = 10;
/// Levels of the first search, a quarter of μT apart, and its branches.
const SEARCHED: usize = 16;
const SEARCH_BRANCHES: usize = 10;

struct Search<'a> {
    /// With its push.
    scenario: &'a Scenario,
    subject: Subject,
    effort: Effort,
    draw: Draw,
}

/// A state, not yet judged.
struct Met<'a> {
    simulation: Simulation<'a>,
    run: u64,
    route: Route,
}

/// The committor of `scenario` near its separatrix, drawn from `seed`; `done` is told of each state that is judged, and answers whether to go
/// on.
///
/// # Errors
/// Where there is nothing to measure the queue against, the push moves nothing, or the workload is recorded.
pub fn committor(
    scenario: &Scenario,
    effort: Effort,
    seed: u64,
    done: &(impl Fn(usize) -> bool + Sync),
) -> Result<Committor, String> {
    let subject = Subject::of(scenario)?;
    let (pushed, pushed_by) = pushed(scenario, &subject);
    let search = Search { scenario: &pushed, subject, effort, draw: Draw { seed } };
    search.all(pushed_by, done)
}

impl Search<'_> {
    fn all(&self, pushed_by: String, done: &(impl Fn(usize) -> bool + Sync)) -> Result<Committor, String> {
        let theta = self.subject.jobs_per_timeout;
        let words = |e: Unbranchable| e.to_string();
        let coarse: Vec<f64> = (1..=SEARCHED).map(|k| theta * k as f64 / 4.0).collect();
        let first = self.met(0, &coarse, &[]).map_err(words)?;
        if first.is_empty() {
            return Err(format!(
                "{pushed_by} does not bring a quarter of μT = {theta:.0} jobs together: there is no state to ask about"
            ));
        }
        let (mut points, mut events) = self.judged(&first, SEARCH_BRANCHES, &|_| true).map_err(words)?;
        let (low, high) = bracket(&points, theta);
        let step = (high - low) / (LEVELS - 1) as f64;
        let levels: Vec<f64> = (0..LEVELS).map(|k| low + step * k as f64).collect();
        points.clear();
        let mut states = vec![];
        for run in 1..=self.effort.runs as u64 {
            states.extend(self.met(run, &levels, &[0.5, 1.0, 1.5]).map_err(words)?);
        }
        let total = states.len();
        let (found, cost) = self.judged(&states, self.effort.branches, &|_| done(total)).map_err(words)?;
        points.extend(found);
        events += cost;
        let jobs = |p: &Point| vec![p.jobs as f64];
        let retries = |p: &Point| vec![p.jobs as f64, p.retrying as f64];
        let late = |p: &Point| vec![p.jobs as f64, p.late as f64];
        Ok(Committor {
            service: self.scenario.services[self.subject.service].name.clone(),
            jobs_per_timeout: theta,
            pushed_by,
            by_jobs: Fit::new(&points, jobs),
            by_retries: Fit::new(&points, retries),
            by_late: Fit::new(&points, late),
            points,
            events,
        })
    }

    /// The states of one run: where the queue first reaches each of `levels`, and so many timeouts after the push has ended there, as long as
    /// the queue is still between the lowest and the highest level.
    fn met(&self, run: u64, levels: &[f64], later: &[f64]) -> Result<Vec<Met<'_>>, Unbranchable> {
        let Subject { service, jobs_per_timeout } = self.subject;
        let timeout_s = jobs_per_timeout / self.scenario.capacity(service);
        let draw = self.draw.child(run);
        let mut simulation = Simulation::lean(self.scenario, draw.seed);
        simulation.run(self.scenario.first_trigger());
        let until = self.scenario.triggers_over();
        let mut met = vec![];
        for (number, level) in levels.iter().enumerate() {
            let there = |jobs: usize| jobs as f64 >= *level;
            if !there(simulation.state().jobs(service))
                && !simulation.run_to(until, |state| there(state.jobs(service)))
            {
                break;
            }
            let mut calm = simulation.branch(draw.child(number as u64).seed)?;
            calm.calm()?;
            met.push(Met { simulation: calm.clone(), run, route: Route::Pushed });
            let from = calm.now();
            for timeouts in later {
                calm.run(after(from, timeouts * timeout_s));
                let jobs = calm.state().jobs(service) as f64;
                if levels[0] <= jobs && jobs <= levels[levels.len() - 1] {
                    met.push(Met { simulation: calm.clone(), run, route: Route::LeftAlone });
                }
            }
        }
        Ok(met)
    }

    /// What becomes of `branches` branches of each state.
    fn judged(
        &self,
        states: &[Met<'_>],
        branches: usize,
        done: &(impl Fn(usize) -> bool + Sync),
    ) -> Result<(Vec<Point>, u64), Unbranchable> {
        let stopped = std::sync::atomic::AtomicBool::new(false);
        let order = std::sync::atomic::Ordering::Relaxed;
        let one = |(number, state): (usize, &Met<'_>)| {
            if stopped.load(order) {
                return None;
            }
            let point = self.judge(state, branches, self.draw.child(u64::MAX - number as u64));
            if !done(number) {
                stopped.store(true, order);
            }
            Some(point)
        };
        let found = states.par_iter().enumerate().filter_map(one).collect::<Result<Vec<_>, _>>()?;
        let events = found.iter().map(|(_, events)| events).sum();
        Ok((found.into_iter().map(|(point, _)| point).collect(), events))
    }

    fn judge(&self, state: &Met<'_>, branches: usize, draw: Draw) -> Result<(Point, u64), Unbranchable> {
        let Met { simulation, run, route } = state;
        let now = simulation.now();
        let (mut tipped, mut held, mut events) = (0, 0, 0);
        for number in 0..branches as u64 {
            let mut branch = simulation.branch(draw.child(number).seed)?;
            let mut watch = HealthWatch::new(&branch, now);
            let until = now + self.effort.watch;
            if follow(self.scenario, &mut branch, &mut watch, until, |watch| watch.up_since().is_some()) {
                held += 1;
            } else if watch.down_since().is_some() {
                tipped += 1;
            }
            events += branch.state().events() - simulation.state().events();
        }
        let state = simulation.state();
        let service = self.subject.service;
        let point = Point {
            run: *run,
            at_s: now.as_secs_f64(),
            route: *route,
            jobs: state.jobs(service),
            in_progress: state.in_progress(service),
            retrying: state.retrying(service),
            late: simulation.late(service),
            tipped,
            held,
            undecided: branches - tipped - held,
            p: share(tipped, tipped + held),
        };
        Ok((point, events))
    }
}

fn share(hits: usize, of: usize) -> Estimate {
    let (low, high) = wilson(hits, of);
    Estimate { value: hits as f64 / of as f64, low, high }
}

/// Where the fate is open: from below the first state that may tip to above the last one that may hold, in jobs.
fn bracket(points: &[Point], theta: f64) -> (f64, f64) {
    let quarter = theta / 4.0;
    let jobs = |p: &Point| p.jobs as f64;
    let may_tip = points.iter().filter(|p| p.tipped > 0).map(jobs).fold(f64::INFINITY, f64::min);
    let may_hold = points.iter().filter(|p| p.held > 0).map(jobs).fold(0.0, f64::max);
    let last = points.iter().map(jobs).fold(0.0, f64::max);
    // Where the two are apart, the fate of other runs may be open on either side of the gap.
    let low = (may_tip.min(may_hold) - quarter).max(quarter);
    let high = if may_tip > may_hold { may_tip } else { may_hold + quarter };
    (low, high.min(last).max(low + quarter))
}

/// The scenario with its triggers, or a load spike where it has none; its levers are left out.
fn pushed(scenario: &Scenario, subject: &Subject) -> (Scenario, String) {
    let triggers: Vec<Disturbance> = scenario.triggers().cloned().collect();
    if let [first, others @ ..] = &triggers[..] {
        let names = others.iter().fold(format!("`{}`", first.name), |all, d| format!("{all}, `{}`", d.name));
        return (Scenario { disturbances: triggers, ..scenario.clone() }, names);
    }
    let capacity = scenario.capacity(subject.service);
    let offered: f64 = scenario.clients.iter().map(|group| group.load.rate_at(Time::ZERO)).sum();
    let factor = 2.0 * capacity / offered.max(f64::MIN_POSITIVE);
    let from = Time::ZERO + scenario.warmup + scenario.healthy.over;
    // At twice the capacity the queue grows by μT within a timeout.
    let until = after(from, 10.0 * subject.jobs_per_timeout / capacity);
    let clients = (0..scenario.clients.len()).collect();
    let effect = Effect::LoadSpike { clients, factor };
    let spike = Disturbance { name: "spike".into(), role: Role::Trigger, from, until, effect };
    let scenario = Scenario { disturbances: vec![spike], ..scenario.clone() };
    (scenario, "a load spike to twice the capacity".into())
}
