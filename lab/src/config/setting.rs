//! Settings that change while a run goes on, by the dotted paths at which the experiment has them.
use super::{
    budget::Budget,
    choice::{Attempts, OrNone, Places},
    client::{Backoff, Outcome, Retry},
    diagnose::suggest,
    read::any_of,
    service::{Cancel, Discipline, Queue},
    units::{Limit, POISON},
};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, Error as _},
    ser::SerializeMap,
};
use std::{borrow::Cow, fmt};

/// New values of settings, in the order of writing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings(pub Vec<Setting>);

/// The new value of one setting, and whose it is.
#[derive(Clone, Debug, PartialEq)]
pub enum Setting {
    /// Of a client group.
    Client(String, ClientValue),
    /// Of a service.
    Service(String, ServiceValue),
}

/// A new value for a client group.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum ClientValue {
    /// `per_try_timeout`.
    PerTryTimeout(Limit),
    /// `retry`, all of it.
    Retry(OrNone<Retry>),
    /// `retry.max_attempts`.
    MaxAttempts(Attempts),
    /// `retry.retry_on`.
    RetryOn(Vec<Outcome>),
    /// `retry.backoff`.
    Backoff(OrNone<Backoff>),
    /// `retry.budget`.
    Budget(Budget),
}

/// A new value for a service.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum ServiceValue {
    /// `workers`.
    Workers(u32),
    /// `queue`, all of it.
    Queue(Queue),
    /// `queue.discipline`.
    Discipline(Discipline),
    /// `queue.capacity`.
    Capacity(Places),
    /// `cancel`.
    Cancel(Cancel),
}

/// What can change of a client group, and from when on.
const OF_CLIENTS: [(&str, &str); 6] = [
    ("per_try_timeout", "Of attempts sent from then on; those under way keep theirs."),
    (
        "retry",
        "All of the four below. A block may start from a `preset`; what it leaves out has its default.",
    ),
    ("retry.max_attempts", "Asked when an attempt has failed. A retry that is scheduled is made."),
    ("retry.retry_on", "Asked when an attempt has failed."),
    ("retry.backoff", "Of retries scheduled from then on."),
    (
        "retry.budget",
        "Begins full, and so does the old one when it comes back; `concurrent` counts the retries under way.",
    ),
];

/// What can change of a service, and from when on.
const OF_SERVICES: [(&str, &str); 5] = [
    (
        "workers",
        "Of each replica. Added workers begin with what waits. Of those taken away free ones go at once, and busy ones when their work is done.",
    ),
    ("queue", "Both of the two below; what a block leaves out has its default."),
    ("queue.discipline", "Who waits is kept, and served by the new discipline."),
    ("queue.capacity", "Who waits is kept; who comes is turned away until there is room again."),
    (
        "cancel",
        "`deadline`: of work that starts from then on. `on_disconnect`: of hang-ups from then on, of those who wait already too. Not of a cache.",
    ),
];

impl Setting {
    /// Where the experiment has it.
    pub fn path(&self) -> String {
        match self {
            Setting::Client(name, value) => format!("clients.{name}.{}", value.key()),
            Setting::Service(name, value) => format!("services.{name}.{}", value.key()),
        }
    }
}

impl ClientValue {
    fn key(&self) -> &'static str {
        match self {
            ClientValue::PerTryTimeout(_) => "per_try_timeout",
            ClientValue::Retry(_) => "retry",
            ClientValue::MaxAttempts(_) => "retry.max_attempts",
            ClientValue::RetryOn(_) => "retry.retry_on",
            ClientValue::Backoff(_) => "retry.backoff",
            ClientValue::Budget(_) => "retry.budget",
        }
    }
}

impl ServiceValue {
    fn key(&self) -> &'static str {
        match self {
            ServiceValue::Workers(_) => "workers",
            ServiceValue::Queue(_) => "queue",
            ServiceValue::Discipline(_) => "queue.discipline",
            ServiceValue::Capacity(_) => "queue.capacity",
            ServiceValue::Cancel(_) => "cancel",
        }
    }
}

/// The path of a setting that can change: whether it is a client's, whose it is, and which.
struct Path {
    client: bool,
    name: String,
    key: &'static str,
}

impl<'de> Deserialize<'de> for Path {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Path, D::Error> {
        let text = String::deserialize(deserializer)?;
        let steps: Vec<&str> = text.splitn(3, '.').collect();
        let [block @ ("clients" | "services"), name, key] = steps[..] else {
            let help = "a path looks like `clients.web.per_try_timeout` or `services.store.workers`";
            return Err(D::Error::custom(format!("`{text}` is no setting that can change in a run\n{help}")));
        };
        let client = block == "clients";
        let keys: Vec<&'static str> =
            if client { &OF_CLIENTS[..] } else { &OF_SERVICES[..] }.iter().map(|(key, _)| *key).collect();
        if let Some(key) = keys.iter().find(|known| **known == key) {
            return Ok(Path { client, name: name.into(), key });
        }
        let meant = suggest(key, &keys).and_then(|s| s.split('`').nth(1).map(str::to_owned));
        let help = match meant {
            Some(meant) => format!("did you mean `{block}.{name}.{meant}`?"),
            None => format!("of a {} can change: {}", &block[..block.len() - 1], all_of(&keys)),
        };
        Err(D::Error::custom(format!("`{key}` is no setting that can change in a run\n{help}")))
    }
}

