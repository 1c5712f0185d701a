//! The client machine, step by step.
use lab_core::{
    balance::Balance,
    budget::{Budget, CreditPer},
    call::{Attempt, Job, Outcome, OutcomeSet},
    client::{Client, ClientControl, ClientIn, ClientOut, ClientPolicy, Wake},
    draw::Draw,
    machine::Machine,
    retry::{Backoff, Jitter, Retry},
    setting::ClientSetting,
    time::{Span, Time},
};

fn ms(ms: u64) -> Time {
    Time(ms * 1_000_000)
}

fn fixed_backoff(wait: u64) -> Backoff {
    let wait = Span::from_millis(wait);
    Backoff { initial: wait, initial_after_rejection: wait, multiplier: 1.0, max: wait, jitter: Jitter::None }
}

/// Three attempts, on timeout and rejection, 1 s each, at once.
fn policy() -> ClientPolicy {
    ClientPolicy {
        per_try_timeout: Span::from_secs(1),
        deadline: Span::FOREVER,
        retry: Retry {
            max_attempts: 3,
            retry_on: OutcomeSet::of(&[Outcome::Timeout, Outcome::Rejected]),
            backoff: Backoff::none(),
            budget: Budget::None,
        },
        hedge: None,
        balance: Balance::RoundRobin,
    }
}

struct Rig {
    client: Client,
    out: Vec<ClientOut>,
}

impl Rig {
    fn new(policy: &ClientPolicy) -> Rig {
        Rig { client: Client::new(0, policy, 2, Draw { seed: 1 }), out: vec![] }
    }

    fn step(&mut self, now: Time, input: ClientIn) -> Vec<ClientOut> {
        self.client.step(now, input, &mut self.out);
        self.out.drain(..).collect()
    }

    fn arrive(&mut self, now: Time, call: u64) -> Vec<ClientOut> {
        self.step(now, ClientIn::Arrive { call, intended: now })
    }

    fn answer(&mut self, now: Time, attempt: Attempt, outcome: Outcome) -> Vec<ClientOut> {
        self.step(now, ClientIn::Answer { attempt, outcome })
    }

    fn timeout(&mut self, now: Time, attempt: Attempt) -> Vec<ClientOut> {
        self.step(now, ClientIn::Woken(Wake::Timeout(attempt)))
    }

    /// The same call, meanwhile sent: attempts that the client waits for now.
    fn waiting_for(&self) -> u32 {
        self.client.in_flight().iter().sum()
    }
}

fn sent(outputs: &[ClientOut]) -> Option<Job> {
    outputs.iter().find_map(|o| match o {
        ClientOut::Send { job, .. } => Some(*job),
        _ => None,
    })
}

fn done(outputs: &[ClientOut]) -> Option<(Outcome, u32)> {
    outputs.iter().find_map(|o| match o {
        ClientOut::Done { outcome, attempts, .. } => Some((*outcome, *attempts)),
        _ => None,
    })
}

fn wakes(outputs: &[ClientOut]) -> Vec<(Time, Wake)> {
    let wake = |o: &ClientOut| match o {
        ClientOut::WakeAt { at, wake } => Some((*at, *wake)),
        _ => None,
    };
    outputs.iter().filter_map(wake).collect()
}

#[test]
fn a_call_that_is_answered_is_done_with_one_attempt() {
    let mut rig = Rig::new(&policy());
    let outputs = rig.arrive(ms(5), 7);
    let job = sent(&outputs).unwrap();
    assert_eq!((job.call, job.number, job.gives_up_at), (7, 1, ms(1005)));
    assert_eq!(wakes(&outputs), [(ms(1005), Wake::Timeouts)]);
    let outputs = rig.answer(ms(30), job.attempt, Outcome::Success);
    assert_eq!(
        outputs,
        [
            ClientOut::Ended { outcome: Outcome::Success },
            ClientOut::Done { call: 7, outcome: Outcome::Success, attempts: 1, intended: ms(5) }
        ]
    );
    assert_eq!((rig.client.in_progress(), rig.waiting_for()), (0, 0));
    // Its timer still comes, and nobody minds.
    assert_eq!(rig.timeout(ms(1005), job.attempt), []);
}

