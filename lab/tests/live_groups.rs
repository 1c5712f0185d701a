//! Groups of replicas in the live engine: real processes are killed under load, and what clients saw is checked.
#![cfg(feature = "live")]
mod processes;
#[path = "../core/tests/replicate/linearizable.rs"]
#[allow(dead_code, unused_imports, reason = "the checker's own tests run with the core's")]
mod linearizable;
#[path = "../core/tests/replicate/random.rs"]
#[allow(dead_code, reason = "the checker's own tests use it")]
mod random;

use lab::{
    engine::live::{LiveOptions, LiveRun, live, replay},
    scenario::{Scenario, sample},
    trace::{Operation, Trace},
};
use lab_core::{
    budget::Budget,
    call::{Outcome, OutcomeSet},
    demand::Demand,
    hedge::{After, Hedge},
    keys::{Operations, Popularity},
    replicate::{Ack, Freshness, Mode, Reads},
    retry::Retry,
    time::{Span, Time},
    timeline::{Disturbance, Effect, Replicas, Role},
};
use processes::kill_the_parent;
use std::{collections::BTreeMap, path::Path};

const KEYS: u64 = 20;
const MAJORITY: Mode = Mode::PrimaryBackup { ack: Ack::Majority, reads: Reads::Leader };

/// Three replicas under light load from two clients, who write and read the same few keys.
fn store(mode: Mode, seconds: u64) -> Scenario {
    let mut scenario = sample::queueing(200.0, 4, Span::from_millis(1), Span::from_secs(seconds));
    sample::replicate(&mut scenario.services[0], mode);
    let client = &mut scenario.clients[0];
    client.instances = 2;
    client.operations = Operations { read_share: 0.5, keys: KEYS, popularity: Popularity::Uniform };
    client.policy.per_try_timeout = Span::from_millis(300);
    client.policy.retry = Retry {
        max_attempts: 4,
        retry_on: OutcomeSet::of(&[Outcome::Timeout, Outcome::Reset, Outcome::Rejected]),
        ..Retry::none()
    };
    let backoff = &mut client.policy.retry.backoff;
    backoff.initial = Span::from_millis(50);
    backoff.initial_after_rejection = Span::from_millis(50);
    backoff.max = Span::from_millis(50);
    scenario.network_delay = Demand::Constant(Span(100_000));
    scenario
}

fn during(from_ms: u64, until_ms: u64, effect: Effect) -> Disturbance {
    let at = |ms: u64| Time(ms * 1_000_000);
    Disturbance { name: "it".into(), role: Role::Trigger, from: at(from_ms), until: at(until_ms), effect }
}

fn kill(which: u32, from_ms: u64, until_ms: u64) -> Disturbance {
    let replicas = Replicas { service: 0, which: vec![which] };
    during(from_ms, until_ms, Effect::Crash { replicas })
}

fn run(scenario: &Scenario, seed: u64, record: bool) -> LiveRun {
    let executable = Some(Path::new(env!("CARGO_BIN_EXE_lab")));
    let options = LiveOptions { executable, record, history: true, ..LiveOptions::default() };
    live(scenario, seed, &options).unwrap_or_else(|error| panic!("{error}"))
}

/// Whether what clients saw of each key could have been seen of a single register.
fn linearizable(history: &[Operation]) -> Result<(), String> {
    let mut keys: BTreeMap<u64, Vec<linearizable::Operation>> = BTreeMap::new();
    // With idempotency keys all attempts at a call write the same value, once: they are one operation.
    let mut writes: BTreeMap<(u64, u64), (u64, Option<u64>)> = BTreeMap::new();
    for operation in history {
        let Operation { key, call, kind, value: Some(value), invoked_ns, completed_ns, .. } = *operation
        else {
            continue;
        };
        // At one instant an answer comes after what is asked then.
        let (invoked, answered) = (invoked_ns * 2, completed_ns.map(|at| at * 2 + 1));
        if kind == "read" {
            let action = linearizable::Action::Read(value);
            keys.entry(key).or_default().push(linearizable::Operation { invoked, answered, action });
        } else {
            let write = writes.entry((key, call)).or_insert((invoked, None));
            write.0 = write.0.min(invoked);
            write.1 = match (write.1, answered) {
                (Some(one), Some(other)) => Some(one.min(other)),
                (one, other) => one.or(other),
            };
        }
    }
    for ((key, call), (invoked, answered)) in writes {
        let action = linearizable::Action::Write(lab_core::replicate::Value { call, attempt: 1 });
        keys.entry(key).or_default().push(linearizable::Operation { invoked, answered, action });
    }
    for (key, history) in keys {
        linearizable::check(&history).map_err(|flaw| format!("key {key}: {flaw:?}"))?;
    }
    Ok(())
}

