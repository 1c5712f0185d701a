//! Primary/backup, chain and CRAQ, driven directly: a few replicas on a small network, and an ideal manager.
use lab_core::{
    call::Attempt,
    replicate::{
        Ack, Answer, Freshness, Key, Members, Mode, Op, Reads, Request, RequestId, Target, Value, Version,
        View,
        feed::RESEND,
        message::{Message, Position},
        protocol::{Ask, Protocol},
    },
    time::{Span, Time},
};
use std::collections::{BTreeMap, BTreeSet};

const MODES: [Mode; 9] = [
    pb(Ack::One, Reads::Leader),
    pb(Ack::Majority, Reads::Leader),
    pb(Ack::All, Reads::Leader),
    pb(Ack::Majority, Reads::Any),
    pb(Ack::All, Reads::Any),
    Mode::Chain,
    Mode::Craq { reads: Freshness::Strong },
    Mode::Craq { reads: Freshness::Eventual },
    Mode::Craq { reads: Freshness::Bounded(Span::from_millis(20)) },
];

const fn pb(ack: Ack, reads: Reads) -> Mode {
    Mode::PrimaryBackup { ack, reads }
}

fn loses_nothing(mode: Mode) -> bool {
    !matches!(mode, Mode::PrimaryBackup { ack: Ack::One, .. })
}

fn reads_are_strong(mode: Mode) -> bool {
    matches!(
        mode,
        Mode::PrimaryBackup { reads: Reads::Leader, .. }
            | Mode::Chain
            | Mode::Craq { reads: Freshness::Strong }
    )
}

fn view_of(message: &Message) -> u64 {
    match message {
        Message::Append { view, .. }
        | Message::Appended { view, .. }
        | Message::VersionQuery { view, .. }
        | Message::VersionAnswer { view, .. }
        | Message::Fetch { view, .. }
        | Message::Part { view, .. } => *view,
        _ => panic!("{message:?} is not for a protocol"),
    }
}

/// Replicas, and what is on its way between them.
struct Group {
    mode: Mode,
    deduplicate: bool,
    replicas: Vec<Protocol>,
    /// May not act: sealed, or without a view.
    sealed: Vec<bool>,
    leased: Vec<bool>,
    now: Time,
    on_the_way: Vec<(u32, u32, Message)>,
    wakes: BTreeSet<(Time, u32)>,
    answers: BTreeMap<u32, Answer>,
    requests: u32,
    sent: usize,
    views: Vec<View>,
}

impl Group {
    fn new(mode: Mode, replicas: u32, deduplicate: bool) -> Group {
        let mut group = Group {
            mode,
            deduplicate,
            replicas: (0..replicas).map(|r| Protocol::new(mode, r, deduplicate)).collect(),
            sealed: vec![false; replicas as usize],
            leased: vec![true; replicas as usize],
            now: Time::ZERO,
            on_the_way: vec![],
            wakes: BTreeSet::new(),
            answers: BTreeMap::new(),
            requests: 0,
            sent: 0,
            views: vec![],
        };
        let all: Vec<u32> = (0..replicas).collect();
        let view = group.next_view(&all, &[]);
        group.install(view, &[]);
        group
    }

    fn next_view(&mut self, members: &[u32], learners: &[u32]) -> View {
        let view = View {
            number: self.views.len() as u64 + 1,
            members: Members::of(members.iter().copied()),
            learners: Members::of(learners.iter().copied()),
        };
        self.views.push(view);
        view
    }

    fn view(&self) -> View {
        *self.views.last().expect("there is a first view")
    }

    fn act(&mut self, replica: u32, act: impl FnOnce(&mut Protocol, Time, &mut Vec<Ask>)) {
        let mut asks = vec![];
        act(&mut self.replicas[replica as usize], self.now, &mut asks);
        for ask in asks {
            match ask {
                Ask::Send { to, message } => {
                    self.sent += 1;
                    self.on_the_way.push((replica, to, message));
                }
                Ask::Answer { id, answer } => {
                    assert_eq!(self.answers.insert(id.client, answer), None, "answered twice");
                }
                Ask::WakeAt(at) => {
                    assert!(at >= self.now);
                    self.wakes.insert((at, replica));
                }
            }
        }
    }

    fn install_at(&mut self, replica: u32, view: View, positions: &[(u32, Position)]) {
        if view.members.contains(replica) || view.learners.contains(replica) {
            self.sealed[replica as usize] = false;
            self.act(replica, |p, now, out| p.install(now, &view, positions, out));
        }
    }

