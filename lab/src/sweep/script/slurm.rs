//! Slurm: one job array for each round, and a merge behind them.
use super::{Job, quoted};

pub(super) fn script(job: &Job<'_>) -> String {
    let (file, out) = (quoted(job.file), quoted(job.out));
    let (name, shards, last, rounds) =
        (quoted(&job.plan.grid.name), job.shards, job.shards - 1, job.rounds() - 1);
    format!(
        r#"#!/usr/bin/env bash
# {about}
# Submit it with `bash` where all nodes see this folder; `lab` must be on their PATH, or its path be in LAB.
# What your site wants besides, sbatch takes from variables: SBATCH_ACCOUNT, SBATCH_PARTITION, SBATCH_TIMELIMIT, ...
# After a failure, submit it again: what is done is not done twice. Or only what is missing:
#   sbatch ... --array="$(lab sweep missing {file} -o {out} --shards {shards})" ...
set -euo pipefail
export LAB_SHARDS={shards}
export SBATCH_TIMELIMIT="${{SBATCH_TIMELIMIT:-01:00:00}}"
export SBATCH_MEM_PER_NODE="${{SBATCH_MEM_PER_NODE:-500M}}"
lab=${{LAB:-lab}} file={file} out={out}
mkdir -p "$out/log"
common=(--parsable --ntasks=1 --cpus-per-task=1 --export=ALL)
after=()
for round in $(seq 0 {rounds}); do
  # The tasks of a node that fails are run again, and go on where they were.
  job=$(sbatch "${{common[@]}}" ${{after[@]+"${{after[@]}}"}} --job-name={name} --array=0-{last} --requeue \
    --open-mode=append --output="$out/log/%A_%a.log" \
    --wrap="exec $(printf '%q ' "$lab" sweep run "$file" -o "$out" -j 1 --round "$round")")
  echo "round $round: job $job"
  # Without the second option a round whose predecessor failed would wait for ever.
  after=(--dependency="afterok:$job" --kill-on-invalid-dep=yes)
done
job=$(sbatch "${{common[@]}}" "${{after[@]}}" --job-name={name}-merge --output="$out/log/%j.log" \
  --wrap="exec $(printf '%q ' "$lab" sweep merge "$file" -o "$out")")
echo "merge: job $job"
"#,
        about = job.about(),
    )
}
