//! A cache in the live engine: a process between the clients and a store, which calls that itself.
#![cfg(feature = "live")]
mod processes;

use lab::{
    engine::{
        live::{LiveOptions, LiveRun, Steps, live, replay},
        sim::sim,
    },
    scenario::{CacheService, Scenario, sample},
    trace::{CacheWindow, Trace},
};
use lab_core::{
    balance::Balance,
    cache::{CachePolicy, Fill, FillTimeout, Flush, Initial, OnWrite},
    call::{Outcome, OutcomeSet},
    client::ClientPolicy,
    demand::Demand,
    keys::{Operations, Popularity},
    replicate::{Ack, Mode, Reads},
    retry::Retry,
    server::Cancel,
    time::{Span, Time},
    timeline::{Disturbance, Effect, Replicas, Role},
};
use processes::kill_the_parent;
use std::{path::Path, sync::atomic::AtomicBool};

const STORE: usize = 0;
const CACHE: usize = 1;

/// A warm cache with room for all keys in front of a store of one replica, under light load: 200 calls/s, 2,000 keys.
fn cached(seconds: u64) -> Scenario {
    let mut scenario = sample::queueing(200.0, 8, Span::from_millis(5), Span::from_secs(seconds));
    let mut cache = scenario.services[STORE].clone();
    cache.name = "cache".into();
    cache.policy.service_time = Demand::Constant(Span(500_000));
    cache.cache = Some(CacheService {
        calls: STORE,
        policy: CachePolicy {
            server: cache.policy.clone(),
            store: ClientPolicy {
                per_try_timeout: Span::FOREVER,
                deadline: Span::FOREVER,
                hedge: None,
                retry: Retry::none(),
                balance: Balance::RoundRobin,
            },
            capacity: 10_000,
            ttl: Span::FOREVER,
            initial: Initial::Warm,
            fill: Fill::LookAside,
            fill_timeout: FillTimeout::Requester,
            single_flight: false,
            lease: None,
            on_write: OnWrite::Invalidate,
        },
    });
    scenario.services.push(cache);
    let client = &mut scenario.clients[0];
    client.service = CACHE;
    client.operations =
        Operations { read_share: 1.0, keys: 2000, popularity: Popularity::Zipf { exponent: 0.99 } };
    client.policy.per_try_timeout = Span::from_millis(400);
    scenario.network_delay = Demand::Constant(Span(100_000));
    scenario
}

/// What a part of the cache's policy is to be.
fn policy(scenario: &mut Scenario) -> &mut CachePolicy {
    &mut scenario.services[CACHE].cache.as_mut().unwrap().policy
}

fn during(from_ms: u64, until_ms: u64, effect: Effect) -> Disturbance {
    let at = |ms: u64| Time(ms * 1_000_000);
    Disturbance { name: "it".into(), role: Role::Trigger, from: at(from_ms), until: at(until_ms), effect }
}

fn replica(service: usize, which: u32) -> Replicas {
    Replicas { service, which: vec![which] }
}

fn flush(at_ms: u64) -> Disturbance {
    during(at_ms, at_ms + 100, Effect::CacheFlush { service: CACHE, keys: Flush::All })
}

fn run(scenario: &Scenario, record: bool) -> LiveRun {
    let executable = Some(Path::new(env!("CARGO_BIN_EXE_lab")));
    let options = LiveOptions { executable, record, ..LiveOptions::default() };
    live(scenario, 1, &options).unwrap_or_else(|error| panic!("{error}"))
}

fn found(trace: &Trace, seconds: std::ops::Range<usize>) -> CacheWindow {
    let mut sum = CacheWindow::default();
    trace.caches[0].windows[seconds].iter().for_each(|window| sum += *window);
    sum
}

/// Attempts that came to a service.
fn arrived(trace: &Trace, service: &str) -> u64 {
    let replicas = trace.servers.iter().filter(|replica| replica.service == service);
    replicas.flat_map(|replica| &replica.windows).map(|window| window.arrived).sum()
}

