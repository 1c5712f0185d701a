//! Which levers there are at a run: what its config has, and what every run can be asked.
use super::{
    controls::{Control, Deed, retries},
    protocol::Argument,
};
use crate::config::{
    Experiment,
    choice::Selection,
    disturbance::{Disturb, Pull},
};
use lab_core::time::Span;

/// All that can be pressed at a run of `experiment`, whose service `service` is watched. Where the config has a trigger or lever of
/// a kind, its numbers are the ones that are offered first.
pub(super) fn controls(experiment: &Experiment, service: &str) -> Vec<Control> {
    let defaults = Defaults(experiment);
    let replicas = experiment.services.get(service).map_or(1, |s| s.replicas);
    let some = || {
        let first = defaults.replicas().unwrap_or(1).min(replicas);
        argument("replicas", "replicas", "", f64::from(first), (1.0, f64::from(replicas)), 1.0)
    };
    let factor = |value: f64, most: f64| argument("factor", "×", "", value, (1.0, most), 0.1);
    let percent = |name: &'static str, label: &'static str, value: f64| {
        argument(name, label, "%", value, (0.0, 100.0), 5.0)
    };
    let (spike, spike_s) = defaults.spike().unwrap_or((2.0, 10.0));
    let (slow, slow_s) = defaults.slow_down().unwrap_or((2.0, 10.0));
    let mut all =
        vec![
            control("spike", 's', "Spike", "More calls come, and then no longer.", Deed::Spike)
                .with(vec![factor(spike, 100.0), lasts(spike_s)]),
            control("slow_down", 'w', "Slow down", "Work that starts takes longer.", Deed::SlowDown)
                .with(vec![factor(slow, 1000.0), lasts(slow_s), some()]),
            control(
                "crash",
                'k',
                "Kill",
                "Replicas lose what they hold and refuse connections until they are back.",
                Deed::Crash,
            )
            .with(vec![some(), lasts(10.0)]),
            control(
                "pause",
                'g',
                "Pause",
                "Replicas stand still and lose nothing, as in a long garbage collection.",
                Deed::Pause,
            )
            .with(vec![some(), lasts(5.0)]),
            control("errors", 'x', "Errors", "A share of the attempts that arrive fails.", Deed::Errors)
                .with(vec![percent("percent", "share", 50.0), lasts(10.0)]),
        ];
    for (name, _) in experiment.services.iter().filter(|(_, s)| s.cache.as_ref().is_some()) {
        all.push(control(
            "cache_flush",
            'f',
            "Flush cache",
            "The cache loses all its keys.",
            Deed::FlushCache(name.clone()),
        ));
    }
    let grouped = experiment.services.get(service).is_some_and(|s| s.membership.as_ref().is_some());
    if grouped && replicas > 1 {
        all.push(
            control(
                "partition",
                'p',
                "Partition",
                "Replicas are cut off from the others; clients reach all.",
                Deed::Partition,
            )
            .with(vec![some(), lasts(10.0)]),
        );
    }
    all.extend([
        control(
            "shed",
            'd',
            "Shed load",
            "New calls are let in with a probability, the others turned away.",
            Deed::Shed,
        )
        .with(vec![percent("admit", "admit", defaults.admit().unwrap_or(30.0)), lasts(30.0)]),
        control("retries_off", 'r', "Retries off", "Nobody tries again.", Deed::RetriesOff)
            .with(vec![Argument { value: None, optional: true, ..lasts(1.0) }]),
        control("queue_flush", 'q', "Flush queues", "Whoever waits is turned away, once.", Deed::FlushQueues),
        control(
            "restart",
            'b',
            "Restart",
            "All replicas are stopped, with all that they hold, and started again.",
            Deed::Restart,
        )
        .with(vec![lasts(2.0)]),
    ]);
    all.extend(settings(experiment, service));
    all.extend(configured(experiment, &all));
    all
}

