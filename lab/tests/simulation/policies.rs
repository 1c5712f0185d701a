//! Retry presets, read through the config language and driven through the client machine, against the vectors of their sources.
use lab::scenario::load;
use lab_core::{
    call::{Job, Outcome},
    client::{Client, ClientIn, ClientOut, ClientPolicy, Wake},
    draw::Draw,
    machine::Machine,
    retry::Retry,
    time::{Span, Time},
};
use std::path::Path;

fn preset(name: &str) -> Retry {
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("configs/retry-storm.yaml");
    let set = [format!("clients.web.retry={{ preset: {name} }}")];
    let plan = load(&config, &set).unwrap_or_else(|e| panic!("{name}: {e}"));
    plan.baseline.clients[0].policy.retry.clone()
}

/// A client that retries as `preset` says. Time passes only by waits.
struct Caller {
    client: Client,
    out: Vec<ClientOut>,
    now: Time,
    calls: u64,
}

/// What a call did.
struct Made {
    attempts: u32,
    waits: Vec<Span>,
}

impl Caller {
    fn new(name: &str) -> Caller {
        Caller::of(preset(name), 1)
    }

    fn of(retry: Retry, seed: u64) -> Caller {
        let policy = ClientPolicy {
            per_try_timeout: Span::FOREVER,
            deadline: Span::FOREVER,
            retry,
            hedge: None,
            balance: lab_core::balance::Balance::RoundRobin,
        };
        let client = Client::new(0, &policy, 1, Draw { seed });
        Caller { client, out: vec![], now: Time::ZERO, calls: 0 }
    }

    fn step(&mut self, input: ClientIn) -> Vec<ClientOut> {
        self.client.step(self.now, input, &mut self.out);
        self.out.drain(..).collect()
    }

    /// Starts a call and leaves its first attempt unanswered.
    fn start(&mut self) -> Job {
        self.calls += 1;
        let outputs = self.step(ClientIn::Arrive { call: self.calls, intended: self.now });
        sent(&outputs).expect("a call begins with an attempt")
    }

    fn answer(&mut self, job: Job, outcome: Outcome) -> Vec<ClientOut> {
        self.step(ClientIn::Answer { attempt: job.attempt, outcome })
    }

    /// One call; attempt n ends as `outcome(n)`. No more than `most` attempts are made: the last one succeeds.
    fn call(&mut self, most: u32, outcome: impl Fn(u32) -> Outcome) -> Made {
        let mut job = self.start();
        let mut waits = vec![];
        loop {
            let ends = if job.number == most { Outcome::Success } else { outcome(job.number) };
            let mut outputs = self.answer(job, ends);
            let wait = outputs.iter().find_map(|o| match o {
                ClientOut::WakeAt { at, wake: Wake::Retry(attempt) } => Some((*at, *attempt)),
                _ => None,
            });
            if let Some((at, attempt)) = wait {
                waits.push(at.since(self.now));
                self.now = at;
                outputs = self.step(ClientIn::Woken(Wake::Retry(attempt)));
            } else if sent(&outputs).is_some() {
                waits.push(Span::ZERO);
            }
            match sent(&outputs) {
                Some(next) => job = next,
                None => return Made { attempts: job.number, waits },
            }
        }
    }

    /// Retries of `calls` calls that fail for good.
    fn retries(&mut self, calls: u32, outcome: Outcome) -> u32 {
        (0..calls).map(|_| self.call(u32::MAX, |_| outcome).attempts - 1).sum()
    }
}

fn sent(outputs: &[ClientOut]) -> Option<Job> {
    outputs.iter().find_map(|o| match o {
        ClientOut::Send { job, .. } => Some(*job),
        _ => None,
    })
}

/// Attempts of a fresh client's first call when all end in an outcome; what is not retried makes one. `many`: limited by the budget alone.
#[test]
fn presets_retry_what_their_sources_say_and_as_often() {
    let many = 101;
    for (name, timeout, rejected, reset, error) in [
        ("naive-3x-immediate", 3, 3, 3, 3),
        ("aws-standard-2.0", 3, 3, 3, 3),
        ("aws-standard-2.1", 3, 3, 3, 3),
        ("aws-dynamodb-2.1", 4, 4, 4, 4),
        ("grpc-a6-example", 1, 4, 4, 1),
        ("envoy-retry-on", 1, 2, 2, 2),
        ("envoy-retry-budget", 1, 2, 2, 2),
        ("istio-default", 1, 3, 3, 1),
        ("finagle", 1, many, many, 1),
        ("linkerd-annotations", 1, 2, 2, 2),
        ("google-sre", 1, 1, 1, 1),
        ("polly-v8", 4, 4, 4, 4),
        ("resilience4j", 3, 3, 3, 3),
        ("failsafe-go", 3, 3, 3, 3),
        ("axios-retry", 1, 4, 4, 4),
        ("urllib3-default", 4, 1, 4, 1),
        ("mongodb-driver", 1, 1, 2, 1),
        ("etcd-clientv3", 1, 100, 100, 1),
    ] {
        for (outcome, attempts) in [
            (Outcome::Timeout, timeout),
            (Outcome::Rejected, rejected),
            (Outcome::Reset, reset),
            (Outcome::Error, error),
        ] {
            let made = Caller::new(name).call(u32::MAX, |_| outcome).attempts;
            assert_eq!(made, attempts, "{name} on {}", outcome.name());
        }
    }
}

