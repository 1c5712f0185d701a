//! The numbers of a module, from runs of its configs over the seeds that they ask for.
use super::{
    measured::{Measured, Numbers, Reading},
    read::Lecture,
};
use crate::{
    config::lecture::{ByHand, LoadedAnswer, Turn},
    engine::sim::sim,
    scenario::{Over, Scenario, plan::over},
    study::hysteresis::{Branch, Dwell, Staircase, Steps},
    theory::{ServiceHand, busiest, chain::Lasting, hand, predict, queues::mmc_wait_s},
    trace::Trace,
    verdict::{Judgement, Verdict, judge, measure as metric},
};
use rayon::prelude::*;

/// The runs that answers share: a scenario with its seeds, and which answers look at it.
struct Job {
    scenario: Scenario,
    stairs: Option<Staircase>,
    seeds: u32,
    answers: Vec<usize>,
}

/// How many runs the answers of `lecture` take.
pub fn jobs(lecture: &Lecture) -> u64 {
    shared(lecture).iter().map(|job| u64::from(job.seeds)).sum()
}

/// Runs what the answers of `lecture` ask for, on all cores. `done` is told of every run.
pub fn measure(lecture: &Lecture, done: &(dyn Fn() + Sync)) -> Numbers {
    let answers = &lecture.answers.answers;
    let jobs = shared(lecture);
    let runs: Vec<(&Job, u64)> =
        jobs.iter().flat_map(|job| (0..u64::from(job.seeds)).map(move |seed| (job, seed))).collect();
    let one = |&(job, index): &(&Job, u64)| {
        let trace = sim(&job.scenario, job.scenario.seed + index);
        let judgement = judge(&job.scenario, &trace, None);
        let asked = job.answers.iter().filter(|answer| index < u64::from(answers[**answer].seeds));
        let read = asked.map(|answer| (*answer, reading(&answers[*answer], job, &trace, &judgement)));
        let found: Vec<(usize, Reading)> = read.collect();
        done();
        found
    };
    let mut readings: Vec<Vec<Reading>> = answers.iter().map(|_| vec![]).collect();
    for (answer, reading) in runs.par_iter().map(one).collect::<Vec<_>>().into_iter().flatten() {
        readings[answer].push(reading);
    }
    let numbers = answers.iter().zip(readings).map(|(answer, readings)| {
        if let Some(by_hand) = answer.answer.by_hand {
            let value =
                calculate(by_hand, lecture.scenario(&answer.config, &answer.set, &answer.answer.variant));
            return Measured::new(answer, 0, vec![Reading::Number(value)]);
        }
        Measured::new(answer, readings.len(), readings)
    });
    Numbers(numbers.collect())
}

fn shared(lecture: &Lecture) -> Vec<Job> {
    let mut jobs: Vec<Job> = vec![];
    for (index, answer) in lecture.answers.answers.iter().enumerate() {
        if answer.answer.by_hand.is_some() {
            continue;
        }
        let scenario = lecture.scenario(&answer.config, &answer.set, &answer.answer.variant);
        let stairs = answer.answer.hysteresis.and_then(|_| Some(staircase(lecture, scenario)?.0));
        let scenario = stairs.as_ref().map_or_else(|| scenario.clone(), |stairs| stairs.scenario(scenario));
        match jobs.iter_mut().find(|job| job.scenario == scenario && job.stairs == stairs) {
            Some(job) => {
                job.seeds = job.seeds.max(answer.seeds);
                job.answers.push(index);
            }
            None => jobs.push(Job { scenario, stairs, seeds: answer.seeds, answers: vec![index] }),
        }
    }
    jobs
}

/// The loads up and down that `lecture` asks for.
pub(super) fn staircase(lecture: &Lecture, scenario: &Scenario) -> Option<(Staircase, Dwell)> {
    let stairs = lecture.answers.file.stairs?;
    let steps = Steps {
        from: Some(stairs.from.0),
        to: Some(stairs.to.0),
        step: Some(stairs.step.0),
        dwell: Some(stairs.dwell.0),
    };
    Staircase::new(scenario, &steps).ok()
}

fn reading(loaded: &LoadedAnswer, job: &Job, trace: &Trace, judgement: &Judgement) -> Reading {
    let answer = &loaded.answer;
    if let Some(turn) = answer.hysteresis {
        let branch = job.stairs.as_ref().map(|stairs| Branch::new(stairs, &job.scenario, trace));
        let level = branch.and_then(|branch| match turn {
            Turn::Falls => branch.tips_at,
            Turn::Heals => branch.heals_at,
        });
        return Reading::Number(level.unwrap_or(f64::NAN));
    }
    if let Some(asked) = answer.metric {
        return Reading::Number(metric(trace, asked, stretch(loaded, &job.scenario)));
    }
    if answer.after_lever.is_some() {
        return Reading::Word(judgement.after_lever.into());
    }
    match judgement.verdict {
        Verdict::Recovered { after } if answer.recovery_time.is_some() => {
            Reading::Number(after.as_secs_f64())
        }
        _ if answer.recovery_time.is_some() => Reading::Number(f64::NAN),
        _ => Reading::Word(judgement.verdict.word().into()),
    }
}

fn stretch(loaded: &LoadedAnswer, scenario: &Scenario) -> Over {
    over(loaded.answer.over, scenario.warmup, scenario.duration)
}

/// What a person would calculate of `scenario`; NaN where the formulas do not fit it.
fn calculate(by_hand: ByHand, scenario: &Scenario) -> f64 {
    let Some(found) = busiest(hand(scenario).services) else { return f64::NAN };
    match by_hand {
        ByHand::Capacity => found.capacity_per_s,
        ByHand::Utilisation => found.utilisation,
        ByHand::AttemptRate => found.attempts_per_s_when_failing,
        ByHand::HiddenCapacity => found.hidden_capacity_per_s,
        ByHand::Ceiling => found.ceiling_per_s,
        ByHand::JobsPerTimeout => found.jobs_per_timeout,
        ByHand::Backlog => found.backlog_jobs,
        ByHand::Drain => found.drain_s,
        ByHand::Lifetime => found.lifetime_s,
        ByHand::MeanQueue => mean_queue(scenario, &found),
        ByHand::ChainLifetime => lasting(scenario).map_or(f64::NAN, |l| l.lifetime.mean_s),
        ByHand::ChainRecovery => lasting(scenario).map_or(f64::NAN, |l| l.recovery.mean_s),
    }
}

/// How long the two states last in the chain of the first service; `None` where there is no chain, or one state.
fn lasting(scenario: &Scenario) -> Option<Lasting> {
    predict(scenario).services.into_iter().next()?.chain.ok()?.lasting
}

/// An M/M/c queue, by Little's law: all workers of a service at one queue.
fn mean_queue(scenario: &Scenario, hand: &ServiceHand) -> f64 {
    let service = &scenario.services[scenario.clients[0].service];
    let each_per_s = 1.0 / service.policy.service_time.mean_seconds();
    let wait_s = mmc_wait_s(service.policy.workers, hand.offered_per_s, each_per_s);
    if service.replicas == 1 { hand.offered_per_s * wait_s } else { f64::NAN }
}