/// Settings that an operator would reach for; where the config has one of its own, that one is offered.
fn settings(experiment: &Experiment, service: &str) -> Vec<Control> {
    let held = Argument { value: None, optional: true, ..lasts(1.0) };
    let workers = experiment.services.get(service).map_or(1, |s| s.workers);
    let timeouts = experiment.clients.values().map(|client| client.per_try_timeout.0);
    let timeout = timeouts.filter(|t| !t.is_forever()).max();
    let all = [
        timeout.map(|timeout| {
            let seconds = 3.0 * timeout.as_secs_f64();
            let argument = argument("timeout_s", "to", "s", seconds, (0.001, 600.0), 0.5);
            control(
                "timeout",
                't',
                "Longer timeout",
                "Attempts that are sent from now on wait longer.",
                Deed::Timeout,
            )
            .with(vec![argument, held.clone()])
        }),
        experiment.clients.values().any(retries).then(|| {
            control(
                "budget",
                'u',
                "Retry budget",
                "Retries are limited to a share of the calls.",
                Deed::Budget,
            )
            .with(vec![argument("percent", "share", "%", 10.0, (0.0, 100.0), 5.0), held.clone()])
        }),
        Some(
            control("lifo", 'l', "LIFO", "Whoever came last is served first.", Deed::Lifo)
                .with(vec![held.clone()]),
        ),
        Some(control("workers", 'm', "More workers", "Each replica gets more workers.", Deed::Workers).with(
            vec![argument("workers", "to", "", f64::from(workers) * 1.5, (1.0, 10_000.0), 1.0), held.clone()],
        )),
        Some(
            control(
                "cancel",
                'c',
                "Skip stale work",
                "Work whose caller has given up is not begun.",
                Deed::Cancel,
            )
            .with(vec![held]),
        ),
    ];
    let own = |key: &str| {
        let sets = experiment.levers.values().filter_map(|lever| match &lever.action {
            Pull::Set(settings) => Some(settings),
            _ => None,
        });
        sets.flat_map(|settings| &settings.0).any(|setting| setting.path().ends_with(key))
    };
    let key = |control: &Control| match control.deed {
        Deed::Timeout => "per_try_timeout",
        Deed::Budget => "retry.budget",
        Deed::Lifo => "queue.discipline",
        Deed::Workers => "workers",
        _ => "cancel",
    };
    all.into_iter().flatten().filter(|control| !own(key(control))).collect()
}

fn lasts(value: f64) -> Argument {
    argument("for_s", "for", "s", value, (0.1, 86_400.0), 1.0)
}

/// Triggers and levers of the config that are of no kind offered already.
fn configured(experiment: &Experiment, offered: &[Control]) -> Vec<Control> {
    let mut keys = ('a'..='z').filter(|key| offered.iter().all(|c| c.key != *key) && !"enhv".contains(*key));
    let own = |name: &str, keys: &mut dyn Iterator<Item = char>, help, deed| Control {
        label: name.replace('_', " "),
        ..control(&format!("config_{name}"), keys.next().unwrap_or(' '), "", help, deed)
    };
    let mut all = vec![];
    for (name, trigger) in &experiment.triggers {
        let kind = matches!(
            trigger.action,
            Disturb::RollingRestart { .. }
                | Disturb::ManagerPause { .. }
                | Disturb::ManagerCrash { .. }
                | Disturb::NetworkDelay { .. }
                | Disturb::Set(_)
        );
        if kind {
            let deed = Deed::Trigger(trigger.action.clone());
            let lasts = lasts(trigger.lasts.0.as_secs_f64());
            all.push(own(name, &mut keys, "As the config has it.", deed).with(vec![lasts]));
        }
    }
    for (name, lever) in experiment.levers.iter().filter(|(_, lever)| matches!(lever.action, Pull::Set(_))) {
        let length = Some(lever.lasts.0).filter(|span| !span.is_forever()).map(Span::as_secs_f64);
        let lasts = Argument { value: length, optional: true, ..lasts(1.0) };
        let deed = Deed::Pull(lever.action.clone());
        all.push(own(name, &mut keys, "As the config has it.", deed).with(vec![lasts]));
    }
    all
}

