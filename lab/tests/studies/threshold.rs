//! `lab threshold`: the fit against data whose answer is known, and the threshold of a small config in simulation.
use super::drawing::{labels_are_apart, paths_are_inside, words};
use lab::{
    plot,
    scenario::load,
    study::{
        Watch,
        axis::{Axis, natural},
        seeds::Ending,
        threshold::{Finding, Range, finding, search::Tried, threshold},
    },
};
use lab_core::draw::{Draw, Stream};
use rayon::prelude::*;
use std::path::{Path, PathBuf};

fn config(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../configs").join(name)
}

const MIDDLE: f64 = 3.0;
const SCALE: f64 = 0.25;
const SEEDS: usize = 40;

/// Trials at nine values with common seeds: each seed tips from a value of its own on, drawn from a logistic law, but for some
/// noise of each run (`own`: the share of it).
fn trials(set: u64, own: f64) -> Vec<Tried> {
    let draw = Draw { seed: 1000 + set };
    let at = |k: usize| MIDDLE + (k as f64 - 4.0) * 0.75 * SCALE;
    let tips = |value: f64, seed: usize, k: usize| {
        let noise = draw.unit(Stream::Backoff, seed as u64, k as u32) < own;
        let quantile = match noise {
            true => draw.unit(Stream::Demand, seed as u64, 1 + k as u32),
            false => draw.unit(Stream::Demand, seed as u64, 0),
        };
        let curve = 1.0 / (1.0 + libm::exp(-(value - MIDDLE) / SCALE));
        quantile < curve
    };
    let run = |tips: bool| if tips { (Ending::Tipped, "metastable") } else { (Ending::Stood, "recovered") };
    let tried = |k: usize| Tried { value: at(k), runs: (0..SEEDS).map(|s| run(tips(at(k), s, k))).collect() };
    (0..9).map(tried).collect()
}

/// The intervals cover the truth about as often as they say, where every seed has a threshold of its own (so that nine values
/// say no more than one seed does) and where all runs are independent.
#[test]
fn intervals_cover_the_known_answer() {
    const SETS: u64 = 160;
    let width = 2.0 * libm::log(9.0) * SCALE;
    for own in [0.0, 1.0] {
        let covered = |set: u64| {
            let Finding::Curve(found) = finding(&trials(set, own), SEEDS, 1.0, 5.0) else {
                panic!("a curve: set {set}")
            };
            let inside = |interval: Option<(f64, f64)>, truth: f64| {
                let (low, high) = interval.expect("enough seeds");
                usize::from(low <= truth && truth <= high)
            };
            (
                inside(found.middle_interval, MIDDLE),
                inside(found.width_interval, width),
                found.middle,
                found.width,
            )
        };
        let all: Vec<_> = (0..SETS).into_par_iter().map(covered).collect();
        let (middles, widths) =
            (all.iter().map(|a| a.0).sum::<usize>(), all.iter().map(|a| a.1).sum::<usize>());
        // 95 % of 160 are 152, with a standard error of 2.8.
        assert!(
            (143..=160).contains(&middles),
            "own noise {own}: the middle is covered {middles} times of {SETS}"
        );
        assert!(
            (140..=160).contains(&widths),
            "own noise {own}: the width is covered {widths} times of {SETS}"
        );
        let mean = |of: fn(&(usize, usize, f64, f64)) -> f64| all.iter().map(of).sum::<f64>() / SETS as f64;
        assert!((mean(|a| a.2) - MIDDLE).abs() < 0.02, "own noise {own}: {}", mean(|a| a.2));
        assert!((mean(|a| a.3) / width - 1.0).abs() < 0.08, "own noise {own}: {}", mean(|a| a.3));
    }
}

/// Data that no logistic curve makes is called so: a hump.
#[test]
fn a_bad_fit_is_seen() {
    let run = |tips: bool| if tips { (Ending::Tipped, "metastable") } else { (Ending::Stood, "recovered") };
    let shares = [0.0, 0.2, 0.9, 0.1, 0.5, 0.2, 1.0];
    let tried = |(k, share): (usize, &f64)| Tried {
        value: k as f64,
        runs: (0..SEEDS).map(|s| run((s as f64) < share * SEEDS as f64)).collect(),
    };
    let tried: Vec<Tried> = shares.iter().enumerate().map(tried).collect();
    let Finding::Curve(found) = finding(&tried, SEEDS, 0.0, 6.0) else { panic!("both outcomes overlap") };
    assert!(found.p_value < 0.01, "{found:?}");
    let Finding::Curve(good) = finding(&trials(7, 0.0), SEEDS, 1.0, 5.0) else { panic!("a curve") };
    assert!(good.p_value > 0.01, "{}", good.p_value);
}

