//! `lab signals`: the columns that it knows, and what it finds at a threshold.
use super::drawing::{labels_are_apart, paths_are_inside};
use lab::{
    plot,
    scenario::load,
    study::{
        Watch,
        signals::{METRICS, signals, warning},
    },
};
use std::{collections::BTreeSet, fs, path::Path, process::Command};

fn config() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../configs/hysteresis.yaml")
}

/// Every column of `windows.csv` is a metric, and no metric is anything else.
#[test]
fn metrics_are_the_columns_that_are_exported() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let set = ["--set", "duration=150 s", "--no-figures"];
    let done = Command::new(env!("CARGO_BIN_EXE_lab"))
        .arg("run")
        .arg(config())
        .args(set)
        .current_dir(dir.path())
        .output();
    let done = done.expect("the binary runs");
    let csv = fs::read_to_string(dir.path().join("results/latest/baseline-sim-1/windows.csv"));
    let csv = csv.unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&done.stderr)));
    let header: BTreeSet<&str> = csv.lines().next().expect("a header").split(',').collect();
    let ours: BTreeSet<&str> =
        METRICS.iter().map(|m| m.name.split(' ').next_back().expect("a word")).collect();
    let places: BTreeSet<&str> = ["node", "window", "from_s", "until_s", "host_bound"].into();
    assert_eq!(header.difference(&places).copied().collect::<BTreeSet<_>>(), ours);
}

/// At the threshold of the spike both happen, and 20 s later what waits tells them apart, while the load that is offered does
/// not: it is the same for both.
#[test]
fn waiting_tells_who_stays_down_and_the_load_does_not() {
    let plan = load(&config(), &["triggers.spike.do.load_spike.factor=1.4".into()]).expect("a valid config");
    let found = signals(&plan.baseline, 60, &Watch::ALONE);
    assert!(found.stuck >= 10 && found.recovered >= 10, "{} {}", found.stuck, found.recovered);
    let late = found.times_s.iter().position(|t| *t == 20.0).expect("20 s after are looked at");
    let area = |name: &str| {
        let metric = found.metrics.iter().find(|m| m.metric == name);
        metric.and_then(|m| m.at[late]).unwrap_or_else(|| panic!("{name} is known"))
    };
    for waiting in ["queue", "wait_mean_ms", "in_progress"] {
        assert!(area(waiting).interval.0 > 0.8, "{waiting}: {:?}", area(waiting));
    }
    let load = area("offered");
    assert!(load.interval.0 < 0.6 && load.interval.1 > 0.4, "{load:?}");
    assert!(found.metrics.iter().all(|m| m.metric != "view"), "there is no group here");
    let figure = plot::signals(&found, &plan.baseline).expect("both kinds are there");
    labels_are_apart(&figure);
    paths_are_inside(&figure);
}

/// The queue of a server whose load rises fluctuates more and more, and remembers longer.
#[test]
fn a_queue_slows_down_near_the_ceiling() {
    let plan = load(&config(), &[]).expect("a valid config");
    let found = warning(&plan.baseline, 12, &Watch::ALONE).expect("a capacity is known");
    let variance = &found.indicators[0];
    assert!(variance.rises && variance.tau > 0.5, "{} {:?}", variance.tau, variance.tau_interval);
    assert_eq!(variance.series.len(), 12);
    let figure = plot::warning(&found, &plan.baseline).expect("indicators are known");
    labels_are_apart(&figure);
    paths_are_inside(&figure);
}