#[test]
fn the_timeout_is_capped_by_what_is_left_of_the_deadline() {
    let mut policy = policy();
    policy.deadline = Span::from_millis(1500);
    let mut rig = Rig::new(&policy);
    let first = sent(&rig.arrive(ms(0), 1)).unwrap();
    assert_eq!(first.gives_up_at, ms(1000));
    let second = sent(&rig.timeout(ms(1000), first.attempt)).unwrap();
    assert_eq!(second.gives_up_at, ms(1500));
    // At the deadline the call is over although an attempt would be left.
    let outputs = rig.timeout(ms(1500), second.attempt);
    assert_eq!(done(&outputs), Some((Outcome::Timeout, 2)));
    assert_eq!(sent(&outputs), None);
}

/// A live generator may be late: the deadline counts from the intended start, the per-try timeout from the send.
#[test]
fn a_late_start_shortens_the_deadline_but_not_the_timeout() {
    let mut policy = policy();
    policy.deadline = Span::from_millis(1200);
    let mut rig = Rig::new(&policy);
    let job = sent(&rig.step(ms(100), ClientIn::Arrive { call: 1, intended: ms(0) })).unwrap();
    assert_eq!(job.gives_up_at, ms(1100));
    let job = sent(&rig.step(ms(300), ClientIn::Arrive { call: 2, intended: ms(0) })).unwrap();
    assert_eq!(job.gives_up_at, ms(1200));
}

#[test]
fn without_timeout_and_deadline_no_timer_runs() {
    let mut policy = policy();
    policy.per_try_timeout = Span::FOREVER;
    let mut rig = Rig::new(&policy);
    let outputs = rig.arrive(ms(0), 1);
    assert_eq!(sent(&outputs).unwrap().gives_up_at, Time::NEVER);
    assert_eq!(wakes(&outputs), []);
}

#[test]
fn no_timeout_runs_during_backoff() {
    let mut policy = policy();
    policy.retry.backoff = fixed_backoff(5000);
    let mut rig = Rig::new(&policy);
    let first = sent(&rig.arrive(ms(0), 1)).unwrap();
    let outputs = rig.answer(ms(100), first.attempt, Outcome::Rejected);
    let [(at, wake)] = wakes(&outputs)[..] else { panic!("one timer: {outputs:?}") };
    assert_eq!(at, ms(5100));
    assert_eq!(rig.waiting_for(), 0);
    // The first attempt's timer comes in the middle of the wait.
    assert_eq!(rig.timeout(ms(1000), first.attempt), []);
    let second = sent(&rig.step(at, ClientIn::Woken(wake))).unwrap();
    assert_eq!((second.number, second.gives_up_at), (2, ms(6100)));
    // The wait's timer is spent.
    assert_eq!(rig.step(ms(5200), ClientIn::Woken(wake)), []);
}

#[test]
fn only_a_current_attempt_can_succeed() {
    let mut rig = Rig::new(&policy());
    let first = sent(&rig.arrive(ms(0), 1)).unwrap();
    let outputs = rig.timeout(ms(1000), first.attempt);
    assert_eq!(outputs[0], ClientOut::GiveUp { attempt: first.attempt, replica: 0 });
    assert_eq!(outputs[1], ClientOut::Ended { outcome: Outcome::Timeout });
    let second = sent(&outputs).unwrap();
    assert_eq!(
        rig.answer(ms(1100), first.attempt, Outcome::Success),
        [ClientOut::Late { attempt: first.attempt }]
    );
    assert_eq!(rig.client.in_progress(), 1);
    let outputs = rig.answer(ms(1200), second.attempt, Outcome::Success);
    assert_eq!(done(&outputs), Some((Outcome::Success, 2)));
    // An answer twice is late the second time, also when the slot belongs to another call by then.
    let other = sent(&rig.arrive(ms(1300), 2)).unwrap();
    assert_eq!(other.attempt.slot, second.attempt.slot);
    assert_eq!(
        rig.answer(ms(1300), second.attempt, Outcome::Success),
        [ClientOut::Late { attempt: second.attempt }]
    );
    assert_eq!(rig.client.in_progress(), 1);
}

