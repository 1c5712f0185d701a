//! What can be pressed: what goes wrong, and what an operator does, in the words of the config language.
use super::protocol::{Argument, Lever};
use crate::config::{
    Experiment,
    budget::{Budget, CreditPer},
    cache::FlushKeys,
    choice::Selection,
    client::Client,
    disturbance::{Disturb, Pull},
    service::{Cancel, Discipline},
    setting::{ClientValue, ServiceValue, Setting, Settings},
    units::{Limit, Share},
};
use lab_core::time::Span;
use std::collections::BTreeMap;

/// One thing that can be pressed.
#[derive(Clone, Debug)]
pub(super) struct Control {
    pub id: String,
    pub key: char,
    pub label: String,
    pub help: &'static str,
    pub arguments: Vec<Argument>,
    pub deed: Deed,
}

/// What it does; where there are numbers to it, they come when it is pressed.
#[derive(Clone, Debug)]
pub(super) enum Deed {
    Spike,
    SlowDown,
    Crash,
    Pause,
    Errors,
    Partition,
    FlushCache(String),
    Shed,
    RetriesOff,
    FlushQueues,
    Restart,
    Timeout,
    Budget,
    Lifo,
    Workers,
    Cancel,
    /// As the config has it.
    Trigger(Disturb),
    Pull(Pull),
}

/// What is pressed, in the words of a config.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Act {
    /// Something goes wrong.
    Trigger(Disturb),
    /// An operator does something.
    Lever(Pull),
}

/// Numbers by name, checked.
pub(super) type Values = BTreeMap<String, Option<f64>>;

const ONCE: Span = Span::from_millis(100);

impl Control {
    /// For the page.
    pub(super) fn shown(&self) -> Lever {
        let Control { id, key, label, help, arguments, .. } = self;
        Lever {
            id: id.clone(),
            key: *key,
            role: if self.is_trigger() { "trigger" } else { "lever" },
            label: label.clone(),
            help: (*help).into(),
            arguments: arguments.clone(),
        }
    }

    fn is_trigger(&self) -> bool {
        match self.deed {
            Deed::Spike
            | Deed::SlowDown
            | Deed::Crash
            | Deed::Pause
            | Deed::Errors
            | Deed::Partition
            | Deed::FlushCache(_)
            | Deed::Trigger(_) => true,
            Deed::Shed
            | Deed::RetriesOff
            | Deed::FlushQueues
            | Deed::Restart
            | Deed::Timeout
            | Deed::Budget
            | Deed::Lifo
            | Deed::Workers
            | Deed::Cancel
            | Deed::Pull(_) => false,
        }
    }

    /// The numbers that are used when these are given.
    ///
    /// # Errors
    /// One sentence on a number that is unknown or out of range.
    pub(super) fn values(&self, given: &BTreeMap<String, Option<f64>>) -> Result<Values, String> {
        if let Some(unknown) = given.keys().find(|name| self.arguments.iter().all(|a| a.name != *name)) {
            let names: Vec<&str> = self.arguments.iter().map(|a| a.name).collect();
            let known = if names.is_empty() { "none".into() } else { names.join(", ") };
            return Err(format!("`{}` has no argument `{unknown}`; it has {known}", self.id));
        }
        let value = |argument: &Argument| {
            let Argument { name, min, max, optional, value, .. } = argument;
            let value = given.get(*name).copied().unwrap_or(*value);
            match value {
                None if *optional => Ok(((*name).to_owned(), None)),
                Some(v) if *min <= v && v <= *max => Ok(((*name).to_owned(), Some(v))),
                Some(v) => Err(format!("`{name}` of `{}` is {v}; it is from {min} to {max}", self.id)),
                None => Err(format!("`{}` needs a number for `{name}`, from {min} to {max}", self.id)),
            }
        };
        self.arguments.iter().map(value).collect()
    }

