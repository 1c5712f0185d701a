//! What stands at a dotted path of a config, as a number that a study can change.
use crate::{
    config::{
        ConfigErrors,
        expect::Amount,
        units::{Duration, Rate, Share},
    },
    scenario::{Plan, Scenario, load},
    theory::grouped,
};
use lab_core::time::Span;
use serde::Serialize;
use serde_yaml::Value;
use std::path::PathBuf;

/// What a value on an axis is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// A plain number.
    Number,
    /// Per second.
    Rate,
    /// In percent.
    Percent,
    /// In seconds.
    Seconds,
}

/// A dotted path of a config, and the kind of number that stands there.
#[derive(Clone, Debug)]
pub struct Axis {
    /// The path.
    pub path: String,
    /// What is counted.
    pub unit: Unit,
    /// Whether only whole numbers make sense.
    pub whole: bool,
    /// What stands there in the config.
    pub now: f64,
    file: PathBuf,
    set: Vec<String>,
}

/// Why a path is no axis. The text is complete.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NoAxis(String);

impl Axis {
    /// The path `path` of `plan`, which was read with the changes `set`.
    ///
    /// # Errors
    /// Where nothing stands at the path, or no number.
    pub fn new(plan: &Plan, set: &[String], path: &str) -> Result<Axis, NoAxis> {
        let tree: Value = serde_yaml::from_str(&plan.resolved).expect("a resolved config is YAML");
        let text = text_at(&tree, path)?;
        let amount = text.parse::<Amount>().map_err(|_| {
            NoAxis(format!(
                "`{path}` is `{text}`, which is no number to change step by step\n  help: a threshold is looked for over a \
                 number, a rate, a share or a length of time"
            ))
        })?;
        let (unit, now) = measured(amount);
        let whole = unit == Unit::Number && !text.contains('.');
        let (file, set) = (plan.file.clone(), set.to_vec());
        Ok(Axis { path: path.into(), unit, whole, now, file, set })
    }

    /// Reads a value from the command line.
    ///
    /// # Errors
    /// Where it is no number, or has another unit than what stands in the config.
    pub fn read(&self, text: &str) -> Result<f64, NoAxis> {
        let example = self.shown(self.now);
        let wrong =
            |why: &str| NoAxis(format!("`{text}` {why}: `{}` is `{example}` in the config", self.path));
        let (unit, value) =
            measured(text.trim().parse::<Amount>().map_err(|_| wrong("is no value for this path"))?);
        match unit == self.unit {
            false => Err(wrong("has another unit than what stands at this path")),
            true if self.whole && value.fract() != 0.0 => Err(wrong("is no whole number")),
            true => Ok(value),
        }
    }

    /// The experiment with `value` at the path.
    ///
    /// # Errors
    /// Where the config does not allow that value.
    pub fn scenario(&self, value: f64) -> Result<Scenario, ConfigErrors> {
        let mut set = self.set.clone();
        set.push(format!("{}={}", self.path, self.written(value)));
        load(&self.file, &set).map(|plan| plan.baseline)
    }

    /// A value as a config has it.
    pub fn written(&self, value: f64) -> String {
        match self.unit {
            Unit::Number if self.whole => format!("{value:.0}"),
            Unit::Number => value.to_string(),
            Unit::Rate => Rate(value).to_string(),
            Unit::Percent => Share(value / 100.0).to_string(),
            Unit::Seconds => Duration(Span::from_secs_f64(value)).to_string(),
        }
    }

    /// A value for people, to four significant digits.
    pub fn shown(&self, value: f64) -> String {
        self.unit.shown(value)
    }

    /// A length on the axis for people: what is known of it is worth two significant digits.
    pub fn shown_width(&self, width: f64) -> String {
        self.unit.rounded(width, 2)
    }

    /// What is written behind a number; empty where it has no unit.
    pub fn suffix(&self) -> &'static str {
        self.unit.suffix()
    }
}

impl Unit {
    /// A value for people, to four significant digits.
    pub fn shown(self, value: f64) -> String {
        self.rounded(value, 4)
    }

