//! The cache machine, step by step, and with a store behind it.
use lab_core::{
    balance::Balance,
    budget::Budget,
    cache::{
        Cache, CacheControl, CacheIn, CacheOut, CachePolicy, CacheWake, Fill, FillTimeout, Flush, Initial,
        OnWrite,
    },
    call::{Attempt, Job, Outcome, OutcomeSet},
    client::{ClientControl, ClientOut, ClientPolicy},
    demand::Demand,
    draw::{Draw, Stream},
    keys::{OperationSource, Operations, Popularity},
    machine::Machine,
    queue::Discipline,
    replicate::{Key, Op},
    retry::{Backoff, Retry},
    server::{Cancel, DemandPer, Server, ServerControl, ServerIn, ServerOut, ServerPolicy},
    time::{Span, Time},
};
use proptest::prelude::*;
use std::{cmp::Reverse, collections::BinaryHeap};

const fn ms(ms: u64) -> Time {
    Time(ms * 1_000_000)
}

const fn span(ms: u64) -> Span {
    Span::from_millis(ms)
}

fn server(workers: u32, held: Span) -> ServerPolicy {
    ServerPolicy {
        workers,
        discipline: Discipline::Fifo,
        capacity: usize::MAX,
        service_time: Demand::Constant(held),
        demand_per: DemandPer::Call,
        cancel: Cancel::Never,
        rejection_cost: Span::ZERO,
        error_service_time: None,
    }
}

/// One worker, 1 ms a lookup, ten keys that stay; the store is asked once, for as long as the requester waits.
fn policy() -> CachePolicy {
    CachePolicy {
        server: server(1, span(1)),
        store: ClientPolicy {
            per_try_timeout: Span::FOREVER,
            deadline: Span::FOREVER,
            retry: Retry::none(),
            hedge: None,
            balance: Balance::RoundRobin,
        },
        capacity: 10,
        ttl: Span::FOREVER,
        initial: Initial::Empty,
        fill: Fill::LookAside,
        fill_timeout: FillTimeout::Requester,
        single_flight: false,
        lease: None,
        on_write: OnWrite::Invalidate,
    }
}

fn job(call: u64, number: u32, gives_up_at: Time) -> Job {
    let attempt = Attempt { slot: call as u32, generation: number };
    Job { client: 3, attempt, call, number, gives_up_at }
}

/// How requests ended: the call and its outcome, `None` for one that was dropped.
type Endings = Vec<(u64, Option<Outcome>)>;

const SUCCESS: Option<Outcome> = Some(Outcome::Success);
const FAILED: Option<Outcome> = Some(Outcome::Error);
const REJECTED: Option<Outcome> = Some(Outcome::Rejected);
const RESET: Option<Outcome> = Some(Outcome::Reset);
const DROPPED: Option<Outcome> = None;

/// A cache with its timers, and a store that answers by hand.
struct Rig {
    cache: Cache,
    now: Time,
    timers: Vec<(Time, CacheWake)>,
    /// Attempts that the store has not answered.
    asked: Vec<Job>,
    endings: Endings,
}

impl Rig {
    fn new(policy: &CachePolicy) -> Rig {
        let cache = Cache::new(policy, 9, 2, 100, Draw { seed: 1 });
        Rig { cache, now: Time::ZERO, timers: vec![], asked: vec![], endings: vec![] }
    }

    fn step(&mut self, input: CacheIn) -> Vec<CacheOut> {
        let mut out = vec![];
        self.cache.step(self.now, input, &mut out);
        for output in &out {
            match *output {
                CacheOut::WakeAt { at, wake } => self.timers.push((at, wake)),
                CacheOut::Reply { job, outcome, .. } => self.endings.push((job.call, Some(outcome))),
                CacheOut::Drop { job, .. } => self.endings.push((job.call, None)),
                CacheOut::Store { request: ClientOut::Send { job, .. }, before } => {
                    self.asked.push(Job { number: job.number + before, ..job });
                }
                CacheOut::Store { .. } => {}
            }
        }
        out
    }

    /// Lets time pass until `until`, timers of that instant included; what ended meanwhile, and since it was last asked.
    fn pass(&mut self, until: Time) -> Endings {
        let due = |timers: &[(Time, CacheWake)]| {
            (0..timers.len()).filter(|&i| timers[i].0 <= until).min_by_key(|&i| timers[i].0)
        };
        while let Some(first) = due(&self.timers) {
            let (at, wake) = self.timers.remove(first);
            self.now = self.now.max(at);
            self.step(CacheIn::Woken(wake));
        }
        self.now = until;
        std::mem::take(&mut self.endings)
    }

    fn request(&mut self, call: u64, op: Op, gives_up_at: Time) {
        self.step(CacheIn::Request { job: job(call, 1, gives_up_at), op });
    }

