//! The shared log over a small network in the test's hands.
use lab_core::{
    call::Attempt,
    replicate::{
        Answer, Members, Mode, Op, Request, RequestId, Value, View,
        message::{Cost, Entry, Message, Position},
        protocol::{Ask, Protocol},
    },
    time::{Span, Time},
};
use std::collections::{BTreeMap, BTreeSet};

const MS: Span = Span::from_millis(1);

fn ms(ms: u64) -> Time {
    Time(ms * 1_000_000)
}

fn view(number: u64, members: &[u32], learners: &[u32]) -> View {
    View {
        number,
        members: Members::of(members.iter().copied()),
        learners: Members::of(learners.iter().copied()),
    }
}

/// Splitmix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
    fn chance(&mut self, p: f64) -> bool {
        (self.next() >> 11) as f64 / ((1u64 << 53) as f64) < p
    }
    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize]
    }
}

/// What happens to messages.
#[derive(Clone, Copy)]
struct Weather {
    loss: f64,
    copies: f64,
    /// Share of messages that take up to 400 ms.
    late: f64,
    random: bool,
}

const CALM: Weather = Weather { loss: 0.0, copies: 0.0, late: 0.0, random: false };

enum Event {
    Message { from: u32, view: u64, message: Message },
    Wake,
    Install { view: View, positions: Vec<(u32, Position)>, life: u32 },
    Request(Request),
}

struct Node {
    protocol: Protocol,
    /// Fenced off from views before this one.
    sealed: u64,
    paused: bool,
    life: u32,
    last_fetch: Time,
}

/// Replicas, the messages between them, and the answers so far.
struct Net {
    now: Time,
    nodes: Vec<Node>,
    events: BTreeMap<(Time, u64), (u32, Event)>,
    count: u64,
    weather: Weather,
    random: Random,
    deduplicate: bool,
    /// The view in force.
    force: View,
    answers: Vec<(RequestId, Answer)>,
    sent: Vec<(u32, u32, Message)>,
    /// Messages that get lost, by sender, receiver and kind.
    drops: Option<fn(u32, u32, &Message) -> bool>,
    requests: u32,
}

impl Net {
    fn new(n: u32, deduplicate: bool, weather: Weather, seed: u64) -> Net {
        let members: Vec<u32> = (0..n).collect();
        let mut net = Net {
            now: ms(0),
            nodes: (0..n)
                .map(|me| Node {
                    protocol: Protocol::new(Mode::SharedLog, me, deduplicate),
                    sealed: 0,
                    paused: false,
                    life: 0,
                    last_fetch: Time::ZERO,
                })
                .collect(),
            events: BTreeMap::new(),
            count: 0,
            weather,
            random: Random(seed),
            deduplicate,
            force: view(1, &members, &[]),
            answers: vec![],
            sent: vec![],
            drops: None,
            requests: 0,
        };
        for me in 0..n {
            let force = net.force;
            net.step(me, |p, now, out| p.install(now, &force, &[], out));
        }
        net
    }

    fn at(&mut self, at: Time, node: u32, event: Event) {
        self.count += 1;
        self.events.insert((at, self.count), (node, event));
    }

    fn delay(&mut self) -> Span {
        if !self.weather.random {
            MS
        } else if self.random.chance(self.weather.late) {
            Span(self.random.below(400_000_000))
        } else {
            Span(200_000 + self.random.below(3_000_000))
        }
    }

    fn step(&mut self, node: u32, does: impl FnOnce(&mut Protocol, Time, &mut Vec<Ask>)) {
        let mut out = vec![];
        let now = self.now;
        let protocol = &mut self.nodes[node as usize].protocol;
        does(protocol, now, &mut out);
        let view = protocol.view().number;
        for ask in out {
            match ask {
                // Waits in the replica's own queue, and passes no network.
                Ask::Send { to, message } if to == node => {
                    self.at(now + MS, node, Event::Message { from: node, view, message });
                }
                Ask::Send { to, message } => self.send(node, to, view, message),
                Ask::Answer { id, answer } => self.answers.push((id, answer)),
                Ask::WakeAt(at) => self.at(at.max(now), node, Event::Wake),
            }
        }
    }

    fn send(&mut self, from: u32, to: u32, view: u64, message: Message) {
        self.sent.push((from, to, message.clone()));
        if self.drops.is_some_and(|drops| drops(from, to, &message)) || self.random.chance(self.weather.loss)
        {
            return;
        }
        let copies = 1 + u32::from(self.random.chance(self.weather.copies));
        for _ in 0..copies {
            let at = self.now + self.delay();
            self.at(at, to, Event::Message { from, view, message: message.clone() });
        }
    }

