//! Hedged calls, step by step. The first tests are the rules of gRPC's hedging policy (grpc/proposal A6).
use lab_core::{
    balance::Balance,
    budget::{Budget, CreditPer},
    call::{Job, Outcome, OutcomeSet},
    client::{Client, ClientControl, ClientIn, ClientOut, ClientPolicy, Wake},
    directory::{Directory, StoreAccess},
    draw::Draw,
    hedge::{After, Hedge},
    keys::{OperationSource, Operations, Popularity},
    lineage::Lineage,
    machine::Machine,
    replicate::{Ack, Mode, Reads},
    retry::{Backoff, Retry},
    time::{Span, Time},
};
use proptest::prelude::*;

fn ms(ms: u64) -> Time {
    Time::ZERO + Span::from_millis(ms)
}

/// The example of A6: four attempts, half a second apart; three outcomes are not fatal.
fn a6() -> Hedge {
    Hedge {
        after: After::Fixed(Span::from_millis(500)),
        max_attempts: 4,
        non_fatal: OutcomeSet::of(&[Outcome::Rejected, Outcome::Reset]),
        budget: Budget::None,
        writes: false,
    }
}

fn policy(hedge: Hedge) -> ClientPolicy {
    ClientPolicy {
        per_try_timeout: Span::FOREVER,
        deadline: Span::FOREVER,
        retry: Retry::none(),
        hedge: Some(hedge),
        balance: Balance::RoundRobin,
    }
}

struct Rig {
    client: Client,
}

impl Rig {
    fn of(policy: &ClientPolicy, replicas: u32) -> Rig {
        Rig { client: Client::new(0, policy, replicas, Draw { seed: 1 }) }
    }
    fn new(hedge: Hedge) -> Rig {
        Rig::of(&policy(hedge), 5)
    }
    fn step(&mut self, now: Time, input: ClientIn) -> Vec<ClientOut> {
        let mut out = vec![];
        self.client.step(now, input, &mut out);
        out
    }
    fn arrive(&mut self, now: Time, call: u64) -> Vec<ClientOut> {
        self.step(now, ClientIn::Arrive { call, intended: now })
    }
    fn answer(&mut self, now: Time, job: Job, outcome: Outcome) -> Vec<ClientOut> {
        self.step(now, ClientIn::Answer { attempt: job.attempt, outcome })
    }
    /// Lets the timer for the next attempt go off that `outputs` ask for; `None`: they ask for none.
    fn wait(&mut self, outputs: &[ClientOut]) -> Option<(Time, Vec<ClientOut>)> {
        let (at, wake) = hedge_timer(outputs)?;
        Some((at, self.step(at, ClientIn::Woken(wake))))
    }
    fn in_flight(&self) -> u32 {
        self.client.in_flight().iter().sum()
    }
}

fn sent(outputs: &[ClientOut]) -> Option<(Job, u32)> {
    outputs.iter().find_map(|o| match o {
        ClientOut::Send { job, replica, .. } => Some((*job, *replica)),
        _ => None,
    })
}

fn hedge_timer(outputs: &[ClientOut]) -> Option<(Time, Wake)> {
    outputs.iter().find_map(|o| match o {
        ClientOut::WakeAt { at, wake: wake @ Wake::Retry(_) } => Some((*at, *wake)),
        _ => None,
    })
}

fn done(outputs: &[ClientOut]) -> Option<(Outcome, u32)> {
    outputs.iter().find_map(|o| match o {
        ClientOut::Done { outcome, attempts, .. } => Some((*outcome, *attempts)),
        _ => None,
    })
}

fn given_up(outputs: &[ClientOut]) -> usize {
    outputs.iter().filter(|o| matches!(o, ClientOut::GiveUp { .. })).count()
}

/// All attempts of a call that nobody answers, with when they were sent and where to.
fn all_sent(rig: &mut Rig, call: u64) -> Vec<(Time, Job, u32)> {
    let mut outputs = rig.arrive(ms(1), call);
    let mut now = ms(1);
    let mut list = vec![];
    while let Some((job, replica)) = sent(&outputs) {
        list.push((now, job, replica));
        match rig.wait(&outputs) {
            Some(next) => (now, outputs) = next,
            None => break,
        }
    }
    list
}

