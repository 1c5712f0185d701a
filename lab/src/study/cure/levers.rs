//! What an operator can do, with the words of the config language.
use crate::scenario::{ClientGroup, Scenario};
use lab_core::{
    budget::{Budget, CreditPer},
    queue::Discipline,
    server::ServerPolicy,
    setting::{ClientSetting, ServerSetting, Setting},
    time::{Span, Time},
    timeline::{Disturbance, Effect, Replicas, Role},
};
use serde::Serialize;

/// One thing that an operator does.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Lever {
    /// This share of the new calls is let in.
    ShedLoad(f64),
    /// Nobody tries again.
    RetriesOff,
    /// Who waits is turned away, once.
    QueueFlush,
    /// All replicas are stopped and started again.
    Restart,
    /// Attempts may take so many times as long.
    Timeout(u32),
    /// One retry for ten calls.
    RetryBudget,
    /// Who came last is served first.
    Lifo,
    /// Replicas have so many times their workers.
    Workers(u32),
}

/// Levers pulled at the same time, each for its own length.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Action {
    /// What is done, and for how long; a flush takes no time.
    pub pulls: Vec<(Lever, Seconds)>,
}

/// A length of time in whole nanoseconds that is written in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seconds(pub Span);

impl Serialize for Seconds {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.as_secs_f64().serialize(serializer)
    }
}

impl Action {
    /// One lever alone.
    pub fn one(lever: Lever, lasts: Span) -> Action {
        Action { pulls: vec![(lever, Seconds(lasts))] }
    }

    /// The longest of the pulls.
    pub fn lasts(&self) -> Span {
        self.pulls.iter().map(|(_, lasts)| lasts.0).max().unwrap_or(Span::ZERO)
    }

    /// `scenario` in which this is done at `at`.
    pub fn on(&self, scenario: &Scenario, at: Time) -> Scenario {
        let mut acted = scenario.clone();
        for (lever, lasts) in &self.pulls {
            acted.disturbances.extend(lever.disturbances(scenario, at, at + lasts.0));
        }
        acted
    }

    /// In words: `admit 20 % for 60 s`.
    pub fn words(&self) -> String {
        let pulls: Vec<String> = self.pulls.iter().map(|(lever, lasts)| lever.words(lasts.0)).collect();
        pulls.join(" and ")
    }

    /// As lines of a config's `levers:`, pulled at `at`.
    pub fn yaml(&self, scenario: &Scenario, at: Time) -> String {
        let mut yaml = String::from("levers:\n");
        let service = match scenario.services.len() {
            1 => "{}".to_owned(),
            _ => format!("{{ service: {} }}", scenario.services[target(scenario)].name),
        };
        for (lever, lasts) in &self.pulls {
            let (name, action) = match lever {
                Lever::ShedLoad(admit) => {
                    ("shed", format!("shed_load: {{ admit: {} % }}", (1e8 * admit).round() / 1e6))
                }
                Lever::RetriesOff => ("retries_off", "retries_off: {}".into()),
                Lever::QueueFlush => ("flush", format!("queue_flush: {service}")),
                Lever::Restart => ("restart", format!("restart: {service}")),
                Lever::Timeout(_) => ("timeout", lever.written(scenario)),
                Lever::RetryBudget => ("retry_budget", lever.written(scenario)),
                Lever::Lifo => ("lifo", lever.written(scenario)),
                Lever::Workers(_) => ("workers", lever.written(scenario)),
            };
            let lasts =
                if *lever == Lever::QueueFlush { String::new() } else { format!("for: {}, ", lasts.0) };
            yaml += &format!("  {name}: {{ at: {}, {lasts}do: {{ {action} }} }}\n", Span(at.0));
        }
        yaml
    }
}

impl Lever {
    fn words(&self, lasts: Span) -> String {
        match self {
            Lever::ShedLoad(0.0) => format!("let nobody in for {lasts}"),
            Lever::ShedLoad(admit) => format!("let {:.0} % in for {lasts}", 100.0 * admit),
            Lever::RetriesOff => format!("retries off for {lasts}"),
            Lever::QueueFlush => "flush the queues".into(),
            Lever::Restart => format!("restart, down for {lasts}"),
            Lever::Timeout(times) => format!("timeouts × {times} for {lasts}"),
            Lever::RetryBudget => format!("retries ≤ 10 % of the calls for {lasts}"),
            Lever::Lifo => format!("newest first for {lasts}"),
            Lever::Workers(times) => format!("workers × {times} for {lasts}"),
        }
    }

    /// What the timeline is told; the same that a config's lever becomes.
    fn disturbances(&self, scenario: &Scenario, from: Time, until: Time) -> Vec<Disturbance> {
        let clients: Vec<usize> = (0..scenario.clients.len()).collect();
        let service = target(scenario);
        let replicas = || Replicas { service, which: (0..scenario.services[service].replicas).collect() };
        let (name, until, effect) = match self {
            Lever::ShedLoad(admit) => ("shed", until, Effect::ShedLoad { clients, admit: *admit }),
            Lever::RetriesOff => ("retries_off", until, Effect::RetriesOff { clients }),
            Lever::QueueFlush => ("flush", from, Effect::QueueFlush { replicas: replicas() }),
            Lever::Restart => ("restart", until, Effect::Crash { replicas: replicas() }),
            Lever::Timeout(_) | Lever::RetryBudget | Lever::Lifo | Lever::Workers(_) => {
                ("set", until, Effect::Set { settings: self.settings(scenario) })
            }
        };
        vec![Disturbance { name: name.into(), role: Role::Lever, from, until, effect }]
    }