    /// Whether `node` has a lease. The longest there can be: as long as its view is the one in force.
    fn leased(&self, node: u32) -> bool {
        let node = &self.nodes[node as usize];
        node.protocol.view().number == self.force.number && node.sealed <= self.force.number
    }

    fn go_until(&mut self, until: Time) {
        while let Some((&(at, count), _)) = self.events.first_key_value() {
            if at > until {
                break;
            }
            let Some((node, event)) = self.events.remove(&(at, count)) else { break };
            self.now = at;
            if self.nodes[node as usize].paused {
                // Waits outside, in order.
                self.at(at + MS, node, event);
                continue;
            }
            let leased = self.leased(node);
            let current = {
                let n = &self.nodes[node as usize];
                n.protocol.view().number.max(n.sealed)
            };
            match event {
                Event::Message { from, view, message } => {
                    if view != current || self.nodes[node as usize].protocol.view().number != view {
                        continue;
                    }
                    match &message {
                        Message::Fetch { after, .. } => {
                            let mut part = None;
                            self.step(node, |p, now, out| part = p.part(now, from, *after, 2, out));
                            if let Some(part) = part {
                                self.send(node, from, view, part);
                            }
                        }
                        Message::Part { .. } => {
                            self.step(node, |p, _, _| p.learn(&message));
                            self.nodes[node as usize].last_fetch = Time::ZERO;
                        }
                        _ => self.step(node, |p, now, out| p.message(now, from, message, leased, out)),
                    }
                }
                Event::Wake => self.step(node, |p, now, out| p.woken(now, out)),
                Event::Install { view, positions, life } => {
                    let n = &self.nodes[node as usize];
                    if n.life == life && current <= view.number && n.protocol.view().number < view.number {
                        self.step(node, |p, now, out| p.install(now, &view, &positions, out));
                    }
                }
                Event::Request(request) => {
                    self.step(node, |p, now, out| p.request(now, request, leased, out));
                }
            }
            self.fetch(node);
        }
        self.now = until;
    }

    /// A learner asks for its next part.
    fn fetch(&mut self, node: u32) {
        let now = self.now;
        let n = &mut self.nodes[node as usize];
        let view = *n.protocol.view();
        if n.sealed > view.number || now < n.last_fetch + Span::from_millis(50) && n.last_fetch > Time::ZERO {
            return;
        }
        if let Some(after) = n.protocol.wants()
            && let Some(donor) = Mode::SharedLog.donor(&view)
        {
            n.last_fetch = now;
            self.send(node, donor, view.number, Message::Fetch { view: view.number, after });
        }
    }

    fn id(&mut self) -> RequestId {
        self.requests += 1;
        RequestId { client: 0, attempt: Attempt { slot: self.requests, generation: 0 } }
    }

    fn write(&mut self, node: u32, key: u64, call: u64) -> RequestId {
        let id = self.id();
        let request = Request { id, op: Op::Write(key), value: Value { call, attempt: 1 } };
        let leased = self.leased(node);
        self.step(node, |p, now, out| p.request(now, request, leased, out));
        id
    }

    fn read(&mut self, node: u32, key: u64) -> RequestId {
        let id = self.id();
        let request = Request { id, op: Op::Read(key), value: Value::default() };
        let leased = self.leased(node);
        self.step(node, |p, now, out| p.request(now, request, leased, out));
        id
    }

    fn answer(&self, id: RequestId) -> Option<Answer> {
        self.answers.iter().find(|(i, _)| *i == id).map(|(_, answer)| *answer)
    }

    fn go(&mut self, millis: u64) {
        let until = self.now + Span::from_millis(millis);
        self.go_until(until);
    }

    fn written(&mut self, node: u32, key: u64, call: u64) -> u64 {
        let id = self.write(node, key, call);
        self.go(50);
        match self.answer(id) {
            Some(Answer::Written { version }) => version,
            other => panic!("write of {call} at {node}: {other:?}"),
        }
    }

    fn found(&mut self, node: u32, key: u64) -> (u64, u64) {
        let id = self.read(node, key);
        self.go(50);
        match self.answer(id) {
            Some(Answer::Found { version, value }) => (version, value.call),
            other => panic!("read of {key} at {node}: {other:?}"),
        }
    }