#[test]
fn attempts_follow_each_other_at_1_501_1001_and_1501_ms_to_distinct_replicas() {
    let mut rig = Rig::new(a6());
    let attempts = all_sent(&mut rig, 7);
    let times: Vec<Time> = attempts.iter().map(|a| a.0).collect();
    assert_eq!(times, [ms(1), ms(501), ms(1001), ms(1501)]);
    assert!(attempts.iter().enumerate().all(|(i, a)| a.1.call == 7 && a.1.number == i as u32 + 1));
    let mut replicas: Vec<u32> = attempts.iter().map(|a| a.2).collect();
    replicas.sort_unstable();
    replicas.dedup();
    assert_eq!((replicas.len(), rig.in_flight(), rig.client.in_progress()), (4, 4, 1));
}

#[test]
fn the_first_success_wins_and_the_others_are_given_up() {
    let mut rig = Rig::new(a6());
    let attempts = all_sent(&mut rig, 7);
    let outputs = rig.answer(ms(1600), attempts[2].1, Outcome::Success);
    assert_eq!(outputs[0], ClientOut::Ended { outcome: Outcome::Success });
    assert_eq!((done(&outputs), given_up(&outputs)), (Some((Outcome::Success, 4)), 3));
    for lost in [0, 1, 3] {
        let (_, job, replica) = attempts[lost];
        assert!(outputs.contains(&ClientOut::GiveUp { attempt: job.attempt, replica }), "{lost}");
    }
    assert_eq!((rig.in_flight(), rig.client.in_progress()), (0, 0));
    // What still comes is late, also when the places belong to others by then.
    rig.arrive(ms(1700), 8);
    for (_, job, _) in attempts {
        let late = rig.answer(ms(1700), job, Outcome::Success);
        assert_eq!(late, [ClientOut::Late { attempt: job.attempt }]);
    }
    assert_eq!((rig.in_flight(), rig.client.in_progress()), (1, 1));
}

#[test]
fn after_a_failure_that_is_not_fatal_the_next_attempt_follows_at_once() {
    let mut rig = Rig::new(a6());
    let outputs = rig.arrive(ms(0), 7);
    let first = sent(&outputs).unwrap().0;
    let outputs = rig.answer(ms(100), first, Outcome::Rejected);
    assert_eq!(sent(&outputs).unwrap().0.number, 2);
    assert_eq!(done(&outputs), None);
    // From there on the wait is as long as always.
    assert_eq!(hedge_timer(&outputs).unwrap().0, ms(600));
    // The timer that the first attempt had asked for is stale.
    let mut rig = Rig::new(a6());
    let outputs = rig.arrive(ms(0), 7);
    let (_, stale) = hedge_timer(&outputs).unwrap();
    rig.answer(ms(100), sent(&outputs).unwrap().0, Outcome::Rejected);
    assert_eq!(rig.step(ms(500), ClientIn::Woken(stale)), []);
}

#[test]
fn a_fatal_failure_ends_the_call_and_gives_up_the_others() {
    let mut rig = Rig::new(a6());
    let attempts = all_sent(&mut rig, 7);
    let outputs = rig.answer(ms(1600), attempts[3].1, Outcome::Error);
    assert_eq!((done(&outputs), given_up(&outputs)), (Some((Outcome::Error, 4)), 3));
    assert_eq!((rig.in_flight(), rig.client.in_progress()), (0, 0));
}

#[test]
fn when_all_attempts_have_failed_there_are_no_more() {
    let mut rig = Rig::new(a6());
    let mut outputs = rig.arrive(ms(0), 7);
    let mut attempts = 0;
    while let Some((job, _)) = sent(&outputs) {
        attempts += 1;
        outputs = rig.answer(ms(attempts), job, Outcome::Reset);
    }
    assert_eq!((attempts, done(&outputs)), (4, Some((Outcome::Reset, 4))));
    // The first may fail while the others go on.
    let mut rig = Rig::new(a6());
    let attempts = all_sent(&mut rig, 8);
    let outputs = rig.answer(ms(1600), attempts[0].1, Outcome::Rejected);
    assert_eq!((done(&outputs), rig.in_flight()), (None, 3));
    let outputs = rig.answer(ms(1700), attempts[1].1, Outcome::Success);
    assert_eq!((done(&outputs), given_up(&outputs)), (Some((Outcome::Success, 4)), 2));
}