/// Every key is read at the end, and found to be at least as new as what had been acknowledged before. How many writes were.
fn final_reads_find_what_was_acknowledged(trace: &Trace, within: Span) -> Result<usize, String> {
    let history = &trace.history;
    let acknowledged = || history.iter().filter(|o| o.kind == "write" && o.completed_ns.is_some());
    for key in 0..KEYS {
        let Some(read) =
            history.iter().rfind(|o| o.kind == "read" && o.key == key && o.completed_ns.is_some())
        else {
            return Err(format!("key {key} was never read"));
        };
        if read.invoked_ns + within.0 < trace.end.0 {
            return Err(format!("key {key} was not read at the end"));
        }
        let before = acknowledged().filter(|o| o.key == key && o.completed_ns < Some(read.invoked_ns));
        let newest = before.filter_map(|o| o.version).max();
        if read.version < newest {
            return Err(format!(
                "key {key}: version {newest:?} was acknowledged, and {:?} found",
                read.version
            ));
        }
    }
    Ok(acknowledged().count())
}

/// A replica is killed once; nothing that was acknowledged is lost, nothing is seen that could not be, and the group is good
/// again with all its members.
fn survives_a_kill(mode: Mode, which: u32) {
    survives(store(mode, 8), which, false);
}

/// What the run was like.
fn survives(mut scenario: Scenario, which: u32, record: bool) -> LiveRun {
    scenario.disturbances = vec![kill(which, 2000, 3500)];
    let run = run(&scenario, 1, record);
    let trace = &run.trace;
    assert_eq!(linearizable(&trace.history), Ok(()));
    let acknowledged = final_reads_find_what_was_acknowledged(trace, Span::from_secs(2));
    assert!(acknowledged.as_ref().is_ok_and(|count| *count > 500), "{acknowledged:?}");
    let end = trace.client_total(Time(6_000_000_000), Time(8_000_000_000));
    assert!(end.good * 100 >= end.offered * 95 && end.offered > 300, "{end:?}");
    let group = trace.groups[0].windows.last().copied().unwrap_or_default();
    assert!(group.members == 3 && group.view >= 3, "{:?}", trace.groups);
    let views = trace.events.iter().filter(|event| event.kind == "view").count();
    assert!(views >= 2 && trace.servers[which as usize].windows[2].completed == 0, "{:?}", trace.events);
    run
}

#[test]
fn a_majority_survives_its_primary() {
    survives_a_kill(MAJORITY, 0);
}

/// Every read asks a majority, and some are hedged; writes are retried.
#[test]
fn hedged_reads_of_a_quorum_survive_its_primary_and_replay() {
    let quorum = Mode::PrimaryBackup { ack: Ack::Majority, reads: Reads::Quorum };
    let mut scenario = store(quorum, 8);
    scenario.clients[0].policy.hedge = Some(Hedge {
        after: After::Fixed(Span::from_millis(20)),
        max_attempts: 4,
        non_fatal: OutcomeSet::of(&[Outcome::Timeout, Outcome::Reset, Outcome::Rejected]),
        budget: Budget::Concurrent { ratio: 0.5, at_least: 20 },
        writes: false,
    });
    let run = survives(scenario, 0, true);
    let again = run.trace.history.iter().filter(|o| o.kind == "read" && o.attempt > 1).count();
    assert!(again > 10, "{again} reads were hedged");
    let differences = replay(&run.recording.expect("it was asked for"));
    assert_eq!(differences.differing, 0, "{differences:?}");
}

#[test]
fn a_chain_survives_its_middle() {
    survives_a_kill(Mode::Chain, 1);
}

#[test]
fn a_shared_log_survives_its_sequencer() {
    survives_a_kill(Mode::SharedLog, 0);
}

/// A manager that is killed comes back with its views, is stopped and goes on; a partition puts one out; all steps replay.
#[test]
fn a_manager_comes_back_and_all_steps_replay() {
    let mut scenario = store(MAJORITY, 9);
    let apart = Replicas { service: 0, which: vec![2] };
    scenario.disturbances = vec![
        kill(0, 1000, 2000),
        during(2500, 3200, Effect::Manager { service: 0, pause: false }),
        during(3800, 4300, Effect::Manager { service: 0, pause: true }),
        during(5000, 6500, Effect::Partition { replicas: apart }),
    ];
    let LiveRun { trace, recording, .. } = run(&scenario, 1, true);
    assert_eq!(linearizable(&trace.history), Ok(()));
    let ejected = trace.events.iter().filter(|event| event.kind == "ejected").count();
    let views: Vec<u64> = trace.groups[0].windows.iter().map(|window| window.view).collect();
    assert!(views.is_sorted() && views.last() >= Some(&4) && ejected >= 1, "{views:?} {:?}", trace.events);
    let recording = recording.expect("it was asked for");
    let differences = replay(&recording);
    assert_eq!(differences.differing, 0, "{differences:?}");
    assert!(differences.steps > 5000 && recording.lives.len() == 6, "{differences:?}");
}

