//! The hand calculations as lines of text.
use super::{Hand, ServiceHand};
use crate::theory::grouped;
use serde::Serialize;

/// One line of the calculations, for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// What it is.
    pub label: String,
    /// How it is calculated.
    pub formula: String,
    /// What comes out, with its unit.
    pub value: String,
}

impl Hand {
    /// The calculations, line by line; none where no service could be calculated.
    pub fn rows(&self) -> Vec<Row> {
        let many = self.services.len() > 1;
        let mut rows = vec![];
        for service in &self.services {
            rows.extend(service.rows().into_iter().map(|row| match many {
                true => Row { label: format!("{}: {}", service.service, row.label), ..row },
                false => row,
            }));
        }
        if rows.is_empty() {
            return rows;
        }
        rows.push(row(
            "shortest run",
            "triggers over + 3 × longest drain or health window",
            seconds(self.shortest_run_s),
        ));
        rows
    }
}

impl ServiceHand {
    /// The calculations, line by line.
    pub fn rows(&self) -> Vec<Row> {
        let mut rows = vec![
            row("capacity", "μ = replicas × workers / mean service time", rate(self.capacity_per_s)),
            row("offered load", "λ", rate(self.offered_per_s)),
            row("utilisation", "ρ = λ/μ", format!("{} %", figure(100.0 * self.utilisation))),
            row("attempts per call, all failing", "R", figure(self.attempts_when_failing)),
            row("attempt rate, all failing", "λR", rate(self.attempts_per_s_when_failing)),
            row("hidden capacity", "μ/R: a lower load heals by itself", rate(self.hidden_capacity_per_s)),
            row(
                "timeout",
                "T",
                if self.timeout_s.is_finite() { seconds(self.timeout_s) } else { "none".into() },
            ),
            row("jobs per timeout", "μT: whoever finds more is late", jobs(self.jobs_per_timeout)),
            row("jobs per timeout and replica", "μT / replicas", jobs(self.jobs_per_timeout_and_replica)),
            row("places per replica", "queue + workers", jobs(self.places_per_replica)),
            row("backlog when triggers end", "∫(attempts − completions)", jobs(self.backlog_jobs)),
            row("drain", "what is above μT at μ − λR, the rest at μ − λ", seconds(self.drain_s)),
        ];
        if self.vulnerable {
            rows.push(row("load ceiling", "a higher load falls by itself", rate(self.ceiling_per_s)));
            rows.push(row(
                "lifetime of the healthy state",
                "mean time until μT jobs wait",
                seconds(self.lifetime_s),
            ));
        }
        rows
    }
}

fn row(label: &str, formula: &str, value: String) -> Row {
    Row { label: label.into(), formula: formula.into(), value }
}

pub(in crate::theory) fn rate(per_s: f64) -> String {
    format!("{}/s", figure(per_s))
}

pub(in crate::theory) fn jobs(n: f64) -> String {
    if n.is_infinite() { "unbounded".into() } else { format!("{} jobs", figure(n)) }
}

const DAY_S: f64 = 86_400.0;
const YEAR_S: f64 = 365.25 * DAY_S;

pub(in crate::theory) fn seconds(s: f64) -> String {
    match s {
        s if s.is_infinite() => "never".into(),
        s if s > 100.0 * YEAR_S => "more than 100 years".into(),
        s if s >= YEAR_S => format!("{} years", figure(s / YEAR_S)),
        s if s >= 2.0 * DAY_S => format!("{} days", figure(s / DAY_S)),
        s => format!("{} s", figure(s)),
    }
}

/// A number to three or four figures, as a person would write it.
pub(in crate::theory) fn figure(x: f64) -> String {
    let decimals = match x.abs() {
        x if x >= 100.0 || x == 0.0 => 0,
        x if x >= 10.0 => 1,
        _ => 2,
    };
    let text = format!("{x:.decimals$}");
    grouped(if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text })
}