/// 10 tokens, 0.1 a success: four failures leave 6, and after the fifth no hedge is sent.
#[test]
fn grpc_throttling_lets_four_failures_hedge_and_not_the_fifth() {
    let throttle = Budget::GrpcThrottle { max_tokens: 10.0, token_ratio: 0.1 };
    let mut rig = Rig::new(Hedge { max_attempts: 2, budget: throttle, ..a6() });
    for call in 1..=5 {
        let outputs = rig.arrive(ms(call), call);
        let outputs = rig.answer(ms(call), sent(&outputs).unwrap().0, Outcome::Rejected);
        assert_eq!(sent(&outputs).is_some(), call <= 4, "{call}");
        // The failure is returned where nothing else is under way.
        assert_eq!(done(&outputs).is_some(), call == 5, "{call}");
    }
    // The first attempt is always sent, but nothing beside it, and it is not given up for that.
    let outputs = rig.arrive(ms(10), 9);
    assert!(sent(&outputs).is_some());
    let (_, outputs) = rig.wait(&outputs).unwrap();
    assert_eq!(outputs, []);
    assert_eq!(rig.client.in_progress(), 5);
}

#[test]
fn a_bucket_pays_for_every_hedge() {
    let bucket = Budget::TokenBucket { credit_per: CreditPer::Call, ratio: 0.1, burst: 2.0 };
    let mut rig = Rig::new(Hedge { max_attempts: 2, budget: bucket, ..a6() });
    let hedged = (0..100).filter(|&call| {
        let outputs = rig.arrive(ms(1000 * call), call);
        sent(&rig.wait(&outputs).unwrap().1).is_some()
    });
    // The burst, and a tenth of a token for each call.
    assert_eq!(hedged.count(), 11);
}

#[test]
fn a_limit_on_hedges_in_flight_is_freed_however_they_end() {
    let two = Budget::Concurrent { ratio: 0.0, at_least: 1 };
    let mut rig = Rig::new(Hedge { max_attempts: 2, budget: two, ..a6() });
    for (call, outcome) in [(1, Outcome::Success), (2, Outcome::Reset), (3, Outcome::Error)] {
        let now = ms(10_000 * call);
        let outputs = rig.arrive(now, call);
        let first = sent(&outputs).unwrap().0;
        let (at, outputs) = rig.wait(&outputs).unwrap();
        let second = sent(&outputs).unwrap().0;
        // Another call finds the limit reached.
        let other = rig.arrive(at, 100 + call);
        let job = sent(&other).unwrap().0;
        let (later, refused) = rig.wait(&other).unwrap();
        assert_eq!(sent(&refused), None, "{call}");
        rig.answer(later, job, Outcome::Success);
        // Lost, failed, or cut off by the other's fatal failure.
        let ends = if call == 2 { second } else { first };
        rig.answer(later, ends, outcome);
        if call == 2 {
            rig.answer(later, first, Outcome::Success);
        }
    }
    assert_eq!((rig.in_flight(), rig.client.in_progress()), (0, 0));
}

#[test]
fn the_deadline_ends_all_attempts_and_nothing_is_sent_that_could_not_end_before() {
    let mut policy = policy(a6());
    policy.deadline = Span::from_millis(1200);
    let mut rig = Rig::of(&policy, 5);
    let attempts = all_sent(&mut rig, 7);
    assert_eq!(attempts.len(), 3);
    assert!(attempts.iter().all(|a| a.1.gives_up_at == ms(1201)));
    let timeouts = rig.step(ms(1201), ClientIn::Woken(Wake::Timeouts));
    // A timeout is fatal in A6's example: one ends them all.
    assert_eq!((done(&timeouts), given_up(&timeouts)), (Some((Outcome::Timeout, 3)), 3));
    assert_eq!((rig.in_flight(), rig.client.in_progress()), (0, 0));
}

