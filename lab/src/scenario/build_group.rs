//! From the words of a config to a group of replicas, and to a cache.
use super::build_policy::{balance, retry};
use crate::config::{
    cache::{Cache, Fill, FillTimeout, Initial, OnWrite},
    replication::{Ack, Freshness, Membership, Priority, Readers, Replication},
    workload::{Popularity, Workload},
};
use lab_core::{
    cache::{self, CachePolicy},
    client::ClientPolicy,
    keys::{self, Operations},
    replicate::{self, Mode, Reads, member},
    retry::Retry,
    server::ServerPolicy,
    time::Span,
};

/// `None`: not replicated.
pub(super) fn mode(written: Replication) -> Option<Mode> {
    Some(match written {
        Replication::None => return None,
        Replication::PrimaryBackup { ack, reads } => Mode::PrimaryBackup {
            ack: match ack {
                Ack::One => replicate::Ack::One,
                Ack::Majority => replicate::Ack::Majority,
                Ack::All => replicate::Ack::All,
            },
            reads: match reads {
                Readers::Leader => Reads::Leader,
                Readers::Any => Reads::Any,
                Readers::Quorum => Reads::Quorum,
            },
        },
        Replication::Chain => Mode::Chain,
        Replication::Craq { reads } => Mode::Craq {
            reads: match reads {
                Freshness::Strong => replicate::Freshness::Strong,
                Freshness::Eventual => replicate::Freshness::Eventual,
                Freshness::Bounded(span) => replicate::Freshness::Bounded(span.0),
            },
        },
        Replication::SharedLog => Mode::SharedLog,
    })
}

pub(super) fn membership(written: &Membership) -> member::Membership {
    member::Membership {
        heartbeat: written.heartbeat.every.0,
        priority: written.heartbeat.priority == Priority::High,
        timeout: written.timeout.0,
        lease: written.lease.0.min(written.timeout.0),
        admit_after: written.admit_after.0,
        takeover: written.takeover.0,
        max_ejected: written.max_ejected.0,
        panic_below: written.panic_below.0,
        transfer: member::Transfer { part: written.transfer.part, pause: written.transfer.pause.0 },
    }
}

/// A cache whose queue and workers are `server`.
pub(super) fn cache(written: &Cache, server: &ServerPolicy) -> CachePolicy {
    CachePolicy {
        server: server.clone(),
        store: ClientPolicy {
            per_try_timeout: written.per_try_timeout.0,
            deadline: Span::FOREVER,
            retry: written.retry.as_ref().map_or_else(Retry::none, retry),
            hedge: None,
            balance: balance(written.balance),
        },
        capacity: written.capacity.0,
        ttl: written.ttl.0,
        initial: match written.initial {
            Initial::Warm => cache::Initial::Warm,
            Initial::Empty => cache::Initial::Empty,
        },
        fill: match written.fill {
            Fill::LookAside => cache::Fill::LookAside,
            Fill::ReadThrough => cache::Fill::ReadThrough,
        },
        fill_timeout: match written.fill_timeout {
            FillTimeout::Requester => cache::FillTimeout::Requester,
            FillTimeout::After(span) => cache::FillTimeout::After(span.0),
        },
        single_flight: written.single_flight,
        lease: Some(written.lease.0).filter(|lease| !lease.is_forever()),
        on_write: match written.on_write {
            OnWrite::Invalidate => cache::OnWrite::Invalidate,
            OnWrite::Update => cache::OnWrite::Update,
        },
    }
}

/// What the calls of a workload are: all reads of one key if nothing is said.
pub(super) fn operations(workload: &Workload) -> Operations {
    let writes = workload.mix.get("write").map_or(0.0, |share| share.0);
    let (keys, popularity) = match &workload.keys {
        None => (1, keys::Popularity::Uniform),
        Some(keys) => (
            keys.count,
            match keys.popularity {
                Popularity::Uniform => keys::Popularity::Uniform,
                Popularity::Zipf(exponent) => keys::Popularity::Zipf { exponent },
            },
        ),
    };
    Operations { read_share: 1.0 - writes, keys, popularity }
}
