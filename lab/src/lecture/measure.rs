//! The numbers of a module, from runs of its configs over the seeds that they ask for.
use super::{read::Lecture, shown::Unit};
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
use serde::Serialize;

/// The numbers of a module, in the order of its answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Numbers(pub Vec<Measured>);

/// One number.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// The answer's name.
    pub name: String,
    /// What it is, of what, in words.
    pub of: String,
    /// How many seeds; 0 for a calculation.
    pub seeds: usize,
    /// What was found.
    pub found: Found,
    /// What it must be, in words.
    pub allowed: String,
    /// Whether it is.
    pub held: bool,
    unit: Unit,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Found {
    /// A number for each seed; NaN where there is none.
    Numbers(Vec<f64>),
    /// A word for each seed.
    Words(Vec<String>),
    /// So many of so many seeds.
    Share(usize, usize),
}

/// What one seed gives for one answer.
enum Reading {
    Number(f64),
    Word(String),
}

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
        // No trouble is over at once.
        Verdict::Unaffected if answer.recovery_time.is_some() => Reading::Number(0.0),
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

impl Numbers {
    /// The number called `name`.
    pub fn get(&self, name: &str) -> Option<&Measured> {
        self.0.iter().find(|measured| measured.name == name)
    }

    /// Whether all are what they must be.
    pub fn held(&self) -> bool {
        self.0.iter().all(|measured| measured.held)
    }
}

impl Measured {
    fn new(loaded: &LoadedAnswer, seeds: usize, readings: Vec<Reading>) -> Measured {
        let answer = &loaded.answer;
        let unit = Unit::of(loaded);
        let (mut numbers, mut words) = (vec![], vec![]);
        for reading in readings {
            match reading {
                Reading::Number(number) => numbers.push(number),
                Reading::Word(word) => words.push(word),
            }
        }
        let (low, high) = answer.limits();
        let must = answer.verdict.map(|w| word(&w)).or(answer.after_lever.map(|w| word(&w)));
        let (found, allowed, held) = match (answer.recovery_time, must) {
            (Some(bounds), _) => {
                let least = bounds.at_least.map_or(0.0, |d| d.0.as_secs_f64());
                let most = bounds.at_most.map_or(f64::INFINITY, |d| d.0.as_secs_f64());
                let held = numbers.iter().all(|n| (least..=most).contains(n));
                (Found::Numbers(numbers), unit.range(least, most), held)
            }
            (None, Some(must)) if answer.between.is_some() => {
                let hits = words.iter().filter(|found| **found == must).count();
                let share = hits as f64 / words.len() as f64;
                let held = (low..=high).contains(&share);
                (Found::Share(hits, words.len()), Unit::Share.range(low, high), held)
            }
            (None, Some(must)) => {
                let held = words.iter().all(|word| *word == must);
                (Found::Words(words), must, held)
            }
            (None, None) => {
                let held = numbers.iter().all(|n| (low..=high).contains(n));
                (Found::Numbers(numbers), unit.range(low, high), held)
            }
        };
        Measured { name: loaded.name.clone(), of: of(loaded), seeds, found, allowed, held, unit }
    }

    /// The median of the numbers, the most frequent of the words, or how many of how many.
    pub fn shown(&self) -> String {
        match &self.found {
            Found::Numbers(numbers) => self.unit.shown(median(numbers)),
            Found::Words(words) => most_frequent(words),
            Found::Share(hits, runs) => format!("{hits} of {runs}"),
        }
    }

    /// From the smallest to the largest.
    pub fn range(&self) -> String {
        match &self.found {
            Found::Numbers(numbers) => {
                let low = numbers.iter().copied().fold(f64::INFINITY, f64::min);
                let high = numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                self.unit.range(low, high)
            }
            _ => self.shown(),
        }
    }

    /// Where the number comes from, in a sentence.
    pub fn origin(&self) -> String {
        match (&self.found, self.seeds) {
            (_, 0) => format!("calculated: {}", self.of),
            (Found::Numbers(_), 1) => format!("measured: {}, one seed", self.of),
            (Found::Numbers(_), n) => format!("measured: {}; median of {n} seeds, {}", self.of, self.range()),
            (_, n) => format!("measured: {}, {n} seeds", self.of),
        }
    }
}

/// The word of the language for a choice of it.
fn word(choice: &impl Serialize) -> String {
    serde_json::to_value(choice).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

/// The middle one; of an even number the mean of the two.
fn median(numbers: &[f64]) -> f64 {
    let mut sorted: Vec<f64> = numbers.iter().copied().filter(|n| !n.is_nan()).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => sorted[n / 2],
        n => f64::midpoint(sorted[n / 2 - 1], sorted[n / 2]),
    }
}

fn most_frequent(words: &[String]) -> String {
    let count = |word: &String| words.iter().filter(|other| *other == word).count();
    words.iter().rev().max_by_key(|word| count(word)).cloned().unwrap_or_default()
}

/// What an answer is about, in words: `goodput over last 60 s, storm.yaml, variant no_retries, workload.rate=100/s`.
fn of(loaded: &LoadedAnswer) -> String {
    let answer = &loaded.answer;
    let spoken = |choice: String| choice.replace('_', " ");
    let mut parts = vec![match answer {
        a if a.recovery_time.is_some() => "recovery time".into(),
        a if a.between.is_some() && a.verdict.is_some() => {
            format!("seeds that are {}", a.verdict.map_or_else(String::new, |w| word(&w)))
        }
        a if a.between.is_some() && a.after_lever.is_some() => {
            format!("seeds {} after the lever", a.after_lever.map_or_else(String::new, |w| word(&w)))
        }
        a if a.verdict.is_some() => "verdict".into(),
        a if a.after_lever.is_some() => "after the lever".into(),
        a if a.hysteresis == Some(Turn::Falls) => "load at which it falls".into(),
        a if a.hysteresis == Some(Turn::Heals) => "load at which it heals".into(),
        a => {
            let metric = a.metric.map(|metric| spoken(word(&metric)));
            metric.or(a.by_hand.map(|by_hand| spoken(word(&by_hand)))).unwrap_or_default()
        }
    }];
    if let Some(over) = answer.over {
        parts[0] += &format!(" over {over}");
    }
    parts.push(loaded.config.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned()));
    if !answer.variant.is_empty() {
        parts.push(format!("variant {}", answer.variant));
    }
    parts.extend(loaded.set.iter().cloned());
    parts.join(", ")
}
