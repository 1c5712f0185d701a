//! A measured number: what it is, what came out over the seeds, what must come out, and how a text says it.
use super::shown::Unit;
use crate::config::lecture::{LoadedAnswer, Turn};
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

/// What one seed gives for one answer.
pub(super) enum Reading {
    Number(f64),
    Word(String),
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
    pub(super) fn new(loaded: &LoadedAnswer, seeds: usize, readings: Vec<Reading>) -> Measured {
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