    /// A read that waits for ever, looked up.
    fn read(&mut self, call: u64, key: Key) -> Endings {
        self.request(call, Op::Read(key), Time::NEVER);
        self.pass(self.now + span(1))
    }

    /// The store answers the oldest attempt made for `call`.
    fn answer(&mut self, call: u64, outcome: Outcome) -> Endings {
        let index = self.asked.iter().position(|job| job.call == call).expect("the store was asked");
        let attempt = self.asked.remove(index).attempt;
        self.step(CacheIn::Answer { attempt, outcome });
        std::mem::take(&mut self.endings)
    }

    fn fill(&mut self, key: Key) {
        let call = 1_000 + key;
        assert_eq!(self.read(call, key), []);
        assert_eq!(self.answer(call, Outcome::Success), [(call, SUCCESS)]);
    }

    fn tell(&mut self, control: CacheControl) -> Endings {
        self.step(CacheIn::Control(control));
        std::mem::take(&mut self.endings)
    }

    fn keys(&self) -> Vec<Key> {
        self.cache.keys().collect()
    }
}

#[test]
fn a_miss_goes_to_the_store_and_fills_the_key_and_the_next_read_finds_it() {
    let mut rig = Rig::new(&policy());
    assert_eq!(rig.read(1, 7), []);
    assert_eq!((rig.cache.misses(), rig.cache.filling(), rig.cache.inside()), (1, 1, 1));
    // The worker is free while the request waits for the store.
    assert_eq!(rig.cache.server().busy(), 0);
    assert_eq!(rig.answer(1, Outcome::Success), [(1, SUCCESS)]);
    assert_eq!(rig.read(2, 7), [(2, SUCCESS)]);
    let cache = &rig.cache;
    assert_eq!((cache.hits(), cache.misses(), cache.fills(), cache.populated()), (1, 1, 1, 1));
    assert_eq!((cache.filling(), cache.size(), cache.inside()), (0, 1, 0));
    assert_eq!(rig.asked, []);
}

#[test]
fn lookups_wait_for_a_worker() {
    let mut rig = Rig::new(&policy());
    rig.fill(7);
    for call in [1, 2, 3] {
        rig.request(call, Op::Read(7), Time::NEVER);
    }
    assert_eq!((rig.cache.server().busy(), rig.cache.server().queued()), (1, 2));
    let now = rig.now;
    assert_eq!(rig.pass(now + span(2)), [(1, SUCCESS), (2, SUCCESS)]);
}

#[test]
fn the_least_recently_used_key_makes_room() {
    let mut rig = Rig::new(&CachePolicy { capacity: 3, ..policy() });
    for key in [1, 2, 3] {
        rig.fill(key);
    }
    rig.read(1, 1);
    rig.fill(4);
    assert_eq!(rig.keys(), [4, 1, 3]);
}

#[test]
fn a_key_lives_as_long_as_it_is_told_from_when_it_was_filled() {
    let mut rig = Rig::new(&CachePolicy { ttl: span(100), ..policy() });
    rig.fill(7);
    let filled = rig.now;
    // A lookup that is done just before the end; a hit gives the key no new life.
    rig.pass(filled + span(98));
    assert_eq!(rig.read(1, 7), [(1, SUCCESS)]);
    assert_eq!(rig.read(2, 7), []);
    assert_eq!((rig.cache.hits(), rig.cache.size()), (1, 0));
}

#[test]
fn every_miss_goes_to_the_store_by_itself_unless_told_otherwise() {
    let mut rig = Rig::new(&policy());
    rig.read(1, 7);
    rig.read(2, 7);
    assert_eq!((rig.asked.len(), rig.cache.filling()), (2, 2));
}

#[test]
fn with_single_flight_those_who_wait_for_a_key_share_value_and_error() {
    for (outcome, ending) in
        [(Outcome::Success, SUCCESS), (Outcome::Rejected, REJECTED), (Outcome::Reset, FAILED)]
    {
        let mut rig = Rig::new(&CachePolicy { single_flight: true, ..policy() });
        rig.read(1, 7);
        rig.read(2, 7);
        rig.read(3, 8);
        rig.read(4, 7);
        assert_eq!((rig.asked.len(), rig.cache.filling(), rig.cache.misses()), (2, 2, 4));
        assert_eq!(rig.answer(1, outcome), [(1, ending), (2, ending), (4, ending)]);
        // The next miss begins anew.
        rig.tell(CacheControl::Flush(Flush::All));
        rig.read(5, 7);
        assert_eq!(rig.asked.iter().map(|job| job.call).collect::<Vec<_>>(), [3, 5]);
    }
}

