//! What goes wrong and what an operator does about it.
use super::{
    cache::FlushKeys,
    choice::Selection,
    setting::Settings,
    units::{Duration, Limit, Share},
};
use lab_core::time::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Something that goes wrong, and then stops by itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Trigger {
    /// When it begins, from the start of the run.
    pub at: Duration,
    /// How long it lasts.
    #[serde(rename = "for")]
    pub lasts: Duration,
    /// What happens.
    #[serde(rename = "do")]
    pub action: Disturb,
}

/// What an operator does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Lever {
    /// When it is pulled, from the start of the run.
    pub at: Duration,
    /// How long it stays pulled. `none`: to the end of the run.
    #[serde(rename = "for", default = "to_the_end")]
    pub lasts: Limit,
    /// Whether it is pulled at all.
    #[serde(default = "enabled")]
    pub enabled: bool,
    /// What is done.
    #[serde(rename = "do")]
    pub action: Pull,
}

fn to_the_end() -> Limit {
    Limit(Span::FOREVER)
}

fn enabled() -> bool {
    true
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Disturb {
    /// The load is multiplied.
    LoadSpike {
        /// By how much; below 1 it is a dip.
        factor: f64,
        /// Whose load.
        #[serde(default)]
        clients: Selection<String>,
    },
    /// Work that starts takes longer: a decrease of capacity.
    SlowDown {
        /// How many times longer.
        factor: f64,
        /// Which service; not needed where there is only one.
        #[serde(default)]
        service: String,
        /// Which replicas, counted from 0.
        #[serde(default)]
        replicas: Selection<u32>,
    },
    /// Nothing moves, nothing is lost, sockets stay open (a long garbage collection; live: SIGSTOP).
    Pause {
        /// Which service; not needed where there is only one.
        #[serde(default)]
        service: String,
        /// Which replicas, counted from 0.
        #[serde(default)]
        replicas: Selection<u32>,
    },
    /// Everything queued and in service is reset, connections are refused until the end (live: SIGKILL, then a new process).
    Crash {
        /// Which service; not needed where there is only one.
        #[serde(default)]
        service: String,
        /// Which replicas, counted from 0.
        #[serde(default)]
        replicas: Selection<u32>,
    },
    /// A share of the attempts that arrive fails.
    ErrorBurst {
        /// The share.
        share: Share,
        /// Which service; not needed where there is only one.
        #[serde(default)]
        service: String,
        /// Which replicas, counted from 0.
        #[serde(default)]
        replicas: Selection<u32>,
    },
    /// Messages between these replicas on one side, and the others and the manager on the other, are lost. Clients reach all.
    Partition {
        /// Which service; not needed where there is only one.
        #[serde(default)]
        service: String,
        /// Which replicas are apart, counted from 0.
        replicas: Selection<u32>,
    },
    /// Replicas crash and come back, one after the other, as when a new version is rolled out. The first goes when the trigger
    /// begins, and the last is back when it ends.
    RollingRestart {
        /// How long each is down. What is left of the time is spread between them.
        down: Duration,
        /// Which service; not needed where there is only one.
        #[serde(default)]
        service: String,
        /// Which replicas, counted from 0.
        #[serde(default)]
        replicas: Selection<u32>,
    },
    /// A cache loses keys, once, when the trigger begins.
    CacheFlush {
        /// Which cache; not needed where there is only one service.
        #[serde(default)]
        service: String,
        /// Which keys.
        #[serde(default)]
        keys: FlushKeys,
    },
    /// The manager of a service's membership stands still.
    ManagerPause {
        /// Which service; not needed where there is only one.
        #[serde(default)]
        service: String,
    },
    /// The manager of a service's membership is down. It comes back with the views that it has kept.
    ManagerCrash {
        /// Which service; not needed where there is only one.
        #[serde(default)]
        service: String,
    },
    /// Every message to and from the service takes longer.
    NetworkDelay {
        /// How much longer, one way.
        extra: Duration,
        /// Which service; not needed where there is only one.
        #[serde(default)]
        service: String,
    },
    /// Settings have other values: a config push that is rolled back at the end.
    Set(Settings),
}

/// What an operator does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Pull {
    /// New calls are let in with a probability; the others are turned away before their first attempt.
    ShedLoad {
        /// The share of new calls that are let in.
        admit: Share,
        /// Whose calls.
        #[serde(default)]
        clients: Selection<String>,
    },
    /// No retry is scheduled.
    RetriesOff {
        /// Whose retries.
        #[serde(default)]
        clients: Selection<String>,
    },
    /// Queues are emptied once, at the beginning; those who waited are turned away.
    QueueFlush {
        /// Which service; not needed where there is only one.
        #[serde(default)]
        service: String,
        /// Which replicas, counted from 0.
        #[serde(default)]
        replicas: Selection<u32>,
    },
    /// Replicas are stopped, with all that they hold, and started again after `for`.
    Restart {
        /// Which service; not needed where there is only one.
        #[serde(default)]
        service: String,
        /// Which replicas, counted from 0.
        #[serde(default)]
        replicas: Selection<u32>,
    },
    /// Settings have other values: a longer timeout, a retry budget, another queue discipline, more workers.
    Set(Settings),
}
