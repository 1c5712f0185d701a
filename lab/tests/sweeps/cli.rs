//! `lab sweep` as a user and as a scheduler meet it.

use super::shared::{folder, sweep_file};
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

/// The program without the variables of a scheduler that may run this test.
fn lab(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lab"));
    command.current_dir(dir).arg("sweep");
    for variable in
        ["SLURM_ARRAY_TASK_ID", "JOB_COMPLETION_INDEX", "LAB_SHARDS", "OMPI_COMM_WORLD_RANK", "SLURM_PROCID"]
    {
        command.env_remove(variable);
    }
    command
}

fn run(dir: &Path, arguments: &[&str]) -> Output {
    lab(dir).args(arguments).output().expect("the binary runs")
}

fn code(output: &Output) -> Option<i32> {
    output.status.code()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

/// The merged document of a complete sweep.
fn merged(dir: &Path, out: &str) -> Vec<u8> {
    let results = format!("{out}-results");
    let done = run(dir, &["merge", "one.yaml", "-o", out, "--results", &results, "--no-figures"]);
    assert_eq!(code(&done), Some(0), "{}", text(&done.stderr));
    fs::read(dir.join(results).join("latest/sweep.json")).expect("there")
}

#[test]
fn a_sweep_is_planned_run_and_merged() {
    let dir = folder();
    sweep_file(dir.path(), "one", "");
    let planned = run(dir.path(), &["plan", "one.yaml"]);
    assert!(text(&planned.stdout).contains("6 points × 3 seeds: 18 cells"), "{}", text(&planned.stdout));
    assert!(
        !dir.path().join("out").exists() && !dir.path().join("results").exists(),
        "a plan writes nothing"
    );
    let status = run(dir.path(), &["status", "one.yaml", "-o", "out"]);
    assert_eq!((code(&status), text(&status.stdout).contains("0/18 done")), (Some(3), true));
    let refused = run(dir.path(), &["merge", "one.yaml", "-o", "out"]);
    assert_eq!(code(&refused), Some(3));
    assert!(text(&refused.stderr).contains("18 of 18 cells are missing"), "{}", text(&refused.stderr));

    let third = run(dir.path(), &["run", "one.yaml", "-o", "out", "--shard", "1/3"]);
    assert_eq!(code(&third), Some(0), "{}", text(&third.stderr));
    let missing = run(dir.path(), &["missing", "one.yaml", "-o", "out", "--shards", "3"]);
    assert_eq!((code(&missing), text(&missing.stdout).as_str()), (Some(0), "0,2\n"));
    let draft =
        run(dir.path(), &["merge", "one.yaml", "-o", "out", "--partial", "--results", "draft", "--json"]);
    let document: Value = serde_json::from_slice(&draft.stdout).expect("JSON");
    assert_eq!((code(&draft), &document["cells"], &document["missing"]), (Some(0), &6.into(), &12.into()));

    let rest = run(dir.path(), &["run", "one.yaml", "-o", "out", "--json"]);
    let document: Value = serde_json::from_slice(&rest.stdout).expect("JSON");
    assert_eq!((&document["cells"], &document["complete"]), (&12.into(), &true.into()), "{document}");
    assert_eq!(text(&rest.stderr), "", "quiet when piped");
    let status = run(dir.path(), &["status", "one.yaml", "-o", "out"]);
    assert_eq!((code(&status), text(&status.stdout).contains("18/18 done")), (Some(0), true));

    let done = run(dir.path(), &["merge", "one.yaml", "-o", "out"]);
    assert_eq!(code(&done), Some(0), "{}", text(&done.stderr));
    let latest = dir.path().join("results/latest");
    let files = [
        "sweep.json",
        "points.csv",
        "sweep.yaml",
        "manifest.json",
        "figures/map-one.svg",
        "figures/map-one.png",
    ];
    for file in files {
        assert!(fs::metadata(latest.join(file)).is_ok_and(|m| m.len() > 0), "{file} is missing or empty");
    }
    let csv = fs::read_to_string(latest.join("points.csv")).expect("there");
    let columns = |line: &str| line.split(',').count();
    assert_eq!(csv.lines().count(), 7);
    assert!(csv.lines().all(|line| columns(line) == columns(csv.lines().next().unwrap())), "{csv}");
    let listed = Command::new(env!("CARGO_BIN_EXE_lab"))
        .current_dir(dir.path())
        .args(["results", "list"])
        .output()
        .expect("the binary runs");
    assert!(text(&listed.stdout).contains("sweep "), "{}", text(&listed.stdout));
}

/// Kills a running sweep again and again, with no warning, and does the rest each time.
#[test]
fn a_sweep_that_is_killed_goes_on_where_it_was() {
    let dir = folder();
    sweep_file(dir.path(), "one", "replications: 12\n");
    let whole = run(dir.path(), &["run", "one.yaml", "-o", "whole"]);
    assert_eq!(code(&whole), Some(0));
    let lines = || -> usize {
        let files = fs::read_dir(dir.path().join("out")).into_iter().flatten().flatten();
        files
            .map(|f| fs::read_to_string(f.path()).unwrap_or_default().lines().count().saturating_sub(1))
            .sum()
    };
    for wanted in [1, 9, 30] {
        let mut child = lab(dir.path())
            .args(["run", "one.yaml", "-o", "out", "-j", "1"])
            .stdout(Stdio::null())
            .spawn()
            .expect("the binary runs");
        while lines() < wanted && child.try_wait().expect("a child").is_none() {
            std::thread::yield_now();
        }
        // SIGKILL: nothing can be put in order.
        let _ = child.kill();
        child.wait().expect("a child");
        assert!(lines() >= wanted);
    }
    let before = lines();
    let rest = run(dir.path(), &["run", "one.yaml", "-o", "out", "--json"]);
    let document: Value = serde_json::from_slice(&rest.stdout).expect("JSON");
    let done_before = document["done_before"].as_u64().expect("a number");
    assert!(done_before <= before as u64 && done_before + 3 >= before as u64, "{document}: {before} lines");
    assert_eq!(merged(dir.path(), "out"), merged(dir.path(), "whole"));
}

#[test]
fn sigterm_keeps_what_is_done_and_asks_for_another_try() {
    let dir = folder();
    sweep_file(dir.path(), "one", "replications: 40\n");
    let child = lab(dir.path())
        .args(["run", "one.yaml", "-o", "out", "-j", "1"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let begun = || fs::read_dir(dir.path().join("out")).is_ok_and(|files| files.count() > 0);
    while !begun() {
        std::thread::yield_now();
    }
    let told = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().expect("kill runs");
    assert!(told.success());
    let ended = child.wait_with_output().expect("a child");
    assert_eq!(code(&ended), Some(75), "{}", text(&ended.stderr));
    assert!(text(&ended.stdout).contains("run it again"), "{}", text(&ended.stdout));
    let file: PathBuf = fs::read_dir(dir.path().join("out")).unwrap().next().unwrap().unwrap().path();
    assert!(fs::read_to_string(file).expect("there").ends_with('\n'), "no partial line");
}

#[test]
fn a_scheduler_says_which_share_is_to_be_done() {
    let dir = folder();
    sweep_file(dir.path(), "one", "");
    let task = |variables: &[(&str, &str)]| {
        let arguments = ["run", "one.yaml", "-o", "out"];
        lab(dir.path()).args(arguments).envs(variables.iter().copied()).output().expect("the binary runs")
    };
    let lost = task(&[("SLURM_ARRAY_TASK_ID", "2"), ("SLURM_ARRAY_TASK_COUNT", "2")]);
    assert_eq!(code(&lost), Some(64));
    assert!(text(&lost.stderr).contains("LAB_SHARDS is not set"), "{}", text(&lost.stderr));
    assert!(!dir.path().join("out").exists());
    for (index, variable) in [(0, "SLURM_ARRAY_TASK_ID"), (1, "JOB_COMPLETION_INDEX")] {
        let done = task(&[(variable, &index.to_string()), ("LAB_SHARDS", "2")]);
        let said = text(&done.stdout);
        assert_eq!(code(&done), Some(0), "{said}");
        assert!(said.contains(&format!("shard {index}/2, by {variable}")), "{said}");
    }
    let status = run(dir.path(), &["status", "one.yaml", "-o", "out"]);
    assert_eq!(code(&status), Some(0), "{}", text(&status.stdout));
}

/// A round begins when the one before is complete, and says so to whoever comes too early.
#[test]
fn rounds_come_one_after_the_other() {
    let dir = folder();
    sweep_file(dir.path(), "one", "refine: { first: 2 }\nreplications: 6\n");
    let round = |round: &str, shard: &str| {
        code(&run(dir.path(), &["run", "one.yaml", "-o", "out", "--shard", shard, "--round", round]))
    };
    assert_eq!(round("0", "0/2"), Some(0));
    assert_eq!(round("1", "0/2"), Some(75), "the other shard's part of round 0 is missing");
    assert_eq!(round("0", "1/2"), Some(0));
    assert_eq!(round("1", "1/2"), Some(0));
    assert_eq!(round("1", "0/2"), Some(0));
    assert_eq!(round("0", "0/2"), Some(0), "a round that is over asks for nothing");
    let status = run(dir.path(), &["status", "one.yaml", "-o", "out"]);
    assert_eq!(code(&status), Some(0), "{}", text(&status.stdout));
    assert_eq!(round("7", "0/2"), Some(0), "there is no such round");
    assert_eq!(code(&run(dir.path(), &["run", "one.yaml", "-o", "alone"])), Some(0));
    assert_eq!(merged(dir.path(), "out"), merged(dir.path(), "alone"));
}

#[test]
fn what_submits_the_shards_is_printed_and_nothing_started() {
    let dir = folder();
    sweep_file(dir.path(), "one", "refine: { first: 2 }\nreplications: 6\n");
    let script = |engine: &str, more: &[&str]| {
        let arguments = ["script", "one.yaml", "-o", "my out", "--engine", engine, "--shards", "4"];
        run(dir.path(), &[&arguments, more].concat())
    };
    for (engine, words) in [
        ("slurm", ["export LAB_SHARDS=4", "--array=0-3", "out='my out'", "--kill-on-invalid-dep=yes"]),
        ("parallel", ["--resume-failed", "{}/4", "out='my out'", "$(seq 0 3)"]),
        ("snakemake", ["\"my out\", 4, 2", "--round {wildcards.round}", "{OUT:q}", "rule merge"]),
    ] {
        let printed = script(engine, &[]);
        let said = text(&printed.stdout);
        assert_eq!(code(&printed), Some(0), "{}", text(&printed.stderr));
        for word in words {
            assert!(said.contains(word), "{engine}: {word} is missing in\n{said}");
        }
        if engine != "snakemake" {
            let file = dir.path().join("script.sh");
            fs::write(&file, said).expect("writable");
            assert!(Command::new("bash").arg("-n").arg(&file).status().expect("bash runs").success());
        }
    }
    let homeless = script("k8s", &[]);
    assert_eq!(code(&homeless), Some(64));
    assert!(text(&homeless.stderr).contains("--image"), "{}", text(&homeless.stderr));
    let manifest = text(&script("k8s", &["--image", "registry.example/lab:1"]).stdout);
    let jobs = manifest.matches("kind: Job\n").count();
    assert_eq!(
        (jobs, manifest.matches("completions: 4\n").count()),
        (3, 2),
        "two rounds and a merge\n{manifest}"
    );
    // The sweep inside is the one outside.
    let inside = manifest.split("  one.yaml: |\n").nth(1).expect("a sweep").split("---\n").next().unwrap();
    fs::write(dir.path().join("inside.yaml"), inside.replace("\n    ", "\n").trim_start()).expect("writable");
    let id = |file: &str| {
        let planned: Value =
            serde_json::from_slice(&run(dir.path(), &["plan", file, "--json"]).stdout).expect("JSON");
        planned["plan"].as_str().expect("an id").to_owned()
    };
    assert_eq!(id("inside.yaml"), id("one.yaml"));
    assert!(!dir.path().join("my out").exists());
}
