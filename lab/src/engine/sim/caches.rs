//! Caches in the simulation: each replica is a [`Cache`], which calls a store as a client of its own.
use super::{Event, Parcel, Servers};
use crate::{
    scenario::Scenario,
    trace::{CacheTrace, CacheWindow, ServerRecorder},
};
use lab_core::{
    cache::{Cache, CacheIn, CacheOut},
    call::Job,
    client::ClientOut,
    draw::{Draw, Stream},
    machine::{Machine, Outbox},
    server::{Cancel, ServerIn},
    time::Time,
};

/// All caches of a run.
pub(super) struct Caches {
    /// All replicas of all caches.
    replicas: Vec<Replica>,
    /// The first replica of each service that is a cache.
    pub first: Vec<Option<u32>>,
    /// The client number of replica 0; those of clients are below.
    first_client: u32,
    traces: Vec<CacheTrace>,
}

struct Replica {
    cache: Cache,
    recorder: ServerRecorder,
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
    /// Counters at the end of the last window.
    before: CacheWindow,
}

impl Caches {
    /// `clients`: how many client instances there are.
    pub(super) fn new(scenario: &Scenario, clients: u32, draw: Draw) -> Caches {
        let mut caches = Caches {
            replicas: vec![],
            first: vec![None; scenario.services.len()],
            first_client: clients,
            traces: vec![],
        };
        for (index, service) in scenario.services.iter().enumerate() {
            let Some(cache) = &service.cache else { continue };
            caches.first[index] = Some(caches.replicas.len() as u32);
            let store = &scenario.services[cache.calls];
            let keys =
                scenario.clients.iter().filter(|c| c.service == index).map(|c| c.operations.keys).max();
            for replica in 0..service.replicas {
                let client = clients + caches.replicas.len() as u32;
                caches.replicas.push(Replica {
                    cache: Cache::new(&cache.policy, client, store.replicas, keys.unwrap_or(1), draw),
                    recorder: ServerRecorder::new(scenario, index, replica),
                    server: scenario.first_replica(index) as u32 + replica,
                    service: index as u32,
                    number: caches.traces.len(),
                    client,
                    store: cache.calls as u32,
                    first_server: scenario.first_replica(cache.calls) as u32,
                    tells_disconnects: store.policy.cancel == Cancel::OnDisconnect,
                    before: CacheWindow::default(),
                });
            }
            caches.traces.push(CacheTrace { service: service.name.clone(), windows: vec![] });
        }
        caches
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

    pub(super) fn step(&mut self, now: Time, replica: u32, input: CacheIn, servers: &mut Servers) {
        let Replica { cache, recorder, service, client, store, first_server, tells_disconnects, .. } =
            &mut self.replicas[replica as usize];
        recorder.reach(now);
        if let CacheIn::Request { .. } = input {
            recorder.arrived();
        }
        let mut carrier = CacheCarrier {
            now,
            replica,
            service: *service,
            client: *client,
            store: *store,
            first_server: *first_server,
            tells_disconnects: *tells_disconnects,
            recorder: &mut *recorder,
            servers,
        };
        cache.step(now, input, &mut carrier);
        recorder.stands(now, cache.server());
    }

    /// Notes what the caches did in the window that ends.
    pub(super) fn sample(&mut self) {
        let mut sums = vec![CacheWindow::default(); self.traces.len()];
        for Replica { cache, number, before, .. } in &mut self.replicas {
            let now = CacheWindow {
                hits: cache.hits(),
                misses: cache.misses(),
                fills: cache.fills(),
                populated: cache.populated(),
                keys: cache.size() as u64,
            };
            let sum = &mut sums[*number];
            sum.hits += now.hits - before.hits;
            sum.misses += now.misses - before.misses;
            sum.fills += now.fills - before.fills;
            sum.populated += now.populated - before.populated;
            sum.keys += now.keys;
            *before = now;
        }
        for (trace, sum) in self.traces.iter_mut().zip(sums) {
            trace.windows.push(sum);
        }
    }

    /// What was measured of the replicas, their numbers beside, and of the caches.
    pub(super) fn finish(self) -> (Vec<(usize, ServerRecorder)>, Vec<CacheTrace>) {
        (self.replicas.into_iter().map(|r| (r.server as usize, r.recorder)).collect(), self.traces)
    }
}

/// Carries out what a cache asks for, as it asks.
struct CacheCarrier<'w> {
    now: Time,
    replica: u32,
    service: u32,
    client: u32,
    store: u32,
    first_server: u32,
    tells_disconnects: bool,
    recorder: &'w mut ServerRecorder,
    servers: &'w mut Servers,
}

impl Outbox<CacheOut> for CacheCarrier<'_> {
    fn put(&mut self, request: CacheOut) {
        let CacheCarrier { now, replica, service, client, store, first_server, .. } = *self;
        let post = &mut self.servers.post;
        match request {
            CacheOut::WakeAt { at, wake } => {
                post.plan(at, Parcel::Cache { replica, input: CacheIn::Woken(wake) });
            }
            CacheOut::Reply { job: Job { client, attempt, call, number, .. }, outcome, work } => {
                self.recorder.replied(outcome, &work);
                let delay = post.network.delay(service, Stream::NetworkBack, call, number);
                post.mail(now + delay, Event::Answer { client, attempt, outcome });
            }
            CacheOut::Drop { work, .. } => self.recorder.dropped(&work),
            CacheOut::Store { request: ClientOut::Send { job, replica, .. }, before } => {
                // The tries of the requester's earlier attempts count: each meets its own luck.
                let job = Job { number: job.number.saturating_add(before), ..job };
                let delay = post.network.delay(store, Stream::NetworkOut, job.call, job.number);
                self.servers.bring(now, delay, first_server + replica, ServerIn::Arrive(job));
            }
            CacheOut::Store { request: ClientOut::GiveUp { attempt, replica }, .. }
                if self.tells_disconnects =>
            {
                let delay = post.network.delay(store, Stream::NetworkOut, u64::from(attempt.generation), 0);
                let input = ServerIn::Disconnected { client, attempt };
                self.servers.bring(now, delay, first_server + replica, input);
            }
            CacheOut::Store { .. } => {}
        }
    }
}
