//! The predictions against the simulation: thresholds, times and the plane of queue and outstanding calls.
//!
//! Seeds are fixed, so a test that passes passes always.

use super::runs::{falls_at_s, over_seeds};
use lab::{
    engine::sim::sim,
    scenario::{Scenario, sample::queueing},
    study::portrait::{Place, trajectory},
    theory::{BirthDeath, Cell, Prediction, predict},
    trace::Trace,
};
use lab_core::{
    call::{Outcome, OutcomeSet},
    server::DemandPer,
    time::{Span, Time},
    timeline::{Disturbance, Effect, Role},
};

/// μ = 10/s, one worker, T = 2 s, four attempts at once after timeouts, room for 200; every attempt draws its own demand.
fn retrying(rate: f64, duration_s: u64) -> Scenario {
    let mut scenario = queueing(rate, 1, Span::from_millis(100), Span::from_secs(duration_s));
    scenario.services[0].policy.capacity = 199;
    scenario.services[0].policy.demand_per = DemandPer::Attempt;
    let policy = &mut scenario.clients[0].policy;
    policy.per_try_timeout = Span::from_secs(2);
    policy.retry.max_attempts = 4;
    policy.retry.retry_on = OutcomeSet::of(&[Outcome::Timeout]);
    scenario
}

fn spiked(mut scenario: Scenario, from_s: f64, lasts_s: f64, factor: f64) -> Scenario {
    scenario.disturbances.push(Disturbance {
        name: "spike".into(),
        role: Role::Trigger,
        from: Time::from_secs_f64(from_s),
        until: Time::from_secs_f64(from_s + lasts_s),
        effect: Effect::LoadSpike { clients: vec![0], factor },
    });
    scenario
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn one(scenario: &Scenario) -> Prediction {
    predict(scenario).services.remove(0)
}

fn answer<'a>(prediction: &'a Prediction, question: &str) -> [&'a Cell; 3] {
    let found = prediction.questions.iter().find(|q| q.question.contains(question));
    let found = found.unwrap_or_else(|| panic!("nobody asks for {question}"));
    [&found.formula, &found.chain, &found.fluid]
}

/// Seconds from `from_s` on until the queue is empty for a second, or the run's end.
fn recovery_s(trace: &Trace, from_s: usize) -> f64 {
    let windows = &trace.servers[0].windows[from_s..];
    windows.iter().position(|w| w.queue < 0.5).unwrap_or(windows.len()) as f64
}

/// The edge at μ/R = 2.5/s. The chain of queue and orbit knows it from both sides; the birth–death chain, in which retries come singly,
/// only from below: at 2.6/s it says 79,000 s where simulations take some 2,400.
#[test]
fn the_chain_knows_the_knife_edge_of_recovery() {
    for (rate, horizon_s, within) in
        [(2.0, 1_000, 1.25), (2.4, 4_000, 1.5), (2.5, 6_000, 2.0), (2.6, 16_000, 3.0)]
    {
        let scenario = spiked(retrying(rate, horizon_s), 10.0, 20.0, 30.0 / rate);
        let simulated = mean(&over_seeds(&scenario, 48, |trace| recovery_s(trace, 30)));
        let prediction = one(&scenario);
        let model = prediction.chain.as_ref().expect("it fits").fitted.model;
        let chain = model.chain().hitting(|state| state == 0)[model.full()];
        let birth_death = BirthDeath::retrying(rate, 10.0, 4.0, 20, 200).passage(200, 0);
        println!("λ = {rate}: simulated {simulated:.0} s, chain {chain:?}, birth–death {birth_death:?}");
        let ratio = chain.mean_s / simulated;
        assert!(
            (1.0 / within..within).contains(&ratio),
            "{rate}/s: chain {chain:?}, simulated {simulated} s"
        );
        let ratio = birth_death.mean_s / simulated;
        assert_eq!(
            (0.3..3.0).contains(&ratio),
            rate <= 2.5,
            "{rate}/s: {birth_death:?}, simulated {simulated} s"
        );
    }
}

#[test]
fn lifetimes_are_within_a_factor_of_three_by_every_method() {
    for (rate, horizon_s) in [(7.0, 8_000), (8.0, 1_200)] {
        let scenario = retrying(rate, horizon_s);
        let falls = over_seeds(&scenario, 64, falls_at_s);
        let at_risk: f64 = falls.iter().map(|fall| fall.unwrap_or(horizon_s as f64)).sum();
        let simulated = at_risk / falls.iter().flatten().count() as f64;
        let prediction = one(&scenario);
        let [Cell::Value(formula, _), Cell::Time(chain), Cell::Silent(_)] =
            answer(&prediction, "lifetime of the healthy state")
        else {
            panic!("{:?}", prediction.questions)
        };
        println!("λ = {rate}: simulated {simulated:.0} s, formula {formula:.0} s, chain {chain:?}");
        for theory in [*formula, chain.mean_s] {
            assert!((1.0 / 3.0..3.0).contains(&(theory / simulated)), "{theory} s against {simulated} s");
        }
    }
}

