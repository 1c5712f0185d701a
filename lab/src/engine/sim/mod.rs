//! The simulation: a virtual clock, an agenda, and the machines. A pure function from scenario and seed to trace.
mod branch;
mod caches;
mod steer;
mod stores;

pub use branch::{Simulation, State, Unbranchable};
pub use steer::Unsteerable;

use self::{
    caches::{Caches, as_caller},
    stores::Stores,
};
use super::{
    group::{Group, clients, next_arrival},
    network::Network,
    slab::Slab,
};
use crate::{
    agenda::{Agenda, Lane},
    scenario::Scenario,
    trace::{Event as Happening, History, ServerRecorder, Trace},
};
use lab_core::{
    arrival::Arrival,
    cache::{CacheControl, CacheIn},
    call::{Attempt, Job, Outcome},
    client::{Client, ClientIn, ClientOut, Wake},
    draw::{Draw, Stream},
    lineage::Lineage,
    machine::{Machine, Outbox},
    replicate::{Answer as StoreAnswer, manager::ManagerIn, node::NodeIn},
    server::{Server, ServerIn, ServerOut},
    time::{Span, Time},
    timeline::{Change, Disturbance, timeline},
};
use std::sync::Arc;

/// Runs `scenario` with `seed`. The same two give the same trace to the last bit, on every machine.
pub fn sim(scenario: &Scenario, seed: u64) -> Trace {
    let mut world = World::new(scenario, seed);
    world.run(scenario.end(), |_| false);
    world.finish(scenario.end())
}

/// The same, with the number of events that were planned: timers, and messages that take time.
pub fn sim_counted(scenario: &Scenario, seed: u64) -> (Trace, u64) {
    let mut world = World::new(scenario, seed);
    world.run(scenario.end(), |_| false);
    let events = world.servers.post.agenda.planned();
    (world.finish(scenario.end()), events)
}

/// The same, and the trace holds the history of all operations on replicated stores: memory grows with their number.
pub fn sim_with_history(scenario: &Scenario, seed: u64) -> Trace {
    let mut world = World::new(scenario, seed);
    world.history = Some(History::default());
    world.run(scenario.end(), |_| false);
    world.finish(scenario.end())
}

/// What the agenda holds; 16 bytes, because the agenda moves them around.
#[derive(Clone, Copy, Debug)]
enum Event {
    Timeouts {
        client: u32,
    },
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
    /// Something larger, which is in the slab.
    Parcel {
        parcel: u32,
    },
    /// A window ends.
    Window,
    Answer {
        client: u32,
        attempt: Attempt,
        outcome: Outcome,
    },
}

/// What does not fit into an event.
#[derive(Clone, Debug)]
enum Parcel {
    /// Something arrives at a stateless replica.
    Server { server: u32, input: ServerIn },
    /// Something happens to a replica of a group.
    Node { store: u32, me: u32, input: NodeIn },
    /// Something happens to a replica of a cache.
    Cache { replica: u32, input: CacheIn },
    /// Something happens to a group's manager.
    Manager { store: u32, input: ManagerIn },
    /// Something arrives at a client; with what a replicated store has answered.
    Client { client: u32, input: ClientIn, answer: Option<StoreAnswer> },
}

/// An answer that needs no time: it is delivered before the clock moves.
#[derive(Clone, Copy, Debug)]
struct Answer {
    client: u32,
    attempt: Attempt,
    outcome: Outcome,
}

#[derive(Clone)]
struct World<'a> {
    scenario: &'a Scenario,
    draw: Draw,
    /// Of which runs the calls are.
    lineage: Lineage,
    /// What goes wrong and what an operator does; what is to change by it, and how much of that has.
    disturbances: Arc<[Disturbance]>,
    changes: Arc<[(Time, Change)]>,
    changed: usize,
    groups: Vec<Group>,
    /// The next arrival of all groups, and whose it is.
    next_arrival: (usize, Arrival),
    /// All client instances, group by group, and the group of each.
    clients: Vec<Client>,
    group_of: Vec<u32>,
    servers: Servers,
    stores: Stores,
    caches: Caches,
    history: Option<History>,
    events: Vec<Happening>,
}

