//! `lab selftest`: does this host measure what theory and simulation say?
use super::{
    exit::{Exit, Failure, Outcome},
    interrupt, progress,
    table::Table,
};
use crate::{
    engine::{
        live::{LiveOptions, LiveRun, Progress, live},
        sim::sim,
    },
    scenario::{Scenario, sample::queueing},
    theory::queues::mmc_wait_s,
    trace::Trace,
};
use lab_core::{
    arrival::Process,
    demand::Demand,
    time::{Span, Time},
    timeline::{Disturbance, Effect, Replicas, Role},
};
use serde::Serialize;
use serde_json::json;

/// Is this host fit for live runs?
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  lab selftest")]
pub(super) struct Args {
    /// Print one JSON document instead of a table
    #[arg(long)]
    json: bool,
}

/// One figure, and what it should be.
#[derive(Debug, Serialize)]
struct Check {
    what: &'static str,
    live: f64,
    expected: f64,
    /// How far apart they may be, as a share.
    allowed: f64,
    unit: &'static str,
}

impl Check {
    fn holds(&self) -> bool {
        (self.live - self.expected).abs() <= self.allowed * self.expected
    }
}

pub(super) fn selftest(args: &Args) -> Outcome {
    interrupt::listen();
    let (queue, stall) = (queue(), stall());
    let served = run(&queue, "M/M/4 over HTTP", args.json)?;
    let stalled = run(&stall, "a server that stands still for 2 s", args.json)?;
    let mut checks = queue_checks(&queue, &served.trace);
    checks.extend(stall_checks(&stall, &stalled.trace));
    // After the stall two seconds' answers come at once, and the window in which they do is the host's in any case: that run is
    // judged by its latencies.
    let reasons = if served.fitness.fit { vec![] } else { served.fitness.reasons };
    let fit = reasons.is_empty() && checks.iter().all(Check::holds);
    if args.json {
        println!("{:#}", json!({ "version": 1, "fit": fit, "checks": checks, "unfit": reasons }));
    } else {
        print!("{}", told(&checks, &reasons, fit));
    }
    Ok(if fit { Exit::Done } else { Exit::Inconclusive })
}

fn told(checks: &[Check], reasons: &[String], fit: bool) -> String {
    let mut table = Table::new(&["", "live>", "expected>", "allowed>", ""]);
    for check in checks {
        let shown = |figure: f64| format!("{figure:.2} {}", check.unit);
        table.line([
            check.what.into(),
            shown(check.live),
            shown(check.expected),
            format!("{:.0} %", check.allowed * 100.0),
            if check.holds() { "holds".into() } else { "DOES NOT HOLD".into() },
        ]);
    }
    let reasons: String = reasons.iter().map(|reason| format!("  {reason}\n")).collect();
    let verdict =
        if fit { "this host is fit for live runs" } else { "this host is NOT fit for live runs now" };
    format!("{table}\n{reasons}  {verdict}\n")
}

fn run(scenario: &Scenario, what: &str, quiet: bool) -> Result<LiveRun, Failure> {
    let bar = progress::bar(what, scenario.duration.0 / 1_000_000, quiet);
    let show = |p: Progress| bar.set_position(p.elapsed.0 / 1_000_000);
    let options =
        LiveOptions { progress: Some(&show), interrupted: Some(interrupt::flag()), ..LiveOptions::default() };
    let done = live(scenario, scenario.seed, &options);
    bar.finish_and_clear();
    if interrupt::interrupted() {
        return Err(Failure::Interrupted);
    }
    done.map_err(|error| Failure::Host(error.to_string()))
}

const SERVICE: Span = Span::from_millis(10);
const WORKERS: u32 = 4;
const RATE: f64 = 280.0;

/// M/M/4 at 70 %: 280 calls/s, 10 ms each.
fn queue() -> Scenario {
    let mut scenario = queueing(RATE, WORKERS, SERVICE, Span::from_secs(20));
    scenario.warmup = Span::from_secs(1);
    scenario
}

/// 200 calls/s, evenly, 1 ms each; between second 5 and 7 the server is stopped.
fn stall() -> Scenario {
    let mut scenario = queueing(200.0, 1, Span::from_millis(1), Span::from_secs(12));
    scenario.clients[0].load.process = Process::Constant;
    scenario.services[0].policy.service_time = Demand::Constant(Span::from_millis(1));
    let (from, until) = (Time::from_secs_f64(5.0), Time::from_secs_f64(7.0));
    let effect = Effect::Pause { replicas: Replicas { service: 0, which: vec![0] } };
    scenario.disturbances =
        vec![Disturbance { name: "stall".into(), role: Role::Trigger, from, until, effect }];
    scenario
}

/// Against the same draws simulated, closely; against Erlang's formula as well as 20 s allow.
fn queue_checks(scenario: &Scenario, trace: &Trace) -> Vec<Check> {
    let simulated = sim(scenario, scenario.seed);
    let mean_ms = |trace: &Trace| trace.clients[0].latency.before.mean() / 1e3;
    let service_s = SERVICE.as_secs_f64();
    let erlang_ms = 1e3 * (service_s + mmc_wait_s(WORKERS, RATE, 1.0 / service_s));
    let check = |what, expected, allowed| Check { what, live: mean_ms(trace), expected, allowed, unit: "ms" };
    vec![
        check("M/M/4: mean latency, against the simulation", mean_ms(&simulated), 0.1),
        check("M/M/4: mean latency, against Erlang C", erlang_ms, 0.2),
    ]
}

/// Calls that were due while the server stood still waited: half of them for more than a second.
fn stall_checks(scenario: &Scenario, trace: &Trace) -> Vec<Check> {
    let simulated = sim(scenario, scenario.seed);
    let at = |trace: &Trace, q: f64| trace.clients[0].latency.during.value_at_quantile(q) as f64 / 1e3;
    let check =
        |what, q| Check { what, live: at(trace, q), expected: at(&simulated, q), allowed: 0.05, unit: "ms" };
    vec![check("stall of 2 s: median while it lasts", 0.5), check("stall of 2 s: p99 while it lasts", 0.99)]
}
