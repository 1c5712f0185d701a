//! Groups of replicas in the simulation: what their clients see is linearizable whatever goes wrong, nothing is lost that was
//! acknowledged, and the books balance.
use lab::{
    engine::sim::{sim, sim_with_history},
    scenario::{Scenario, load},
    trace::{Operation, Trace},
};
use lab_core::time::Time;
use std::{collections::BTreeMap, io::Write};

#[allow(dead_code, reason = "the checker has more to offer than this test needs")]
#[path = "../core/tests/replicate/linearizable.rs"]
mod linearizable;
#[allow(dead_code, reason = "the checker's own tests draw with it")]
#[path = "../core/tests/replicate/random.rs"]
mod random;

use linearizable::{Action, check};

/// A small group under 400 calls a second on few keys, with the triggers given.
fn scenario(replication: &str, extra: &str, triggers: &str) -> Scenario {
    let text = format!(
        "workload: {{ rate: 400/s, mix: {{ read: 60 %, write: 40 % }}, keys: {{ count: 20, popularity: {{ zipf: 0.9 }} }} }}\n\
         duration: 60 s\n\
         services:\n  store:\n    replicas: 3\n    workers: 8\n    service_time: {{ exponential: {{ mean: 5 ms }} }}\n    \
         replication: {replication}\n    membership: {{ heartbeat: {{ priority: high }} }}\n    {extra}\n\
         clients:\n  web:\n    calls: store\n    instances: 4\n    per_try_timeout: 300 ms\n    \
         retry: {{ max_attempts: 3, retry_on: [timeout, reset, rejected], backoff: {{ initial: 50 ms, max: 200 ms, jitter: full }} }}\n\
         triggers:\n{triggers}\n"
    );
    let mut file = tempfile::Builder::new().suffix(".yaml").tempfile().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    load(file.path(), &[]).unwrap_or_else(|errors| panic!("{errors}")).baseline
}

const LINEARIZABLE: [&str; 7] = [
    "{ primary_backup: { ack: majority } }",
    "{ primary_backup: { ack: majority, reads: quorum } }",
    "{ primary_backup: { ack: all } }",
    "chain",
    "{ craq: { reads: strong } }",
    "{ craq: {} }",
    "shared_log",
];

const FAULTS: [&str; 5] = [
    "  crash: { at: 15 s, for: 5 s, do: { crash: { replicas: [0] } } }",
    "  crash: { at: 15 s, for: 5 s, do: { crash: { replicas: [2] } } }",
    "  pause: { at: 15 s, for: 4 s, do: { pause: { replicas: [0] } } }",
    "  part: { at: 15 s, for: 6 s, do: { partition: { replicas: [1] } } }",
    "  roll: { at: 12 s, for: 30 s, do: { rolling_restart: { down: 3 s } } }\n  \
     manager: { at: 14 s, for: 3 s, do: manager_crash }",
];

fn flaws(history: &[Operation]) -> Vec<String> {
    let mut keys: BTreeMap<u64, Vec<linearizable::Operation>> = BTreeMap::new();
    for o in history {
        let Some(value) = o.value else { continue };
        // Events of one instant are told apart by their order in the list: an answer comes after what it answers.
        let at = |ns: u64| ns * 2;
        let action = if o.kind == "write" { Action::Write(value) } else { Action::Read(value) };
        let answered = o.completed_ns.map(|ns| at(ns) + 1);
        keys.entry(o.key).or_default().push(linearizable::Operation {
            invoked: at(o.invoked_ns),
            answered,
            action,
        });
    }
    let broken = keys.iter().filter_map(|(key, history)| Some((key, check(history).err()?)));
    broken.map(|(key, flaw)| format!("key {key}: {flaw:?}")).collect()
}

fn good_at_the_end(trace: &Trace) -> f64 {
    let end = trace.end;
    let sum = trace.client_total(Time(end.0 - 10_000_000_000), end);
    sum.good as f64 / sum.offered as f64
}

