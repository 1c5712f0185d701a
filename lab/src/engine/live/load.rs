//! The clients of a live run, in real time, on a thread of their own.
//!
//! The agenda of the simulation, driven by the clock: whatever wakes the thread, it first does all that is due, timers with
//! their planned time and arrivals with the real one, and only then looks at what the network brought. So neither a late
//! wake-up nor a pile of answers delays an arrival or decides whether an attempt has timed out.
use super::{
    calls::{Calls, Heard, Leg},
    clock::Clock,
    connection::{Caller, End},
    guard::{Lateness, LatenessSummary},
    http::{Ask, Reply},
    record::Step,
    timer::Timer,
};
use crate::{
    agenda::Agenda,
    engine::group::{Group, clients, next_arrival},
    scenario::Scenario,
    trace::{ClientTrace, Event as Happening, History, Operation},
};
use lab_core::{
    arrival::Arrival,
    call::Job,
    client::{Client, ClientIn, ClientOut, Wake},
    draw::Draw,
    machine::Machine,
    replicate::{Answer, Op, Value, View},
    time::{Span, Time},
    timeline::{Change, timeline},
};
use std::{
    cell::RefCell,
    io,
    rc::{Rc, Weak},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};
use tokio::{
    runtime::{Builder, LocalOptions},
    sync::{mpsc, oneshot},
};

/// What a load thread is given.
pub(super) struct LoadSetup {
    pub scenario: Arc<Scenario>,
    pub seed: u64,
    pub clock: Clock,
    /// Where each replica listens, all services counted through.
    pub ports: Vec<u16>,
    pub record: bool,
    /// Whether to keep the history of all operations on replicated stores.
    pub history: bool,
    pub counters: Arc<Counters>,
    /// Ends the load before its time.
    pub stop: oneshot::Receiver<()>,
    /// What managers tell the clients.
    pub news: mpsc::UnboundedReceiver<News>,
}

/// The manager of `service` told the clients of `view`.
#[derive(Clone, Copy, Debug)]
pub(super) struct News {
    pub service: usize,
    pub at: Time,
    pub view: View,
}

/// What the load thread has done so far, for whoever shows it.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub calls: AtomicU64,
    pub attempts: AtomicU64,
    pub over: AtomicU64,
}

/// What the load thread measured.
pub(super) struct LoadRun {
    pub end: Time,
    pub clients: Vec<ClientTrace>,
    pub events: Vec<Happening>,
    pub sending: LatenessSummary,
    pub timer: LatenessSummary,
    /// The 99th percentile of send lateness by ends of bins.
    pub bins: Vec<(Time, Span)>,
    pub scheduled: u64,
    pub connections_max: u64,
    pub unconnected: u64,
    /// By client instance; empty if nothing was recorded.
    pub steps: Vec<Vec<ClientStep>>,
    pub history: Vec<Operation>,
}

type ClientStep = Step<ClientIn, ClientOut>;

/// Runs the load to its end. To be called on a thread of its own.
pub(super) fn run(setup: LoadSetup) -> io::Result<LoadRun> {
    // Looking at the sockets after few tasks keeps the timer punctual while many answers are being handled.
    let runtime =
        Builder::new_current_thread().enable_io().event_interval(16).build_local(LocalOptions::default())?;
    runtime.block_on(async {
        let LoadSetup { clock, mut stop, mut news, .. } = setup;
        let timer = Timer::new(clock)?;
        let host = Rc::new_cyclic(|me: &Weak<Host>| {
            let caller: Weak<dyn Caller> = me.clone();
            let mut load = Load::new(&setup.scenario, setup.seed, &setup.ports, setup.counters, &caller);
            load.steps = setup.record.then(|| vec![vec![]; load.clients.len()]);
            load.history = setup.history.then(History::default);
            Host { load: RefCell::new(load), timer, clock }
        });
        host.enter(|_, _| {});
        loop {
            let armed = tokio::select! {
                biased;
                armed = host.timer.wait() => armed?,
                Some(news) = news.recv() => {
                    host.enter(|load, now| load.published(now, news));
                    continue;
                }
                _ = &mut stop => {
                    let now = clock.now();
                    let mut load = host.load.borrow_mut();
                    load.end = load.end.min(now);
                    now
                }
            };
            host.enter(|load, now| load.woken(now, armed));
            let mut load = host.load.borrow_mut();
            if clock.now() >= load.end {
                return Ok(load.finish());
            }
        }
    })
}

/// The load thread's state, shared by its tasks.
struct Host {
    load: RefCell<Load>,
    timer: Timer,
    clock: Clock,
}

impl Host {
    /// Does what is due, then `act`, unless the run is over.
    fn enter(&self, act: impl FnOnce(&mut Load, Time)) {
        let mut load = self.load.borrow_mut();
        let now = load.advance(self.clock.now());
        if now < load.end {
            act(&mut load, now);
        }
        self.timer.arm(load.next());
    }
}

