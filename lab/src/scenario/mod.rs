//! What is run: every choice made, nothing left out. Built from a config, used by both engines and by theory.
mod build;
mod build_group;
mod build_policy;
pub mod exam;
pub mod grid;
pub mod plan;
pub mod sample;
mod settings;

pub use grid::{Grid, load_grid};
pub use plan::{Bound, Claim, Expect, Metric, Over, Plan, Variant, Wanted, load, load_text};

use lab_core::{
    arrival::{Arrivals, Load, Surge},
    cache::{Cache, CachePolicy},
    client::ClientPolicy,
    demand::Demand,
    directory::{Directory, StoreAccess},
    draw::Draw,
    keys::{OperationSource, Operations},
    lineage::Lineage,
    replicate::{
        Mode, Reads,
        manager::{Manager, Record},
        member::Membership,
        node::{Node, NodePolicy},
    },
    server::ServerPolicy,
    time::{Span, Time},
    timeline::{Disturbance, Effect, Role},
};
use serde::{Deserialize, Serialize};

/// One run, except for its seed. Holds no choice that the user left open: what was left out has been decided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scenario {
    /// The config's file name without its ending; `variant` is added by those who show it.
    pub name: String,
    /// What the experiment says of itself in one line.
    pub title: String,
    /// Where the scenario comes from, such as a paper's section; may be empty.
    pub source: String,
    /// Length of the run.
    pub duration: Span,
    /// Left out of all statistics, at the beginning.
    pub warmup: Span,
    /// Width of a metrics window.
    pub window: Span,
    /// The first seed.
    pub seed: u64,
    /// How many seeds from the first one on.
    pub replications: u32,
    /// The services, in the order of the config.
    pub services: Vec<Service>,
    /// The client groups, in the order of the config.
    pub clients: Vec<ClientGroup>,
    /// One-way delay of every message.
    pub network_delay: Demand,
    /// What healthy means.
    pub healthy: Healthy,
    /// Triggers and enabled levers, in the order of the config.
    pub disturbances: Vec<Disturbance>,
}

/// A service of equal replicas.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Service {
    /// Its name in the config.
    pub name: String,
    /// How many replicas, at least 1.
    pub replicas: u32,
    /// What each decides by.
    pub policy: ServerPolicy,
    /// How it is replicated; `None`: its replicas hold nothing, and each can serve every call.
    pub replication: Option<Replication>,
    /// Who of its replicas is sent work; `None`: all of them, always.
    pub membership: Option<Membership>,
    /// What makes it a cache in front of another service.
    pub cache: Option<CacheService>,
}

/// A cache in front of another service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CacheService {
    /// The index of the service that it calls.
    pub calls: usize,
    /// What it decides by; its own queue and workers are the service's.
    pub policy: CachePolicy,
}

/// How a service's store is replicated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Replication {
    /// The protocol.
    pub mode: Mode,
    /// How long a message with writes to apply holds a worker of the replica it comes to.
    pub apply_time: Demand,
    /// How long a part of the store, read or written for a newcomer, holds a worker.
    pub transfer_time: Demand,
    /// Whether a call that is tried again is recognised by its idempotency key, before it is replicated once more.
    pub deduplicate: bool,
}

/// Client instances of one kind, sharing one workload.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClientGroup {
    /// Its name in the config.
    pub name: String,
    /// The index of the service it calls.
    pub service: usize,
    /// How many instances; budgets and balancers are per instance.
    pub instances: u32,
    /// What each decides by.
    pub policy: ClientPolicy,
    /// The load of the whole group, without the surges of triggers.
    pub load: Load,
    /// What its calls are, and about which keys.
    pub operations: Operations,
}

/// When a service is healthy: the share of calls, intended in a window, that turn out good.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Healthy {
    /// Smallest share of good calls, in (0, 1].
    pub good: f64,
    /// Width of the windows in which the share is judged.
    pub over: Span,
    /// A call that takes longer is not good, although it succeeded. [`Span::FOREVER`]: no such limit.
    pub latency: Span,
}

impl Scenario {
    /// The run's end.
    pub fn end(&self) -> Time {
        Time::ZERO + self.duration
    }

    /// The triggers, in the order of the config.
    pub fn triggers(&self) -> impl Iterator<Item = &Disturbance> {
        self.disturbances.iter().filter(|d| d.role == Role::Trigger)
    }

