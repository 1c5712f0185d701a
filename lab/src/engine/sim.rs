//! The simulation: a virtual clock, an agenda, and the machines. A pure function from scenario and seed to trace.
use crate::{
    agenda::{Agenda, Lane},
    scenario::Scenario,
    trace::{ClientRecorder, Event as Happening, ServerRecorder, Trace},
};
use lab_core::{
    arrival::{Arrival, Arrivals},
    call::{Attempt, Job, Outcome},
    client::{Client, ClientIn, ClientOut, Wake},
    demand::Demand,
    draw::{Draw, Stream},
    machine::{Machine, Outbox},
    retry::Jitter,
    server::{Server, ServerIn, ServerOut},
    time::{Span, Time},
    timeline::{Change, timeline},
};

/// Runs `scenario` with `seed`. The same two give the same trace to the last bit, on every machine.
pub fn sim(scenario: &Scenario, seed: u64) -> Trace {
    let mut world = World::new(scenario, seed);
    world.run();
    world.finish()
}

/// What the agenda holds; 16 bytes, because the agenda moves them around.
#[derive(Clone, Copy, Debug)]
enum Event {
    Timeout {
        client: u32,
        attempt: Attempt,
    },
    Retry {
        client: u32,
        attempt: Attempt,
    },
    Server {
        server: u32,
        worker: u32,
        epoch: u32,
    },
    /// A request is there; its job is in the slab.
    Request {
        server: u32,
        parcel: u32,
    },
    Answer {
        client: u32,
        attempt: Attempt,
        outcome: Outcome,
    },
    /// News that a caller has hung up are there; whose is in the slab.
    Disconnect {
        server: u32,
        parcel: u32,
    },
}

/// A message that needs no time: it is delivered before the clock moves.
#[derive(Clone, Copy, Debug)]
enum Message {
    Request { server: u32, job: Job },
    Answer { client: u32, attempt: Attempt, outcome: Outcome },
    Disconnect { server: u32, client: u32, attempt: Attempt },
}

struct World<'a> {
    scenario: &'a Scenario,
    draw: Draw,
    agenda: Agenda<Event>,
    now_messages: Vec<Message>,
    groups: Vec<Group>,
    /// The next arrival of all groups, and whose it is.
    next_arrival: (usize, Arrival),
    /// All client instances, group by group, and the group of each.
    clients: Vec<Client>,
    group_of: Vec<u32>,
    /// All replicas, service by service, and the service of each.
    servers: Vec<Server>,
    service_of: Vec<u32>,
    server_recorders: Vec<ServerRecorder>,
    network: Network<'a>,
    /// For messages that take time: made when the first one is sent.
    network_lane: Option<Lane>,
    parcels: Parcels,
    client_out: Outbox<ClientOut>,
    server_out: Outbox<ServerOut>,
    events: Vec<Happening>,
}

struct Group {
    arrivals: Arrivals,
    instances: u32,
    first_instance: u32,
    first_server: u32,
    service: u32,
    recorder: ClientRecorder,
    timeout_lane: Lane,
    /// For retries that all wait equally long; others go to the heap.
    backoff_lane: Option<Lane>,
    /// Whether servers want to know that a caller hung up.
    tells_disconnects: bool,
}

