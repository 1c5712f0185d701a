//! Runs what is to be run: simulations in parallel, live runs one after the other once the simulations are done.
use super::{Args, Engine, Failure, Run};
use crate::{
    cli::{interrupt, progress},
    engine::sim::{sim, sim_with_history},
    scenario::{Scenario, plan::Plan},
    trace::Trace,
    verdict::{Judgement, Summary, judge_sim},
};
use rayon::prelude::*;

/// One variant of an experiment, the experiment itself included.
pub(super) struct Member<'a> {
    pub(super) variant: &'a str,
    pub(super) change: String,
    pub(super) scenario: &'a Scenario,
}

/// All runs in the order of the config, and whether some are missing because someone stopped it.
pub(super) fn execute(args: &Args, plan: &Plan) -> Result<(Vec<Run>, bool), Failure> {
    let members = members(plan);
    let mut runs = vec![];
    if args.engine != Engine::Live {
        runs = simulate(args, plan, &members);
    }
    #[cfg(feature = "live")]
    if args.engine != Engine::Sim {
        let chosen = if args.live_variants { &members[..] } else { &members[..1] };
        runs.extend(super::live::run_live(args, plan, chosen)?);
    }
    // The simulation of a variant before its live run, seed by seed.
    let place = |variant: &str| members.iter().position(|m| m.variant == variant);
    runs.sort_by_key(|run| (place(&run.variant), run.engine == "live", run.seed));
    Ok((runs, interrupt::interrupted()))
}

fn members(plan: &Plan) -> Vec<Member<'_>> {
    let baseline = Member { variant: "baseline", change: String::new(), scenario: &plan.baseline };
    let variants = plan.variants.iter().map(|variant| {
        let change: Vec<String> =
            variant.change.iter().map(|(path, value)| format!("{path}: {value}")).collect();
        Member { variant: &variant.name, change: change.join(", "), scenario: &variant.scenario }
    });
    std::iter::once(baseline).chain(variants).collect()
}

fn simulate(args: &Args, plan: &Plan, members: &[Member<'_>]) -> Vec<Run> {
    let seeds = plan.baseline.seed..plan.baseline.seed + u64::from(plan.baseline.replications);
    let jobs: Vec<(&Member<'_>, u64)> =
        members.iter().flat_map(|member| seeds.clone().map(move |seed| (member, seed))).collect();
    let bar = progress::bar(&format!("simulating {}", plan.name), jobs.len() as u64, args.json);
    let one = |&(member, seed): &(&Member<'_>, u64)| {
        if interrupt::interrupted() {
            return None;
        }
        let trace = if args.history { sim_with_history } else { sim }(member.scenario, seed);
        let judgement = judge_sim(member.scenario, &trace);
        bar.inc(1);
        Some(member.run("simulated", trace, judgement))
    };
    let runs = jobs.par_iter().filter_map(one).collect();
    bar.finish_and_clear();
    runs
}

impl Member<'_> {
    pub(super) fn run(&self, engine: &'static str, trace: Trace, judgement: Judgement) -> Run {
        let summary = Summary::new(self.scenario, &judgement);
        Run {
            variant: self.variant.into(),
            change: self.change.clone(),
            engine,
            seed: trace.seed,
            scenario: self.scenario.clone(),
            trace,
            judgement,
            summary,
            unfit: vec![],
            fitness: vec![],
        }
    }
}
