//! What can change while a run goes on: settings of client groups and of services, one by one.
//!
//! A setting holds from the instant at which it comes into force, for what happens from then on: attempts that have been sent
//! keep their timeout, retries that have been scheduled are made, who waits goes on waiting, and work goes on as it began.
//! So a config push behaves in most systems; whatever would have to be taken back is not taken back.
use crate::{
    budget::Budget,
    call::OutcomeSet,
    client::{ClientControl, ClientPolicy},
    queue::Discipline,
    retry::Backoff,
    server::{Cancel, ServerControl, ServerPolicy},
    time::Span,
    timeline::{Change, Replicas},
};
use serde::{Deserialize, Serialize};
use std::mem::discriminant;

/// One setting of a client group.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum ClientSetting {
    /// How long an attempt may take; of those sent from then on.
    PerTryTimeout(Span),
    /// Attempts in all, from 1; asked when one has failed.
    MaxAttempts(u32),
    /// Which outcomes are tried again; asked when an attempt has failed.
    RetryOn(OutcomeSet),
    /// The wait before each retry; of those scheduled from then on.
    Backoff(Backoff),
    /// What limits retries. A budget that comes into force begins full; one that counts retries under way counts those that are.
    Budget(Budget),
}

/// One setting of replicas.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum ServerSetting {
    /// Workers of one replica, at least 1. Added ones begin with what waits. Free ones go first, and busy ones finish their work.
    Workers(u32),
    /// Who is served next. Who waits is kept.
    Discipline(Discipline),
    /// Waiting places of one replica. Who waits already is kept.
    Capacity(usize),
    /// What is done about attempts whose caller has given up. Deadlines stop only work that starts from then on; of hang-ups,
    /// those that were not listened to are never heard of. A cache does as it has always done.
    Cancel(Cancel),
}

/// A setting that is another one for a while.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Setting {
    /// Of every instance of a client group.
    Client {
        /// The group's index.
        group: usize,
        /// What it is meanwhile.
        to: ClientSetting,
        /// What it is before and afterwards, where no other change is in force.
        back: ClientSetting,
    },
    /// Of some replicas of a service.
    Server {
        /// Which.
        replicas: Replicas,
        /// What it is meanwhile.
        to: ServerSetting,
        /// What it is before and afterwards, where no other change is in force.
        back: ServerSetting,
    },
}

impl ClientPolicy {
    /// Changes one setting.
    pub fn set(&mut self, setting: ClientSetting) {
        match setting {
            ClientSetting::PerTryTimeout(timeout) => self.per_try_timeout = timeout,
            ClientSetting::MaxAttempts(attempts) => self.retry.max_attempts = attempts,
            ClientSetting::RetryOn(outcomes) => self.retry.retry_on = outcomes,
            ClientSetting::Backoff(backoff) => self.retry.backoff = backoff,
            ClientSetting::Budget(budget) => self.retry.budget = budget,
        }
    }

    /// What the setting is of which `other` is another value.
    pub fn like(&self, other: &ClientSetting) -> ClientSetting {
        match other {
            ClientSetting::PerTryTimeout(_) => ClientSetting::PerTryTimeout(self.per_try_timeout),
            ClientSetting::MaxAttempts(_) => ClientSetting::MaxAttempts(self.retry.max_attempts),
            ClientSetting::RetryOn(_) => ClientSetting::RetryOn(self.retry.retry_on),
            ClientSetting::Backoff(_) => ClientSetting::Backoff(self.retry.backoff),
            ClientSetting::Budget(_) => ClientSetting::Budget(self.retry.budget),
        }
    }
}

impl ServerPolicy {
    /// Changes one setting.
    pub fn set(&mut self, setting: ServerSetting) {
        match setting {
            ServerSetting::Workers(workers) => self.workers = workers,
            ServerSetting::Discipline(discipline) => self.discipline = discipline,
            ServerSetting::Capacity(capacity) => self.capacity = capacity,
            ServerSetting::Cancel(cancel) => self.cancel = cancel,
        }
    }

    /// What the setting is of which `other` is another value.
    pub fn like(&self, other: &ServerSetting) -> ServerSetting {
        match other {
            ServerSetting::Workers(_) => ServerSetting::Workers(self.workers),
            ServerSetting::Discipline(_) => ServerSetting::Discipline(self.discipline),
            ServerSetting::Capacity(_) => ServerSetting::Capacity(self.capacity),
            ServerSetting::Cancel(_) => ServerSetting::Cancel(self.cancel),
        }
    }
}

impl Setting {
    /// Whether both are the same setting of the same machines, whatever their values.
    pub fn is_same(&self, other: &Setting) -> bool {
        match (self, other) {
            (Setting::Client { group, to, .. }, Setting::Client { group: other, to: value, .. }) => {
                group == other && discriminant(to) == discriminant(value)
            }
            (Setting::Server { replicas, to, .. }, Setting::Server { replicas: other, to: value, .. }) => {
                replicas == other && discriminant(to) == discriminant(value)
            }
            _ => false,
        }
    }

    /// The same setting, of one machine each.
    fn each(&self) -> Vec<Setting> {
        match self {
            Setting::Client { .. } => vec![self.clone()],
            Setting::Server { replicas, to, back } => {
                let one = |&replica: &u32| Setting::Server {
                    replicas: Replicas { service: replicas.service, which: vec![replica] },
                    to: *to,
                    back: *back,
                };
                replicas.which.iter().map(one).collect()
            }
        }
    }

    /// What the machines are told when it comes into force.
    fn tell(&self) -> Vec<Change> {
        match self {
            Setting::Client { group, to, .. } => {
                vec![Change::Client { group: *group, control: ClientControl::Set(*to) }]
            }
            Setting::Server { replicas: Replicas { service, which }, to, .. } => {
                let (service, control) = (*service, ServerControl::Set(*to));
                which.iter().map(|&replica| Change::Server { service, replica, control }).collect()
            }
        }
    }

    /// The setting as it is before and afterwards.
    fn undone(mut self) -> Setting {
        match &mut self {
            Setting::Client { to, back, .. } => *to = *back,
            Setting::Server { to, back, .. } => *to = *back,
        }
        self
    }
}

/// What the machines are told when `settings` come into force.
pub(crate) fn begin(settings: &[Setting]) -> Vec<Change> {
    settings.iter().flat_map(Setting::tell).collect()
}

/// What they are told when `settings` end. `earlier` and `later` are the others in force, which began before and after these,
/// in that order. The one that began last holds; where it ends, the one before it does again.
pub(crate) fn end(settings: &[Setting], earlier: &[&Setting], later: &[&Setting]) -> Vec<Change> {
    let each =
        |others: &[&Setting]| -> Vec<Setting> { others.iter().flat_map(|other| other.each()).collect() };
    let (earlier, later) = (each(earlier), each(later));
    let mut changes = vec![];
    for one in settings.iter().flat_map(Setting::each) {
        if later.iter().any(|other| other.is_same(&one)) {
            continue;
        }
        match earlier.iter().rfind(|other| other.is_same(&one)) {
            Some(before) => changes.extend(before.tell()),
            None => changes.extend(one.undone().tell()),
        }
    }
    changes
}