    /// What pressing it with `values` does at a run of `experiment`, whose service `service` is watched, and for how long:
    /// `None` to the end.
    pub(super) fn act(&self, values: &Values, experiment: &Experiment, service: &str) -> (Act, Option<Span>) {
        let number = |name: &str| values.get(name).copied().flatten().unwrap_or(1.0);
        // In whole tenths of a second, so that whatever ends lies on a border of what is measured.
        let lasts = match values.get("for_s") {
            Some(seconds) => seconds.map(|s| Span::from_secs_f64((s * 10.0).round() / 10.0)),
            None => Some(ONCE),
        };
        let service = service.to_owned();
        let replicas = || {
            let all = experiment.services.get(&service).map_or(1, |s| s.replicas);
            let wanted = number("replicas") as u32;
            if wanted >= all { Selection::All } else { Selection::Only((0..wanted).collect()) }
        };
        let act = match &self.deed {
            Deed::Spike => {
                Act::Trigger(Disturb::LoadSpike { factor: number("factor"), clients: Selection::All })
            }
            Deed::SlowDown => {
                let factor = number("factor");
                Act::Trigger(Disturb::SlowDown { factor, replicas: replicas(), service })
            }
            Deed::Crash => Act::Trigger(Disturb::Crash { replicas: replicas(), service }),
            Deed::Pause => Act::Trigger(Disturb::Pause { replicas: replicas(), service }),
            Deed::Errors => {
                let share = Share(number("percent") / 100.0);
                Act::Trigger(Disturb::ErrorBurst { share, replicas: Selection::All, service })
            }
            Deed::Partition => Act::Trigger(Disturb::Partition { replicas: replicas(), service }),
            Deed::FlushCache(cache) => {
                Act::Trigger(Disturb::CacheFlush { service: cache.clone(), keys: FlushKeys::All })
            }
            Deed::Trigger(disturb) => Act::Trigger(disturb.clone()),
            Deed::Shed => {
                let admit = Share(number("admit") / 100.0);
                Act::Lever(Pull::ShedLoad { admit, clients: Selection::All })
            }
            Deed::RetriesOff => Act::Lever(Pull::RetriesOff { clients: Selection::All }),
            Deed::FlushQueues => Act::Lever(Pull::QueueFlush { replicas: Selection::All, service }),
            Deed::Restart => Act::Lever(Pull::Restart { replicas: Selection::All, service }),
            Deed::Timeout => {
                let timeout = Limit(Span::from_secs_f64(number("timeout_s")));
                of_clients(experiment, &service, &ClientValue::PerTryTimeout(timeout))
            }
            Deed::Budget => {
                let ratio = Share(number("percent") / 100.0);
                let budget = Budget::TokenBucket { credit_per: CreditPer::Call, ratio, burst: BURST };
                of_clients(experiment, &service, &ClientValue::Budget(budget))
            }
            Deed::Lifo => of_service(service, ServiceValue::Discipline(Discipline::Lifo)),
            Deed::Workers => of_service(service, ServiceValue::Workers(number("workers") as u32)),
            Deed::Cancel => of_service(service, ServiceValue::Cancel(Cancel::Deadline)),
            Deed::Pull(pull) => Act::Lever(pull.clone()),
        };
        (act, lasts)
    }

    /// What is said of it when it is pressed with `values`: `spike × 2`, `admit 30 %`.
    pub(super) fn said(&self, values: &Values) -> String {
        let number = |name: &str| values.get(name).copied().flatten();
        let label = self.label.to_lowercase();
        match self.deed {
            Deed::Timeout => return format!("timeout {} s", number("timeout_s").unwrap_or_default()),
            Deed::Workers => return format!("{} workers", number("workers").unwrap_or_default()),
            _ => {}
        }
        match (number("factor"), number("admit"), number("percent"), number("replicas")) {
            (Some(factor), ..) => format!("{label} × {factor}"),
            (_, Some(admit), ..) => format!("admit {admit} %"),
            (_, _, Some(percent), _) => format!("{label} {percent} %"),
            (.., Some(replicas)) => format!("{label} {replicas}"),
            _ => label,
        }
    }
}

/// A retry budget that is put in force allows so many retries at once.
const BURST: f64 = 50.0;

/// Whether a client tries again at all: only then is there a part of its retries to set.
pub(super) fn retries(client: &Client) -> bool {
    client.retry.as_ref().is_some()
}

/// A setting of all client groups whose calls come to `service`, by way of a cache or directly.
fn of_clients(experiment: &Experiment, service: &str, value: &ClientValue) -> Act {
    let behind = |called: &str| {
        let cache = experiment.services.get(called).and_then(|s| s.cache.as_ref());
        called == service || cache.is_some_and(|cache| cache.calls == service)
    };
    let fits = |client: &Client| retries(client) || !matches!(value, ClientValue::Budget(_));
    let groups = experiment.clients.iter().filter(|(_, client)| behind(&client.calls) && fits(client));
    let settings = groups.map(|(name, _)| Setting::Client(name.clone(), value.clone()));
    Act::Lever(Pull::Set(Settings(settings.collect())))
}

fn of_service(service: String, value: ServiceValue) -> Act {
    Act::Lever(Pull::Set(Settings(vec![Setting::Service(service, value)])))
}
