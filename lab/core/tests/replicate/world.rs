//! A simulated group: replicas, manager, clients and the network between them, driven through one schedule.
use crate::{
    audit::{Audit, Violation},
    promise::{self, Memory},
    random::Random,
    sabotage::{Sabotage, Saboteur},
    schedule::{FAULTS_END, Fault, MANAGER_BIT, Schedule, What},
};
use lab_core::{
    call::{Attempt, Job},
    demand::Demand,
    draw::Draw,
    machine::Machine,
    queue::Discipline,
    replicate::{
        Answer, Op, Target, Value, View,
        manager::{Manager, ManagerIn, ManagerOut},
        member::Note,
        message::Message,
        node::{MANAGER, Node, NodeIn, NodeOut, NodePolicy},
    },
    server::{Cancel, DemandPer, ServerControl, ServerPolicy},
    time::{Span, Time},
};
use std::{cmp::Ordering, collections::BinaryHeap};

/// How long the group may take, once nothing goes wrong any more, until all replicas are members and equal.
pub(crate) const SETTLES_WITHIN: Span = Span::from_secs(6);

/// More events than any run has that is not caught in a loop.
const STEPS_MAX: u64 = 500_000;

/// After so many events the replicas are looked into.
const LOOK_EVERY: u64 = 397;

/// What a run has shown.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    /// What was wrong, if anything was.
    pub(crate) violation: Option<Violation>,
    /// More memory was lost than the mode allows for, so that less has been checked.
    pub(crate) void: bool,
    /// Operations that were answered.
    pub(crate) answered: usize,
    /// Writes that were acknowledged.
    pub(crate) writes: usize,
    /// Messages between replicas that are about writes and reads, not about membership.
    pub(crate) messages: u64,
    /// Views that came to be.
    pub(crate) views: u64,
    /// How long the group took to settle.
    pub(crate) settled_in: Span,
    /// What happened, line by line, where that was asked for.
    pub(crate) log: Vec<String>,
}

/// Runs `schedule`; with `sabotage`, somebody tampers with the messages.
pub(crate) fn run(schedule: &Schedule, sabotage: Option<Sabotage>, log: bool) -> Report {
    let mut world = World::new(schedule, sabotage, log);
    world.go();
    let World { audit, memory, settled_in, log, void, messages, .. } = world;
    let strict = !void && (promise::outlives_views(schedule.mode) || memory.current().number == 1);
    let (answered, writes) = (audit.answered(), audit.acknowledged());
    Report {
        violation: audit.verdict(strict, promise::freshness(schedule)),
        void,
        answered,
        writes,
        messages,
        views: memory.current().number,
        settled_in,
        log: log.unwrap_or_default(),
    }
}

#[derive(Clone, Debug)]
enum Event {
    Node {
        to: u32,
        input: NodeIn,
    },
    Manager(ManagerIn),
    /// An answer reaches its client.
    Answer {
        client: u32,
        attempt: Attempt,
        answer: Option<Answer>,
    },
    /// A client learns of a view.
    Told {
        client: u32,
        view: View,
    },
    /// A client's attempt has taken too long, or its pause before the next try is over.
    Patience {
        client: u32,
        generation: u32,
    },
    Next {
        client: u32,
        generation: u32,
    },
    Begins(usize),
    Ends(usize),
    /// A rolling restart has come to this replica.
    Rolls {
        replica: u32,
        down: u64,
    },
    Restarts {
        replica: u32,
        life: u64,
    },
}

struct Scheduled {
    at: Time,
    order: u64,
    event: Event,
}

impl PartialEq for Scheduled {
    fn eq(&self, other: &Self) -> bool {
        self.order == other.order
    }
}
impl Eq for Scheduled {}
impl PartialOrd for Scheduled {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Scheduled {
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.order).cmp(&(self.at, self.order))
    }
}

/// One client: one call at a time.
#[derive(Clone, Debug)]
struct Client {
    view: View,
    left: u32,
    generation: u32,
    call: Option<Call>,
    /// What it will ask for, in order; random operations where it is empty.
    agenda: Vec<Op>,
}

#[derive(Clone, Copy, Debug)]
struct Call {
    number: u64,
    op: Op,
    attempts: u32,
    /// The attempt waited for; none during a pause.
    waits_for: Option<Attempt>,
    /// Where the last one went.
    asked: u32,
}

