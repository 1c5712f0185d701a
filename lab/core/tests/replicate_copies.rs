//! Idempotency keys at one replica: a copy of a write that is here costs nothing, and gets the answer of the first.
use lab_core::{
    call::{Attempt, Job, Outcome},
    demand::Demand,
    draw::Draw,
    machine::Machine,
    queue::Discipline,
    replicate::{
        Ack, Answer, Mode, Op, Reads, Value,
        member::{Membership, Transfer},
        node::{Node, NodeIn, NodeOut, NodePolicy, NodeWake},
    },
    server::{Cancel, DemandPer, ServerControl, ServerPolicy, Work},
    time::{Span, Time},
};

const fn ms(ms: u64) -> Time {
    Time(ms * 1_000_000)
}

/// A primary without backups, with one worker and 10 ms of work for each request.
struct Alone {
    node: Node,
    /// When the worker's time is over.
    works: Vec<(Time, NodeWake)>,
    replies: Vec<(u32, Outcome, Option<Answer>, Work)>,
    dropped: Vec<u32>,
}

impl Alone {
    fn new(deduplicate: bool, cancel: Cancel, capacity: usize) -> Alone {
        let policy = NodePolicy {
            server: ServerPolicy {
                workers: 1,
                discipline: Discipline::Fifo,
                capacity,
                service_time: Demand::Constant(Span::from_millis(10)),
                demand_per: DemandPer::Call,
                cancel,
                rejection_cost: Span::ZERO,
                error_service_time: None,
            },
            mode: Mode::PrimaryBackup { ack: Ack::All, reads: Reads::Leader },
            membership: Membership {
                heartbeat: Span::from_millis(100),
                priority: true,
                timeout: Span::from_millis(1000),
                lease: Span::from_millis(800),
                admit_after: Span::ZERO,
                takeover: Span::ZERO,
                max_ejected: 1.0,
                panic_below: 0.0,
                transfer: Transfer { part: 100, pause: Span::from_millis(10) },
            },
            apply_time: Demand::Constant(Span::ZERO),
            transfer_time: Demand::Constant(Span::ZERO),
            deduplicate,
        };
        let node = Node::new(&policy, 0, 1, Draw { seed: 1 });
        let mut alone = Alone { node, works: vec![], replies: vec![], dropped: vec![] };
        alone.step(Time::ZERO, NodeIn::Begin);
        alone
    }

    fn step(&mut self, now: Time, input: NodeIn) {
        let mut out = vec![];
        self.node.step(now, input, &mut out);
        for output in out {
            match output {
                NodeOut::WakeAt { at, wake: wake @ NodeWake::Worker { .. } } => self.works.push((at, wake)),
                NodeOut::Reply { job, outcome, answer, work } => {
                    self.replies.push((job.number, outcome, answer, work));
                }
                NodeOut::Drop { job, .. } => self.dropped.push(job.number),
                _ => {}
            }
        }
    }

    /// Attempt `number` of `call`, whose caller waits until `gives_up_at`.
    fn write(&mut self, now: Time, call: u64, number: u32, gives_up_at: Time) {
        self.write_of(0, now, call, number, gives_up_at);
    }

    fn write_of(&mut self, client: u32, now: Time, call: u64, number: u32, gives_up_at: Time) {
        let attempt = Attempt { slot: call as u32, generation: number };
        let job = Job { client, attempt, call, number, gives_up_at };
        self.step(now, NodeIn::Request { job, op: Op::Write(7), value: Value { call, attempt: 1 } });
    }

    /// Lets the worker work until there is nothing to do; when that is.
    fn finish(&mut self) -> Time {
        let mut last = Time::ZERO;
        while !self.works.is_empty() {
            let (at, wake) = self.works.remove(0);
            last = at;
            self.step(at, NodeIn::Woken(wake));
        }
        last
    }

    fn held(&self) -> Span {
        self.replies.iter().fold(Span::ZERO, |sum, (_, _, _, work)| sum + work.held)
    }
}

