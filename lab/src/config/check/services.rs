//! Services, queues and laws.
use super::{Checker, join};
use crate::config::{
    cache::FillTimeout,
    choice::OrNone,
    recorded,
    replication::{Ack, Readers, Replication},
    service::{Discipline, Law, LawKind, Service},
};
use lab_core::{replicate::REPLICAS_MAX, time::Span};

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
        self.group(path, service);
        self.cache(path, service);
        self.discipline(&join(path, "queue.discipline"), service.queue.discipline);
    }

    pub(super) fn discipline(&mut self, path: &str, discipline: Discipline) {
        match discipline {
            Discipline::Codel { interval, .. } if interval.0 == Span::ZERO => {
                self.error(&join(path, "codel.interval"), "an interval of no length cannot be observed");
            }
            Discipline::Codel { target, interval } if target.0 > interval.0 => {
                let message =
                    format!("a target of {target} above the interval of {interval} is never reached in time");
                self.warn(&join(path, "codel.target"), message);
            }
            Discipline::AdaptiveLifo { target, .. } if target.0 == Span::ZERO => {
                let message = "everybody who waits would be turned away while the queue stands";
                self.warn(&join(path, "adaptive_lifo.target"), message);
            }
            _ => {}
        }
    }

    /// What concerns a cache.
    fn cache(&mut self, path: &str, service: &Service) {
        let OrNone::Some(cache) = &service.cache else { return };
        if service.is_group() {
            self.error(&join(path, "cache"), "a cache has neither replication nor a membership");
        }
        let path = join(path, "cache");
        let names: Vec<String> = self.service_names().into_iter().map(str::to_owned).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        if self.must_be_one_of(&join(&path, "calls"), "service", &cache.calls, &names) {
            let store = &self.experiment.services[&cache.calls];
            if store.cache.as_ref().is_some() {
                self.error(&join(&path, "calls"), "a cache calls a store, not another cache");
            }
        }
        if cache.capacity.0 == 0 {
            self.error(&join(&path, "capacity"), "expected at least 1 key, found 0");
        }
        if cache.capacity.0 > 10_000_000 && cache.capacity.0 != usize::MAX {
            self.error(&join(&path, "capacity"), "expected at most 10000000 keys, or `unbounded`");
        }
        if let FillTimeout::After(span) = cache.fill_timeout
            && span.0 == Span::ZERO
        {
            self.error(&join(&path, "fill_timeout.after"), "a fill needs time");
        }
    }

    /// What concerns a group of replicas.
    fn group(&mut self, path: &str, service: &Service) {
        for (key, law) in [("apply_time", &service.apply_time), ("transfer_time", &service.transfer_time)] {
            if let OrNone::Some(law) = law {
                self.law(&join(path, key), law, true);
            }
        }
        let replicated = service.replication != Replication::None;
        if replicated && service.replicas as usize > REPLICAS_MAX {
            let message = format!(
                "expected at most {REPLICAS_MAX} replicas of a replicated store, found {}",
                service.replicas
            );
            self.error(&join(path, "replicas"), message);
        }
        if !replicated {
            let only = "plays no part without replication";
            for (key, there) in [
                ("apply_time", service.apply_time.as_ref().is_some()),
                ("transfer_time", service.transfer_time.as_ref().is_some()),
                ("deduplicate", service.deduplicate),
            ] {
                if there {
                    self.warn(&join(path, key), only);
                }
            }
        }
        if let Replication::PrimaryBackup { ack, reads: Readers::Quorum } = service.replication
            && ack != Ack::Majority
        {
            let message =
                "a quorum of readers is a majority, and has to overlap those who acknowledged the write";
            let help = Some("write `ack: majority`".into());
            self.error_with(&join(path, "replication.primary_backup.reads"), message, help);
        }
        let OrNone::Some(membership) = &service.membership else { return };
        let path = join(path, "membership");
        if !replicated && service.replicas as usize > REPLICAS_MAX {
            let message = format!("expected at most {REPLICAS_MAX} replicas under a membership");
            self.error(&path, message);
        }
        if membership.heartbeat.every.0 == Span::ZERO {
            self.error(&join(&path, "heartbeat.every"), "heartbeats need time between them");
        }
        if membership.timeout.0 <= membership.heartbeat.every.0 {
            let message = format!(
                "a timeout of {} is not longer than the {} between heartbeats: every member would be ejected",
                membership.timeout, membership.heartbeat.every
            );
            self.error(&join(&path, "timeout"), message);
        }
        if !membership.lease.0.is_forever() && membership.lease.0 > membership.timeout.0 {
            let message = format!(
                "a lease of {} outlasts the timeout of {}: a member could act after it was ejected",
                membership.lease, membership.timeout
            );
            self.error(&join(&path, "lease"), message);
        }
        for (key, share) in [("max_ejected", membership.max_ejected), ("panic_below", membership.panic_below)]
        {
            if share.0 > 1.0 {
                self.error(&join(&path, key), format!("expected at most 100 %, found {share}"));
            }
        }
        if membership.transfer.part == 0 {
            self.error(&join(&path, "transfer.part"), "expected at least 1 key, found 0");
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
