//! The command `lab` as a user meets it.
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

fn lab(dir: &Path, arguments: &[&str]) -> Output {
    let command = Command::new(env!("CARGO_BIN_EXE_lab")).args(arguments).current_dir(dir).output();
    command.expect("the binary runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

/// A config small enough for tests, next to nothing else.
fn storm(dir: &Path) -> PathBuf {
    let file = dir.join("storm.yaml");
    let config = "\
version: 1
title: A small storm
workload: { arrivals: poisson, rate: 56/s }
duration: 100 s
warmup: 10 s
services:
  store: { replicas: 2, workers: 2, service_time: { exponential: { mean: 50 ms } } }
clients:
  web:
    calls: store
    per_try_timeout: 1 s
    retry: { max_attempts: 4, retry_on: [timeout], backoff: { initial: 50 ms, multiplier: 1, max: 1 s, jitter: none } }
healthy: { good: 95 %, over: 5 s }
triggers:
  spike: { at: 40 s, for: 10 s, do: { load_spike: { factor: 2.5 } } }
variants:
  one_attempt: { clients.web.retry.max_attempts: 1 }
expect:
  - { verdict: metastable }
  - { variant: one_attempt, verdict: recovered }
";
    fs::write(&file, config).expect("writable");
    file
}

/// All files below `dir`, by path.
fn files(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = vec![];
    for entry in fs::read_dir(dir).expect("readable") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push((path.clone(), fs::read(&path).expect("readable")));
        }
    }
    found.sort();
    found
}

#[test]
fn a_run_leaves_everything_that_is_promised() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    storm(dir.path());
    let done = lab(dir.path(), &["run", "storm.yaml"]);
    let told = text(&done.stdout);
    assert_eq!(done.status.code(), Some(0), "{told}{}", text(&done.stderr));
    assert!(told.contains("baseline") && told.contains("metastable") && told.contains("recovered"), "{told}");
    assert!(told.contains("held") && !told.contains("NOT HELD"), "{told}");
    assert_eq!(text(&done.stderr), "", "quiet when piped");
    let latest = dir.path().join("results/latest");
    for file in [
        "scenario.yaml",
        "manifest.json",
        "report.html",
        "baseline-sim-1/windows.csv",
        "baseline-sim-1/latency.hlog",
        "baseline-sim-1/events.jsonl",
        "one_attempt-sim-1/windows.csv",
        "figures/comparison.svg",
        "figures/comparison.png",
    ] {
        let length = fs::metadata(latest.join(file)).map(|m| m.len()).unwrap_or(0);
        assert!(length > 0, "{file} is missing or empty");
    }
    for line in fs::read_to_string(latest.join("baseline-sim-1/events.jsonl")).expect("there").lines() {
        let event: Value = serde_json::from_str(line).expect("JSON");
        assert!(event["at_s"].is_number() && event["kind"].is_string(), "{line}");
    }
    // What was resolved runs again, and gives the same.
    let again = lab(dir.path(), &["run", "results/latest/scenario.yaml", "--no-figures", "--json"]);
    let document: Value = serde_json::from_slice(&again.stdout).expect("JSON");
    assert_eq!(document["experiments"][0]["runs"][0]["summary"]["verdict"], "metastable", "{document}");
}

#[test]
fn two_processes_write_the_same_bytes() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    storm(dir.path());
    let runs = ["a", "b"].map(|root| {
        let done = lab(dir.path(), &["run", "storm.yaml", "--results", root, "--seeds", "2"]);
        assert_eq!(done.status.code(), Some(0), "{}", text(&done.stderr));
        let latest = dir.path().join(root).join("latest");
        let all = files(&latest).into_iter();
        let own = all.filter(|(path, _)| !path.ends_with("manifest.json") && !path.ends_with("report.html"));
        own.map(|(path, bytes)| (path.strip_prefix(&latest).expect("inside").to_owned(), bytes))
            .collect::<Vec<_>>()
    });
    let [a, b] = runs;
    assert!(a.len() > 15, "{} files", a.len());
    for ((name, one), (other_name, other)) in a.iter().zip(&b) {
        assert_eq!(name, other_name);
        assert!(one == other, "{} differs", name.display());
    }
    assert_eq!(a.len(), b.len());
}

