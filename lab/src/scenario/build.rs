//! From a resolved config to a scenario: names become indexes, shares of a workload become loads.
use super::{
    CacheService, ClientGroup, Healthy, Replication, Scenario, Service, build_group as group,
    build_policy::{balance, cancel, demand, demand_per, discipline, hedge, retry},
    settings::settings,
};
use crate::config::{
    self, Experiment,
    cache::FlushKeys,
    choice::{OrNone, Selection},
    disturbance::{Disturb, Pull},
    recorded,
    service::Law,
    workload::{Arrivals, Workload},
};
use lab_core::{
    arrival::{Load, Process, Stage},
    cache::Flush,
    client::ClientPolicy,
    retry::Retry,
    server::ServerPolicy,
    time::{Span, Time},
    timeline::{Disturbance, Effect, Replicas, Role},
};

/// The scenario of `experiment`, called `name`. Fails only if something that was checked has changed in between, such as a
/// recorded file.
pub(super) fn build(name: &str, experiment: &Experiment) -> Result<Scenario, String> {
    let e = experiment;
    let mut scenario = Scenario {
        name: name.into(),
        title: e.title.clone(),
        source: e.source.clone(),
        duration: e.duration.0,
        warmup: e.warmup.0,
        window: e.window.ok_or("the window is not resolved")?.0,
        seed: e.seed,
        replications: e.replications,
        services: e.services.iter().map(|(name, s)| service(e, name, s)).collect::<Result<_, _>>()?,
        clients: clients(e)?,
        network_delay: demand(&e.network.delay)?,
        healthy: Healthy { good: e.healthy.good.0, over: e.healthy.over.0, latency: e.healthy.latency.limit },
        disturbances: vec![],
    };
    scenario.disturbances = disturbances(e, &scenario)?;
    Ok(scenario)
}

fn service(e: &Experiment, name: &str, service: &config::service::Service) -> Result<Service, String> {
    let policy = ServerPolicy {
        workers: service.workers,
        discipline: discipline(service.queue.discipline),
        capacity: service.queue.capacity.0,
        service_time: demand(&service.service_time)?,
        demand_per: demand_per(service.demand),
        cancel: cancel(service.cancel),
        rejection_cost: service.rejection_cost.0,
        error_service_time: match &service.error_service_time {
            OrNone::None => None,
            OrNone::Some(law) => Some(demand(law)?),
        },
    };
    let replication = match group::mode(service.replication) {
        None => None,
        Some(mode) => {
            let law = |written: &OrNone<Law>| demand(written.as_ref().unwrap_or(&service.service_time));
            Some(Replication {
                mode,
                apply_time: law(&service.apply_time)?,
                transfer_time: law(&service.transfer_time)?,
                deduplicate: service.deduplicate,
            })
        }
    };
    let cache = match &service.cache {
        OrNone::None => None,
        OrNone::Some(cache) => Some(CacheService {
            calls: index(e.services.keys(), &cache.calls)?,
            policy: group::cache(cache, &policy),
        }),
    };
    let membership = match &service.membership {
        OrNone::Some(membership) => Some(group::membership(membership)),
        OrNone::None => replication.is_some().then(|| group::membership(&Default::default())),
    };
    Ok(Service { name: name.into(), replicas: service.replicas, policy, replication, membership, cache })
}

fn clients(e: &Experiment) -> Result<Vec<ClientGroup>, String> {
    // Clients that share the experiment's workload take it in turn, each the next part of [0, 1].
    let mut taken = 0.0;
    let mut groups = vec![];
    for (name, client) in &e.clients {
        let (workload, share) = match (&client.workload, &e.workload) {
            (Some(own), _) => (own, (0.0, 1.0)),
            (None, Some(shared)) => {
                let from = taken;
                taken += client.share.map_or(0.0, |s| s.0);
                (shared, (from, taken))
            }
            (None, None) => return Err(format!("client `{name}` has no workload")),
        };
        groups.push(ClientGroup {
            name: name.clone(),
            service: index(e.services.keys(), &client.calls)?,
            instances: client.instances,
            policy: ClientPolicy {
                per_try_timeout: client.per_try_timeout.0,
                deadline: client.deadline.0,
                retry: client.retry.as_ref().map_or_else(Retry::none, retry),
                hedge: client.hedge.as_ref().map(hedge),
                balance: balance(client.balance),
            },
            load: load(workload, share)?,
            operations: group::operations(workload),
        });
    }
    Ok(groups)
}

fn index<'a>(mut names: impl Iterator<Item = &'a String>, name: &str) -> Result<usize, String> {
    names.position(|n| n == name).ok_or_else(|| format!("there is no `{name}`"))
}

fn load(workload: &Workload, share: (f64, f64)) -> Result<Load, String> {
    let process = match &workload.arrivals {
        Arrivals::Constant => Process::Constant,
        Arrivals::Poisson => Process::Poisson,
        Arrivals::Bursty { factor, share, mean_burst } => {
            Process::Bursty { factor: *factor, share: share.0, mean_burst: mean_burst.0 }
        }
        Arrivals::Recorded { file } => Process::Recorded(recorded::instants(file)?.into()),
    };
    let part = share.1 - share.0;
    Ok(Load { process, stages: stages(workload, part), share, surges: vec![] })
}

