//! What is submitted to schedulers that exist. One text for each; nothing here starts anything.
//!
//! A round of a sweep needs all results of the round before. So every script submits one array of shards for each round that there
//! may be, each after the one before; rounds in which nothing is left to do end at once.
mod kubernetes;
mod parallel;
mod slurm;
mod snakemake;

use super::{Plan, rounds::rounds};
use crate::theory::grouped;

/// What submits the shards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// Slurm job arrays.
    Slurm,
    /// Kubernetes Indexed Jobs.
    Kubernetes,
    /// GNU parallel, on this host or over ssh.
    Parallel,
    /// Snakemake.
    Snakemake,
}

/// What is to be submitted.
#[derive(Clone, Copy, Debug)]
pub struct Job<'a> {
    /// The sweep.
    pub plan: &'a Plan,
    /// Its file, as the shards shall find it.
    pub file: &'a str,
    /// The shared folder of results.
    pub out: &'a str,
    /// How many shards.
    pub shards: u32,
    /// The container image that holds `lab`; only for Kubernetes.
    pub image: &'a str,
}

/// The script or manifest that submits `job` to `engine`.
///
/// # Errors
/// When the sweep does not fit into what the engine takes.
pub fn script(engine: Engine, job: &Job<'_>) -> Result<String, String> {
    match engine {
        Engine::Slurm => Ok(slurm::script(job)),
        Engine::Kubernetes => kubernetes::manifest(job),
        Engine::Parallel => Ok(parallel::script(job)),
        Engine::Snakemake => Ok(snakemake::snakefile(job)),
    }
}

/// How many shards are worth their start: 20 cells each, and no more than 64.
pub fn default_shards(plan: &Plan) -> u32 {
    (plan.cells().count() / 20).clamp(1, 64) as u32
}

impl Job<'_> {
    fn rounds(&self) -> u32 {
        rounds(self.plan)
    }

    /// What is submitted, in one line.
    fn about(&self) -> String {
        let cells = grouped(&self.plan.cells().count().to_string());
        let rounds = match self.rounds() {
            1 => format!("{cells} cells"),
            n => format!("at most {cells} cells in at most {n} rounds"),
        };
        format!(
            "The sweep `{}` (plan {}): {rounds}, {} shards.",
            self.plan.grid.name, self.plan.id, self.shards
        )
    }
}

/// `word` as a shell reads it as one word.
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./=:,%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.into()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}