/// A server of ten calls a second with four attempts of two seconds: somewhere between one and four times the load a spike of 20 s
/// tips it. The same on one core and on two.
#[test]
fn the_threshold_of_a_spike_is_found_with_the_same_bytes_on_any_number_of_cores() {
    let plan = load(&config("hysteresis.yaml"), &[]).expect("a valid config");
    let path = natural(&plan).expect("one trigger");
    assert_eq!(path, "triggers.spike.do.load_spike.factor");
    let axis = Axis::new(&plan, &[], &path).expect("a number");
    let look = || {
        threshold(&plan.baseline, &axis, Range::default(), 24, &Watch::ALONE).expect("every value is allowed")
    };
    let on = |cores: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(cores).build().expect("a pool");
        let found = pool.install(look);
        let bytes = serde_json::to_string(&found).expect("plain data");
        (found, bytes)
    };
    let ((found, one), (_, two)) = (on(1), on(2));
    assert_eq!(one, two);
    let Finding::Curve(curve) = &found.finding else { panic!("{:?}", found.finding) };
    assert!(curve.rises && (1.0..3.0).contains(&curve.middle), "{curve:?}");
    let (low, high) = curve.middle_interval.expect("enough seeds");
    assert!(low < curve.middle && curve.middle < high, "{low} {} {high}", curve.middle);
    // Theory knows no chance, but it is no stranger to the place.
    let theory = found.theory.value.expect("a retry storm");
    assert!((theory / curve.middle - 1.0).abs() < 0.4, "{theory} against {}", curve.middle);
    let of = |value: f64| found.values.iter().find(|v| v.value == value).expect("the ends are tried");
    assert_eq!((of(found.from).tipped, of(found.to).tipped), (0, of(found.to).runs));
    let figure = plot::threshold(&found, &axis, &plan.baseline);
    labels_are_apart(&figure);
    paths_are_inside(&figure);
    let said = words(&figure).join(" ");
    assert!(said.contains("Half of the runs tip") && said.contains("theory, backlog = μT"), "{said}");
}

/// Without retries no spike tips it; and where the load alone is too much for a healthy state, no trigger is blamed.
#[test]
fn a_range_without_a_threshold_is_said_to_be_one() {
    let look = |set: &[String]| {
        let plan = load(&config("hysteresis.yaml"), set).expect("a valid config");
        let axis = Axis::new(&plan, set, "triggers.spike.do.load_spike.factor").expect("a number");
        let range = Range { from: Some(1.0), to: Some(4.0) };
        threshold(&plan.baseline, &axis, range, 8, &Watch::ALONE).expect("every value is allowed")
    };
    let once = look(&["clients.web.retry.max_attempts=1".into()]);
    assert_eq!(once.finding, Finding::NoneTips);
    assert_eq!(once.theory.value, None);
    let plan = load(&config("hysteresis.yaml"), &[]).expect("a valid config");
    let axis = Axis::new(&plan, &[], "triggers.spike.do.load_spike.factor").expect("a number");
    let figure = plot::threshold(&once, &axis, &plan.baseline);
    labels_are_apart(&figure);
    paths_are_inside(&figure);
    assert!(words(&figure)[0].starts_with("No run tips"), "{:?}", words(&figure));
    let full = look(&["workload.rate=9/s".into()]);
    assert!(full.unaided > 0, "{:?}", full.values);
}

#[test]
fn paths_that_are_no_axis_are_refused_with_help() {
    let plan = load(&config("hysteresis.yaml"), &[]).expect("a valid config");
    let why = |path: &str| Axis::new(&plan, &[], path).expect_err("no axis").to_string();
    assert!(why("triggers.spiek.for").contains("did you mean `spike`?"), "{}", why("triggers.spiek.for"));
    assert!(why("triggers.spike").contains("`triggers.spike.for`"), "{}", why("triggers.spike"));
    assert!(why("services.store.queue.discipline").contains("no number"));
    let axis = Axis::new(&plan, &[], "triggers.spike.for").expect("a length of time");
    assert_eq!(axis.read("500 ms"), Ok(0.5));
    assert!(axis.read("3").expect_err("no unit").to_string().contains("another unit"));
    assert!(axis.read("soon").expect_err("no value").to_string().contains("is no value"));
    let whole = Axis::new(&plan, &[], "services.store.workers").expect("a number");
    assert!(whole.whole && whole.read("1.5").is_err());
}
