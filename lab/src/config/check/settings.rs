//! Settings that change during a run: whose they are, whether they are there, and whether their new values make sense.
use super::{Checker, join};
use crate::config::{
    Experiment,
    choice::OrNone,
    client::{Client, Retry},
    overlay::find,
    service::Service,
    setting::{ClientValue, ServiceValue, Setting, Settings},
};

impl Checker<'_> {
    /// `happens`: it is a trigger, or a lever that is pulled.
    pub(super) fn settings(&mut self, path: &str, settings: &Settings, happens: bool) {
        let experiment = self.experiment;
        for setting in &settings.0 {
            let value_at = join(path, &setting.path());
            let known = match setting {
                Setting::Client(name, value) => {
                    let client = experiment.clients.get(name);
                    if let Some(client) = client {
                        self.client_value(&value_at, value, client);
                    }
                    let names: Vec<&str> = experiment.clients.keys().map(String::as_str).collect();
                    self.must_be_one_of(&value_at, "client", name, &names)
                }
                Setting::Service(name, value) => {
                    let service = experiment.services.get(name);
                    if let Some(service) = service {
                        self.service_value(&value_at, value, service);
                    }
                    let names: Vec<&str> = experiment.services.keys().map(String::as_str).collect();
                    self.must_be_one_of(&value_at, "service", name, &names)
                }
            };
            // A name is a part of the key.
            let key = find(self.tree, path).ok().and_then(|set| set.entry(&setting.path()));
            if let (false, Some(entry), Some(finding)) = (known, key, self.findings.last_mut())
                && finding.path == value_at
            {
                finding.place = entry.key.place;
            }
            if happens && changes_nothing(experiment, setting) {
                self.warn(&value_at, "the experiment has this value already: it changes nothing by itself");
            }
        }
    }

    fn client_value(&mut self, path: &str, value: &ClientValue, client: &Client) {
        let retry = client.retry.as_ref();
        if !matches!(value, ClientValue::PerTryTimeout(_) | ClientValue::Retry(_)) && retry.is_none() {
            let message = "the client has `retry: none`, of which no part can be set";
            return self.error_with(path, message, Some("set `retry` as a whole".into()));
        }
        match (value, retry) {
            (ClientValue::PerTryTimeout(timeout), _) => {
                self.limit(path, *timeout);
                self.timeout(path, *timeout, client.deadline);
            }
            (ClientValue::Retry(OrNone::Some(retry)), _) => {
                self.retry(path, retry, client);
                self.hedged_or_retried(path, retry, client);
            }
            (ClientValue::MaxAttempts(attempts), Some(retry)) => {
                let changed = Retry { max_attempts: *attempts, ..retry.clone() };
                self.endless(path, &changed);
                self.hedged_or_retried(path, &changed, client);
            }
            (ClientValue::RetryOn(outcomes), _) => self.outcomes(path, outcomes),
            (ClientValue::Backoff(backoff), Some(retry)) => {
                if let OrNone::Some(backoff) = backoff {
                    self.backoff(path, backoff);
                }
                self.endless(path, &Retry { backoff: backoff.clone(), ..retry.clone() });
            }
            (ClientValue::Budget(budget), Some(retry)) => {
                self.budget(path, budget);
                self.endless(path, &Retry { budget: *budget, ..retry.clone() });
            }
            _ => {}
        }
    }

    fn service_value(&mut self, path: &str, value: &ServiceValue, service: &Service) {
        match value {
            ServiceValue::Workers(workers) => self.count(path, "worker", *workers),
            ServiceValue::Queue(queue) => self.discipline(&join(path, "discipline"), queue.discipline),
            ServiceValue::Discipline(discipline) => self.discipline(path, *discipline),
            ServiceValue::Capacity(_) => {}
            ServiceValue::Cancel(_) => {
                if service.cache.as_ref().is_some() {
                    self.error(path, "of a cache this cannot change in a run");
                }
            }
        }
    }
}

/// Whether `experiment` has the value already.
fn changes_nothing(experiment: &Experiment, setting: &Setting) -> bool {
    match setting {
        Setting::Client(name, value) => experiment.clients.get(name).is_some_and(|client| {
            let retry = client.retry.as_ref();
            match value {
                ClientValue::PerTryTimeout(timeout) => *timeout == client.per_try_timeout,
                ClientValue::Retry(all) => *all == client.retry,
                ClientValue::MaxAttempts(attempts) => retry.is_some_and(|r| *attempts == r.max_attempts),
                ClientValue::RetryOn(outcomes) => retry.is_some_and(|r| *outcomes == r.retry_on),
                ClientValue::Backoff(backoff) => retry.is_some_and(|r| *backoff == r.backoff),
                ClientValue::Budget(budget) => retry.is_some_and(|r| *budget == r.budget),
            }
        }),
        Setting::Service(name, value) => experiment.services.get(name).is_some_and(|service| match value {
            ServiceValue::Workers(workers) => *workers == service.workers,
            ServiceValue::Queue(queue) => *queue == service.queue,
            ServiceValue::Discipline(discipline) => *discipline == service.queue.discipline,
            ServiceValue::Capacity(capacity) => *capacity == service.queue.capacity,
            ServiceValue::Cancel(cancel) => *cancel == service.cancel,
        }),
    }
}