#[test]
fn histories_are_linearizable_whatever_goes_wrong() {
    for replication in LINEARIZABLE {
        for triggers in FAULTS {
            for seed in 1..=2 {
                let trace = sim_with_history(&scenario(replication, "", triggers), seed);
                let answered = trace.history.iter().filter(|o| o.completed_ns.is_some()).count();
                assert!(answered > 15_000, "{replication} {triggers}: {answered} answers");
                let flaws = flaws(&trace.history);
                assert!(flaws.is_empty(), "{replication}, {triggers}, seed {seed}: {flaws:?}");
                let good = good_at_the_end(&trace);
                assert!(good > 0.98, "{replication}, {triggers}: {good} good at the end");
                let last = trace.groups[0].windows.last().unwrap();
                assert_eq!(last.members, 3, "{replication}, {triggers}: everybody is back");
            }
        }
    }
}

/// The weak modes are told apart from the strong ones by the same check.
#[test]
fn stale_reads_are_seen_where_they_are_allowed() {
    let slow = "  slow: { at: 15 s, for: 20 s, do: { slow_down: { factor: 8, replicas: [2] } } }";
    let mut stale = 0;
    for replication in ["{ primary_backup: { ack: majority, reads: any } }", "{ craq: { reads: eventual } }"]
    {
        let trace = sim_with_history(&scenario(replication, "", slow), 1);
        stale += flaws(&trace.history).len();
    }
    assert!(stale > 0, "no stale read in two runs");
}

#[test]
fn an_idempotency_key_lets_a_call_write_once() {
    // Every write is tried several times: the timeout is shorter than a write's way through a slow group.
    let slow = "  slow: { at: 15 s, for: 10 s, do: { slow_down: { factor: 30, replicas: [0] } } }";
    let versions = |extra: &str| {
        let trace = sim_with_history(&scenario("{ primary_backup: { ack: majority } }", extra, slow), 1);
        let last = trace.history.iter().filter_map(|o| o.version).max().unwrap();
        let calls: std::collections::BTreeSet<u64> =
            trace.history.iter().filter(|o| o.kind == "write").map(|o| o.call).collect();
        (last, calls.len() as u64)
    };
    let (last, calls) = versions("deduplicate: true");
    assert!(last <= calls, "{last} writes in the store for {calls} calls");
    let (last, calls) = versions("");
    assert!(last > calls + 200, "without keys retries write again: {last} writes for {calls} calls");
}

#[test]
fn the_same_seed_gives_the_same_history() {
    let scenario = scenario("shared_log", "", FAULTS[4]);
    let (one, other) = (sim_with_history(&scenario, 7), sim_with_history(&scenario, 7));
    assert_eq!(one.history, other.history);
    assert_eq!(one.events, other.events);
    assert_eq!(one.groups, other.groups);
    assert_ne!(one.history, sim_with_history(&scenario, 8).history);
}

#[test]
fn every_call_ends_once_or_is_open() {
    for replication in LINEARIZABLE {
        let trace = sim(&scenario(replication, "", FAULTS[4]), 3);
        let sum = trace.client_total(Time::ZERO, trace.end);
        let unfinished: u64 = trace.clients.iter().map(|c| c.unfinished).sum();
        assert_eq!(sum.offered, sum.good + sum.slow + sum.failed + unfinished, "{replication}");
    }
}

/// Reads of CRAQ are spread over the replicas, and those of a chain are not (USENIX ATC'09, Fig. 4).
#[test]
fn craq_serves_reads_with_every_replica() {
    let busy = |replication: &str| {
        let mut scenario =
            scenario(replication, "", "  none: { at: 59 s, for: 1 s, do: { load_spike: { factor: 1 } } }");
        scenario.clients[0].operations.read_share = 1.0;
        let trace = sim(&scenario, 1);
        let of = |server: &lab::trace::ServerTrace| server.windows.iter().map(|w| w.completed).sum::<u64>();
        trace.servers.iter().map(of).collect::<Vec<u64>>()
    };
    let chain = busy("chain");
    assert_eq!((chain[0], chain[1]), (0, 0), "{chain:?}");
    let craq = busy("{ craq: {} }");
    let (least, most) = (craq.iter().min().unwrap(), craq.iter().max().unwrap());
    assert!(*least * 10 > *most * 9 && craq.iter().sum::<u64>() == chain[2], "{craq:?} and {chain:?}");
}
