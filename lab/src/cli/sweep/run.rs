//! `lab sweep run`: simulates what is missing, or a share of it.
use super::{Exit, Failure, Out, Outcome, SweepFile, live, plan, tell, terminate};
use crate::{
    cli::{interrupt, progress::bar, writing::stopwatch},
    sweep::{Attempt, Cell, Plan, Progress, Shard, read, run as simulate, shard},
};
use serde_json::json;

/// Simulate what is missing, or a share of it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lab sweep run configs/sweeps/load-by-spike.yaml -o out
  lab sweep run configs/sweeps/load-by-spike.yaml -o out --shard 3/16 -j 1

Without --shard, the environment is asked: SLURM_ARRAY_TASK_ID or JOB_COMPLETION_INDEX with LAB_SHARDS,
OMPI_COMM_WORLD_RANK, SLURM_PROCID. It may be stopped at any time; what is done is kept, and run again it goes on.

A sweep with `engine: live` runs its cells one after the other, in real time, on this host alone.
Exit codes: 0 this share is done, 2 the host was unfit for a live cell, 75 try again (stopped by SIGTERM, or the round before is not complete)")]
pub(super) struct Args {
    #[command(flatten)]
    pub(super) sweep: SweepFile,
    #[command(flatten)]
    pub(super) out: Out,
    /// Only share I of N, counted from 0
    #[arg(long, value_name = "I/N")]
    shard: Option<Shard>,
    /// Only this round, counted from 0; those before it must be complete
    #[arg(long, value_name = "K")]
    round: Option<u32>,
    /// Of a live sweep: longer than ten minutes, without asking
    #[arg(long)]
    pub(super) yes: bool,
    /// Of a live sweep: run those cells again, too, that have no run on a host that was fit
    #[arg(long)]
    pub(super) unfit: bool,
    /// Cores to use; all there are if left out
    #[arg(short = 'j', long, value_name = "CORES", default_value_t = 0)]
    pub(super) cores: usize,
    /// Print one JSON document instead of text
    #[arg(long)]
    pub(super) json: bool,
}

/// What this process has done.
#[derive(Default)]
pub(super) struct Done {
    pub(super) cells: usize,
    pub(super) before: usize,
    pub(super) rounds: Vec<u32>,
}

pub(super) fn run(args: &Args) -> Outcome {
    let plan = plan(&args.sweep.file)?;
    let (shard, by) = chosen(args)?;
    interrupt::listen();
    terminate::listen();
    if !args.json {
        println!("{}", introduced(&plan, shard, by));
    }
    let clock = stopwatch();
    let mut done = Done::default();
    let exit = match plan.grid.live {
        true => live::all(args, &plan, shard, &mut done)?,
        false => rounds(args, &plan, shard, &mut done)?,
    };
    let left = Progress::of(&plan, &read(&args.out.out)?);
    told(args, &plan, shard, &done, &left, clock.elapsed().as_secs_f64(), exit);
    Ok(exit)
}

/// The share to do, and what said so.
fn chosen(args: &Args) -> Result<(Shard, &'static str), Failure> {
    match args.shard {
        Some(shard) => Ok((shard, "--shard")),
        None => Ok(shard::from_environment(|name| std::env::var(name).ok())?),
    }
}

fn introduced(plan: &Plan, shard: Shard, by: &str) -> String {
    let share = match (shard.is_whole(), by) {
        (true, "") => "all cells".to_owned(),
        _ => format!("shard {shard}, by {by}"),
    };
    format!("{} · plan {} · {share}", plan.grid.name, plan.id)
}

/// Does this process's part of one round after the other, as long as the results of the others allow it.
fn rounds(args: &Args, plan: &Plan, shard: Shard, done: &mut Done) -> Outcome {
    loop {
        let store = read(&args.out.out)?;
        let progress = Progress::of(plan, &store);
        match args.round {
            Some(round) if round > progress.round && !progress.is_complete() => return Ok(Exit::TryAgain),
            // Another process is ahead, or there is no such round: nothing is left to do.
            Some(round) if round != progress.round => return Ok(Exit::Done),
            _ => {}
        }
        let own = |position: &&usize| shard.has(**position);
        let mine: Vec<Cell> = progress.missing.iter().filter(own).map(|i| progress.cells[*i]).collect();
        if !done.rounds.contains(&progress.round) {
            done.rounds.push(progress.round);
            let share = (0..progress.cells.len()).filter(|i| shard.has(*i)).count();
            done.before += share - mine.len();
        }
        if mine.is_empty() {
            return Ok(Exit::Done);
        }
        let what = format!("round {} of at most {}", progress.round + 1, progress.rounds);
        let bar = bar(&what, mine.len() as u64, args.json);
        let attempt = Attempt::begin(&args.out.out, plan, shard)?;
        let stop = || interrupt::interrupted() || terminate::terminated();
        done.cells += simulate(plan, &mine, args.cores, attempt, stop, || bar.inc(1))?;
        bar.finish_and_clear();
        if terminate::terminated() {
            return Ok(Exit::TryAgain);
        }
        if interrupt::interrupted() {
            return Ok(Exit::Interrupted);
        }
        // The next round needs what the others find.
        if !shard.is_whole() || args.round.is_some() {
            return Ok(Exit::Done);
        }
    }
}

fn told(args: &Args, plan: &Plan, shard: Shard, done: &Done, left: &Progress, took_s: f64, exit: Exit) {
    if args.json {
        let document = json!({
            "version": 1, "sweep": plan.grid.name, "plan": plan.id, "shard": [shard.index, shard.of],
            "rounds": done.rounds, "cells": done.cells, "done_before": done.before, "took_s": took_s,
            "complete": left.is_complete(), "unfit": left.unfit.len(), "exit_code": exit.number(),
        });
        println!("{document:#}");
        return;
    }
    let before = if done.before > 0 { format!(", {} were done before", done.before) } else { String::new() };
    println!("{} cells in {took_s:.1} s{before}", done.cells);
    let (round, missing) = (left.round + 1, left.missing.len());
    match exit {
        _ if !left.unfit.is_empty() => print!("{}", tell::unfit(left)),
        Exit::TryAgain => println!("not finished: run it again, what is done is kept"),
        _ if left.is_complete() => println!("all {} cells of the sweep are there", left.asked()),
        _ => println!("round {round} of at most {}: {missing} cells are missing", left.rounds),
    }
}
