//! A session as a config: the experiment, and all that was pressed. What is shown is a run of it, and it can be taken home.
use super::{
    controls::{Act, Control, Values},
    driver::STEP,
    offer::controls,
    protocol::Mark,
};
use crate::{
    config::{
        Experiment,
        disturbance::{Lever, Trigger},
        to_yaml,
        units::{Duration, Limit},
    },
    scenario::{Scenario, load_text},
};
use lab_core::{
    time::{Span, Time},
    timeline::{Disturbance, Role},
};

/// A session goes on for at most so long, in the run's own time: what was measured is kept.
pub(super) const LONGEST: Span = Span::from_secs(12 * 3600);

/// What has been pressed so far, and what it is pressed at.
#[derive(Clone, Debug)]
pub(super) struct Script {
    name: String,
    experiment: Experiment,
    scenario: Scenario,
    service: String,
    controls: Vec<Control>,
    pressed: Vec<Pressed>,
}

/// One press.
#[derive(Clone, Debug)]
struct Pressed {
    name: String,
    control: String,
    said: String,
    at: Time,
    act: Act,
    /// As it was wanted; `None`: to the end, unless it is let go.
    wanted: Option<Span>,
    /// When it was let go.
    released: Option<Time>,
}

impl Pressed {
    /// How long it lasts; `None`: to the end.
    fn lasts(&self) -> Option<Span> {
        self.released.map(|at| at.since(self.at)).or(self.wanted)
    }
}

impl Script {
    /// A session at `experiment`, whose service `service` is watched in windows of this width. The triggers and levers of the config become what can be
    /// pressed; with `as_written` they also happen as the config says.
    ///
    /// # Errors
    /// When the experiment cannot be built; it has been read, so nothing of what a person wrote is wrong.
    pub(super) fn new(
        name: &str,
        mut experiment: Experiment,
        service: &str,
        window: Span,
        as_written: bool,
    ) -> Result<Script, String> {
        let controls = controls(&experiment, service);
        if !as_written {
            experiment.triggers.clear();
            experiment.levers.clear();
        }
        experiment.levers.retain(|_, lever| lever.enabled);
        experiment.variants.clear();
        experiment.expect.clear();
        experiment.figures.clear();
        experiment.replications = 1;
        experiment.duration = Duration(LONGEST);
        experiment.window = Some(Duration(window));
        let scenario = built(name, &experiment)?;
        Ok(Script {
            name: name.into(),
            experiment,
            scenario,
            service: service.into(),
            controls,
            pressed: vec![],
        })
    }

    /// What can be pressed.
    pub(super) fn controls(&self) -> &[Control] {
        &self.controls
    }

    /// The run that the session is up to now, if nobody presses anything more.
    pub(super) fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// Presses `id` at `at`, with the numbers given, and returns the name that the press has got.
    ///
    /// # Errors
    /// One sentence on what is wrong with it. Nothing was pressed then.
    pub(super) fn press(&mut self, id: &str, given: &Values, at: Time) -> Result<String, String> {
        let Some(control) = self.controls.iter().find(|c| c.id == id) else {
            let ids: Vec<&str> = self.controls.iter().map(|c| &*c.id).collect();
            return Err(format!("there is no lever `{id}`; there are {}", ids.join(", ")));
        };
        let values = control.values(given)?;
        let (act, wanted) = control.act(&values, &self.experiment, &self.service);
        // Of what is held, one is enough: pressing it again lets it go.
        let again = |p: &&mut Pressed| p.control == id && p.lasts().is_none();
        let mut changed = self.pressed.clone();
        let held = changed.iter_mut().find(again);
        let name = match held {
            Some(held) if at > held.at => {
                held.released = Some(at);
                held.name.clone()
            }
            _ => {
                let name = self.free_name(id);
                let said = control.said(&values);
                let control = id.into();
                changed.push(Pressed { name: name.clone(), control, said, at, act, wanted, released: None });
                name
            }
        };
        self.take(changed)?;
        Ok(name)
    }

