//! What the Markov chain and the fluid answer to the same questions.
use super::{
    Answer,
    drop::{Drop, attempts_to_come, bounded},
};
use crate::{
    scenario::Scenario,
    study::{axis::Axis, hysteresis::steadily},
    theory::{
        ServiceHand, busiest,
        chain::{Course, Fitted, QueueOrbit, Reach, fit, life},
        fluid::{self, Settled, load_that_heals, settle_after_triggers},
        hand,
    },
};

/// Halvings of a bracket: a thousandth is finer than anything it is compared with.
const STEPS: u32 = 10;
/// A level counts as up when half of the calls in its second half are good, so it must have healed after so much of it.
const OF_A_LEVEL: f64 = 0.75;

/// The service under the greatest load, and its calculations by hand.
fn subject(scenario: &Scenario) -> Result<(usize, ServiceHand), String> {
    let hand = busiest(hand(scenario).services).ok_or("the formulas do not fit this service")?;
    let index = scenario.services.iter().position(|service| service.name == hand.service);
    Ok((index.expect("hand calculations are of the scenario's services"), hand))
}

fn answer(found: Result<Answer, String>) -> Answer {
    found.unwrap_or_else(|why| Answer::none(why.trim_end_matches('.')))
}

/// Where between `low` and `high` a condition begins to hold, or ceases to.
fn crossing(low: f64, high: f64, mut holds: impl FnMut(f64) -> Result<bool, String>) -> Result<f64, String> {
    let before = holds(low)?;
    if before == holds(high)? {
        return Err("it says the same over the whole range".into());
    }
    let (mut low, mut high) = (low, high);
    for _ in 0..STEPS {
        let middle = f64::midpoint(low, high);
        if holds(middle)? == before { low = middle } else { high = middle }
    }
    Ok(f64::midpoint(low, high))
}

/// `, in packets of n jobs` where a chain is too large to count them one by one.
fn packets(jobs_per_state: f64) -> String {
    if jobs_per_state > 1.0 { format!(", in packets of {jobs_per_state:.1} jobs") } else { String::new() }
}

/// The smallest trigger that tips, between `from` and `to`, by the chain: with it the chain is as likely to fail as to heal when all
/// triggers are over.
pub(super) fn threshold_by_chain(axis: &Axis, from: f64, to: f64) -> Answer {
    let mut scale = 1.0;
    // Most axes change the trigger alone, and the chain without it is the same.
    let mut known: Option<(QueueOrbit, Vec<f64>)> = None;
    let fails = |value: f64| -> Result<bool, String> {
        let scenario = triggered(axis, value)?;
        let (index, hand) = subject(&scenario)?;
        if !hand.vulnerable {
            return Ok(hand.utilisation >= 1.0);
        }
        let course = Course::new(&scenario, index).map_err(|unfit| unfit.why)?;
        let fitted = fit(&scenario, index, &hand, Reach::Escape).map_err(|unfit| unfit.why)?;
        scale = fitted.jobs_per_state;
        let fails_from = match known.take() {
            Some((model, fails_from)) if model == fitted.model => fails_from,
            _ => fitted.fails_from(),
        };
        let shares = course.leads_to(&fitted);
        let fails: f64 = shares.iter().zip(&fails_from).map(|(share, fails)| share * fails).sum();
        known = Some((fitted.model, fails_from));
        Ok(fails >= 0.5)
    };
    let found = crossing(from, to, fails);
    answer(found.map(|value| {
        Answer::of(
            value,
            format!("it fails with probability 1/2 from where the triggers leave it{}", packets(scale)),
        )
    }))
}

/// The same by the fluid.
pub(super) fn threshold_by_fluid(axis: &Axis, from: f64, to: f64) -> Answer {
    let fails = |value: f64| -> Result<bool, String> {
        let scenario = triggered(axis, value)?;
        let (index, hand) = subject(&scenario)?;
        fits_fluid(&scenario, index, &hand)?;
        Ok(settle_after_triggers(&scenario, index) == Settled::Fails)
    };
    let found = crossing(from, to, fails);
    answer(found.map(|value| {
        Answer::of(value, "from here on it does not come back from where the triggers leave it")
    }))
}

fn triggered(axis: &Axis, value: f64) -> Result<Scenario, String> {
    let scenario = axis.scenario(value).map_err(|_| "the config does not allow a value in this range")?;
    Ok(Scenario { disturbances: scenario.triggers().cloned().collect(), ..scenario })
}

fn fits_fluid(scenario: &Scenario, index: usize, hand: &ServiceHand) -> Result<(), String> {
    fluid::unfit(scenario, index, hand).map_or(Ok(()), |why| Err(format!("it does not fit: {why}")))
}

