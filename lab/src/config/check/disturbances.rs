//! Triggers and levers.
use super::{Checker, join};
use crate::config::{
    choice::Selection,
    disturbance::{Disturb, Pull},
    service::Service,
};
use lab_core::time::Span;

impl Checker<'_> {
    pub(super) fn disturbances(&mut self) {
        let e = self.experiment;
        for (name, trigger) in &e.triggers {
            let path = join("triggers", name);
            let (at, lasts) = (trigger.at.0, trigger.lasts.0);
            self.when(&path, "trigger", at);
            if lasts == Span::ZERO {
                self.error(&join(&path, "for"), "a trigger that takes no time does nothing");
            } else if at < e.duration.0
                && at + lasts > e.duration.0
                && self.sound(&["duration", &join(&path, "at")])
            {
                let message =
                    format!("the trigger ends at {}, after the run's end at {}", at + lasts, e.duration);
                self.warn(&join(&path, "for"), message + ": what comes after it is not seen");
            } else if at < e.duration.0
                && e.duration.0 - (at + lasts) < e.healthy.over.0
                && self.sound(&["duration", "healthy.over", &join(&path, "at"), &join(&path, "for")])
            {
                let left = e.duration.0 - (at + lasts);
                let message = format!(
                    "only {left} of the run are left after the trigger, less than the {} that health is judged over",
                    e.healthy.over
                );
                self.warn(&join(&path, "for"), message);
            }
            if at < e.warmup.0 && self.sound(&["warmup"]) {
                self.warn(&join(&path, "at"), format!("the trigger begins in the warm-up of {}", e.warmup));
            }
            self.disturb(&join(&path, "do"), &trigger.action);
            if let Disturb::RollingRestart { down, service, replicas } = &trigger.action {
                let count = match replicas {
                    Selection::Only(list) => list.len() as u32,
                    Selection::All => e.services.get(service).map_or(1, |s| s.replicas),
                };
                let least = down.0 * f64::from(count);
                if lasts < least {
                    let message = format!("{count} replicas down for {down} each take {least}, not {lasts}");
                    self.error(&join(&path, "for"), message);
                }
            }
        }
        for (name, lever) in &e.levers {
            let path = join("levers", name);
            self.when(&path, "lever", lever.at.0);
            if lever.lasts.0 == Span::ZERO && !matches!(lever.action, Pull::QueueFlush { .. }) {
                self.error(&join(&path, "for"), "a lever that is pulled for no time does nothing");
            }
            if lever.lasts.0.is_forever() && matches!(lever.action, Pull::Restart { .. }) {
                let message = "a restart needs to say how long it takes";
                self.error_with(&path, message, Some("add `for: 2 s`".into()));
            }
            self.pull(&join(&path, "do"), &lever.action, lever.enabled);
        }
    }

    fn when(&mut self, path: &str, what: &str, at: Span) {
        let duration = self.experiment.duration.0;
        if at >= duration && self.sound(&["duration"]) {
            self.error(
                &join(path, "at"),
                format!("the {what} would begin at {at}, but the run ends at {duration}"),
            );
        }
    }

    fn disturb(&mut self, path: &str, action: &Disturb) {
        match action {
            Disturb::LoadSpike { factor, clients } => {
                let path = join(path, "load_spike");
                self.factor(&join(&path, "factor"), *factor, true);
                self.groups(&join(&path, "clients"), clients);
            }
            Disturb::SlowDown { factor, service, replicas } => {
                let path = join(path, "slow_down");
                self.factor(&join(&path, "factor"), *factor, false);
                self.replicas(&path, service, replicas);
            }
            Disturb::Pause { service, replicas } => self.replicas(&join(path, "pause"), service, replicas),
            Disturb::Crash { service, replicas } => self.replicas(&join(path, "crash"), service, replicas),
            Disturb::ErrorBurst { share, service, replicas } => {
                let path = join(path, "error_burst");
                if share.0 > 1.0 {
                    self.error(&join(&path, "share"), format!("expected at most 100 %, found {share}"));
                }
                self.replicas(&path, service, replicas);
            }
            Disturb::Partition { service, replicas } => {
                let path = join(path, "partition");
                self.group_of(&path, service);
                self.replicas(&path, service, replicas);
            }
            Disturb::RollingRestart { service, replicas, .. } => {
                self.replicas(&join(path, "rolling_restart"), service, replicas);
            }
            Disturb::CacheFlush { service, .. } => {
                let path = join(path, "cache_flush");
                let cache = |s: &Service| s.cache.as_ref().is_some();
                if self.service_of(&path, service)
                    && !self.experiment.services.get(service).is_some_and(cache)
                {
                    let caches: Vec<&String> =
                        self.experiment.services.iter().filter(|(_, s)| cache(s)).map(|(n, _)| n).collect();
                    let help = caches.first().map(|name| format!("did you mean `service: {name}`?"));
                    self.error_with(&path, format!("`{service}` is no cache"), help);
                }
            }
            Disturb::ManagerPause { service } => self.group_of(&join(path, "manager_pause"), service),
            Disturb::ManagerCrash { service } => self.group_of(&join(path, "manager_crash"), service),
            Disturb::NetworkDelay { service, .. } => {
                self.service_of(&join(path, "network_delay"), service);
            }
            Disturb::Set(settings) => self.settings(&join(path, "set"), settings, true),
        }
    }

    fn pull(&mut self, path: &str, action: &Pull, enabled: bool) {
        match action {
            Pull::ShedLoad { admit, clients } => {
                let path = join(path, "shed_load");
                if admit.0 > 1.0 {
                    self.error(&join(&path, "admit"), format!("expected at most 100 %, found {admit}"));
                }
                self.groups(&join(&path, "clients"), clients);
            }
            Pull::RetriesOff { clients } => self.groups(&join(path, "retries_off.clients"), clients),
            Pull::QueueFlush { service, replicas } => {
                self.replicas(&join(path, "queue_flush"), service, replicas)
            }
            Pull::Restart { service, replicas } => self.replicas(&join(path, "restart"), service, replicas),
            Pull::Set(settings) => self.settings(&join(path, "set"), settings, enabled),
        }
    }

    fn factor(&mut self, path: &str, factor: f64, zero: bool) {
        if factor < 0.0 || (factor == 0.0 && !zero) {
            self.error(path, format!("expected a number above 0, found `{factor}`"));
        } else if factor > 1000.0 {
            self.error(path, format!("expected at most 1000, found `{factor}`"));
        } else if factor == 1.0 {
            self.warn(path, "a factor of 1 changes nothing");
        }
    }

    fn groups(&mut self, path: &str, clients: &Selection<String>) {
        let Selection::Only(list) = clients else { return };
        if list.is_empty() {
            self.error_with(path, "nobody is chosen", Some("for everybody, write `all`".into()));
        }
        let names: Vec<String> = self.client_names().into_iter().map(str::to_owned).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        for (index, name) in list.iter().enumerate() {
            self.must_be_one_of(&join(path, &index.to_string()), "client", name, &names);
            if list[..index].contains(name) {
                self.error(&join(path, &index.to_string()), format!("`{name}` stands here twice"));
            }
        }
    }

    fn service_of(&mut self, path: &str, service: &str) -> bool {
        let names: Vec<String> = self.service_names().into_iter().map(str::to_owned).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        if service.is_empty() {
            if names.len() > 1 {
                self.error_with(path, "which service?", Some(format!("add `service: {}`", names[0])));
            }
            return false;
        }
        self.must_be_one_of(&join(path, "service"), "service", service, &names)
    }

    /// The service has a membership.
    fn group_of(&mut self, path: &str, service: &str) {
        if self.service_of(path, service)
            && let Some(written) = self.experiment.services.get(service)
            && !written.is_group()
        {
            let message = format!("`{service}` has neither replication nor a membership");
            let help = format!("write `membership: {{}}` or `replication: …` under `services.{service}`");
            self.error_with(path, message, Some(help));
        }
    }

    fn replicas(&mut self, path: &str, service: &str, replicas: &Selection<u32>) {
        if !self.service_of(path, service) {
            return;
        }
        let count = self.experiment.services[service].replicas;
        let counted = format!("services.{service}.replicas");
        let Selection::Only(list) = replicas else { return };
        let path = join(path, "replicas");
        if list.is_empty() {
            self.error_with(&path, "no replica is chosen", Some("for every one, write `all`".into()));
        }
        for (index, replica) in list.iter().enumerate() {
            let at = join(&path, &index.to_string());
            if *replica >= count && self.sound(&[&counted]) {
                let last = count.saturating_sub(1);
                self.error(
                    &at,
                    format!("`{service}` has no replica {replica}: counted from 0, the last is {last}"),
                );
            }
            if list[..index].contains(replica) {
                self.error(&at, format!("replica {replica} stands here twice"));
            }
        }
    }
}