    fn install(&mut self, view: View, positions: &[(u32, Position)]) {
        for replica in 0..self.replicas.len() as u32 {
            self.install_at(replica, view, positions);
        }
    }

    fn seal(&mut self, replica: u32) -> Position {
        self.sealed[replica as usize] = true;
        self.act(replica, |p, now, out| p.suspend(now, out));
        self.replicas[replica as usize].position()
    }

    fn forget(&mut self, replica: u32) {
        self.act(replica, |p, now, out| p.suspend(now, out));
        self.replicas[replica as usize] = Protocol::new(self.mode, replica, self.deduplicate);
        self.sealed[replica as usize] = true;
    }

    /// `left` and the learners that have caught up go on, all others forget everything; `learners` are let in.
    fn change(&mut self, left: &[u32], learners: &[u32]) -> View {
        let before = self.view();
        let mut positions = vec![];
        for &replica in left {
            positions.push((replica, self.seal(replica)));
        }
        assert!(self.mode.enough(&self.views, &positions));
        let mut members: Vec<u32> = before.members.iter().filter(|m| left.contains(m)).collect();
        members.extend(before.learners.iter().filter(|m| left.contains(m) && !learners.contains(m)));
        lead(self.mode, &mut members, &positions);
        for replica in 0..self.replicas.len() as u32 {
            if !left.contains(&replica) {
                self.forget(replica);
            }
        }
        let view = self.next_view(&members, learners);
        self.install(view, &positions);
        view
    }

    fn request(&mut self, at: u32, op: Op, value: Value) -> u32 {
        let client = self.requests;
        self.requests += 1;
        let id = RequestId { client, attempt: Attempt { slot: 0, generation: 1 } };
        let leased = self.leased[at as usize];
        self.act(at, |p, now, out| p.request(now, Request { id, op, value }, leased, out));
        client
    }

    fn write(&mut self, key: Key, call: u64) -> u32 {
        let head = self.view().members.first().expect("members");
        self.request(head, Op::Write(key), Value { call, attempt: 1 })
    }

    fn read(&mut self, at: u32, key: Key) -> u32 {
        self.request(at, Op::Read(key), Value::default())
    }

    /// Where a read of the group goes, if it is for one replica alone.
    fn reader(&self) -> u32 {
        match self.mode.serves(&self.view(), Op::Read(0)) {
            Some(Target::One(replica)) => replica,
            _ => self.view().members.first().expect("members"),
        }
    }

    fn deliver(&mut self, index: usize) {
        let (from, to, message) = self.on_the_way.remove(index);
        let replica = &self.replicas[to as usize];
        if self.sealed[to as usize] || view_of(&message) != replica.view().number {
            return;
        }
        let leased = self.leased[to as usize];
        match message {
            Message::Fetch { after, .. } => {
                self.act(to, |p, now, out| {
                    if let Some(message) = p.part(now, from, after, 2, out) {
                        out.push(Ask::Send { to: from, message });
                    }
                });
            }
            Message::Part { .. } => self.replicas[to as usize].learn(&message),
            message => self.act(to, |p, now, out| p.message(now, from, message, leased, out)),
        }
    }

    /// In the order of sending, until nothing is on its way.
    fn settle(&mut self) {
        while !self.on_the_way.is_empty() {
            self.deliver(0);
        }
    }

    fn wake(&mut self) {
        while let Some(&(at, replica)) = self.wakes.first()
            && at <= self.now
        {
            self.wakes.pop_first();
            self.act(replica, |p, now, out| p.woken(now, out));
        }
    }

    fn pass(&mut self, span: Span) {
        self.now = self.now + span;
        self.wake();
    }

    fn fetch(&mut self, learner: u32) -> bool {
        let replica = &self.replicas[learner as usize];
        let Some(after) = replica.wants().filter(|_| !self.sealed[learner as usize]) else { return false };
        let view = *replica.view();
        let Some(donor) = self.mode.donor(&view) else { return false };
        self.on_the_way.push((learner, donor, Message::Fetch { view: view.number, after }));
        true
    }

    /// Lets everything come to rest, with time for whatever has to be sent again.
    fn rest(&mut self) {
        for _ in 0..200 {
            for learner in 0..self.replicas.len() as u32 {
                self.fetch(learner);
            }
            self.settle();
            self.pass(RESEND);
        }
        self.settle();
    }

    fn answer(&self, client: u32) -> Option<Answer> {
        self.answers.get(&client).copied()
    }
    fn written(&self, client: u32) -> Option<Version> {
        match self.answer(client) {
            Some(Answer::Written { version }) => Some(version),
            _ => None,
        }
    }
    fn found(&self, client: u32) -> Option<(Version, u64)> {
        match self.answer(client) {
            Some(Answer::Found { version, value }) => Some((version, value.call)),
            _ => None,
        }
    }
}

