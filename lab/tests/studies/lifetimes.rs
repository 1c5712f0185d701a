//! Lifetimes of the two states, rare failures by splitting, and the committor, against what is known of them.

use super::drawing::{labels_are_apart, lines, paths_are_inside, words};
use lab::{
    plot::{self, ink::colour},
    scenario::{Scenario, sample::queueing},
    study::{
        Watch,
        committor::{self, Route, committor},
        lifetime::{Expected, FailedBy, Study, escapes, expected_escape, expected_recovery, recoveries},
        splitting::{Effort, plain, rare},
        survival::Estimate,
    },
};
use lab_core::{
    call::{Outcome, OutcomeSet},
    server::DemandPer,
    time::{Span, Time},
    timeline::{Disturbance, Effect, Role},
};

/// μ = 10/s, one worker, T = 2 s, four attempts on timeout and rejection, at once, each with work of its own, 200 places: the service of
/// which lifetimes and recoveries are published.
fn retrying(rate: f64) -> Scenario {
    let mut scenario = queueing(rate, 1, Span::from_millis(100), Span::from_secs(200));
    scenario.services[0].policy.capacity = 199;
    scenario.services[0].policy.demand_per = DemandPer::Attempt;
    let policy = &mut scenario.clients[0].policy;
    policy.per_try_timeout = Span::from_secs(2);
    policy.retry.max_attempts = 4;
    policy.retry.retry_on = OutcomeSet::of(&[Outcome::Timeout, Outcome::Rejected]);
    scenario
}

/// The same with 30 calls a second from 20 s to 40 s, which fill the queue.
fn spiked(rate: f64) -> Scenario {
    let mut scenario = retrying(rate);
    let effect = Effect::LoadSpike { clients: vec![0], factor: 30.0 / rate };
    let second = Time::from_secs_f64;
    let (from, until) = (second(20.0), second(40.0));
    scenario.disturbances.push(Disturbance {
        name: "spike".into(),
        role: Role::Trigger,
        from,
        until,
        effect,
    });
    scenario
}

fn seeds(count: u64) -> Vec<u64> {
    (1..=count).collect()
}

/// The published means are of 24 runs each: their error is 1/√24 of them, ours 1/√ends, and three errors of the difference are allowed.
#[test]
fn the_healthy_state_lives_as_long_as_published() {
    for (rate, published_s, watch_s) in [(7.0, 2587.0, 6000), (8.0, 226.0, 1500)] {
        let scenario = retrying(rate);
        let found = escapes(&scenario, &seeds(64), Span::from_secs(watch_s), &Watch::ALONE);
        let rate_of = &found.rate;
        println!("λ = {rate}: {rate_of:?}, median {:?}", found.median_s);
        assert_eq!(found.lives.len() + found.elsewhere, 64);
        assert!(found.elsewhere <= 2, "{} were never healthy", found.elsewhere);
        let error = published_s * (1.0 / rate_of.events as f64 + 1.0 / 24.0).sqrt();
        assert!((rate_of.mean_s.value - published_s).abs() < 3.0 * error, "{} s", rate_of.mean_s.value);
        assert!(rate_of.mean_s.low < rate_of.mean_s.value && rate_of.mean_s.value < rate_of.mean_s.high);
        // Falling by chance has no memory; the formula is right within a factor of 3.
        assert!(rate_of.p_memoryless.is_some_and(|p| p > 0.001), "{:?}", rate_of.p_memoryless);
        let Expected::ByChance(theory_s) = expected_escape(&scenario) else { panic!("a formula fits") };
        assert!((1.0 / 3.0..3.0).contains(&(rate_of.mean_s.value / theory_s)), "{theory_s} s");
    }
}

/// Below the hidden capacity of 2.5/s the failed state drains as the birth–death chain says, far above it stays.
#[test]
fn the_failed_state_lasts_as_the_chain_says() {
    for (rate, watch_s) in [(2.0, 1000), (2.4, 6000)] {
        let scenario = spiked(rate);
        let (by, found) = recoveries(&scenario, &seeds(48), Span::from_secs(watch_s), &Watch::ALONE);
        let Expected::Drains(theory_s) = expected_recovery(&scenario) else { panic!("a formula fits") };
        println!("λ = {rate}: {:?}, theory {theory_s} s", found.rate);
        assert_eq!((by, found.rate.events), (FailedBy::Triggers, 48));
        // A window of ten seconds until it shows, and 20 % for a chain that knows no delay of a retry, on top of three errors.
        let seconds: Vec<f64> = found.lives.iter().map(|life| life.seconds).collect();
        let mean = seconds.iter().sum::<f64>() / 48.0;
        let squares: f64 = seconds.iter().map(|s| (s - mean) * (s - mean)).sum();
        let error = (squares / 47.0 / 48.0).sqrt();
        assert!(
            (mean - theory_s).abs() < 10.0 + 0.2 * theory_s + 3.0 * error,
            "{mean} s against {theory_s} s"
        );
        assert_eq!(
            found.restricted_mean_s.value,
            found.survival.restricted_mean(found.survival.watched_s).value
        );
        assert!((found.restricted_mean_s.value - mean).abs() < 1e-6, "all ended, so the area is the mean");
    }
    let (_, stuck) = recoveries(&spiked(7.0), &seeds(12), Span::from_secs(500), &Watch::ALONE);
    assert_eq!((stuck.lives.len(), stuck.rate.events), (12, 0));
    assert!(stuck.rate.mean_s.low > 1000.0 && stuck.median_s.is_none());
}