struct World<'a> {
    schedule: &'a Schedule,
    saboteur: Option<Saboteur>,
    random: Random,
    now: Time,
    order: u64,
    agenda: BinaryHeap<Scheduled>,
    nodes: Vec<Node>,
    manager: Manager,
    clients: Vec<Client>,
    calls: u64,
    active: Vec<Fault>,
    /// Counts each replica's crashes.
    crashes: Vec<u64>,
    down: Vec<bool>,
    paused: Vec<u32>,
    manager_down: u32,
    manager_paused: u32,
    /// Since when nothing has kept the replica from being heard.
    calm_since: Vec<Time>,
    healed: bool,
    memory: Memory,
    void: bool,
    audit: Audit,
    settled_in: Span,
    messages: u64,
    log: Option<Vec<String>>,
    node_out: Vec<NodeOut>,
    manager_out: Vec<ManagerOut>,
}

fn millis(ms: u64) -> Time {
    Time::ZERO + Span::from_millis(ms)
}

impl<'a> World<'a> {
    fn new(schedule: &'a Schedule, sabotage: Option<Sabotage>, log: bool) -> World<'a> {
        let exponential = |mean| Demand::Exponential { mean };
        let policy = NodePolicy {
            server: ServerPolicy {
                workers: schedule.workers,
                discipline: Discipline::Fifo,
                capacity: 50,
                service_time: exponential(schedule.service),
                demand_per: DemandPer::Attempt,
                cancel: Cancel::Never,
                rejection_cost: Span::ZERO,
                error_service_time: None,
            },
            mode: schedule.mode,
            membership: schedule.membership,
            apply_time: exponential(schedule.service * 0.5),
            transfer_time: exponential(schedule.service),
            deduplicate: schedule.deduplicate && sabotage != Some(Sabotage::ForgetsCalls),
        };
        let replicas = schedule.replicas;
        let draw = Draw { seed: schedule.seed };
        let manager = Manager::new(Some(schedule.mode), schedule.membership, replicas);
        let first = View::initial(replicas);
        let client = |left| Client { view: first, left, generation: 0, call: None, agenda: vec![] };
        let mut world = World {
            schedule,
            saboteur: sabotage.map(Saboteur::new),
            random: Random::new(schedule.seed ^ 0x5EED),
            now: Time::ZERO,
            order: 0,
            agenda: BinaryHeap::new(),
            nodes: (0..replicas).map(|me| Node::new(&policy, me, replicas, draw)).collect(),
            manager,
            // The last one looks at the end whether all is well.
            clients: (0..=schedule.clients)
                .map(|c| client(if c < schedule.clients { schedule.calls } else { 0 }))
                .collect(),
            calls: 0,
            active: vec![],
            crashes: vec![0; replicas as usize],
            down: vec![false; replicas as usize],
            paused: vec![0; replicas as usize],
            manager_down: 0,
            manager_paused: 0,
            calm_since: vec![Time::ZERO; replicas as usize],
            healed: false,
            memory: Memory::new(schedule.mode, replicas, first),
            void: false,
            audit: Audit::new(schedule.mode, replicas),
            settled_in: Span::ZERO,
            messages: 0,
            log: log.then(Vec::new),
            node_out: vec![],
            manager_out: vec![],
        };
        for replica in 0..replicas {
            world.put(Time::ZERO, Event::Node { to: replica, input: NodeIn::Begin });
        }
        world.put(Time::ZERO, Event::Manager(ManagerIn::Begin));
        for client in 0..schedule.clients {
            let at = Time::ZERO + schedule.pause * world.random.unit();
            world.put(at, Event::Next { client, generation: 0 });
        }
        for (i, fault) in schedule.faults.iter().enumerate() {
            world.put(millis(fault.at), Event::Begins(i));
            world.put(millis(fault.at + fault.lasts), Event::Ends(i));
        }
        world
    }

    fn put(&mut self, at: Time, event: Event) {
        self.order += 1;
        self.agenda.push(Scheduled { at: at.max(self.now), order: self.order, event });
    }

    fn say(&mut self, line: impl FnOnce() -> String) {
        if let Some(log) = &mut self.log {
            log.push(format!("{:10.3} ms  {}", Span(self.now.0).as_millis_f64(), line()));
        }
    }

    /// The whole run: the faults, the time after them, and the last look.
    fn go(&mut self) {
        let over = self.schedule.faults.iter().map(|f| f.at + f.lasts).max().unwrap_or(0).min(FAULTS_END);
        let over = over.max(200);
        self.run_until(millis(over) + Span::from_millis(50));
        self.heal();
        let began = self.now;
        self.run_until(self.now + Span::from_millis(150));
        for client in &mut self.clients {
            client.left = 0;
        }
        while !self.audit.failed() && !self.settled() {
            if self.now.since(began) > SETTLES_WITHIN {
                // Where a majority is gone, the group stays down.
                if !(self.void && promise::needs_a_majority(self.schedule.mode)) {
                    match self.missing() {
                        Some(missing) => self.audit.fail("lost", missing),
                        None => self.audit.fail("unsettled", self.unsettled()),
                    }
                }
                return;
            }
            self.run_until(self.now + Span::from_millis(10));
        }
        self.settled_in = self.now.since(began);
        if self.audit.failed() {
            return;
        }
        self.look_inside();
        // Everything is served: each key read, written and read again.
        let auditor = self.schedule.clients;
        let keys = 1..=self.schedule.keys;
        self.clients[auditor as usize].agenda =
            keys.flat_map(|key| [Op::Read(key), Op::Write(key), Op::Read(key)]).rev().collect();
        self.clients[auditor as usize].left = 3 * self.schedule.keys as u32;
        let generation = self.clients[auditor as usize].generation;
        self.put(self.now, Event::Next { client: auditor, generation });
        let began = self.now;
        while !self.audit.failed() && self.clients[auditor as usize].left > 0 {
            if self.now.since(began) > SETTLES_WITHIN {
                return self.audit.fail("unserved", format!("view {:?}", self.memory.current()));
            }
            self.run_until(self.now + Span::from_millis(10));
        }
        self.look_inside();
    }

    fn run_until(&mut self, end: Time) {
        while let Some(next) = self.agenda.peek() {
            if next.at > end || self.audit.failed() {
                break;
            }
            let Some(Scheduled { at, event, .. }) = self.agenda.pop() else { break };
            self.now = at;
            self.order += 1;
            if self.order > STEPS_MAX {
                return self.audit.fail("endless", "events that only lead to more events".into());
            }
            self.happen(event);
            if self.order.is_multiple_of(LOOK_EVERY) {
                self.look_inside();
            }
        }
        self.now = self.now.max(end);
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Node { to, input } => self.node(to, input),
            Event::Manager(input) => self.manage(input),
            Event::Answer { client, attempt, answer } => self.answered(client, attempt, answer),
            Event::Told { client, view } => self.told(client, view),
            Event::Patience { client, generation } => {
                let state = &mut self.clients[client as usize];
                if state.generation == generation {
                    self.try_again(client);
                }
            }
            Event::Next { client, generation } => {
                if self.clients[client as usize].generation == generation {
                    match self.clients[client as usize].call {
                        Some(_) => self.attempt(client),
                        None => self.call(client),
                    }
                }
            }
            Event::Begins(i) => self.begins(i),
            Event::Ends(i) => self.ends(i),
            Event::Rolls { replica, down } => {
                if self.crash(replica) {
                    let life = self.crashes[replica as usize];
                    self.put(self.now + Span::from_millis(down), Event::Restarts { replica, life });
                }
            }
            Event::Restarts { replica, life } => {
                if self.down[replica as usize] && self.crashes[replica as usize] == life {
                    self.restart(replica);
                }
            }
        }
    }

