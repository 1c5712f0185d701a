//! What a user can get wrong at the command line: a clear error each, the right exit code, and nothing left behind.
use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

fn lab(dir: &Path, arguments: &[&str]) -> Output {
    let command = Command::new(env!("CARGO_BIN_EXE_lab")).args(arguments).current_dir(dir).output();
    command.expect("the binary runs")
}

const CONFIG: &str = "\
version: 1
title: Small
workload: { arrivals: poisson, rate: 20/s }
duration: 40 s
services:
  store: { replicas: 1, workers: 2, service_time: { exponential: { mean: 50 ms } } }
clients:
  web: { calls: store, per_try_timeout: 1 s }
healthy: { good: 95 %, over: 5 s }
";

/// Runs `arguments` beside `config`; it must fail with `code`, say `wanted`, and leave no results.
fn refused(config: &str, arguments: &[&str], code: i32, wanted: &[&str]) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    fs::write(dir.path().join("c.yaml"), config).expect("writable");
    let done = lab(dir.path(), arguments);
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert_eq!(done.status.code(), Some(code), "{arguments:?}: {said}");
    for word in wanted {
        assert!(said.contains(word), "{arguments:?}: `{word}` is missing in: {said}");
    }
    assert!(!dir.path().join("results").exists(), "{arguments:?} left results");
}

#[test]
fn usage_errors_are_64_and_name_what_was_meant() {
    refused(CONFIG, &["run"], 64, &["<CONFIG>"]);
    refused(CONFIG, &["runn", "c.yaml"], 64, &["tip", "'run'"]);
    refused(CONFIG, &["run", "c.yaml", "--engine", "siim"], 64, &["sim", "live", "both"]);
    refused(CONFIG, &["run", "c.yaml", "--seeds", "0"], 64, &["--seeds"]);
    refused(CONFIG, &["run", "missing.yaml"], 64, &["missing.yaml"]);
    refused(CONFIG, &["run", "."], 64, &["folder"]);
    refused(CONFIG, &["run", "c.yaml", "--set", "workload.rate=5"], 64, &["workload.rate", "unit"]);
    refused(CONFIG, &["run", "c.yaml", "--set", "servces.store.workers=5"], 64, &["servces"]);
    refused(CONFIG, &["run", "c.yaml", "missing.yaml"], 64, &["missing.yaml"]);
    refused(CONFIG, &["compare", "nowhere"], 64, &["nowhere"]);
    refused(CONFIG, &["presets", "aws-standard-2"], 64, &["aws-standard-2"]);
    refused(CONFIG, &["check", "missing.yaml"], 64, &["missing.yaml"]);
}

#[test]
fn a_missing_workload_file_is_named() {
    let config = CONFIG.replace("{ arrivals: poisson, rate: 20/s }", "nowhere-to-be-found");
    refused(&config, &["run", "c.yaml"], 64, &["nowhere-to-be-found", "workload"]);
}

#[test]
fn expectations_and_inconclusive_verdicts_have_their_codes() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let code = |name: &str, config: String| {
        fs::write(dir.path().join(name), config).expect("writable");
        lab(dir.path(), &["run", name, "--no-figures"]).status.code()
    };
    let spike = "triggers:\n  spike: { at: 20 s, for: 2 s, do: { load_spike: { factor: 1.1 } } }\n";
    let overload = CONFIG.replace("20/s", "60/s");
    assert_eq!(code("held.yaml", format!("{CONFIG}expect: [{{ verdict: unaffected }}]\n")), Some(0));
    assert_eq!(code("broken.yaml", format!("{CONFIG}expect: [{{ verdict: escaped }}]\n")), Some(1));
    assert_eq!(code("overloaded.yaml", format!("{overload}{spike}")), Some(2));
    let expected = format!("{overload}{spike}expect: [{{ verdict: overloaded }}]\n");
    assert_eq!(code("expected.yaml", expected), Some(0), "what is expected is not inconclusive");
}

#[test]
fn results_that_cannot_be_written_are_known_before_the_run() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    fs::write(dir.path().join("c.yaml"), CONFIG).expect("writable");
    fs::write(dir.path().join("file"), "in the way").expect("writable");
    for root in ["file", "/proc/nowhere"] {
        let done = lab(dir.path(), &["run", "c.yaml", "--results", root]);
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert_eq!(done.status.code(), Some(64), "{said}");
        assert!(said.contains("cannot write") && said.contains(root), "{said}");
    }
}

#[test]
fn results_of_another_version_are_refused_with_a_way_out() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    fs::create_dir(dir.path().join("old")).expect("writable");
    let manifest = dir.path().join("old/manifest.json");
    for (text, wanted) in [
        (r#"{ "format": 0, "lab": "0.0.1" }"#, ["format 0", "0.0.1"]),
        ("{ \"format\": 1, \"lab\":", ["manifest.json", "EOF"]),
        (r#"{ "format": 1, "lab": "0.1.0", "runs": [{}] }"#, ["manifest.json", "variant"]),
    ] {
        fs::write(&manifest, text).expect("writable");
        let done = lab(dir.path(), &["compare", "old", "old"]);
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert_eq!(done.status.code(), Some(64), "{said}");
        assert!(wanted.iter().all(|word| said.contains(word)), "{said}");
    }
}

/// Needs a file system of its own, which only root may mount; elsewhere it says so and does nothing.
#[test]
fn a_full_disk_is_said_and_nothing_is_left() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    fs::write(dir.path().join("c.yaml"), CONFIG).expect("writable");
    let small = dir.path().join("small");
    fs::create_dir(&small).expect("writable");
    let mount = |arguments: &[&str]| Command::new(arguments[0]).args(&arguments[1..]).arg(&small).output();
    let mounted = mount(&["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs"]);
    if !mounted.is_ok_and(|done| done.status.success()) {
        eprintln!("skipped: a tmpfs cannot be mounted here");
        return;
    }
    let done = lab(dir.path(), &["run", "c.yaml", "--results", "small"]);
    let left = fs::read_dir(&small).map(Iterator::count);
    let unmounted = mount(&["umount"]);
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert_eq!(done.status.code(), Some(75), "{said}");
    assert!(said.contains("cannot write") && said.contains("--results"), "{said}");
    assert_eq!(left.expect("readable"), 0, "something is left");
    assert!(unmounted.is_ok_and(|done| done.status.success()), "the tmpfs stays mounted");
}

/// Broken configs never get as far as a results folder, and never make the program panic.
#[test]
fn mutated_configs_leave_no_results() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let lines: Vec<&str> = CONFIG.lines().collect();
    for number in 0..lines.len() {
        let mut broken: Vec<String> = lines.iter().map(|l| (*l).to_owned()).collect();
        broken[number] = broken[number].replace([':', '}', '%'], "?");
        fs::write(dir.path().join("c.yaml"), broken.join("\n")).expect("writable");
        let done = lab(dir.path(), &["run", "c.yaml"]);
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert_eq!(done.status.code(), Some(64), "line {number}: {said}");
        assert!(!said.contains("panicked"), "{said}");
        assert!(!dir.path().join("results").exists(), "line {number} left results");
    }
}
