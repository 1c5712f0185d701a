//! Settings that change while a run goes on: from a config's words, and for those who act on a scenario themselves.
use super::{
    Scenario,
    build_policy::{backoff, budget, cancel, discipline, outcomes, retry},
};
use crate::config::setting::{self, ClientValue, ServiceValue, Settings};
use lab_core::{
    retry::Retry,
    server::Cancel,
    setting::{ClientSetting, ServerSetting, Setting},
    timeline::Replicas,
};

impl Scenario {
    /// Client group `group` with another setting for a while; afterwards it is the scenario's again.
    pub fn client_setting(&self, group: usize, to: ClientSetting) -> Setting {
        Setting::Client { group, back: self.clients[group].policy.like(&to), to }
    }

    /// All replicas of `service` with another setting for a while; afterwards it is the scenario's again.
    pub fn service_setting(&self, service: usize, to: ServerSetting) -> Setting {
        let which = (0..self.services[service].replicas).collect();
        let back = self.services[service].policy.like(&to);
        Setting::Server { replicas: Replicas { service, which }, to, back }
    }

    /// Whether replicas of `service` are told, at any time of the run, that a caller has hung up.
    pub fn hears_hang_ups(&self, service: usize) -> bool {
        let listens = |setting: &Setting| match setting {
            Setting::Server { replicas, to: ServerSetting::Cancel(Cancel::OnDisconnect), .. } => {
                replicas.service == service
            }
            _ => false,
        };
        self.services[service].policy.cancel == Cancel::OnDisconnect
            || self.disturbances.iter().flat_map(|d| d.effect.settings()).any(listens)
    }
}

/// What `written` sets in `scenario`, each setting once: the last one written counts.
pub(super) fn settings(scenario: &Scenario, written: &Settings) -> Result<Vec<Setting>, String> {
    let mut all: Vec<Setting> = vec![];
    for setting in &written.0 {
        let new: Vec<Setting> = match setting {
            setting::Setting::Client(name, value) => {
                let group = scenario.clients.iter().position(|group| group.name == *name);
                let group = group.ok_or_else(|| format!("there is no client `{name}`"))?;
                of_client(value).into_iter().map(|to| scenario.client_setting(group, to)).collect()
            }
            setting::Setting::Service(name, value) => {
                let service = scenario.services.iter().position(|service| service.name == *name);
                let service = service.ok_or_else(|| format!("there is no service `{name}`"))?;
                of_service(value).into_iter().map(|to| scenario.service_setting(service, to)).collect()
            }
        };
        for setting in new {
            all.retain(|other| !other.is_same(&setting));
            all.push(setting);
        }
    }
    Ok(all)
}

fn of_client(value: &ClientValue) -> Vec<ClientSetting> {
    vec![match value {
        ClientValue::PerTryTimeout(timeout) => ClientSetting::PerTryTimeout(timeout.0),
        ClientValue::Retry(written) => {
            let Retry { max_attempts, retry_on, backoff, budget } =
                written.as_ref().map_or_else(Retry::none, retry);
            return vec![
                ClientSetting::MaxAttempts(max_attempts),
                ClientSetting::RetryOn(retry_on),
                ClientSetting::Backoff(backoff),
                ClientSetting::Budget(budget),
            ];
        }
        ClientValue::MaxAttempts(attempts) => ClientSetting::MaxAttempts(attempts.0),
        ClientValue::RetryOn(written) => ClientSetting::RetryOn(outcomes(written)),
        ClientValue::Backoff(written) => ClientSetting::Backoff(backoff(written)),
        ClientValue::Budget(written) => ClientSetting::Budget(budget(written)),
    }]
}

fn of_service(value: &ServiceValue) -> Vec<ServerSetting> {
    vec![match value {
        ServiceValue::Workers(workers) => ServerSetting::Workers(*workers),
        ServiceValue::Queue(queue) => {
            return vec![
                ServerSetting::Discipline(discipline(queue.discipline)),
                ServerSetting::Capacity(queue.capacity.0),
            ];
        }
        ServiceValue::Discipline(written) => ServerSetting::Discipline(discipline(*written)),
        ServiceValue::Capacity(places) => ServerSetting::Capacity(places.0),
        ServiceValue::Cancel(written) => ServerSetting::Cancel(cancel(*written)),
    }]
}
