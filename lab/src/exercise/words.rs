//! What an answer must reach, in words.
use crate::config::exercise::{Exercise, Test};
use serde::Serialize;
use std::fmt::Display;

/// What `test` asks, in words: `good_share over 30 s to 60 s at least 99 %`.
pub fn requirement(test: &Test) -> String {
    let mut parts = vec![];
    if let Some(verdict) = test.verdict {
        parts.push(format!("verdict {}", word(&verdict)));
    }
    if let Some(bounds) = test.recovery_time {
        parts.push(format!("recovery_time {}", limits(bounds.at_least, bounds.at_most)));
    }
    if let Some(after) = test.after_lever {
        parts.push(format!("after_lever {}", word(&after)));
    }
    if let Some(metric) = test.metric {
        let over = test.over.map_or_else(String::new, |over| format!(" over {over}"));
        parts.push(format!("{}{over} {}", word(&metric), limits(test.at_least, test.at_most)));
    }
    let limited = test.limits.iter();
    parts.extend(limited.map(|(path, l)| format!("{path} {}", limits(l.at_least, l.at_most))));
    let asked = parts.join(", ");
    if test.set.is_empty() { asked } else { format!("{asked}; with {}", changes(test)) }
}

fn limits<T: Display>(at_least: Option<T>, at_most: Option<T>) -> String {
    let at_least = at_least.map(|least| format!("at least {least}"));
    let at_most = at_most.map(|most| format!("at most {most}"));
    at_least.into_iter().chain(at_most).collect::<Vec<_>>().join(" and ")
}

fn changes(test: &Test) -> String {
    let one = |(path, value): (&String, &serde_yaml::Value)| format!("{path}: {}", flow(value));
    test.set.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// A value on one line, as a person writes it in YAML.
fn flow(value: &serde_yaml::Value) -> String {
    use serde_yaml::Value;
    match value {
        Value::Mapping(map) if map.is_empty() => "{}".into(),
        Value::Mapping(map) => {
            let entries = map.iter().map(|(key, value)| format!("{}: {}", flow(key), flow(value)));
            format!("{{ {} }}", entries.collect::<Vec<_>>().join(", "))
        }
        Value::Sequence(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::String(text) => text.clone(),
        Value::Null => "null".into(),
        Value::Bool(is) => is.to_string(),
        Value::Number(number) => number.to_string(),
        Value::Tagged(tagged) => flow(&tagged.value),
    }
}

/// The tests of an exercise as a table in Markdown; hidden ones are there and no more.
pub fn requirements(exercise: &Exercise) -> String {
    let row = |test: &Test| match test.hidden {
        true => format!("| hidden | you will see | {} |\n", test.points),
        false => {
            let asked = requirement(test).replace('|', "\\|");
            format!("| {} | `{asked}` | {} |\n", test.name, test.points)
        }
    };
    let rows: String = exercise.tests.iter().map(row).collect();
    format!("| what | as measured | points |\n|---|---|---|\n{rows}")
}

/// The word of the language for a choice of it.
fn word(choice: &impl Serialize) -> String {
    serde_json::to_value(choice).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}