#[test]
fn with_single_flight_the_patience_of_the_first_is_that_of_all() {
    let mut rig = Rig::new(&CachePolicy { single_flight: true, ..policy() });
    rig.request(1, Op::Read(7), ms(50));
    rig.request(2, Op::Read(7), ms(500));
    assert_eq!(rig.pass(ms(49)), []);
    // The first has gone; the other is told that its fill has failed.
    assert_eq!(rig.pass(ms(50)), [(1, DROPPED), (2, FAILED)]);
}

#[test]
fn a_lease_allows_one_fill_of_a_key_in_its_time() {
    let mut rig = Rig::new(&CachePolicy { lease: Some(Span::from_secs(10)), ..policy() });
    rig.request(1, Op::Read(7), ms(50));
    rig.pass(ms(1));
    // While the holder is filling, others wait for it; when it fails, they are turned away.
    rig.request(2, Op::Read(7), Time::NEVER);
    assert_eq!(rig.pass(ms(50)), [(1, DROPPED), (2, REJECTED)]);
    // The lease goes on although its holder has gone.
    assert_eq!(rig.read(3, 7), [(3, REJECTED)]);
    assert_eq!(rig.read(4, 8), []);
    rig.pass(ms(9_999));
    // Looked up at 10,001 ms, when the lease taken at 1 ms is over.
    rig.now = ms(10_000);
    assert_eq!(rig.read(5, 7), []);
    assert_eq!(rig.read(6, 7), []);
    assert_eq!(rig.answer(5, Outcome::Success), [(5, SUCCESS), (6, SUCCESS)]);
    assert_eq!(rig.cache.fills(), 3);
}

#[test]
fn a_fill_that_takes_longer_than_its_lease_does_not_keep_others_waiting() {
    let mut rig = Rig::new(&CachePolicy { lease: Some(span(100)), ..policy() });
    rig.read(1, 7);
    rig.now = ms(101);
    rig.read(2, 7);
    rig.read(3, 7);
    assert_eq!(rig.cache.filling(), 2);
    // They joined the newer one.
    assert_eq!(rig.answer(2, Outcome::Success), [(2, SUCCESS), (3, SUCCESS)]);
    assert_eq!(rig.answer(1, Outcome::Success), [(1, SUCCESS)]);
}

#[test]
fn under_a_lease_a_write_keeps_a_fill_under_way_from_populating() {
    for (lease, held) in [(None, vec![7]), (Some(Span::from_secs(10)), vec![])] {
        let mut rig = Rig::new(&CachePolicy { lease, ..policy() });
        rig.read(1, 7);
        rig.request(2, Op::Write(7), Time::NEVER);
        let now = rig.now;
        rig.pass(now + span(1));
        assert_eq!(rig.answer(2, Outcome::Success), [(2, SUCCESS)]);
        assert_eq!(rig.answer(1, Outcome::Success), [(1, SUCCESS)]);
        assert_eq!(rig.keys(), held);
    }
}

#[test]
fn a_fill_that_its_requester_does_not_wait_for_does_not_populate() {
    for fill in [Fill::LookAside, Fill::ReadThrough] {
        let mut rig = Rig::new(&CachePolicy { fill, ..policy() });
        rig.request(1, Op::Read(7), ms(50));
        assert_eq!(rig.pass(ms(60)), [(1, DROPPED)]);
        let late = rig.asked.remove(0).attempt;
        let told = rig.step(CacheIn::Answer { attempt: late, outcome: Outcome::Success });
        assert!(matches!(told[..], [CacheOut::Store { request: ClientOut::Late { .. }, .. }]), "{told:?}");
        assert_eq!((rig.keys(), rig.cache.filling(), rig.cache.populated()), (vec![], 0, 0));
    }
}

#[test]
fn a_long_fill_timeout_lets_it_go_on_and_populate() {
    for fill in [Fill::LookAside, Fill::ReadThrough] {
        let fill_timeout = FillTimeout::After(span(500));
        let mut rig = Rig::new(&CachePolicy { fill, fill_timeout, ..policy() });
        rig.request(1, Op::Read(7), ms(50));
        rig.request(2, Op::Read(8), ms(50));
        assert_eq!(rig.pass(ms(300)), []);
        // The answer finds that its requester has gone; the key is there for others.
        assert_eq!(rig.answer(1, Outcome::Success), [(1, SUCCESS)]);
        assert_eq!(rig.keys(), [7]);
        assert_eq!(rig.pass(ms(600)), [(2, DROPPED)]);
        assert_eq!(rig.cache.filling(), 0);
    }
}

#[test]
fn who_has_gone_before_its_lookup_goes_to_no_store_but_a_read_through_cache_does() {
    for (fill, asked) in [(Fill::LookAside, 0), (Fill::ReadThrough, 1)] {
        let fill_timeout = FillTimeout::After(span(500));
        let mut rig = Rig::new(&CachePolicy { fill, fill_timeout, server: server(1, span(100)), ..policy() });
        rig.request(1, Op::Read(7), ms(50));
        rig.pass(ms(100));
        assert_eq!((rig.asked.len(), rig.cache.misses()), (asked, 1));
    }
}