impl<'a> World<'a> {
    fn new(scenario: &'a Scenario, seed: u64) -> World<'a> {
        let draw = Draw { seed };
        let agenda = Agenda::new();
        let mut world = World {
            scenario,
            draw,
            network_lane: None,
            agenda,
            now_messages: vec![],
            groups: vec![],
            next_arrival: (0, Arrival { at: Time::NEVER, call: 0 }),
            clients: vec![],
            group_of: vec![],
            servers: vec![],
            service_of: vec![],
            server_recorders: vec![],
            network: Network {
                delay: &scenario.network_delay,
                added: vec![Span::ZERO; scenario.services.len()],
                draw,
            },
            parcels: Parcels::default(),
            client_out: Outbox::new(),
            server_out: Outbox::new(),
            events: vec![],
        };
        for (index, service) in scenario.services.iter().enumerate() {
            for replica in 0..service.replicas {
                world.servers.push(Server::new(&service.policy, draw));
                world.service_of.push(index as u32);
                world.server_recorders.push(ServerRecorder::new(scenario, index, replica));
            }
        }
        for (index, group) in scenario.clients.iter().enumerate() {
            let service = &scenario.services[group.service];
            let backoff = &group.policy.retry.backoff;
            let fixed = backoff.jitter == Jitter::None && backoff.multiplier == 1.0;
            let state = Group {
                arrivals: scenario.arrivals(index, draw),
                instances: group.instances,
                first_instance: world.clients.len() as u32,
                first_server: scenario.first_replica(group.service) as u32,
                service: group.service as u32,
                recorder: ClientRecorder::new(scenario, index),
                timeout_lane: world.agenda.lane(),
                backoff_lane: fixed.then(|| world.agenda.lane()),
                tells_disconnects: service.policy.cancel == lab_core::server::Cancel::OnDisconnect,
            };
            world.groups.push(state);
            for _ in 0..group.instances {
                let id = world.clients.len() as u32;
                world.clients.push(Client::new(id, &group.policy, service.replicas, draw));
                world.group_of.push(index as u32);
            }
        }
        world.find_next_arrival();
        world
    }

    fn run(&mut self) {
        let end = self.scenario.end();
        let mut changes = timeline(&self.scenario.disturbances).into_iter().peekable();
        let mut change_at = changes.peek().map_or(Time::NEVER, |change| change.0);
        loop {
            let limit = change_at.min(self.next_arrival.1.at).min(end);
            // At one instant: first what was planned, then changes, then arrivals.
            if let Some((now, event)) = self.agenda.due(limit) {
                self.happen(now, event);
            } else if limit >= end {
                return;
            } else if change_at == limit {
                if let Some((now, change)) = changes.next() {
                    self.change(now, &change);
                }
                change_at = changes.peek().map_or(Time::NEVER, |change| change.0);
            } else {
                self.arrive();
            }
        }
    }

    #[inline]
    fn find_next_arrival(&mut self) {
        let heads = self.groups.iter().map(|group| group.arrivals.peek()).enumerate();
        if let Some(first) = heads.min_by_key(|(index, head)| (head.at, *index)) {
            self.next_arrival = first;
        }
    }

    #[inline]
    fn arrive(&mut self) {
        let (index, arrival) = self.next_arrival;
        let group = &mut self.groups[index];
        group.arrivals.pop();
        self.find_next_arrival();
        let group = &self.groups[index];
        let instance = if group.instances == 1 {
            0
        } else {
            self.draw.index(Stream::Instance, arrival.call, 0, group.instances as usize) as u32
        };
        let client = group.first_instance + instance;
        self.client(arrival.at, client, ClientIn::Arrive { call: arrival.call, intended: arrival.at });
        self.deliver(arrival.at);
    }

    #[inline]
    fn happen(&mut self, now: Time, event: Event) {
        match event {
            Event::Timeout { client, attempt } => {
                // Most attempts are over before their timeout; the machine would ignore it.
                if !self.clients[client as usize].waits_for(attempt) {
                    return;
                }
                self.client(now, client, ClientIn::Woken(Wake::Timeout(attempt)));
            }
            Event::Retry { client, attempt } => {
                self.client(now, client, ClientIn::Woken(Wake::Retry(attempt)));
            }
            Event::Server { server, worker, epoch } => {
                self.server(now, server, ServerIn::Woken { worker, epoch })
            }
            Event::Request { server, parcel } => {
                let job = self.parcels.take(parcel);
                self.server(now, server, ServerIn::Arrive(job));
            }
            Event::Answer { client, attempt, outcome } => {
                self.client(now, client, ClientIn::Answer { attempt, outcome });
            }
            Event::Disconnect { server, parcel } => {
                let Job { client, attempt, .. } = self.parcels.take(parcel);
                self.server(now, server, ServerIn::Disconnected { client, attempt });
            }
        }
        self.deliver(now);
    }

    /// Delivers what needs no time, and what that brings about.
    #[inline]
    fn deliver(&mut self, now: Time) {
        let mut next = 0;
        while let Some(message) = self.now_messages.get(next) {
            next += 1;
            match *message {
                Message::Request { server, job } => self.server(now, server, ServerIn::Arrive(job)),
                Message::Answer { client, attempt, outcome } => {
                    self.client(now, client, ClientIn::Answer { attempt, outcome });
                }
                Message::Disconnect { server, client, attempt } => {
                    self.server(now, server, ServerIn::Disconnected { client, attempt });
                }
            }
        }
        self.now_messages.clear();
    }

    fn change(&mut self, now: Time, change: &Change) {
        match *change {
            Change::Mark { disturbance, begins } => {
                let disturbance = &self.scenario.disturbances[disturbance];
                self.events.push(Happening::disturbance(now, disturbance, begins));
            }
            Change::Server { service, replica, control } => {
                let server = self.scenario.first_replica(service) as u32 + replica;
                self.server(now, server, ServerIn::Control(control));
            }
            Change::Client { group, control } => {
                let Group { first_instance, instances, .. } = self.groups[group];
                for client in first_instance..first_instance + instances {
                    self.client(now, client, ClientIn::Control(control));
                }
            }
            Change::Network { service, extra } => self.network.added[service] = extra,
        }
        self.deliver(now);
    }

    #[inline]
    fn client(&mut self, now: Time, client: u32, input: ClientIn) {
        self.clients[client as usize].step(now, input, &mut self.client_out);
        let group = &mut self.groups[self.group_of[client as usize] as usize];
        // By reference: copying an output out of the list right after it was written stalls the processor.
        for output in self.client_out.requests() {
            group.recorder.saw(now, output);
            match *output {
                ClientOut::WakeAt { at, wake } => match (wake, group.backoff_lane) {
                    (Wake::Timeout(attempt), _) => {
                        self.agenda.plan_in(group.timeout_lane, at, Event::Timeout { client, attempt });
                    }
                    (Wake::Retry(attempt), Some(lane)) => {
                        self.agenda.plan_in(lane, at, Event::Retry { client, attempt });
                    }
                    (Wake::Retry(attempt), None) => {
                        self.agenda.plan(at, Event::Retry { client, attempt });
                    }
                },
                ClientOut::Send { job, replica, .. } => {
                    let server = group.first_server + replica;
                    let delay = self.network.delay(group.service, Stream::NetworkOut, job.call, job.number);
                    if delay == Span::ZERO {
                        self.now_messages.push(Message::Request { server, job });
                    } else {
                        let parcel = self.parcels.put(job);
                        let event = Event::Request { server, parcel };
                        let lane = *self.network_lane.get_or_insert_with(|| self.agenda.lane());
                        self.agenda.plan_in(lane, now + delay, event);
                    }
                }
                ClientOut::GiveUp { attempt, replica } if group.tells_disconnects => {
                    let server = group.first_server + replica;
                    let key = u64::from(attempt.generation);
                    let delay = self.network.delay(group.service, Stream::NetworkOut, key, 0);
                    if delay == Span::ZERO {
                        self.now_messages.push(Message::Disconnect { server, client, attempt });
                    } else {
                        let gone = Job { client, attempt, call: 0, number: 0, gives_up_at: now };
                        let event = Event::Disconnect { server, parcel: self.parcels.put(gone) };
                        let lane = *self.network_lane.get_or_insert_with(|| self.agenda.lane());
                        self.agenda.plan_in(lane, now + delay, event);
                    }
                }
                ClientOut::GiveUp { .. }
                | ClientOut::Late { .. }
                | ClientOut::Ended { .. }
                | ClientOut::Done { .. } => {}
            }
        }
        self.client_out.clear();
    }

    #[inline]
    fn server(&mut self, now: Time, server: u32, input: ServerIn) {
        let machine = &mut self.servers[server as usize];
        machine.step(now, input, &mut self.server_out);
        self.server_recorders[server as usize].saw(now, &input, self.server_out.requests(), machine);
        for output in self.server_out.requests() {
            match *output {
                ServerOut::WakeAt { at, worker, epoch } => {
                    self.agenda.plan(at, Event::Server { server, worker, epoch });
                }
                ServerOut::Reply { job, outcome, .. } => {
                    let service = self.service_of[server as usize];
                    let delay = self.network.delay(service, Stream::NetworkBack, job.call, job.number);
                    let (client, attempt) = (job.client, job.attempt);
                    if delay == Span::ZERO {
                        self.now_messages.push(Message::Answer { client, attempt, outcome });
                    } else {
                        let event = Event::Answer { client, attempt, outcome };
                        let lane = *self.network_lane.get_or_insert_with(|| self.agenda.lane());
                        self.agenda.plan_in(lane, now + delay, event);
                    }
                }
                ServerOut::Drop { .. } => {}
            }
        }
        self.server_out.clear();
    }

    fn finish(self) -> Trace {
        let end = self.scenario.end();
        Trace {
            seed: self.draw.seed,
            end,
            window: self.scenario.window,
            clients: self.groups.into_iter().map(|g| g.recorder.finish(end)).collect(),
            servers: self.server_recorders.into_iter().map(|r| r.finish(end)).collect(),
            events: self.events,
            host_bound: vec![],
        }
    }
}

/// How long messages take.
struct Network<'a> {
    delay: &'a Demand,
    /// What a trigger adds, one way, by service.
    added: Vec<Span>,
    draw: Draw,
}

impl Network<'_> {
    #[inline]
    fn delay(&self, service: u32, stream: Stream, call: u64, number: u32) -> Span {
        let own = match self.delay {
            Demand::Constant(span) => *span,
            law => law.draw(stream, call, number, self.draw),
        };
        own + self.added[service as usize]
    }
}

/// Jobs under way, by number; the numbers of delivered ones are used again.
#[derive(Debug, Default)]
struct Parcels {
    jobs: Vec<Job>,
    free: Vec<u32>,
}

impl Parcels {
    fn put(&mut self, job: Job) -> u32 {
        match self.free.pop() {
            Some(number) => {
                self.jobs[number as usize] = job;
                number
            }
            None => {
                self.jobs.push(job);
                self.jobs.len() as u32 - 1
            }
        }
    }

    fn take(&mut self, number: u32) -> Job {
        self.free.push(number);
        self.jobs[number as usize]
    }
}