/// The load at which the failed state heals within a level of `dwell_s` seconds, by the chain.
pub(super) fn hidden_by_chain(base: &Scenario, dwell_s: f64) -> Answer {
    let base = bounded(base);
    let mut scale = 1.0;
    let heals = |per_s: f64| -> Result<bool, String> {
        let scenario = steadily(&base, per_s);
        let (index, hand) = subject(&scenario)?;
        let fitted = fit(&scenario, index, &hand, Reach::Whole).map_err(|unfit| unfit.why)?;
        scale = fitted.jobs_per_state;
        let model = fitted.model;
        let empty = model.chain().hitting(|state| model.of_state(state).0 == 0);
        Ok(empty[model.full()].mean_s <= OF_A_LEVEL * dwell_s)
    };
    let found =
        subject(&base).and_then(|(_, hand)| crossing(0.02 * hand.offered_per_s, hand.offered_per_s, heals));
    answer(found.map(|value| {
        let most_s = OF_A_LEVEL * dwell_s;
        Answer::of(
            value,
            format!(
                "from full to empty takes {most_s:.0} s on average, in time for the level{}",
                packets(scale)
            ),
        )
    }))
}

/// The same by the fluid, however long it takes.
pub(super) fn hidden_by_fluid(base: &Scenario) -> Answer {
    let base = bounded(&base.undisturbed());
    let found = subject(&base).and_then(|(index, hand)| {
        fits_fluid(&base, index, &hand)?;
        load_that_heals(&base, index, fluid::failed(&base, index, &hand))
            .ok_or("it heals at this load".into())
    });
    answer(found.map(|per_s| Answer::of(per_s, "the queue empties from full")))
}

/// The load at which the healthy state lives as long as a level of `dwell_s` seconds, less `hidden`, by the chain.
pub(super) fn width_by_chain(base: &Scenario, hidden: &Answer, dwell_s: f64) -> Answer {
    let Some(hidden_per_s) = hidden.value else { return Answer::none(&hidden.note) };
    let mut scale = 1.0;
    let falls = |per_s: f64| -> Result<bool, String> {
        let scenario = steadily(base, per_s);
        let (index, hand) = subject(&scenario)?;
        let life = life(&scenario, index, &hand).map_err(|unfit| unfit.why)?;
        scale = life.as_ref().map_or(1.0, |life| life.jobs_per_state);
        Ok(life.is_some_and(|life| life.lasts.mean_s <= dwell_s))
    };
    let capacity = base.capacity(base.clients[0].service);
    let found = crossing(1.5 * hidden_per_s, 0.9999 * capacity, falls);
    answer(found.map(|ceiling| {
        let note = format!(
            "{ceiling:.0}/s, where it lives as long as a level, less {hidden_per_s:.0}/s{}",
            packets(scale)
        );
        let width = ceiling - hidden_per_s;
        if scale > 1.0 { Answer::at_least(width, note) } else { Answer::of(width, note) }
    }))
}

/// From the fall of the load until no more wait than are served within a timeout, by the chain.
pub(super) fn recovery_by_chain(base: &Scenario, drop: &Drop) -> Answer {
    let scenario = drop.until_the_fall(base);
    let found = subject(&scenario).and_then(|(index, hand)| {
        let course = Course::new(&scenario, index).map_err(|unfit| unfit.why)?;
        // In the chain a call in orbit has r retries before it, and not half of them.
        let to_come = subject(base).map(|(_, before)| 2.0 * attempts_to_come(base, &before))?;
        let jobs = 1.1 * (hand.backlog_jobs + to_come) / f64::from(scenario.services[index].replicas);
        let reach = Reach::Backlog { jobs, calls_per_s: course.peak_per_s() };
        let fitted = fit(&scenario, index, &hand, reach).map_err(|unfit| unfit.why)?;
        let shares = course.leads_to(&fitted);
        let Fitted { model, jobs_per_state, .. } = fitted;
        let in_time = model.service_per_s * model.timeout_s;
        let healed = model.chain().hitting(|state| f64::from(model.of_state(state).0) <= in_time);
        let mean_s = shares.iter().zip(&healed).map(|(share, passage)| share * passage.mean_s).sum();
        Ok(Answer::of(
            mean_s,
            format!("the mean time to μT jobs from where it is then{}", packets(jobs_per_state)),
        ))
    });
    answer(found)
}

/// The same by the fluid, until nobody waits.
pub(super) fn recovery_by_fluid(base: &Scenario, drop: &Drop) -> Answer {
    let scenario = drop.until_the_fall(base);
    let found = subject(&scenario).and_then(|(index, hand)| {
        fits_fluid(&scenario, index, &hand)?;
        match settle_after_triggers(&scenario, index) {
            Settled::Heals(after_s) => Ok(Answer::of(after_s, "until the queue is empty")),
            Settled::Fails => Err("it does not heal".into()),
            Settled::Undecided => Err("undecided".into()),
        }
    });
    answer(found)
}

/// How long the healthy state of `calm` lives, by the chain.
pub(super) fn lifetime_by_chain(calm: &Scenario) -> Answer {
    let found = subject(calm).and_then(|(index, hand)| {
        let life = life(calm, index, &hand).map_err(|unfit| unfit.why)?;
        let life = life.ok_or("for ever: it is not vulnerable")?;
        let replicas = calm.services[index].replicas;
        let one = if replicas > 1 { "one replica, whose calls are Poisson" } else { "from empty to failed" };
        let note = format!("{one}{}", packets(life.jobs_per_state));
        let mean_s = life.lasts.mean_s;
        Ok(if life.jobs_per_state > 1.0 { Answer::at_least(mean_s, note) } else { Answer::of(mean_s, note) })
    });
    answer(found)
}
