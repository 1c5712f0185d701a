//! What goes wrong, when, and what an operator does about it.
//!
//! A trigger is a bounded disturbance that starts and stops by itself; a lever is what an operator does. Keeping the two
//! apart is what makes *metastable* well defined: triggers over, no lever touched, still down.
use crate::{
    cache::Flush,
    client::ClientControl,
    server::ServerControl,
    setting::{self, Setting},
    time::{Span, Time},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A trigger or a lever.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Disturbance {
    /// Its name in the config.
    pub name: String,
    /// Which of the two it is.
    pub role: Role,
    /// When it begins.
    pub from: Time,
    /// When it ends.
    pub until: Time,
    /// What it does in between.
    pub effect: Effect,
}

/// Why something is disturbed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Role {
    /// What goes wrong.
    Trigger,
    /// What an operator does.
    Lever,
}

/// What a disturbance does while it lasts. Services and client groups are indexes into the scenario's lists.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Effect {
    /// Multiplies the arrival rate of the groups. It acts on the schedule ([`crate::arrival::Surge`]), not on a machine.
    LoadSpike {
        /// Which client groups.
        clients: Vec<usize>,
        /// By how much.
        factor: f64,
    },
    /// Work that starts takes longer.
    SlowDown {
        /// Which replicas.
        replicas: Replicas,
        /// How many times longer, > 0.
        factor: f64,
    },
    /// Nothing moves, nothing is lost, sockets stay open (live: SIGSTOP).
    Pause {
        /// Which replicas.
        replicas: Replicas,
    },
    /// Everything queued and in service is reset, connections are refused, memory is lost (live: SIGKILL).
    Crash {
        /// Which replicas.
        replicas: Replicas,
    },
    /// A share of the attempts that arrive fail.
    ErrorBurst {
        /// Which replicas.
        replicas: Replicas,
        /// The share, in [0, 1].
        share: f64,
    },
    /// Every message to and from the service takes longer, one way.
    NetworkDelay {
        /// Which service.
        service: usize,
        /// How much longer.
        extra: Span,
    },
    /// New calls are let in with this probability; the others are turned away before their first attempt.
    ShedLoad {
        /// Which client groups.
        clients: Vec<usize>,
        /// The probability, in [0, 1].
        admit: f64,
    },
    /// No retry is scheduled.
    RetriesOff {
        /// Which client groups.
        clients: Vec<usize>,
    },
    /// Queues are emptied once, at the beginning; those who waited are turned away.
    QueueFlush {
        /// Which replicas.
        replicas: Replicas,
    },
    /// Messages between these replicas on one side, and the others and the manager on the other, are lost. Clients reach all.
    Partition {
        /// Which replicas are apart.
        replicas: Replicas,
    },
    /// A cache loses keys once, at the beginning.
    CacheFlush {
        /// Which service.
        service: usize,
        /// Which keys.
        keys: Flush,
    },
    /// The manager of a replicated service stands still, or is down.
    Manager {
        /// Which service's.
        service: usize,
        /// Whether it stands still; else it is down and comes back with what it has kept.
        pause: bool,
    },
    /// Settings are other ones: a config push, or an operator's change.
    Set {
        /// Which, each of them once.
        settings: Vec<Setting>,
    },
}

/// Some replicas of one service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replicas {
    /// The service's index.
    pub service: usize,
    /// The replicas' indexes in it.
    pub which: Vec<u32>,
}