    fn rounded(self, value: f64, digits: i32) -> String {
        if value.abs() >= 1e7 {
            return format!("{value:.1e}{}", self.suffix());
        }
        let decimals = if value == 0.0 {
            0
        } else {
            (digits - 1 - libm::floor(libm::log10(value.abs())) as i32).clamp(0, 9)
        };
        let text = format!("{value:.*}", decimals as usize);
        let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
        format!("{}{}", grouped(text), self.suffix())
    }

    /// What is written behind a number; empty where it has no unit.
    pub fn suffix(self) -> &'static str {
        match self {
            Unit::Number => "",
            Unit::Rate => "/s",
            Unit::Percent => " %",
            Unit::Seconds => " s",
        }
    }
}

/// The one path over which a threshold is looked for where the user names none: how strong the only trigger is, or, where that
/// is no number, how long it lasts.
///
/// # Errors
/// Where the config has no trigger, or several.
pub fn natural(plan: &Plan) -> Result<String, NoAxis> {
    let tree: Value = serde_yaml::from_str(&plan.resolved).expect("a resolved config is YAML");
    let triggers = tree.get("triggers").and_then(Value::as_mapping);
    let paths: Vec<String> = triggers
        .into_iter()
        .flatten()
        .filter_map(|(name, trigger)| {
            let name = name.as_str()?;
            let strength = trigger.get("do").and_then(Value::as_mapping)?.iter().find_map(|(kind, what)| {
                let key = ["factor", "share", "extra"].into_iter().find(|key| what.get(*key).is_some())?;
                Some(format!("triggers.{name}.do.{}.{key}", kind.as_str()?))
            });
            Some(strength.unwrap_or_else(|| format!("triggers.{name}.for")))
        })
        .collect();
    match &paths[..] {
        [one] => Ok(one.clone()),
        [] => Err(NoAxis(format!(
            "`{}` has no trigger, so there is none whose threshold could be looked for\n  help: add `triggers:` to the \
             config, or name another path with --over, such as `--over workload.rate`",
            plan.name
        ))),
        several => Err(NoAxis(format!(
            "`{}` has several triggers: say which one, and what of it, with --over\n  help: for example `--over {}`",
            plan.name,
            several.join("` or `--over ")
        ))),
    }
}

fn measured(amount: Amount) -> (Unit, f64) {
    match amount {
        Amount::Number(number) => (Unit::Number, number),
        Amount::Rate(rate) => (Unit::Rate, rate.0),
        Amount::Share(share) => (Unit::Percent, share.0 * 100.0),
        Amount::Duration(length) => (Unit::Seconds, length.0.as_secs_f64()),
    }
}

/// The scalar at the dotted `path`, as it would be written.
fn text_at(tree: &Value, path: &str) -> Result<String, NoAxis> {
    let mut node = tree;
    let mut walked = vec![];
    for step in path.split('.') {
        let next = match node {
            Value::Sequence(items) => step.parse::<usize>().ok().and_then(|index| items.get(index)),
            other => other.get(step),
        };
        node = next.ok_or_else(|| nothing(node, &walked, step))?;
        walked.push(step);
    }
    match node {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(truth) => Ok(truth.to_string()),
        Value::Mapping(entries) => {
            let keys: Vec<String> =
                entries.keys().filter_map(Value::as_str).map(|k| format!("`{path}.{k}`")).collect();
            Err(NoAxis(format!("`{path}` is a block, not one value\n  help: it has {}", keys.join(", "))))
        }
        _ => Err(NoAxis(format!("`{path}` is not one value"))),
    }
}

fn nothing(node: &Value, walked: &[&str], step: &str) -> NoAxis {
    let place =
        if walked.is_empty() { "the experiment".to_owned() } else { format!("`{}`", walked.join(".")) };
    let keys: Vec<&str> =
        node.as_mapping().into_iter().flatten().filter_map(|(key, _)| key.as_str()).collect();
    let close =
        keys.iter().map(|key| (strsim::jaro_winkler(key, step), key)).max_by(|a, b| a.0.total_cmp(&b.0));
    let help = match close {
        Some((likeness, key)) if likeness > 0.8 => format!("\n  help: did you mean `{key}`?"),
        _ if keys.is_empty() => String::new(),
        _ => format!("\n  help: it has {}", keys.join(", ")),
    };
    NoAxis(format!("{place} has no `{step}`{help}"))
}
