//! Whether the live engine tells the truth on this host: queues against their closed forms, and a stall as its users see it.
use crate::{
    engine::live::{Fitness, LiveError, LiveOptions, live},
    scenario::{Scenario, sample},
    theory,
    trace::Trace,
};
use lab_core::{
    demand::Demand,
    time::{Span, Time},
    timeline::{Disturbance, Effect, Replicas, Role},
};
use serde::{Deserialize, Serialize};

/// Workers, mean service in milliseconds, load as a share of capacity.
const QUEUES: [(u32, f64, f64); 3] = [(1, 5.0, 0.5), (4, 5.0, 0.7), (8, 10.0, 0.8)];
/// Length of a queueing run.
const QUEUE_LENGTH: Span = Span::from_secs(10);
/// HTTP over loopback and a late timer add this much to a latency, in milliseconds.
const ADDED_MAX_MS: f64 = 1.0;
/// The stall: how long, and how many calls a second go on arriving.
const STALL: Span = Span::from_secs(2);
const STALL_RATE: f64 = 1000.0;

/// What the self-test found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Selftest {
    /// M/M/c over HTTP.
    pub queues: Vec<QueueRow>,
    /// A server that is stopped for two seconds.
    pub stall: StallRow,
}

/// One M/M/c queue over HTTP.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QueueRow {
    /// Workers.
    pub workers: u32,
    /// Mean service time, in milliseconds.
    pub service_ms: f64,
    /// Offered load over capacity.
    pub load: f64,
    /// Mean time from arrival to answer by Erlang C, in milliseconds; what a run of any length comes to.
    pub theory_ms: f64,
    /// The same of the very calls that were measured, simulated, in milliseconds: ten seconds are some way off the mean.
    pub simulated_ms: f64,
    /// The same, measured, in milliseconds.
    pub measured_ms: f64,
    /// The tolerated difference between measured and simulated: 5 % and a millisecond.
    pub tolerance_ms: f64,
    /// Whether it is within that.
    pub held: bool,
    /// Whether the host kept up.
    pub fitness: Fitness,
}

/// What users saw of a stall.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StallRow {
    /// 90th percentile of the calls that arrived in the stall, in milliseconds; 1,800 is the truth.
    pub p90_ms: f64,
    /// 99th percentile, in milliseconds; 1,980 is the truth.
    pub p99_ms: f64,
    /// Median, in milliseconds; 1,000 is the truth.
    pub p50_ms: f64,
    /// The tolerated difference, in milliseconds.
    pub tolerance_ms: f64,
    /// Whether it is within that.
    pub held: bool,
}

impl Selftest {
    /// Whether everything held.
    pub fn held(&self) -> bool {
        self.stall.held && self.queues.iter().all(|row| row.held)
    }
}

/// Runs the self-test: about 40 s. `options` apply to every run in it.
///
/// # Errors
/// As [`live`].
pub fn selftest(options: &LiveOptions<'_>) -> Result<Selftest, LiveError> {
    let queues = QUEUES.iter().map(|&(workers, service_ms, load)| queue(workers, service_ms, load, options));
    Ok(Selftest { queues: queues.collect::<Result<_, _>>()?, stall: stall(options)? })
}

/// One M/M/c queue, live and simulated.
fn queue(workers: u32, service_ms: f64, load: f64, options: &LiveOptions<'_>) -> Result<QueueRow, LiveError> {
    let each_per_s = 1e3 / service_ms;
    let rate = load * f64::from(workers) * each_per_s;
    let scenario = sample::queueing(rate, workers, Span::from_secs_f64(service_ms / 1e3), QUEUE_LENGTH);
    let run = live(&scenario, scenario.seed, options)?;
    let simulated_ms = mean_ms(&crate::engine::sim::sim(&scenario, scenario.seed));
    let measured_ms = mean_ms(&run.trace);
    let tolerance_ms = simulated_ms * 0.05 + ADDED_MAX_MS;
    Ok(QueueRow {
        workers,
        service_ms,
        load,
        theory_ms: service_ms + theory::queues::mmc_wait_s(workers, rate, each_per_s) * 1e3,
        simulated_ms,
        measured_ms,
        tolerance_ms,
        held: (measured_ms - simulated_ms).abs() <= tolerance_ms,
        fitness: run.fitness,
    })
}

/// Mean latency of all calls that were over in time.
fn mean_ms(trace: &Trace) -> f64 {
    trace.clients[0].latency.before.mean() / 1e3
}

/// A server with next to no work is stopped for two seconds and nobody tells its clients: those who arrive in the stall wait
/// for its end, from none of it to all of it. A generator that waited for answers would not even have sent their calls.
fn stall(options: &LiveOptions<'_>) -> Result<StallRow, LiveError> {
    let run = live(&stalled(), 1, options)?;
    let during = &run.trace.clients[0].latency.during;
    let at = |q: f64| during.value_at_quantile(q) as f64 / 1e3;
    let (p50_ms, p90_ms, p99_ms, tolerance_ms) = (at(0.5), at(0.9), at(0.99), 100.0);
    let near = |ms: f64, share: f64| (ms - share * STALL.as_millis_f64()).abs() <= tolerance_ms;
    let held = near(p50_ms, 0.5) && near(p90_ms, 0.9) && near(p99_ms, 0.99);
    Ok(StallRow { p50_ms, p90_ms, p99_ms, tolerance_ms, held })
}

fn stalled() -> Scenario {
    let service = Span::from_millis(1);
    let mut scenario = sample::queueing(STALL_RATE, 64, service, Span::from_secs(5));
    scenario.services[0].policy.service_time = Demand::Constant(service);
    let from = Time::ZERO + Span::from_secs(1);
    scenario.disturbances.push(Disturbance {
        name: "stall".into(),
        role: Role::Trigger,
        from,
        until: from + STALL,
        effect: Effect::Pause { replicas: Replicas { service: 0, which: vec![0] } },
    });
    scenario
}
