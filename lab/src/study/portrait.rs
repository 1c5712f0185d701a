//! Simulations to lay over the pictures of theory: where a run is in the plane of queue and outstanding retries, and what it
//! settles at when it begins healthy or failed.
use crate::{
    engine::sim::sim,
    scenario::Scenario,
    theory::{Prediction, Predictions, amplification::timeout_s, chain::retries_under_way},
    trace::Trace,
    verdict::{Judgement, judge_sim},
};
use lab_core::{
    arrival::Stage,
    call::Outcome,
    time::{Span, Time},
    timeline::{Disturbance, Effect, Role},
};
use rayon::prelude::*;
use serde::Serialize;

/// What was simulated for the pictures of one experiment.
#[derive(Clone, Debug)]
pub struct Portraits {
    /// The experiment itself, with its first seed.
    pub trace: Trace,
    /// What that run shows.
    pub judgement: Judgement,
    /// One for each service that is predicted.
    pub services: Vec<Portrayed>,
}

/// What was simulated for one service.
#[derive(Clone, Debug)]
pub struct Portrayed {
    /// Its way through the run.
    pub way: Vec<Place>,
    /// What it settles at under other loads.
    pub settles: Vec<Settles>,
}

/// Simulates what is laid over the pictures of `predictions`.
pub fn portraits(scenario: &Scenario, predictions: &Predictions) -> Portraits {
    let trace = sim(scenario, scenario.seed);
    let services = predictions.services.iter().map(|prediction| {
        let index = scenario.services.iter().position(|s| s.name == prediction.service).unwrap_or(0);
        Portrayed { way: trajectory(scenario, index, &trace), settles: settles(scenario, index, prediction) }
    });
    Portraits { judgement: judge_sim(scenario, &trace), services: services.collect(), trace }
}

/// Where one replica is at some time of a run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Place {
    /// Seconds from the run's beginning.
    pub at_s: f64,
    /// Jobs at the replica, those in service included; a mean over a window.
    pub jobs: f64,
    /// Calls whose attempt under way will time out and which the chain counts in orbit, for each replica.
    pub outstanding: f64,
}

/// The way of replica 0 of service `index` through a run: its jobs, and the clients' outstanding calls divided by the replicas.
///
/// An attempt under way is one of those that will time out if its timeout comes within the next T. So the outstanding ones at a window's
/// end are counted from the timeouts of the windows after it, as long as there are some of a whole T; without a timeout nobody is ever outstanding. Where a budget bounds the retries
/// under way, most timeouts lead to none: there the retries of the next T are counted, and with them the share of the orbit that gives up.
pub fn trajectory(scenario: &Scenario, index: usize, trace: &Trace) -> Vec<Place> {
    let groups: Vec<usize> =
        (0..scenario.clients.len()).filter(|g| scenario.clients[*g].service == index).collect();
    let timeout = groups.iter().map(|g| timeout_s(&scenario.clients[*g].policy)).fold(0.0, f64::max);
    if timeout.is_infinite() {
        return vec![];
    }
    // Whole windows, and a part of one more.
    let windows = timeout / trace.window.as_secs_f64();
    let (whole, part) = (windows as usize, windows.fract());
    let ends = |group: usize, window: usize| {
        let (client, measured) = (&scenario.clients[group], &trace.clients[group].windows[window]);
        match retries_under_way(client) {
            Some(_) => {
                let most = f64::from(client.policy.retry.max_attempts);
                measured.retries as f64 * most / (most - 1.0)
            }
            None => measured.ended[Outcome::Timeout as usize] as f64,
        }
    };
    let ended: Vec<f64> = (0..trace.len()).map(|w| groups.iter().map(|g| ends(*g, w)).sum()).collect();
    let replicas = f64::from(scenario.services[index].replicas);
    let server = &trace.servers[scenario.first_replica(index)];
    let places = (0..trace.len().saturating_sub(whole + 1)).map(|w| Place {
        at_s: trace.bounds(w).1.as_secs_f64(),
        jobs: server.windows[w].queue + server.windows[w].busy,
        outstanding: (ended[w + 1..=w + whole].iter().sum::<f64>() + part * ended[w + whole + 1]) / replicas,
    });
    places.collect()
}

/// The attempts per call that a simulation settles at.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Settles {
    /// Calls per second.
    pub load_per_s: f64,
    /// Whether the run began with a failure.
    pub began_failed: bool,
    /// Attempts per call over its last quarter.
    pub attempts_per_call: f64,
}

/// Loads as shares of the capacity, and timeouts that a run lasts.
const LOADS: [f64; 12] = [0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95];
const TIMEOUTS: f64 = 80.0;

/// What the service of `prediction` settles at under loads across its capacity, once begun empty and once with a spike that fills it. None
/// where several client groups call it, or the runs would take more than a few million attempts.
pub fn settles(scenario: &Scenario, index: usize, prediction: &Prediction) -> Vec<Settles> {
    let hand = &prediction.hand;
    let one = scenario.clients.len() == 1 && hand.timeout_s.is_finite();
    let length_s = TIMEOUTS * hand.timeout_s;
    let attempts = LOADS
        .iter()
        .map(|load| load * hand.capacity_per_s * length_s * (1.0 + hand.max_attempts))
        .sum::<f64>();
    if !one || attempts > 2e7 || scenario.clients[0].service != index {
        return vec![];
    }
    let runs: Vec<(f64, bool)> = LOADS.iter().flat_map(|load| [(*load, false), (*load, true)]).collect();
    let settle = |&(load, began_failed): &(f64, bool)| {
        let load_per_s = load * hand.capacity_per_s;
        let run = at_load(scenario, load_per_s, length_s, began_failed, hand.jobs_per_timeout);
        let trace = sim(&run, run.seed);
        let (from, until) = (Time::from_secs_f64(length_s * 0.75), run.end());
        let attempts_per_call = trace.client_total(from, until).amplification();
        Settles { load_per_s, began_failed, attempts_per_call }
    };
    runs.par_iter().map(settle).collect()
}

/// `scenario` at a constant load, undisturbed but, if `fails`, for a spike at its beginning that brings two timeouts' jobs more than it can do.
fn at_load(scenario: &Scenario, load_per_s: f64, length_s: f64, fails: bool, late_jobs: f64) -> Scenario {
    let mut run = scenario.undisturbed();
    run.duration = Span::from_secs_f64(length_s);
    run.warmup = Span::ZERO;
    run.window = Span::from_secs_f64(length_s / 80.0);
    run.clients[0].load.stages =
        vec![Stage { from: Time::ZERO, until: Time::NEVER, rate: load_per_s, end_rate: load_per_s }];
    if fails {
        let lasts_s = length_s / TIMEOUTS;
        // One timeout's jobs are done meanwhile.
        let factor = 3.0 * late_jobs / (lasts_s * load_per_s);
        run.disturbances = vec![Disturbance {
            name: "beginning".into(),
            role: Role::Trigger,
            from: Time::ZERO,
            until: Time::from_secs_f64(lasts_s),
            effect: Effect::LoadSpike { clients: vec![0], factor },
        }];
    }
    run
}
