//! What theory says of a point of the grid: on which side of each of its lines it lies.
use crate::{scenario::Scenario, theory::hand};
use serde::Serialize;

/// The hand calculation at a point. Each pair is a quantity and the limit at which theory draws its line.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Theory {
    /// New calls per second, λ.
    pub offered_per_s: f64,
    /// The load below which a failed state heals by itself, μ/R. Exact while every attempt is late.
    pub hidden_capacity_per_s: f64,
    /// The load above which no healthy state is left. Treats attempts as independent: good to 10–20 %.
    pub ceiling_per_s: f64,
    /// Jobs in all queues when the last trigger ends, as a fluid: rates in place of random arrivals.
    pub backlog_jobs: f64,
    /// Jobs that are served within a timeout, μT. Whoever finds more before him is late.
    pub jobs_per_timeout: f64,
    /// Whether a failed state can outlast its trigger.
    pub vulnerable: bool,
}

impl Theory {
    /// What theory says of `scenario`; `None` where it does not fit, or where several services are called.
    pub(super) fn of(scenario: &Scenario) -> Option<Theory> {
        let hand = hand(scenario);
        let [service] = &hand.services[..] else { return None };
        let known = hand.beyond.is_empty() && service.jobs_per_timeout.is_finite();
        known.then_some(Theory {
            offered_per_s: service.offered_per_s,
            hidden_capacity_per_s: service.hidden_capacity_per_s,
            ceiling_per_s: service.ceiling_per_s,
            backlog_jobs: service.backlog_jobs,
            jobs_per_timeout: service.jobs_per_timeout,
            vulnerable: service.vulnerable,
        })
    }
}