#[test]
fn json_is_one_document_and_set_changes_the_experiment() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    storm(dir.path());
    let arguments =
        ["run", "storm.yaml", "--json", "--no-figures", "--set", "workload.rate=20/s", "--seed", "7"];
    let done = lab(dir.path(), &arguments);
    // At 20/s the failed state cannot last, so the config's expectation breaks.
    assert_eq!(done.status.code(), Some(1), "{}", text(&done.stderr));
    let document: Value = serde_json::from_slice(&done.stdout).expect("JSON");
    let run = &document["experiments"][0]["runs"][0];
    assert_eq!(run["seed"], 7);
    let offered = run["summary"]["before"]["offered_per_s"].as_f64().expect("a number");
    assert!((14.0..26.0).contains(&offered), "{offered}");
    assert_ne!(run["summary"]["verdict"], "metastable");
    assert_eq!(document["exit_code"], 1);
    assert!(!dir.path().join("results/latest/report.html").exists(), "--no-figures");
}

#[test]
fn results_are_compared_listed_and_removed() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    storm(dir.path());
    for rate in ["workload.rate=56/s", "workload.rate=20/s"] {
        lab(dir.path(), &["run", "storm.yaml", "--no-figures", "--set", rate]);
    }
    let list: Value =
        serde_json::from_slice(&lab(dir.path(), &["results", "list", "--json"]).stdout).expect("JSON");
    let paths: Vec<&str> =
        list["results"].as_array().expect("a list").iter().filter_map(|r| r["path"].as_str()).collect();
    assert_eq!(paths.len(), 2, "{list}");
    assert_eq!(lab(dir.path(), &["compare", paths[0], paths[0]]).status.code(), Some(0));
    let differ = lab(dir.path(), &["compare", paths[0], paths[1]]);
    assert_eq!(differ.status.code(), Some(1));
    assert!(text(&differ.stdout).contains("DIFFERS"));
    let one_half = lab(dir.path(), &["compare", paths[0]]);
    assert_eq!(one_half.status.code(), Some(64));
    assert!(text(&one_half.stderr).contains("both simulated and live"));
    assert_eq!(lab(dir.path(), &["results", "clean", "--keep", "0"]).status.code(), Some(0));
    assert!(!dir.path().join("results/storm").exists());
}

#[test]
fn every_verb_has_help_with_an_example() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    for verb in [
        &["run"][..],
        &["check"],
        &["lifetime"],
        &["committor"],
        &["compare"],
        &["threshold"],
        &["hysteresis"],
        &["cure"],
        &["signals"],
        &["lecture"],
        &["results"],
        &["results", "list"],
        &["results", "clean"],
        &["exercise"],
        &["exercise", "list"],
        &["exercise", "start"],
        &["exercise", "hint"],
        &["exercise", "check"],
        &["presets"],
        &["selftest"],
        &["schema"],
        &[],
    ] {
        let arguments: Vec<&str> = verb.iter().copied().chain(["--help"]).collect();
        let help = lab(dir.path(), &arguments);
        assert_eq!(help.status.code(), Some(0), "{verb:?}");
        assert!(text(&help.stdout).contains("Example"), "{verb:?}:\n{}", text(&help.stdout));
    }
}

#[test]
fn check_explains_and_leaves_nothing() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    storm(dir.path());
    let done = lab(dir.path(), &["check", "storm.yaml"]);
    let told = text(&done.stdout);
    assert_eq!(done.status.code(), Some(0), "{}", text(&done.stderr));
    assert!(told.contains("hidden capacity") && told.contains("store is vulnerable"), "{told}");
    let json = lab(dir.path(), &["check", "storm.yaml", "--json"]);
    let document: Value = serde_json::from_slice(&json.stdout).expect("JSON");
    assert_eq!(document["experiments"][0]["experiments"][0]["vulnerable"], true);
    assert!(!dir.path().join("results").exists());
    let schema: Value = serde_json::from_slice(&lab(dir.path(), &["schema"]).stdout).expect("JSON");
    assert!(schema["properties"]["services"].is_object());
    assert!(text(&lab(dir.path(), &["presets"]).stdout).contains("aws-standard-2.1"));
}

