//! Caches in the simulation, in front of every kind of store: the books balance, and the store behind one is found and named.
use lab::{
    engine::sim::sim,
    scenario::{Scenario, load},
    trace::{CacheWindow, ServerWindow, Trace},
    verdict::{Verdict, judge_sim},
};
use lab_core::time::Time;
use std::{io::Write, path::Path};

const STORES: [&str; 7] = [
    "",
    "membership: { heartbeat: { priority: high } }",
    "replication: { primary_backup: { ack: majority } }",
    "replication: chain",
    "replication: { craq: { reads: strong } }",
    "replication: { craq: {} }",
    "replication: shared_log",
];

/// Two replicas of an empty cache in front of three of a store, two kinds of clients, and the triggers given.
fn scenario(store: &str, retry: &str, triggers: &str) -> Scenario {
    let text = format!(
        "duration: 40 s\n\
         services:\n  \
         cache:\n    replicas: 2\n    workers: 4\n    service_time: 1 ms\n    \
         cache: {{ calls: store, capacity: 100, initial: empty, per_try_timeout: 300 ms{retry} }}\n  \
         store:\n    replicas: 3\n    workers: 8\n    service_time: 2 ms\n    {store}\n\
         clients:\n  \
         readers:\n    calls: cache\n    instances: 2\n    per_try_timeout: 2 s\n    \
         workload: {{ rate: 300/s, keys: {{ count: 1000, popularity: {{ zipf: 0.9 }} }} }}\n  \
         writers:\n    calls: cache\n    per_try_timeout: 2 s\n    \
         workload: {{ rate: 100/s, mix: {{ read: 20 %, write: 80 % }}, keys: {{ count: 50 }} }}\n\
         triggers: {triggers}\n"
    );
    let mut file = tempfile::Builder::new().suffix(".yaml").tempfile().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    load(file.path(), &[]).unwrap_or_else(|errors| panic!("{errors}")).baseline
}

fn found(trace: &Trace) -> CacheWindow {
    let mut sum = CacheWindow::default();
    trace.caches[0].windows.iter().for_each(|window| sum += *window);
    sum
}

fn count(trace: &Trace, service: &str, of: fn(&ServerWindow) -> u64) -> u64 {
    let replicas = trace.servers.iter().filter(|replica| replica.service == service);
    replicas.flat_map(|replica| &replica.windows).map(of).sum()
}

/// Every read is a hit or a miss; every miss and every write is one attempt at the store, be it redirected or not; and every
/// fill populates its key. What is under way at the end is not over.
#[test]
fn the_books_balance_in_front_of_every_store() {
    for store in STORES {
        let trace = sim(&scenario(store, "", "{}"), 1);
        let all = found(&trace);
        let writes = count(&trace, "cache", |w| w.arrived) - all.hits - all.misses;
        let at_store = count(&trace, "store", |w| w.arrived - w.redirected);
        assert!(all.hits > 2000 && all.misses > 2000 && writes > 2000, "{store}: {all:?}, {writes} writes");
        assert_eq!(all.misses, all.fills, "{store}");
        let sent = all.fills + writes;
        assert!(at_store <= sent && sent < at_store + 20, "{store}: {sent} sent, {at_store} came");
        assert!(all.populated <= all.fills && all.fills < all.populated + 20, "{store}: {all:?}");
        let sum = trace.client_total(Time::ZERO, trace.end);
        assert!(sum.good <= sum.offered && sum.offered < sum.good + 20, "{store}: {sum:?}");
    }
}

/// While replica 0 is down, the caches find who is in charge in its stead; where nobody tells them, they go on asking it.
#[test]
fn caches_find_their_way_around_a_dead_replica() {
    let retry = ", retry: { max_attempts: 3, retry_on: [timeout, reset, rejected] }";
    let crash = "{ it: { at: 10 s, for: 15 s, do: { crash: { service: store, replicas: [0] } } } }";
    for store in &STORES[1..] {
        let scenario = scenario(store, retry, crash);
        let trace = sim(&scenario, 1);
        let share = |from: u64, until: u64| {
            let sum = trace.client_total(Time(from * 1_000_000_000), Time(until * 1_000_000_000));
            sum.good as f64 / sum.offered as f64
        };
        let (without, with) = (share(17, 25), share(30, 40));
        assert!(without > 0.99 && with > 0.99, "{store}: {without} while it is down, {with} after");
        let again = sim(&scenario, 1);
        assert_eq!((&again.caches, &again.events), (&trace.caches, &trace.events), "{store}");
    }
    let failing = |store: &str| {
        let trace = sim(&scenario(store, "", crash), 1);
        let sum = trace.client_total(Time(17_000_000_000), Time(25_000_000_000));
        sum.failed as f64 / sum.offered as f64
    };
    let (blind, told) = (failing(STORES[0]), failing(STORES[1]));
    assert!(blind > 0.1 && told < 0.01, "{blind} fail without health checks, {told} with them");
}

/// The bottleneck of a flushed cache is the store, and the sentence says so.
#[test]
fn the_verdict_names_the_store_behind_a_cache() {
    let configs = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("configs");
    let scenario = load(&configs.join("cache-flush.yaml"), &[]).unwrap_or_else(|e| panic!("{e}")).baseline;
    let judgement = judge_sim(&scenario, &sim(&scenario, 1));
    assert!(matches!(judgement.verdict, Verdict::Metastable { spontaneous: false }), "{judgement:?}");
    let reason = judgement.reason;
    assert!(reason.contains(" at `store`, whose capacity is 200/s"), "{reason}");
}

/// Writes pass every cache: where they alone are beyond the store's capacity, it is overloaded, and misses alone are no proof.
#[test]
fn writes_that_no_cache_holds_back_can_overload_the_store() {
    let judged = |write: &str| {
        let change = format!("services.store.service_time={write}");
        let configs = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("configs");
        let set = [
            "workload.mix={ read: 70 %, write: 30 % }".to_owned(),
            "triggers={}".to_owned(),
            "duration=60 s".to_owned(),
            change,
        ];
        let plan = load(&configs.join("cache-flush.yaml"), &set).unwrap_or_else(|e| panic!("{e}"));
        judge_sim(&plan.baseline, &sim(&plan.baseline, 1))
    };
    let beyond = judged("20 ms");
    assert_eq!(beyond.verdict, Verdict::Overloaded, "{}", beyond.reason);
    assert!(beyond.reason.contains("`store`"), "{}", beyond.reason);
    let within = judged("4 ms");
    assert_eq!(within.verdict, Verdict::Unaffected, "{}", within.reason);
}
