//! `lab sweep script`: prints what submits the shards.
use super::{Exit, Failure, Out, Outcome, SweepFile, plan};
use crate::sweep::script::{Engine, Job, default_shards, script};
use clap::ValueEnum;

/// Print what submits the shards to a scheduler; starts nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lab sweep script --engine slurm phase-map.yaml -o out --shards 16 > submit.sh && bash submit.sh
  lab sweep script --engine k8s phase-map.yaml -o out --image registry.example/lab:1 | kubectl apply -f -
  lab sweep script --engine parallel phase-map.yaml -o out > run.sh && HOSTS=hosts.txt bash run.sh
  lab sweep script --engine snakemake phase-map.yaml -o out > Snakefile && snakemake --cores all")]
pub(super) struct Args {
    #[command(flatten)]
    sweep: SweepFile,
    #[command(flatten)]
    out: Out,
    /// What it is for
    #[arg(long, value_enum)]
    engine: Scheduler,
    /// How many shards; a twentieth of the cells and at most 64 if left out
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    shards: Option<u32>,
    /// The container image that holds `lab`; only for k8s, which needs it
    #[arg(long, value_name = "IMAGE")]
    image: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Scheduler {
    /// Job arrays, one for each round, and a merge
    Slurm,
    /// Indexed Jobs (Kubernetes 1.29 and later)
    K8s,
    /// GNU parallel, here or over ssh
    Parallel,
    /// A Snakefile
    Snakemake,
}

pub(super) fn script_of(args: &Args) -> Outcome {
    let engine = match args.engine {
        Scheduler::Slurm => Engine::Slurm,
        Scheduler::K8s => Engine::Kubernetes,
        Scheduler::Parallel => Engine::Parallel,
        Scheduler::Snakemake => Engine::Snakemake,
    };
    if args.engine == Scheduler::K8s && args.image.is_none() {
        return Err(Failure::Usage(
            "pods need a container image that holds `lab`\n  help: name it with --image, for example registry.example/lab:1"
                .into(),
        ));
    }
    let plan = plan(&args.sweep.file)?;
    if plan.grid.live {
        return Err(Failure::Usage(format!(
            "{} is a live sweep: its cells run one after the other on one host, so there are no shards\n  help: `lab sweep run` \
             on a quiet host does all of them",
            args.sweep.file.display()
        )));
    }
    let job = Job {
        plan: &plan,
        file: &args.sweep.file.display().to_string(),
        out: &args.out.out.display().to_string(),
        shards: args.shards.unwrap_or_else(|| default_shards(&plan)),
        image: args.image.as_deref().unwrap_or(""),
    };
    print!("{}", script(engine, &job).map_err(Failure::Usage)?);
    Ok(Exit::Done)
}