/// One change of one machine or of the network, at one instant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Change {
    /// Tell a replica.
    Server {
        /// The service's index.
        service: usize,
        /// The replica's index in it.
        replica: u32,
        /// What to tell it.
        control: ServerControl,
    },
    /// Tell every instance of a client group.
    Client {
        /// The group's index.
        group: usize,
        /// What to tell it.
        control: ClientControl,
    },
    /// From now on, messages to and from `service` take this much longer one way.
    Network {
        /// The service's index.
        service: usize,
        /// In addition to the network's own delay.
        extra: Span,
    },
    /// From now on these replicas of `service` are apart from the others and from the manager; nobody if the list is empty.
    Partition {
        /// The service's index.
        service: usize,
        /// The replicas on the far side.
        apart: Vec<u32>,
    },
    /// The replicas of this cache lose keys.
    Flush {
        /// The service's index.
        service: usize,
        /// Which keys.
        keys: Flush,
    },
    /// Tell the manager of a service.
    Manager {
        /// The service's index.
        service: usize,
        /// What to tell it.
        control: ServerControl,
    },
    /// A disturbance begins or ends; for the record of events.
    Mark {
        /// Its index in the scenario's list.
        disturbance: usize,
        /// Whether it begins.
        begins: bool,
    },
}

/// The changes that `disturbances` ask for, in order of time. Where several of one kind overlap, slow-downs multiply, delays
/// add up, admitted shares multiply, the larger error share holds, a crash lasts until the last one is over, and so does a pause;
/// of a setting the change that began last holds, and where that ends the one before it does again.
/// A replica restarts unpaused: a pause neither outlives a crash nor begins during one.
pub fn timeline(disturbances: &[Disturbance]) -> Vec<(Time, Change)> {
    let mut edges: Vec<(Time, usize, bool)> = vec![];
    for (index, disturbance) in disturbances.iter().enumerate() {
        edges.push((disturbance.from, index, true));
        edges.push((disturbance.until, index, false));
    }
    // At one instant endings come first, so that back-to-back disturbances do not overlap.
    edges.sort_by_key(|&(at, index, begins)| (at, begins, index));
    let mut active = vec![false; disturbances.len()];
    // Changes of settings, in the order in which they began.
    let mut began: Vec<usize> = vec![];
    let mut changes = vec![];
    for (at, index, begins) in edges {
        active[index] = begins;
        changes.push((at, Change::Mark { disturbance: index, begins }));
        let all = || disturbances.iter().zip(&active).filter(|(_, on)| **on).map(|(d, _)| &d.effect);
        let effect = &disturbances[index].effect;
        let on_replicas = |replicas: &Replicas,
                           changes: &mut Vec<(Time, Change)>,
                           tell: &dyn Fn(u32) -> Option<ServerControl>| {
            for &replica in &replicas.which {
                if let Some(control) = tell(replica) {
                    changes.push((at, Change::Server { service: replicas.service, replica, control }));
                }
            }
        };
        match effect {
            Effect::LoadSpike { .. } => {}
            Effect::SlowDown { replicas, .. } => on_replicas(replicas, &mut changes, &|replica| {
                let factor = all().filter_map(|e| match e {
                    Effect::SlowDown { replicas: r, factor } if r.covers(replicas.service, replica) => {
                        Some(*factor)
                    }
                    _ => None,
                });
                Some(ServerControl::SlowDown(factor.product()))
            }),
            Effect::ErrorBurst { replicas, .. } => on_replicas(replicas, &mut changes, &|replica| {
                let share = all().filter_map(|e| match e {
                    Effect::ErrorBurst { replicas: r, share } if r.covers(replicas.service, replica) => {
                        Some(*share)
                    }
                    _ => None,
                });
                Some(ServerControl::ErrorShare(share.fold(0.0, f64::max)))
            }),
            Effect::Pause { replicas } => on_replicas(replicas, &mut changes, &|replica| {
                let pauses = all().filter(
                    |e| matches!(e, Effect::Pause { replicas: r } if r.covers(replicas.service, replica)),
                );
                first_or_last(pauses.count(), begins, ServerControl::Pause, ServerControl::Resume)
            }),
            Effect::Crash { replicas } => on_replicas(replicas, &mut changes, &|replica| {
                let crashes = all().filter(
                    |e| matches!(e, Effect::Crash { replicas: r } if r.covers(replicas.service, replica)),
                );
                first_or_last(crashes.count(), begins, ServerControl::Crash, ServerControl::Restart)
            }),
            Effect::QueueFlush { replicas } => {
                on_replicas(replicas, &mut changes, &|_| begins.then_some(ServerControl::Flush));
            }
            Effect::CacheFlush { service, keys } if begins => {
                changes.push((at, Change::Flush { service: *service, keys: *keys }));
            }
            Effect::CacheFlush { .. } => {}
            Effect::Partition { replicas } => {
                let apart = all().filter_map(|e| match e {
                    Effect::Partition { replicas: r } if r.service == replicas.service => Some(&r.which),
                    _ => None,
                });
                let apart: BTreeSet<u32> = apart.flatten().copied().collect();
                let (service, apart) = (replicas.service, apart.into_iter().collect());
                changes.push((at, Change::Partition { service, apart }));
            }
            Effect::Manager { service, pause } => {
                let same = |e: &&Effect| matches!(e, Effect::Manager { service: s, pause: p } if s == service && p == pause);
                let (begin, end) = match pause {
                    true => (ServerControl::Pause, ServerControl::Resume),
                    false => (ServerControl::Crash, ServerControl::Restart),
                };
                if let Some(control) = first_or_last(all().filter(same).count(), begins, begin, end) {
                    changes.push((at, Change::Manager { service: *service, control }));
                }
            }
            // What ends at its beginning has ended: endings come first.
            Effect::Set { .. } if disturbances[index].until <= disturbances[index].from => {}
            Effect::Set { settings } if begins => {
                began.push(index);
                changes.extend(setting::begin(settings).into_iter().map(|change| (at, change)));
            }
            Effect::Set { settings } => {
                let place = began.iter().position(|other| *other == index).unwrap_or(0);
                began.remove(place);
                let (earlier, later) = began.split_at(place);
                let of = |which: &[usize]| -> Vec<&Setting> {
                    which.iter().flat_map(|&other| disturbances[other].effect.settings()).collect()
                };
                let told = setting::end(settings, &of(earlier), &of(later));
                changes.extend(told.into_iter().map(|change| (at, change)));
            }
            Effect::NetworkDelay { service, .. } => {
                let extra = all().filter_map(|e| match e {
                    Effect::NetworkDelay { service: s, extra } if s == service => Some(*extra),
                    _ => None,
                });
                let extra = extra.fold(Span::ZERO, |sum, span| sum + span);
                changes.push((at, Change::Network { service: *service, extra }));
            }
            Effect::ShedLoad { clients, .. } => {
                for &group in clients {
                    let admit = all().filter_map(|e| match e {
                        Effect::ShedLoad { clients, admit } if clients.contains(&group) => Some(*admit),
                        _ => None,
                    });
                    let control = ClientControl::Admit(admit.product());
                    changes.push((at, Change::Client { group, control }));
                }
            }
            Effect::RetriesOff { clients } => {
                for &group in clients {
                    let off = all()
                        .any(|e| matches!(e, Effect::RetriesOff { clients } if clients.contains(&group)));
                    changes.push((at, Change::Client { group, control: ClientControl::Retries(!off) }));
                }
            }
        }
    }
    changes
}

/// The control to send when the first of several overlapping disturbances begins, or the last one ends.
fn first_or_last(
    left: usize,
    begins: bool,
    begin: ServerControl,
    end: ServerControl,
) -> Option<ServerControl> {
    match (begins, left) {
        (true, 1) => Some(begin),
        (false, 0) => Some(end),
        _ => None,
    }
}

impl Effect {
    /// The settings that it changes.
    pub fn settings(&self) -> &[Setting] {
        match self {
            Effect::Set { settings } => settings,
            _ => &[],
        }
    }
}

impl Replicas {
    /// Whether replica `replica` of service `service` is one of these.
    pub fn covers(&self, service: usize, replica: u32) -> bool {
        self.service == service && self.which.contains(&replica)
    }
}