/// Without a trigger, the failed states are those of runs that fell by themselves.
#[test]
fn a_failed_state_may_come_from_an_escape() {
    let (by, found) = recoveries(&retrying(8.0), &seeds(16), Span::from_secs(1500), &Watch::ALONE);
    assert_eq!(by, FailedBy::Escape);
    assert!(found.lives.len() >= 10 && found.rate.events == 0, "{found:?}");
}

const EFFORT: Effort = Effort { branches: 200, repetitions: 16 };

fn within(a: &Estimate, b: &Estimate) -> bool {
    a.low <= b.high && b.low <= a.high
}

/// At λ = 7 an excursion fails about once in two thousand times, and runs without splitting see that often enough to compare.
#[test]
fn splitting_agrees_with_brute_force() {
    let scenario = retrying(7.0);
    let effort = Effort { repetitions: 64, ..EFFORT };
    let split = rare(&scenario, effort, 1, &|| true).expect("it fails by chance");
    let brute = plain(&scenario, effort, 1, 400_000).expect("it fails by chance");
    println!("{split:#?}\n{brute:?}");
    let p = brute.failures as f64 / brute.excursions as f64;
    assert!((1e-4..1e-2).contains(&p), "{p}");
    // Three standard errors of the difference, both errors known.
    let split_error = (split.per_excursion.high - split.per_excursion.value) / 2.0;
    let brute_error = (p / brute.excursions as f64).sqrt();
    let error = (split_error * split_error + brute_error * brute_error).sqrt();
    assert!(
        (split.per_excursion.value - p).abs() < 3.0 * error,
        "{} against {p} ± {error}",
        split.per_excursion.value
    );
    // The rate is also that of the lifetimes that were simply waited for.
    let waited = escapes(&scenario, &seeds(64), Span::from_secs(6000), &Watch::ALONE);
    assert!(
        within(&split.rate_per_s, &waited.rate.per_s),
        "{:?} against {:?}",
        split.rate_per_s,
        waited.rate.per_s
    );
}

/// At a chance of one in a million, splitting needs a tenth of the events, or less.
#[test]
fn splitting_is_cheap_where_failures_are_rare() {
    let split = rare(&retrying(4.5), EFFORT, 1, &|| true).expect("it fails by chance");
    println!("{split:#?}");
    let p = split.per_excursion.value;
    assert!((1e-8..1e-5).contains(&p), "{p}");
    assert!(
        split.events_without > 10.0 * split.events as f64,
        "{} against {}",
        split.events_without,
        split.events
    );
    assert!(split.per_excursion.low > 0.0 && split.per_excursion.high < 3.0 * p, "{:?}", split.per_excursion);
}

/// The repetitions run side by side, and their number of cores changes nothing.
#[test]
fn a_study_is_the_same_on_any_number_of_cores() {
    let effort = Effort { branches: 40, repetitions: 5 };
    let scenario = retrying(8.0);
    let on = |threads: usize| {
        let pool = rayon_pool(threads);
        pool.install(|| {
            let effort_of_committor = committor::Effort { runs: 1, branches: 4, watch: Span::from_secs(60) };
            (
                rare(&scenario, effort, 3, &|| true).expect("it fails"),
                escapes(&scenario, &seeds(6), Span::from_secs(300), &Watch::ALONE),
                committor(&scenario, effort_of_committor, 3, &|_| true).expect("it tips").points,
            )
        })
    };
    assert_eq!(format!("{:?}", on(1)), format!("{:?}", on(4)));
}

fn rayon_pool(threads: usize) -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads")
}

/// A queue well below μT comes back, one well beyond it does not, and between them the chance grows; half of it is near μT = 20, for there every
/// attempt begins to be late.
#[test]
fn the_committor_goes_from_none_to_all_around_mu_t() {
    let effort = committor::Effort { runs: 4, branches: 40, watch: Span::from_secs(100) };
    let found = committor(&spiked(7.0), effort, 1, &|_| true).expect("the spike fills the queue");
    assert_eq!(found.jobs_per_timeout, 20.0);
    let fit = found.by_jobs.as_ref().expect("two fates");
    let half = fit.half_at.expect("one coordinate");
    println!("{half:?}, spread {:?} and {:?}", fit.spread, found.by_late.as_ref().map(|fit| fit.spread));
    assert!((10.0..40.0).contains(&half.value), "{half:?}");
    assert!(
        fit.coefficients[1] > 0.0 && fit.p(&[0.3 * half.value]) < 0.1 && fit.p(&[2.5 * half.value]) > 0.9
    );
    for route in [Route::Pushed, Route::LeftAlone] {
        assert!(found.points.iter().filter(|p| p.route == route).count() >= 5, "{route:?}");
    }
    for point in &found.points {
        assert_eq!(point.tipped + point.held + point.undecided, 40);
        assert!(point.undecided <= 4, "{point:?}");
        assert!(point.p.low <= point.p.value && point.p.value <= point.p.high);
        // Nobody has been tried again who is not in progress.
        assert!(point.retrying <= point.in_progress, "{point:?}");
    }
}