#[test]
fn copies_of_a_write_that_waits_cost_nothing_and_get_its_answer() {
    let mut alone = Alone::new(true, Cancel::Never, usize::MAX);
    for (at, number) in [(0, 1), (3, 2), (6, 3)] {
        alone.write(ms(at), 5, number, Time::NEVER);
    }
    assert_eq!(alone.finish(), ms(10));
    let written = Some(Answer::Written { version: 1 });
    let found: Vec<_> =
        alone.replies.iter().map(|&(number, outcome, answer, _)| (number, outcome, answer)).collect();
    assert_eq!(found, [1, 2, 3].map(|number| (number, Outcome::Success, written)));
    assert_eq!(alone.held(), Span::from_millis(10));

    // And one that comes when all is done is answered at once.
    alone.write(ms(50), 5, 4, Time::NEVER);
    assert_eq!(alone.replies.last(), Some(&(4, Outcome::Success, written, Work::default())));
    assert!(alone.works.is_empty());
}

/// As two replicas of a cache may, which name their attempts each for itself.
#[test]
fn copies_of_several_clients_are_told_apart() {
    let mut alone = Alone::new(true, Cancel::Never, usize::MAX);
    for client in 0..3 {
        alone.write_of(client, ms(0), 5, 1, Time::NEVER);
        // The same once more, as a network may bring it: one answer is enough.
        alone.write_of(client, ms(1), 5, 1, Time::NEVER);
    }
    assert_eq!(alone.finish(), ms(10));
    assert_eq!(alone.replies.len(), 3);
    assert_eq!(alone.held(), Span::from_millis(10));
}

#[test]
fn without_keys_every_copy_is_worked_on_and_written() {
    let mut alone = Alone::new(false, Cancel::Never, usize::MAX);
    for number in 1..=3 {
        alone.write(ms(0), 5, number, Time::NEVER);
    }
    assert_eq!(alone.finish(), ms(30));
    let versions: Vec<_> = alone.replies.iter().map(|(_, _, answer, _)| *answer).collect();
    assert_eq!(versions, [1, 2, 3].map(|version| Some(Answer::Written { version })));
}

#[test]
fn a_copy_takes_the_place_of_a_write_that_is_given_up() {
    // The first is dropped when its turn comes at 10 ms, for its caller has gone; its copy is then worked on.
    let mut alone = Alone::new(true, Cancel::Deadline, usize::MAX);
    alone.write(ms(0), 1, 1, ms(100));
    alone.write(ms(0), 2, 1, ms(5));
    alone.write(ms(6), 2, 2, ms(100));
    assert_eq!(alone.finish(), ms(20));
    assert_eq!(alone.dropped, [1]);
    assert_eq!(
        alone.replies.iter().map(|r| (r.0, r.1)).collect::<Vec<_>>(),
        [1, 2].map(|n| (n, Outcome::Success))
    );

    // The same where a closed connection takes it out of the queue.
    let mut alone = Alone::new(true, Cancel::OnDisconnect, usize::MAX);
    alone.write(ms(0), 1, 1, ms(100));
    alone.write(ms(0), 2, 1, ms(5));
    alone.write(ms(6), 2, 2, ms(100));
    alone.step(ms(7), NodeIn::Disconnected { client: 0, attempt: Attempt { slot: 2, generation: 1 } });
    assert_eq!(alone.finish(), ms(20));
    assert_eq!(
        alone.replies.iter().map(|r| (r.0, r.1)).collect::<Vec<_>>(),
        [1, 2].map(|n| (n, Outcome::Success))
    );
}

#[test]
fn copies_share_a_bad_end_too() {
    let mut alone = Alone::new(true, Cancel::Never, usize::MAX);
    alone.write(ms(0), 1, 1, Time::NEVER);
    alone.write(ms(0), 2, 1, Time::NEVER);
    alone.write(ms(3), 2, 2, Time::NEVER);
    alone.step(ms(5), NodeIn::Control(ServerControl::Flush));
    assert_eq!(
        alone.replies.iter().map(|r| (r.0, r.1)).collect::<Vec<_>>(),
        [1, 2].map(|n| (n, Outcome::Rejected))
    );
    alone.write(ms(6), 1, 2, Time::NEVER);
    alone.step(ms(7), NodeIn::Control(ServerControl::Crash));
    assert_eq!(
        alone.replies[2..].iter().map(|r| (r.0, r.1)).collect::<Vec<_>>(),
        [1, 2].map(|n| (n, Outcome::Reset))
    );
}