fn control(id: &str, key: char, label: &str, help: &'static str, deed: Deed) -> Control {
    Control { id: id.into(), key, label: label.into(), help, arguments: vec![], deed }
}

fn argument(
    name: &'static str,
    label: &'static str,
    unit: &'static str,
    value: f64,
    (min, max): (f64, f64),
    step: f64,
) -> Argument {
    Argument { name, label, unit, value: Some(value.clamp(min, max)), min, max, step, optional: false }
}

impl Control {
    fn with(self, arguments: Vec<Argument>) -> Control {
        Control { arguments, ..self }
    }
}

/// The numbers of the config's own triggers and levers.
struct Defaults<'e>(&'e Experiment);

impl Defaults<'_> {
    fn first<T>(&self, of: impl Fn(&Disturb, f64) -> Option<T>) -> Option<T> {
        self.0.triggers.values().find_map(|t| of(&t.action, t.lasts.0.as_secs_f64()))
    }

    fn spike(&self) -> Option<(f64, f64)> {
        self.first(|action, s| match action {
            Disturb::LoadSpike { factor, .. } => Some((*factor, s)),
            _ => None,
        })
    }

    fn slow_down(&self) -> Option<(f64, f64)> {
        self.first(|action, s| match action {
            Disturb::SlowDown { factor, .. } => Some((*factor, s)),
            _ => None,
        })
    }

    fn replicas(&self) -> Option<u32> {
        self.first(|action, _| match action {
            Disturb::SlowDown { replicas, .. }
            | Disturb::Pause { replicas, .. }
            | Disturb::Crash { replicas, .. }
            | Disturb::Partition { replicas, .. } => match replicas {
                Selection::Only(list) => Some(list.len() as u32),
                Selection::All => Some(u32::MAX),
            },
            _ => None,
        })
    }

    fn admit(&self) -> Option<f64> {
        self.0.levers.values().find_map(|lever| match &lever.action {
            Pull::ShedLoad { admit, .. } => Some(admit.0 * 100.0),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{hello::watched, script::Script};
    use crate::scenario::load;
    use lab_core::time::{Span, Time};
    use std::{collections::BTreeMap, fs, path::Path};

    /// Whatever is offered at a shipped config can be pressed as it is offered, and all presses together make a config.
    #[test]
    fn all_that_is_offered_can_be_pressed() {
        let configs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../configs");
        let files = fs::read_dir(configs).unwrap().map(|entry| entry.unwrap().path());
        let mut seen = 0;
        for file in files.filter(|f| f.extension().is_some_and(|e| e == "yaml")) {
            let plan = load(&file, &[]).unwrap();
            let service = &plan.baseline.services[watched(&plan.baseline)].name;
            let second = Span::from_secs(1);
            let mut script = Script::new("session", plan.experiment.clone(), service, second, false).unwrap();
            let offered: Vec<_> = script.controls().iter().map(|c| (c.id.clone(), c.key)).collect();
            let mut keys: Vec<char> = offered.iter().map(|(_, key)| *key).filter(|key| *key != ' ').collect();
            keys.sort_unstable();
            let count = keys.len();
            keys.dedup();
            assert_eq!(keys.len(), count, "{}: a key of two levers in {offered:?}", file.display());
            for (number, (id, _)) in offered.iter().enumerate() {
                let at = Time::ZERO + second * (20 * (number + 1)) as f64;
                script
                    .press(id, &BTreeMap::new(), at)
                    .unwrap_or_else(|e| panic!("{}: {id}: {e}", file.display()));
                seen += 1;
            }
            let yaml = script.export(Time::ZERO + second * 1000.0);
            let again = crate::scenario::load_text("session", yaml).unwrap().baseline;
            assert!(again.disturbances.len() >= offered.len(), "{}", file.display());
        }
        assert!(seen > 200, "{seen}");
    }
}