    // Machines.

    fn node(&mut self, to: u32, mut input: NodeIn) {
        if let (Some(saboteur), NodeIn::Peer { from, message }) = (&self.saboteur, input.clone()) {
            let message = saboteur.arrives(&self.nodes[to as usize], message);
            input = NodeIn::Peer { from, message };
        }
        let quiet = matches!(input, NodeIn::Woken(_) | NodeIn::Begin);
        if !quiet {
            self.say(|| format!("{to} <- {input:?}"));
        }
        // When a pause ends, much happens in one step, and the answers come first.
        let before = self.nodes[to as usize].view().number;
        let mut out = std::mem::take(&mut self.node_out);
        self.nodes[to as usize].step(self.now, input, &mut out);
        for request in out.drain(..) {
            match request {
                NodeOut::WakeAt { at, wake } => {
                    self.put(at, Event::Node { to, input: NodeIn::Woken(wake) });
                }
                NodeOut::Send { to: receiver, message } => self.send(to, receiver, message),
                NodeOut::Reply { job, outcome, answer, .. } => {
                    self.say(|| {
                        format!(
                            "{to} answers {}.{}: {outcome:?} {answer:?}",
                            job.client, job.attempt.generation
                        )
                    });
                    self.reply(to, before, job, answer);
                }
                NodeOut::Drop { .. } | NodeOut::Worked { .. } => {}
                NodeOut::Noted(note) => self.noted(to, note),
            }
        }
        self.node_out = out;
        let node = &self.nodes[to as usize];
        if let Err(violation) = self.audit.saw(to, node, &self.memory) {
            self.audit.fail(violation.kind, violation.detail);
        }
    }