/// As the manager orders the members of a view.
fn lead(mode: Mode, members: &mut [u32], positions: &[(u32, Position)]) {
    let of = |r: u32| positions.iter().find(|p| p.0 == r).map(|p| p.1).unwrap_or_default();
    if matches!(mode, Mode::PrimaryBackup { .. }) && !members.is_empty() {
        let ahead = (0..members.len()).max_by_key(|&i| (of(members[i]), std::cmp::Reverse(i))).unwrap_or(0);
        members[..=ahead].rotate_right(1);
    }
}

#[test]
fn a_write_costs_the_messages_of_the_papers() {
    for mode in MODES {
        for n in 1..=5 {
            let mut group = Group::new(mode, n, false);
            for call in 1..=10 {
                let client = group.write(call % 3, call);
                group.settle();
                assert_eq!(group.written(client), Some(call), "{mode:?} {n}");
            }
            // The client's request and answer are the other two.
            let per_write = 2 * (n as usize - 1);
            assert_eq!(group.sent, 10 * per_write, "{mode:?} {n}");
            group.rest();
            let whole: Vec<_> = group.replicas[0].store().iter().collect();
            for replica in &group.replicas {
                assert!(replica.store().iter().eq(whole.iter().copied()), "{mode:?} {n}");
            }
            // At rest nothing is sent any more.
            let sent = group.sent;
            group.rest();
            assert_eq!((group.sent, group.wakes.len()), (sent, 0), "{mode:?} {n}");
        }
    }
}

#[test]
fn a_write_is_acknowledged_when_the_rule_says_so() {
    let acknowledged_after = |mode| {
        let mut group = Group::new(mode, 5, false);
        let client = group.write(1, 1);
        for steps in 0.. {
            if group.written(client).is_some() {
                return steps;
            }
            group.deliver(0);
        }
        0
    };
    assert_eq!(acknowledged_after(pb(Ack::One, Reads::Leader)), 0);
    // Four entries go out before the acknowledgements come.
    assert_eq!(acknowledged_after(pb(Ack::Majority, Reads::Leader)), 4 + 2);
    assert_eq!(acknowledged_after(pb(Ack::All, Reads::Leader)), 4 + 4);
    assert_eq!(acknowledged_after(Mode::Chain), 8);
}

#[test]
fn requests_for_others_are_sent_on_and_leases_are_needed() {
    for mode in MODES {
        let mut group = Group::new(mode, 3, false);
        let view = group.view();
        let elsewhere = group.request(1, Op::Write(1), Value { call: 1, attempt: 1 });
        assert_eq!(group.answer(elsewhere), Some(Answer::Elsewhere(view)), "{mode:?}");
        for replica in 0..3 {
            let read = group.read(replica, 1);
            let serves = match mode.serves(&view, Op::Read(1)) {
                Some(Target::One(one)) => one == replica,
                _ => true,
            };
            let expected = if serves {
                Answer::Found { version: 0, value: Value::default() }
            } else {
                Answer::Elsewhere(view)
            };
            assert_eq!(group.answer(read), Some(expected), "{mode:?} {replica}");
        }
        group.leased = vec![false; 3];
        let read = group.read(group.reader(), 1);
        let weak = matches!(
            mode,
            Mode::PrimaryBackup { reads: Reads::Any, .. } | Mode::Craq { reads: Freshness::Eventual }
        );
        assert_eq!(group.answer(read) == Some(Answer::Unavailable), !weak, "{mode:?}");
        let write = group.write(1, 2);
        group.settle();
        assert_eq!(group.written(write).is_some(), loses_nothing(mode), "{mode:?}");
        group.seal(0);
        let late = group.write(1, 3);
        assert_eq!(group.answer(late), Some(Answer::Unavailable), "{mode:?}");
    }
}

#[test]
fn what_is_lost_is_sent_again() {
    for mode in MODES {
        let mut group = Group::new(mode, 3, false);
        let mut clients = vec![];
        for call in 1..=5 {
            clients.push(group.write(call, call));
            group.on_the_way.clear();
        }
        for _ in 0..40 {
            group.pass(RESEND);
            group.settle();
        }
        assert!(clients.iter().all(|&c| group.written(c).is_some()), "{mode:?}");
        // Every acknowledgement is lost once.
        let client = group.write(9, 9);
        while let Some(index) = group.on_the_way.iter().position(|m| !matches!(m.2, Message::Appended { .. }))
        {
            group.deliver(index);
        }
        group.on_the_way.clear();
        for _ in 0..40 {
            group.pass(RESEND);
            group.settle();
        }
        assert_eq!(group.written(client), Some(6), "{mode:?}");
        for replica in &group.replicas {
            assert_eq!(replica.store().get(9).0, 6, "{mode:?}");
        }
    }
}

