//! Services, queues and laws.
use super::{Checker, join};
use crate::config::{
    choice::OrNone,
    recorded,
    service::{Discipline, Law, LawKind, Service},
};
use lab_core::time::Span;

/// More of anything is refused: it would take all memory before it shows anything.
const MOST: u32 = 100_000;

impl Checker<'_> {
    pub(super) fn services(&mut self) {
        for (name, service) in &self.experiment.services {
            self.service(&join("services", name), service);
        }
    }

    pub(super) fn count(&mut self, path: &str, what: &str, count: u32) {
        if count == 0 {
            self.error(path, format!("expected at least 1 {what}, found 0"));
        } else if count > MOST {
            self.error(path, format!("expected at most {MOST} {what}s, found {count}"));
        }
    }

    fn service(&mut self, path: &str, service: &Service) {
        self.count(&join(path, "replicas"), "replica", service.replicas);
        self.count(&join(path, "workers"), "worker", service.workers);
        self.law(&join(path, "service_time"), &service.service_time, false);
        if let OrNone::Some(law) = &service.error_service_time {
            self.law(&join(path, "error_service_time"), law, true);
        }
        let discipline = join(path, "queue.discipline");
        match service.queue.discipline {
            Discipline::Codel { interval, .. } if interval.0 == Span::ZERO => {
                self.error(
                    &join(&discipline, "codel.interval"),
                    "an interval of no length cannot be observed",
                );
            }
            Discipline::Codel { target, interval } if target.0 > interval.0 => {
                let message =
                    format!("a target of {target} above the interval of {interval} is never reached in time");
                self.warn(&join(&discipline, "codel.target"), message);
            }
            Discipline::AdaptiveLifo { target, .. } if target.0 == Span::ZERO => {
                let message = "everybody who waits would be turned away while the queue stands";
                self.warn(&join(&discipline, "adaptive_lifo.target"), message);
            }
            _ => {}
        }
    }

    /// `zero` says whether it may always be zero.
    pub(super) fn law(&mut self, path: &str, law: &Law, zero: bool) {
        let nothing = "work that takes no time cannot load a service";
        match &law.0 {
            LawKind::Constant(span) if span.0 == Span::ZERO && !zero => {
                self.error(&join(path, "constant"), nothing);
            }
            LawKind::Exponential { mean } if mean.0 == Span::ZERO => {
                self.error(&join(path, "exponential.mean"), "an exponential law needs a mean above zero");
            }
            LawKind::Lognormal { median, sigma } => {
                if median.0 == Span::ZERO {
                    self.error(&join(path, "lognormal.median"), "a lognormal law needs a median above zero");
                }
                if !(0.0..=5.0).contains(sigma) {
                    let message = format!("expected a number from 0 to 5, found `{sigma}`");
                    self.error(&join(path, "lognormal.sigma"), message);
                }
            }
            LawKind::Pareto { minimum, shape } => {
                if minimum.0 == Span::ZERO {
                    self.error(&join(path, "pareto.minimum"), "a Pareto law needs a minimum above zero");
                }
                if *shape <= 1.0 {
                    let message =
                        format!("a Pareto law of shape {shape} has no finite mean; expected more than 1");
                    self.error_with(
                        &join(path, "pareto.shape"),
                        message,
                        Some("2.5 is a heavy tail with a variance".into()),
                    );
                } else if *shape <= 2.0 {
                    let message = format!(
                        "a Pareto law of shape {shape} has no finite variance: averages hardly settle"
                    );
                    self.warn(&join(path, "pareto.shape"), message);
                }
            }
            LawKind::Recorded { file } => match recorded::lengths(file) {
                Err(message) => self.error(&join(path, "recorded.file"), message),
                Ok(spans) if spans.iter().all(|s| *s == Span::ZERO) && !zero => {
                    self.error(&join(path, "recorded.file"), nothing);
                }
                Ok(_) => {}
            },
            LawKind::Constant(_) | LawKind::Exponential { .. } => {}
        }
    }
}