    fn noted(&mut self, replica: u32, note: Note) {
        self.say(|| format!("{replica} notes {note:?}"));
        if let Note::Ejected { .. } = note {
            if self.memory.current().members.contains(replica) && self.memory.holds(replica) {
                let view = self.memory.current();
                self.audit.fail("ejected", format!("{replica}, a member of {view:?}"));
            }
            self.lost(replica);
        }
    }

    fn lost(&mut self, replica: u32) {
        self.memory.lost(self.order, replica);
        self.audit.new_life(replica);
        if self.memory.too_much_lost(|_| false) {
            self.say(|| "more is lost than may be".into());
            self.void = true;
        }
    }

    fn manage(&mut self, input: ManagerIn) {
        if !matches!(input, ManagerIn::Woken(_) | ManagerIn::Peer { message: Message::Heartbeat { .. }, .. })
        {
            self.say(|| format!("manager <- {input:?}"));
        }
        let mut out = std::mem::take(&mut self.manager_out);
        self.manager.step(self.now, input, &mut out);
        for request in out.drain(..) {
            match request {
                ManagerOut::WakeAt { at, wake } => self.put(at, Event::Manager(ManagerIn::Woken(wake))),
                ManagerOut::Send { to, message } => self.send(MANAGER, to, message),
                ManagerOut::Keep(record) => self.appended(record.view),
                ManagerOut::Publish(view) => {
                    for client in 0..self.clients.len() as u32 {
                        if !self.random.chance(0.1) {
                            let at = self.now + self.delay();
                            self.put(at, Event::Told { client, view });
                        }
                    }
                }
                ManagerOut::Noted(note) => self.say(|| format!("manager notes {note:?}")),
            }
        }
        self.manager_out = out;
    }

    /// A view has been written down: it must follow the one before.
    fn appended(&mut self, view: View) {
        self.say(|| format!("view {view:?}"));
        let before = self.memory.current();
        if view.number != before.number + 1 {
            self.audit.fail("views", format!("{view:?} after {before:?}"));
        }
        let lost_before = self.memory.too_much_lost(|_| false);
        self.memory.appended(self.order, view);
        if !lost_before && self.memory.too_much_lost(|_| false) {
            // Its members lost their memory after they had answered the seal. The manager could not know, but it should
            // not have passed over one that has been there all the time.
            let m = &self.schedule.membership;
            let calm = m.timeout + m.timeout + m.lease + m.heartbeat;
            let passed_over = before.members.iter().find(|&r| {
                !view.members.contains(r)
                    && self.memory.holds(r)
                    && self.now.since(self.calm_since[r as usize]) > calm
                    && self.calm(r)
            });
            match passed_over {
                Some(r) => self.audit.fail("forgetful", format!("{view:?} without {r} after {before:?}")),
                None => self.void = true,
            }
        }
    }

    // Network.

    fn delay(&mut self) -> Span {
        let network = &self.schedule.network;
        let late = !self.healed && self.random.chance(network.late_share);
        let most = if late { network.late } else { network.delay };
        let mut delay = most * self.random.unit();
        for fault in &self.active {
            if let What::Delay(factor) = fault.what {
                delay = delay * factor;
            }
        }
        delay
    }

    fn loses(&mut self) -> bool {
        if self.healed {
            return false;
        }
        let mut kept = 1.0 - self.schedule.network.loss;
        for fault in &self.active {
            if let What::Loss(share) = fault.what {
                kept *= 1.0 - share;
            }
        }
        !self.random.chance(kept)
    }