#[test]
fn entries_that_come_out_of_order_wait_for_each_other() {
    for mode in MODES {
        let mut group = Group::new(mode, 3, false);
        let clients: Vec<u32> = (1..=6).map(|call| group.write(1, call)).collect();
        while !group.on_the_way.is_empty() {
            group.deliver(group.on_the_way.len() - 1);
        }
        assert!(clients.iter().all(|&c| group.written(c).is_some()), "{mode:?}: without waiting for a timer");
    }
}

#[test]
fn committed_writes_survive_all_members_but_one() {
    for mode in MODES.into_iter().filter(|&mode| loses_nothing(mode)) {
        for survivor in 0..3u32 {
            let mut group = Group::new(mode, 3, false);
            for call in 1..=5 {
                let client = group.write(call, call);
                group.settle();
                assert!(group.written(client).is_some());
            }
            // One that only the first member has.
            let open = group.write(1, 6);
            group.on_the_way.clear();
            let other = (survivor + 1) % 3;
            group.change(&[survivor, other], &[]);
            assert_eq!(group.answer(open), Some(Answer::Unavailable), "{mode:?}");
            group.rest();
            if !matches!(mode, Mode::PrimaryBackup { ack: Ack::Majority, .. }) {
                group.change(&[survivor], &[]);
                group.rest();
            }
            for key in 1..=5 {
                let read = group.read(group.reader(), key);
                let (version, call) = group.found(read).expect("it serves reads");
                let kept = (version, call) == (key, key) || (key, version, call) == (1, 6, 6);
                assert!(kept, "{mode:?} {survivor}: {key} has {version} {call}");
            }
            let write = group.write(3, 7);
            group.rest();
            assert!(group.written(write).is_some(), "{mode:?} {survivor}");
        }
    }
}

#[test]
fn the_most_advanced_backup_leads_and_others_give_way() {
    let mut group = Group::new(pb(Ack::Majority, Reads::Leader), 3, false);
    let committed = group.write(1, 1);
    group.settle();
    assert_eq!(group.written(committed), Some(1));
    // The second write reaches backup 2 only.
    group.write(1, 2);
    group.on_the_way.retain(|m| m.1 == 2);
    group.deliver(0);
    let view = group.change(&[1, 2], &[]);
    assert_eq!(view.members.first(), Some(2));
    let early = group.read(2, 1);
    assert_eq!(group.answer(early), Some(Answer::Unavailable), "the second write may yet be lost");
    group.rest();
    let read = group.read(2, 1);
    assert_eq!(group.found(read), Some((2, 2)));
    // Now an old entry has to give way: backup 1 leads on after having missed one that 2 alone has.
    let mut group = Group::new(pb(Ack::Majority, Reads::Leader), 3, false);
    group.write(1, 1);
    group.on_the_way.clear();
    let view = group.change(&[1, 2], &[]);
    assert_eq!(view.members.first(), Some(1));
    let write = group.write(1, 5);
    group.rest();
    assert_eq!(group.written(write), Some(1), "the place is given anew");
    assert_eq!(group.replicas[2].store().get(1).1.call, 5);
}

#[test]
fn a_first_entry_of_a_new_view_does_not_cost_the_old_ones() {
    // Three writes that are committed, of which the backups do not know; then the new primary gets only one of them through to
    // the other, and is lost.
    let mut group = Group::new(pb(Ack::All, Reads::Leader), 3, false);
    let clients: Vec<u32> = (1..=3).map(|call| group.write(call, call)).collect();
    group.settle();
    assert!(clients.iter().all(|&c| group.written(c).is_some()));
    group.change(&[1, 2], &[]);
    let append = group.on_the_way.iter_mut().find(|m| m.1 == 2).expect("the new primary sends");
    let Message::Append { entries, .. } = &mut append.2 else { panic!("{append:?}") };
    entries.truncate(1);
    let entry = entries[0];
    group.settle();
    group.change(&[2], &[]);
    group.rest();
    assert!(entry.seq < 3);
    for key in 1..=3 {
        let read = group.read(2, key);
        assert_eq!(group.found(read), Some((key, key)));
    }
}

