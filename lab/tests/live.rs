//! The live engine: real processes and sockets, short runs, and tolerances that a busy machine keeps.
#![cfg(feature = "live")]
mod processes;

use lab::{
    engine::live::{LiveError, LiveOptions, LiveRun, live},
    engine::sim::sim,
    scenario::{Scenario, sample},
    trace::{ClientWindow, Trace},
};
use lab_core::{
    call::{Outcome, OutcomeSet},
    draw::{Draw, Stream},
    setting::{ClientSetting, ServerSetting},
    time::{Span, Time},
    timeline::{Disturbance, Effect, Replicas, Role},
};
use processes::kill_the_parent;
use std::{
    net::TcpListener,
    path::Path,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};

fn options<'a>() -> LiveOptions<'a> {
    LiveOptions { executable: Some(Path::new(env!("CARGO_BIN_EXE_lab"))), ..LiveOptions::default() }
}

fn run(scenario: &Scenario) -> LiveRun {
    live(scenario, 1, &options()).unwrap_or_else(|error| panic!("{error}"))
}

fn total(trace: &Trace) -> ClientWindow {
    trace.client_total(Time::ZERO, trace.end)
}

fn seconds(from: f64, until: f64) -> (Time, Time) {
    (Time::from_secs_f64(from), Time::from_secs_f64(until))
}

fn trigger(from: f64, until: f64, effect: Effect) -> Disturbance {
    let (from, until) = seconds(from, until);
    Disturbance { name: "it".into(), role: Role::Trigger, from, until, effect }
}

fn replica(which: u32) -> Replicas {
    Replicas { service: 0, which: vec![which] }
}

#[test]
fn a_healthy_run_answers_what_is_offered() {
    let mut scenario = sample::queueing(200.0, 4, Span::from_millis(5), Span::from_secs(4));
    scenario.services[0].replicas = 2;
    let LiveRun { trace, fitness, .. } = run(&scenario);
    let sum = total(&trace);
    let unfinished = trace.clients[0].unfinished;
    assert!(sum.offered > 700 && unfinished < 50, "{sum:?}");
    assert_eq!(sum.good + unfinished, sum.offered, "{sum:?}");
    assert_eq!((trace.end, trace.len()), (scenario.end(), 4));
    let count = |of: fn(&lab::trace::ServerWindow) -> u64| -> u64 {
        trace.servers.iter().flat_map(|s| &s.windows).map(of).sum()
    };
    let (arrived, completed) = (count(|w| w.arrived), count(|w| w.completed));
    assert!(
        arrived <= sum.attempts && completed <= arrived && sum.good <= completed,
        "{arrived} {completed}"
    );
    assert_eq!((fitness.scheduled, fitness.unconnected), (sum.attempts, 0));
    assert!(fitness.carries_per_s > 200.0, "{fitness:?}");
}

/// What the workers were held for is what was drawn: late wake-ups are not passed on from job to job.
#[test]
fn a_saturated_replica_works_as_much_as_was_drawn() {
    let scenario = sample::queueing(600.0, 4, Span::from_millis(10), Span::from_secs(5));
    let trace = run(&scenario).trace;
    // 400/s is capacity, so it is saturated from the beginning; the last windows are complete.
    let windows = &trace.servers[0].windows;
    let completed: u64 = windows.iter().map(|w| w.completed).sum();
    let schedule = scenario.arrivals(0, Draw { seed: 1 });
    let demand = &scenario.services[0].policy.service_time;
    let mut workers = [0.0; 4];
    let mut possible = 0;
    let mut schedule = schedule;
    loop {
        // Each job goes to the worker that is free first, as the queue is first in, first out.
        let arrival = schedule.pop();
        let worker = workers.iter_mut().min_by(|a, b| f64::total_cmp(a, b)).unwrap();
        let held = demand.draw(Stream::Demand, arrival.call, 0, Draw { seed: 1 }).as_secs_f64();
        *worker = f64::max(*worker, arrival.at.as_secs_f64()) + held;
        if *worker > 5.0 {
            break;
        }
        possible += 1;
    }
    let ratio = completed as f64 / f64::from(possible);
    assert!((0.98..1.01).contains(&ratio), "{completed} completed, {possible} possible: {windows:?}");
    let busy: f64 = windows[1..].iter().map(|w| w.busy).sum::<f64>() / 4.0;
    assert!(busy > 3.95, "4 workers are busy all the time: {busy}");
}

