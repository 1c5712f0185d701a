//! Schedules against the laws that they are said to follow.
use lab_core::{
    arrival::{Arrival, Arrivals, Load, Process, Stage, Surge},
    draw::Draw,
    time::{Span, Time},
};

fn s(seconds: f64) -> Time {
    Time::from_secs_f64(seconds)
}

fn stage(from: f64, until: f64, rate: f64, end_rate: f64) -> Stage {
    Stage { from: s(from), until: s(until), rate, end_rate }
}

fn load(process: Process, rate: f64) -> Load {
    let stages = vec![Stage { from: Time::ZERO, until: Time::NEVER, rate, end_rate: rate }];
    Load { process, stages, share: (0.0, 1.0), surges: vec![] }
}

fn until(load: &Load, end: f64, seed: u64) -> Vec<Arrival> {
    let mut arrivals = Arrivals::new(load, 0, Draw { seed });
    let mut list = vec![];
    while arrivals.peek().at < s(end) {
        list.push(arrivals.pop());
    }
    list
}

/// Mean and variance of the number of arrivals in bins of `width` seconds.
fn counts(arrivals: &[Arrival], end: f64, width: f64) -> (f64, f64) {
    let mut bins = vec![0u32; (end / width).round() as usize];
    for arrival in arrivals {
        bins[(arrival.at.as_secs_f64() / width) as usize] += 1;
    }
    let n = bins.len() as f64;
    let mean = bins.iter().map(|b| f64::from(*b)).sum::<f64>() / n;
    (mean, bins.iter().map(|b| (f64::from(*b) - mean).powi(2)).sum::<f64>() / (n - 1.0))
}

#[test]
fn poisson_counts_have_equal_mean_and_variance() {
    let arrivals = until(&load(Process::Poisson, 50.0), 4000.0, 1);
    let (mean, variance) = counts(&arrivals, 4000.0, 1.0);
    // Standard errors over 4,000 bins: √(50/4000) = 0.11 of the mean, 50·√(2/4000) = 1.1 of the variance. Four of each.
    assert!((mean - 50.0).abs() < 0.45, "{mean}");
    assert!((variance - 50.0).abs() < 4.5, "{variance}");
    // Gaps of neighbours are independent.
    let gaps: Vec<f64> = arrivals.windows(2).map(|w| w[1].at.since(w[0].at).as_secs_f64()).collect();
    let product = gaps.windows(2).map(|g| (g[0] - 0.02) * (g[1] - 0.02)).sum::<f64>() / gaps.len() as f64;
    // Standard error 0.02² / √200,000.
    assert!(product.abs() < 4.0 * 0.0004 / 447.0, "{product}");
}

#[test]
fn constant_arrivals_are_evenly_spaced() {
    let arrivals = until(&load(Process::Constant, 8.0), 100.0, 1);
    assert_eq!(arrivals.len(), 799);
    for (index, arrival) in arrivals.iter().enumerate() {
        assert!((arrival.at.as_secs_f64() - (index + 1) as f64 / 8.0).abs() < 1e-8);
    }
}

/// At constant spacing the number of arrivals by time t is the integral of the rate up to t, rounded down.
#[test]
fn stages_and_ramps_follow_the_integral_of_the_rate() {
    let mut load = load(Process::Constant, 0.0);
    load.stages = vec![
        stage(0.0, 10.0, 5.0, 5.0),
        stage(10.0, 20.0, 5.0, 25.0),
        stage(20.0, 25.0, 0.0, 0.0),
        stage(25.0, 35.0, 10.0, 0.0),
        stage(35.0, 40.0, 3.0, 3.0),
    ];
    let by = |t: f64| until(&load, t, 1).len() as f64;
    for (t, integral) in [
        (10.0, 50.0),
        (12.0, 50.0 + 14.0),
        (15.0, 50.0 + 50.0),
        (20.0, 200.0),
        (25.0, 200.0),
        (30.0, 200.0 + 37.5),
        (35.0, 250.0),
        (40.0, 265.0),
    ] {
        assert!((by(t) - integral).abs() <= 1.0, "by {t}: {} against {integral}", by(t));
    }
    // The end of the stages is the end of the arrivals.
    assert!((by(1000.0) - 265.0).abs() <= 1.0);
    for (t, rate) in [(5.0, 5.0), (15.0, 15.0), (22.0, 0.0), (30.0, 5.0), (37.0, 3.0)] {
        assert!((load.rate_at(s(t)) - rate).abs() < 1e-9);
    }
}

