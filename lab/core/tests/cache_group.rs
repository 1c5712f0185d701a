//! A cache in front of a replicated store, and in a process that is not its first.
use lab_core::{
    balance::Balance,
    cache::{
        Cache, CacheControl, CacheIn, CacheOut, CachePolicy, CacheWake, Fill, FillTimeout, Initial, OnWrite,
    },
    call::{Attempt, Job, Outcome},
    client::{ClientOut, ClientPolicy},
    demand::Demand,
    directory::{Directory, StoreAccess},
    draw::Draw,
    keys::{OperationSource, Operations, Popularity},
    lineage::Lineage,
    machine::Machine,
    queue::Discipline,
    replicate::{Members, Mode, Op, View},
    retry::Retry,
    server::{Cancel, DemandPer, ServerControl, ServerPolicy},
    time::{Span, Time},
};

const MS: Span = Span::from_millis(1);

/// A warm cache of ten keys in front of a chain of three replicas. Of calls with a number of the second client group it knows
/// that they write, of all others that they read.
fn cache() -> Cache {
    let policy = CachePolicy {
        server: ServerPolicy {
            workers: 1,
            discipline: Discipline::Fifo,
            capacity: usize::MAX,
            service_time: Demand::Constant(MS),
            demand_per: DemandPer::Call,
            cancel: Cancel::Never,
            rejection_cost: Span::ZERO,
            error_service_time: None,
        },
        store: ClientPolicy {
            per_try_timeout: Span::FOREVER,
            deadline: Span::FOREVER,
            hedge: None,
            retry: Retry::none(),
            balance: Balance::RoundRobin,
        },
        capacity: 10,
        ttl: Span::FOREVER,
        initial: Initial::Warm,
        fill: Fill::LookAside,
        fill_timeout: FillTimeout::Requester,
        single_flight: false,
        lease: None,
        on_write: OnWrite::Invalidate,
    };
    let group = |read_share| {
        OperationSource::new(&Operations { read_share, keys: 100, popularity: Popularity::Uniform })
    };
    let operations = [group(1.0), group(0.0)].into();
    let access =
        StoreAccess { mode: Mode::Chain, operations, deduplicate: false, lineage: Lineage::default() };
    Cache::new(&policy, 9, 3, 10, Draw { seed: 1 }).with_directory(Directory::new(Some(access), 3))
}

/// A call of the second client group.
const WRITES: u64 = 1 << 48;

fn step(cache: &mut Cache, now: Time, input: CacheIn) -> Vec<CacheOut> {
    let mut out = vec![];
    cache.step(now, input, &mut out);
    out
}

/// Has `call` looked up. What the store is sent, and to which replica.
fn ask(cache: &mut Cache, now: Time, call: u64, op: Op) -> (Attempt, u32) {
    let job = Job {
        client: 0,
        attempt: Attempt { slot: 0, generation: 1 },
        call,
        number: 1,
        gives_up_at: Time::NEVER,
    };
    let held = step(cache, now, CacheIn::Request { job, op });
    let Some(&CacheOut::WakeAt { at, wake: wake @ CacheWake::Worker { .. } }) = held.first() else {
        panic!("it is not looked up: {held:?}");
    };
    sent(&step(cache, at, CacheIn::Woken(wake)))
}

fn sent(outputs: &[CacheOut]) -> (Attempt, u32) {
    let found = outputs.iter().find_map(|output| match *output {
        CacheOut::Store {
            request: ClientOut::Send { job, replica, .. } | ClientOut::SendOn { job, replica },
            ..
        } => Some((job.attempt, replica)),
        _ => None,
    });
    found.unwrap_or_else(|| panic!("nothing was sent: {outputs:?}"))
}

fn view(number: u64, members: &[u32]) -> View {
    View { number, members: Members::of(members.iter().copied()), learners: Members::default() }
}

#[test]
fn fills_go_to_the_tail_and_writes_to_the_head_whoever_calls() {
    assert_eq!(ask(&mut cache(), Time(0), 1, Op::Read(50)).1, 2);
    assert_eq!(ask(&mut cache(), Time(0), WRITES, Op::Write(50)).1, 0);
}

#[test]
fn a_redirected_fill_goes_on_and_populates_under_its_new_name() {
    let mut cache = cache();
    let (attempt, _) = ask(&mut cache, Time(0), 1, Op::Read(50));
    let outputs = step(&mut cache, Time(2), CacheIn::Elsewhere { attempt, view: view(2, &[0, 1]) });
    let (on, replica) = sent(&outputs);
    assert_eq!((replica, cache.fills(), cache.filling()), (1, 1, 1));
    // The old name is stale.
    step(&mut cache, Time(3), CacheIn::Answer { attempt, outcome: Outcome::Success });
    assert_eq!(cache.populated(), 0);
    let done = step(&mut cache, Time(4), CacheIn::Answer { attempt: on, outcome: Outcome::Success });
    assert!(done.iter().any(|o| matches!(o, CacheOut::Reply { outcome: Outcome::Success, .. })), "{done:?}");
    assert_eq!((cache.populated(), cache.filling()), (1, 0));
    // The next one goes there at once.
    assert_eq!(ask(&mut cache, Time(5), 2, Op::Read(51)).1, 1);
}

#[test]
fn news_of_members_are_held_during_a_pause_and_lost_in_a_crash() {
    let mut cache = cache();
    let control = |control| CacheIn::Control(CacheControl::Server(control));
    step(&mut cache, Time(0), control(ServerControl::Pause));
    step(&mut cache, Time(1), CacheIn::Members(view(2, &[0, 1])));
    step(&mut cache, Time(2), control(ServerControl::Resume));
    assert_eq!(ask(&mut cache, Time(3), 1, Op::Read(50)).1, 1);
    step(&mut cache, Time(4_000_000), control(ServerControl::Crash));
    step(&mut cache, Time(5_000_000), CacheIn::Members(view(3, &[0])));
    step(&mut cache, Time(6_000_000), control(ServerControl::Restart));
    assert_eq!(ask(&mut cache, Time(7_000_000), 2, Op::Read(50)).1, 2, "it knows what it knew at first");
}

#[test]
fn a_later_life_holds_nothing_and_uses_no_name_of_an_earlier_one() {
    let first = ask(&mut cache(), Time(0), 1, Op::Read(50)).0;
    let mut second = cache().restarted(1);
    assert_eq!((cache().size(), second.size()), (10, 0));
    let mut third = cache().restarted(2);
    let names =
        [first, ask(&mut second, Time(0), 1, Op::Read(50)).0, ask(&mut third, Time(0), 1, Op::Read(50)).0];
    assert!(names[0] < names[1] && names[1] < names[2], "{names:?}");
}
