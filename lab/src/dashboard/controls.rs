//! What can be pressed: what goes wrong, and what an operator does, in the words of the config language.
use super::protocol::{Argument, Lever};
use crate::config::{
    Experiment,
    cache::FlushKeys,
    choice::Selection,
    disturbance::{Disturb, Pull},
    units::Share,
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
    deed: Deed,
}

/// What it does; where there are numbers to it, they come when it is pressed.
#[derive(Clone, Debug)]
enum Deed {
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
    /// As the config has it.
    Trigger(Disturb),
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
        !matches!(self.deed, Deed::Shed | Deed::RetriesOff | Deed::FlushQueues | Deed::Restart)
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
        };
        (act, lasts)
    }

    /// What is said of it when it is pressed with `values`: `spike × 2`, `admit 30 %`.
    pub(super) fn said(&self, values: &Values) -> String {
        let number = |name: &str| values.get(name).copied().flatten();
        let label = self.label.to_lowercase();
        match (number("factor"), number("admit"), number("percent"), number("replicas")) {
            (Some(factor), ..) => format!("{label} × {factor}"),
            (_, Some(admit), ..) => format!("admit {admit} %"),
            (_, _, Some(percent), _) => format!("{label} {percent} %"),
            (.., Some(replicas)) => format!("{label} {replicas}"),
            _ => label,
        }
    }
}

/// All that can be pressed at a run of `experiment`, whose service `service` is watched. Where the config has a trigger or lever of
/// a kind, its numbers are the ones that are offered first.
pub(super) fn controls(experiment: &Experiment, service: &str) -> Vec<Control> {
    let defaults = Defaults(experiment);
    let replicas = experiment.services.get(service).map_or(1, |s| s.replicas);
    let some = || {
        let first = defaults.replicas().unwrap_or(1).min(replicas);
        argument("replicas", "replicas", "", f64::from(first), (1.0, f64::from(replicas)), 1.0)
    };
    let lasts = |value: f64| argument("for_s", "for", "s", value, (0.1, 3600.0), 1.0);
    let held = |value: Option<f64>| Argument { value, optional: true, ..lasts(1.0) };
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
            .with(vec![held(None)]),
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
    all.extend(configured(experiment, &all));
    all
}

/// Triggers and levers of the config that are of no kind offered already.
fn configured(experiment: &Experiment, offered: &[Control]) -> Vec<Control> {
    let mut keys = ('a'..='z').filter(|key| offered.iter().all(|c| c.key != *key) && !"enhv".contains(*key));
    let own = |name: &str, keys: &mut dyn Iterator<Item = char>, help, deed| Control {
        label: name.replace('_', " "),
        ..control(&format!("config_{name}"), keys.next().unwrap_or(' '), "", help, deed)
    };
    let lasts = |span: Span| argument("for_s", "for", "s", span.as_secs_f64(), (0.1, 86_400.0), 1.0);
    let mut all = vec![];
    for (name, trigger) in &experiment.triggers {
        let kind = matches!(
            trigger.action,
            Disturb::RollingRestart { .. }
                | Disturb::ManagerPause { .. }
                | Disturb::ManagerCrash { .. }
                | Disturb::NetworkDelay { .. }
        );
        if kind {
            let deed = Deed::Trigger(trigger.action.clone());
            all.push(own(name, &mut keys, "As the config has it.", deed).with(vec![lasts(trigger.lasts.0)]));
        }
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
