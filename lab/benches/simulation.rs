//! How fast the simulation is: one core, from the YAML, with full metrics in windows of a second.
//! `cargo bench --bench simulation`, or with a part of a case's name to run only that.
//!
//! The yardstick is `configs/yardstick-healthy.yaml` and `configs/yardstick-storm.yaml`, run until a million calls are over:
//! M/M/4, 200 waiting places, mean service 0.1 s, Poisson 24/s, 1 s timeout per attempt, up to 4 attempts, backoff
//! U(0, 0.1·2^k) s; in the storm, arrivals ×10 in [60, 70) s. The fleets show that an event costs much the same with
//! four servers and with four thousand. The stores are three replicas under 90 % reads; an event there is a timer or a message.
use lab::{
    engine::sim::sim_counted,
    scenario::{Replication, Scenario, load, sample::queueing},
};
use lab_core::{
    balance::Balance,
    demand::Demand,
    keys::{Operations, Popularity},
    replicate::{
        Ack, Freshness, Mode, Reads,
        member::{Membership, Transfer},
    },
    time::{Span, Time},
};
use std::path::Path;

fn main() {
    let only = std::env::args().nth(1).filter(|a| !a.starts_with('-')).unwrap_or_default();
    let cases: [(&str, Scenario); 9] = [
        ("healthy", yardstick("healthy")),
        ("storm", yardstick("storm")),
        ("fleet of 4", fleet(4, Span::from_secs(100_000))),
        ("fleet of 400", fleet(400, Span::from_secs(1000))),
        ("fleet of 4000", fleet(4000, Span::from_secs(100))),
        ("primary/backup", store(Mode::PrimaryBackup { ack: Ack::Majority, reads: Reads::Leader })),
        ("chain", store(Mode::Chain)),
        ("craq", store(Mode::Craq { reads: Freshness::Strong })),
        ("shared log", store(Mode::SharedLog)),
    ];
    println!(
        "{:<15} {:>9} {:>9} {:>14} {:>9} {:>15}",
        "case", "calls", "attempts", "best M calls/s", "ns/call", "best M events/s"
    );
    for (name, scenario) in cases.iter().filter(|(name, _)| name.contains(&only)) {
        let mut best = f64::INFINITY;
        let mut total = None;
        for _ in 0..5 {
            #[expect(clippy::disallowed_methods, reason = "a benchmark is what reads the clock")]
            let began = std::time::Instant::now();
            let (trace, events) = sim_counted(scenario, 1);
            best = best.min(began.elapsed().as_secs_f64());
            total = Some((trace.client_total(Time::ZERO, scenario.end()), events));
        }
        let Some((total, events)) = total else { continue };
        let over = (total.good + total.slow + total.failed) as f64;
        println!(
            "{name:<15} {over:>9} {:>9} {:>14.2} {:>9.0} {:>15.2}",
            total.attempts,
            over / best / 1e6,
            best * 1e9 / over,
            events as f64 / best / 1e6
        );
    }
}

/// A yardstick config, long enough for a million calls.
fn yardstick(which: &str) -> Scenario {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../configs/yardstick-{which}.yaml"));
    match load(&file, &["duration=41667 s".into()]) {
        Ok(plan) => plan.baseline,
        Err(errors) => panic!("{errors}"),
    }
}

/// `replicas` servers of one worker each, loaded to 60 %: the cost of an event must not grow with the fleet.
fn fleet(replicas: u32, duration: Span) -> Scenario {
    let mut scenario = queueing(6.0 * f64::from(replicas), 1, Span::from_millis(100), duration);
    scenario.services[0].replicas = replicas;
    scenario.clients[0].policy.balance = Balance::PowerOfTwo;
    scenario.clients[0].policy.per_try_timeout = Span::from_secs(1);
    scenario
}

/// A store of three replicas, loaded to about half of what its busiest replica can do.
fn store(mode: Mode) -> Scenario {
    let mut scenario = queueing(1000.0, 8, Span::from_millis(4), Span::from_secs(300));
    scenario.network_delay = Demand::Constant(Span::from_millis(1) * 0.1);
    scenario.services[0].replicas = 3;
    scenario.services[0].replication = Some(Replication {
        mode,
        apply_time: Demand::Exponential { mean: Span::from_millis(2) },
        transfer_time: Demand::Exponential { mean: Span::from_millis(2) },
        deduplicate: false,
    });
    scenario.services[0].membership = Some(Membership {
        heartbeat: Span::from_millis(100),
        priority: true,
        timeout: Span::from_secs(1),
        lease: Span::from_secs(1),
        admit_after: Span::from_secs(1),
        takeover: Span::ZERO,
        max_ejected: 1.0,
        panic_below: 0.0,
        transfer: Transfer { part: 100, pause: Span::from_millis(10) },
    });
    scenario.clients[0].policy.per_try_timeout = Span::from_secs(1);
    scenario.clients[0].operations =
        Operations { read_share: 0.9, keys: 10_000, popularity: Popularity::Zipf { exponent: 0.99 } };
    scenario
}
