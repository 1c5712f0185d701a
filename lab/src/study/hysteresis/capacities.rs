//! Two capacities, each by several ways: what the healthy branch carries, and what the failed one heals at.
use super::{
    Branch, Estimate,
    staircase::{by_hand, steadily},
};
use crate::{
    scenario::Scenario,
    study::{
        Watch,
        seeds::{self, Ending},
        threshold::{Finding, finding, search::Search},
    },
    theory::ServiceHand,
};
use lab_core::{
    time::{Span, Time},
    timeline::{Disturbance, Effect, Role},
};
use serde::Serialize;

/// While the stress lasts, this many times the capacity is offered.
const STRESS: f64 = 3.0;
/// It fills the queue, or as many times what is served within a timeout, if that is less.
const TIMEOUTS: f64 = 20.0;

/// One way to a capacity, and what it says. Rates are per second.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Way {
    /// What was done.
    pub way: &'static str,
    /// The capacity; `None` where this way does not lead to one.
    pub per_s: Option<f64>,
    /// Its 95 % interval, where it comes from runs.
    pub interval: Option<(f64, f64)>,
    /// What it rests on, or why there is none.
    pub note: String,
}

/// What the healthy branch carries.
pub(super) fn advertised(branches: &[Branch], levels: &[f64], hand: Option<&ServiceHand>) -> Vec<Way> {
    let before = |branch: &Branch| match branch.misses_at {
        Some(missed) => levels.iter().rev().find(|l| **l < missed).copied().unwrap_or(0.0),
        None => f64::INFINITY,
    };
    let seen = Estimate::of(branches, before);
    let never = branches.iter().filter(|b| b.misses_at.is_none()).count();
    let note = match never {
        0 => "the last level before one with fewer good calls than `healthy` asks".to_owned(),
        n => format!("on {n} of {} seeds every level was healthy", branches.len()),
    };
    let ceiling = match hand {
        Some(hand) if hand.attempts_when_failing > 1.0 => Way {
            way: "fixed point of retries",
            per_s: Some(hand.ceiling_per_s.min(hand.capacity_per_s)),
            interval: None,
            note: "μ·max g_R: beyond it no healthy state is left; good to 10 to 20 %".into(),
        },
        Some(hand) => Way {
            way: "capacity",
            per_s: Some(hand.capacity_per_s),
            interval: None,
            note: "nothing is retried: the capacity itself".into(),
        },
        None => Way {
            way: "fixed point of retries",
            per_s: None,
            interval: None,
            note: "no formula fits this service".into(),
        },
    };
    vec![
        Way { way: "slow up-sweep, first miss", per_s: seen.finite(), interval: seen.interval, note },
        ceiling,
    ]
}

/// Where the failed state heals.
pub(super) fn hidden(
    scenario: &Scenario,
    branches: &[Branch],
    levels: &[f64],
    count: usize,
    watch: &Watch<'_>,
) -> Vec<Way> {
    let heals = Estimate::of(branches, |b| b.heals_at.unwrap_or(f64::NEG_INFINITY));
    let stuck = branches.iter().filter(|b| b.tips_at.is_some() && b.heals_at.is_none()).count();
    let note = match stuck {
        0 => "the level at which the service is up again, coming from above".to_owned(),
        n => format!("on {n} of {} seeds it was not up again at the lowest level", branches.len()),
    };
    let sweep = Way { way: "slow down-sweep", per_s: heals.finite(), interval: heals.interval, note };
    vec![sweep, stressed(scenario, branches, levels, count, watch), amplified(scenario, branches, levels)]
}

