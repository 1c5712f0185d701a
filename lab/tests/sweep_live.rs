//! Sweeps whose cells are live runs: one after the other, every attempt kept, and what an unfit host measured set apart.
#![cfg(feature = "live")]

use lab::{
    scenario::load_grid,
    sweep::{Attempt, Found, Plan, Progress, Shard, merge, read, simulate},
};
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// Two points of five seconds, with `more` lines.
fn sweep_file(dir: &Path, more: &str) -> PathBuf {
    let file = dir.join("live.yaml");
    let text = format!(
        "\
engine: live
base:
  version: 1
  title: Calm
  workload: {{ rate: 40/s }}
  duration: 5 s
  warmup: 1 s
  services:
    store: {{ replicas: 1, workers: 4, service_time: {{ exponential: {{ mean: 10 ms }} }} }}
  clients:
    web:
      calls: store
      per_try_timeout: 500 ms
      retry: {{ max_attempts: 2, retry_on: [timeout] }}
  healthy: {{ good: 90 %, over: 1 s }}
axes:
  workload.rate: [40/s, 80/s]
{more}"
    );
    fs::write(&file, text).expect("writable");
    file
}

fn lab(dir: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lab"));
    command.current_dir(dir).arg("sweep").args(arguments);
    for variable in ["SLURM_ARRAY_TASK_ID", "JOB_COMPLETION_INDEX", "OMPI_COMM_WORLD_RANK", "SLURM_PROCID"] {
        command.env_remove(variable);
    }
    command.output().expect("the binary runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

#[test]
fn live_cells_run_and_merge() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    sweep_file(dir.path(), "replications: 1\n");
    let planned = lab(dir.path(), &["plan", "live.yaml"]);
    assert!(text(&planned.stdout).contains("live: 10 s on a quiet host"), "{}", text(&planned.stdout));

    let ran = lab(dir.path(), &["run", "live.yaml", "-o", "out"]);
    // 2: the host was too busy for one of them, which is said and no failure of the sweep.
    assert!(matches!(ran.status.code(), Some(0 | 2)), "{}{}", text(&ran.stdout), text(&ran.stderr));
    let again = lab(dir.path(), &["run", "live.yaml", "-o", "out", "--json"]);
    let again: Value = serde_json::from_slice(&again.stdout).expect("JSON");
    assert_eq!((&again["cells"], &again["done_before"]), (&Value::from(0), &Value::from(2)), "{again}");

    let merged = lab(dir.path(), &["merge", "live.yaml", "-o", "out", "--json"]);
    assert_eq!(merged.status.code(), Some(0), "{}", text(&merged.stderr));
    let merged: Value = serde_json::from_slice(&merged.stdout).expect("JSON");
    for (point, offered) in merged["points"].as_array().expect("a list").iter().zip([40.0, 80.0]) {
        let live = &point["live"];
        let unfit = live["unfit"].as_u64().expect("a number");
        assert!(live["attempts"] == 1 && unfit <= 1, "{point}");
        assert_eq!(point["runs"].as_u64().expect("a number"), 1 - unfit, "{point}");
        if unfit == 0 {
            let goodput = point["goodput_per_s"].as_f64().expect("a rate");
            assert!((0.5 * offered..1.5 * offered).contains(&goodput), "{point}");
        }
    }
}

#[test]
fn what_would_not_measure_the_service_is_refused() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    sweep_file(dir.path(), "replications: 100\n");
    let refused = |arguments: &[&str], why: &str| {
        let output = lab(dir.path(), arguments);
        assert_eq!(output.status.code(), Some(64), "{arguments:?}: {}", text(&output.stdout));
        assert!(text(&output.stderr).contains(why), "{arguments:?}: {}", text(&output.stderr));
    };
    let run = ["run", "live.yaml", "-o", "out"];
    refused(&run, "say --yes");
    refused(
        &[&run[..], &["--yes", "--shard", "0/2"]].concat(),
        "two cells at a time would measure each other",
    );
    refused(&[&run[..], &["--yes", "-j", "2"]].concat(), "two cells at a time would measure each other");
    refused(&["script", "live.yaml", "-o", "out", "--engine", "slurm"], "there are no shards");
    assert!(!dir.path().join("out").exists());
}

/// Attempts of one cell may differ: all that were fit count, and no others.
#[test]
fn every_attempt_is_kept() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let plan = Plan::new(load_grid(&sweep_file(dir.path(), "replications: 1\n")).expect("a sweep"));
    let simulated = {
        let text = fs::read_to_string(dir.path().join("live.yaml")).expect("there");
        let file = dir.path().join("simulated.yaml");
        fs::write(&file, text.replace("engine: live\n", "")).expect("writable");
        Plan::new(load_grid(&file).expect("a sweep"))
    };
    let cells: Vec<_> = plan.cells().collect();
    assert!(
        cells.iter().all(|cell| plan.key(*cell) != simulated.key(*cell)),
        "no live run is taken for a simulated one"
    );

    let out = dir.path().join("out");
    let ran = |goodput: f64, unfit: &[&str]| {
        let unfit = Some(unfit.iter().map(|why| (*why).to_owned()).collect());
        let found = simulate(&plan.grid.points[0].scenario, 1);
        Found { goodput_per_s: Some(goodput), unfit, ..found }
    };
    let append = |found: Found| {
        let mut attempt = Attempt::begin(&out, &plan, Shard::WHOLE).expect("writable");
        attempt.append(&plan, cells[0], found).expect("writable");
    };
    append(ran(11.0, &["timers were late"]));
    let progress = Progress::of(&plan, &read(&out).expect("readable"));
    assert_eq!((progress.missing, progress.unfit), (vec![1], vec![0]));
    append(ran(38.0, &[]));
    append(ran(41.0, &[]));
    let store = read(&out).expect("runs that differ are no error");
    assert_eq!(Progress::of(&plan, &store).unfit, Vec::<usize>::new());
    assert_eq!(store.all(plan.key(cells[0])).count(), 3);
    let merged = merge(&plan, &store).expect("readable");
    let live = merged.points[0].live.expect("a live sweep");
    assert_eq!((live.attempts, live.unfit, live.goodput_per_s), (3, 1, Some((38.0, 41.0))));
    assert_eq!((merged.points[0].shares.runs, merged.points[0].goodput_per_s), (2, Some(38.0)));
}