/// The chance of tipping that a state shows is the share of runs that tip from there: more branches of it, drawn anew, agree.
#[test]
fn the_committor_is_a_probability() {
    let effort = |branches| committor::Effort { runs: 1, branches, watch: Span::from_secs(100) };
    let few = committor(&spiked(7.0), effort(60), 5, &|_| true).expect("the spike fills the queue");
    let many = committor(&spiked(7.0), effort(240), 5, &|_| true).expect("the spike fills the queue");
    // The same states; the first branches of `many` are those of `few`, so only the others are compared.
    assert_eq!(few.points.len(), many.points.len());
    for (few, many) in few.points.iter().zip(&many.points) {
        assert_eq!((few.jobs, few.at_s), (many.jobs, many.at_s));
        let (n, m) =
            ((few.tipped + few.held) as f64, (many.tipped + many.held - few.tipped - few.held) as f64);
        let (p, q) = (few.tipped as f64 / n, (many.tipped - few.tipped) as f64 / m);
        let pooled = many.tipped as f64 / (n + m);
        let error = (pooled * (1.0 - pooled) * (1.0 / n + 1.0 / m)).sqrt();
        assert!((p - q).abs() <= 4.0 * error + 1e-9, "{p} and {q} at {} jobs", few.jobs);
    }
}

/// Whatever was found, the figure is readable and says it: states that end, that do not, and that were never seen.
#[test]
fn figures_of_lifetimes_are_readable() {
    for (rate, watch_s) in [(7.0, 2000), (8.0, 600), (2.0, 400), (2.45, 300), (12.0, 100)] {
        let scenario = spiked(rate);
        let watch = Span::from_secs(watch_s);
        let escape = escapes(&scenario, &seeds(12), watch, &Watch::ALONE);
        let (failed_by, recovery) = recoveries(&scenario, &seeds(12), watch, &Watch::ALONE);
        let study =
            Study { watch_s: watch.as_secs_f64(), escape, failed_by, recovery, rare: None, not_rare: None };
        let figure = plot::lifetimes(&scenario, &study);
        labels_are_apart(&figure);
        paths_are_inside(&figure);
        let all = words(&figure).join("; ");
        let shown =
            |state: &str, lives: usize| assert_eq!(all.contains(state), lives > 0, "at {rate}/s: {all}");
        shown("Still healthy", study.escape.lives.len());
        shown("Still failed", study.recovery.lives.len());
        // The curve begins with all, and ends where the estimate does.
        if !study.escape.lives.is_empty() {
            let curve = lines(&figure, colour::GREEN, 2.25).concat();
            let (first, last) = (curve[0], curve[curve.len() - 1]);
            let share = study.escape.survival.steps.last().map_or(1.0, |step| step.share);
            assert!(last.0 > first.0 && (last.1 > first.1) == (share < 1.0), "{curve:?}");
        }
    }
}

#[test]
fn figures_of_committors_are_readable() {
    for rate in [1.5, 5.0, 7.0] {
        let effort = committor::Effort { runs: 2, branches: 10, watch: Span::from_secs(100) };
        let scenario = spiked(rate);
        let found = committor(&scenario, effort, 2, &|_| true).expect("the spike fills the queue");
        let figure = plot::committor(&scenario, &found);
        labels_are_apart(&figure);
        paths_are_inside(&figure);
        assert!(words(&figure).iter().any(|w| w == "μT = 20"), "{:?}", words(&figure));
        // Below the hidden capacity nothing stays down.
        if rate < 2.5 {
            assert!(found.by_jobs.is_none() && figure.caption.contains("came back"), "{}", figure.caption);
        }
    }
}

#[test]
fn what_cannot_be_studied_is_said() {
    let mut patient = retrying(7.0);
    patient.clients[0].policy.per_try_timeout = Span::FOREVER;
    let effort = Effort { branches: 20, repetitions: 5 };
    assert!(rare(&patient, effort, 1, &|| true).is_err_and(|why| why.contains("no client times out")));
    let effort = committor::Effort { runs: 1, branches: 4, watch: Span::from_secs(50) };
    assert!(committor(&patient, effort, 1, &|_| true).is_err_and(|why| why.contains("no client times out")));
}