#[test]
fn who_switches_retries_off_switches_hedges_off() {
    let mut rig = Rig::new(a6());
    rig.step(ms(0), ClientIn::Control(ClientControl::Retries(false)));
    assert_eq!(all_sent(&mut rig, 7).len(), 1);
    rig.step(ms(0), ClientIn::Control(ClientControl::Retries(true)));
    assert_eq!(all_sent(&mut rig, 8).len(), 4);
}

#[test]
fn a_learnt_wait_hedges_nothing_before_it_is_learnt() {
    let mut rig = Rig::new(Hedge { after: After::Quantile(0.9), max_attempts: 2, ..a6() });
    for call in 0..100 {
        let now = ms(90 * call);
        let outputs = rig.arrive(now, call);
        assert_eq!(hedge_timer(&outputs), None);
        let took = Span::from_millis(1 + call % 10);
        rig.answer(now + took, sent(&outputs).unwrap().0, Outcome::Success);
    }
    let outputs = rig.arrive(ms(10_001), 100);
    let wait = hedge_timer(&outputs).unwrap().0.since(ms(10_001)).as_millis_f64();
    assert!((8.7..9.3).contains(&wait), "{wait}");
}

/// Of a replicated store reads are hedged, and writes retried.
#[test]
fn writes_follow_the_retry_policy_unless_they_are_to_be_hedged() {
    let store = |read_share, writes| {
        let mut policy = policy(Hedge { writes, ..a6() });
        policy.retry = Retry {
            max_attempts: 3,
            retry_on: OutcomeSet::of(&[Outcome::Reset]),
            backoff: Backoff::none(),
            budget: Budget::None,
        };
        let operations = Operations { read_share, keys: 10, popularity: Popularity::Uniform };
        let access = StoreAccess {
            mode: Mode::PrimaryBackup { ack: Ack::Majority, reads: Reads::Any },
            operations: [OperationSource::new(&operations)].into(),
            deduplicate: true,
            lineage: Lineage::default(),
        };
        let client = Client::new(0, &policy, 3, Draw { seed: 1 });
        let mut rig = Rig { client: client.with_directory(Directory::new(Some(access), 3)) };
        let outputs = rig.arrive(ms(0), 7);
        (rig, outputs)
    };
    let (mut rig, outputs) = store(1.0, false);
    let first = sent(&outputs).unwrap().1;
    let second = sent(&rig.wait(&outputs).unwrap().1).unwrap().1;
    assert!(first != second);
    let (mut rig, mut outputs) = store(0.0, false);
    assert_eq!(hedge_timer(&outputs), None);
    let mut attempts = 0;
    while let Some((job, replica)) = sent(&outputs) {
        attempts += 1;
        assert_eq!(replica, (attempts - 1) % 3, "the primary, then its neighbours");
        outputs = rig.answer(ms(1), job, Outcome::Reset);
    }
    assert_eq!(done(&outputs), Some((Outcome::Reset, 3)));
    // To be hedged, a write asks the primary again: nobody else serves it.
    let (mut rig, outputs) = store(0.0, true);
    assert_eq!(sent(&rig.wait(&outputs).unwrap().1).unwrap().1, 0);
}

#[test]
fn a_crash_ends_each_call_once() {
    let mut rig = Rig::new(a6());
    all_sent(&mut rig, 7);
    rig.arrive(ms(2000), 8);
    let mut out = vec![];
    rig.client.crash(&mut out);
    let calls: Vec<(u64, u32)> = out
        .iter()
        .filter_map(|o| match o {
            ClientOut::Done { call, attempts, outcome: Outcome::Reset, .. } => Some((*call, *attempts)),
            _ => None,
        })
        .collect();
    assert_eq!((calls, given_up(&out)), (vec![(7, 4), (8, 1)], 5));
    assert_eq!((rig.in_flight(), rig.client.in_progress()), (0, 0));
    assert_eq!(all_sent(&mut rig, 9).len(), 4);
}

/// What a random environment does next.
#[derive(Clone, Copy, Debug)]
enum Next {
    Arrive,
    Answer(usize, Outcome),
    Timer(usize),
}