#[test]
fn a_poisson_ramp_has_the_mean_of_its_integral_in_every_stretch() {
    let mut load = load(Process::Poisson, 0.0);
    load.stages = vec![stage(0.0, 100.0, 0.0, 100.0), stage(100.0, 200.0, 100.0, 20.0)];
    let mut seen = [0f64; 4];
    for seed in 0..40 {
        for arrival in until(&load, 200.0, seed) {
            seen[(arrival.at.as_secs_f64() / 50.0) as usize] += 1.0 / 40.0;
        }
    }
    for (found, mean) in seen.into_iter().zip([1250.0, 3750.0, 4000.0, 2000.0]) {
        // The mean of 40 Poisson counts; four standard errors.
        assert!((found - mean).abs() < 4.0 * (mean / 40.0f64).sqrt(), "{found} against {mean}");
    }
}

#[test]
fn bursts_keep_the_mean_rate_and_raise_the_dispersion() {
    let process = Process::Bursty { factor: 8.0, share: 0.1, mean_burst: Span::from_secs(2) };
    let load = load(process, 50.0);
    let all: Vec<(f64, f64)> = (0..30).map(|seed| counts(&until(&load, 2000.0, seed), 2000.0, 1.0)).collect();
    let mean = all.iter().map(|c| c.0).sum::<f64>() / 30.0;
    let variance = all.iter().map(|c| c.1).sum::<f64>() / 30.0;
    // Rates 29.4 and 235.3; their variance is 3,810. A window of 1 s correlates states by less than a second's decay at rate 1/2 + 1/18:
    // the counts' variance is 50 + 3810 · 2(e^{-r} − 1 + r)/r² with r = 0.5556, which is 3,254.
    let r: f64 = 0.5 + 1.0 / 18.0;
    let expected = 50.0 + 3810.0 * 2.0 * (libm::exp(-r) - 1.0 + r) / (r * r);
    // The mean over 60,000 s: variance of the time average 2 · 3810/(r · 60,000) = 0.229, standard error 0.48.
    assert!((mean - 50.0).abs() < 2.0, "{mean}");
    assert!((variance / expected - 1.0).abs() < 0.1, "{variance} against {expected}");
}

/// The state at the beginning is drawn too: over seeds the first second has the mean rate.
#[test]
fn a_bursty_process_begins_in_its_steady_state() {
    let process = Process::Bursty { factor: 8.0, share: 0.3, mean_burst: Span::from_secs(5) };
    let load = load(process, 50.0);
    let seeds = 4000;
    let mean = (0..seeds).map(|seed| until(&load, 1.0, seed).len() as f64).sum::<f64>() / seeds as f64;
    // Rates 16.1 and 129.0 with shares .7 and .3: standard deviation 51.7 (states) and 7.1 (counts) per seed, 0.83 over 4,000.
    assert!((mean - 50.0).abs() < 3.3, "{mean}");
}

#[test]
fn recorded_times_are_replayed_as_they_are_and_dealt_out_by_share() {
    let times: Vec<Time> = (0..10_000).map(|i| s(f64::from(i) * 0.01)).collect();
    let mut whole = load(Process::Recorded(times.clone().into()), 0.0);
    let all = until(&whole, 1e6, 1);
    assert_eq!(all.iter().map(|a| a.at).collect::<Vec<_>>(), times);
    assert_eq!(
        Arrivals::new(&load(Process::Recorded([].into()), 0.0), 0, Draw { seed: 1 }).peek().at,
        Time::NEVER
    );
    // Two groups share it: every time goes to exactly one of them.
    whole.share = (0.0, 0.3);
    let some = until(&whole, 1e6, 1);
    whole.share = (0.3, 1.0);
    let others = until(&whole, 1e6, 1);
    let mut together: Vec<Time> = some.iter().chain(&others).map(|a| a.at).collect();
    together.sort();
    assert_eq!(together, times);
    // Binomial(10,000, 0.3): standard deviation 46.
    assert!((2800..3200).contains(&some.len()), "{}", some.len());
}

