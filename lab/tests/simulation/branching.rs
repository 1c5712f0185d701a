//! A simulation that is stopped and goes on is the same simulation; one that goes on with another seed is another one from the same state.

use super::traces::all_of;
use lab::{
    engine::sim::{Simulation, Unbranchable, sim},
    scenario::{
        Scenario,
        sample::{queueing, replicate},
    },
};
use lab_core::{
    arrival::Process,
    balance::Balance,
    budget::{Budget, CreditPer},
    call::{Attempt, Job, Outcome, OutcomeSet},
    demand::Demand,
    draw::Draw,
    lineage::Lineage,
    machine::Machine,
    queue::Discipline,
    replicate::{Ack, Mode, Reads},
    retry::{Backoff, Jitter},
    server::{Cancel, Server, ServerIn, ServerOut},
    setting::{ClientSetting, ServerSetting},
    time::{Span, Time},
    timeline::{Disturbance, Effect, Replicas, Role},
};

fn at(seconds: f64) -> Time {
    Time::from_secs_f64(seconds)
}

/// Two replicas, several client instances, timeouts, jittered retries, a network with a law; a spike, a slow-down and a crash.
fn stormy() -> Scenario {
    let mut scenario = queueing(140.0, 4, Span::from_millis(40), Span::from_secs(60));
    scenario.network_delay = Demand::Exponential { mean: Span::from_millis(1) };
    scenario.services[0].replicas = 2;
    let group = &mut scenario.clients[0];
    group.instances = 3;
    group.policy.balance = Balance::PowerOfTwo;
    group.policy.per_try_timeout = Span::from_millis(400);
    group.policy.retry.max_attempts = 3;
    group.policy.retry.retry_on = OutcomeSet::of(&[Outcome::Timeout, Outcome::Reset]);
    let wait = Span::from_millis(50);
    let waits = Backoff { initial: wait, max: Span::from_secs(1), jitter: Jitter::Full, ..Backoff::none() };
    group.policy.retry.backoff = waits;
    let some = |which: &[u32]| Replicas { service: 0, which: which.to_vec() };
    let effects = [
        (10.0, Effect::LoadSpike { clients: vec![0], factor: 2.0 }),
        (20.0, Effect::SlowDown { replicas: some(&[0]), factor: 3.0 }),
        (30.0, Effect::Crash { replicas: some(&[1]) }),
        (
            12.0,
            Effect::Set {
                settings: vec![
                    scenario.client_setting(0, ClientSetting::PerTryTimeout(Span::from_millis(900))),
                    scenario.service_setting(0, ServerSetting::Workers(6)),
                    scenario.service_setting(0, ServerSetting::Discipline(Discipline::Lifo)),
                ],
            },
        ),
    ];
    for (from, effect) in effects {
        let (from, until) = (at(from), at(from + 5.0));
        scenario.disturbances.push(Disturbance {
            name: "one".into(),
            role: Role::Trigger,
            from,
            until,
            effect,
        });
    }
    scenario
}

/// A replicated store that loses its leader.
fn store() -> Scenario {
    let mut scenario = queueing(200.0, 4, Span::from_millis(5), Span::from_secs(30));
    scenario.network_delay = Demand::Constant(Span::from_millis(1));
    replicate(&mut scenario.services[0], Mode::PrimaryBackup { ack: Ack::Majority, reads: Reads::Leader });
    scenario.clients[0].operations.read_share = 0.5;
    scenario.clients[0].operations.keys = 50;
    scenario.clients[0].policy.per_try_timeout = Span::from_millis(400);
    scenario.clients[0].policy.retry.max_attempts = 3;
    scenario.clients[0].policy.retry.retry_on = OutcomeSet::of(&[Outcome::Timeout, Outcome::Reset]);
    let effect = Effect::Crash { replicas: Replicas { service: 0, which: vec![0] } };
    let (from, until) = (at(10.0), at(15.0));
    scenario.disturbances.push(Disturbance {
        name: "crash".into(),
        role: Role::Trigger,
        from,
        until,
        effect,
    });
    scenario
}

