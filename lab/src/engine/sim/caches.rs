//! Caches in the simulation: each replica is a [`Cache`], which calls a store as a client of its own.
use super::{Event, Parcel, Servers, Stores, stores};
use crate::{
    scenario::Scenario,
    trace::{CacheRecorder, CacheTrace, CacheWindow, ServerRecorder, ServerWindow},
};
use lab_core::{
    cache::{Cache, CacheIn, CacheOut},
    call::{Attempt, Job},
    client::{ClientIn, ClientOut},
    directory::StoreAccess,
    draw::{Draw, Stream},
    lineage::Lineage,
    machine::{Machine, Outbox},
    replicate::node::NodeIn,
    server::{Server, ServerIn},
    time::Time,
};

/// All caches of a run.
#[derive(Clone)]
pub(super) struct Caches {
    /// All replicas of all caches.
    replicas: Vec<Replica>,
    /// The first replica of each service that is a cache.
    pub first: Vec<Option<u32>>,
    /// The client number of replica 0; those of clients are below.
    first_client: u32,
    traces: Vec<CacheTrace>,
    draw: Draw,
}

#[derive(Clone)]
struct Replica {
    cache: Cache,
    recorder: CacheRecorder,
    /// The replica, all services counted through.
    server: u32,
    service: u32,
    /// Which of the run's caches it belongs to.
    number: usize,
    client: u32,
    /// The store, its first replica, and whether that wants to know that a caller hung up.
    store: u32,
    first_server: u32,
    tells_disconnects: bool,
    /// Where the store is replicated: how it is asked.
    access: Option<StoreAccess>,
}

/// A replica's number, and its windows.
type OfReplica<'w> = (usize, &'w [ServerWindow]);

impl Caches {
    pub(super) fn new(scenario: &Scenario, draw: Draw) -> Caches {
        let mut caches = Caches {
            replicas: vec![],
            first: vec![None; scenario.services.len()],
            first_client: scenario.first_instance(scenario.clients.len()) as u32,
            traces: vec![],
            draw,
        };
        for (index, service) in scenario.services.iter().enumerate() {
            let Some(cache) = &service.cache else { continue };
            caches.first[index] = Some(caches.replicas.len() as u32);
            for replica in 0..service.replicas {
                caches.replicas.push(Replica {
                    cache: scenario.cache(index, replica, draw),
                    recorder: CacheRecorder::new(scenario, index, replica),
                    server: scenario.first_replica(index) as u32 + replica,
                    service: index as u32,
                    number: caches.traces.len(),
                    client: scenario.cache_instance(index, replica),
                    store: cache.calls as u32,
                    first_server: scenario.first_replica(cache.calls) as u32,
                    tells_disconnects: scenario.hears_hang_ups(cache.calls),
                    access: scenario.access(cache.calls),
                });
            }
            caches.traces.push(CacheTrace { service: service.name.clone(), windows: vec![] });
        }
        caches
    }

    /// From now on all is drawn from `draw`, and calls are of this lineage.
    pub(super) fn branch(&mut self, draw: Draw, lineage: &Lineage) {
        self.draw = draw;
        for Replica { cache, access, .. } in &mut self.replicas {
            cache.branch(draw, lineage);
            if let Some(access) = access {
                access.lineage = lineage.clone();
            }
        }
    }

    /// The queues and workers of the replicas of a service; none if it is no cache.
    pub(super) fn servers(&self, service: usize) -> impl Iterator<Item = &Server> {
        let of = move |r: &&Replica| r.service as usize == service;
        self.replicas.iter().filter(of).map(|r| r.cache.server())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.replicas.is_empty()
    }

    /// The replica that calls a store as client `client`.
    pub(super) fn calling_as(&self, client: u32) -> Option<u32> {
        client.checked_sub(self.first_client)
    }

    /// The replicas of a service.
    pub(super) fn of_service(&self, service: usize) -> std::ops::Range<u32> {
        let of = move |r: &Replica| r.service as usize == service;
        let count = self.replicas.iter().filter(|r| of(r)).count() as u32;
        let first = self.first[service].unwrap_or(0);
        first..first + count
    }

    pub(super) fn step(
        &mut self,
        now: Time,
        replica: u32,
        input: CacheIn,
        servers: &mut Servers,
        stores: &Stores,
    ) {
        let Replica {
            cache, recorder, service, client, store, first_server, tells_disconnects, access, ..
        } = &mut self.replicas[replica as usize];
        recorder.told(now, &input);
        let mut carrier = CacheCarrier {
            now,
            replica,
            service: *service,
            client: *client,
            store: *store,
            group: stores.of_service[*store as usize],
            first_server: *first_server,
            tells_disconnects: *tells_disconnects,
            access: access.as_ref(),
            recorder: &mut *recorder,
            servers,
            draw: self.draw,
        };
        cache.step(now, input, &mut carrier);
        recorder.server.stands(now, cache.server());
    }

