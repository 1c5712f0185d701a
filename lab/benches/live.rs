//! What the live engine is worth on this machine: `cargo bench -p metastable-lab --bench live [stations] [lateness] [collapse] [storm]`.
#[cfg(not(feature = "live"))]
fn main() {}

#[cfg(feature = "live")]
fn main() {
    live::main();
}

#[cfg(feature = "live")]
mod live {
    use lab::{
        engine::{
            live::{LiveOptions, LiveRun, live},
            sim::sim,
        },
        scenario::{Scenario, sample},
        trace::Trace,
    };
    use lab_core::{
        balance::Balance,
        call::{Outcome, OutcomeSet},
        demand::Demand,
        draw::{Draw, Stream},
        retry::{Backoff, Jitter},
        time::{Span, Time},
        timeline::{Disturbance, Effect, Role},
    };
    use std::path::Path;

    pub(super) fn main() {
        let asked: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
        type Part = (&'static str, fn());
        let parts: [Part; 4] =
            [("stations", stations), ("lateness", lateness), ("collapse", collapse), ("storm", storm)];
        for (name, part) in parts {
            if asked.is_empty() || asked.iter().any(|a| a == name) {
                println!("## {name}");
                part();
            }
        }
    }

    fn run(scenario: &Scenario) -> Option<LiveRun> {
        let executable = Some(Path::new(env!("CARGO_BIN_EXE_lab")));
        match live(scenario, 1, &LiveOptions { executable, ..LiveOptions::default() }) {
            Ok(run) => Some(run),
            Err(error) => {
                println!("  {error}");
                None
            }
        }
    }

    fn secs(s: u64) -> Time {
        Time::ZERO + Span::from_secs(s)
    }

    /// A saturated station against what the drawn demands allow its workers.
    fn stations() {
        println!("workers  service  load  completed  possible  error");
        for (workers, ms) in [(4, 1.0), (8, 5.0), (64, 20.0)] {
            let service = Span::from_secs_f64(ms / 1e3);
            let rate = 1.3 * f64::from(workers) / service.as_secs_f64();
            let scenario = sample::queueing(rate, workers, service, Span::from_secs(10));
            let Some(LiveRun { trace, fitness, .. }) = run(&scenario) else { continue };
            let completed: u64 = trace.servers[0].windows.iter().map(|w| w.completed).sum();
            let possible = possible(&scenario);
            let error = (completed as f64 / possible as f64 - 1.0) * 100.0;
            println!(
                "{workers:>7}  {ms:>4} ms  1.3   {completed:>9}  {possible:>8}  {error:+.2} %   (timer p99 {:.0} us)",
                fitness.station_p99_us
            );
        }
    }

    /// Jobs that a first-in-first-out station without any overhead ends within the run.
    fn possible(scenario: &Scenario) -> u64 {
        let draw = Draw { seed: 1 };
        let mut schedule = scenario.arrivals(0, draw);
        let policy = &scenario.services[0].policy;
        let mut free = vec![0.0; policy.workers as usize];
        let mut ended = 0;
        loop {
            let arrival = schedule.pop();
            if arrival.at >= scenario.end() {
                return ended;
            }
            let held = policy.service_time.draw(Stream::Demand, arrival.call, 0, draw).as_secs_f64();
            let worker = free.iter_mut().min_by(|a, b| f64::total_cmp(a, b)).expect("a worker");
            *worker = f64::max(*worker, arrival.at.as_secs_f64()) + held;
            ended += u64::from(*worker <= scenario.end().as_secs_f64());
        }
    }

    /// Healthy load at growing rates: three replicas with little to do.
    fn lateness() {
        println!(
            "calls/s   good/s   send p50/p99/max us   timer p99   station p99   added ms p50   carries  connections"
        );
        for rate in [1000.0, 5000.0, 10_000.0, 15_000.0, 20_000.0, 25_000.0] {
            let mut scenario = sample::queueing(rate, 64, Span::from_millis(2), Span::from_secs(6));
            scenario.services[0].replicas = 3;
            scenario.services[0].policy.service_time = Demand::Constant(Span::from_millis(2));
            let Some(LiveRun { trace, fitness: f, .. }) = run(&scenario) else { continue };
            let good = trace.client_total(secs(1), secs(5)).good as f64 / 4.0;
            let p50 = trace.clients[0].latency.before.value_at_quantile(0.5) as f64 / 1e3 - 2.0;
            println!(
                "{rate:>7}  {good:>7.0}   {:>5.0} {:>6.0} {:>6.0}   {:>9.0}  {:>10.0}   {p50:>8.3}   {:>8.0}  {:>8}  {}",
                f.lateness_p50_us,
                f.lateness_p99_us,
                f.lateness_max_us,
                f.timer_p99_us,
                f.station_p99_us,
                f.carries_per_s,
                f.connections_max,
                if f.fit { "fit" } else { "UNFIT" },
            );
        }
    }

    /// Nothing is answered in time: attempts time out, connections are closed, new ones are made.
    fn collapse() {
        println!("attempts/s wanted   sent/s   send p50/p99/max us   station p99   connections");
        for rate in [500.0, 1000.0, 1500.0, 2000.0, 2500.0, 3000.0] {
            let mut scenario = storm_scenario();
            scenario.duration = Span::from_secs(12);
            scenario.disturbances.clear();
            scenario.clients[0].load.stages[0].rate = rate;
            scenario.clients[0].load.stages[0].end_rate = rate;
            scenario.clients[0].policy.per_try_timeout = Span::from_millis(500);
            scenario.services[0].policy.service_time = Demand::Constant(Span::from_secs(1));
            let Some(LiveRun { trace, fitness: f, .. }) = run(&scenario) else { continue };
            let sent = trace.client_total(secs(6), secs(12)).attempts as f64 / 6.0;
            println!(
                "{:>17}  {sent:>7.0}   {:>5.0} {:>6.0} {:>6.0}   {:>11.0}  {:>8}  {}",
                rate * 4.0,
                f.lateness_p50_us,
                f.lateness_p99_us,
                f.lateness_max_us,
                f.station_p99_us,
                f.connections_max,
                if f.fit { "fit".into() } else { format!("UNFIT {:?}", f.reasons) },
            );
        }
    }

    fn storm_scenario() -> Scenario {
        let mut scenario = sample::queueing(560.0, 8, Span::from_millis(30), Span::from_secs(120));
        scenario.services[0].replicas = 3;
        scenario.warmup = Span::from_secs(10);
        let client = &mut scenario.clients[0].policy;
        client.balance = Balance::RoundRobin;
        client.per_try_timeout = Span::from_secs(1);
        client.retry.max_attempts = 4;
        client.retry.retry_on = OutcomeSet::of(&[Outcome::Timeout, Outcome::Rejected, Outcome::Reset]);
        client.retry.backoff = Backoff {
            initial: Span::from_millis(50),
            initial_after_rejection: Span::from_millis(50),
            multiplier: 1.0,
            max: Span::from_secs(1),
            jitter: Jitter::None,
        };
        scenario.disturbances = vec![Disturbance {
            name: "spike".into(),
            role: Role::Trigger,
            from: secs(40),
            until: secs(50),
            effect: Effect::LoadSpike { clients: vec![0], factor: 2.0 },
        }];
        scenario
    }

    /// The retry storm, live beside simulated.
    fn storm() {
        let scenario = storm_scenario();
        let simulated = sim(&scenario, 1);
        let Some(LiveRun { trace, fitness, .. }) = run(&scenario) else { return };
        println!("{:<34} {:>10} {:>10}", "", "sim", "live");
        let row = |name: &str, of: &dyn Fn(&Trace) -> f64| {
            println!("{name:<34} {:>10.3} {:>10.3}", of(&simulated), of(&trace));
        };
        let good = |from, until| {
            move |t: &Trace| t.client_total(secs(from), secs(until)).good as f64 / (until - from) as f64
        };
        row("goodput before, 1/s", &good(10, 40));
        row("goodput during", &good(40, 50));
        row("goodput after (60 to 120 s)", &good(60, 120));
        row("amplification, last 20 s", &|t| t.client_total(secs(100), secs(120)).amplification());
        let before = |q: f64| move |t: &Trace| t.clients[0].latency.before.value_at_quantile(q) as f64 / 1e3;
        row("p50 before, ms", &before(0.5));
        row("p99 before, ms", &before(0.99));
        let completed = |t: &Trace| {
            let windows = t.servers.iter().flat_map(|s| &s.windows[60..120]);
            windows.map(|w| w.completed).sum::<u64>() as f64 / 60.0
        };
        row("completed, 60 to 120 s, 1/s", &completed);
        let busy = |t: &Trace| {
            let windows = t.servers.iter().flat_map(|s| &s.windows[60..120]);
            windows.map(|w| w.busy).sum::<f64>() / 60.0
        };
        row("workers busy, 60 to 120 s, of 24", &busy);
        let held = |t: &Trace| {
            let windows = t.servers.iter().flat_map(|s| &s.windows[60..120]);
            windows.map(|w| w.held_ns as f64 / 1e9).sum::<f64>() / 60.0
        };
        row("worker seconds a second", &held);
        println!("{fitness:#?}");
    }
}