    /// The enabled levers, in the order of the config.
    pub fn levers(&self) -> impl Iterator<Item = &Disturbance> {
        self.disturbances.iter().filter(|d| d.role == Role::Lever)
    }

    /// When the first trigger begins; the run's end if there is none.
    pub fn first_trigger(&self) -> Time {
        self.triggers().map(|d| d.from).min().unwrap_or(self.end())
    }

    /// When the last trigger ends, or the warm-up if there is none. Verdict windows are anchored here.
    pub fn triggers_over(&self) -> Time {
        self.triggers().map(|d| d.until).max().unwrap_or(Time::ZERO + self.warmup)
    }

    /// When an operator first acts; the run's end if nobody does.
    pub fn first_lever(&self) -> Time {
        self.levers().map(|d| d.from).min().unwrap_or(self.end()).min(self.end())
    }

    /// The same scenario in which nothing goes wrong and nobody acts.
    pub fn undisturbed(&self) -> Scenario {
        Scenario { disturbances: vec![], ..self.clone() }
    }

    /// The load of client group `group`, the surges of triggers included.
    pub fn load(&self, group: usize) -> Load {
        self.load_under(group, &self.disturbances)
    }

    /// The same if `disturbances` were what goes wrong.
    pub fn load_under(&self, group: usize, disturbances: &[Disturbance]) -> Load {
        let mut load = self.clients[group].load.clone();
        for d in disturbances {
            if let Effect::LoadSpike { clients, factor } = &d.effect
                && clients.contains(&group)
            {
                load.surges.push(Surge { from: d.from, until: d.until, factor: *factor });
            }
        }
        load
    }

    /// The schedule of client group `group` under `draw`.
    pub fn arrivals(&self, group: usize, draw: Draw) -> Arrivals {
        Arrivals::new(&self.load(group), group as u16, draw)
    }

    /// A call of group `group` that takes longer than this is not good.
    pub fn good_within(&self, group: usize) -> Span {
        self.clients[group].policy.deadline.min(self.healthy.latency)
    }

    /// Completions per second that service `service` is capable of, all replicas together. Of a replicated store: calls per
    /// second of its clients' mix at which the replica with the most to do is busy all the time.
    pub fn capacity(&self, service: usize) -> f64 {
        let Service { replicas, policy, replication, .. } = &self.services[service];
        let (replicas, workers) = (f64::from(*replicas), f64::from(policy.workers));
        let busy = policy.service_time.mean_seconds();
        let Some(replication) = replication else { return replicas * workers / busy };
        let reads = self.read_share(service);
        let writes = 1.0 - reads;
        let applies = writes * replication.apply_time.mean_seconds();
        let (here, spread) = (busy, busy / replicas);
        // What a call costs the busiest replica.
        let most = match replication.mode {
            Mode::PrimaryBackup { reads: Reads::Leader, .. } => here.max(applies),
            Mode::PrimaryBackup { reads: Reads::Any, .. } | Mode::Craq { .. } => {
                reads * spread + (writes * here).max(applies)
            }
            // Each of the others is asked, and reads the key as well.
            Mode::PrimaryBackup { reads: Reads::Quorum, .. } => {
                let asked = reads * (1.0 - 1.0 / replicas) * replication.apply_time.mean_seconds();
                reads * spread + asked + (writes * here).max(applies)
            }
            Mode::Chain if replicas == 1.0 => here,
            Mode::Chain => (writes * here).max(applies + reads * here),
            Mode::SharedLog => spread + applies,
        };
        workers / most
    }

    /// Whether calls to service `from` come to `service`: they are the same, or the one is a cache in front of the other.
    pub fn reaches(&self, from: usize, service: usize) -> bool {
        from == service || self.services[from].cache.as_ref().is_some_and(|cache| cache.calls == service)
    }

    /// The share of reads among the calls to `service`, weighted by the load that its client groups begin with. Calls that come
    /// by way of a cache all count: so it is while that holds nothing.
    fn read_share(&self, service: usize) -> f64 {
        let groups = || self.clients.iter().filter(|group| self.reaches(group.service, service));
        let rate = |group: &ClientGroup| group.load.rate_at(Time::ZERO).max(f64::MIN_POSITIVE);
        let reads: f64 = groups().map(|group| rate(group) * group.operations.read_share).sum();
        reads / groups().map(rate).sum::<f64>()
    }

    /// The index of replica 0 of `service` when the replicas of all services are counted through.
    pub fn first_replica(&self, service: usize) -> usize {
        self.services[..service].iter().map(|s| s.replicas as usize).sum()
    }