#[test]
fn only_listed_outcomes_are_tried_again_and_only_so_often() {
    for (outcome, attempts) in
        [(Outcome::Timeout, 3), (Outcome::Rejected, 3), (Outcome::Reset, 1), (Outcome::Error, 1)]
    {
        let mut rig = Rig::new(&policy());
        let mut outputs = rig.arrive(ms(0), 1);
        let mut replicas = vec![];
        while let Some(job) = sent(&outputs) {
            replicas.extend(outputs.iter().filter_map(|o| match o {
                ClientOut::Send { replica, .. } => Some(*replica),
                _ => None,
            }));
            outputs = match outcome {
                Outcome::Timeout => rig.timeout(job.gives_up_at, job.attempt),
                other => rig.answer(ms(10), job.attempt, other),
            };
        }
        assert_eq!(done(&outputs), Some((outcome, attempts)));
        assert_eq!(replicas, [0, 1, 0][..attempts as usize]);
        assert_eq!((rig.client.in_progress(), rig.waiting_for()), (0, 0));
    }
}

#[test]
fn a_retry_that_could_only_start_after_the_deadline_is_neither_made_nor_charged() {
    let mut policy = policy();
    policy.deadline = Span::from_millis(500);
    policy.retry.backoff = fixed_backoff(400);
    policy.retry.budget = Budget::TokenBucket { credit_per: CreditPer::Call, ratio: 0.0, burst: 1.0 };
    let mut rig = Rig::new(&policy);
    let first = sent(&rig.arrive(ms(0), 1)).unwrap();
    // 100 + 400 is the deadline itself.
    assert_eq!(done(&rig.answer(ms(100), first.attempt, Outcome::Rejected)), Some((Outcome::Rejected, 1)));
    // The token is still there for a call that can use it.
    let second = sent(&rig.arrive(ms(1000), 2)).unwrap();
    let outputs = rig.answer(ms(1099), second.attempt, Outcome::Rejected);
    assert_eq!(wakes(&outputs).len(), 1, "{outputs:?}");
    // And now it is spent: charged when the retry is scheduled.
    let third = sent(&rig.arrive(ms(1100), 3)).unwrap();
    assert_eq!(done(&rig.answer(ms(1101), third.attempt, Outcome::Rejected)), Some((Outcome::Rejected, 1)));
}

#[test]
fn an_outcome_that_is_not_retried_takes_no_grpc_token() {
    let mut policy = policy();
    policy.retry.budget = Budget::GrpcThrottle { max_tokens: 2.0, token_ratio: 0.1 };
    let mut rig = Rig::new(&policy);
    for call in 0..100 {
        let job = sent(&rig.arrive(ms(call), call)).unwrap();
        assert_eq!(done(&rig.answer(ms(call), job.attempt, Outcome::Error)), Some((Outcome::Error, 1)));
    }
    // Two tokens: the first retryable failure leaves one, which is half of two and not above it.
    let job = sent(&rig.arrive(ms(200), 200)).unwrap();
    assert_eq!(done(&rig.answer(ms(200), job.attempt, Outcome::Rejected)), Some((Outcome::Rejected, 1)));
}

#[test]
fn retries_can_be_switched_off_and_on() {
    let mut rig = Rig::new(&policy());
    rig.step(ms(0), ClientIn::Control(ClientControl::Retries(false)));
    let job = sent(&rig.arrive(ms(0), 1)).unwrap();
    assert_eq!(done(&rig.timeout(ms(1000), job.attempt)), Some((Outcome::Timeout, 1)));
    rig.step(ms(1000), ClientIn::Control(ClientControl::Retries(true)));
    let job = sent(&rig.arrive(ms(1000), 2)).unwrap();
    assert!(sent(&rig.timeout(ms(2000), job.attempt)).is_some());
}

#[test]
fn shed_calls_are_done_without_an_attempt_and_the_share_is_kept() {
    let mut policy = policy();
    policy.retry.budget = Budget::TokenBucket { credit_per: CreditPer::Call, ratio: 1.0, burst: 1.0 };
    let mut rig = Rig::new(&policy);
    rig.step(ms(0), ClientIn::Control(ClientControl::Admit(0.3)));
    let mut admitted = 0;
    for call in 0..10_000 {
        let outputs = rig.arrive(ms(0), call);
        match sent(&outputs) {
            Some(_) => admitted += 1,
            None => assert_eq!(
                outputs,
                [ClientOut::Done { call, outcome: Outcome::Rejected, attempts: 0, intended: ms(0) }]
            ),
        }
    }
    // Binomial(10,000, 0.3): standard deviation 46.
    assert!((2800..3200).contains(&admitted), "{admitted}");
    assert_eq!(rig.client.in_progress(), admitted);
    rig.step(ms(0), ClientIn::Control(ClientControl::Admit(0.0)));
    assert_eq!(sent(&rig.arrive(ms(0), 20_000)), None);
    rig.step(ms(0), ClientIn::Control(ClientControl::Admit(1.0)));
    assert!(sent(&rig.arrive(ms(0), 20_001)).is_some());
}