/// All replicas, service by service, and the service of each.
#[derive(Clone)]
struct Servers {
    machines: Vec<Server>,
    service_of: Vec<u32>,
    recorders: Vec<ServerRecorder>,
    post: Post,
}

/// All that is under way: timers and messages.
#[derive(Clone)]
struct Post {
    agenda: Agenda<Event>,
    answers: Vec<Answer>,
    network: Network,
    /// For messages that take time: made when the first one is sent.
    network_lane: Option<Lane>,
    parcels: Slab<Parcel>,
    /// Messages between replicas so far.
    peer_messages: u64,
}

impl<'a> World<'a> {
    fn new(scenario: &'a Scenario, seed: u64) -> World<'a> {
        let draw = Draw { seed };
        let mut agenda = Agenda::new();
        let groups = Group::all(scenario, draw, &mut agenda);
        let next_arrival = next_arrival(&groups);
        let (clients, group_of) = clients(scenario, draw);
        let caches = Caches::new(scenario, draw);
        let mut world = World {
            scenario,
            draw,
            lineage: Lineage::default(),
            disturbances: scenario.disturbances.clone().into(),
            changes: timeline(&scenario.disturbances).into(),
            changed: 0,
            groups,
            caches,
            next_arrival,
            clients,
            group_of,
            servers: Servers {
                machines: vec![],
                service_of: vec![],
                recorders: vec![],
                post: Post {
                    agenda,
                    answers: vec![],
                    network: Network::new(scenario, draw),
                    network_lane: None,
                    parcels: Slab::default(),
                    peer_messages: 0,
                },
            },
            stores: Stores::new(scenario, draw),
            history: None,
            events: vec![],
        };
        for (index, service) in scenario.services.iter().enumerate() {
            for replica in 0..service.replicas {
                world.servers.machines.push(Server::new(&service.policy, draw));
                world.servers.service_of.push(index as u32);
                world.servers.recorders.push(ServerRecorder::new(scenario, index, replica));
            }
        }
        if !world.stores.groups.is_empty() || !world.caches.is_empty() {
            world.stores.begin(&mut world.servers.post, &mut world.events);
            world.servers.post.agenda.plan(Time::ZERO + scenario.window, Event::Window);
        }
        world
    }

    /// Lets happen what is planned by `until`, and what changes and arrives before; or less, if after something that happened `stop`
    /// wants so, and then says when that was. To be called again to go on.
    #[inline]
    fn run(&mut self, until: Time, mut stop: impl FnMut(&World<'a>) -> bool) -> Option<Time> {
        let changes = self.changes.clone();
        let change_after = |changed: usize| changes.get(changed).map_or(Time::NEVER, |change| change.0);
        let mut change_at = change_after(self.changed);
        loop {
            let limit = change_at.min(self.next_arrival.1.at).min(until);
            // At one instant: first what was planned, then changes, then arrivals.
            let now = if let Some((now, event)) = self.servers.post.agenda.due(limit) {
                self.happen(now, event);
                now
            } else if limit >= until {
                return None;
            } else if change_at == limit {
                if let Some((now, change)) = changes.get(self.changed) {
                    self.change(*now, change);
                }
                self.changed += 1;
                change_at = change_after(self.changed);
                limit
            } else {
                self.arrive();
                limit
            };
            if stop(self) {
                return Some(now);
            }
        }
    }

    #[inline]
    fn arrive(&mut self) {
        let (index, Arrival { at, call }) = self.next_arrival;
        let group = &mut self.groups[index];
        group.arrivals.pop();
        let client = group.caller(call);
        self.next_arrival = next_arrival(&self.groups);
        self.client(at, client, ClientIn::Arrive { call, intended: at });
        self.deliver(at);
    }

    #[inline]
    fn happen(&mut self, now: Time, event: Event) {
        match event {
            Event::Timeouts { client } => self.client(now, client, ClientIn::Woken(Wake::Timeouts)),
            Event::Timeout { client, attempt } => {
                self.client(now, client, ClientIn::Woken(Wake::Timeout(attempt)));
            }
            Event::Retry { client, attempt } => {
                self.client(now, client, ClientIn::Woken(Wake::Retry(attempt)));
            }
            Event::Server { server, worker, epoch } => {
                self.servers.step(now, server, ServerIn::Woken { worker, epoch })
            }
            Event::Parcel { parcel } => {
                if let Some(parcel) = self.servers.post.parcels.take(parcel) {
                    self.unpack(now, parcel);
                }
            }
            Event::Window => {
                self.stores.sample();
                self.caches.sample();
                self.servers.post.agenda.plan(now + self.scenario.window, Event::Window);
            }
            Event::Answer { client, attempt, outcome } => self.answer(now, client, attempt, outcome),
        }
        self.deliver(now);
    }

    /// An answer has come to whoever calls as `client`: a client, or a cache in front of the store that answers.
    #[inline]
    fn answer(&mut self, now: Time, client: u32, attempt: Attempt, outcome: Outcome) {
        match self.caches.calling_as(client) {
            None => self.client(now, client, ClientIn::Answer { attempt, outcome }),
            Some(cache) => self.cache(now, cache, CacheIn::Answer { attempt, outcome }),
        }
    }

    fn cache(&mut self, now: Time, replica: u32, input: CacheIn) {
        self.caches.step(now, replica, input, &mut self.servers, &self.stores);
    }

    fn unpack(&mut self, now: Time, parcel: Parcel) {
        match parcel {
            Parcel::Server { server, input } => self.servers.step(now, server, input),
            Parcel::Node { store, me, input } => {
                self.stores.node(now, store, me, input, &mut self.servers.post, &mut self.events);
            }
            Parcel::Cache { replica, input } => self.cache(now, replica, input),
            Parcel::Manager { store, input } => {
                self.stores.manager(now, store, input, &mut self.servers.post, &mut self.events);
            }
            Parcel::Client { client, input, answer } => self.hear(now, client, input, answer),
        }
    }

    /// Something has come from a group to whoever calls it as `client`.
    fn hear(&mut self, now: Time, client: u32, input: ClientIn, answer: Option<StoreAnswer>) {
        if let Some(cache) = self.caches.calling_as(client) {
            if let Some(input) = as_caller(input) {
                self.cache(now, cache, input);
            }
            return;
        }
        if let (Some(history), ClientIn::Answer { attempt, outcome }) = (&mut self.history, input) {
            history.answered(now, client, attempt, outcome, answer);
        }
        self.client(now, client, input);
    }

    /// Delivers the answers that need no time, and those that they bring about.
    #[inline]
    fn deliver(&mut self, now: Time) {
        let mut next = 0;
        while let Some(&Answer { client, attempt, outcome }) = self.servers.post.answers.get(next) {
            next += 1;
            self.answer(now, client, attempt, outcome);
        }
        self.servers.post.answers.clear();
    }

    fn change(&mut self, now: Time, change: &Change) {
        match *change {
            Change::Mark { disturbance, begins } => {
                let disturbance = &self.disturbances[disturbance];
                self.events.push(Happening::disturbance(now, disturbance, begins));
            }
            Change::Server { service, replica, control }
                if let Some(store) = self.stores.of_service[service] =>
            {
                let input = NodeIn::Control(control);
                self.stores.node(now, store, replica, input, &mut self.servers.post, &mut self.events);
            }
            Change::Server { service, replica, control } if let Some(first) = self.caches.first[service] => {
                self.cache(now, first + replica, CacheIn::Control(CacheControl::Server(control)));
            }
            Change::Server { service, replica, control } => {
                let server = self.scenario.first_replica(service) as u32 + replica;
                self.servers.step(now, server, ServerIn::Control(control));
            }
            Change::Client { group, control } => {
                let Group { first_instance, instances, .. } = self.groups[group];
                for client in first_instance..first_instance + instances {
                    self.client(now, client, ClientIn::Control(control));
                }
            }
            Change::Partition { service, ref apart } => self.servers.post.network.part(service, apart),
            Change::Flush { service, keys } => {
                for replica in self.caches.of_service(service) {
                    self.cache(now, replica, CacheIn::Control(CacheControl::Flush(keys)));
                }
            }
            Change::Manager { service, control } => {
                if let Some(store) = self.stores.of_service[service] {
                    let input = ManagerIn::Control(control);
                    self.stores.manager(now, store, input, &mut self.servers.post, &mut self.events);
                }
            }
            Change::Network { service, extra } => self.servers.post.network.add(service, extra),
        }
        self.deliver(now);
    }

    #[inline]
    fn client(&mut self, now: Time, client: u32, input: ClientIn) {
        let group = &mut self.groups[self.group_of[client as usize] as usize];
        let mut carrier = ClientCarrier {
            now,
            client,
            group,
            servers: &mut self.servers,
            stores: &self.stores,
            caches: &self.caches,
            history: &mut self.history,
            draw: self.draw,
        };
        self.clients[client as usize].step(now, input, &mut carrier);
    }

    fn finish(mut self, end: Time) -> Trace {
        if !end.0.is_multiple_of(self.scenario.window.0) {
            self.stores.sample();
            self.caches.sample();
        }
        let mut recorders = self.servers.recorders;
        let (of_caches, caches) = self.caches.finish();
        for (server, recorder) in of_caches {
            recorders[server] = recorder;
        }
        let (of_groups, groups) = self.stores.finish();
        for (first, group) in of_groups {
            recorders.splice(first..first + group.len(), group);
        }
        Trace {
            seed: self.draw.seed,
            end,
            window: self.scenario.window,
            clients: self.groups.into_iter().map(|g| g.recorder.finish(end)).collect(),
            servers: recorders.into_iter().map(|r| r.finish(end)).collect(),
            groups,
            caches,
            history: self.history.map(History::finish).unwrap_or_default(),
            events: self.events,
            host_bound: vec![],
        }
    }
}

/// Carries out what a client asks for, as it asks.
struct ClientCarrier<'w> {
    now: Time,
    client: u32,
    group: &'w mut Group,
    servers: &'w mut Servers,
    stores: &'w Stores,
    caches: &'w Caches,
    history: &'w mut Option<History>,
    draw: Draw,
}

impl Outbox<ClientOut> for ClientCarrier<'_> {
    // Inlined always: where a machine asks, it is known what for, and the rest of this function falls away.
    #[inline(always)]
    fn put(&mut self, request: ClientOut) {
        let ClientCarrier { now, client, ref mut group, ref mut servers, draw, .. } = *self;
        let post = &mut servers.post;
        group.recorder.saw(now, &request);
        match request {
            ClientOut::WakeAt { at, wake } => {
                let event = match wake {
                    Wake::Timeouts => Event::Timeouts { client },
                    Wake::Timeout(attempt) => Event::Timeout { client, attempt },
                    Wake::Retry(attempt) => Event::Retry { client, attempt },
                };
                match group.lane(wake) {
                    Some(lane) => post.agenda.plan_in(lane, at, event),
                    None => post.agenda.plan(at, event),
                }
            }
            ClientOut::Send { job, replica, .. } => {
                if let Some(access) = &group.access
                    && let Some(history) = self.history
                {
                    let (op, value) = (access.op(job.call, draw), access.value(job.call, job.number));
                    history.invoked(now, &job, op, value);
                }
                self.send(job, replica);
            }
            ClientOut::SendOn { job, replica } => {
                if let Some(history) = self.history {
                    history.sent_on(&job);
                }
                self.send(job, replica);
            }
            ClientOut::GiveUp { attempt, replica } => {
                if let Some(history) = self.history {
                    history.given_up(client, attempt);
                }
                if self.group.tells_disconnects {
                    self.hang_up(attempt, replica);
                }
            }
            ClientOut::Late { .. } | ClientOut::Ended { .. } | ClientOut::Done { .. } => {}
        }
    }
}

