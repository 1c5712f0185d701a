//! Settings that change during a run: whose they are, whether they are there, and whether their new values make sense.
use super::{Checker, join};
use crate::config::{
    choice::OrNone,
    client::{Client, Retry},
    overlay::find,
    service::Service,
    setting::{ClientValue, ServiceValue, Setting, Settings},
};

impl Checker<'_> {
    pub(super) fn settings(&mut self, path: &str, settings: &Settings) {
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
        }
    }

    fn client_value(&mut self, path: &str, value: &ClientValue, client: &Client) {
        match value {
            ClientValue::PerTryTimeout(timeout) => {
                self.same(path, *timeout == client.per_try_timeout);
                self.limit(path, *timeout);
                self.timeout(path, *timeout, client.deadline);
            }
            ClientValue::Retry(retry) => {
                self.same(path, *retry == client.retry);
                if let OrNone::Some(retry) = retry {
                    self.retry(path, retry, client);
                    self.hedged_or_retried(path, retry, client);
                }
            }
            ClientValue::MaxAttempts(attempts) => {
                let Some(retry) = self.retried(path, client) else { return };
                self.same(path, *attempts == retry.max_attempts);
                let changed = Retry { max_attempts: *attempts, ..retry.clone() };
                self.endless(path, &changed);
                self.hedged_or_retried(path, &changed, client);
            }
            ClientValue::RetryOn(outcomes) => {
                let Some(retry) = self.retried(path, client) else { return };
                self.same(path, *outcomes == retry.retry_on);
                self.outcomes(path, outcomes);
            }
            ClientValue::Backoff(backoff) => {
                let Some(retry) = self.retried(path, client) else { return };
                self.same(path, *backoff == retry.backoff);
                if let OrNone::Some(backoff) = backoff {
                    self.backoff(path, backoff);
                }
                self.endless(path, &Retry { backoff: backoff.clone(), ..retry.clone() });
            }
            ClientValue::Budget(budget) => {
                let Some(retry) = self.retried(path, client) else { return };
                self.same(path, *budget == retry.budget);
                self.budget(path, budget);
                self.endless(path, &Retry { budget: *budget, ..retry.clone() });
            }
        }
    }

    /// The retry policy of which a part is set.
    fn retried<'c>(&mut self, path: &str, client: &'c Client) -> Option<&'c Retry> {
        let retry = client.retry.as_ref();
        if retry.is_none() {
            let message = "the client has `retry: none`, of which no part can be set";
            self.error_with(path, message, Some("set `retry` as a whole".into()));
        }
        retry
    }

    fn service_value(&mut self, path: &str, value: &ServiceValue, service: &Service) {
        match value {
            ServiceValue::Workers(workers) => {
                self.same(path, *workers == service.workers);
                self.count(path, "worker", *workers);
            }
            ServiceValue::Queue(queue) => {
                self.same(path, *queue == service.queue);
                self.discipline(&join(path, "discipline"), queue.discipline);
            }
            ServiceValue::Discipline(discipline) => {
                self.same(path, *discipline == service.queue.discipline);
                self.discipline(path, *discipline);
            }
            ServiceValue::Capacity(capacity) => self.same(path, *capacity == service.queue.capacity),
            ServiceValue::Cancel(cancel) => {
                self.same(path, *cancel == service.cancel);
                if service.cache.as_ref().is_some() {
                    self.error(path, "of a cache this cannot change in a run");
                }
            }
        }
    }

    fn same(&mut self, path: &str, same: bool) {
        if same {
            self.warn(path, "the experiment has this value already: it changes nothing by itself");
        }
    }
}