#[test]
fn a_crashed_replica_resets_and_comes_back() {
    let mut scenario = sample::queueing(200.0, 8, Span::from_millis(5), Span::from_secs(6));
    scenario.services[0].replicas = 2;
    scenario.disturbances = vec![trigger(2.0, 4.0, Effect::Crash { replicas: replica(1) })];
    let trace = run(&scenario).trace;
    let during = trace.client_total(Time::from_secs_f64(2.0), Time::from_secs_f64(4.0));
    let resets = during.ended[Outcome::Reset as usize];
    // Round robin goes on sending every second attempt there.
    assert!(resets * 10 > during.offered * 4 && resets * 10 < during.offered * 6, "{during:?}");
    let after = trace.client_total(Time::from_secs_f64(5.0), trace.end);
    assert_eq!(after.ended[Outcome::Reset as usize], 0, "{after:?}");
    let completed: Vec<u64> = trace.servers[1].windows.iter().map(|w| w.completed).collect();
    assert!(completed[0] > 50 && completed[2..4] == [0, 0] && completed[5] > 50, "{completed:?}");
}

/// Workers come and go while it runs, and a process that is started anew has as many as the others.
#[test]
fn a_live_service_changes_its_settings() {
    let mut scenario = sample::queueing(250.0, 1, Span::from_millis(10), Span::from_secs(9));
    scenario.window = Span::from_millis(500);
    scenario.clients[0].policy.per_try_timeout = Span::from_millis(400);
    let more = scenario.service_setting(0, ServerSetting::Workers(8));
    let patience = scenario.client_setting(0, ClientSetting::PerTryTimeout(Span::from_secs(20)));
    scenario.disturbances = vec![
        trigger(2.0, 7.0, Effect::Set { settings: vec![more] }),
        trigger(1.0, 2.0, Effect::Set { settings: vec![patience] }),
        trigger(4.0, 4.4, Effect::Crash { replicas: replica(0) }),
    ];
    let (live, simulated) = (run(&scenario).trace, sim(&scenario, 1));
    for (engine, trace) in [("live", &live), ("simulated", &simulated)] {
        let windows = |from: usize, until: usize| trace.servers[0].windows[2 * from..2 * until].iter();
        let completed =
            |from, until| windows(from, until).map(|w| w.completed).sum::<u64>() / (until - from) as u64;
        // One worker does 100/s of the 250/s that are offered; eight do those, and in their first second what waits as well.
        assert!((70..130).contains(&completed(0, 2)), "{engine}: {}", completed(0, 2));
        assert!(completed(2, 3) > 350, "{engine}: {}", completed(2, 3));
        assert!((200..300).contains(&completed(5, 7)), "{engine}: {}", completed(5, 7));
        assert!((70..140).contains(&completed(7, 9)), "{engine}: {}", completed(7, 9));
        // The last window before the crash may be lost with the process.
        for (from, until, workers) in [(0, 2, 1.0), (2, 3, 8.0), (5, 7, 8.0), (7, 9, 1.0)] {
            assert!(windows(from, until).all(|w| w.workers == workers), "{engine}: from {from} s");
        }
        // Those who have been sent with less patience time out; then nobody does, for all that wait have more.
        let timed_out = |from, until| {
            let (from, until) = seconds(from, until);
            trace.client_total(from, until).ended[Outcome::Timeout as usize]
        };
        assert!(timed_out(1.0, 1.5) > 5, "{engine}");
        assert_eq!(timed_out(1.5, 2.0), 0, "{engine}");
    }
}