impl ClientCarrier<'_> {
    #[inline]
    fn send(&mut self, job: Job, replica: u32) {
        let ClientCarrier { now, ref group, ref mut servers, stores, caches, draw, .. } = *self;
        let post = &mut servers.post;
        let delay = post.network.delay(group.service, Stream::NetworkOut, job.call, job.number);
        if let Some(store) = stores.of_service[group.service as usize] {
            let input = stores::request(group.access.as_ref(), job, draw);
            post.send(now + delay, Parcel::Node { store, me: replica, input });
        } else if let Some(first) = caches.first[group.service as usize] {
            let op = group.operations.op(job.call, group.lineage.draw(job.call, draw));
            let input = CacheIn::Request { job, op };
            post.send(now + delay, Parcel::Cache { replica: first + replica, input });
        } else {
            servers.bring(now, delay, group.first_server + replica, ServerIn::Arrive(job));
        }
    }

    #[inline]
    fn hang_up(&mut self, attempt: Attempt, replica: u32) {
        let ClientCarrier { now, client, ref group, ref mut servers, stores, caches, .. } = *self;
        let post = &mut servers.post;
        let delay = post.network.delay(group.service, Stream::NetworkOut, u64::from(attempt.generation), 0);
        if let Some(store) = stores.of_service[group.service as usize] {
            let input = NodeIn::Disconnected { client, attempt };
            post.send(now + delay, Parcel::Node { store, me: replica, input });
        } else if let Some(first) = caches.first[group.service as usize] {
            let input = CacheIn::Disconnected { client, attempt };
            post.send(now + delay, Parcel::Cache { replica: first + replica, input });
        } else {
            let input = ServerIn::Disconnected { client, attempt };
            servers.bring(now, delay, group.first_server + replica, input);
        }
    }
}