fn all_of(words: &[&str]) -> String {
    any_of(words).replace(" or ", " and ")
}

impl<'de> Deserialize<'de> for Settings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Settings, D::Error> {
        struct Pairs;
        impl<'de> de::Visitor<'de> for Pairs {
            type Value = Settings;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a block of dotted paths and new values")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Settings, E> {
                match text {
                    POISON => Ok(Settings::default()),
                    _ => Err(E::invalid_type(de::Unexpected::Str(text), &self)),
                }
            }
            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Settings, A::Error> {
                if map.size_hint() == Some(0) {
                    let help = "for example `set: { clients.web.per_try_timeout: 2 s }`";
                    return Err(A::Error::custom(format!("nothing is set\n{help}")));
                }
                let mut settings = vec![];
                while let Some(Path { client, name, key }) = map.next_key()? {
                    settings.push(match (client, key) {
                        (true, "per_try_timeout") => {
                            Setting::Client(name, ClientValue::PerTryTimeout(map.next_value()?))
                        }
                        (true, "retry") => Setting::Client(name, ClientValue::Retry(map.next_value()?)),
                        (true, "retry.max_attempts") => {
                            Setting::Client(name, ClientValue::MaxAttempts(map.next_value()?))
                        }
                        (true, "retry.retry_on") => {
                            Setting::Client(name, ClientValue::RetryOn(map.next_value()?))
                        }
                        (true, "retry.backoff") => {
                            Setting::Client(name, ClientValue::Backoff(map.next_value()?))
                        }
                        (true, _) => Setting::Client(name, ClientValue::Budget(map.next_value()?)),
                        (false, "workers") => {
                            Setting::Service(name, ServiceValue::Workers(map.next_value()?))
                        }
                        (false, "queue") => Setting::Service(name, ServiceValue::Queue(map.next_value()?)),
                        (false, "queue.discipline") => {
                            Setting::Service(name, ServiceValue::Discipline(map.next_value()?))
                        }
                        (false, "queue.capacity") => {
                            Setting::Service(name, ServiceValue::Capacity(map.next_value()?))
                        }
                        (false, _) => Setting::Service(name, ServiceValue::Cancel(map.next_value()?)),
                    });
                }
                Ok(Settings(settings))
            }
        }
        deserializer.deserialize_any(Pairs)
    }
}

impl Serialize for Settings {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for setting in &self.0 {
            match setting {
                Setting::Client(_, value) => map.serialize_entry(&setting.path(), value)?,
                Setting::Service(_, value) => map.serialize_entry(&setting.path(), value)?,
            }
        }
        map.end()
    }
}

impl JsonSchema for Settings {
    fn schema_name() -> Cow<'static, str> {
        "Settings".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut of_key = |key: &str| match key {
            "per_try_timeout" => generator.subschema_for::<Limit>(),
            "retry" => generator.subschema_for::<OrNone<Retry>>(),
            "retry.max_attempts" => generator.subschema_for::<Attempts>(),
            "retry.retry_on" => generator.subschema_for::<Vec<Outcome>>(),
            "retry.backoff" => generator.subschema_for::<OrNone<Backoff>>(),
            "retry.budget" => generator.subschema_for::<Budget>(),
            "workers" => json_schema!({ "type": "integer", "minimum": 1 }),
            "queue" => generator.subschema_for::<Queue>(),
            "queue.discipline" => generator.subschema_for::<Discipline>(),
            "queue.capacity" => generator.subschema_for::<Places>(),
            _ => generator.subschema_for::<Cancel>(),
        };
        let clients = OF_CLIENTS.iter().map(|pair| ("clients", pair));
        let all = clients.chain(OF_SERVICES.iter().map(|pair| ("services", pair)));
        let patterns: serde_json::Map<String, serde_json::Value> = all
            .map(|(block, (key, about))| {
                let pattern = format!(r"^{block}\.[^.]+\.{}$", key.replace('.', r"\."));
                (pattern, serde_json::json!({ "description": about, "allOf": [of_key(key)] }))
            })
            .collect();
        json_schema!({
            "description": "New values of settings, by the dotted paths at which the experiment has them; any number of them together. They hold \
                            from that instant for what happens then: what has been sent, scheduled or begun stays as it was. Where several \
                            changes of one setting overlap, the one that began last holds. What else an experiment has cannot change in a run.",
            "type": "object",
            "minProperties": 1,
            "patternProperties": patterns,
            "additionalProperties": false
        })
    }
}
