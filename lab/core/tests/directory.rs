//! Clients of a group of replicas find the one in charge.
use lab_core::{
    balance::Balance,
    call::{Job, Outcome, OutcomeSet},
    client::{Client, ClientIn, ClientOut, ClientPolicy, Wake},
    directory::{Directory, REDIRECTS_MAX, StoreAccess},
    draw::Draw,
    keys::{OperationSource, Operations, Popularity},
    lineage::Lineage,
    machine::Machine,
    replicate::{Members, Mode, View},
    retry::Retry,
    time::{Span, Time},
};

const SECOND: Span = Span::from_secs(1);

fn ms(ms: u64) -> Time {
    Time::ZERO + Span::from_millis(ms)
}

/// A client of three replicas in a chain, of which it writes or reads only.
fn client(read_share: f64) -> Client {
    let mut retry = Retry::none();
    retry.max_attempts = 4;
    retry.retry_on = OutcomeSet::of(&[Outcome::Timeout, Outcome::Reset, Outcome::Rejected]);
    let policy = ClientPolicy {
        per_try_timeout: SECOND,
        deadline: Span::FOREVER,
        retry,
        hedge: None,
        balance: Balance::RoundRobin,
    };
    let operations = Operations { read_share, keys: 10, popularity: Popularity::Uniform };
    let access = StoreAccess {
        mode: Mode::Chain,
        operations: [OperationSource::new(&operations)].into(),
        deduplicate: false,
        lineage: Lineage::default(),
    };
    Client::new(0, &policy, 3, Draw { seed: 1 }).with_directory(Directory::new(Some(access), 3))
}

fn view(number: u64, members: &[u32]) -> View {
    View { number, members: Members::of(members.iter().copied()), learners: Members::default() }
}

fn step(client: &mut Client, now: Time, input: ClientIn) -> Vec<ClientOut> {
    let mut out = vec![];
    client.step(now, input, &mut out);
    out
}

fn arrive(client: &mut Client, call: u64) -> (Job, u32) {
    sent(&step(client, ms(0), ClientIn::Arrive { call, intended: ms(0) }))
}

/// The attempt that was sent, or sent on, and where to.
fn sent(outputs: &[ClientOut]) -> (Job, u32) {
    let found = outputs.iter().find_map(|output| match *output {
        ClientOut::Send { job, replica, .. } | ClientOut::SendOn { job, replica } => Some((job, replica)),
        _ => None,
    });
    found.unwrap_or_else(|| panic!("nothing was sent: {outputs:?}"))
}

#[test]
fn writes_go_to_the_head_and_reads_to_the_tail() {
    assert_eq!(arrive(&mut client(0.0), 1).1, 0);
    assert_eq!(arrive(&mut client(1.0), 1).1, 2);
}

#[test]
fn a_redirected_attempt_goes_on_under_a_new_name_and_is_no_new_attempt() {
    let mut client = client(0.0);
    let (job, _) = arrive(&mut client, 1);
    let view = view(2, &[1, 2]);
    let outputs = step(&mut client, ms(100), ClientIn::Elsewhere { attempt: job.attempt, view });
    assert!(matches!(outputs[0], ClientOut::SendOn { .. }), "{outputs:?}");
    let (on, replica) = sent(&outputs);
    assert_eq!((replica, on.number, on.call), (1, 1, 1));
    assert_eq!(on.gives_up_at, job.gives_up_at, "its patience goes on");
    assert_ne!(on.attempt, job.attempt);
    // The old name is stale, the new one counts, and the next call goes to the right place at once.
    let late =
        step(&mut client, ms(110), ClientIn::Answer { attempt: job.attempt, outcome: Outcome::Success });
    assert_eq!(late, [ClientOut::Late { attempt: job.attempt }]);
    let done =
        step(&mut client, ms(120), ClientIn::Answer { attempt: on.attempt, outcome: Outcome::Success });
    assert!(done.iter().any(|o| matches!(o, ClientOut::Done { attempts: 1, .. })), "{done:?}");
    assert_eq!(arrive(&mut client, 2).1, 1);
}

#[test]
fn a_redirected_attempt_still_times_out_when_it_would_have() {
    let mut client = client(0.0);
    let (job, _) = arrive(&mut client, 1);
    let view = view(2, &[1, 2]);
    let outputs = step(&mut client, ms(400), ClientIn::Elsewhere { attempt: job.attempt, view });
    let wake = outputs.iter().find_map(|output| match *output {
        ClientOut::WakeAt { at, wake } => Some((at, wake)),
        _ => None,
    });
    // The timer of the first attempt is still under way; the client needs no second one.
    assert!(wake.is_none_or(|(at, _)| at == ms(1000)), "{outputs:?}");
    let outputs = step(&mut client, ms(1000), ClientIn::Woken(Wake::Timeouts));
    assert!(
        outputs.iter().any(|o| matches!(o, ClientOut::Ended { outcome: Outcome::Timeout })),
        "{outputs:?}"
    );
}

#[test]
fn news_from_an_older_view_end_the_attempt() {
    let mut client = client(0.0);
    let (job, _) = arrive(&mut client, 1);
    step(&mut client, ms(1), ClientIn::Members(view(5, &[2, 0])));
    let outputs =
        step(&mut client, ms(2), ClientIn::Elsewhere { attempt: job.attempt, view: view(4, &[1, 2]) });
    assert_eq!(outputs[0], ClientOut::Ended { outcome: Outcome::Rejected });
    assert_eq!(sent(&outputs).1, 2, "and the next one goes where the newest view says");
}

#[test]
fn an_attempt_follows_few_redirections() {
    let mut client = client(0.0);
    let (mut job, _) = arrive(&mut client, 1);
    for hop in 0..REDIRECTS_MAX {
        let view = view(2 + u64::from(hop), &[1, 2]);
        let outputs = step(&mut client, ms(1), ClientIn::Elsewhere { attempt: job.attempt, view });
        assert!(matches!(outputs[0], ClientOut::SendOn { .. }), "{outputs:?}");
        job = sent(&outputs).0;
    }
    let last = ClientIn::Elsewhere { attempt: job.attempt, view: view(99, &[0, 2]) };
    assert_eq!(step(&mut client, ms(2), last)[0], ClientOut::Ended { outcome: Outcome::Rejected });
}

#[test]
fn one_that_does_not_answer_is_passed_by_until_somebody_does() {
    let mut client = client(0.0);
    let (job, first) = arrive(&mut client, 1);
    let outputs = step(&mut client, ms(1000), ClientIn::Woken(Wake::Timeout(job.attempt)));
    let (second, neighbour) = sent(&outputs);
    assert_eq!((first, neighbour), (0, 1));
    // The neighbour says who is in charge: still the first.
    let again = ClientIn::Elsewhere { attempt: second.attempt, view: view(1, &[0, 1, 2]) };
    assert_eq!(sent(&step(&mut client, ms(1001), again)).1, 0);
}