#[test]
fn a_view_that_few_have_joined_is_not_enough() {
    // Writes are committed by 0, 1 and 2 of five; 1 and 2 are put out, 0 leads 3 and 4, and is lost before they have it all.
    let mode = pb(Ack::Majority, Reads::Leader);
    let mut group = Group::new(mode, 5, false);
    let write = group.write(1, 1);
    group.on_the_way.retain(|m| m.1 < 3);
    group.settle();
    assert!(group.written(write).is_some());
    group.change(&[0, 3, 4], &[]);
    group.on_the_way.clear();
    let answers = [(3, group.seal(3)), (4, group.seal(4))];
    assert!(
        !mode.enough(&group.views, &answers),
        "a majority of the last view, but none of them has the write"
    );
    // Had they got it, they would be enough.
    let mut group = Group::new(mode, 5, false);
    group.write(1, 1);
    group.on_the_way.retain(|m| m.1 < 3);
    group.settle();
    group.change(&[0, 3, 4], &[]);
    group.settle();
    let view = group.change(&[3, 4], &[]);
    group.rest();
    let read = group.read(view.members.first().expect("members"), 1);
    assert_eq!(group.found(read), Some((1, 1)));
}

#[test]
fn a_learner_gets_the_store_and_what_is_written_meanwhile() {
    for mode in MODES {
        let mut group = Group::new(mode, 3, true);
        for call in 1..=9 {
            group.write(call, call);
            group.settle();
        }
        group.change(&[0, 1], &[2]);
        group.rest_until_served();
        assert_eq!(group.replicas[2].wants(), None, "{mode:?}");
        let learner = &group.replicas[2];
        assert!(learner.caught_up(), "{mode:?}");
        // Once more from the beginning, with writes between the parts.
        group.change(&[0, 1], &[2]);
        for call in 10..=20 {
            group.write(call % 4, call);
            group.fetch(2);
            group.settle();
        }
        group.rest();
        assert!(group.replicas[2].caught_up(), "{mode:?}");
        let donor = mode.donor(&group.view()).expect("members") as usize;
        let whole: Vec<_> = group.replicas[donor].store().iter().collect();
        assert!(group.replicas[2].store().iter().eq(whole.iter().copied()), "{mode:?}");
        assert_eq!(group.replicas[2].store().calls(), group.replicas[donor].store().calls(), "{mode:?}");
        // It becomes a member, all others are lost (but for a majority), and it has everything.
        group.change(&[0, 1, 2], &[]);
        group.rest();
        let left: &[u32] =
            if matches!(mode, Mode::PrimaryBackup { ack: Ack::Majority, .. }) { &[1, 2] } else { &[2] };
        group.change(left, &[]);
        group.rest();
        let store: Vec<_> = group.replicas[2].store().iter().collect();
        assert_eq!(store, whole, "{mode:?}");
        // A call that was carried out in the first view is still known.
        let again = group.write(5, 5);
        group.rest();
        assert_eq!(group.written(again), Some(5), "{mode:?}");
    }
}

impl Group {
    /// As `rest`, with a check that the group serves afterwards.
    fn rest_until_served(&mut self) {
        self.rest();
        let read = self.read(self.reader(), 1);
        assert!(self.found(read).is_some(), "{:?}", self.mode);
    }
}

#[test]
fn learners_go_on_in_the_next_view() {
    for mode in MODES {
        let mut group = Group::new(mode, 4, false);
        for call in 1..=5 {
            group.write(call, call);
            group.settle();
        }
        group.change(&[0, 1, 2], &[3]);
        group.rest();
        assert!(group.replicas[3].caught_up(), "{mode:?}");
        // The donor is lost; the learner is sealed as well, stays a learner, and goes on with what it has.
        let donor = mode.donor(&group.view()).expect("members");
        let left: Vec<u32> = (0..3).filter(|&r| r != donor).chain([3]).collect();
        group.change(&left, &[3]);
        let fetches = group.fetch(3);
        assert_eq!(fetches, !loses_nothing(mode), "{mode:?}");
        let write = group.write(1, 9);
        group.rest();
        assert!(group.written(write).is_some(), "{mode:?}");
        assert!(group.replicas[3].caught_up(), "{mode:?}");
    }
}