    fn doubles(&mut self) -> bool {
        let faults = self.active.iter().filter_map(|f| match f.what {
            What::Twice(share) => Some(share),
            _ => None,
        });
        let share = faults.fold(self.schedule.network.twice, f64::max);
        !self.healed && self.random.chance(share)
    }

    fn bit(node: u32) -> u32 {
        if node == MANAGER { MANAGER_BIT } else { 1 << node }
    }

    fn cut(&self, from: u32, to: u32) -> bool {
        let inside = |side: u32, node| side & Self::bit(node) != 0;
        self.active.iter().any(|fault| match fault.what {
            What::Partition(side) => inside(side, from) != inside(side, to),
            What::Mute(side) => inside(side, from) && !inside(side, to),
            _ => false,
        })
    }

    fn send(&mut self, from: u32, to: u32, message: Message) {
        if let Message::Heartbeat { caught_up: true, .. } = message {
            self.memory.caught_up(from);
        }
        self.messages += u64::from(from != MANAGER && to != MANAGER);
        match &mut self.saboteur {
            None => self.transmit(from, to, message),
            Some(saboteur) => {
                for (from, to, message) in saboteur.tampers(&self.nodes, from, to, message) {
                    self.transmit(from, to, message);
                }
            }
        }
    }

    fn transmit(&mut self, from: u32, to: u32, message: Message) {
        if self.cut(from, to) || self.loses() {
            return;
        }
        if self.doubles() {
            let at = self.now + self.delay();
            self.deliver(at, from, to, message.clone());
        }
        let at = self.now + self.delay();
        self.deliver(at, from, to, message);
    }

    fn deliver(&mut self, at: Time, from: u32, to: u32, message: Message) {
        let event = if to == MANAGER {
            Event::Manager(ManagerIn::Peer { from, message })
        } else {
            Event::Node { to, input: NodeIn::Peer { from, message } }
        };
        self.put(at, event);
    }

    // Clients.

    fn call(&mut self, client: u32) {
        let state = &mut self.clients[client as usize];
        if state.left == 0 {
            return;
        }
        let op = match state.agenda.last() {
            Some(&op) => op,
            None => {
                let key = self.random.between(1, self.schedule.keys);
                if self.random.chance(self.schedule.reads) { Op::Read(key) } else { Op::Write(key) }
            }
        };
        self.calls += 1;
        state.call = Some(Call { number: self.calls, op, attempts: 0, waits_for: None, asked: u32::MAX });
        self.attempt(client);
    }

    fn attempt(&mut self, client: u32) {
        let state = &mut self.clients[client as usize];
        let Some(call) = &mut state.call else { return };
        state.generation += 1;
        call.attempts += 1;
        let attempt = Attempt { slot: 0, generation: state.generation };
        call.waits_for = Some(attempt);
        let value = match call.op {
            Op::Read(_) => Value::default(),
            Op::Write(_) if self.schedule.deduplicate => Value { call: call.number, attempt: 1 },
            Op::Write(_) => Value { call: call.number, attempt: call.attempts },
        };
        let members = state.view.members;
        let any = |random: &mut Random| match members.len() {
            0 => random.below(self.schedule.replicas as usize) as u32,
            n => members.iter().nth(random.below(n)).unwrap_or(0),
        };
        let replica = match self.schedule.mode.serves(&state.view, call.op) {
            // Where it should, most of the time: whoever else is asked says so.
            Some(Target::One(replica)) if self.random.chance(0.9) => replica,
            Some(Target::Any) if self.random.chance(0.9) => any(&mut self.random),
            _ => self.random.below(self.schedule.replicas as usize) as u32,
        };
        call.asked = replica;
        let job = Job {
            client,
            attempt,
            call: call.number,
            number: call.attempts,
            gives_up_at: self.now + self.schedule.patience,
        };
        let op = call.op;
        let first = call.attempts == 1;
        let generation = state.generation;
        let again = self.schedule.deduplicate && matches!(op, Op::Write(_)) && !first;
        self.audit.invoked(self.order, self.now, client, attempt, call.number, op, value, again);
        self.say(|| format!("client {client} asks {replica}: {op:?} {value:?} as {client}.{generation}"));
        if !self.loses() {
            let at = self.now + self.delay();
            self.put(at, Event::Node { to: replica, input: NodeIn::Request { job, op, value } });
        }
        self.put(self.now + self.schedule.patience, Event::Patience { client, generation });
    }