#[test]
fn a_write_goes_to_the_store_and_takes_the_key_out_or_puts_the_new_value_in() {
    for (on_write, outcome, held) in [
        (OnWrite::Invalidate, Outcome::Success, vec![]),
        (OnWrite::Invalidate, Outcome::Error, vec![]),
        (OnWrite::Invalidate, Outcome::Rejected, vec![7]),
        (OnWrite::Update, Outcome::Success, vec![7]),
        (OnWrite::Update, Outcome::Reset, vec![]),
    ] {
        let mut rig = Rig::new(&CachePolicy { on_write, ..policy() });
        rig.fill(7);
        let now = rig.now;
        rig.request(1, Op::Write(7), Time::NEVER);
        assert_eq!(rig.pass(now + span(1)), []);
        // Until the store has answered, the old value may be read.
        assert_eq!(rig.read(2, 7), [(2, SUCCESS)]);
        rig.answer(1, outcome);
        assert_eq!(rig.keys(), held, "{on_write:?} {outcome:?}");
        assert_eq!((rig.cache.hits(), rig.cache.misses()), (1, 1));
    }
}

#[test]
fn a_write_that_times_out_takes_the_key_out() {
    let mut rig = Rig::new(&policy());
    rig.fill(7);
    rig.request(1, Op::Write(7), ms(50));
    assert_eq!(rig.pass(ms(50)), [(1, DROPPED)]);
    assert_eq!(rig.keys(), []);
}

#[test]
fn a_warm_cache_holds_the_most_popular_keys() {
    let warm = CachePolicy { initial: Initial::Warm, ..policy() };
    let mut rig = Rig::new(&warm);
    assert_eq!(rig.keys(), (0..10).collect::<Vec<_>>());
    assert_eq!(rig.read(1, 9), [(1, SUCCESS)]);
    // There are 100 keys.
    assert_eq!(Rig::new(&CachePolicy { capacity: usize::MAX, ..warm.clone() }).cache.size(), 100);
    // With a time to live, they do not end all at once.
    let server = server(100, span(1));
    let mut rig = Rig::new(&CachePolicy { capacity: 100, ttl: Span::from_secs(1), server, ..warm });
    rig.now = ms(499);
    for key in 0..100 {
        rig.request(key, Op::Read(key), Time::NEVER);
    }
    rig.pass(ms(500));
    assert!((25..75).contains(&rig.cache.hits()), "{}", rig.cache.hits());
}

#[test]
fn a_flush_takes_out_all_keys_or_the_hottest() {
    let mut rig = Rig::new(&CachePolicy { initial: Initial::Warm, ..policy() });
    rig.tell(CacheControl::Flush(Flush::Hottest(4)));
    assert_eq!(rig.keys(), (4..10).collect::<Vec<_>>());
    rig.read(1, 0);
    rig.tell(CacheControl::Flush(Flush::All));
    assert_eq!(rig.cache.size(), 0);
    // A fill that was under way goes on.
    assert_eq!(rig.answer(1, Outcome::Success), [(1, SUCCESS)]);
    assert_eq!(rig.keys(), [0]);
}

#[test]
fn the_store_is_called_with_the_policies_of_a_client() {
    let store = ClientPolicy {
        per_try_timeout: span(20),
        deadline: Span::FOREVER,
        retry: Retry {
            max_attempts: 3,
            retry_on: OutcomeSet::of(&[Outcome::Timeout]),
            backoff: Backoff::none(),
            budget: Budget::None,
        },
        hedge: None,
        balance: Balance::RoundRobin,
    };
    let mut rig = Rig::new(&CachePolicy { store: store.clone(), ..policy() });
    // Three attempts of 20 ms from 1 ms on; the requester would wait longer.
    rig.request(1, Op::Read(7), ms(500));
    assert_eq!(rig.pass(ms(60)), []);
    assert_eq!(rig.pass(ms(61)), [(1, FAILED)]);
    let numbers = |rig: &Rig| rig.asked.iter().map(|job| (job.call, job.number)).collect::<Vec<_>>();
    assert_eq!(numbers(&rig), [(1, 1), (1, 2), (1, 3)]);
    // The requester tries again; its tries at the store are numbered on.
    rig.asked.clear();
    rig.step(CacheIn::Request { job: job(1, 2, ms(500)), op: Op::Read(7) });
    rig.pass(ms(100));
    assert_eq!(numbers(&rig), [(1, 4), (1, 5)]);
    assert_eq!(rig.answer(1, Outcome::Success), []);
    assert_eq!(rig.answer(1, Outcome::Success), [(1, SUCCESS)]);
    // An operator sheds the store's load.
    rig.tell(CacheControl::Store(ClientControl::Admit(0.0)));
    assert_eq!(rig.read(2, 8), [(2, REJECTED)]);
    assert_eq!((rig.cache.filling(), rig.cache.inside()), (0, 0));
}