    fn seal(&mut self, node: u32, next: u64) -> Position {
        self.nodes[node as usize].sealed = next;
        self.step(node, |p, now, out| p.suspend(now, out));
        self.nodes[node as usize].protocol.position()
    }

    /// The next view, at once: these members and learners, sealed and installed.
    fn change(&mut self, members: &[u32], learners: &[u32]) {
        let next = view(self.force.number + 1, members, learners);
        let all: Vec<u32> = members.iter().chain(learners).copied().collect();
        let positions: Vec<(u32, Position)> = all.iter().map(|&r| (r, self.seal(r, next.number))).collect();
        self.force = next;
        for r in all {
            self.step(r, |p, now, out| p.install(now, &next, &positions, out));
            self.fetch(r);
        }
    }

    /// A crash: the replica comes back empty.
    fn crash(&mut self, node: u32) {
        let n = &mut self.nodes[node as usize];
        n.protocol = Protocol::new(Mode::SharedLog, node, self.deduplicate);
        n.sealed = self.force.number + 1;
        n.paused = false;
        n.life += 1;
        n.last_fetch = Time::ZERO;
    }
}

fn three() -> Net {
    let mut net = Net::new(3, false, CALM, 1);
    net.go(20);
    net.sent.clear();
    net
}

#[test]
fn writes_get_positions_in_order_and_every_replica_reads_them() {
    let mut net = three();
    for (call, node) in (1..).zip([0, 1, 2, 1, 0]) {
        assert_eq!(net.written(node, 7, call), call);
        for reader in 0..3 {
            assert_eq!(net.found(reader, 7), (call, call));
        }
    }
    assert_eq!(net.found(1, 8), (0, 0));
}

#[test]
fn a_write_costs_the_messages_of_the_paper() {
    // With the two messages of the client: its request and its answer.
    for (node, messages) in [(0, 2 + 2 * 2), (1, 2 + 2 + 2 * 2), (2, 2 + 2 + 2 * 2)] {
        let mut net = three();
        net.written(node, 1, 1);
        assert_eq!(2 + net.sent.len(), messages, "{:?}", net.sent);
        let costly = net.sent.iter().filter(|(_, _, message)| message.cost() == Cost::Apply).count();
        assert_eq!(costly, 2);
    }
}

#[test]
fn a_read_costs_a_tail_query_and_what_is_new() {
    let mut net = three();
    net.written(0, 1, 1);
    for (reader, first, again) in [(0, 2, 0), (1, 4, 2), (2, 2, 2)] {
        for expected in [first, again] {
            net.sent.clear();
            net.found(reader, 1);
            let expected = if reader == 0 { 0 } else { expected };
            assert_eq!(net.sent.len(), expected, "at {reader}: {:?}", net.sent);
            assert!(net.sent.iter().all(|(_, _, message)| message.cost() == Cost::Free));
        }
    }
}

