//! What a user can get wrong at the command line: a clear error each, the right exit code, and nothing left behind.

use super::mutations::{Random, mutate};
use std::{
    fs,
    path::Path,
    process::{Command, Output, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
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

/// A config with something of everything, that runs in no time.
const RICH: &str = "\
# Two replicas under a spike that they can carry; the retries are those of a real client, and an operator sheds
# load although nothing asks for it. Comments and titles are in every config that people write, so they are here,
# and what hits them changes nothing: of the changed configs some can still be run.
version: 1
title: A service that carries its spike, with something of everything that a config may say
source: written for this test, after no paper in particular
workload: { arrivals: poisson, rate: 20/s }
duration: 40 s
warmup: 5 s
services:
  store:
    replicas: 2
    workers: 2
    service_time: { exponential: { mean: 50 ms } }
    queue: { discipline: codel, capacity: 50 }
clients:
  web:
    calls: store
    per_try_timeout: 1 s
    retry: { preset: aws-standard-2.1, max_attempts: 4 }
healthy: { good: 95 %, over: 5 s }
triggers:
  spike: { at: 20 s, for: 2 s, do: { load_spike: { factor: 1.5 } } }
levers:
  shed: { at: 30 s, for: 5 s, do: { shed_load: { admit: 50 % } } }
variants:
  lifo: { services.store.queue.discipline: lifo }
expect:
  - { verdict: unaffected }
";

/// Runs `arguments`; the exit code, and what was said on standard error. Nothing may take half a minute.
fn within_half_a_minute(dir: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let errors = dir.join("stderr");
    let mut child = Command::new(env!("CARGO_BIN_EXE_lab"))
        .args(arguments)
        .current_dir(dir)
        .stdout(Stdio::null())
        .stderr(fs::File::create(&errors).expect("writable"))
        .spawn()
        .expect("the binary runs");
    let (done, ended) = mpsc::channel::<()>();
    let pid = child.id().to_string();
    let watch = thread::spawn(move || {
        let hangs = ended.recv_timeout(Duration::from_secs(30)).is_err();
        if hangs {
            Command::new("kill").args(["-9", &pid]).status().expect("kill is there");
        }
        hangs
    });
    let status = child.wait().expect("a child can be waited for");
    // Where the watch has given up, nobody listens any more.
    let _ = done.send(());
    assert!(!watch.join().expect("the watch does not panic"), "{arguments:?} hangs");
    (status.code(), fs::read_to_string(&errors).expect("readable"))
}

/// Broken configs never make the program panic or hang, and never get as far as a results folder.
#[test]
fn mutated_configs_leave_no_results() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let mut random = Random(20_260_301);
    let (mut ran, mut refused) = (0, 0);
    for round in 0..60 {
        let config = mutate(RICH, &mut random);
        fs::write(dir.path().join("c.yaml"), &config).expect("writable");
        let (code, said) = within_half_a_minute(dir.path(), &["run", "c.yaml", "--no-figures"]);
        let results = dir.path().join("results");
        match code {
            Some(0..=2) => {
                assert!(results.join("latest/manifest.json").exists(), "round {round}: {said}\n{config}");
                fs::remove_dir_all(&results).expect("removable");
                ran += 1;
            }
            Some(64) => {
                assert!(!results.exists(), "round {round} left results\n{config}");
                assert!(said.contains("error"), "round {round}: {said}\n{config}");
                refused += 1;
            }
            _ => panic!("round {round} ended with {code:?}: {said}\n{config}"),
        }
    }
    assert!(ran >= 3 && refused >= 20, "{ran} ran, {refused} were refused: the mutations test something");
}

/// What a person is told of a CSV file that cannot be used reaches the terminal, and nothing is run.
#[test]
fn a_bad_recording_is_named_with_its_line() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let config = CONFIG.replace("{ exponential: { mean: 50 ms } }", "{ recorded: { file: times.csv } }");
    fs::write(dir.path().join("c.yaml"), config).expect("writable");
    fs::write(dir.path().join("times.csv"), "time\n50 ms\nfast\n").expect("writable");
    let (code, said) = within_half_a_minute(dir.path(), &["run", "c.yaml"]);
    assert_eq!(code, Some(64), "{said}");
    assert!(said.contains("times.csv:3:") && said.contains("`fast`"), "{said}");
    assert!(!dir.path().join("results").exists());
}