impl Caller for Host {
    fn sending(&self, planned: Time) {
        let now = self.clock.now();
        self.load.borrow_mut().sending.record(now, now.since(planned));
    }

    fn ended(&self, server: u32, job: Job, end: End) {
        self.enter(|load, now| {
            let heard = load.calls.ended(now, server, job, end, &mut load.agenda);
            load.hear(now, heard);
        });
    }
}

#[derive(Clone, Copy, Debug)]
enum Event {
    Client {
        client: u32,
        wake: Wake,
    },
    /// Something has crossed the network.
    Leg(Leg),
    /// The news of a view have crossed the network.
    Members(News),
    Change(u32),
}

impl From<Leg> for Event {
    fn from(leg: Leg) -> Event {
        Event::Leg(leg)
    }
}

struct Load {
    scenario: Arc<Scenario>,
    end: Time,
    /// The machines' time; it never goes back.
    last: Time,
    agenda: Agenda<Event>,
    changes: Vec<Change>,
    draw: Draw,
    groups: Vec<Group>,
    /// All client instances, group by group, and the group of each.
    clients: Vec<Client>,
    group_of: Vec<u32>,
    /// Their attempts.
    calls: Calls,
    out: Vec<ClientOut>,
    events: Vec<Happening>,
    sending: Lateness,
    timer: Lateness,
    scheduled: u64,
    connections_max: u64,
    steps: Option<Vec<Vec<ClientStep>>>,
    history: Option<History>,
    counters: Arc<Counters>,
}

impl Load {
    fn new(
        scenario: &Arc<Scenario>,
        seed: u64,
        ports: &[u16],
        counters: Arc<Counters>,
        caller: &Weak<dyn Caller>,
    ) -> Load {
        let draw = Draw { seed };
        let mut agenda = Agenda::new();
        let (times, changes): (Vec<Time>, Vec<Change>) = timeline(&scenario.disturbances).into_iter().unzip();
        for (index, at) in times.into_iter().enumerate() {
            agenda.plan(at, Event::Change(index as u32));
        }
        let groups = Group::all(scenario, draw, &mut agenda);
        let (clients, group_of) = clients(scenario, draw);
        let calls = Calls::new(scenario, draw, ports, caller, &mut agenda);
        Load {
            scenario: scenario.clone(),
            end: scenario.end(),
            last: Time::ZERO,
            agenda,
            changes,
            draw,
            groups,
            steps: None,
            history: None,
            clients,
            group_of,
            calls,
            out: vec![],
            events: vec![],
            sending: Lateness::new(),
            timer: Lateness::new(),
            scheduled: 0,
            connections_max: 0,
            counters,
        }
    }

    /// When there is something to do next.
    fn next(&self) -> Time {
        let planned = self.agenda.next().unwrap_or(Time::NEVER);
        planned.min(next_arrival(&self.groups).1.at).min(self.end)
    }

    /// Does all that is due by `now`, and returns the machines' time.
    fn advance(&mut self, now: Time) -> Time {
        let now = now.min(self.end).max(self.last);
        loop {
            while let Some((at, event)) = self.agenda.due(now) {
                self.last = at.max(self.last);
                self.happen(self.last, event);
            }
            let (group, arrival) = next_arrival(&self.groups);
            if arrival.at > now || arrival.at >= self.end {
                self.last = now;
                return now;
            }
            self.arrive(now, group, arrival);
        }
    }

    fn arrive(&mut self, now: Time, index: usize, arrival: Arrival) {
        let group = &mut self.groups[index];
        group.arrivals.pop();
        let client = group.caller(arrival.call);
        self.counters.calls.fetch_add(1, Relaxed);
        self.step(now, client, ClientIn::Arrive { call: arrival.call, intended: arrival.at });
    }

    fn happen(&mut self, now: Time, event: Event) {
        match event {
            Event::Client { client, wake } => self.step(now, client, ClientIn::Woken(wake)),
            Event::Leg(leg) => {
                let heard = self.calls.arrived(now, leg);
                self.hear(now, heard);
            }
            Event::Members(News { service, view, .. }) => {
                for client in self.scenario.instances_calling(service) {
                    self.step(now, client, ClientIn::Members(view));
                }
            }
            Event::Change(index) => self.change(now, index as usize),
        }
    }

    fn change(&mut self, now: Time, index: usize) {
        self.calls.change(&self.changes[index]);
        match self.changes[index] {
            Change::Mark { disturbance, begins } => {
                let disturbance = &self.scenario.disturbances[disturbance];
                self.events.push(Happening::disturbance(now, disturbance, begins));
            }
            Change::Client { group, control } => {
                let Group { first_instance, instances, .. } = self.groups[group];
                for client in first_instance..first_instance + instances {
                    self.step(now, client, ClientIn::Control(control));
                }
            }
            // Replicas and managers are told in their processes.
            Change::Server { .. }
            | Change::Partition { .. }
            | Change::Manager { .. }
            | Change::Flush { .. }
            | Change::Network { .. } => {}
        }
    }

