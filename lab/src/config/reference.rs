//! The language, described from its own types: a JSON schema for editors and a reference for people.
use super::{
    experiment::Experiment,
    preset::{Tag, of_block},
    sweep::Sweep,
    workload::Workload,
};
use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::{Map, Value};
use std::fmt::Write;

/// The JSON schema of a config, as `configs/schema.json` holds it.
pub fn schema() -> String {
    pretty(&schema_of::<Experiment>())
}

/// The JSON schema of a workload in a file of its own, as `workloads/schema.json` holds it.
pub fn workload_schema() -> String {
    pretty(&schema_of::<Workload>())
}

/// The JSON schema of a sweep, as `configs/sweeps/schema.json` holds it.
pub fn sweep_schema() -> String {
    pretty(&schema_of::<Sweep>())
}

fn pretty(schema: &Value) -> String {
    let mut text = serde_json::to_string_pretty(schema).unwrap_or_default();
    text.push('\n');
    text
}

fn schema_of<T: JsonSchema>() -> Value {
    SchemaSettings::draft07().into_generator().into_root_schema_for::<T>().to_value()
}

/// The reference, as `configs/REFERENCE.md` holds it.
pub fn reference() -> String {
    let root = schema_of::<Experiment>();
    let mut page = Page {
        definitions: root["definitions"].as_object().cloned().unwrap_or_default(),
        text: String::new(),
    };
    page.text.push_str(
        "# Reference of the config language\n\n\
         Generated from the types that read configs; do not edit. An experiment is one YAML file; a workload may be a file of its \
         own in the nearest folder `workloads`.\n\n\
         A *call* is what a user asks for. It makes one or more *attempts*: the first, and its retries or hedges. An attempt goes to one \
         *replica* of a service, waits in its queue and holds a *worker* for a service time. A call is *good* if it succeeds in \
         time; *goodput* counts good calls. *Offered* are the calls that users want to make, whatever becomes of them.\n\n",
    );
    page.block("The experiment", &root);
    let order =
        ["Workload", "Service", "Client", "Retry", "Hedge", "Trigger", "Lever", "Expectation", "Figure"];
    let others: Vec<String> =
        page.definitions.keys().filter(|k| !order.contains(&k.as_str())).cloned().collect();
    for name in order.into_iter().map(str::to_owned).chain(others) {
        if let Some(definition) = page.definitions.get(&name).cloned() {
            page.block(&name, &definition);
        }
    }
    page.sweeps();
    presets(&mut page.text, "retry");
    presets(&mut page.text, "hedge");
    presets(&mut page.text, "membership");
    page.text
}

struct Page {
    definitions: Map<String, Value>,
    text: String,
}

fn anchor(name: &str) -> String {
    format!("[{name}](#{})", name.to_lowercase().replace(' ', "-"))
}

