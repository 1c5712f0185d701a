//! Snakemake: a rule for shards, each round after the one before.
use super::Job;

pub(super) fn snakefile(job: &Job<'_>) -> String {
    // A JSON string is one of Python's, too.
    let text = |word: &str| serde_json::to_string(word).expect("a string is plain data");
    let (file, out, shards, rounds) = (text(job.file), text(job.out), job.shards, job.rounds());
    format!(
        r#"# {about}
# Run it with `snakemake --cores all`; on a cluster group several shards into one job. `lab` must be on the PATH.
FILE, OUT, SHARDS, ROUNDS = {file}, {out}, {shards}, {rounds}

def before(wildcards):
    return expand(OUT + "/done/{{round}}-{{shard}}", round=int(wildcards.round) - 1, shard=range(SHARDS)) \
        if int(wildcards.round) > 0 else []

rule merge:
    input: expand(OUT + "/done/{{round}}-{{shard}}", round=ROUNDS - 1, shard=range(SHARDS))
    shell: "lab sweep merge {{FILE:q}} -o {{OUT:q}}"

rule shard:
    input: before
    output: touch(OUT + "/done/{{round}}-{{shard}}")
    retries: 3
    shell: "lab sweep run {{FILE:q}} -o {{OUT:q}} -j {{threads}} --round {{wildcards.round}} --shard {{wildcards.shard}}/{{SHARDS}}"
"#,
        about = job.about(),
    )
}