/// Before the flush all is found; after it what was not asked for since is not. Every miss is a fill, every fill is an attempt
/// at the store, and every answer in time fills a key. The simulation finds the same.
#[test]
fn a_flushed_cache_fills_again_as_in_the_simulation() {
    let mut scenario = cached(6);
    scenario.disturbances = vec![flush(2000)];
    let LiveRun { trace, fitness, .. } = run(&scenario, false);
    let simulated = sim(&scenario, 1);
    let (before, after, all) = (found(&trace, 0..2), found(&trace, 2..6), found(&trace, 0..6));
    assert!(before.hits > 300 && before.misses == 0 && before.fills == 0, "{before:?}");
    assert!(trace.caches[0].windows[1].keys == 2000, "{:?}", trace.caches[0].windows);
    assert!(after.misses > 200 && after.hits > 100, "{after:?}");

    // What is asked at the end may not have been looked up, or answered, by then.
    let sum = trace.client_total(Time::ZERO, trace.end);
    let looked_up = all.hits + all.misses;
    let asked = arrived(&trace, "cache");
    assert!(looked_up <= asked && asked <= sum.attempts && sum.attempts < looked_up + 50, "{all:?} {sum:?}");
    let at_store = arrived(&trace, "store");
    assert_eq!(all.fills, all.misses);
    assert!(at_store <= all.fills && all.fills < at_store + 50, "{at_store} came of {all:?}");
    assert!(all.populated <= at_store && at_store < all.populated + 50, "{at_store} came of {all:?}");
    assert!(sum.good <= sum.offered && sum.offered < sum.good + 50, "{sum:?}");
    assert_eq!((fitness.scheduled, fitness.unconnected), (sum.attempts, 0));
    // Two fills of a key may be under way at one time: then it is put there twice.
    let keys = trace.caches[0].windows[5].keys;
    assert!(keys <= after.populated && keys * 10 > after.populated * 9, "{keys} {after:?}");

    // The same calls ask for the same keys; only those that cross a fill in time may find otherwise.
    for second in 0..6 {
        let (live, sim) = (found(&trace, second..second + 1), found(&simulated, second..second + 1));
        assert!(live.hits.abs_diff(sim.hits) <= 20, "second {second}: live {live:?}, simulated {sim:?}");
    }
    let sim = found(&simulated, 2..6);
    assert!(after.hits.abs_diff(sim.hits) * 20 <= sim.hits, "live {after:?}, simulated {sim:?}");
}

/// An answer that comes when its requester has given up fills nothing, and the store is told of the hang-up if it listens.
#[test]
fn late_answers_fill_nothing_and_given_up_fills_are_hung_up() {
    let mut scenario = cached(4);
    policy(&mut scenario).initial = Initial::Empty;
    scenario.clients[0].policy.per_try_timeout = Span::from_millis(100);
    scenario.services[STORE].policy.cancel = Cancel::OnDisconnect;
    scenario.services[STORE].policy.service_time = Demand::Constant(Span::from_millis(300));
    scenario.services[STORE].policy.workers = 100;
    let trace = run(&scenario, false).trace;
    let all = found(&trace, 0..4);
    assert!(all.fills > 500 && all.populated == 0 && all.keys == 0 && all.hits == 0, "{all:?}");
    let store = trace.servers.iter().find(|replica| replica.service == "store").unwrap();
    let dropped: u64 = store.windows.iter().map(|w| w.dropped).sum();
    let completed: u64 = store.windows.iter().map(|w| w.completed).sum();
    assert!(dropped * 10 > all.fills * 8 && completed == 0, "{dropped} dropped, {completed} done: {all:?}");
}

/// The cache is flushed, stopped, slowed down and killed, and its store is killed: every step of every machine replays.
#[test]
fn every_step_of_a_disturbed_cache_replays() {
    let mut scenario = cached(6);
    scenario.services[CACHE].replicas = 2;
    policy(&mut scenario).store.retry = Retry {
        max_attempts: 2,
        retry_on: OutcomeSet::of(&[Outcome::Timeout, Outcome::Reset]),
        ..Retry::none()
    };
    scenario.clients[0].operations.read_share = 0.9;
    scenario.disturbances = vec![
        flush(800),
        during(1200, 1700, Effect::Pause { replicas: replica(CACHE, 0) }),
        during(2000, 3000, Effect::SlowDown { replicas: replica(CACHE, 1), factor: 3.0 }),
        during(2500, 3500, Effect::Crash { replicas: replica(CACHE, 1) }),
        during(4000, 4500, Effect::Crash { replicas: replica(STORE, 0) }),
    ];
    let LiveRun { trace, recording, .. } = run(&scenario, true);
    let recording = recording.expect("it was asked for");
    let differences = replay(&recording);
    assert_eq!(differences.differing, 0, "{differences:?}");
    let of_caches: Vec<usize> = recording
        .lives
        .iter()
        .filter_map(|life| match &life.steps {
            Steps::Cache { steps, .. } => Some(steps.len()),
            _ => None,
        })
        .collect();
    assert!(of_caches.len() == 3 && of_caches.iter().all(|steps| *steps > 100), "{of_caches:?}");
    assert_eq!(recording.lives.len(), 5, "a cache and the store lived twice");
    // A cache that comes back holds nothing, warm as it began.
    let keys: Vec<u64> = trace.caches[0].windows.iter().map(|window| window.keys).collect();
    assert!(keys[3] < 2000 && keys[0] < 2000, "{keys:?}");
    let ended = trace.client_total(Time(3_000_000_000), Time(3_500_000_000 + 500_000_000)).ended;
    assert!(ended[Outcome::Reset as usize] > 10, "a killed cache refuses: {ended:?}");
    let failed = trace.client_total(Time(4_000_000_000), Time(5_000_000_000)).ended;
    assert!(failed[Outcome::Error as usize] > 10, "a cache without its store says so: {failed:?}");
}