/// Stopped at odd instants, in the middle of what happens at one instant, copied and gone on with the seed that it has: the same bytes.
#[test]
fn a_run_that_is_interrupted_or_branched_with_its_own_seed_is_the_same_run() {
    for scenario in [stormy(), store()] {
        let whole = all_of(&sim(&scenario, 7));
        let mut stopped = Simulation::new(&scenario, 7);
        let mut branches = vec![];
        for stop in [0.0, 0.3, 9.999, 10.0, 12.5, 20.0, 27.7] {
            stopped.run(at(stop));
            let mut left = 40;
            stopped.run_to(at(stop + 1.0), |_| {
                left -= 1;
                left == 0
            });
            branches.push(stopped.branch(7).expect("the same seed draws nothing"));
        }
        for simulation in branches.into_iter().chain([stopped]) {
            let mut simulation = simulation;
            simulation.run(scenario.end());
            assert!(all_of(&simulation.finish()) == whole, "a stop changed the run");
        }
    }
}

/// What was measured before the branch is the same, what comes after it differs, whatever happens in the scenario.
#[test]
fn a_branch_keeps_the_past_and_changes_the_future() {
    for scenario in [stormy(), store()] {
        let mut trunk = Simulation::new(&scenario, 3);
        trunk.run(at(12.0));
        let mut traces = [4, 5].map(|seed| trunk.branch(seed).expect("a law")).map(|mut branch| {
            branch.run(scenario.end());
            branch.finish()
        });
        let whole = sim(&scenario, 3);
        for trace in &mut traces {
            let (mine, all) = (&trace.clients[0].windows, &whole.clients[0].windows);
            assert_eq!(format!("{:?}", &mine[..12]), format!("{:?}", &all[..12]));
            assert_ne!(format!("{:?}", &mine[12..]), format!("{:?}", &all[12..]));
        }
        let [a, b] = traces;
        assert_ne!(
            a.clients[0].windows[12..].iter().map(|w| w.offered).collect::<Vec<_>>(),
            b.clients[0].windows[12..].iter().map(|w| w.offered).collect::<Vec<_>>()
        );
    }
}

/// Lean runs measure less; what happens in them is the same.
#[test]
fn a_lean_run_goes_the_same_way() {
    for scenario in [stormy(), store()] {
        let (mut full, mut lean) = (Simulation::new(&scenario, 5), Simulation::lean(&scenario, 5));
        for second in 1..30 {
            full.run(at(f64::from(second)));
            lean.run(at(f64::from(second)));
            let (a, b) = (full.state(), lean.state());
            assert_eq!(
                (a.jobs(0), a.in_progress(0), a.retrying(0)),
                (b.jobs(0), b.in_progress(0), b.retrying(0))
            );
            assert_eq!(a.events(), b.events());
            for (a, b) in a.cohorts().zip(b.cohorts()) {
                for window in 0..a.index(full.now()) {
                    assert_eq!(
                        a.get(window).copied().unwrap_or_default(),
                        b.get(window).copied().unwrap_or_default()
                    );
                }
            }
        }
    }
}

/// A run that is calmed in the middle of changed settings goes on as one in which they end there.
#[test]
fn a_calmed_run_has_its_settings_back() {
    let scenario = |until| {
        let mut scenario = queueing(170.0, 4, Span::from_millis(40), Span::from_secs(40));
        scenario.services[0].replicas = 2;
        scenario.clients[0].policy.per_try_timeout = Span::from_millis(300);
        let budget = Budget::TokenBucket { credit_per: CreditPer::Call, ratio: 0.1, burst: 10.0 };
        let settings = vec![
            scenario.client_setting(0, ClientSetting::Budget(budget)),
            scenario.client_setting(0, ClientSetting::PerTryTimeout(Span::from_millis(100))),
            scenario.client_setting(0, ClientSetting::MaxAttempts(3)),
            scenario.client_setting(0, ClientSetting::RetryOn(OutcomeSet::of(&[Outcome::Timeout]))),
            scenario.service_setting(0, ServerSetting::Workers(3)),
            scenario.service_setting(0, ServerSetting::Capacity(30)),
        ];
        let (effect, role) = (Effect::Set { settings }, Role::Lever);
        scenario.disturbances =
            vec![Disturbance { name: "push".into(), role, from: at(10.0), until: at(until), effect }];
        scenario
    };
    let (long, short) = (scenario(30.0), scenario(17.5));
    let mut calmed = Simulation::new(&long, 3);
    calmed.run(at(17.5));
    calmed.calm().expect("arrivals have a law");
    calmed.run(long.end());
    let (calmed, short, left) = (calmed.finish(), sim(&short, 3), sim(&long, 3));
    let windows =
        |trace: &lab::trace::Trace| format!("{:?} {:?}", trace.clients[0].windows, trace.servers[0].windows);
    assert!(windows(&calmed) == windows(&short), "it is not as if the change had ended");
    assert!(windows(&calmed) != windows(&left), "the change does something");
}