    /// The index of instance 0 of `group` when the instances of all client groups are counted through.
    pub fn first_instance(&self, group: usize) -> usize {
        self.clients[..group].iter().map(|c| c.instances as usize).sum()
    }

    /// The client instances that call `service`, all groups counted through.
    pub fn instances_calling(&self, service: usize) -> Vec<u32> {
        let groups = self.clients.iter().enumerate().filter(|(_, group)| group.service == service);
        groups
            .flat_map(|(g, group)| (0..group.instances).map(move |i| (g, i)))
            .map(|(g, i)| self.first_instance(g) as u32 + i)
            .collect()
    }

    /// The caches that call `service`, by the service that each of them is.
    pub fn caches_calling(&self, service: usize) -> impl Iterator<Item = usize> {
        let calls = move |cache: &CacheService| cache.calls == service;
        let services = self.services.iter().enumerate();
        services.filter(move |(_, s)| s.cache.as_ref().is_some_and(calls)).map(|(cache, _)| cache)
    }

    /// The client instance as which replica `replica` of the cache `service` calls its store: those of caches are counted
    /// through after those of client groups.
    pub fn cache_instance(&self, service: usize, replica: u32) -> u32 {
        let before = self.services[..service].iter().filter(|s| s.cache.is_some());
        let before: u32 = before.map(|s| s.replicas).sum();
        self.first_instance(self.clients.len()) as u32 + before + replica
    }

    /// Replica `replica` of the cache `service`.
    pub fn cache(&self, service: usize, replica: u32, draw: Draw) -> Cache {
        let CacheService { calls, policy } =
            self.services[service].cache.as_ref().expect("only caches are made of caches");
        let store = &self.services[*calls];
        let callers = self.clients.iter().filter(|group| group.service == service);
        let keys = callers.map(|group| group.operations.keys).max().unwrap_or(1);
        let instance = self.cache_instance(service, replica);
        let cache = Cache::new(policy, instance, store.replicas, keys, draw);
        match self.directory(*calls) {
            None => cache,
            Some(directory) => cache.with_directory(directory),
        }
    }

    /// The same in a process that has followed `lives` others.
    pub fn cache_life(&self, service: usize, replica: u32, lives: u32, draw: Draw) -> Cache {
        let cache = self.cache(service, replica, draw);
        if lives == 0 { cache } else { cache.restarted(lives) }
    }

    /// How calls ask `service`, if that is a replicated store.
    pub fn access(&self, service: usize) -> Option<StoreAccess> {
        let replication = self.services[service].replication.as_ref()?;
        Some(StoreAccess {
            mode: replication.mode,
            operations: self.clients.iter().map(|group| OperationSource::new(&group.operations)).collect(),
            deduplicate: replication.deduplicate,
            lineage: Lineage::default(),
        })
    }

    /// What a client of `service` knows of it at the beginning, if there is anything to know.
    pub fn directory(&self, service: usize) -> Option<Directory> {
        let Service { membership, replicas, .. } = &self.services[service];
        membership.is_some().then(|| Directory::new(self.access(service), *replicas))
    }
}

impl Service {
    /// Replica `me` of a service that has a membership.
    pub fn node(&self, me: u32, draw: Draw) -> Node {
        let membership = self.membership.expect("only groups are made of nodes");
        match &self.replication {
            None => Node::stateless(&self.policy, membership, me, self.replicas, draw),
            Some(replication) => {
                let policy = NodePolicy {
                    server: self.policy.clone(),
                    mode: replication.mode,
                    membership,
                    apply_time: replication.apply_time.clone(),
                    transfer_time: replication.transfer_time.clone(),
                    deduplicate: replication.deduplicate,
                };
                Node::new(&policy, me, self.replicas, draw)
            }
        }
    }

    /// The same in a process that has followed `lives` others.
    pub fn life(&self, me: u32, lives: u32, draw: Draw) -> Node {
        let node = self.node(me, draw);
        if lives == 0 { node } else { node.restarted(lives) }
    }

    /// The manager of a service that has a membership, with what it has `kept` since its group was new.
    pub fn manager(&self, kept: Vec<Record>) -> Manager {
        let membership = self.membership.expect("only groups have a manager");
        let mode = self.replication.as_ref().map(|r| r.mode);
        let new = Manager::new(mode, membership, self.replicas);
        let records = [new.records(), &kept].concat();
        Manager::restore(mode, membership, self.replicas, records)
    }
}