#[test]
fn craq_answers_clean_keys_itself_and_asks_the_tail_about_dirty_ones() {
    let mut group = Group::new(Mode::Craq { reads: Freshness::Strong }, 3, false);
    group.write(1, 1);
    group.settle();
    let sent = group.sent;
    for replica in 0..3 {
        let read = group.read(replica, 1);
        assert_eq!(group.found(read), Some((1, 1)));
    }
    assert_eq!(group.sent, sent, "clean reads ask nobody");
    // The second write has come to the middle, not to the tail.
    group.write(1, 2);
    group.deliver(0);
    let read = group.read(1, 1);
    assert_eq!(group.answer(read), None);
    let held = group.on_the_way.remove(0);
    group.settle();
    assert_eq!(group.found(read), Some((1, 1)), "the tail has not got the second write");
    // Now it has, and its acknowledgement is on the way.
    group.on_the_way.push(held);
    group.deliver(0);
    let acknowledgement = group.on_the_way.remove(0);
    let read = group.read(1, 1);
    group.settle();
    assert_eq!(group.found(read), Some((2, 2)));
    group.on_the_way.push(acknowledgement);
    group.settle();
    // A tail without a lease says nothing; the member asks again.
    group.write(1, 3);
    group.deliver(0);
    group.leased[2] = false;
    let read = group.read(1, 1);
    group.settle();
    assert_eq!(group.answer(read), None);
    group.leased[2] = true;
    group.pass(RESEND);
    group.settle();
    assert_eq!(group.found(read), Some((3, 3)));
    // And gives up in the end.
    group.write(1, 4);
    group.deliver(0);
    group.leased[2] = false;
    let read = group.read(1, 1);
    group.rest();
    assert_eq!(group.answer(read), Some(Answer::Unavailable));
}

#[test]
fn craq_bounds_how_stale_an_answer_is() {
    let bound = Span::from_millis(20);
    let mut group = Group::new(Mode::Craq { reads: Freshness::Bounded(bound) }, 3, false);
    group.write(1, 1);
    group.settle();
    group.write(1, 2);
    group.deliver(0);
    group.deliver(0);
    group.on_the_way.clear();
    let young = group.read(1, 1);
    assert_eq!(group.found(young), Some((1, 1)));
    group.pass(bound);
    let old = group.read(1, 1);
    assert_eq!(group.answer(old), None);
    group.settle();
    assert_eq!(group.found(old), Some((2, 2)));
    let mut group = Group::new(Mode::Craq { reads: Freshness::Eventual }, 3, false);
    group.write(1, 1);
    group.deliver(0);
    group.leased = vec![false; 3];
    let read = group.read(1, 1);
    assert_eq!(group.found(read), Some((0, 0)));
}

#[test]
fn a_call_that_is_tried_again_is_carried_out_once() {
    for mode in MODES {
        let mut group = Group::new(mode, 3, true);
        let first = group.write(1, 7);
        let second = group.write(1, 7);
        group.settle();
        let third = group.write(1, 7);
        for client in [first, second, third] {
            assert_eq!(group.written(client), Some(1), "{mode:?}");
        }
        group.rest();
        if loses_nothing(mode) {
            group.change(&[1, 2], &[]);
            group.rest();
            let fourth = group.write(1, 7);
            group.rest();
            assert_eq!(group.written(fourth), Some(1), "{mode:?}");
        }
        let mut group = Group::new(mode, 3, false);
        group.write(1, 7);
        let again = group.write(1, 7);
        group.settle();
        assert_eq!(group.written(again), Some(2), "{mode:?}");
    }
}

/// A pseudo-random sequence (SplitMix64), so that a schedule is its seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % n
    }
    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

/// What clients have seen, in the order of events.
#[derive(Default)]
struct Seen {
    /// Requests under way: what was asked, and the latest version of the key that anyone had seen by then.
    asked: BTreeMap<u32, (Op, u64, Version)>,
    /// The latest version of a key that anyone has seen.
    latest: BTreeMap<Key, Version>,
    /// Which write a version is.
    writes: BTreeMap<Version, (Key, u64)>,
    judged: BTreeSet<u32>,
    writes_done: usize,
    reads_done: usize,
}

impl Seen {
    fn request(&mut self, group: &mut Group, at: u32, op: Op, call: u64) {
        let latest = self.latest.get(&op.key()).copied().unwrap_or(0);
        let client = group.request(at, op, Value { call, attempt: 1 });
        self.asked.insert(client, (op, call, latest));
    }