/// The calls meant to start in each whole second of `seconds` after the branch of `trunk` with `seed`.
fn offered(trunk: &Simulation, seed: u64, seconds: u64) -> Vec<f64> {
    let mut branch = trunk.branch(seed).expect("a law");
    let from = (branch.now().as_secs_f64()) as usize;
    branch.run(branch.now() + Span::from_secs(seconds));
    let windows = &branch.finish().clients[0].windows;
    windows[from..from + seconds as usize].iter().map(|w| w.offered as f64).collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn variance(values: &[f64]) -> f64 {
    let mean = mean(values);
    values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / (values.len() - 1) as f64
}

/// From one state, thousands of branches: calls come as a Poisson process from the very instant of the branch on, and independently in each.
#[test]
fn branches_of_one_state_meet_independent_poisson_arrivals() {
    let scenario = queueing(20.0, 4, Span::from_millis(100), Span::from_secs(100));
    let mut trunk = Simulation::new(&scenario, 1);
    trunk.run(at(20.0));
    let counts: Vec<Vec<f64>> = (0..2000).map(|n| offered(&trunk, 1000 + n, 2)).collect();
    for second in 0..2 {
        let counts: Vec<f64> = counts.iter().map(|c| c[second]).collect();
        // 20 ± 0.1, and a variance of 20 ± 0.64: four standard errors.
        assert!((mean(&counts) - 20.0).abs() < 0.4, "{}", mean(&counts));
        assert!((variance(&counts) - 20.0).abs() < 2.6, "{}", variance(&counts));
    }
    // Between branches, and between seconds of one: no covariance. Its standard error is 20/√2000 = 0.45.
    let covariance = |pairs: &mut dyn Iterator<Item = (f64, f64)>| {
        mean(&pairs.map(|(a, b)| (a - 20.0) * (b - 20.0)).collect::<Vec<_>>())
    };
    let neighbours = covariance(&mut counts.windows(2).map(|pair| (pair[0][0], pair[1][0])));
    let seconds = covariance(&mut counts.iter().map(|c| (c[0], c[1])));
    assert!(neighbours.abs() < 1.8 && seconds.abs() < 1.8, "{neighbours} {seconds}");
}

/// Over many states, branches go on as runs that were left alone do: the same laws at every distance from the branch, for arrivals with and
/// without memory and for work drawn per call and per attempt.
#[test]
fn branches_have_the_law_of_runs_that_were_left_alone() {
    let poisson = Process::Poisson;
    let bursty = Process::Bursty { factor: 5.0, share: 0.2, mean_burst: Span::from_secs(1) };
    for process in [poisson, bursty] {
        let mut scenario = queueing(9.0, 1, Span::from_millis(80), Span::from_secs(40));
        scenario.clients[0].load.process = process;
        scenario.services[0].policy.service_time =
            Demand::Lognormal { median: Span::from_millis(60), sigma: 0.8 };
        scenario.clients[0].policy.per_try_timeout = Span::from_millis(500);
        scenario.clients[0].policy.retry.max_attempts = 2;
        scenario.clients[0].policy.retry.retry_on = OutcomeSet::of(&[Outcome::Timeout]);
        let runs = 3000;
        // Jobs, and calls not over, shortly after the branch and later; calls offered and good in the time after it.
        let seen = |branch: bool| -> Vec<[f64; 6]> {
            let one = |seed: u64| {
                // Other runs than those that are left alone: else both meet the same past.
                let mut run = Simulation::new(&scenario, seed + if branch { 0 } else { 1 << 40 });
                run.run(at(20.0));
                if branch {
                    run = run.branch(seed + (1 << 41)).expect("a law");
                }
                run.run(at(20.2));
                let soon = run.state();
                let (a, b) = (soon.jobs(0) as f64, soon.in_progress(0) as f64);
                run.run(at(23.0));
                let late = run.state();
                let (c, d) = (late.jobs(0) as f64, late.in_progress(0) as f64);
                let total = run.finish().client_total(at(20.0), at(23.0));
                [a, b, c, d, total.offered as f64, total.good as f64]
            };
            (0..runs).map(one).collect()
        };
        let (branched, alone) = (seen(true), seen(false));
        for figure in 0..6 {
            let of = |all: &[[f64; 6]]| all.iter().map(|f| f[figure]).collect::<Vec<f64>>();
            let (a, b) = (of(&branched), of(&alone));
            let error = ((variance(&a) + variance(&b)) / runs as f64).sqrt();
            assert!(
                (mean(&a) - mean(&b)).abs() < 4.0 * error,
                "figure {figure}: {} and {}",
                mean(&a),
                mean(&b)
            );
            // The standard error of a variance, from the fourth moment.
            let spread = |v: &[f64]| {
                let squares: Vec<f64> = v.iter().map(|x| (x - mean(v)) * (x - mean(v))).collect();
                variance(&squares) / runs as f64
            };
            let error = (spread(&a) + spread(&b)).sqrt();
            assert!(
                (variance(&a) - variance(&b)).abs() < 4.0 * error,
                "figure {figure}: {} and {}",
                variance(&a),
                variance(&b)
            );
        }
    }
}

/// The work of calls that began before a branch is theirs in every branch, whether a server had seen it or not; that of later ones is drawn
/// anew in each.
#[test]
fn a_call_keeps_its_work_and_later_ones_have_their_own() {
    let scenario = queueing(1.0, 1, Span::from_millis(100), Span::from_secs(10));
    let held = |branch: Option<u64>, call: u64, number: u32| {
        let mut server = Server::new(&scenario.services[0].policy, Draw { seed: 1 });
        if let Some(seed) = branch {
            // Calls below 5 began before.
            server.branch(Draw { seed }, &Lineage::default().and(Draw { seed: 1 }, &[5]));
        }
        let attempt = Attempt { slot: 0, generation: number };
        let job = Job { client: 0, attempt, call, number, gives_up_at: Time::NEVER };
        let mut out: Vec<ServerOut> = vec![];
        server.step(Time::ZERO, ServerIn::Arrive(job), &mut out);
        let ServerOut::WakeAt { at, .. } = out[0] else { panic!("it starts at once: {out:?}") };
        at
    };
    for call in 0..5 {
        for number in 1..4 {
            assert_eq!(held(Some(2), call, number), held(None, call, 1), "call {call}, attempt {number}");
        }
    }
    for call in 5..10 {
        assert_ne!(held(Some(2), call, 1), held(None, call, 1), "call {call}");
        assert_ne!(held(Some(2), call, 1), held(Some(3), call, 1), "call {call}");
        assert_eq!(
            held(Some(2), call, 1),
            held(Some(2), call, 2),
            "call {call}: a retry meets the same work"
        );
    }
}

#[test]
fn a_recorded_workload_has_no_branches() {
    let mut scenario = queueing(1.0, 1, Span::from_millis(100), Span::from_secs(10));
    scenario.clients[0].load.process = Process::Recorded((1..9).map(|s| at(f64::from(s))).collect());
    let mut run = Simulation::new(&scenario, 1);
    run.run(at(2.5));
    assert!(run.branch(2).is_err_and(|error| error == Unbranchable));
    let mut same = run.branch(1).expect("nothing is drawn");
    same.run(scenario.end());
    assert_eq!(same.finish().client_total(Time::ZERO, scenario.end()).offered, 8);
}

/// A push that is called off leaves nothing behind but the state: load, speed and replicas are what they were, whenever it is called off.
#[test]
fn what_is_called_off_is_over() {
    let mut scenario = stormy();
    // With retries it would stay down.
    scenario.clients[0].policy.retry.max_attempts = 1;
    for stop in [12.0, 22.0, 32.0] {
        let mut run = Simulation::new(&scenario, 9);
        run.run(at(stop));
        run.calm().expect("a law");
        // Twenty seconds to get rid of the backlog, then twenty to measure.
        run.run(at(stop + 40.0));
        let trace = run.finish();
        let total = trace.client_total(at(stop + 20.0), at(stop + 40.0));
        let rate = total.offered as f64 / 20.0;
        assert!((rate - 140.0).abs() < 4.0 * (140.0f64 / 20.0).sqrt(), "{rate}/s after {stop} s");
        assert!(total.good as f64 > 0.98 * total.offered as f64, "{total:?}");
        for server in &trace.servers {
            let windows = &server.windows[(stop + 20.0) as usize..];
            let (held, done) = windows.iter().fold((0, 0), |(h, d), w| (h + w.held_ns, d + w.completed));
            let mean_s = held as f64 / 1e9 / done as f64;
            // 1,400 exponential draws: 40 ms ± 1.1.
            assert!((mean_s - 0.04).abs() < 0.0045, "{mean_s} s of work each after {stop} s");
        }
    }
}

/// What is pressed while a run goes on, in whatever order and however often, gives the run of the scenario that has it from the beginning.
#[test]
fn a_run_that_is_steered_is_the_run_that_was_written() {
    let mut written = stormy();
    let hang_ups = written.service_setting(0, ServerSetting::Cancel(Cancel::OnDisconnect));
    let (from, until) = (at(11.5), at(45.0));
    let effect = Effect::Set { settings: vec![hang_ups] };
    written.disturbances.push(Disturbance { name: "hear".into(), role: Role::Trigger, from, until, effect });
    // What comes later is pressed later.
    written.disturbances.sort_by_key(|d| d.from);
    let mut calm = written.undisturbed();
    // The width of the verdict's windows and where they lie play no part in what happens.
    calm.healthy.over = Span::from_secs(1);
    let mut run = Simulation::endless(&calm, 5);
    for known in 0..=written.disturbances.len() {
        let next = written.disturbances.get(known).map_or(written.end(), |d| d.from);
        run.steer(&written.disturbances[..known]).unwrap();
        // Stops on the way, and looks, which changes nothing.
        for stop in 1..=3 {
            let gap = next.since(run.now());
            run.run(run.now() + gap * (f64::from(stop) / 3.0));
            assert!(run.windows().clients[0].len() >= run.now().as_secs_f64() as usize);
        }
        run.run(next);
    }
    let steered = run.so_far();
    let (seen, whole) = (run.windows(), sim(&written, 5));
    assert_eq!(format!("{:?}", seen.clients[0]), format!("{:?}", whole.clients[0].windows));
    assert_eq!(format!("{:?}", seen.servers[1]), format!("{:?}", whole.servers[1].windows));
    assert_eq!(lab::results::windows_csv(&steered), lab::results::windows_csv(&whole));
    assert_eq!(steered.events, whole.events);
}

#[test]
fn a_run_under_way_cannot_be_given_less_load() {
    let scenario = stormy();
    let mut run = Simulation::new(&scenario, 5);
    run.run(at(3.0));
    let mut changed = scenario.disturbances.clone();
    changed.push(Disturbance {
        effect: Effect::LoadSpike { clients: vec![0], factor: 0.5 },
        ..changed[0].clone()
    });
    let refused = run.steer(&changed).unwrap_err().to_string();
    assert!(refused.contains("shed load instead"), "{refused}");
}
