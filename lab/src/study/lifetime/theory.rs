//! What the hand calculations and the birth–death chain say of the two lifetimes.
use crate::{
    scenario::Scenario,
    theory::{BirthDeath, ServiceHand, busiest, hand},
};
use serde::Serialize;

/// What theory says of how long a state lasts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Expected {
    /// It ends by chance, at any time alike; after so many seconds on average.
    ByChance(f64),
    /// It ends when a backlog has drained; after so many seconds on average.
    Drains(f64),
    /// It does not end.
    Never,
    /// The formulas are not of such a scenario.
    Unknown,
}

/// Jobs beyond which a queue without a bound counts as endless for the chain.
const ENDLESS: f64 = 1e6;

/// The healthy state, without triggers: [`lifetime_s`](crate::theory::retries::lifetime_s) of one replica at a time.
pub fn expected_escape(scenario: &Scenario) -> Expected {
    let Some((service, _)) = hardest_pressed(scenario) else { return Expected::Unknown };
    // Infinite where it is not vulnerable.
    if service.lifetime_s.is_finite() { Expected::ByChance(service.lifetime_s) } else { Expected::Never }
}

/// The failed state, from the backlog at the end of the triggers (from a full queue, or μT, where that is unknown or less) to μT: the passage
/// of the birth–death chain of one replica.
pub fn expected_recovery(scenario: &Scenario) -> Expected {
    let Some((service, replicas)) = hardest_pressed(scenario) else { return Expected::Unknown };
    let late_from = service.jobs_per_timeout_and_replica;
    let backlog = service.backlog_jobs / replicas;
    let places = service.places_per_replica;
    if !(late_from.is_finite() && backlog > late_from) || service.utilisation >= 1.0 {
        return Expected::Unknown;
    }
    let stuck = service.retries_fill_capacity;
    if stuck && places > ENDLESS {
        return Expected::Never;
    }
    // So far beyond the backlog that a queue without a bound hardly ever gets there.
    let places = places.min(20.0 * backlog + 1000.0);
    let chain = BirthDeath::retrying(
        service.offered_per_s / replicas,
        service.capacity_per_s / replicas,
        service.attempts_when_failing,
        late_from as u32,
        places as u32,
    );
    let passage_s = chain.passage(backlog as u32, late_from as u32).mean_s;
    match (stuck, passage_s.is_finite()) {
        (true, true) => Expected::ByChance(passage_s),
        (false, true) => Expected::Drains(passage_s),
        (_, false) => Expected::Never,
    }
}

fn hardest_pressed(scenario: &Scenario) -> Option<(ServiceHand, f64)> {
    let calculated = hand(scenario);
    let services = calculated.services.into_iter().filter(|s| s.jobs_per_timeout.is_finite());
    let service = busiest(services)?;
    let replicas = scenario.services.iter().find(|s| s.name == service.service)?.replicas;
    Some((service, f64::from(replicas)))
}
