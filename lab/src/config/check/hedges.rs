//! Hedged requests: what goes together.
use super::{Checker, join};
use crate::config::{
    budget::Budget,
    choice::OrNone,
    client::{Client, Retry},
    hedge::{Hedge, HedgeAfter},
    replication::{Readers, Replication},
    service::Service,
};
use lab_core::{hedge::ATTEMPTS_MAX, time::Span};

impl Checker<'_> {
    pub(super) fn hedge(&mut self, path: &str, hedge: &Hedge, client: &Client) {
        if !(2..=ATTEMPTS_MAX as u32).contains(&hedge.max_attempts) {
            let message = format!("expected from 2 to {ATTEMPTS_MAX} attempts, found {}", hedge.max_attempts);
            let help = (hedge.max_attempts == 1).then(|| "for no hedging, write `hedge: none`".into());
            self.error_with(&join(path, "max_attempts"), message, help);
        }
        if let HedgeAfter::Fixed(wait) = hedge.after {
            self.wait(&join(path, "after"), wait.0, client);
        }
        self.outcomes(&join(path, "non_fatal"), &hedge.non_fatal);
        let budget = join(path, "budget");
        if let Budget::AwsQuota { .. } = hedge.budget {
            let message = "`aws_quota` charges by what has failed, and nothing has when a hedge is sent";
            self.error(&budget, message);
        } else {
            self.budget(&budget, &hedge.budget);
        }
        if let Some(service) = self.experiment.services.get(&client.calls) {
            self.hedged_service(path, hedge, client, service);
        }
    }

    fn wait(&mut self, path: &str, wait: Span, client: &Client) {
        let limit = client.per_try_timeout.0.min(client.deadline.0);
        if wait == Span::ZERO {
            let help = Some("a percentile such as `p95` hedges only what is slow".into());
            self.error_with(
                path,
                "without a wait every call would be sent at once as often as allowed",
                help,
            );
        } else if !limit.is_forever() && wait >= limit {
            let limit = if limit == client.deadline.0 { client.deadline } else { client.per_try_timeout };
            self.warn(path, format!("every attempt is over after {limit}, before it gets one beside it"));
        }
    }

    /// An error if `client` would retry what it hedges.
    pub(super) fn hedged_or_retried(&mut self, path: &str, retry: &Retry, client: &Client) {
        let service = self.experiment.services.get(&client.calls);
        let (OrNone::Some(hedge), Some(service)) = (&client.hedge, service) else { return };
        let all = service.replication == Replication::None || hedge.writes;
        if all && retry.max_attempts.0 > 1 {
            let message = "a call is hedged or retried, not both";
            let help = "a hedge follows at once after `non_fatal` outcomes; write `retry: none`";
            self.error_with(path, message, Some(help.into()));
        }
    }

    fn hedged_service(&mut self, path: &str, hedge: &Hedge, client: &Client, service: &Service) {
        let replicated = service.replication != Replication::None;
        if let OrNone::Some(retry) = &client.retry {
            self.hedged_or_retried(path, retry, client);
        }
        if !replicated && hedge.writes {
            self.warn(&join(path, "writes"), "plays no part without replication: every call is hedged");
        } else if hedge.writes && !service.deduplicate {
            let message = "a hedged write is carried out twice unless it carries an idempotency key";
            let help = format!("write `deduplicate: true` in `services.{}`", client.calls);
            self.error_with(&join(path, "writes"), message, Some(help));
        }
        let reads_alone = match service.replication {
            Replication::None => false,
            Replication::PrimaryBackup { reads, .. } => reads == Readers::Leader,
            Replication::Chain => true,
            Replication::Craq { .. } | Replication::SharedLog => false,
        };
        if service.replicas == 1 {
            self.warn(path, "there is one replica: every hedge asks it again");
        } else if reads_alone {
            self.warn(path, "one replica answers all reads: every hedge asks it again");
        }
        let workload = client.workload.as_ref().or(self.experiment.workload.as_ref());
        let writes = workload.and_then(|w| w.mix.get("write")).is_some_and(|share| share.0 > 0.0);
        if service.cache.as_ref().is_some() && writes {
            self.error(path, "writes through a cache cannot be hedged in this version, and the mix has some");
        }
    }
}
