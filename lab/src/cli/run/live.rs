//! Live runs, one after the other.
use super::{Args, Failure, Run, execute::Member};
use crate::{
    cli::{interrupt, progress},
    engine::live::{Fitness, LiveError, LiveOptions, Progress, live},
    report::FitnessRow,
    scenario::plan::Plan,
    verdict::judge,
};

/// Runs `members` live with the first seed.
pub(super) fn run_live(args: &Args, plan: &Plan, members: &[Member<'_>]) -> Result<Vec<Run>, Failure> {
    let mut runs = vec![];
    for member in members {
        if interrupt::interrupted() {
            break;
        }
        let bar = progress::bar(
            &format!("live {} {}", plan.name, member.variant),
            member.scenario.duration.0 / 1_000_000,
            args.json,
        );
        let show = |p: Progress| bar.set_position(p.elapsed.0 / 1_000_000);
        let options = LiveOptions {
            progress: Some(&show),
            interrupted: Some(interrupt::flag()),
            ..LiveOptions::default()
        };
        let done = live(member.scenario, plan.baseline.seed, &options);
        bar.finish_and_clear();
        let done = match done {
            Ok(done) => done,
            Err(_) if interrupt::interrupted() => break,
            Err(error @ LiveError::Host(_)) => return Err(Failure::Host(error.to_string())),
            Err(error) => return Err(Failure::Host(error.to_string())),
        };
        let judgement = judge(member.scenario, &done.trace, None);
        let mut run = member.run("live", done.trace, judgement);
        run.fitness = rows(&done.fitness);
        run.unfit = if done.fitness.fit { vec![] } else { done.fitness.reasons };
        runs.push(run);
    }
    Ok(runs)
}

/// What was measured of the host, for the report.
fn rows(fitness: &Fitness) -> Vec<FitnessRow> {
    let row = |check: &str, measured: String| FitnessRow {
        check: check.into(),
        measured,
        limit: String::new(),
        fit: fitness.fit,
    };
    let us = |us: f64| format!("{us:.0} µs");
    vec![
        row("attempts sent late, p99", us(fitness.lateness_p99_us)),
        row("timer of the clients late, p99", us(fitness.timer_p99_us)),
        row("timer of the worst replica late, p99", us(fitness.station_p99_us)),
        row("attempts sent of those wanted", format!("{} of {}", fitness.sent, fitness.scheduled)),
        row(
            "most connections open",
            format!("{} of {} descriptors", fitness.connections_max, fitness.descriptors),
        ),
        row("host-bound windows", format!("{:.1} %", 100.0 * fitness.host_bound)),
        row("calls that this host carries", format!("{:.0}/s", fitness.carries_per_s)),
    ]
}
