//! Where a scenario leaves what the hand calculations assume.
use crate::{
    scenario::{ClientGroup, Scenario},
    theory::amplification::timeout_s,
};
use lab_core::{
    arrival::Process, budget::Budget, demand::Demand, queue::Discipline, server::Cancel, time::Span,
    timeline::Effect,
};

/// One sentence each, for service `index`.
pub(super) fn caveats(scenario: &Scenario, index: usize) -> Vec<String> {
    let mut caveats = vec![];
    let mut say = |holds: bool, what: &str| {
        if holds {
            caveats.push(what.to_string());
        }
    };
    let policy = &scenario.services[index].policy;
    let groups: Vec<&ClientGroup> = scenario.clients.iter().filter(|c| c.service == index).collect();
    let at = scenario.triggers_over();
    let varies = |c: &&ClientGroup| {
        let after = c.load.stages.iter().filter(|s| s.until > at && s.from < scenario.end());
        let rates: Vec<f64> = after.flat_map(|s| [s.rate, s.end_rate]).collect();
        rates.iter().any(|r| *r != rates[0])
    };
    let timeouts = groups
        .iter()
        .map(|c| timeout_s(&c.policy))
        .fold((f64::INFINITY, 0f64), |(low, high), t| (low.min(t), high.max(t)));
    say(
        groups.len() > 1,
        "Several client groups call this service: R is their mean by load, T the shortest of theirs.",
    );
    say(timeouts.0 < timeouts.1, "The client groups have different timeouts.");
    say(groups.iter().any(varies), "The load changes after the triggers: λ is the rate when they end.");
    say(
        groups.iter().any(|c| !matches!(c.load.process, Process::Poisson | Process::Constant)),
        "Arrivals are burstier than a Poisson process: queues are longer than these formulas say.",
    );
    say(
        policy.service_time.squared_variation() > 4.0,
        "Service times have a heavy tail: single jobs hold a worker for long, and queues are longer than these formulas say.",
    );
    say(
        timeouts.0 < 3.0 * policy.service_time.mean_seconds(),
        "The timeout is shorter than three mean service times: attempts fail without any queue.",
    );
    say(
        policy.discipline != Discipline::Fifo,
        "The formulas for waits and for the failed state assume a FIFO queue.",
    );
    say(
        policy.cancel != Cancel::Never,
        "Cancelled work leaves the queue: the backlog is smaller than predicted here.",
    );
    say(
        policy.rejection_cost > Span::ZERO || policy.error_service_time.is_some(),
        "Rejections or errors cost worker time, which is not counted here.",
    );
    say(
        groups.iter().any(|c| c.policy.retry.budget != Budget::None),
        "A budget counts with the retries it sustains; the burst that it starts with comes on top.",
    );
    say(
        scenario.disturbances.iter().any(|d| matches!(d.effect, Effect::NetworkDelay { .. })),
        "Added network delay is not counted: it uses up part of the timeout.",
    );
    say(
        scenario.disturbances.iter().any(|d| !d.effect.settings().is_empty()),
        "Settings change during the run: what is calculated here is for those that it begins with.",
    );
    say(
        matches!(policy.service_time, Demand::Recorded(_)),
        "Service times are recorded ones: only their mean is used.",
    );
    caveats
}