/// Clients of a stateless service under health checks stop asking a replica that is silent, and ask it again later.
#[test]
fn health_checks_lead_clients_around_a_dead_replica() {
    let mut scenario = store(MAJORITY, 6);
    scenario.services[0].replication = None;
    scenario.clients[0].policy.retry = Retry::none();
    scenario.disturbances = vec![kill(1, 1500, 4000)];
    let trace = run(&scenario, 1, false).trace;
    let resets = |from: u64, until: u64| {
        let sum = trace.client_total(Time(from * 1_000_000_000), Time(until * 1_000_000_000));
        (sum.ended[Outcome::Reset as usize], sum.offered)
    };
    let (blind, warned) = (resets(1, 3), resets(3, 4));
    assert!(blind.0 > 10 && warned.0 == 0 && warned.1 > 100, "{blind:?} {warned:?}");
    let back = trace.servers[1].windows[5].completed;
    assert!(back > 20, "{back} completed after it came back");
}

/// Not a test of its own: what the next test kills.
#[test]
#[ignore = "runs for a minute, to be killed by another test"]
fn a_long_run_of_a_group() {
    let mut scenario = store(Mode::Chain, 60);
    scenario.disturbances = vec![during(200, 50_000, Effect::Manager { service: 0, pause: true })];
    run(&scenario, 1, false);
}

#[test]
fn a_group_and_its_stopped_manager_die_with_their_parent() {
    let children = kill_the_parent("a_long_run_of_a_group");
    assert_eq!(children.len(), 4, "replicas and manager {children:?}");
}

/// As many kills as `LAB_LIVE_KILLS` says, of replicas in every role and of managers, a few in each run, two of them at times
/// close together; every history is checked.
#[test]
fn soak() {
    let Some(wanted) = std::env::var("LAB_LIVE_KILLS").ok().and_then(|kills| kills.parse::<usize>().ok())
    else {
        return;
    };
    let modes = [
        ("majority", MAJORITY),
        ("all", Mode::PrimaryBackup { ack: Ack::All, reads: Reads::Leader }),
        ("chain", Mode::Chain),
        ("craq", Mode::Craq { reads: Freshness::Strong }),
        ("shared log", Mode::SharedLog),
    ];
    // By mode: runs, kills of replicas, of managers, operations, acknowledged writes, failures.
    let mut sums: BTreeMap<&str, [usize; 6]> = BTreeMap::new();
    let mut kills = 0;
    let mut random = random::Random::new(1);
    for seed in 1.. {
        if kills >= wanted {
            break;
        }
        let (name, mode) = modes[seed as usize % modes.len()];
        let mut scenario = store(mode, 14);
        let first = random.below(3) as u32;
        // One after the other through the roles, each when the last has come back or a little before.
        for (turn, from) in [1500, 4200, 6900, 9600].into_iter().enumerate() {
            let from = random.between(from, from + 400);
            let which = (first + turn as u32) % 3;
            scenario.disturbances.push(kill(which, from, from + random.between(700, 1300)));
        }
        let manager = seed % 2 == 0;
        if manager {
            let from = random.between(3000, 7000);
            scenario.disturbances.push(during(
                from,
                from + 600,
                Effect::Manager { service: 0, pause: false },
            ));
        }
        kills += 4 + usize::from(manager);
        let trace = run(&scenario, seed, false).trace;
        let checked = linearizable(&trace.history);
        let found = final_reads_find_what_was_acknowledged(&trace, Span::from_secs(3));
        let lost = trace.events.iter().filter(|event| event.kind == "writes_lost").count();
        let sum = sums.entry(name).or_default();
        let failed = checked.is_err() || found.is_err() || lost > 0;
        for (total, this) in sum.iter_mut().zip([
            1,
            4,
            usize::from(manager),
            trace.history.len(),
            found.as_ref().copied().unwrap_or(0),
            usize::from(failed),
        ]) {
            *total += this;
        }
        println!("{kills} kills; {name}, seed {seed}: {checked:?}, {found:?}, {lost} times writes lost");
    }
    println!(
        "mode: runs, kills of replicas, of managers, operations, acknowledged writes, failures\n{sums:#?}"
    );
    assert!(sums.values().all(|sum| sum[5] == 0));
}