#[test]
fn concurrent_writes_at_all_replicas_get_different_positions() {
    let mut net = three();
    let ids: Vec<RequestId> = (0..30).map(|call| net.write(call as u32 % 3, 1, call + 1)).collect();
    net.go(50);
    let versions: BTreeSet<u64> = ids
        .iter()
        .map(|&id| match net.answer(id) {
            Some(Answer::Written { version }) => version,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(versions, (1..=30).collect());
    let last = net.found(0, 1);
    assert_eq!((last, last), (net.found(1, 1), net.found(2, 1)));
}

#[test]
fn lost_messages_are_sent_again() {
    for lost in 0..8 {
        let mut net = three();
        // Every first message of a kind and direction is lost.
        static SEEN: std::sync::Mutex<BTreeSet<(u64, String)>> = std::sync::Mutex::new(BTreeSet::new());
        SEEN.lock().unwrap().clear();
        net.drops = Some(|from, to, message| {
            let kind = format!("{message:?}");
            let kind = kind.split_whitespace().next().unwrap().to_string();
            SEEN.lock().unwrap().insert((u64::from(from * 10 + to), kind))
        });
        let id = net.write(lost % 3, 1, 1);
        net.go(2000);
        assert!(matches!(net.answer(id), Some(Answer::Written { .. })), "{:?}", net.answer(id));
        let read = net.read((lost + 1) % 3, 1);
        net.go(2000);
        assert!(
            matches!(net.answer(read), Some(Answer::Found { value, .. }) if value.call == 1),
            "{:?}",
            net.answer(read)
        );
        SEEN.lock().unwrap().clear();
    }
}

#[test]
fn a_hole_is_filled_with_junk() {
    let mut net = three();
    net.written(0, 1, 1);
    // Replica 1 gets a token and is cut off before it writes.
    net.drops = Some(|from, _, message| from == 1 && matches!(message, Message::LogWrite { .. }));
    net.write(1, 1, 2);
    net.go(5);
    assert_eq!(net.written(0, 1, 3), 3);
    let read = net.read(0, 1);
    net.go(150);
    assert_eq!(net.answer(read), None, "the hole is filled too early");
    net.go(300);
    let expected = Answer::Found { version: 3, value: Value { call: 3, attempt: 1 } };
    assert_eq!(net.answer(read), Some(expected));
    // The writer comes back, finds its position taken and gets another.
    net.drops = None;
    net.go(1000);
    assert_eq!(net.found(0, 1), (4, 2));
}

#[test]
fn an_entry_that_reached_the_first_unit_is_carried_on_by_whoever_needs_it() {
    let mut net = three();
    // Replica 2 writes to the first unit and stops.
    net.drops = Some(|from, _, message| from == 2 && matches!(message, Message::LogWrite { .. }));
    let id = net.write(2, 1, 1);
    net.go(10);
    net.drops = Some(|from, to, message| from == 2 && to == 1 && matches!(message, Message::LogWrite { .. }));
    net.go(60);
    assert_eq!(net.answer(id), None);
    let read = net.read(0, 1);
    net.go(800);
    let expected = Answer::Found { version: 1, value: Value { call: 1, attempt: 1 } };
    assert_eq!(net.answer(read), Some(expected));
    // Its writer plays the position and sees it committed.
    net.go(1000);
    assert_eq!(net.answer(id), Some(Answer::Written { version: 1 }));
}

#[test]
fn without_a_lease_a_replica_does_not_read() {
    let mut net = three();
    net.written(0, 1, 1);
    net.force = view(2, &[0, 1, 2], &[]);
    for node in 0..3 {
        let id = net.read(node, 1);
        assert_eq!(net.answer(id), Some(Answer::Unavailable));
    }
}

#[test]
fn the_log_outlives_its_sequencer() {
    for survivors in [&[1, 2][..], &[1][..], &[2][..]] {
        let mut net = three();
        for call in 1..=20 {
            net.written((call % 3) as u32, call % 4, call);
        }
        // A write that reached the first unit alone, and one that reached two.
        let first = net.write(0, 9, 98);
        let open = net.write(1, 9, 99);
        net.go(2);
        net.crash(0);
        net.change(survivors, &[]);
        if survivors.contains(&1) {
            assert_eq!(net.answer(open), Some(Answer::Unavailable));
        }
        assert_eq!(net.answer(first), None);
        for &node in survivors {
            for key in 0..4 {
                let call = (17..=20).find(|call| call % 4 == key).unwrap();
                assert_eq!(net.found(node, key), (call, call));
            }
        }
        let version = net.written(survivors[0], 1, 100);
        assert!(version > 20);
        assert_eq!(net.found(*survivors.last().unwrap(), 1), (version, 100));
    }
}

#[test]
fn a_write_of_an_old_view_is_not_acknowledged_after_the_change() {
    let mut net = three();
    // Replica 0 writes; 1 gets it, 2 not yet; then 0 is cut off and goes on in its view.
    net.drops = Some(|from, to, _| from == 0 && to == 2);
    let id = net.write(0, 1, 1);
    net.go(20);
    net.change(&[1, 2], &[]);
    net.drops = None;
    net.go(500);
    assert_eq!(net.answer(id), None);
    // What reached the first of those that go on is in the log.
    assert_eq!(net.found(2, 1), (1, 1));
}

#[test]
fn a_newcomer_gets_store_and_log_and_holds_alone_what_was_acknowledged() {
    let mut net = three();
    for call in 1..=20 {
        net.written((call % 3) as u32, call % 6, call);
    }
    net.crash(2);
    net.change(&[0, 1], &[]);
    for call in 21..=30 {
        net.written(call as u32 % 2, call % 6, call);
    }
    // It has the store long before the log that its view begins with: that is not enough.
    net.drops = Some(|_, to, message| to == 2 && matches!(message, Message::LogWrite { span: Some(_), .. }));
    net.change(&[0, 1], &[2]);
    net.go(1500);
    assert_eq!(net.nodes[2].protocol.wants(), None);
    assert!(!net.nodes[2].protocol.caught_up());
    net.drops = None;
    net.go(1000);
    // Writes go on while it learns, and wait for it too.
    for call in 31..=40 {
        net.written(call as u32 % 2, call % 6, call);
    }
    let id = net.read(2, 1);
    assert!(matches!(net.answer(id), Some(Answer::Elsewhere(v)) if v.number == 3));
    net.go(1500);
    assert!(net.nodes[2].protocol.caught_up());
    let open = net.write(0, 5, 41);
    net.go(50);
    assert_eq!(net.answer(open), Some(Answer::Written { version: 41 }));
    net.change(&[0, 1, 2], &[]);
    // At once all others are gone.
    net.crash(0);
    net.crash(1);
    net.change(&[2], &[]);
    assert_eq!(net.found(2, 5), (41, 41));
    for key in 0..5 {
        let call = (35..=40).find(|call| call % 6 == key).unwrap();
        assert_eq!(net.found(2, key), (call, call));
    }
}

#[test]
fn who_is_not_counted_on_begins_anew() {
    let mut net = three();
    for call in 1..=9 {
        net.written((call % 3) as u32, call, call);
    }
    let position = net.seal(2, 2);
    net.seal(0, 2);
    net.force = view(2, &[2], &[0]);
    for node in [0, 2] {
        let force = net.force;
        net.step(node, |p, now, out| p.install(now, &force, &[(2, position)], out));
    }
    let learner = &net.nodes[0].protocol;
    assert_eq!((learner.position(), learner.wants()), (Position::default(), Some(None)));
    net.fetch(0);
    net.go(1500);
    assert!(net.nodes[0].protocol.caught_up());
    net.change(&[2, 0], &[]);
    assert_eq!(net.found(0, 9), (9, 9));
}

#[test]
fn what_everyone_has_played_is_forgotten() {
    let mut net = three();
    for call in 1..=50 {
        net.written((call % 3) as u32, call % 4, call);
    }
    net.go(5000);
    for node in &net.nodes {
        let Protocol::SharedLog(log) = &node.protocol else { unreachable!() };
        assert!(log.unit().is_empty(), "{:?}", log.unit());
    }
    net.sent.clear();
    net.go(5000);
    assert_eq!(net.sent, vec![], "an idle group is silent");
    // And the log goes on, in this view and in the next.
    assert_eq!(net.written(1, 1, 51), 51);
    net.crash(0);
    net.change(&[1, 2], &[]);
    assert_eq!(net.written(2, 1, 52), 52);
    assert_eq!(net.found(1, 1), (52, 52));
}

#[test]
fn a_retried_call_is_carried_out_once() {
    let mut net = Net::new(3, true, CALM, 1);
    net.go(20);
    assert_eq!(net.written(1, 1, 1), 1);
    assert_eq!(net.written(0, 1, 2), 2);
    // At a replica that knows, and at one that has yet to play the log.
    assert_eq!(net.written(1, 1, 1), 1);
    assert_eq!(net.written(2, 1, 1), 1);
    assert_eq!(net.written(0, 1, 1), 1);
    assert_eq!(net.found(0, 1), (2, 2));
    // Both tries at once.
    let ids = [net.write(0, 2, 3), net.write(2, 2, 3)];
    net.go(50);
    assert_eq!(net.answer(ids[0]), net.answer(ids[1]));
    // In the next view, and at a newcomer.
    net.crash(0);
    net.change(&[1, 2], &[]);
    assert_eq!(net.written(2, 1, 1), 1);
    net.change(&[1, 2], &[0]);
    net.go(1500);
    net.change(&[1, 2, 0], &[]);
    net.go(20);
    assert_eq!(net.written(0, 1, 2), 2);
    assert_eq!(net.found(0, 1), (2, 2));
}

#[test]
fn an_entry_of_the_first_unit_stays_over_a_change_of_view() {
    let entry = |seq, call| Entry { seq, view: 0, key: 1, value: Value { call, attempt: 1 } };
    let mut unit = lab_core::replicate::log_unit::LogUnit::default();
    unit.enter(1, true, 0);
    let held = unit.write(entry(2, 7), 0);
    assert_eq!(unit.write(entry(2, 8), 0), held, "written once");
    unit.enter(2, true, 0);
    assert_eq!(
        unit.write(entry(1, 9), 0).map(|e| e.is_junk()),
        Some(true),
        "a hole of the view before is closed"
    );
    assert_eq!(unit.write(entry(2, 8), 0).map(|e| e.value.call), Some(7));
    // Played or forgotten positions are not open.
    assert_eq!(unit.write(entry(3, 9), 3), None);
    unit.trim(2);
    assert_eq!((unit.last(), unit.trimmed(), unit.is_empty()), (2, 2, true));
}

/// One call of a client: its key, from when to when, and what came of it.
#[derive(Clone, Copy, Debug)]
struct Record {
    key: u64,
    begin: Time,
    /// `NEVER` while nothing is known.
    end: Time,
    /// The call that wrote; 0 for a read.
    call: u64,
    /// What was written or found; `None`: open.
    seen: Option<(u64, u64)>,
}

/// Versions are a witness: if the order of versions agrees with the order in time, the history is linearizable.
fn check(records: &[Record]) -> Result<(), String> {
    let mut value_of: BTreeMap<u64, u64> = BTreeMap::new();
    for record in records {
        if let Some((version, call)) = record.seen
            && version > 0
            && *value_of.entry(version).or_insert(call) != call
        {
            return Err(format!("version {version} has two values: {record:?}"));
        }
    }
    let version_of: BTreeMap<u64, u64> = value_of.iter().map(|(&version, &call)| (call, version)).collect();
    if version_of.len() != value_of.len() {
        return Err("a call has two versions".into());
    }
    for b in records {
        let vb = match b.seen {
            Some((version, _)) => version,
            None => match version_of.get(&b.call) {
                Some(&version) if b.call > 0 => version,
                _ => continue,
            },
        };
        if b.call == 0 && vb > 0 {
            let call = value_of[&vb];
            let Some(writer) = records.iter().find(|w| w.call == call) else {
                return Err(format!("nobody wrote {b:?}"));
            };
            if writer.begin > b.end || writer.key != b.key {
                return Err(format!("{b:?} found what {writer:?} wrote"));
            }
        }
        for a in records.iter().filter(|a| a.key == b.key && a.end < b.begin) {
            let Some((va, _)) = a.seen else { continue };
            if va > vb || (b.call > 0 && va == vb) {
                return Err(format!("{b:?} (version {vb}) comes after {a:?}"));
            }
        }
    }
    Ok(())
}

/// A client with one call at a time.
struct Client {
    record: usize,
    /// The attempt under way, and when it is given up.
    attempt: Option<(RequestId, Time)>,
    tries: u32,
}

/// A change of view that is being made.
struct Change {
    next: View,
    /// Still to be sealed, and when.
    to_seal: Vec<(u32, Time)>,
    positions: Vec<(u32, Position)>,
}

/// A view that a replica has yet to be told of, with the positions, and which of the replica's lives is meant.
type Installing = (u32, View, Vec<(u32, Position)>, u32);

/// Whether a replica of the view in force has not lost its memory since it became one.
fn remembers(net: &Net, installing: &[Installing], replica: u32) -> bool {
    let number = net.force.number;
    net.nodes[replica as usize].protocol.view().number == number
        || installing.iter().any(|(r, v, ..)| *r == replica && v.number == number)
}

/// A random run; the history must be linearizable, and in the end every replica must answer.
fn storm(seed: u64) -> Result<usize, String> {
    let mut random = Random(seed);
    let n = 2 + random.below(4) as u32;
    let deduplicate = random.chance(0.5);
    let weather = Weather {
        loss: random.pick(&[0.0, 0.02, 0.2]),
        copies: random.pick(&[0.0, 0.05, 0.3]),
        late: random.pick(&[0.0, 0.02, 0.1]),
        random: true,
    };
    let mut net = Net::new(n, deduplicate, weather, random.next());
    let trouble = random.pick(&[0.0, 0.01, 0.03]);
    let keys = 1 + random.below(4);
    let mut clients: Vec<Client> =
        (0..5).map(|_| Client { record: usize::MAX, attempt: None, tries: 0 }).collect();
    let mut records: Vec<Record> = vec![];
    let mut change: Option<Change> = None;
    let mut installing: Vec<Installing> = vec![];
    let (storm_end, end) = (ms(3000), ms(12_000));
    let mut answered = 0;
    while net.now < end {
        net.go(2);
        let now = net.now;
        let calm = now > storm_end;
        if calm {
            net.weather = Weather { loss: 0.0, copies: 0.0, late: 0.0, random: true };
            for node in &mut net.nodes {
                node.paused = false;
            }
        }
        // Troubles.
        if !calm && random.chance(trouble) {
            let node = random.below(u64::from(n)) as u32;
            net.nodes[node as usize].paused ^= true;
        }
        if !calm && random.chance(trouble * 0.7) {
            // As many crash as may, or one.
            let all = random.chance(0.3);
            let safe: Vec<u32> = match &change {
                Some(change) => change.next.members.iter().collect(),
                None => net.force.members.iter().collect(),
            };
            // Of the members that go on, one keeps its memory; of a view that is not in force yet, one of the old ones.
            let safe: Vec<u32> = safe
                .into_iter()
                .filter(|&r| net.force.members.contains(r) && remembers(&net, &installing, r))
                .collect();
            let keep = random.pick(&safe);
            for node in 0..n {
                if node != keep && (all || random.chance(1.0 / f64::from(n))) {
                    net.crash(node);
                    installing.retain(|(r, ..)| *r != node);
                    if let Some(change) = &mut change {
                        // It has lost its memory: the view is chosen anew, without it.
                        change.next.members = Members::of(change.next.members.iter().filter(|&r| r != node));
                        change.next.learners =
                            Members::of(change.next.learners.iter().filter(|&r| r != node));
                        change.to_seal.retain(|(r, _)| *r != node);
                        change.positions.retain(|(r, _)| *r != node);
                    }
                }
            }
        }
        // The manager.
        match &mut change {
            None => {
                let force = net.force;
                let has_memory = |r: u32| remembers(&net, &installing, r);
                let alive: Vec<u32> = force.members.iter().filter(|&r| has_memory(r)).collect();
                let lost = alive.len() < force.members.len()
                    || force.learners.iter().any(|r| !has_memory(r))
                    || alive.iter().any(|&r| net.nodes[r as usize].paused && random.chance(0.01));
                let ready: Vec<u32> =
                    force.learners.iter().filter(|&r| net.nodes[r as usize].protocol.caught_up()).collect();
                let out = (force.members.len() + force.learners.len()) < n as usize;
                if (lost && random.chance(0.1))
                    || (!ready.is_empty() && random.chance(0.05))
                    || (out && random.chance(0.03))
                    || (!calm && random.chance(trouble * 0.2))
                {
                    let mut members: Vec<u32> = alive
                        .iter()
                        .copied()
                        .filter(|&r| {
                            let cruel = if net.nodes[r as usize].paused { 0.7 } else { 0.1 };
                            calm || !random.chance(cruel)
                        })
                        .collect();
                    if members.is_empty() {
                        members.push(random.pick(&alive));
                    }
                    let mut newcomers = ready.clone();
                    if random.chance(0.5) {
                        newcomers.reverse();
                    }
                    members.extend(newcomers);
                    let mut learners: Vec<u32> =
                        force.learners.iter().filter(|&r| has_memory(r) && !ready.contains(&r)).collect();
                    for r in 0..n {
                        let known =
                            force.members.contains(r) || learners.contains(&r) || members.contains(&r);
                        let usable = !net.nodes[r as usize].paused;
                        if !known && usable && (calm || random.chance(0.7)) {
                            // It was ejected or has crashed: it comes back with nothing.
                            net.crash(r);
                            learners.push(r);
                        }
                    }
                    if random.chance(0.5) {
                        learners.reverse();
                    }
                    let next = view(force.number + 1, &members, &learners);
                    let to_seal = members
                        .iter()
                        .chain(&learners)
                        .map(|&r| (r, now + Span(random.below(30_000_000))))
                        .collect();
                    change = Some(Change { next, to_seal, positions: vec![] });
                }
            }
            Some(c) => {
                let number = c.next.number;
                let due: Vec<u32> = c
                    .to_seal
                    .iter()
                    .filter(|(r, at)| *at <= now && !net.nodes[*r as usize].paused)
                    .map(|(r, _)| *r)
                    .collect();
                c.to_seal.retain(|(r, _)| !due.contains(r));
                for r in due {
                    let position = net.seal(r, number);
                    c.positions.push((r, position));
                }
                // One that does not answer is dropped, unless it is the last.
                let old = net.force.members;
                let sealed_old = c.positions.iter().any(|(r, _)| old.contains(*r));
                if sealed_old && !c.to_seal.is_empty() && random.chance(0.02) {
                    let dropped: Vec<u32> = c.to_seal.drain(..).map(|(r, _)| r).collect();
                    c.next.members = Members::of(c.next.members.iter().filter(|r| !dropped.contains(r)));
                    c.next.learners = Members::of(c.next.learners.iter().filter(|r| !dropped.contains(r)));
                }
                if c.to_seal.is_empty()
                    && let Some(c) = change.take()
                {
                    let old = std::mem::replace(&mut net.force, c.next);
                    installing.clear();
                    for r in c.next.members.iter().chain(c.next.learners.iter()) {
                        let life = net.nodes[r as usize].life;
                        installing.push((r, c.next, c.positions.clone(), life));
                    }
                    // Now and then a new member is at once the only one.
                    let promoted = c.next.members.iter().find(|&r| !old.members.contains(r));
                    if let Some(promoted) = promoted
                        && !calm
                        && random.chance(0.3)
                    {
                        for r in (0..n).filter(|&r| r != promoted) {
                            net.crash(r);
                            installing.retain(|(i, ..)| *i != r);
                        }
                    }
                }
            }
        }
        installing.retain(|(r, v, ..)| net.nodes[*r as usize].protocol.view().number < v.number);
        for (r, v, positions, life) in &installing {
            if random.chance(0.2) {
                let at = now + Span(random.below(5_000_000));
                let (view, positions, life) = (*v, positions.clone(), *life);
                net.at(at, *r, Event::Install { view, positions, life });
            }
        }
        for r in 0..n {
            if !net.nodes[r as usize].paused {
                net.fetch(r);
            }
        }
        // The clients.
        for client in &mut clients {
            if let Some((id, gives_up)) = client.attempt {
                match net.answer(id) {
                    Some(Answer::Found { version, value }) => {
                        let record = &mut records[client.record];
                        (record.seen, record.end) = (Some((version, value.call)), now);
                        client.attempt = None;
                        client.tries = 0;
                        answered += 1;
                    }
                    Some(Answer::Written { version }) => {
                        let record = &mut records[client.record];
                        (record.seen, record.end) = (Some((version, record.call)), now);
                        client.attempt = None;
                        client.tries = 0;
                        answered += 1;
                    }
                    Some(_) => client.attempt = None,
                    None if now > gives_up => client.attempt = None,
                    None => {}
                }
            } else if !(calm && now + Span::from_secs(3) > end) {
                let again = client.tries > 0 && client.tries < 6 && deduplicate;
                if again || random.chance(0.2) {
                    if !again {
                        let call = if random.chance(0.5) { 0 } else { records.len() as u64 + 1 };
                        let key = random.below(keys);
                        records.push(Record { key, begin: now, end: Time::NEVER, call, seen: None });
                        client.record = records.len() - 1;
                        client.tries = 0;
                    }
                    client.tries += 1;
                    let Record { key, call, .. } = records[client.record];
                    let node = random.below(u64::from(n)) as u32;
                    let id = net.id();
                    let op = if call == 0 { Op::Read(key) } else { Op::Write(key) };
                    let value = if call == 0 { Value::default() } else { Value { call, attempt: 1 } };
                    let at = now + Span(random.below(1_000_000));
                    net.at(at, node, Event::Request(Request { id, op, value }));
                    client.attempt = Some((id, now + Span::from_millis(300 + random.below(500))));
                }
            }
        }
        if net.answers.len() > 200 {
            net.answers.drain(..100);
        }
        net.sent.clear();
    }
    check(&records).map_err(|what| format!("seed {seed}: {what}"))?;
    // All is well again: every replica is a member, and they agree.
    if net.force.members.len() != n as usize {
        return Err(format!("seed {seed}: not all are members in the end: {:?}", net.force));
    }
    for key in 0..keys {
        let mut found = BTreeSet::new();
        for node in 0..n {
            let id = net.read(node, key);
            net.go(600);
            match net.answer(id) {
                Some(Answer::Found { version, value }) => found.insert((version, value.call)),
                other => return Err(format!("seed {seed}: read at {node} in the end: {other:?}")),
            };
        }
        if found.len() != 1 {
            return Err(format!("seed {seed}: {found:?}"));
        }
        if let Some(&(version, call)) = found.first() {
            let now = net.now;
            records.push(Record { key, begin: now, end: now, call: 0, seen: Some((version, call)) });
        }
    }
    check(&records).map_err(|what| format!("seed {seed}: {what}"))?;
    Ok(answered)
}

#[test]
fn histories_are_linearizable_whatever_happens() {
    let number = |name: &str, or| std::env::var(name).ok().and_then(|s| s.parse().ok()).unwrap_or(or);
    let (first, runs) = (number("STORM_FIRST", 0u64), number("STORM_RUNS", 60u64));
    let mut answered = 0;
    for seed in first..first + runs {
        match storm(seed) {
            Ok(count) => answered += count,
            Err(what) => panic!("{what}"),
        }
    }
    assert!(answered as u64 > 100 * runs, "too little was answered: {answered}");
}