    /// Linearizable, as versions are the order of all writes: a read shows no less than anyone saw before it began, a
    /// new write comes after that, and a version is one write.
    fn judge(&mut self, group: &Group) {
        let mode = group.mode;
        for (&client, &answer) in &group.answers {
            if !self.judged.insert(client) {
                continue;
            }
            let (op, call, latest) = self.asked[&client];
            let key = op.key();
            let (version, call) = match answer {
                Answer::Written { version } => {
                    self.writes_done += 1;
                    assert!(
                        group.deduplicate || version > latest,
                        "{mode:?}: {op:?} {answer:?}, seen {latest}"
                    );
                    (version, call)
                }
                Answer::Found { version, value } => {
                    self.reads_done += 1;
                    assert!(
                        !reads_are_strong(mode) || version >= latest,
                        "{mode:?}: {op:?} {answer:?}, seen {latest}"
                    );
                    (version, value.call)
                }
                Answer::Elsewhere(_) | Answer::Unavailable => continue,
            };
            if version > 0 {
                let write = *self.writes.entry(version).or_insert((key, call));
                assert_eq!(write, (key, call), "{mode:?}: version {version} is two writes");
                let place = self.latest.entry(key).or_default();
                *place = version.max(*place);
            }
        }
    }
}

/// For whom, and what.
type Install = (u32, View, Vec<(u32, Position)>);