/// A description on one line.
fn described(schema: &Value) -> String {
    schema["description"]
        .as_str()
        .unwrap_or("")
        .split('\n')
        .filter(|l| !l.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

impl Page {
    /// Sweep files, and what only they hold.
    fn sweeps(&mut self) {
        let root = schema_of::<Sweep>();
        let definitions = root["definitions"].as_object().cloned().unwrap_or_default();
        let own: Vec<String> =
            definitions.keys().filter(|name| !self.definitions.contains_key(*name)).cloned().collect();
        self.definitions.extend(definitions);
        self.block("A sweep", &root);
        for name in own {
            let definition = self.definitions[&name].clone();
            self.block(&name, &definition);
        }
    }

    fn block(&mut self, name: &str, schema: &Value) {
        let _ = write!(self.text, "## {name}\n\n");
        let about = described(schema);
        if !about.is_empty() {
            let _ = write!(self.text, "{about}\n\n");
        }
        if schema["properties"].is_object() {
            self.keys(schema);
        } else if let Some(patterns) = schema["patternProperties"].as_object() {
            self.paths(patterns);
        } else if let Some(choices) = schema["oneOf"].as_array() {
            self.choices(choices);
        } else if let Some(parts) = schema["anyOf"].as_array() {
            let parts: Vec<String> = parts.iter().map(|p| self.kind(p)).collect();
            let _ = write!(self.text, "{}\n\n", parts.join(" or "));
        }
    }

    fn keys(&mut self, schema: &Value) {
        let required: Vec<&str> =
            schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        self.text.push_str("| key | value | default | meaning |\n|---|---|---|---|\n");
        for (key, property) in schema["properties"].as_object().into_iter().flatten() {
            let default = match property.get("default") {
                _ if required.contains(&key.as_str()) => "**needed**".into(),
                Some(Value::String(text)) if text.is_empty() => String::new(),
                Some(Value::Null) | None => String::new(),
                Some(Value::String(text)) => format!("`{text}`"),
                Some(Value::Object(map)) if map.is_empty() => String::new(),
                Some(Value::Array(list)) if list.is_empty() => String::new(),
                Some(value) => format!("`{}`", one_line(value)),
            };
            let (kind, about) = (self.kind(property), described(property));
            let _ = writeln!(self.text, "| `{key}` | {kind} | {default} | {} |", about.replace('|', "\\|"));
        }
        self.text.push('\n');
    }

    /// Keys that are dotted paths with a name in them.
    fn paths(&mut self, patterns: &Map<String, Value>) {
        self.text.push_str("| path | value | meaning |\n|---|---|---|\n");
        for (pattern, property) in patterns {
            let path = pattern.trim_matches(['^', '$']).replace("[^.]+", "NAME").replace('\\', "");
            let (kind, about) = (self.kind(property), described(property));
            let _ = writeln!(self.text, "| `{path}` | {kind} | {about} |");
        }
        self.text.push('\n');
    }

    fn choices(&mut self, choices: &[Value]) {
        for choice in choices {
            let about = described(choice);
            if let Some(word) = choice["const"].as_str() {
                let _ = writeln!(self.text, "- `{word}`: {about}");
                continue;
            }
            for word in choice["enum"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                let _ = writeln!(self.text, "- `{word}`: {about}");
            }
            for (word, settings) in choice["properties"].as_object().into_iter().flatten() {
                if !settings["properties"].is_object() {
                    let _ = writeln!(self.text, "- `{word}: …` ({}): {about}", self.kind(settings));
                    continue;
                }
                let _ = writeln!(self.text, "- `{word}`: {about}");
                for (key, property) in settings["properties"].as_object().into_iter().flatten() {
                    let default = match property.get("default") {
                        Some(Value::String(text)) if text.is_empty() => String::new(),
                        Some(value) => format!(", default `{}`", one_line(value)),
                        None => String::new(),
                    };
                    let _ = writeln!(
                        self.text,
                        "  - `{key}` ({}{default}): {}",
                        self.kind(property),
                        described(property)
                    );
                }
            }
        }
        self.text.push('\n');
    }

    /// What kind of value a schema stands for, in a few words.
    fn kind(&self, schema: &Value) -> String {
        if let Some(reference) = schema["$ref"].as_str() {
            return self.named(reference);
        }
        if let Some(Value::String(word)) = schema.get("const") {
            return format!("`{word}`");
        }
        for combination in ["allOf", "anyOf"] {
            if let Some(parts) = schema[combination].as_array() {
                let parts: Vec<String> =
                    parts.iter().filter(|p| p["type"] != "null").map(|p| self.kind(p)).collect();
                return parts.join(" or ");
            }
        }
        let kind = match &schema["type"] {
            Value::Array(kinds) => {
                kinds.iter().filter_map(Value::as_str).find(|k| *k != "null").unwrap_or("")
            }
            kind => kind.as_str().unwrap_or(""),
        };
        match kind {
            "object" if schema["additionalProperties"].is_object() => {
                format!("map of names to {}", self.kind(&schema["additionalProperties"]))
            }
            "array" if schema["items"].is_object() => format!("list of {}", self.kind(&schema["items"])),
            "array" => "list".into(),
            "object" => "block".into(),
            "string" => "text".into(),
            "boolean" => "`true` or `false`".into(),
            "integer" => "whole number".into(),
            "number" => "number".into(),
            _ => "any value".into(),
        }
    }

    fn named(&self, reference: &str) -> String {
        let name = reference.rsplit('/').next().unwrap_or(reference);
        match self.definitions.get(name) {
            Some(definition) if definition["pattern"].is_string() => described(definition),
            _ => anchor(name),
        }
    }
}

fn one_line(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(list) => format!("[{}]", list.iter().map(one_line).collect::<Vec<_>>().join(", ")),
        Value::Object(map) => {
            let pairs: Vec<String> = map.iter().map(|(k, v)| format!("{k}: {}", one_line(v))).collect();
            format!("{{ {} }}", pairs.join(", "))
        }
        other => other.to_string(),
    }
}

fn presets(text: &mut String, block: &str) {
    let _ = write!(
        text,
        "\n## Presets for `{block}`\n\n\
         Written `{block}: {{ preset: NAME }}`; other keys of `{block}` override the preset's. How well the values are known: V read in \
         upstream code, a specification or official documentation; S read as a quotation; E a documented example, not a default; \
         U unverified.\n\n| preset | version | known | what it does | settings | source |\n|---|---|---|---|---|---|\n",
    );
    for preset in of_block(block) {
        let tag = match preset.tag {
            Tag::V => "V",
            Tag::S => "S",
            Tag::E => "E",
            Tag::U => "U",
        };
        let _ = writeln!(
            text,
            "| `{}` | {} | {tag} | {} | `{}` | {} |",
            preset.name, preset.version, preset.about, preset.yaml, preset.source
        );
    }
}