/// A stopped process loses nothing, not even what it is asked by those who do not wait for the answer.
#[test]
fn a_paused_replica_goes_on_where_it_stopped() {
    let mut scenario = sample::queueing(150.0, 8, Span::from_millis(2), Span::from_secs(6));
    scenario.clients[0].policy.per_try_timeout = Span::from_millis(500);
    scenario.clients[0].policy.retry.retry_on = OutcomeSet::EMPTY;
    scenario.disturbances = vec![trigger(1.5, 3.5, Effect::Pause { replicas: replica(0) })];
    let trace = run(&scenario).trace;
    let sum = total(&trace);
    let timeouts = sum.ended[Outcome::Timeout as usize];
    assert!((150..300).contains(&timeouts), "those of the first 1.5 s of the pause: {sum:?}");
    let arrived: u64 = trace.servers[0].windows.iter().map(|w| w.arrived).sum();
    assert!(arrived + 10 > sum.attempts, "{arrived} of {} attempts arrived", sum.attempts);
    let completed: Vec<u64> = trace.servers[0].windows.iter().map(|w| w.completed).collect();
    assert!(completed[2] == 0 && completed[3] > 200 && completed[5] > 100, "{completed:?}");
}

#[test]
fn an_interrupted_run_returns_what_is_there() {
    let scenario = sample::queueing(100.0, 4, Span::from_millis(5), Span::from_secs(60));
    let flag = AtomicBool::new(false);
    let stop = |progress: lab::engine::live::Progress| {
        if progress.elapsed > Span::from_millis(2500) {
            flag.store(true, Relaxed);
        }
    };
    let options = LiveOptions { interrupted: Some(&flag), progress: Some(&stop), ..options() };
    let trace = live(&scenario, 1, &options).unwrap().trace;
    assert!(trace.end > Time::from_secs_f64(2.4) && trace.end < Time::from_secs_f64(10.0), "{:?}", trace.end);
    assert_eq!(trace.events.last().map(|e| e.kind), Some("interrupted"));
    assert_eq!((trace.servers[0].windows.len(), trace.clients[0].windows.len()), (trace.len(), trace.len()));
    assert!(total(&trace).good > 100);
}

#[test]
fn what_is_wrong_with_the_host_is_said() {
    let mut scenario = sample::queueing(10.0, 1, Span::from_millis(1), Span::from_secs(1));
    let missing = LiveOptions { executable: Some(Path::new("/nonexistent/lab")), ..LiveOptions::default() };
    let error = live(&scenario, 1, &missing).err().map(|e| e.to_string()).unwrap_or_default();
    assert!(error.contains("/nonexistent/lab") && error.contains("No such file"), "{error}");

    let other = LiveOptions { executable: Some(Path::new("/bin/true")), ..LiveOptions::default() };
    let error = live(&scenario, 1, &other).err().map(|e| e.to_string()).unwrap_or_default();
    assert!(error.contains("is this binary the lab") || error.contains("does not listen"), "{error}");

    let taken = TcpListener::bind("127.0.0.2:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let busy = LiveOptions { first_port: Some(port), ..options() };
    let error = live(&scenario, 1, &busy).err().map(|e| e.to_string()).unwrap_or_default();
    assert!(error.contains(&format!("127.0.0.2:{port}")) && error.contains("in use"), "{error}");

    scenario.clients[0].load.stages[0].rate = 3e6;
    let error = live(&scenario, 1, &options());
    assert!(matches!(&error, Err(LiveError::Host(why)) if why.contains("3000000 calls/s")), "{error:?}");
}

/// Not a test of its own: what the next test kills.
#[test]
#[ignore = "runs for a minute, to be killed by another test"]
fn a_long_run_with_a_stopped_replica() {
    let mut scenario = sample::queueing(50.0, 4, Span::from_millis(5), Span::from_secs(60));
    scenario.services[0].replicas = 2;
    scenario.disturbances = vec![trigger(0.2, 50.0, Effect::Pause { replicas: replica(1) })];
    run(&scenario);
}

#[test]
fn replicas_die_with_their_parent_even_when_stopped() {
    let children = kill_the_parent("a_long_run_with_a_stopped_replica");
    assert_eq!(children.len(), 2, "replicas {children:?}");
}
