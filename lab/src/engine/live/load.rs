//! The clients of a live run, in real time, on a thread of their own.
//!
//! The agenda of the simulation, driven by the clock: whatever wakes the thread, it first does all that is due, timers with
//! their planned time and arrivals with the real one, and only then looks at what the network brought. So neither a late
//! wake-up nor a pile of answers delays an arrival or decides whether an attempt has timed out.
use super::{
    clock::Clock,
    connection::{Line, Parcel, Pool},
    guard::{Lateness, LatenessSummary},
    http::{Ask, Reply},
    record::Step,
    timer::Timer,
};
use crate::{
    agenda::{Agenda, Lane},
    engine::{
        group::{Group, clients, next_arrival},
        network::Network,
    },
    scenario::Scenario,
    trace::{ClientTrace, Event as Happening, History, Operation},
};
use lab_core::{
    arrival::Arrival,
    call::{Attempt, Job, Outcome},
    client::{Client, ClientIn, ClientOut, Wake},
    draw::{Draw, Stream},
    machine::Machine,
    replicate::{Answer, Op, Value, View},
    server::ServerControl,
    time::{Span, Time},
    timeline::{Change, timeline},
};
use std::{
    cell::RefCell,
    collections::HashMap,
    io,
    rc::Rc,
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
        let mut load = Load::new(&setup.scenario, setup.seed, &setup.ports, setup.counters);
        load.steps = setup.record.then(|| vec![vec![]; load.clients.len()]);
        load.history = setup.history.then(History::default);
        let load = RefCell::new(load);
        let host = Rc::new(Host { load, timer, clock });
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
pub(super) struct Host {
    load: RefCell<Load>,
    timer: Timer,
    clock: Clock,
}

impl Host {
    /// Does what is due, then `act`, unless the run is over.
    fn enter(self: &Rc<Self>, act: impl FnOnce(&mut Load, Time)) {
        let mut load = self.load.borrow_mut();
        let now = load.advance(self.clock.now(), self);
        if now < load.end {
            act(&mut load, now);
        }
        self.timer.arm(load.next());
    }

    /// An attempt that was meant to be sent at `planned` is being sent.
    pub(super) fn sending(&self, planned: Time) {
        let now = self.clock.now();
        self.load.borrow_mut().sending.record(now, now.since(planned));
    }

    /// An attempt ended as the network says; `open` if its connection can be used again.
    pub(super) fn answered(self: &Rc<Self>, server: u32, job: Job, reply: Reply, open: bool) {
        self.enter(|load, now| load.answered(now, server, job, reply, open, self));
    }

    /// No connection could be made for an attempt.
    pub(super) fn unconnected(self: &Rc<Self>, server: u32, job: Job, error: &io::Error) {
        if error.kind() != io::ErrorKind::ConnectionRefused && error.kind() != io::ErrorKind::ConnectionReset
        {
            self.load.borrow_mut().unconnected += 1;
        }
        self.answered(server, job, Reply { outcome: Outcome::Reset, answer: None }, false);
    }
}

#[derive(Clone, Copy, Debug)]
enum Event {
    Client {
        client: u32,
        wake: Wake,
    },
    /// A request has crossed the network.
    Request {
        server: u32,
        ask: Ask,
    },
    Answer {
        client: u32,
        attempt: Attempt,
        reply: Reply,
    },
    /// The news of a view have crossed the network.
    Members(News),
    /// The news that a caller hung up has crossed the network.
    Disconnect {
        client: u32,
        attempt: Attempt,
    },
    Change(u32),
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
    /// By replica, all services counted through, and the service of each.
    pools: Vec<Pool>,
    service_of: Vec<u32>,
    network: Network,
    network_lane: Lane,
    in_flight: HashMap<(u32, Attempt), Line>,
    out: Vec<ClientOut>,
    events: Vec<Happening>,
    sending: Lateness,
    timer: Lateness,
    scheduled: u64,
    unconnected: u64,
    connections_max: u64,
    steps: Option<Vec<Vec<ClientStep>>>,
    history: Option<History>,
    counters: Arc<Counters>,
}

impl Load {
    fn new(scenario: &Arc<Scenario>, seed: u64, ports: &[u16], counters: Arc<Counters>) -> Load {
        let draw = Draw { seed };
        let mut agenda = Agenda::new();
        let network_lane = agenda.lane();
        let (times, changes): (Vec<Time>, Vec<Change>) = timeline(&scenario.disturbances).into_iter().unzip();
        for (index, at) in times.into_iter().enumerate() {
            agenda.plan(at, Event::Change(index as u32));
        }
        let groups = Group::all(scenario, draw, &mut agenda);
        let (clients, group_of) = clients(scenario, draw);
        let services = scenario.services.iter().enumerate();
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
            pools: ports.iter().zip(0..).map(|(&port, server)| Pool::new(server, port)).collect(),
            service_of: services.flat_map(|(i, s)| (0..s.replicas).map(move |_| i as u32)).collect(),
            network: Network::new(scenario, draw),
            network_lane,
            in_flight: HashMap::new(),
            out: vec![],
            events: vec![],
            sending: Lateness::new(),
            timer: Lateness::new(),
            scheduled: 0,
            unconnected: 0,
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
    fn advance(&mut self, now: Time, host: &Rc<Host>) -> Time {
        let now = now.min(self.end).max(self.last);
        loop {
            while let Some((at, event)) = self.agenda.due(now) {
                self.last = at.max(self.last);
                self.happen(self.last, event, host);
            }
            let (group, arrival) = next_arrival(&self.groups);
            if arrival.at > now || arrival.at >= self.end {
                self.last = now;
                return now;
            }
            self.arrive(now, group, arrival, host);
        }
    }

    fn arrive(&mut self, now: Time, index: usize, arrival: Arrival, host: &Rc<Host>) {
        let group = &mut self.groups[index];
        group.arrivals.pop();
        let client = group.caller(arrival.call);
        self.counters.calls.fetch_add(1, Relaxed);
        self.step(now, client, ClientIn::Arrive { call: arrival.call, intended: arrival.at }, host);
    }

    fn happen(&mut self, now: Time, event: Event, host: &Rc<Host>) {
        match event {
            Event::Client { client, wake } => self.step(now, client, ClientIn::Woken(wake), host),
            Event::Request { server, ask } => self.send(server, (now, ask), host),
            Event::Answer { client, attempt, reply } => self.answer(now, client, attempt, reply, host),
            Event::Members(News { service, view, .. }) => {
                for client in self.scenario.instances_calling(service) {
                    self.step(now, client, ClientIn::Members(view), host);
                }
            }
            Event::Disconnect { client, attempt } => self.hang_up(client, attempt),
            Event::Change(index) => self.change(now, index as usize, host),
        }
    }

    fn change(&mut self, now: Time, index: usize, host: &Rc<Host>) {
        match self.changes[index] {
            Change::Mark { disturbance, begins } => {
                let disturbance = &self.scenario.disturbances[disturbance];
                self.events.push(Happening::disturbance(now, disturbance, begins));
            }
            Change::Server { service, replica, control } => {
                let paused = control == ServerControl::Pause;
                if paused || matches!(control, ServerControl::Resume | ServerControl::Crash) {
                    self.pools[self.scenario.first_replica(service) + replica as usize].pause(paused);
                }
            }
            Change::Client { group, control } => {
                let Group { first_instance, instances, .. } = self.groups[group];
                for client in first_instance..first_instance + instances {
                    self.step(now, client, ClientIn::Control(control), host);
                }
            }
            // Clients reach all replicas, no client asks a manager, and caches do not run live.
            Change::Partition { .. } | Change::Manager { .. } | Change::Flush { .. } => {}
            Change::Network { service, extra } => self.network.add(service, extra),
        }
    }

    fn step(&mut self, now: Time, client: u32, input: ClientIn, host: &Rc<Host>) {
        let mut out = std::mem::take(&mut self.out);
        self.clients[client as usize].step(now, input, &mut out);
        if let Some(steps) = &mut self.steps {
            steps[client as usize].push(Step { now, input, outputs: out.clone() });
        }
        let group = self.group_of[client as usize] as usize;
        for output in out.drain(..) {
            self.groups[group].recorder.saw(now, &output);
            self.carry_out(now, client, group, output, host);
        }
        self.out = out;
    }

    fn carry_out(&mut self, now: Time, client: u32, group_index: usize, output: ClientOut, host: &Rc<Host>) {
        let group = &self.groups[group_index];
        let Group { first_server, service, .. } = *group;
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
                if let (Some(history), Some((op, value))) = (&mut self.history, store) {
                    history.invoked(now, &job, op, value);
                }
                // A first attempt is late from when the schedule wanted it.
                let planned = if job.number == 1 { intended } else { now };
                self.send_to(first_server + replica, service, planned, Ask { job, store }, host);
            }
            ClientOut::SendOn { job, replica } => {
                if let Some(history) = &mut self.history {
                    history.sent_on(&job);
                }
                let store = self.store(group_index, &job);
                self.send_to(first_server + replica, service, now, Ask { job, store }, host);
            }
            ClientOut::GiveUp { attempt, .. } => {
                if let Some(history) = &mut self.history {
                    history.given_up(client, attempt);
                }
                let delay = self.network.delay(service, Stream::NetworkOut, u64::from(attempt.generation), 0);
                if delay == Span::ZERO {
                    self.hang_up(client, attempt);
                } else {
                    self.agenda.plan_in(
                        self.network_lane,
                        now + delay,
                        Event::Disconnect { client, attempt },
                    );
                }
            }
            ClientOut::Done { .. } => {
                self.counters.over.fetch_add(1, Relaxed);
            }
            ClientOut::Late { .. } | ClientOut::Ended { .. } => {}
        }
    }

    /// What an attempt of a group asks of a replicated store, if it asks one.
    fn store(&self, group: usize, job: &Job) -> Option<(Op, Value)> {
        let access = self.groups[group].access.as_ref()?;
        Some((access.op(job.call, self.draw), access.value(job.call, job.number)))
    }

    /// Sends an attempt that was to be sent at `planned` over the network.
    fn send_to(&mut self, server: u32, service: u32, planned: Time, ask: Ask, host: &Rc<Host>) {
        self.scheduled += 1;
        let delay = self.network.delay(service, Stream::NetworkOut, ask.job.call, ask.job.number);
        let planned = planned + delay;
        if delay == Span::ZERO {
            self.send(server, (planned, ask), host);
        } else {
            self.agenda.plan_in(self.network_lane, planned, Event::Request { server, ask });
        }
    }

    fn send(&mut self, server: u32, parcel: Parcel, host: &Rc<Host>) {
        self.counters.attempts.fetch_add(1, Relaxed);
        let key = (parcel.1.job.client, parcel.1.job.attempt);
        let line = self.pools[server as usize].send(parcel, host);
        self.in_flight.insert(key, line);
    }

    fn hang_up(&mut self, client: u32, attempt: Attempt) {
        if let Some(line) = self.in_flight.remove(&(client, attempt)) {
            line.close();
        }
    }

    fn answered(&mut self, now: Time, server: u32, job: Job, reply: Reply, open: bool, host: &Rc<Host>) {
        let Job { client, attempt, .. } = job;
        // An attempt given up a moment ago has no connection any more.
        if let Some(line) = self.in_flight.remove(&(client, attempt))
            && open
        {
            self.pools[server as usize].put_back(line);
        }
        let service = self.service_of[server as usize];
        let delay = self.network.delay(service, Stream::NetworkBack, job.call, job.number);
        if delay == Span::ZERO {
            self.answer(now, client, attempt, reply, host);
        } else {
            self.agenda.plan_in(self.network_lane, now + delay, Event::Answer { client, attempt, reply });
        }
    }

    /// An answer has crossed the network.
    fn answer(&mut self, now: Time, client: u32, attempt: Attempt, reply: Reply, host: &Rc<Host>) {
        let Reply { outcome, answer } = reply;
        let input = match answer {
            Some(Answer::Elsewhere(view)) => ClientIn::Elsewhere { attempt, view },
            _ => {
                if let Some(history) = &mut self.history {
                    history.answered(now, client, attempt, outcome, answer);
                }
                ClientIn::Answer { attempt, outcome }
            }
        };
        self.step(now, client, input, host);
    }

    /// A manager has told the clients of a view.
    fn published(&mut self, now: Time, news: News) {
        let delay = self.network.delay(news.service as u32, Stream::NetworkBack, news.view.number, 0);
        self.agenda.plan((news.at + delay).max(now), Event::Members(news));
    }

    /// The timer woke; it was armed for `armed`.
    fn woken(&mut self, now: Time, armed: Time) {
        self.timer.record(now, now.since(armed));
        let open = self.pools.iter().map(Pool::open).sum();
        self.connections_max = self.connections_max.max(open);
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
            unconnected: self.unconnected,
            steps: self.steps.take().unwrap_or_default(),
            history: self.history.take().map(History::finish).unwrap_or_default(),
        }
    }
}