/// The cache's client follows the leader: the primary is killed, and misses are answered by the next one.
#[test]
fn a_cache_finds_the_leader_of_a_replicated_store() {
    let mut scenario = cached(7);
    policy(&mut scenario).initial = Initial::Empty;
    policy(&mut scenario).store = ClientPolicy {
        per_try_timeout: Span::from_millis(150),
        retry: Retry {
            max_attempts: 3,
            retry_on: OutcomeSet::of(&[Outcome::Timeout, Outcome::Reset, Outcome::Rejected]),
            ..Retry::none()
        },
        ..policy(&mut scenario).store.clone()
    };
    let client = &mut scenario.clients[0];
    client.operations = Operations { read_share: 0.5, keys: 5000, popularity: Popularity::Uniform };
    let store = &mut scenario.services[STORE];
    store.policy.service_time = Demand::Constant(Span::from_millis(1));
    sample::replicate(store, Mode::PrimaryBackup { ack: Ack::Majority, reads: Reads::Leader });
    scenario.disturbances = vec![during(2000, 4500, Effect::Crash { replicas: replica(STORE, 0) })];
    let simulated = sim(&scenario, 1);
    let LiveRun { trace, recording, .. } = run(&scenario, true);
    assert_eq!(replay(&recording.expect("it was asked for")).differing, 0);
    for (engine, trace) in [("simulated", &simulated), ("live", &trace)] {
        let good = |from: u64, until: u64| {
            let sum = trace.client_total(Time(from * 1_000_000_000), Time(until * 1_000_000_000));
            (sum.good, sum.offered)
        };
        let (before, deposed, end) = (good(0, 2), good(3, 4), good(5, 7));
        for (good, offered) in [before, deposed, end] {
            assert!(offered > 100 && good * 10 > offered * 9, "{engine}: {before:?} {deposed:?} {end:?}");
        }
        let completed = |replica: usize, second: usize| trace.servers[replica].windows[second].completed;
        // What a process did in the window in which it is killed, it cannot tell.
        let (first, second) = (completed(0, 0), completed(1, 3));
        assert!(first > 50 && second > 50 && completed(0, 3) == 0, "{engine}: {first} {second}");
        assert!(trace.groups[0].windows[3].view >= 2, "{engine}: {:?}", trace.groups);
    }
}

/// Fills that outlive their requesters hold a connection each: a run that could have more than a process may open is refused.
#[test]
fn more_fills_than_a_process_may_have_connections_are_refused() {
    let mut scenario = cached(20 * 3600);
    policy(&mut scenario).fill_timeout = FillTimeout::After(Span::FOREVER);
    scenario.disturbances = vec![flush(800)];
    let executable = Some(Path::new(env!("CARGO_BIN_EXE_lab")));
    let at_once = AtomicBool::new(true);
    let options = LiveOptions { executable, interrupted: Some(&at_once), ..LiveOptions::default() };
    match live(&scenario, 1, &options) {
        Ok(run) => assert!(run.fitness.descriptors >= 14_400_080, "{:?}", run.fitness),
        Err(refused) => {
            let message = refused.to_string();
            assert!(message.contains("cache `cache` could have up to 14400080 requests"), "{message}");
        }
    }
}

/// Not a test of its own: what the next test kills.
#[test]
#[ignore = "runs for a minute, to be killed by another test"]
fn a_long_run_of_a_cache() {
    let mut scenario = cached(60);
    scenario.disturbances = vec![during(200, 50_000, Effect::Pause { replicas: replica(CACHE, 0) })];
    run(&scenario, false);
}

#[test]
fn a_stopped_cache_and_its_store_die_with_their_parent() {
    let children = kill_the_parent("a_long_run_of_a_cache");
    assert_eq!(children.len(), 2, "cache and store {children:?}");
}