    fn reply(&mut self, from: u32, view: u64, job: Job, answer: Option<Answer>) {
        // Reads may be answered before everything is committed again; a write is not.
        if matches!(answer, Some(Answer::Written { .. })) {
            self.memory.served(view);
        }
        self.audit.replied(from, view, job.client, job.attempt, answer);
        if !self.loses() {
            let at = self.now + self.delay();
            self.put(at, Event::Answer { client: job.client, attempt: job.attempt, answer });
        }
    }

    fn answered(&mut self, client: u32, attempt: Attempt, answer: Option<Answer>) {
        self.audit.answer(self.order, self.now, client, attempt, answer);
        let state = &mut self.clients[client as usize];
        if let Some(Answer::Elsewhere(view)) = answer
            && view.number > state.view.number
        {
            state.view = view;
        }
        let Some(call) = &mut state.call else { return };
        if call.waits_for != Some(attempt) {
            return;
        }
        if matches!(answer, Some(Answer::Found { .. } | Answer::Written { .. })) {
            self.call_over(client, true);
        } else {
            self.try_again(client);
        }
    }

    fn told(&mut self, client: u32, view: View) {
        let state = &mut self.clients[client as usize];
        // The first client learns of nothing by itself, and goes on asking those it knows.
        if client > 0 && view.number > state.view.number {
            state.view = view;
        }
    }

    /// The attempt came to nothing.
    fn try_again(&mut self, client: u32) {
        let auditor = client == self.schedule.clients;
        let state = &mut self.clients[client as usize];
        let Some(call) = &mut state.call else { return };
        call.waits_for = None;
        if call.attempts >= 5 && !auditor {
            return self.call_over(client, false);
        }
        state.generation += 1;
        let generation = state.generation;
        let at = self.now + Span::from_millis(1) + Span::from_millis(10) * self.random.unit();
        self.put(at, Event::Next { client, generation });
    }

    fn call_over(&mut self, client: u32, _good: bool) {
        let state = &mut self.clients[client as usize];
        state.call = None;
        state.generation += 1;
        state.left = state.left.saturating_sub(1);
        state.agenda.pop();
        let generation = state.generation;
        let at = self.now + self.schedule.pause * (2.0 * self.random.unit());
        self.put(at, Event::Next { client, generation });
    }

    // Faults.

    /// Whether nothing keeps the manager from hearing the replica at this moment.
    fn calm(&self, replica: u32) -> bool {
        !self.down[replica as usize]
            && self.paused[replica as usize] == 0
            && !self.cut(replica, MANAGER)
            && !self.cut(MANAGER, replica)
            && !self.active.iter().any(|f| match f.what {
                What::Loss(_) | What::Delay(_) => true,
                What::Slow(r, _) => r == replica,
                _ => false,
            })
    }

    fn begins(&mut self, i: usize) {
        let fault = self.schedule.faults[i];
        if self.healed {
            return;
        }
        self.say(|| format!("--- begins: {:?}", fault.what));
        self.look_inside();
        match fault.what {
            What::Crash(replica) => {
                if self.crash(replica) {
                    let life = self.crashes[replica as usize];
                    self.put(self.now + Span::from_millis(fault.lasts), Event::Restarts { replica, life });
                }
            }
            What::Rolling(down) => {
                let each = Span::from_millis(fault.lasts) * (1.0 / f64::from(self.schedule.replicas));
                for replica in 0..self.schedule.replicas {
                    let at = self.now + each * f64::from(replica);
                    self.put(at, Event::Rolls { replica, down });
                }
            }
            What::Pause(replica) => {
                self.paused[replica as usize] += 1;
                if self.paused[replica as usize] == 1 {
                    self.node(replica, NodeIn::Control(ServerControl::Pause));
                }
            }
            What::Slow(replica, factor) => {
                self.node(replica, NodeIn::Control(ServerControl::SlowDown(factor)));
            }
            What::ManagerCrash => {
                self.manager_down += 1;
                if self.manager_down == 1 {
                    self.manage(ManagerIn::Control(ServerControl::Crash));
                }
            }
            What::ManagerPause => {
                self.manager_paused += 1;
                if self.manager_paused == 1 {
                    self.manage(ManagerIn::Control(ServerControl::Pause));
                }
            }
            What::Partition(_) | What::Mute(_) | What::Loss(_) | What::Twice(_) | What::Delay(_) => {}
        }
        self.active.push(fault);
        self.note_calm();
    }