/// Who is shed at a small share is shed at every smaller one: variants with different levers meet the same calls.
#[test]
fn shedding_more_sheds_the_same_calls_and_others() {
    let admitted = |share| -> Vec<u64> {
        let mut rig = Rig::new(&policy());
        rig.step(ms(0), ClientIn::Control(ClientControl::Admit(share)));
        (0..1000).filter(|call| sent(&rig.arrive(ms(0), *call)).is_some()).collect()
    };
    let (few, many) = (admitted(0.2), admitted(0.6));
    assert!(few.iter().all(|call| many.contains(call)) && few.len() < many.len());
}

#[test]
fn an_answer_at_the_instant_of_the_timeout_is_late() {
    let mut rig = Rig::new(&policy());
    let job = sent(&rig.arrive(ms(0), 1)).unwrap();
    let outputs = rig.answer(job.gives_up_at, job.attempt, Outcome::Success);
    assert!(outputs.contains(&ClientOut::Ended { outcome: Outcome::Timeout }), "{outputs:?}");
    assert!(outputs.contains(&ClientOut::Late { attempt: job.attempt }), "{outputs:?}");
}

/// Budgets, round robin and calls in progress belong to one instance.
#[test]
fn instances_share_nothing_and_begin_at_different_replicas() {
    let mut policy = policy();
    policy.retry.budget = Budget::TokenBucket { credit_per: CreditPer::Call, ratio: 0.0, burst: 1.0 };
    let mut firsts = vec![];
    for id in 0..3 {
        let mut client = Client::new(id, &policy, 3, Draw { seed: 1 });
        let mut out = vec![];
        client.step(ms(0), ClientIn::Arrive { call: 1, intended: ms(0) }, &mut out);
        let ClientOut::Send { job, replica, .. } = out[0] else { panic!("{out:?}") };
        assert_eq!(job.client, id);
        firsts.push(replica);
        out.clear();
        client.step(ms(1000), ClientIn::Woken(Wake::Timeout(job.attempt)), &mut out);
        assert!(sent(&out).is_some(), "the bucket of instance {id} is its own");
    }
    assert_eq!(firsts, [0, 1, 2]);
}

mod property {
    use super::*;
    use proptest::prelude::*;

    #[derive(Clone, Debug)]
    enum Act {
        Arrive,
        Answer(usize, Outcome),
        Wake(usize),
        Advance(u64),
        Set(ClientSetting),
    }

    fn setting() -> impl Strategy<Value = ClientSetting> {
        prop_oneof![
            (50u64..3000).prop_map(|t| ClientSetting::PerTryTimeout(Span::from_millis(t))),
            (1u32..6).prop_map(ClientSetting::MaxAttempts),
            (0u64..400).prop_map(|wait| ClientSetting::Backoff(fixed_backoff(wait))),
            (0u32..3)
                .prop_map(|at_least| { ClientSetting::Budget(Budget::Concurrent { ratio: 0.1, at_least }) }),
            Just(ClientSetting::Budget(Budget::None)),
        ]
    }

    fn act() -> impl Strategy<Value = Act> {
        prop_oneof![
            Just(Act::Arrive),
            (any::<usize>(), 0usize..5).prop_map(|(i, o)| Act::Answer(i, Outcome::ALL[o])),
            any::<usize>().prop_map(Act::Wake),
            (1u64..2000).prop_map(Act::Advance),
            setting().prop_map(Act::Set),
        ]
    }