#[test]
fn a_surge_adds_calls_and_leaves_the_base_calls_as_they_are() {
    let times: Vec<Time> = (0..5000).map(|i| s(f64::from(i) * 0.01)).collect();
    let bursty = Process::Bursty { factor: 5.0, share: 0.2, mean_burst: Span::from_secs(1) };
    for process in [Process::Constant, Process::Poisson, bursty, Process::Recorded(times.into())] {
        let calm = load(process.clone(), 100.0);
        let mut surging = calm.clone();
        surging.surges = vec![
            Surge { from: s(10.0), until: s(20.0), factor: 3.0 },
            Surge { from: s(30.0), until: s(35.0), factor: 1.5 },
        ];
        let (base, with) = (until(&calm, 50.0, 3), until(&surging, 50.0, 3));
        assert!(with.windows(2).all(|w| w[0].at <= w[1].at), "{process:?}: not in order");
        let numbers: std::collections::BTreeSet<u64> = with.iter().map(|a| a.call).collect();
        assert_eq!(numbers.len(), with.len(), "{process:?}: a number twice");
        assert!(base.iter().all(|a| with.contains(a)), "{process:?}: a base call changed");
        let added: Vec<&Arrival> = with.iter().filter(|a| !base.contains(a)).collect();
        let inside = |from: f64, until: f64| {
            let within =
                |list: &[Arrival]| list.iter().filter(|a| a.at >= s(from) && a.at < s(until)).count() as f64;
            within(&with) / within(&base)
        };
        assert!(
            added.iter().all(|a| (a.at >= s(10.0) && a.at < s(20.0)) || (a.at >= s(30.0) && a.at < s(35.0)))
        );
        // Some 1,000 and 500 base calls: the ratios are good to about 5 %.
        assert!((inside(10.0, 20.0) - 3.0).abs() < 0.3, "{process:?}: {}", inside(10.0, 20.0));
        assert!((inside(30.0, 35.0) - 1.5).abs() < 0.2, "{process:?}: {}", inside(30.0, 35.0));
    }
}

#[test]
fn a_dip_thins_the_load_and_a_zero_stops_it() {
    for process in [Process::Poisson, Process::Constant] {
        let mut dipping = load(process, 200.0);
        dipping.surges = vec![
            Surge { from: s(10.0), until: s(30.0), factor: 0.25 },
            Surge { from: s(40.0), until: s(50.0), factor: 0.0 },
        ];
        let list = until(&dipping, 60.0, 3);
        let between =
            |from: f64, until: f64| list.iter().filter(|a| a.at >= s(from) && a.at < s(until)).count() as f64;
        assert!((between(10.0, 30.0) - 1000.0).abs() < 130.0);
        assert!(between(40.0, 50.0) <= 1.0);
        assert!((between(50.0, 60.0) - 2000.0).abs() < 180.0);
    }
    // A recorded workload loses calls and keeps the numbers of the others.
    let times: Vec<Time> = (0..4000).map(|i| s(f64::from(i) * 0.01)).collect();
    let mut recorded = load(Process::Recorded(times.into()), 0.0);
    let whole = until(&recorded, 1e6, 1);
    recorded.surges = vec![Surge { from: Time::ZERO, until: s(40.0), factor: 0.25 }];
    let thinned = until(&recorded, 1e6, 1);
    assert!(thinned.iter().all(|a| whole.contains(a)));
    assert!((thinned.len() as f64 - 1000.0).abs() < 120.0, "{}", thinned.len());
}

/// What [`Load::rate_at`] says is what arrives, also where surges and dips overlap.
#[test]
fn the_stated_rate_is_the_rate_of_arrivals() {
    let mut load = load(Process::Constant, 100.0);
    load.surges = vec![
        Surge { from: s(10.0), until: s(30.0), factor: 2.0 },
        Surge { from: s(20.0), until: s(40.0), factor: 3.0 },
        Surge { from: s(25.0), until: s(35.0), factor: 0.5 },
    ];
    let list = until(&load, 50.0, 1);
    for (from, rate) in [
        (0.0, 100.0),
        (12.0, 200.0),
        (20.0, 400.0),
        (25.0, 200.0),
        (30.0, 150.0),
        (35.0, 300.0),
        (45.0, 100.0),
    ] {
        assert!((load.rate_at(s(from)) - rate).abs() < 1e-9, "at {from}: {}", load.rate_at(s(from)));
        let seen = list.iter().filter(|a| a.at >= s(from) && a.at < s(from + 5.0)).count() as f64 / 5.0;
        assert!((seen - rate).abs() < 1.0, "at {from}: {seen} against {rate}");
    }
}

#[test]
fn groups_and_seeds_have_calls_of_their_own() {
    let load = load(Process::Poisson, 100.0);
    let of = |group, seed| {
        let mut arrivals = Arrivals::new(&load, group, Draw { seed });
        (0..100).map(|_| arrivals.pop()).collect::<Vec<Arrival>>()
    };
    assert_eq!(of(0, 1), of(0, 1));
    assert!(of(0, 1).iter().zip(of(1, 1)).all(|(a, b)| a.call != b.call && a.at != b.at));
    assert!(of(0, 1).iter().zip(of(0, 2)).all(|(a, b)| a.call == b.call && a.at != b.at));
}