    /// Notes what the caches did in the window that ends.
    pub(super) fn sample(&mut self) {
        let mut sums = vec![CacheWindow::default(); self.traces.len()];
        for Replica { cache, number, recorder, .. } in &mut self.replicas {
            sums[*number] += recorder.sample(cache);
        }
        for (trace, sum) in self.traces.iter_mut().zip(sums) {
            trace.windows.push(sum);
        }
    }

    /// From now on stores are told of every attempt that is given up.
    pub(super) fn tell_disconnects(&mut self) {
        self.replicas.iter_mut().for_each(|replica| replica.tells_disconnects = true);
    }

    /// The windows that ended by `now`: of the replicas, their numbers beside, and of the caches.
    pub(super) fn windows(&mut self, now: Time) -> (Vec<OfReplica<'_>>, Vec<&[CacheWindow]>) {
        let replicas = self.replicas.iter_mut();
        let replicas = replicas.map(|r| (r.server as usize, r.recorder.server.windows(now)));
        (replicas.collect(), self.traces.iter().map(|trace| &*trace.windows).collect())
    }

    /// What was measured of the replicas, their numbers beside, and of the caches.
    pub(super) fn finish(self) -> (Vec<(usize, ServerRecorder)>, Vec<CacheTrace>) {
        (self.replicas.into_iter().map(|r| (r.server as usize, r.recorder.server)).collect(), self.traces)
    }
}

/// What a cache is told of what comes to it as a client of a store.
pub(super) fn as_caller(input: ClientIn) -> Option<CacheIn> {
    match input {
        ClientIn::Answer { attempt, outcome } => Some(CacheIn::Answer { attempt, outcome }),
        ClientIn::Elsewhere { attempt, view } => Some(CacheIn::Elsewhere { attempt, view }),
        ClientIn::Members(view) => Some(CacheIn::Members(view)),
        ClientIn::Arrive { .. } | ClientIn::Woken(_) | ClientIn::Control(_) => None,
    }
}

/// Carries out what a cache asks for, as it asks.
struct CacheCarrier<'w> {
    now: Time,
    replica: u32,
    service: u32,
    client: u32,
    store: u32,
    /// The store's group, if it is one.
    group: Option<u32>,
    first_server: u32,
    tells_disconnects: bool,
    access: Option<&'w StoreAccess>,
    recorder: &'w mut CacheRecorder,
    servers: &'w mut Servers,
    draw: Draw,
}

impl Outbox<CacheOut> for CacheCarrier<'_> {
    fn put(&mut self, request: CacheOut) {
        let CacheCarrier { now, replica, service, .. } = *self;
        self.recorder.asked(&request);
        let post = &mut self.servers.post;
        match request {
            CacheOut::WakeAt { at, wake } => {
                post.plan(at, Parcel::Cache { replica, input: CacheIn::Woken(wake) });
            }
            CacheOut::Reply { job: Job { client, attempt, call, number, .. }, outcome, .. } => {
                let delay = post.network.delay(service, Stream::NetworkBack, call, number);
                post.mail(now + delay, Event::Answer { client, attempt, outcome });
            }
            CacheOut::Drop { .. } => {}
            // The tries of the requester's earlier attempts count: each meets its own luck.
            CacheOut::Store {
                request: ClientOut::Send { job, replica, .. } | ClientOut::SendOn { job, replica },
                before,
            } => self.send(job.after(before), replica),
            CacheOut::Store { request: ClientOut::GiveUp { attempt, replica }, .. }
                if self.tells_disconnects =>
            {
                self.hang_up(attempt, replica);
            }
            CacheOut::Store { .. } => {}
        }
    }
}

impl CacheCarrier<'_> {
    fn send(&mut self, job: Job, replica: u32) {
        let CacheCarrier { now, store, first_server, group, .. } = *self;
        let post = &mut self.servers.post;
        let delay = post.network.delay(store, Stream::NetworkOut, job.call, job.number);
        match group {
            None => self.servers.bring(now, delay, first_server + replica, ServerIn::Arrive(job)),
            Some(store) => {
                let input = stores::request(self.access, job, self.draw);
                post.send(now + delay, Parcel::Node { store, me: replica, input });
            }
        }
    }

    fn hang_up(&mut self, attempt: Attempt, replica: u32) {
        let CacheCarrier { now, store, client, first_server, group, .. } = *self;
        let post = &mut self.servers.post;
        let delay = post.network.delay(store, Stream::NetworkOut, u64::from(attempt.generation), 0);
        match group {
            None => {
                let input = ServerIn::Disconnected { client, attempt };
                self.servers.bring(now, delay, first_server + replica, input);
            }
            Some(store) => {
                let input = NodeIn::Disconnected { client, attempt };
                post.send(now + delay, Parcel::Node { store, me: replica, input });
            }
        }
    }
}