    proptest! {
        /// Whatever comes back in whatever order: every call ends exactly once, no call makes more attempts than allowed, each attempt ends
        /// once or is answered late, and what is counted as in flight is what was sent and has not ended; whatever is set meanwhile.
        #[test]
        fn every_call_ends_once(acts in proptest::collection::vec(act(), 1..400)) {
            let mut policy = policy();
            policy.retry.backoff = fixed_backoff(200);
            policy.deadline = Span::from_millis(2500);
            let mut rig = Rig::new(&policy);
            let (mut allowed, mut most) = (policy.clone(), 3);
            let (mut now, mut calls, mut over) = (ms(0), 0u64, vec![]);
            let (mut jobs, mut timers): (Vec<Job>, Vec<(Time, Wake)>) = (vec![], vec![]);
            let (mut sent_count, mut ended) = (0u32, 0u32);
            for act in acts {
                let outputs = match act {
                    Act::Arrive => { calls += 1; rig.arrive(now, calls) }
                    Act::Answer(i, outcome) if !jobs.is_empty() => {
                        let job = jobs[i % jobs.len()];
                        rig.answer(now, job.attempt, if outcome == Outcome::Timeout { Outcome::Reset } else { outcome })
                    }
                    Act::Wake(i) if !timers.is_empty() => {
                        let (at, wake) = timers.swap_remove(i % timers.len());
                        now = now.max(at);
                        rig.step(now, ClientIn::Woken(wake))
                    }
                    Act::Set(setting) => {
                        allowed.set(setting);
                        most = most.max(allowed.retry.max_attempts);
                        rig.step(now, set(setting))
                    }
                    Act::Advance(by) => { now = now + Span::from_millis(by); vec![] }
                    _ => vec![],
                };
                for output in outputs {
                    match output {
                        ClientOut::Send { job, .. } => {
                            prop_assert!(job.number <= most);
                            prop_assert!(job.gives_up_at <= now + allowed.per_try_timeout);
                            jobs.push(job);
                            sent_count += 1;
                        }
                        ClientOut::WakeAt { at, wake } => timers.push((at, wake)),
                        ClientOut::Ended { .. } => ended += 1,
                        ClientOut::Done { call, .. } => {
                            prop_assert!(!over.contains(&call), "call {} ended twice", call);
                            over.push(call);
                        }
                        ClientOut::GiveUp { .. } | ClientOut::Late { .. } => {}
                        ClientOut::SendOn { .. } => prop_assert!(false, "nobody redirected it"),
                    }
                }
                prop_assert_eq!(rig.waiting_for(), sent_count - ended);
                prop_assert_eq!(rig.client.in_progress() as u64, calls - over.len() as u64);
            }
            // When every timer has gone off, nothing is left.
            while let Some((at, wake)) = timers.pop() {
                now = now.max(at);
                let outputs = rig.step(now, ClientIn::Woken(wake));
                timers.extend(wakes(&outputs));
            }
            prop_assert_eq!(rig.client.in_progress(), 0);
            prop_assert_eq!(rig.waiting_for(), 0);
        }
    }
}

#[test]
fn a_call_for_another_ends_when_its_caller_gives_up_or_at_its_own_deadline() {
    for (deadline, due, limit) in
        [(Span::FOREVER, ms(300), ms(300)), (Span::from_millis(200), ms(300), ms(200))]
    {
        let mut rig = Rig::new(&ClientPolicy { deadline, ..policy() });
        rig.client.call_for(Time::ZERO, 1, 0, due, &mut rig.out);
        let outputs: Vec<ClientOut> = rig.out.drain(..).collect();
        let job = sent(&outputs).unwrap();
        assert_eq!((job.number, job.gives_up_at), (1, limit));
        // No retry could start before the end.
        assert_eq!(done(&rig.timeout(limit, job.attempt)), Some((Outcome::Timeout, 1)));
    }
}

#[test]
fn a_call_for_another_draws_on_from_earlier_tries() {
    let replicas = |before: u32| -> Vec<u32> {
        let policy = ClientPolicy { balance: Balance::Random, ..policy() };
        let mut client = Client::new(0, &policy, 1_000, Draw { seed: 1 });
        let mut out = vec![];
        client.call_for(Time::ZERO, 1, before, Time::NEVER, &mut out);
        let attempt = sent(&out).unwrap().attempt;
        client.step(ms(1), ClientIn::Answer { attempt, outcome: Outcome::Rejected }, &mut out);
        let replica = |o: &ClientOut| match o {
            ClientOut::Send { replica, .. } => Some(*replica),
            _ => None,
        };
        out.iter().filter_map(replica).collect()
    };
    let (first, later) = (replicas(0), replicas(1));
    assert_eq!(first[1], later[0]);
    assert_ne!(first[0], first[1]);
}