#[test]
fn a_requester_that_gives_up_ends_the_retries_of_its_fill() {
    let mut store = policy().store;
    store.per_try_timeout = span(20);
    store.retry.max_attempts = 100;
    store.retry.retry_on = OutcomeSet::of(&[Outcome::Timeout]);
    let mut rig = Rig::new(&CachePolicy { store, ..policy() });
    rig.request(1, Op::Read(7), ms(50));
    assert_eq!(rig.pass(ms(1_000)), [(1, DROPPED)]);
    assert_eq!(rig.asked.iter().map(|job| job.gives_up_at).collect::<Vec<_>>(), [ms(21), ms(41), ms(50)]);
}

#[test]
fn a_crash_resets_all_that_is_inside_and_loses_the_keys() {
    let mut rig = Rig::new(&CachePolicy { single_flight: true, ..policy() });
    rig.fill(1);
    rig.read(1, 7);
    rig.read(2, 7);
    rig.request(3, Op::Read(8), Time::NEVER);
    rig.request(4, Op::Read(8), Time::NEVER);
    let lost = rig.asked[0].attempt;
    assert_eq!(
        rig.tell(CacheControl::Server(ServerControl::Crash)),
        [(3, RESET), (4, RESET), (1, RESET), (2, RESET)]
    );
    assert_eq!((rig.cache.size(), rig.cache.inside(), rig.cache.filling()), (0, 0, 0));
    assert_eq!(rig.cache.store().in_progress(), 0);
    assert_eq!(rig.read(5, 7), [(5, RESET)]);
    rig.tell(CacheControl::Server(ServerControl::Restart));
    // What is still said of the time before is stale.
    rig.asked.clear();
    assert_eq!(rig.read(6, 7), []);
    rig.step(CacheIn::Answer { attempt: lost, outcome: Outcome::Success });
    assert_eq!((rig.cache.size(), rig.cache.filling()), (0, 1));
    assert_eq!(rig.answer(6, Outcome::Success), [(6, SUCCESS)]);
}

#[test]
fn during_a_pause_nothing_moves_and_nothing_is_lost() {
    let mut rig = Rig::new(&policy());
    rig.request(1, Op::Read(7), ms(100));
    rig.pass(ms(1));
    rig.tell(CacheControl::Server(ServerControl::Pause));
    rig.now = ms(10);
    assert_eq!(rig.answer(1, Outcome::Success), []);
    rig.request(2, Op::Read(7), Time::NEVER);
    assert_eq!(rig.pass(ms(90)), []);
    // What came is taken in its order, the answer first.
    assert_eq!(rig.tell(CacheControl::Server(ServerControl::Resume)), [(1, SUCCESS)]);
    assert_eq!(rig.pass(ms(91)), [(2, SUCCESS)]);
}

#[test]
fn an_answer_that_a_pause_holds_until_nobody_waits_is_late() {
    let mut rig = Rig::new(&policy());
    rig.request(1, Op::Read(7), ms(100));
    rig.pass(ms(1));
    rig.tell(CacheControl::Server(ServerControl::Pause));
    rig.now = ms(10);
    rig.answer(1, Outcome::Success);
    assert_eq!(rig.pass(ms(200)), []);
    // The clock decides, not which of answer and timeout is looked at first.
    assert_eq!(rig.tell(CacheControl::Server(ServerControl::Resume)), [(1, DROPPED)]);
    assert_eq!(rig.cache.size(), 0);
}

#[test]
fn a_hang_up_takes_a_request_out_wherever_it_is() {
    let on_disconnect = ServerPolicy { cancel: Cancel::OnDisconnect, ..server(1, span(1)) };
    let mut rig = Rig::new(&CachePolicy { server: on_disconnect, single_flight: true, ..policy() });
    let hang_up = |rig: &mut Rig, call: u64| {
        let Job { client, attempt, .. } = job(call, 1, Time::NEVER);
        rig.step(CacheIn::Disconnected { client, attempt });
        std::mem::take(&mut rig.endings)
    };
    rig.read(1, 7);
    rig.read(2, 7);
    rig.request(3, Op::Read(8), Time::NEVER);
    rig.request(4, Op::Read(8), Time::NEVER);
    // From the queue in silence, as servers do; off its worker; while it waits for the store.
    assert_eq!(hang_up(&mut rig, 4), []);
    assert_eq!(hang_up(&mut rig, 3), [(3, DROPPED)]);
    assert_eq!(hang_up(&mut rig, 1), [(1, DROPPED)]);
    assert_eq!(hang_up(&mut rig, 1), []);
    let now = rig.now;
    assert_eq!(rig.pass(now + span(5)), []);
    assert_eq!(rig.answer(1, Outcome::Success), [(2, SUCCESS)]);
    assert_eq!((rig.cache.inside(), rig.keys()), (0, vec![7]));
}