    /// The settings that it changes; none where the scenario has nothing that it could change.
    pub(super) fn settings(&self, scenario: &Scenario) -> Vec<Setting> {
        let groups = || scenario.clients.iter().enumerate();
        let service = target(scenario);
        let ServerPolicy { discipline, workers, .. } = scenario.services[service].policy;
        match self {
            Lever::ShedLoad(_) | Lever::RetriesOff | Lever::QueueFlush | Lever::Restart => vec![],
            Lever::Timeout(times) => {
                let limited = groups().filter(|(_, g)| !g.policy.per_try_timeout.is_forever());
                let longer = |(index, group): (usize, &ClientGroup)| {
                    let timeout = group.policy.per_try_timeout * f64::from(*times);
                    scenario.client_setting(index, ClientSetting::PerTryTimeout(timeout))
                };
                limited.map(longer).collect()
            }
            Lever::RetryBudget => {
                let retrying = groups().filter(|(_, g)| g.policy.retry.max_attempts > 1);
                let budget = ClientSetting::Budget(TENTH);
                retrying.map(|(index, _)| scenario.client_setting(index, budget)).collect()
            }
            Lever::Lifo if discipline == Discipline::Lifo => vec![],
            Lever::Lifo => {
                vec![scenario.service_setting(service, ServerSetting::Discipline(Discipline::Lifo))]
            }
            Lever::Workers(times) => {
                vec![scenario.service_setting(service, ServerSetting::Workers(workers * times))]
            }
        }
    }

    /// The same in a config's words.
    fn written(&self, scenario: &Scenario) -> String {
        let one = |setting: &Setting| match setting {
            Setting::Client { group, to, .. } => {
                let name = &scenario.clients[*group].name;
                match to {
                    ClientSetting::PerTryTimeout(timeout) => {
                        format!("clients.{name}.per_try_timeout: {timeout}")
                    }
                    _ => format!(
                        "clients.{name}.retry.budget: {{ token_bucket: {{ credit_per: call, ratio: 10 %, burst: 10 }} }}"
                    ),
                }
            }
            Setting::Server { replicas, to, .. } => {
                let name = &scenario.services[replicas.service].name;
                match to {
                    ServerSetting::Workers(workers) => format!("services.{name}.workers: {workers}"),
                    _ => format!("services.{name}.queue.discipline: lifo"),
                }
            }
        };
        let settings: Vec<String> = self.settings(scenario).iter().map(one).collect();
        format!("set: {{ {} }}", settings.join(", "))
    }
}

/// One retry for ten calls, and ten at once.
const TENTH: Budget = Budget::TokenBucket { credit_per: CreditPer::Call, ratio: 0.1, burst: 10.0 };

/// The service that levers on replicas act on: the one that the first client group calls, or the store behind it if that is a
/// cache.
fn target(scenario: &Scenario) -> usize {
    let called = scenario.clients[0].service;
    scenario.services[called].cache.as_ref().map_or(called, |cache| cache.calls)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::sample::queueing;

    #[test]
    fn an_action_is_said_in_words_and_in_the_language_of_configs() {
        let second = Span::from_secs(1);
        let flush = (Lever::QueueFlush, Seconds(Span::ZERO));
        let action = Action { pulls: vec![flush, (Lever::ShedLoad(0.35), Seconds(second * 20.0))] };
        let scenario = queueing(7.0, 1, Span::from_millis(100), second * 100.0);
        assert_eq!(action.words(), "flush the queues and let 35 % in for 20 s");
        assert_eq!(
            action.yaml(&scenario, Time::ZERO + second * 80.0),
            "levers:\n  flush: { at: 80 s, do: { queue_flush: {} } }\n  shed: { at: 80 s, for: 20 s, do: { shed_load: { admit: 35 % } } }\n"
        );
        let acted = action.on(&scenario, Time::ZERO + second * 80.0);
        assert_eq!(
            acted.levers().map(|l| l.until.since(l.from)).collect::<Vec<_>>(),
            [Span::ZERO, second * 20.0]
        );
    }

    #[test]
    fn settings_are_written_by_their_paths_and_only_where_there_are_any() {
        let second = Span::from_secs(1);
        let mut scenario = queueing(7.0, 2, Span::from_millis(100), second * 100.0);
        assert_eq!(Lever::Timeout(3).settings(&scenario), [], "there is no timeout");
        assert_eq!(Lever::RetryBudget.settings(&scenario), [], "nobody retries");
        scenario.clients[0].policy.per_try_timeout = second;
        scenario.clients[0].policy.retry.max_attempts = 2;
        let yaml = |lever| Action::one(lever, second * 5.0).yaml(&scenario, Time::ZERO + second * 80.0);
        let line = |name: &str, set: &str| {
            format!("levers:\n  {name}: {{ at: 80 s, for: 5 s, do: {{ set: {{ {set} }} }} }}\n")
        };
        assert_eq!(yaml(Lever::Timeout(3)), line("timeout", "clients.web.per_try_timeout: 3 s"));
        assert_eq!(yaml(Lever::Lifo), line("lifo", "services.store.queue.discipline: lifo"));
        assert_eq!(yaml(Lever::Workers(2)), line("workers", "services.store.workers: 4"));
        let budget =
            "clients.web.retry.budget: { token_bucket: { credit_per: call, ratio: 10 %, burst: 10 } }";
        assert_eq!(yaml(Lever::RetryBudget), line("retry_budget", budget));
    }
}
