//! Groups of replicas in the simulation: replicated stores, and services under health checks. Each replica is a [`Node`], and
//! each group has a manager.
use super::{Event, Parcel, Post};
use crate::{
    engine::notes,
    scenario::Scenario,
    trace::{Event as Happening, GroupTrace, GroupWindow, ServerRecorder, ServerWindow},
};
use lab_core::{
    call::Job,
    client::ClientIn,
    directory::StoreAccess,
    draw::{Draw, Stream},
    lineage::Lineage,
    machine::{Machine, Outbox},
    replicate::{
        Answer, Op, Value,
        manager::{Manager, ManagerIn, ManagerOut},
        node::{MANAGER, Node, NodeIn, NodeOut},
    },
    server::Server,
    time::{Span, Time},
};

/// All groups of a run.
#[derive(Clone)]
pub(super) struct Stores {
    pub groups: Vec<StoreGroup>,
    /// The group of each service, if it is one.
    pub of_service: Vec<Option<u32>>,
}

/// One group of replicas.
#[derive(Clone)]
pub(super) struct StoreGroup {
    service: u32,
    first_server: u32,
    /// The client instances that are told of new members.
    clients: Vec<u32>,
    nodes: Vec<Node>,
    manager: Manager,
    recorders: Vec<ServerRecorder>,
    name: String,
    windows: Vec<GroupWindow>,
}

impl StoreGroup {
    /// The number of its first replica, the windows of its replicas that ended by `now`, and its own.
    pub(super) fn windows(&mut self, now: Time) -> (usize, Vec<&[ServerWindow]>, &[GroupWindow]) {
        let replicas = self.recorders.iter_mut().map(|recorder| recorder.windows(now));
        (self.first_server as usize, replicas.collect(), &self.windows)
    }
}

impl Stores {
    pub(super) fn new(scenario: &Scenario, draw: Draw) -> Stores {
        let mut stores = Stores { groups: vec![], of_service: vec![None; scenario.services.len()] };
        for (index, service) in scenario.services.iter().enumerate() {
            if service.membership.is_none() {
                continue;
            }
            stores.of_service[index] = Some(stores.groups.len() as u32);
            stores.groups.push(StoreGroup {
                service: index as u32,
                first_server: scenario.first_replica(index) as u32,
                clients: told(scenario, index),
                nodes: (0..service.replicas).map(|me| service.node(me, draw)).collect(),
                manager: service.manager(vec![]),
                recorders: (0..service.replicas).map(|r| ServerRecorder::new(scenario, index, r)).collect(),
                name: service.name.clone(),
                windows: vec![],
            });
        }
        stores
    }

    /// The run begins.
    pub(super) fn begin(&mut self, post: &mut Post, events: &mut Vec<Happening>) {
        for store in 0..self.groups.len() as u32 {
            for me in 0..self.groups[store as usize].nodes.len() as u32 {
                self.node(Time::ZERO, store, me, NodeIn::Begin, post, events);
            }
            self.manager(Time::ZERO, store, ManagerIn::Begin, post, events);
        }
    }

    /// From now on all is drawn from `draw`; calls of other runs of the `lineage` ask for what they asked for.
    pub(super) fn branch(&mut self, draw: Draw, lineage: &Lineage) {
        for node in self.groups.iter_mut().flat_map(|group| &mut group.nodes) {
            node.branch(draw, lineage);
        }
    }

    /// The queues and workers of the replicas of a service; none if it is no group.
    pub(super) fn servers(&self, service: usize) -> impl Iterator<Item = &Server> {
        let group = self.of_service[service].map(|store| &self.groups[store as usize]);
        group.into_iter().flat_map(|group| &group.nodes).map(|node| node.server())
    }

    pub(super) fn node(
        &mut self,
        now: Time,
        store: u32,
        me: u32,
        input: NodeIn,
        post: &mut Post,
        events: &mut Vec<Happening>,
    ) {
        let StoreGroup { nodes, recorders, service, name, .. } = &mut self.groups[store as usize];
        let (node, recorder) = (&mut nodes[me as usize], &mut recorders[me as usize]);
        recorder.reach(now);
        if let NodeIn::Request { .. } = input {
            recorder.arrived();
        }
        let mut carrier =
            NodeCarrier { now, store, me, service: *service, name, recorder: &mut *recorder, post, events };
        node.step(now, input, &mut carrier);
        recorder.stands(now, node.server());
    }

    pub(super) fn manager(
        &mut self,
        now: Time,
        store: u32,
        input: ManagerIn,
        post: &mut Post,
        events: &mut Vec<Happening>,
    ) {
        let StoreGroup { manager, service, name, clients, .. } = &mut self.groups[store as usize];
        let mut carrier = ManagerCarrier { now, store, service: *service, name, clients, post, events };
        manager.step(now, input, &mut carrier);
    }

    /// Notes how the groups stand at the end of a window.
    pub(super) fn sample(&mut self) {
        for group in &mut self.groups {
            let view = group.manager.view();
            let known = || view.members.iter().map(|m| group.nodes[m as usize].position().committed);
            let lag = known().max().unwrap_or(0) - known().min().unwrap_or(0);
            group.windows.push(GroupWindow {
                view: view.number,
                members: view.members.len() as u64,
                learners: view.learners.len() as u64,
                lag,
            });
        }
    }