/// A cache in front of a store of one replica, under an open load of reads, each tried once for `patience`.
struct World {
    cache: Cache,
    store: Server,
    source: OperationSource,
    agenda: BinaryHeap<Reverse<(Time, u64, usize)>>,
    happenings: Vec<Happening>,
    patience: Span,
    /// For each second: requests that were answered in time, and hits and misses.
    good: Vec<u64>,
    hits: Vec<u64>,
    misses: Vec<u64>,
    told: Vec<CacheOut>,
}

#[derive(Clone, Copy)]
enum Happening {
    Arrival { call: u64 },
    Cache(CacheIn),
    Store(ServerIn),
}

impl World {
    /// 1,000 reads a second of 10,000 keys for `seconds`, Poisson.
    fn new(policy: &CachePolicy, seconds: u64, store: &ServerPolicy) -> World {
        let draw = Draw { seed: 5 };
        let operations =
            Operations { read_share: 1.0, keys: 10_000, popularity: Popularity::Zipf { exponent: 0.99 } };
        let mut world = World {
            cache: Cache::new(policy, 0, 1, operations.keys, draw),
            store: Server::new(store, draw),
            source: OperationSource::new(&operations),
            agenda: BinaryHeap::new(),
            happenings: vec![],
            patience: span(200),
            good: vec![0; seconds as usize],
            hits: vec![],
            misses: vec![],
            told: vec![],
        };
        world.plan(Time::ZERO, Happening::Arrival { call: 0 });
        world
    }

    fn plan(&mut self, at: Time, happening: Happening) {
        self.agenda.push(Reverse((at, self.happenings.len() as u64, self.happenings.len())));
        self.happenings.push(happening);
    }

    fn cache(&mut self, now: Time, input: CacheIn) {
        let mut out = vec![];
        self.cache.step(now, input, &mut out);
        for output in &out {
            match *output {
                CacheOut::WakeAt { at, wake } => self.plan(at, Happening::Cache(CacheIn::Woken(wake))),
                CacheOut::Reply { job, outcome: Outcome::Success, .. } if now <= job.gives_up_at => {
                    self.good[(now.0 / 1_000_000_000) as usize] += 1;
                }
                CacheOut::Store { request: ClientOut::Send { job, .. }, .. } => {
                    self.plan(now, Happening::Store(ServerIn::Arrive(job)));
                }
                CacheOut::Reply { .. } | CacheOut::Drop { .. } | CacheOut::Store { .. } => {}
            }
        }
        self.told.extend(out);
    }

    fn run(mut self) -> World {
        let end = Time::ZERO + Span::from_secs(self.good.len() as u64);
        let draw = Draw { seed: 5 };
        let mut second = Time::ZERO;
        while let Some(Reverse((now, _, index))) = self.agenda.pop() {
            while second <= now {
                self.hits.push(self.cache.hits());
                self.misses.push(self.cache.misses());
                second = second + Span::from_secs(1);
            }
            if now >= end {
                break;
            }
            match self.happenings[index] {
                Happening::Arrival { call } => {
                    let gap = Demand::Exponential { mean: span(1) }.draw(Stream::Arrival, call, 0, draw);
                    self.plan(now + gap, Happening::Arrival { call: call + 1 });
                    let job = job(call, 1, now + self.patience);
                    let op = self.source.op(call, draw);
                    self.cache(now, CacheIn::Request { job, op });
                }
                Happening::Cache(input) => self.cache(now, input),
                Happening::Store(input) => {
                    let mut out = vec![];
                    self.store.step(now, input, &mut out);
                    for output in out {
                        match output {
                            ServerOut::WakeAt { at, worker, epoch } => {
                                self.plan(at, Happening::Store(ServerIn::Woken { worker, epoch }));
                            }
                            ServerOut::Reply { job, outcome, .. } => {
                                let attempt = job.attempt;
                                self.plan(now, Happening::Cache(CacheIn::Answer { attempt, outcome }));
                            }
                            ServerOut::Drop { .. } => {}
                        }
                    }
                }
            }
        }
        self
    }

    fn hit_rate(&self, from: usize, until: usize) -> f64 {
        let (hits, misses) = (self.hits[until] - self.hits[from], self.misses[until] - self.misses[from]);
        hits as f64 / (hits + misses) as f64
    }
}