/// The workload's stages one after the other, scaled by `part`; the last rate stays for ever.
fn stages(workload: &Workload, part: f64) -> Vec<Stage> {
    let mut rate = workload.rate.map_or(0.0, |r| r.0) * part;
    let mut from = Time::ZERO;
    let mut stages = vec![];
    for stage in &workload.stages.0 {
        let end_rate = stage.rate.0 * part;
        let until = from + stage.lasts.0;
        stages.push(Stage { from, until, rate: if stage.ramp { rate } else { end_rate }, end_rate });
        (rate, from) = (end_rate, until);
    }
    stages.push(Stage { from, until: Time::NEVER, rate, end_rate: rate });
    stages
}

fn disturbances(e: &Experiment, scenario: &Scenario) -> Result<Vec<Disturbance>, String> {
    let mut list = vec![];
    for (name, trigger) in &e.triggers {
        let from = Time::ZERO + trigger.at.0;
        list.push(Disturbance {
            name: name.clone(),
            role: Role::Trigger,
            from,
            until: from + trigger.lasts.0,
            effect: trigger_effect(e, scenario, &trigger.action)?,
        });
        if let Disturb::RollingRestart { down, service, replicas: which } = &trigger.action {
            list.pop();
            let Replicas { service, which } = replicas(e, service, which)?;
            // The first goes down at the beginning, and the last is back at the end.
            let gaps = which.len().saturating_sub(1).max(1) as f64;
            let step = (trigger.lasts.0 - down.0) * (1.0 / gaps);
            for (index, replica) in which.into_iter().enumerate() {
                let from = from + step * index as f64;
                list.push(Disturbance {
                    name: format!("{name}/{replica}"),
                    role: Role::Trigger,
                    from,
                    until: from + down.0,
                    effect: Effect::Crash { replicas: Replicas { service, which: vec![replica] } },
                });
            }
        }
    }
    for (name, lever) in e.levers.iter().filter(|(_, lever)| lever.enabled) {
        let from = Time::ZERO + lever.at.0;
        // A flush is over as soon as it is done.
        let lasts = if matches!(lever.action, Pull::QueueFlush { .. }) { Span::ZERO } else { lever.lasts.0 };
        let until = if lasts.is_forever() { Time::ZERO + e.duration.0 } else { from + lasts };
        let effect = lever_effect(e, scenario, &lever.action)?;
        list.push(Disturbance { name: name.clone(), role: Role::Lever, from, until, effect });
    }
    Ok(list)
}

fn trigger_effect(e: &Experiment, scenario: &Scenario, action: &Disturb) -> Result<Effect, String> {
    Ok(match action {
        Disturb::LoadSpike { factor, clients } => {
            Effect::LoadSpike { clients: groups(e, clients)?, factor: *factor }
        }
        Disturb::SlowDown { factor, service, replicas: which } => {
            Effect::SlowDown { replicas: replicas(e, service, which)?, factor: *factor }
        }
        Disturb::Pause { service, replicas: which } => {
            Effect::Pause { replicas: replicas(e, service, which)? }
        }
        Disturb::Crash { service, replicas: which } => {
            Effect::Crash { replicas: replicas(e, service, which)? }
        }
        Disturb::ErrorBurst { share, service, replicas: which } => {
            Effect::ErrorBurst { replicas: replicas(e, service, which)?, share: share.0 }
        }
        Disturb::Partition { service, replicas: which } => {
            Effect::Partition { replicas: replicas(e, service, which)? }
        }
        // Put in as one crash for each replica by the caller.
        Disturb::RollingRestart { service, replicas: which, .. } => {
            Effect::Crash { replicas: replicas(e, service, which)? }
        }
        Disturb::CacheFlush { service, keys } => Effect::CacheFlush {
            service: index(e.services.keys(), service)?,
            keys: match keys {
                FlushKeys::All => Flush::All,
                FlushKeys::Hottest(count) => Flush::Hottest(*count),
            },
        },
        Disturb::ManagerPause { service } => {
            Effect::Manager { service: index(e.services.keys(), service)?, pause: true }
        }
        Disturb::ManagerCrash { service } => {
            Effect::Manager { service: index(e.services.keys(), service)?, pause: false }
        }
        Disturb::NetworkDelay { extra, service } => {
            Effect::NetworkDelay { service: index(e.services.keys(), service)?, extra: extra.0 }
        }
        Disturb::Set(written) => Effect::Set { settings: settings(scenario, written)? },
    })
}

fn lever_effect(e: &Experiment, scenario: &Scenario, action: &Pull) -> Result<Effect, String> {
    Ok(match action {
        Pull::ShedLoad { admit, clients } => {
            Effect::ShedLoad { clients: groups(e, clients)?, admit: admit.0 }
        }
        Pull::RetriesOff { clients } => Effect::RetriesOff { clients: groups(e, clients)? },
        Pull::QueueFlush { service, replicas: which } => {
            Effect::QueueFlush { replicas: replicas(e, service, which)? }
        }
        // To a replica, an operator's restart is a crash with a known end.
        Pull::Restart { service, replicas: which } => {
            Effect::Crash { replicas: replicas(e, service, which)? }
        }
        Pull::Set(written) => Effect::Set { settings: settings(scenario, written)? },
    })
}

fn groups(e: &Experiment, clients: &Selection<String>) -> Result<Vec<usize>, String> {
    match clients {
        Selection::All => Ok((0..e.clients.len()).collect()),
        Selection::Only(names) => names.iter().map(|name| index(e.clients.keys(), name)).collect(),
    }
}

fn replicas(e: &Experiment, service: &str, which: &Selection<u32>) -> Result<Replicas, String> {
    let index = index(e.services.keys(), service)?;
    let which = match which {
        Selection::All => (0..e.services[index].replicas).collect(),
        Selection::Only(list) => list.clone(),
    };
    Ok(Replicas { service: index, which })
}