    fn step(&mut self, now: Time, client: u32, input: ClientIn) {
        let mut out = std::mem::take(&mut self.out);
        self.clients[client as usize].step(now, input, &mut out);
        if let Some(steps) = &mut self.steps {
            steps[client as usize].push(Step { now, input, outputs: out.clone() });
        }
        let group = self.group_of[client as usize] as usize;
        for output in out.drain(..) {
            self.groups[group].recorder.saw(now, &output);
            self.carry_out(now, client, group, output);
        }
        self.out = out;
    }

    fn carry_out(&mut self, now: Time, client: u32, group_index: usize, output: ClientOut) {
        let group = &self.groups[group_index];
        let first_server = group.first_server;
        match output {
            ClientOut::WakeAt { at, wake } => {
                let event = Event::Client { client, wake };
                match group.lane(wake) {
                    Some(lane) => self.agenda.plan_in(lane, at, event),
                    None => self.agenda.plan(at, event),
                }
            }
            ClientOut::Send { job, replica, intended } => {
                let store = self.store(group_index, &job);
                if let (Some(history), Some((op, value)), Some(_)) =
                    (&mut self.history, store, &self.groups[group_index].access)
                {
                    history.invoked(now, &job, op, value);
                }
                // A first attempt is late from when the schedule wanted it.
                let planned = if job.number == 1 { intended } else { now };
                self.send(planned, first_server + replica, Ask { job, store });
            }
            ClientOut::SendOn { job, replica } => {
                if let Some(history) = &mut self.history {
                    history.sent_on(&job);
                }
                let store = self.store(group_index, &job);
                self.send(now, first_server + replica, Ask { job, store });
            }
            ClientOut::GiveUp { attempt, replica } => {
                if let Some(history) = &mut self.history {
                    history.given_up(client, attempt);
                }
                self.calls.give_up(now, first_server + replica, (client, attempt), &mut self.agenda);
            }
            ClientOut::Done { .. } => {
                self.counters.over.fetch_add(1, Relaxed);
            }
            ClientOut::Late { .. } | ClientOut::Ended { .. } => {}
        }
    }

    /// What an attempt of a group asks, where that makes a difference.
    fn store(&self, group: usize, job: &Job) -> Option<(Op, Value)> {
        let Group { access, operations, service, .. } = &self.groups[group];
        if let Some(access) = access {
            return Some((access.op(job.call, self.draw), access.value(job.call, job.number)));
        }
        let cache = self.scenario.services[*service as usize].cache.is_some();
        // What a write through a cache writes is for the cache to say.
        cache.then(|| (operations.op(job.call, self.draw), Value::default()))
    }

    /// Sends an attempt that was to be sent at `planned`.
    fn send(&mut self, planned: Time, server: u32, ask: Ask) {
        self.scheduled += 1;
        self.counters.attempts.fetch_add(1, Relaxed);
        self.calls.send(planned, server, ask, &mut self.agenda);
    }

    /// An answer is heard, if there is one.
    fn hear(&mut self, now: Time, heard: Option<Heard>) {
        let Some(Heard { client, attempt, reply: Reply { outcome, answer } }) = heard else { return };
        let input = match answer {
            Some(Answer::Elsewhere(view)) => ClientIn::Elsewhere { attempt, view },
            _ => {
                if let Some(history) = &mut self.history {
                    history.answered(now, client, attempt, outcome, answer);
                }
                ClientIn::Answer { attempt, outcome }
            }
        };
        self.step(now, client, input);
    }

    /// A manager has told the clients of a view.
    fn published(&mut self, now: Time, news: News) {
        let delay = self.calls.news_take(news.service, news.view.number);
        self.agenda.plan((news.at + delay).max(now), Event::Members(news));
    }

    /// The timer woke; it was armed for `armed`.
    fn woken(&mut self, now: Time, armed: Time) {
        self.timer.record(now, now.since(armed));
        self.connections_max = self.connections_max.max(self.calls.open());
    }

    /// What was measured, taken out.
    fn finish(&mut self) -> LoadRun {
        let end = self.end;
        let groups = std::mem::take(&mut self.groups);
        LoadRun {
            end,
            clients: groups.into_iter().map(|g| g.recorder.finish(end)).collect(),
            events: std::mem::take(&mut self.events),
            sending: self.sending.summary(),
            timer: self.timer.summary(),
            bins: self.sending.take_bins(end),
            scheduled: self.scheduled,
            connections_max: self.connections_max,
            unconnected: self.calls.unconnected,
            steps: self.steps.take().unwrap_or_default(),
            history: self.history.take().map(History::finish).unwrap_or_default(),
        }
    }
}
