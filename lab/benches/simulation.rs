//! How fast the simulation is, one core, with full metrics in windows of a second. `cargo bench --bench simulation`.
//!
//! The yardstick: M/M/4, 200 waiting places, mean service 0.1 s, Poisson 24/s, 1 s timeout per attempt, up to 4 attempts,
//! backoff U(0, 0.1·2^k) s. *Healthy*: nothing else. *Storm*: arrivals ×10 in [60, 70) s, and it never comes back.
use lab::{
    engine::sim::sim,
    scenario::{Scenario, sample::queueing},
};
use lab_core::{
    balance::Balance,
    budget::Budget,
    call::{Outcome, OutcomeSet},
    retry::{Backoff, Jitter, Retry},
    time::{Span, Time},
    timeline::{Disturbance, Effect, Role},
};

fn main() {
    let only = std::env::args().nth(1).filter(|a| !a.starts_with('-')).unwrap_or_default();
    let million = Span::from_secs(1_000_000 / 24);
    let cases: [(&str, Scenario); 5] = [
        ("healthy", yardstick(million)),
        ("storm", storm(million)),
        ("fleet of 4", fleet(4, Span::from_secs(100_000))),
        ("fleet of 400", fleet(400, Span::from_secs(1000))),
        ("fleet of 4000", fleet(4000, Span::from_secs(100))),
    ];
    println!("{:<15} {:>9} {:>12} {:>12} {:>9}", "case", "calls", "attempts", "best M/s", "ns/call");
    for (name, scenario) in cases.iter().filter(|(name, _)| name.contains(&only)) {
        let mut best = f64::INFINITY;
        let mut total = None;
        for _ in 0..5 {
            #[expect(clippy::disallowed_methods, reason = "a benchmark is what reads the clock")]
            let began = std::time::Instant::now();
            let trace = sim(scenario, 1);
            best = best.min(began.elapsed().as_secs_f64());
            total = Some(trace.client_total(Time::ZERO, scenario.end()));
        }
        let Some(total) = total else { continue };
        let over = (total.good + total.slow + total.failed) as f64;
        println!(
            "{name:<15} {over:>9} {:>12} {:>12.2} {:>9.0}",
            total.attempts,
            over / best / 1e6,
            best * 1e9 / over
        );
    }
}

fn yardstick(duration: Span) -> Scenario {
    let mut scenario = queueing(24.0, 4, Span::from_millis(100), duration);
    scenario.services[0].policy.capacity = 200;
    let policy = &mut scenario.clients[0].policy;
    policy.per_try_timeout = Span::from_secs(1);
    let initial = Span::from_millis(100);
    policy.retry = Retry {
        max_attempts: 4,
        retry_on: OutcomeSet::of(&[Outcome::Timeout, Outcome::Rejected]),
        backoff: Backoff {
            initial,
            initial_after_rejection: initial,
            multiplier: 2.0,
            max: Span::from_secs(10),
            jitter: Jitter::Full,
        },
        budget: Budget::None,
    };
    scenario
}

fn storm(duration: Span) -> Scenario {
    let mut scenario = yardstick(duration);
    scenario.disturbances.push(Disturbance {
        name: "spike".into(),
        role: Role::Trigger,
        from: Time::from_secs_f64(60.0),
        until: Time::from_secs_f64(70.0),
        effect: Effect::LoadSpike { clients: vec![0], factor: 10.0 },
    });
    scenario
}

/// `replicas` servers of one worker each, loaded to 60 %: the cost of an event must not grow with the fleet.
fn fleet(replicas: u32, duration: Span) -> Scenario {
    let mut scenario = queueing(6.0 * f64::from(replicas), 1, Span::from_millis(100), duration);
    scenario.services[0].replicas = replicas;
    scenario.clients[0].policy.balance = Balance::PowerOfTwo;
    scenario.clients[0].policy.per_try_timeout = Span::from_secs(1);
    scenario
}