#[test]
fn studies_write_their_folder_and_are_listed() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    storm(dir.path());
    let spike = ["--from", "1", "--to", "3", "--seeds", "8", "--json"];
    let done = lab(dir.path(), &[&["threshold", "storm.yaml"][..], &spike].concat());
    assert_eq!(done.status.code(), Some(0), "{}", text(&done.stderr));
    let document: Value = serde_json::from_slice(&done.stdout).expect("JSON");
    assert_eq!(document["threshold"]["path"], "triggers.spike.do.load_spike.factor");
    let latest = dir.path().join("results/latest");
    let written: Value =
        serde_json::from_str(&fs::read_to_string(latest.join("threshold.json")).expect("there"))
            .expect("JSON");
    assert_eq!(written["threshold"], document["threshold"]);
    for file in
        ["scenario.yaml", "manifest.json", "figures/threshold-triggers.spike.do.load_spike.factor.svg"]
    {
        assert!(latest.join(file).is_file(), "{file}");
    }
    let none = ["threshold", "storm.yaml", "--from", "1", "--to", "1.05", "--seeds", "4", "--no-figures"];
    let none = lab(dir.path(), &none);
    assert_eq!(none.status.code(), Some(2), "{}", text(&none.stdout));
    assert!(text(&none.stdout).contains("No run stays down"), "{}", text(&none.stdout));
    let list = text(&lab(dir.path(), &["results", "list"]).stdout);
    assert_eq!(list.matches("threshold").count(), 2, "{list}");
    assert_eq!(lab(dir.path(), &["results", "clean", "--keep", "0"]).status.code(), Some(0));
    assert!(!dir.path().join("results/storm").exists());
}

#[test]
fn studies_refuse_what_makes_no_sense_and_leave_nothing() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    storm(dir.path());
    for (arguments, said) in [
        (&["threshold", "storm.yaml", "--over", "triggers.spiek.for"][..], "did you mean `spike`?"),
        (&["threshold", "storm.yaml", "--from", "3", "--to", "2"], "is empty"),
        (&["threshold", "storm.yaml", "--to", "0.5"], "is empty"),
        (&["threshold", "storm.yaml", "--from", "3 s"], "another unit"),
        (&["threshold", "storm.yaml", "--to", "-2"], "-2"),
        (&["threshold", "storm.yaml", "--seeds", "3"], "3"),
        (&["hysteresis", "storm.yaml", "--step", "80"], "did you mean `80/s`?"),
        (&["hysteresis", "storm.yaml", "--step", "60/s"], "fewer than three levels"),
        (&["hysteresis", "storm.yaml", "--dwell", "0 s"], "too short"),
        (&["cure", "storm.yaml", "--at", "45 s"], "before the triggers are over"),
        (&["cure", "storm.yaml", "--set", "workload.rate=10/s"], "nothing to cure"),
        (&["signals", "storm.yaml", "--over", "services.store"], "is a block"),
    ] {
        let refused = lab(dir.path(), arguments);
        assert_eq!(refused.status.code(), Some(64), "{arguments:?}: {}", text(&refused.stdout));
        assert!(text(&refused.stderr).contains(said), "{arguments:?}: {}", text(&refused.stderr));
    }
    assert!(!dir.path().join("results").exists());
}

#[test]
fn predict_answers_in_a_table_and_keeps_its_pictures() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    storm(dir.path());
    let done = lab(dir.path(), &["predict", "storm.yaml"]);
    let said = text(&done.stdout);
    assert!(done.status.success(), "{}", text(&done.stderr));
    for word in
        ["is it vulnerable", "hidden capacity", "20/s", "lifetime", "formula", "chain", "fluid", "assumption"]
    {
        assert!(said.contains(word), "{word} is missing in\n{said}");
    }
    let latest = dir.path().join("results/latest");
    for file in [
        "predict.json",
        "manifest.json",
        "scenario.yaml",
        "figures/drift-store.svg",
        "figures/bifurcation-store.png",
    ] {
        assert!(latest.join(file).is_file(), "{file}");
    }
    let listed = text(&lab(dir.path(), &["results", "list"]).stdout);
    assert!(listed.contains("storm"), "{listed}");

    let json =
        lab(dir.path(), &["predict", "storm.yaml", "--json", "--no-figures", "--set", "workload.rate=10/s"]);
    let document: Value = serde_json::from_slice(&json.stdout).expect("one JSON document");
    let first = &document["services"][0]["questions"][0];
    assert_eq!((&first["question"], &first["formula"]["text"]), (&"is it vulnerable".into(), &"no".into()));
    assert_eq!(
        fs::read_dir(dir.path().join("results/storm")).expect("readable").count(),
        1,
        "--no-figures writes none"
    );
    assert_eq!(lab(dir.path(), &["predict", "nothing.yaml"]).status.code(), Some(64));
}