#[test]
fn a_crash_ends_every_call_once_and_what_is_said_of_them_later_is_stale() {
    let mut retry = policy();
    retry.retry.backoff = fixed_backoff(100);
    let mut rig = Rig::new(&retry);
    let waits = sent(&rig.arrive(Time::ZERO, 1)).unwrap().attempt;
    let flies = sent(&rig.arrive(Time::ZERO, 2)).unwrap().attempt;
    let backing_off = wakes(&rig.answer(ms(10), waits, Outcome::Rejected));
    rig.client.crash(&mut rig.out);
    let outputs: Vec<ClientOut> = rig.out.drain(..).collect();
    let ended: Vec<u64> = outputs
        .iter()
        .filter_map(|o| match o {
            ClientOut::Done { call, outcome: Outcome::Reset, .. } => Some(*call),
            _ => None,
        })
        .collect();
    assert_eq!(ended, [1, 2]);
    let given_up = |o: &ClientOut| matches!(o, ClientOut::GiveUp { attempt, .. } if *attempt == flies);
    assert_eq!(outputs.iter().filter(|o| given_up(o)).count(), 1);
    assert_eq!((rig.client.in_progress(), rig.waiting_for()), (0, 0));
    let now = sent(&rig.arrive(ms(20), 3)).unwrap().attempt;
    assert_eq!(rig.step(ms(110), ClientIn::Woken(backing_off[0].1)), []);
    assert_eq!(rig.answer(ms(120), flies, Outcome::Success), [ClientOut::Late { attempt: flies }]);
    assert_eq!(done(&rig.answer(ms(130), now, Outcome::Success)), Some((Outcome::Success, 1)));
}

fn set(setting: ClientSetting) -> ClientIn {
    ClientIn::Control(ClientControl::Set(setting))
}

fn seconds(seconds: u64) -> Span {
    Span::from_secs(seconds)
}

#[test]
fn attempts_that_have_been_sent_keep_their_timeout() {
    let mut rig = Rig::new(&policy());
    let old = sent(&rig.arrive(ms(0), 1)).unwrap();
    assert_eq!(rig.step(ms(100), set(ClientSetting::PerTryTimeout(seconds(3)))), []);
    let long = sent(&rig.arrive(ms(200), 2)).unwrap();
    assert_eq!((old.gives_up_at, long.gives_up_at), (ms(1000), ms(3200)));
    rig.step(ms(300), set(ClientSetting::PerTryTimeout(Span::from_millis(50))));
    let outputs = rig.arrive(ms(400), 3);
    let short = sent(&outputs).unwrap();
    // It times out before the others, for which a timer has been asked already.
    assert_eq!(wakes(&outputs), [(ms(450), Wake::Timeout(short.attempt))]);
    let retried = sent(&rig.timeout(ms(450), short.attempt)).unwrap();
    assert_eq!((retried.call, retried.gives_up_at), (3, ms(500)));
    // The first one still has its second, and its retry the timeout that is in force.
    let retried = sent(&rig.step(ms(1000), ClientIn::Woken(Wake::Timeouts))).unwrap();
    assert_eq!((retried.call, retried.gives_up_at), (1, ms(1050)));
    rig.step(ms(1010), set(ClientSetting::PerTryTimeout(seconds(1))));
    assert_eq!(sent(&rig.arrive(ms(1020), 4)).unwrap().gives_up_at, ms(2020));
}

#[test]
fn how_often_and_on_what_is_retried_is_asked_when_an_attempt_has_failed() {
    let mut rig = Rig::new(&policy());
    let first = sent(&rig.arrive(ms(0), 1)).unwrap();
    let second = sent(&rig.answer(ms(1), first.attempt, Outcome::Rejected)).unwrap();
    rig.step(ms(2), set(ClientSetting::MaxAttempts(2)));
    assert_eq!(done(&rig.answer(ms(3), second.attempt, Outcome::Rejected)), Some((Outcome::Rejected, 2)));
    rig.step(ms(4), set(ClientSetting::MaxAttempts(5)));
    let mut job = sent(&rig.arrive(ms(5), 2)).unwrap();
    for _ in 0..4 {
        job = sent(&rig.answer(ms(6), job.attempt, Outcome::Rejected)).unwrap();
    }
    assert_eq!(done(&rig.answer(ms(7), job.attempt, Outcome::Rejected)), Some((Outcome::Rejected, 5)));
    let job = sent(&rig.arrive(ms(8), 3)).unwrap();
    rig.step(ms(9), set(ClientSetting::RetryOn(OutcomeSet::of(&[Outcome::Error]))));
    assert_eq!(done(&rig.answer(ms(10), job.attempt, Outcome::Rejected)), Some((Outcome::Rejected, 1)));
    let job = sent(&rig.arrive(ms(11), 4)).unwrap();
    assert!(sent(&rig.answer(ms(12), job.attempt, Outcome::Error)).is_some());
}