    /// What was measured of the replicas of each group, the number of the first of them beside, and of the groups.
    pub(super) fn finish(self) -> (Vec<(usize, Vec<ServerRecorder>)>, Vec<GroupTrace>) {
        let groups = self.groups.into_iter();
        groups
            .map(|StoreGroup { first_server, recorders, name, windows, .. }| {
                ((first_server as usize, recorders), GroupTrace { service: name, windows })
            })
            .unzip()
    }
}

/// Carries out what a replica asks for, as it asks.
struct NodeCarrier<'w> {
    now: Time,
    store: u32,
    me: u32,
    service: u32,
    name: &'w str,
    recorder: &'w mut ServerRecorder,
    post: &'w mut Post,
    events: &'w mut Vec<Happening>,
}

impl Outbox<NodeOut> for NodeCarrier<'_> {
    fn put(&mut self, request: NodeOut) {
        let NodeCarrier { now, store, me, service, .. } = *self;
        match request {
            NodeOut::WakeAt { at, wake } => {
                self.post.plan(at, Parcel::Node { store, me, input: NodeIn::Woken(wake) });
            }
            NodeOut::Send { to, message } => {
                let delay = self.post.peer_delay(service, me, to);
                let Some(delay) = delay else { return };
                let parcel = match to {
                    MANAGER => Parcel::Manager { store, input: ManagerIn::Peer { from: me, message } },
                    to => Parcel::Node { store, me: to, input: NodeIn::Peer { from: me, message } },
                };
                self.post.send(now + delay, parcel);
            }
            NodeOut::Reply { job, outcome, answer, work } => {
                let input = match answer {
                    Some(Answer::Elsewhere(view)) => {
                        self.recorder.redirected();
                        ClientIn::Elsewhere { attempt: job.attempt, view }
                    }
                    _ => {
                        self.recorder.replied(outcome, &work);
                        ClientIn::Answer { attempt: job.attempt, outcome }
                    }
                };
                let delay = self.post.network.delay(service, Stream::NetworkBack, job.call, job.number);
                self.post.send(now + delay, Parcel::Client { client: job.client, input, answer });
            }
            NodeOut::Drop { work, .. } => self.recorder.dropped(&work),
            NodeOut::Worked { work } => self.recorder.peer_worked(&work),
            NodeOut::Noted(note) => self.events.extend(notes::of_replica(now, self.name, me, &note)),
        }
    }
}

/// Carries out what a manager asks for, as it asks.
struct ManagerCarrier<'w> {
    now: Time,
    store: u32,
    service: u32,
    name: &'w str,
    clients: &'w [u32],
    post: &'w mut Post,
    events: &'w mut Vec<Happening>,
}

impl Outbox<ManagerOut> for ManagerCarrier<'_> {
    fn put(&mut self, request: ManagerOut) {
        let ManagerCarrier { now, store, service, .. } = *self;
        match request {
            ManagerOut::WakeAt { at, wake } => {
                self.post.plan(at, Parcel::Manager { store, input: ManagerIn::Woken(wake) });
            }
            ManagerOut::Send { to, message } => {
                if let Some(delay) = self.post.peer_delay(service, MANAGER, to) {
                    let input = NodeIn::Peer { from: MANAGER, message };
                    self.post.send(now + delay, Parcel::Node { store, me: to, input });
                }
            }
            // The machine itself keeps its durable list, and a simulated crash leaves it that.
            ManagerOut::Keep(_) => {}
            ManagerOut::Publish(view) => {
                let delay = self.post.network.delay(service, Stream::NetworkBack, view.number, 0);
                for &client in self.clients {
                    let parcel = Parcel::Client { client, input: ClientIn::Members(view), answer: None };
                    self.post.send(now + delay, parcel);
                }
            }
            ManagerOut::Noted(note) => self.events.extend(notes::of_manager(now, self.name, &note)),
        }
    }
}

impl Post {
    /// Hands `parcel` over at `at`.
    pub(super) fn plan(&mut self, at: Time, parcel: Parcel) {
        let parcel = self.parcels.put(parcel);
        self.agenda.plan(at, Event::Parcel { parcel });
    }

    /// Sends `parcel`, which arrives at `at`.
    pub(super) fn send(&mut self, at: Time, parcel: Parcel) {
        let parcel = self.parcels.put(parcel);
        self.mail(at, Event::Parcel { parcel });
    }

    /// How long a message of one member of a group to another takes; `None` if it is lost.
    fn peer_delay(&mut self, service: u32, from: u32, to: u32) -> Option<Span> {
        self.peer_messages += 1;
        if self.network.apart(service, from) != self.network.apart(service, to) {
            return None;
        }
        Some(self.network.delay(service, Stream::NetworkPeer, self.peer_messages, 0))
    }
}

/// The client instances that the manager of `service` tells of its members, caches among them.
fn told(scenario: &Scenario, service: usize) -> Vec<u32> {
    let replicas = |cache: usize| (0..scenario.services[cache].replicas).map(move |replica| (cache, replica));
    let caches = scenario.caches_calling(service).flat_map(replicas);
    let caches = caches.map(|(cache, replica)| scenario.cache_instance(cache, replica));
    scenario.instances_calling(service).into_iter().chain(caches).collect()
}

/// How a client's attempt is asked of a replica of a group.
pub(super) fn request(access: Option<&StoreAccess>, job: Job, draw: Draw) -> NodeIn {
    let (op, value) = match access {
        Some(access) => (access.op(job.call, draw), access.value(job.call, job.number)),
        // A stateless replica: what is asked makes no difference.
        None => (Op::Read(0), Value::default()),
    };
    NodeIn::Request { job, op, value }
}