/// A random schedule: messages are delivered in any order, lost and repeated, replicas lose their memory and are put out although
/// they live, and views change in the middle of all that.
fn adventure(mode: Mode, replicas: u32, deduplicate: bool, seed: u64) -> (usize, usize, usize, bool) {
    let mut chance = Chance(seed);
    let mut group = Group::new(mode, replicas, deduplicate);
    let mut seen = Seen::default();
    // Installs on their way, and the change under way: who is sealed, with what they said.
    let mut installs: Vec<Install> = vec![];
    let mut lost: BTreeSet<u32> = BTreeSet::new();
    let mut crashes = 0;
    let mut changes = 0;
    let calm = chance.one_in(3);
    for step in 0..600u64 {
        match chance.below(20) {
            0..=8 if !group.on_the_way.is_empty() => {
                let index = chance.below(group.on_the_way.len() as u64) as usize;
                if !calm && chance.one_in(12) {
                    group.on_the_way.swap_remove(index);
                } else {
                    if !calm && chance.one_in(12) {
                        let copy = group.on_the_way[index].clone();
                        group.on_the_way.push(copy);
                    }
                    group.deliver(index);
                }
            }
            9..=12 => {
                let at = chance.below(u64::from(replicas)) as u32;
                let at = if chance.one_in(2) { group.view().members.first().unwrap_or(at) } else { at };
                let key = chance.below(3);
                let op = if chance.one_in(2) { Op::Read(key) } else { Op::Write(key) };
                let again = deduplicate && chance.one_in(4);
                let call = if again { chance.below(step + 1) } else { step };
                // A call means the same key every time.
                let op = if again && matches!(op, Op::Write(_)) { Op::Write(call % 3) } else { op };
                let op = if deduplicate && matches!(op, Op::Write(_)) { Op::Write(call % 3) } else { op };
                seen.request(&mut group, at, op, call);
            }
            13..=14 => group.pass(Span::from_millis(chance.below(40))),
            15..=16 if !installs.is_empty() => {
                let index = chance.below(installs.len() as u64) as usize;
                let (replica, view, positions) = installs.swap_remove(index);
                if view.members.contains(replica) || view.learners.contains(replica) {
                    // A lost one begins a new life; only a learner may take part with it.
                    if !(lost.contains(&replica) && view.members.contains(replica)) {
                        group.install_at(replica, view, &positions);
                        group.leased[replica as usize] = view.number == group.view().number;
                        lost.remove(&replica);
                    }
                } else {
                    group.forget(replica);
                    lost.insert(replica);
                }
            }
            17 => {
                let learner = chance.below(u64::from(replicas)) as u32;
                group.fetch(learner);
            }
            18 if crashes < replicas / 2 && chance.one_in(8) => {
                let replica = chance.below(u64::from(replicas)) as u32;
                group.forget(replica);
                lost.insert(replica);
                installs.retain(|(r, _, _)| *r != replica);
                crashes += 1;
            }
            19 if chance.one_in(4) => {
                // Those that answer the seal; a replica that has not heard of the last view may be among them.
                let view = group.view();
                let mut answers = vec![];
                for replica in view.members.iter().chain(view.learners.iter()) {
                    if !lost.contains(&replica) && !chance.one_in(5) {
                        let caught_up = group.replicas[replica as usize].caught_up();
                        if view.members.contains(replica) || !chance.one_in(3) {
                            answers.push((replica, group.seal(replica), caught_up));
                        }
                    }
                }
                let positions: Vec<(u32, Position)> = answers.iter().map(|a| (a.0, a.1)).collect();
                if !mode.enough(&group.views, &positions) {
                    // The manager waits for more; here it means that those sealed stay so until the next try.
                    continue;
                }
                let mut members: Vec<u32> =
                    view.members.iter().filter(|m| answers.iter().any(|a| a.0 == *m)).collect();
                let ready = |l: &u32| answers.iter().any(|a| a.0 == *l && a.2);
                let (promoted, kept): (Vec<u32>, Vec<u32>) =
                    view.learners.iter().filter(|l| answers.iter().any(|a| a.0 == *l)).partition(ready);
                members.extend(promoted);
                lead(mode, &mut members, &positions);
                let mut learners = kept;
                for replica in 0..replicas {
                    let new = !members.contains(&replica) && !learners.contains(&replica);
                    if new && chance.one_in(2) {
                        group.forget(replica);
                        lost.remove(&replica);
                        learners.push(replica);
                    }
                }
                // The old view's leases are over; who was not sealed still thinks that it is in force.
                group.leased.fill(false);
                let next = group.next_view(&members, &learners);
                let positions: Vec<(u32, Position)> = positions
                    .into_iter()
                    .filter(|p| members.contains(&p.0) || learners.contains(&p.0))
                    .collect();
                installs.retain(|(_, view, _)| view.number == next.number);
                for replica in 0..replicas {
                    installs.push((replica, next, positions.clone()));
                }
                changes += 1;
            }
            _ => {}
        }
        seen.judge(&group);
    }
    // Calm returns: everyone hears of the last view.
    for (replica, view, positions) in installs {
        if view.number == group.view().number && !lost.contains(&replica) {
            if view.members.contains(replica) || view.learners.contains(replica) {
                group.install_at(replica, view, &positions);
                group.leased[replica as usize] = true;
            } else {
                group.forget(replica);
            }
        }
    }
    group.rest();
    seen.judge(&group);
    let view = group.view();
    let whole = view.members.iter().all(|m| {
        !group.sealed[m as usize]
            && !lost.contains(&m)
            && group.replicas[m as usize].view().number == view.number
    });
    if whole {
        for replica in view.members.iter() {
            group.leased[replica as usize] = true;
        }
        for key in 0..3 {
            let head = view.members.first().expect("members");
            seen.request(&mut group, head, Op::Write(key), 1_000_000 - 1_000_000 % 3 + key);
            group.rest();
            let reader = group.reader();
            seen.request(&mut group, reader, Op::Read(key), 0);
            group.rest();
            let read = group.requests - 1;
            let found = group.found(read);
            assert!(found.is_some_and(|f| f.0 > 0), "{mode:?} {replicas} {seed}: {found:?}");
        }
        seen.judge(&group);
        // The same everywhere, learners included.
        let first = &group.replicas[view.members.first().expect("members") as usize];
        let all: Vec<_> = first.store().iter().collect();
        for replica in view.members.iter().chain(view.learners.iter()) {
            let other = &group.replicas[replica as usize];
            if other.view().number == view.number && !group.sealed[replica as usize] {
                let is_member = view.members.contains(replica);
                assert!(is_member || other.caught_up(), "{mode:?} {seed}: {replica} has not caught up");
                assert!(other.store().iter().eq(all.iter().copied()), "{mode:?} {seed}: {replica} differs");
                assert_eq!(other.store().calls(), first.store().calls(), "{mode:?} {seed}: {replica}");
            }
        }
    }
    (seen.writes_done, seen.reads_done, changes, whole)
}

#[test]
fn nothing_acknowledged_is_lost_and_strong_reads_are_linearizable() {
    let runs: u64 = std::env::var("LAB_ADVENTURES").ok().and_then(|n| n.parse().ok()).unwrap_or(60);
    for mode in MODES.into_iter().filter(|&mode| loses_nothing(mode)) {
        let mut total = (0, 0, 0, 0);
        for seed in 0..runs {
            for replicas in [2, 3, 5] {
                let told = std::panic::catch_unwind(|| adventure(mode, replicas, seed % 2 == 1, seed));
                let (writes, reads, changes, whole) =
                    told.unwrap_or_else(|_| panic!("{mode:?}, {replicas} replicas, seed {seed}"));
                total = (total.0 + writes, total.1 + reads, total.2 + changes, total.3 + u64::from(whole));
            }
        }
        println!("{mode:?}: writes, reads, changes, whole at the end: {total:?}");
        // It is no test if nothing happens.
        assert!(total.0 as u64 > 3 * runs && total.1 as u64 > 3 * runs, "{mode:?} {total:?}");
        assert!(total.2 as u64 > runs && total.3 > runs / 4, "{mode:?} {total:?}");
    }
}