/// The hit rate of a least-recently-used cache of `capacity` keys under independent requests: a key is there if it was asked for
/// in the last t, where t is such that `capacity` keys are there on average (Che, Tung and Wang, IEEE JSAC 2002).
fn che(weights: &[f64], capacity: f64) -> f64 {
    let total: f64 = weights.iter().sum();
    let present = |weight: f64, t: f64| 1.0 - libm::exp(-weight / total * t);
    let (mut low, mut high) = (0.0, 1e9);
    for _ in 0..200 {
        let t = (low + high) / 2.0;
        if weights.iter().map(|&w| present(w, t)).sum::<f64>() < capacity { low = t } else { high = t }
    }
    weights.iter().map(|&w| w / total * present(w, low)).sum()
}

#[test]
fn the_hit_rate_under_zipf_is_what_ches_formula_says() {
    let quick = server(64, Span::ZERO);
    for (exponent, capacity) in [(0.5, 1_000), (0.99, 300), (0.99, 3_000), (1.2, 100)] {
        let keys = 10_000;
        let policy = CachePolicy { capacity, server: quick.clone(), ..policy() };
        let mut rig = Rig::new(&policy);
        let popularity = Popularity::Zipf { exponent };
        let source = OperationSource::new(&Operations { read_share: 1.0, keys, popularity });
        let read = |rig: &mut Rig, call| {
            rig.request(call, source.op(call, Draw { seed: 2 }), Time::NEVER);
            rig.pass(Time::ZERO);
            if !rig.asked.is_empty() {
                rig.answer(call, Outcome::Success);
            }
        };
        for call in 0..50_000 {
            read(&mut rig, call);
        }
        let (hits, misses) = (rig.cache.hits(), rig.cache.misses());
        for call in 50_000..250_000 {
            read(&mut rig, call);
        }
        let (hits, misses) = (rig.cache.hits() - hits, rig.cache.misses() - misses);
        assert_eq!(hits + misses, 200_000);
        let measured = hits as f64 / 200_000.0;
        let weights: Vec<f64> = (1..=keys).map(|k| libm::pow(k as f64, -exponent)).collect();
        let formula = che(&weights, capacity as f64);
        assert!((measured - formula).abs() < 0.005, "{exponent}, {capacity}: {measured}, formula {formula}");
        assert_eq!(rig.cache.size(), capacity);
    }
}

/// 1,000 reads a second, a hit rate of about 0.84 in a warm cache, and a store that does 400 a second: enough for the misses,
/// not for a flushed cache.
fn after_a_flush(change: impl FnOnce(&mut CachePolicy)) -> World {
    let mut policy = CachePolicy { capacity: 3_000, initial: Initial::Warm, ..policy() };
    policy.server = server(8, span(1));
    change(&mut policy);
    let mut world = World::new(&policy, 60, &server(4, span(10)));
    world.plan(ms(10_000), Happening::Cache(CacheIn::Control(CacheControl::Flush(Flush::All))));
    world.run()
}

#[test]
fn after_a_flush_fills_that_time_out_keep_a_look_aside_cache_cold() {
    let world = after_a_flush(|_| {});
    let good = |from: usize| world.good[from..from + 5].iter().sum::<u64>() as f64 / 5_000.0;
    assert!(good(5) > 0.98 && world.hit_rate(5, 10) > 0.8, "{} {}", good(5), world.hit_rate(5, 10));
    // Fifty seconds later.
    assert!(good(55) < 0.6 && world.hit_rate(55, 60) < 0.6, "{} {}", good(55), world.hit_rate(55, 60));
}

#[test]
fn fills_that_outlive_their_requesters_warm_it_again() {
    for fill in [Fill::LookAside, Fill::ReadThrough] {
        let world = after_a_flush(|policy| {
            policy.fill = fill;
            policy.fill_timeout = FillTimeout::After(Span::from_secs(30));
        });
        let good = world.good[55..60].iter().sum::<u64>() as f64 / 5_000.0;
        assert!(good > 0.97 && world.hit_rate(55, 60) > 0.8, "{good} {}", world.hit_rate(55, 60));
    }
}

#[test]
fn one_fill_per_key_does_not_help_while_fills_time_out_but_few_fills_per_key_and_time_do() {
    let good = |world: &World| world.good[55..60].iter().sum::<u64>() as f64 / 5_000.0;
    let single_flight = after_a_flush(|policy| policy.single_flight = true);
    assert!(good(&single_flight) < 0.6, "{}", good(&single_flight));
    // Turning away the rest takes so much load off the store that fills are in time again.
    let leased = after_a_flush(|policy| policy.lease = Some(Span::from_secs(10)));
    assert!(good(&leased) > 0.97 && leased.hit_rate(55, 60) > 0.8, "{}", good(&leased));
}

#[test]
fn the_same_inputs_give_the_same_outputs() {
    let run = || {
        let world = after_a_flush(|policy| {
            policy.single_flight = true;
            policy.ttl = Span::from_secs(20);
        });
        (world.told, world.good)
    };
    assert!(run() == run());
}