impl Servers {
    /// Has `input` arrive at a stateless replica after `delay`.
    #[inline]
    fn bring(&mut self, now: Time, delay: Span, server: u32, input: ServerIn) {
        if delay == Span::ZERO {
            self.step(now, server, input);
        } else {
            self.post.send(now + delay, Parcel::Server { server, input });
        }
    }

    #[inline]
    fn step(&mut self, now: Time, server: u32, input: ServerIn) {
        let machine = &mut self.machines[server as usize];
        let recorder = &mut self.recorders[server as usize];
        recorder.told(now, &input);
        let service = self.service_of[server as usize];
        let mut carrier =
            ServerCarrier { now, server, service, recorder: &mut *recorder, post: &mut self.post };
        machine.step(now, input, &mut carrier);
        recorder.stands(now, machine);
    }
}

/// Carries out what a server asks for, as it asks.
struct ServerCarrier<'w> {
    now: Time,
    server: u32,
    service: u32,
    recorder: &'w mut ServerRecorder,
    post: &'w mut Post,
}

impl Outbox<ServerOut> for ServerCarrier<'_> {
    #[inline(always)]
    fn put(&mut self, request: ServerOut) {
        let ServerCarrier { now, server, service, ref mut recorder, ref mut post } = *self;
        recorder.asked(&request);
        match request {
            ServerOut::WakeAt { at, worker, epoch } => {
                post.agenda.plan(at, Event::Server { server, worker, epoch });
            }
            ServerOut::Reply { job: Job { client, attempt, call, number, .. }, outcome, .. } => {
                let delay = post.network.delay(service, Stream::NetworkBack, call, number);
                if delay == Span::ZERO {
                    post.answers.push(Answer { client, attempt, outcome });
                } else {
                    post.mail(now + delay, Event::Answer { client, attempt, outcome });
                }
            }
            ServerOut::Drop { .. } => {}
        }
    }
}

impl Post {
    /// Sends a message that takes time.
    #[inline]
    fn mail(&mut self, at: Time, event: Event) {
        let lane = *self.network_lane.get_or_insert_with(|| self.agenda.lane());
        self.agenda.plan_in(lane, at, event);
    }
}
