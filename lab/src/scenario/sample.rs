//! Scenarios built in code, for tests and benchmarks that vary what no config should.
use super::{ClientGroup, Healthy, Replication, Scenario, Service};
use lab_core::{
    arrival::{Load, Process, Stage},
    balance::Balance,
    client::ClientPolicy,
    demand::Demand,
    keys::{Operations, Popularity},
    queue::Discipline,
    replicate::{
        Mode,
        member::{Membership, Transfer},
    },
    retry::Retry,
    server::{Cancel, DemandPer, ServerPolicy},
    time::{Span, Time},
};

/// One client group `web` that sends `rate` Poisson calls a second to one service `store` of one replica with `workers`
/// workers, exponential service of mean `service` and an unbounded FIFO queue. No timeout, no retry, no trigger; windows
/// of a second, no warm-up, healthy at 99 % over 10 s.
pub fn queueing(rate: f64, workers: u32, service: Span, duration: Span) -> Scenario {
    let stage = Stage { from: Time::ZERO, until: Time::NEVER, rate, end_rate: rate };
    Scenario {
        name: "sample".into(),
        title: "A queue".into(),
        source: String::new(),
        duration,
        warmup: Span::ZERO,
        window: Span::from_secs(1),
        seed: 1,
        replications: 1,
        services: vec![Service {
            name: "store".into(),
            replicas: 1,
            policy: ServerPolicy {
                workers,
                discipline: Discipline::Fifo,
                capacity: usize::MAX,
                service_time: Demand::Exponential { mean: service },
                demand_per: DemandPer::Call,
                cancel: Cancel::Never,
                rejection_cost: Span::ZERO,
                error_service_time: None,
            },
            replication: None,
            membership: None,
            cache: None,
        }],
        clients: vec![ClientGroup {
            name: "web".into(),
            service: 0,
            instances: 1,
            policy: ClientPolicy {
                per_try_timeout: Span::FOREVER,
                deadline: Span::FOREVER,
                retry: Retry::none(),
                hedge: None,
                balance: Balance::RoundRobin,
            },
            load: Load { process: Process::Poisson, stages: vec![stage], share: (0.0, 1.0), surges: vec![] },
            operations: Operations { read_share: 1.0, keys: 1, popularity: Popularity::Uniform },
        }],
        network_delay: Demand::Constant(Span::ZERO),
        healthy: Healthy { good: 0.99, over: Span::from_secs(10), latency: Span::FOREVER },
        disturbances: vec![],
    }
}

/// Makes `service` a store of three replicas that recognise retried writes, with heartbeats every 100 ms that pass the work and
/// 600 ms until a silent member is out. Applying a write takes half a millisecond, and a part of the store one.
pub fn replicate(service: &mut Service, mode: Mode) {
    service.replicas = 3;
    service.replication = Some(Replication {
        mode,
        apply_time: Demand::Constant(Span(500_000)),
        transfer_time: Demand::Constant(Span::from_millis(1)),
        deduplicate: true,
    });
    service.membership = Some(Membership {
        heartbeat: Span::from_millis(100),
        priority: true,
        timeout: Span::from_millis(600),
        lease: Span::from_millis(500),
        admit_after: Span::from_millis(300),
        takeover: Span::ZERO,
        max_ejected: 0.67,
        panic_below: 0.0,
        transfer: Transfer { part: 100, pause: Span::from_millis(2) },
    });
}