/// What may happen to a cache at random.
#[derive(Clone, Debug)]
enum Chance {
    Read(Key, u64),
    Write(Key, u64),
    Answer(usize, Outcome),
    HangUp(u64),
    Tell(CacheControl),
    Pass(u64),
}

fn chance() -> impl Strategy<Value = Chance> {
    let tell = prop_oneof![
        Just(CacheControl::Server(ServerControl::Pause)),
        Just(CacheControl::Server(ServerControl::Resume)),
        Just(CacheControl::Server(ServerControl::Crash)),
        Just(CacheControl::Server(ServerControl::Restart)),
        Just(CacheControl::Server(ServerControl::Flush)),
        Just(CacheControl::Flush(Flush::All)),
        Just(CacheControl::Store(ClientControl::Retries(false))),
    ];
    prop_oneof![
        6 => (0u64..6, 1u64..60).prop_map(|(key, patience)| Chance::Read(key, patience)),
        2 => (0u64..6, 1u64..60).prop_map(|(key, patience)| Chance::Write(key, patience)),
        6 => (0usize..5, 0usize..5).prop_map(|(which, o)| Chance::Answer(which, Outcome::ALL[o])),
        1 => (0u64..40).prop_map(Chance::HangUp),
        1 => tell.prop_map(Chance::Tell),
        6 => (1u64..30).prop_map(Chance::Pass),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]
    /// Whatever happens, a request ends once at most, and what has not ended is inside.
    #[test]
    fn every_request_ends_once_or_is_inside(
        chances in proptest::collection::vec(chance(), 1..150),
        (single_flight, lease, read_through, long) in any::<(bool, bool, bool, bool)>(),
        (on_disconnect, retries) in any::<(bool, bool)>(),
    ) {
        let cancel = if on_disconnect { Cancel::OnDisconnect } else { Cancel::Never };
        let mut store = policy().store;
        if retries {
            store.per_try_timeout = span(15);
            store.retry.max_attempts = 3;
            store.retry.retry_on = OutcomeSet::of(&Outcome::ALL[1..]);
        }
        let mut rig = Rig::new(&CachePolicy {
            server: ServerPolicy { cancel, capacity: 4, ..server(2, span(3)) },
            store,
            capacity: 3,
            ttl: span(70),
            fill: if read_through { Fill::ReadThrough } else { Fill::LookAside },
            fill_timeout: if long { FillTimeout::After(span(90)) } else { FillTimeout::Requester },
            single_flight,
            lease: lease.then_some(span(40)),
            ..policy()
        });
        let mut inside: Vec<u64> = vec![];
        let mut hung_up = vec![];
        for (call, chance) in chances.into_iter().enumerate() {
            let call = call as u64;
            let now = rig.now;
            match chance {
                Chance::Read(key, patience) => {
                    inside.push(call);
                    rig.request(call, Op::Read(key), now + span(patience));
                }
                Chance::Write(key, patience) => {
                    inside.push(call);
                    rig.request(call, Op::Write(key), now + span(patience));
                }
                Chance::Answer(which, outcome) => {
                    if which < rig.asked.len() {
                        let attempt = rig.asked.remove(which).attempt;
                        rig.step(CacheIn::Answer { attempt, outcome });
                    }
                }
                Chance::HangUp(call) => {
                    let Job { client, attempt, .. } = job(call, 1, Time::NEVER);
                    rig.step(CacheIn::Disconnected { client, attempt });
                    hung_up.push(call);
                }
                Chance::Tell(control) => {
                    rig.step(CacheIn::Control(control));
                }
                Chance::Pass(time) => {
                    rig.endings = rig.pass(now + span(time));
                }
            }
            for (ended, _) in std::mem::take(&mut rig.endings) {
                let at = inside.iter().position(|&call| call == ended);
                prop_assert!(at.is_some(), "call {} ended twice", ended);
                inside.remove(at.unwrap_or(0));
            }
            // One that hangs up in the queue ends in silence.
            let silent = inside.iter().filter(|call| on_disconnect && hung_up.contains(call)).count();
            prop_assert!((inside.len() - silent..=inside.len()).contains(&rig.cache.inside()));
            prop_assert!(rig.cache.size() <= 3);
        }
        // In the end nothing stays behind.
        rig.step(CacheIn::Control(CacheControl::Server(ServerControl::Resume)));
        rig.step(CacheIn::Control(CacheControl::Server(ServerControl::Restart)));
        let now = rig.now;
        rig.pass(now + Span::from_secs(10));
        prop_assert_eq!((rig.cache.inside(), rig.cache.filling(), rig.cache.store().in_progress()), (0, 0, 0));
    }
}