#[test]
fn quotas_end_where_the_vectors_say() {
    for (name, outcome, retries) in [
        ("aws-standard-2.1", Outcome::Error, 35),
        ("aws-standard-2.1", Outcome::Timeout, 35),
        ("aws-standard-2.1", Outcome::Rejected, 100),
        ("aws-standard-2.0", Outcome::Error, 100),
        ("aws-standard-2.0", Outcome::Timeout, 50),
        ("aws-dynamodb-2.1", Outcome::Reset, 35),
        // Failures 1 to 4 may be retried, but the fourth is the call's last attempt; the fifth may not.
        ("grpc-a6-example", Outcome::Rejected, 3),
        // 111 of 1,111 attempts are just below 10 %.
        ("google-sre", Outcome::Error, 111),
    ] {
        assert_eq!(Caller::new(name).retries(1000, outcome), retries, "{name} on {}", outcome.name());
    }
}

#[test]
fn finagle_starts_with_a_hundred_and_earns_one_for_five_successes() {
    let mut caller = Caller::new("finagle");
    assert_eq!(caller.retries(1000, Outcome::Reset), 100);
    for _ in 0..4 {
        caller.call(1, |_| Outcome::Success);
    }
    assert_eq!(caller.retries(1, Outcome::Reset), 0);
    caller.call(1, |_| Outcome::Success);
    assert_eq!(caller.retries(1, Outcome::Reset), 1);
}

#[test]
fn envoy_makes_three_retries_at_a_time() {
    let mut caller = Caller::new("envoy-retry-on");
    let jobs: Vec<Job> = (0..10).map(|_| caller.start()).collect();
    let scheduled = jobs.iter().filter(|job| {
        let outputs = caller.answer(**job, Outcome::Rejected);
        outputs.iter().any(|o| matches!(o, ClientOut::WakeAt { wake: Wake::Retry(_), .. }))
    });
    assert_eq!(scheduled.count(), 3);
    // With a budget of 20 %: ten of fifty calls in progress.
    let mut caller = Caller::new("envoy-retry-budget");
    let jobs: Vec<Job> = (0..50).map(|_| caller.start()).collect();
    let mut scheduled = 0;
    for job in &jobs[..10] {
        let outputs = caller.answer(*job, Outcome::Rejected);
        scheduled +=
            outputs.iter().filter(|o| matches!(o, ClientOut::WakeAt { wake: Wake::Retry(_), .. })).count();
    }
    assert_eq!(scheduled, 10);
    assert!(caller.answer(jobs[10], Outcome::Rejected).iter().any(|o| matches!(o, ClientOut::Done { .. })));
}

/// Every wait lies in the interval that the source gives, in milliseconds, and the intervals are used to their ends.
#[test]
fn waits_follow_the_published_formulas() {
    /// A preset, how every attempt ends, and the bounds of each wait.
    type Case = (&'static str, Outcome, &'static [(f64, f64)]);
    let cases: [Case; 9] = [
        ("aws-standard-2.0", Outcome::Error, &[(0.0, 1000.0), (0.0, 2000.0)]),
        ("aws-standard-2.1", Outcome::Error, &[(0.0, 50.0), (0.0, 100.0)]),
        ("aws-standard-2.1", Outcome::Rejected, &[(0.0, 1000.0), (0.0, 2000.0)]),
        ("aws-dynamodb-2.1", Outcome::Error, &[(0.0, 25.0), (0.0, 50.0), (0.0, 100.0)]),
        ("grpc-a6-example", Outcome::Rejected, &[(80.0, 120.0), (160.0, 240.0), (320.0, 480.0)]),
        ("istio-default", Outcome::Rejected, &[(0.0, 25.0), (0.0, 50.0)]),
        ("linkerd-annotations", Outcome::Error, &[(25.0, 50.0)]),
        ("polly-v8", Outcome::Timeout, &[(2000.0, 2000.0), (2000.0, 2000.0), (2000.0, 2000.0)]),
        ("resilience4j", Outcome::Timeout, &[(500.0, 500.0), (500.0, 500.0)]),
    ];
    for (name, outcome, bounds) in cases {
        let (mut least, mut most) = (vec![f64::INFINITY; bounds.len()], vec![0f64; bounds.len()]);
        let retry = preset(name);
        for seed in 0..300 {
            // A fresh client each, so that no budget interferes.
            let mut caller = Caller::of(retry.clone(), seed);
            let made = caller.call(bounds.len() as u32 + 1, |_| outcome);
            assert_eq!(made.waits.len(), bounds.len(), "{name}");
            for (retry, wait) in made.waits.iter().enumerate() {
                least[retry] = least[retry].min(wait.as_millis_f64());
                most[retry] = most[retry].max(wait.as_millis_f64());
            }
        }
        for (retry, (low, high)) in bounds.iter().enumerate() {
            let slack = 0.03 * (high - low) + 1e-6;
            assert!(least[retry] >= low - 1e-3 && most[retry] <= high + 1e-3, "{name}: {least:?} {most:?}");
            assert!(least[retry] <= low + slack && most[retry] >= high - slack, "{name}: {least:?} {most:?}");
        }
    }
}