#[test]
fn a_retry_that_is_scheduled_keeps_its_wait() {
    let mut policy = policy();
    policy.retry.backoff = fixed_backoff(100);
    let mut rig = Rig::new(&policy);
    let reject = |rig: &mut Rig, now, job: Job| wakes(&rig.answer(now, job.attempt, Outcome::Rejected));
    let first = sent(&rig.arrive(ms(0), 1)).unwrap();
    let planned = reject(&mut rig, ms(10), first);
    assert_eq!(planned[0].0, ms(110));
    rig.step(ms(20), set(ClientSetting::Backoff(fixed_backoff(700))));
    rig.step(ms(20), set(ClientSetting::MaxAttempts(1)));
    let second = sent(&rig.step(ms(110), ClientIn::Woken(planned[0].1))).unwrap();
    rig.step(ms(115), set(ClientSetting::MaxAttempts(9)));
    assert_eq!(reject(&mut rig, ms(120), second)[0].0, ms(820));
}

fn bucket(burst: f64) -> Budget {
    Budget::TokenBucket { credit_per: CreditPer::Success, ratio: 0.0, burst }
}

/// How many of `calls` calls that are rejected at once may be tried again.
fn retries_of(rig: &mut Rig, now: Time, calls: std::ops::Range<u64>) -> usize {
    let mut retried = 0;
    for call in calls {
        let mut job = sent(&rig.arrive(now, call)).unwrap();
        while let Some(next) = sent(&rig.answer(now, job.attempt, Outcome::Rejected)) {
            job = next;
            retried += 1;
        }
    }
    retried
}

#[test]
fn a_budget_is_full_when_it_comes_into_force_and_the_old_one_when_it_comes_back() {
    let mut policy = policy();
    policy.retry.budget = bucket(4.0);
    let mut rig = Rig::new(&policy);
    assert_eq!(retries_of(&mut rig, ms(0), 0..3), 4);
    rig.step(ms(1), set(ClientSetting::Budget(bucket(1.0))));
    assert_eq!(retries_of(&mut rig, ms(2), 3..6), 1);
    rig.step(ms(3), set(ClientSetting::Budget(Budget::None)));
    assert_eq!(retries_of(&mut rig, ms(4), 6..9), 6);
    rig.step(ms(5), set(ClientSetting::Budget(bucket(4.0))));
    assert_eq!(retries_of(&mut rig, ms(6), 9..12), 4);
}

/// A budget of retries in progress knows of those that were begun before it was there, or it would let more be made when they end.
#[test]
fn a_concurrent_budget_counts_the_retries_under_way() {
    let mut policy = policy();
    policy.retry.backoff = fixed_backoff(100);
    let mut rig = Rig::new(&policy);
    let fail = |rig: &mut Rig, job: Job| wakes(&rig.answer(ms(1), job.attempt, Outcome::Rejected));
    let jobs: Vec<Job> = (0..5).map(|call| sent(&rig.arrive(ms(0), call)).unwrap()).collect();
    // Call 0 waits for its retry, and that of call 1 is in flight.
    fail(&mut rig, jobs[0]);
    let wake = fail(&mut rig, jobs[1])[0].1;
    let second = sent(&rig.step(ms(101), ClientIn::Woken(wake))).unwrap();
    let budget = Budget::Concurrent { ratio: 0.0, at_least: 3 };
    rig.step(ms(102), set(ClientSetting::Budget(budget)));
    assert_eq!(fail(&mut rig, jobs[2]).len(), 1, "the third");
    assert_eq!(fail(&mut rig, jobs[3]).len(), 0, "a fourth is too many");
    rig.answer(ms(103), second.attempt, Outcome::Success);
    assert_eq!(fail(&mut rig, jobs[4]).len(), 1, "one has ended");
}
