//! Services of which the hand calculations would say what is false.
use crate::scenario::{Scenario, Service};
use serde::Serialize;

/// A service that is not calculated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Beyond {
    /// Its name.
    pub service: String,
    /// Why, in one sentence.
    pub why: String,
}

impl Beyond {
    /// Why service `index` is not calculated; `None` if it can be.
    pub(super) fn of(scenario: &Scenario, index: usize) -> Option<Beyond> {
        let service = &scenario.services[index];
        let why = reason(scenario, index, service)?;
        Some(Beyond { service: service.name.clone(), why: why.into() })
    }
}

fn reason(scenario: &Scenario, index: usize, service: &Service) -> Option<&'static str> {
    if service.replication.is_some() {
        return Some(
            "It is a replicated store: its roles share the work unequally, and views change. The calculations by hand are of \
             replicas that all do the same.",
        );
    }
    if service.membership.is_some() {
        return Some(
            "Its members change while it runs, and its capacity with them. The calculations by hand are of a fixed number of \
             replicas.",
        );
    }
    if service.cache.is_some() {
        return Some(
            "It is a cache: what it can do hangs on what it holds, and on the store behind it. The calculations by hand know \
             one capacity.",
        );
    }
    let fills = |s: &Service| s.cache.as_ref().is_some_and(|cache| cache.calls == index);
    scenario.services.iter().any(fills).then_some(
        "A cache calls it, too: its load hangs on what the cache holds. The calculations by hand know the clients' load alone.",
    )
}