/// Steady load, and a trigger that surely fills the queue: at which load does half of the runs stay down?
fn stressed(
    scenario: &Scenario,
    branches: &[Branch],
    levels: &[f64],
    count: usize,
    watch: &Watch<'_>,
) -> Way {
    let way = "steady load and a strong trigger";
    let none = |note: String| Way { way, per_s: None, interval: None, note };
    // Where the healthy branch falls by itself, no trigger is needed.
    let tips = branches.iter().filter_map(|b| b.tips_at).fold(f64::INFINITY, f64::min);
    let Some(to) = levels.iter().rev().find(|l| **l < tips).copied().filter(|to| *to > levels[0]) else {
        return none("the healthy branch falls at the lowest levels".into());
    };
    let mut search = Search { from: levels[0], to, whole: false, seeds: count, tried: vec![] };
    let numbers = seeds::seeds(scenario, count);
    let mut run = |load: f64, which: std::ops::Range<usize>| {
        let stressed = stress(scenario, load);
        let runs = seeds::all(&numbers[which], watch, |seed| seeds::trial(&stressed, *seed));
        runs.into_iter().collect::<Option<Vec<_>>>().ok_or(())
    };
    if search.search(&mut run).is_err() {
        return none("interrupted".into());
    }
    let open = search.tried.iter().flat_map(|t| &t.runs).filter(|run| run.0 == Ending::Open).count();
    let note = format!(
        "half of the runs stay down after {STRESS:.0} times the capacity was offered for {}{}",
        stress_for(scenario, levels[0]),
        if open > 0 { format!("; {open} runs had no verdict and are left out") } else { String::new() }
    );
    match finding(&search.tried, count, search.from, search.to) {
        Finding::Curve(curve) => {
            Way { way, per_s: Some(curve.middle), interval: curve.middle_interval, note }
        }
        Finding::Step { below, above, .. } => {
            Way { way, per_s: Some(f64::midpoint(below, above)), interval: Some((below, above)), note }
        }
        Finding::AllTip => none(format!("every run stays down, from {}/s on", levels[0])),
        Finding::NoneTips => none(format!("every run heals, up to {to}/s")),
        Finding::Nothing => none("no run had a verdict".into()),
    }
}

/// How long the stress lasts.
fn stress_for(scenario: &Scenario, load: f64) -> Span {
    let Some(hand) = by_hand(scenario, load) else { return Span::from_secs(30) };
    if hand.timeout_s.is_infinite() {
        return Span::from_secs(30);
    }
    let replicas = hand.jobs_per_timeout / hand.jobs_per_timeout_and_replica;
    let jobs = (hand.places_per_replica * replicas).min(TIMEOUTS * hand.jobs_per_timeout);
    let filled = jobs / ((STRESS - 1.0) * hand.capacity_per_s);
    Span::from_secs((filled.max(3.0 * hand.timeout_s)).ceil() as u64)
}

/// `scenario` under a steady load and one strong trigger, long enough for a verdict.
fn stress(scenario: &Scenario, load: f64) -> Scenario {
    let mut stressed = steadily(scenario, load);
    let windows = scenario.healthy.over * 3.0;
    let from = Time::ZERO + scenario.warmup + windows;
    let until = from + stress_for(scenario, load);
    let factor = STRESS * scenario.capacity(scenario.clients[0].service) / load;
    let clients = (0..scenario.clients.len()).collect();
    stressed.disturbances = vec![Disturbance {
        name: "stress".into(),
        role: Role::Trigger,
        from,
        until,
        effect: Effect::LoadSpike { clients, factor },
    }];
    let rest = windows + windows + Span::from_secs(40);
    stressed.duration = Span((until + rest).0);
    stressed.window = Span((stressed.duration.0 / 240).max(100_000_000));
    seeds::long_enough(stressed, rest)
}

/// The capacity over what a call costs in the failed state.
fn amplified(scenario: &Scenario, branches: &[Branch], levels: &[f64]) -> Way {
    let way = "capacity ÷ amplification";
    let capacity = scenario.capacity(scenario.clients[0].service);
    let attempts = Estimate::of(branches, |b| b.amplification);
    let theory = by_hand(scenario, levels[0])
        .map_or(String::new(), |hand| format!("; by hand {:.3} attempts a call", hand.attempts_when_failing));
    match attempts.finite() {
        Some(per_call) if capacity.is_finite() => Way {
            way,
            per_s: Some(capacity / per_call),
            interval: attempts.interval.map(|(low, high)| (capacity / high, capacity / low)),
            note: format!("{per_call:.3} attempts a call at the failed levels of the way down{theory}"),
        },
        _ => Way {
            way,
            per_s: None,
            interval: None,
            note: format!("no level of the way down had failed{theory}"),
        },
    }
}