    /// Forgets what was pressed at `at` or later; what was let go by then is held again.
    pub(super) fn cut(&mut self, at: Time) -> Result<(), String> {
        let mut kept: Vec<Pressed> = self.pressed.iter().filter(|p| p.at < at).cloned().collect();
        for pressed in &mut kept {
            pressed.released = pressed.released.filter(|released| *released < at);
        }
        self.take(kept)
    }

    /// Builds the run anew with these presses.
    fn take(&mut self, pressed: Vec<Pressed>) -> Result<(), String> {
        let scenario = built(&self.name, &self.with(&pressed))?;
        (self.scenario, self.pressed) = (scenario, pressed);
        Ok(())
    }

    fn with(&self, pressed: &[Pressed]) -> Experiment {
        let mut experiment = self.experiment.clone();
        for pressed in pressed {
            let (name, lasts) = (&pressed.name, pressed.lasts());
            let at = Duration(Span(pressed.at.0));
            match &pressed.act {
                Act::Trigger(action) => {
                    let lasts = Duration(lasts.unwrap_or(LONGEST));
                    experiment.triggers.insert(name.clone(), Trigger { at, lasts, action: action.clone() });
                }
                Act::Lever(action) => {
                    let lasts = Limit(lasts.unwrap_or(Span::FOREVER));
                    let lever = Lever { at, lasts, enabled: true, action: action.clone() };
                    experiment.levers.insert(name.clone(), lever);
                }
            }
        }
        experiment
    }

    fn free_name(&self, id: &str) -> String {
        let taken = |name: &String| {
            self.pressed.iter().any(|p| p.name == *name)
                || self.experiment.triggers.contains_key(name)
                || self.experiment.levers.contains_key(name)
        };
        let names = (1..).map(|n| format!("{id}_{n}"));
        names.into_iter().find(|name| !taken(name)).expect("there is no end of numbers")
    }

    /// The session up to the last whole window before `until` as a config, which gives the same run to the last bit. It ends later
    /// where something that was pressed lasts longer.
    pub(super) fn export(&self, until: Time) -> String {
        let mut experiment = self.with(&self.pressed);
        let window = self.scenario.window;
        let ends = self.pressed.iter().map(|p| p.at + p.lasts().unwrap_or(STEP));
        let ends = ends.max().unwrap_or(Time::ZERO).0.div_ceil(window.0).max(1);
        experiment.duration = Duration(Span((until.0 / window.0).max(ends) * window.0));
        let head = format!(
            "# A session at {}, seed {}: {} of it were seen.\n# `lab run` on this file gives the same run again, to the last bit.\n",
            self.name,
            experiment.seed,
            Span(until.0)
        );
        head + &to_yaml(&experiment).expect("what was read can be written")
    }

    /// What is shown of triggers and levers.
    pub(super) fn marks(&self, now: Time) -> Vec<Mark> {
        let mark = |d: &Disturbance| {
            let pressed = self.pressed.iter().find(|p| p.name == d.name);
            let held = d.until >= self.scenario.end();
            Mark {
                name: d.name.clone(),
                lever: pressed.map_or(String::new(), |p| p.control.clone()),
                role: match d.role {
                    Role::Trigger => "trigger",
                    Role::Lever => "lever",
                },
                label: pressed.map_or(d.name.replace('_', " "), |p| p.said.clone()),
                from_s: d.from.as_secs_f64(),
                until_s: (!held).then(|| d.until.as_secs_f64()),
            }
        };
        // What the config itself brings is shown when its time has come.
        self.scenario.disturbances.iter().filter(|d| d.from <= now).map(mark).collect()
    }
}

fn built(name: &str, experiment: &Experiment) -> Result<Scenario, String> {
    let text = to_yaml(experiment).ok_or("the experiment cannot be written as a config")?;
    load_text(name, text).map(|plan| plan.baseline).map_err(|errors| errors.to_string())
}