    fn ends(&mut self, i: usize) {
        let fault = self.schedule.faults[i];
        let Some(place) = self.active.iter().position(|f| *f == fault) else { return };
        self.note_calm();
        self.active.remove(place);
        self.say(|| format!("--- ends: {:?}", fault.what));
        match fault.what {
            What::Pause(replica) => {
                self.paused[replica as usize] -= 1;
                if self.paused[replica as usize] == 0 {
                    self.node(replica, NodeIn::Control(ServerControl::Resume));
                }
            }
            What::Slow(replica, _) => self.node(replica, NodeIn::Control(ServerControl::SlowDown(1.0))),
            What::ManagerCrash => {
                self.manager_down -= 1;
                if self.manager_down == 0 {
                    self.manage(ManagerIn::Control(ServerControl::Restart));
                }
            }
            What::ManagerPause => {
                self.manager_paused -= 1;
                if self.manager_paused == 0 {
                    self.manage(ManagerIn::Control(ServerControl::Resume));
                }
            }
            _ => {}
        }
    }

    fn note_calm(&mut self) {
        for replica in 0..self.schedule.replicas {
            if !self.calm(replica) {
                self.calm_since[replica as usize] = self.now;
            }
        }
    }

    /// Takes the replica's memory, unless the mode's promise ends there. A member that cannot be heard just now may be left
    /// out of the next view, so it does not count as one that remembers.
    fn crash(&mut self, replica: u32) -> bool {
        if self.down[replica as usize] {
            return false;
        }
        let m = &self.schedule.membership;
        let calm = m.timeout + m.lease;
        // Half of the time this rule is left out: the rare schedule that then loses too much is recognised as such.
        let careful = self.random.chance(0.5);
        let gone = |r: u32| {
            r == replica || careful && (!self.calm(r) || self.now.since(self.calm_since[r as usize]) < calm)
        };
        let spares = promise::outlives_views(self.schedule.mode) && !self.schedule.reckless;
        if spares && self.memory.too_much_lost(gone) {
            self.say(|| format!("--- {replica} is spared"));
            return false;
        }
        self.crashes[replica as usize] += 1;
        self.down[replica as usize] = true;
        self.calm_since[replica as usize] = self.now;
        self.node(replica, NodeIn::Control(ServerControl::Crash));
        self.lost(replica);
        true
    }

    fn restart(&mut self, replica: u32) {
        self.down[replica as usize] = false;
        self.calm_since[replica as usize] = self.now;
        self.node(replica, NodeIn::Control(ServerControl::Restart));
    }

    /// Nothing goes wrong any more.
    fn heal(&mut self) {
        for i in 0..self.schedule.faults.len() {
            self.ends(i);
        }
        for replica in 0..self.schedule.replicas {
            if self.down[replica as usize] {
                self.restart(replica);
            }
        }
        self.healed = true;
        self.say(|| "--- all is well again".into());
    }

    // The end.

    /// Whether all replicas are members of the current view, know it, and hold the same.
    fn settled(&self) -> bool {
        let view = self.memory.current();
        let stores = || self.nodes.iter().map(Audit::held);
        view.members.len() == self.schedule.replicas as usize
            && view.learners.is_empty()
            && self.nodes.iter().all(|node| *node.view() == view)
            && self.clients.iter().all(|client| client.call.is_none())
            && stores().skip(1).zip(stores()).all(|(a, b)| a == b)
            && self.missing().is_none()
    }

    fn unsettled(&self) -> String {
        let nodes: Vec<String> = self
            .nodes
            .iter()
            .map(|node| format!("view {} with {:?}", node.view().number, Audit::held(node)))
            .collect();
        format!("the manager's {:?}; the replicas': {nodes:#?}", self.memory.current())
    }

    /// What the replicas hold fits together.
    fn look_inside(&mut self) {
        self.audit.stores(&self.nodes);
        if let Err(violation) = self.audit.order(self.schedule.mode, &self.memory.current(), &self.nodes) {
            self.audit.fail(violation.kind, violation.detail);
        }
    }

    /// An acknowledged write that is not everywhere, where it should be.
    fn missing(&self) -> Option<String> {
        let lasting = !self.void && promise::outlives_views(self.schedule.mode);
        if lasting { self.audit.missing(&self.nodes) } else { None }
    }
}