/// The spike that theory calls the smallest one that tips: well below it nothing stays, well above it everything does.
#[test]
fn the_smallest_spike_is_where_simulations_change_their_minds() {
    let base = retrying(5.0, 200);
    let prediction = one(&spiked(base.clone(), 40.0, 20.0, 2.0));
    let [Cell::Value(formula, _), _, Cell::Value(fluid, _)] = answer(&prediction, "smallest spike of 20 s")
    else {
        panic!("{:?}", prediction.questions)
    };
    assert!((formula / fluid - 1.0).abs() < 0.1, "{formula} and {fluid}");
    let stuck = |factor: f64| {
        let scenario = spiked(base.clone(), 40.0, 20.0, factor);
        let good = over_seeds(&scenario, 32, |trace| {
            trace.client_total(Time::from_secs_f64(160.0), scenario.end()).good
        });
        good.iter().filter(|good| **good < 100).count() as f64 / 32.0
    };
    let (below, above) = (stuck(0.6 * fluid), stuck(1.25 * fluid));
    println!("formula × {formula:.2}, fluid × {fluid:.2}; stuck below {below:.2}, above {above:.2}");
    assert!(below < 0.15 && above > 0.85, "{below} stuck below, {above} above");
}

/// How long to shed, by every method: half of the predicted time is too short for most runs, and twice of it enough for most.
#[test]
fn shedding_cures_after_about_the_predicted_time() {
    let collapsed = |duration_s| spiked(retrying(7.0, duration_s), 20.0, 20.0, 30.0 / 7.0);
    let prediction = one(&collapsed(300));
    let cells = answer(&prediction, "shedding that cures");
    for (cell, method) in cells.into_iter().zip(["formula", "chain", "fluid"]) {
        let Cell::Shed { admit, for_s } = cell else { panic!("{method}: {cell:?}") };
        let cured = |lasts_s: f64| {
            let until = 60.0 + lasts_s;
            let mut scenario = collapsed((until + 60.0) as u64);
            scenario.disturbances.push(Disturbance {
                name: "shed".into(),
                role: Role::Lever,
                from: Time::from_secs_f64(60.0),
                until: Time::from_secs_f64(until),
                effect: Effect::ShedLoad { clients: vec![0], admit: *admit },
            });
            let end = Time::from_secs_f64(until + 30.0);
            let good = over_seeds(&scenario, 32, |trace| trace.client_total(end, scenario.end()).good);
            good.iter().filter(|good| **good > 100).count() as f64 / 32.0
        };
        let (half, twice) = (cured(0.5 * for_s), cured(2.0 * for_s));
        println!(
            "{method}: to {admit:.3} for {for_s:.1} s; {half:.2} cured in half of it, {twice:.2} in twice"
        );
        assert!(
            half < 0.3 && twice > 0.7,
            "{method} says {for_s} s: {half} cured in half of it, {twice} in twice"
        );
    }
}

/// A run lies where the chain says in the plane: around the healthy sink, and after a spike around the failed one.
#[test]
fn runs_stay_around_the_sinks_of_the_chain() {
    let scenario = spiked(retrying(6.0, 300), 100.0, 20.0, 5.0);
    let prediction = one(&scenario);
    let portrait = &prediction.chain.as_ref().expect("it fits").portrait;
    let failed = portrait.failed.expect("two sinks");
    let around = |way: &[Place], from_s: f64, until_s: f64| {
        let part: Vec<&Place> = way.iter().filter(|p| from_s < p.at_s && p.at_s < until_s).collect();
        let of = |value: fn(&Place) -> f64| mean(&part.iter().map(|p| value(p)).collect::<Vec<f64>>());
        (of(|p| p.jobs), of(|p| p.outstanding))
    };
    for seed in 1..=4 {
        let way = trajectory(&scenario, 0, &sim(&scenario, seed));
        let (before, after) = (around(&way, 20.0, 100.0), around(&way, 180.0, 300.0));
        println!("seed {seed}: {before:?} and {after:?}, sinks {:?} and {failed:?}", portrait.healthy);
        assert!(before.0 < 6.0 && before.1 < 1.0, "{before:?}");
        assert!(
            (after.0 / failed.0 - 1.0).abs() < 0.05 && (after.1 / failed.1 - 1.0).abs() < 0.2,
            "{after:?}"
        );
    }
}

/// Where a method cannot speak it gives a reason, and where none fits the service is named as such.
#[test]
fn silence_has_a_reason() {
    let mut lifo = retrying(7.0, 100);
    lifo.services[0].policy.discipline = lab_core::queue::Discipline::Lifo;
    let prediction = one(&lifo);
    assert!(prediction.chain.is_err() && prediction.fixed_points.is_empty());
    for question in &prediction.questions {
        for cell in [&question.formula, &question.chain, &question.fluid] {
            let text = cell.text();
            let reason = text.strip_prefix("– ").unwrap_or(&text);
            let numbers = !text.contains("NaN") && !text.contains("inf");
            assert!(reason.chars().count() >= 2 && numbers, "{text:?} of {question:?}");
        }
    }
    let calm = one(&queueing(7.0, 1, Span::from_millis(100), Span::from_secs(100)));
    assert!(matches!(answer(&calm, "vulnerable")[0], Cell::Says(false)));
    assert!(matches!(answer(&calm, "lifetime")[0], Cell::Silent(_)));
    let mut replicated = retrying(7.0, 100);
    let mode = lab_core::replicate::Mode::Chain;
    lab::scenario::sample::replicate(&mut replicated.services[0], mode);
    let predictions = predict(&replicated);
    assert!(predictions.services.is_empty() && predictions.beyond.len() == 1);
}
