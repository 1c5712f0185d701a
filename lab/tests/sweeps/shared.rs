//! A sweep small enough for tests.
use std::{
    fs,
    path::{Path, PathBuf},
};

/// A temporary folder with the experiment that is varied.
pub(crate) fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let storm = "\
title: A small storm
workload: { rate: 56/s }
duration: 75 s
warmup: 5 s
services:
  store: { replicas: 1, workers: 4, service_time: { exponential: { mean: 50 ms } } }
clients:
  web:
    calls: store
    per_try_timeout: 1 s
    retry: { max_attempts: 4, retry_on: [timeout], backoff: { initial: 50 ms, multiplier: 1, max: 1 s, jitter: none } }
healthy: { good: 95 %, over: 5 s }
triggers:
  spike: { at: 20 s, for: 10 s, do: { load_spike: { factor: 5 } } }
";
    fs::write(dir.path().join("storm.yaml"), storm).expect("writable");
    dir
}

/// A sweep of six points and three seeds, with `more` lines; what they set is not set twice.
pub(crate) fn sweep_file(dir: &Path, name: &str, more: &str) -> PathBuf {
    let file = dir.join(format!("{name}.yaml"));
    let replications = if more.contains("replications:") { "" } else { "replications: 3\n" };
    let text = format!(
        "base: storm.yaml\naxes:\n  workload.rate: [30/s, 44/s, 58/s]\n  triggers.spike.for: [500 ms, 4 s]\n{replications}\
         map: {{ x: workload.rate, y: triggers.spike.for }}\n{more}"
    );
    fs::write(&file, text).expect("writable");
    file
}