fn next() -> impl Strategy<Value = Next> {
    // A timeout is nothing that the network brings.
    let answers: Vec<Outcome> = Outcome::ALL.into_iter().filter(|o| *o != Outcome::Timeout).collect();
    let outcome = prop::sample::select(answers);
    prop_oneof![
        2 => Just(Next::Arrive),
        3 => (0..64usize, outcome).prop_map(|(which, outcome)| Next::Answer(which, outcome)),
        4 => (0..64usize).prop_map(Next::Timer),
    ]
}

proptest! {
    /// Whatever answers and timers come in whatever order: every call ends once, with as many attempts as were sent for it;
    /// an attempt ends, is given up or is in flight; and no call has two attempts at one replica while there are others.
    #[test]
    fn every_call_ends_once(steps in prop::collection::vec(next(), 1..200), concurrent in any::<bool>()) {
        let budget = if concurrent { Budget::Concurrent { ratio: 0.5, at_least: 1 } } else { Budget::None };
        let mut policy = policy(Hedge { max_attempts: 3, budget, ..a6() });
        policy.per_try_timeout = Span::from_millis(700);
        policy.deadline = Span::from_millis(1500);
        let mut rig = Rig::of(&policy, 3);
        let (mut now, mut calls) = (ms(0), 0u64);
        let mut timers: Vec<(Time, Wake)> = vec![];
        // Attempts of each call, and those that are in flight, with their calls and replicas.
        let mut attempts: Vec<u32> = vec![];
        let mut over: Vec<bool> = vec![];
        let mut flying: Vec<(Job, u32)> = vec![];
        let mut known: Vec<Job> = vec![];
        for step in steps {
            let before = flying.len();
            let input = match step {
                Next::Arrive => {
                    calls += 1;
                    attempts.push(0);
                    over.push(false);
                    ClientIn::Arrive { call: calls - 1, intended: now }
                }
                Next::Answer(which, outcome) if !known.is_empty() => {
                    let attempt = known[which % known.len()].attempt;
                    ClientIn::Answer { attempt, outcome }
                }
                Next::Timer(which) if !timers.is_empty() => {
                    let (at, wake) = timers.swap_remove(which % timers.len().min(3));
                    now = now.max(at);
                    ClientIn::Woken(wake)
                }
                _ => continue,
            };
            let (mut ended, mut given) = (0, 0);
            let answered = match input { ClientIn::Answer { attempt, .. } => Some(attempt), _ => None };
            for output in rig.step(now, input) {
                match output {
                    ClientOut::Send { job, replica, .. } => {
                        attempts[job.call as usize] += 1;
                        prop_assert_eq!(job.number, attempts[job.call as usize]);
                        prop_assert!(!flying.iter().any(|f| f.0.call == job.call && f.1 == replica
                            && Some(f.0.attempt) != answered));
                        flying.push((job, replica));
                        known.push(job);
                    }
                    ClientOut::WakeAt { at, wake } => timers.push((at, wake)),
                    ClientOut::GiveUp { attempt, replica } => {
                        given += 1;
                        let found = flying.iter().position(|f| f.0.attempt == attempt && f.1 == replica);
                        prop_assert!(found.is_some());
                        flying.remove(found.unwrap());
                    }
                    ClientOut::Ended { outcome } => ended += u32::from(outcome != Outcome::Timeout),
                    ClientOut::Done { call, attempts: told, .. } => {
                        prop_assert!(!over[call as usize]);
                        over[call as usize] = true;
                        prop_assert_eq!(told, attempts[call as usize]);
                    }
                    ClientOut::Late { .. } | ClientOut::SendOn { .. } => {}
                }
            }
            if ended > 0 {
                // An answer ends one attempt.
                let found = flying.iter().position(|f| Some(f.0.attempt) == answered);
                prop_assert!(found.is_some() && ended == 1);
                flying.remove(found.unwrap());
            }
            prop_assert!(flying.len() <= before + 1 && given <= before);
            prop_assert_eq!(rig.in_flight() as usize, flying.len());
            prop_assert_eq!(rig.client.in_progress(), over.iter().filter(|o| !**o).count());
        }
    }
}
