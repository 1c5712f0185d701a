//! GNU parallel: one call for each round, on this host or over ssh.
use super::{Job, quoted};

pub(super) fn script(job: &Job<'_>) -> String {
    let (file, out) = (quoted(job.file), quoted(job.out));
    let (shards, last, rounds) = (job.shards, job.shards - 1, job.rounds() - 1);
    format!(
        r#"#!/usr/bin/env bash
# {about}
# Run it with `bash`. Over ssh: HOSTS=hosts.txt bash ..., one host a line; all must see this folder under the same path,
# and have `lab` on their PATH (or LAB=/path/to/lab).
# After a failure, run it again: what is done is not done twice.
set -euo pipefail
lab=${{LAB:-lab}} file={file} out={out}
mkdir -p "$out/log"
hosts=()
if [ -n "${{HOSTS:-}}" ]; then hosts=(--sshloginfile "$HOSTS" --workdir "$PWD"); fi
for round in $(seq 0 {rounds}); do
  parallel ${{hosts[@]+"${{hosts[@]}}"}} --joblog "$out/log/round-$round.txt" --resume-failed --retries 3 -q \
    "$lab" sweep run "$file" -o "$out" -j 1 --round "$round" --shard "{{}}/{shards}" ::: $(seq 0 {last})
done
exec "$lab" sweep merge "$file" -o "$out"
"#,
        about = job.about(),
    )
}
