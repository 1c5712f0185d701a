//! How a store is replicated, and who of its replicas is sent work.
use super::units::{Duration, Limit, Share};
use lab_core::time::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the replicas of a service hold a keyed store together. Of a replicated store, `mix` and `keys` of the workload say
/// what its calls read and write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Replication {
    /// Not at all: replicas hold nothing, and each can serve every call.
    #[default]
    None,
    /// A primary orders the writes and sends each to all backups.
    PrimaryBackup {
        /// When a write is acknowledged.
        #[serde(default)]
        ack: Ack,
        /// Who answers reads.
        #[serde(default)]
        reads: Readers,
    },
    /// Chain replication: writes pass from the head to the tail, and the tail answers reads (van Renesse and Schneider, OSDI'04).
    Chain,
    /// A chain in which every replica answers reads (CRAQ: Terrace and Freedman, USENIX ATC'09).
    Craq {
        /// How fresh the answers are.
        #[serde(default)]
        reads: Freshness,
    },
    /// A shared log of write-once positions, which every replica plays (CORFU: Balakrishnan et al., NSDI'12; Tango: SOSP'13).
    SharedLog,
}

/// When a write is acknowledged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ack {
    /// When the primary has it. It may be lost with the primary.
    One,
    /// When a majority of the members has it. It survives the loss of a minority.
    #[default]
    Majority,
    /// When every member has it. It survives the loss of all members but one.
    All,
}

/// Who answers reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Readers {
    /// The primary, under its lease: reads are linearizable.
    #[default]
    Leader,
    /// Every member, from what it knows to be committed: reads may be stale.
    Any,
    /// Every member, after asking all others and hearing from a majority: reads are linearizable, and need no lease. A
    /// question holds a worker of each other member for `apply_time`. Needs `ack: majority`, which a majority of readers overlaps.
    Quorum,
}

/// How fresh the answers to reads are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Freshness {
    /// Linearizable: where a write of the key is under way, the tail is asked which version counts.
    #[default]
    Strong,
    /// What the replica knows to be committed, however old.
    Eventual,
    /// The same, but `strong` once the oldest write of the key under way is older than this.
    Bounded(Duration),
}

/// Who of a service's replicas is sent work. A manager hears their heartbeats and decides, one numbered view after the other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Membership {
    /// Start from a preset; the other fields override its fields.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = super::preset::names("membership")))]
    pub preset: Option<String>,
    /// How replicas tell that they live.
    #[serde(default)]
    pub heartbeat: Heartbeat,
    /// After this long without a heartbeat a member is ejected. An ejected replica forgets its store and comes back as a newcomer.
    #[serde(default = "a_second")]
    pub timeout: Duration,
    /// How long a member may rely on its membership after a heartbeat that was answered; linearizable reads are served under
    /// this lease only. At most `timeout`. `none`: as long as `timeout`.
    #[serde(default = "no_limit")]
    pub lease: Limit,
    /// A replica that is no member is admitted when its heartbeats have come for this long.
    #[serde(default = "a_second")]
    pub admit_after: Duration,
    /// How long a member that comes into charge as primary or head needs before it serves. Until then calls are turned away.
    #[serde(default = "at_once")]
    pub takeover: Duration,
    /// The largest share of the replicas that may be out at a time; beyond it even silent ones stay members.
    #[serde(default = "all")]
    pub max_ejected: Share,
    /// Panic mode: if fewer than this share of the replicas would be left, nobody is ejected.
    #[serde(default = "nothing")]
    pub panic_below: Share,
    /// How fast a newcomer gets the store.
    #[serde(default)]
    pub transfer: Transfer,
}

/// How replicas tell that they live.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Heartbeat {
    /// How often.
    #[serde(default = "tenth")]
    pub every: Duration,
    /// Whether heartbeats wait behind the replica's work.
    #[serde(default)]
    pub priority: Priority,
}

/// Whether heartbeats wait behind the replica's work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// They wait in the queue like a request: an overloaded replica looks dead.
    #[default]
    Normal,
    /// They are sent at once.
    High,
}

/// How fast a newcomer gets the store from the member that it learns from.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Transfer {
    /// Keys in one part.
    #[serde(default = "hundred")]
    #[schemars(range(min = 1))]
    pub part: u32,
    /// The pause between two parts.
    #[serde(default = "pause")]
    pub pause: Duration,
}

impl Default for Membership {
    fn default() -> Membership {
        Membership {
            preset: None,
            heartbeat: Heartbeat::default(),
            timeout: a_second(),
            lease: no_limit(),
            admit_after: a_second(),
            takeover: at_once(),
            max_ejected: all(),
            panic_below: nothing(),
            transfer: Transfer::default(),
        }
    }
}

impl Default for Heartbeat {
    fn default() -> Heartbeat {
        Heartbeat { every: tenth(), priority: Priority::Normal }
    }
}

impl Default for Transfer {
    fn default() -> Transfer {
        Transfer { part: hundred(), pause: pause() }
    }
}

fn tenth() -> Duration {
    Duration(Span::from_millis(100))
}

fn at_once() -> Duration {
    Duration(Span::ZERO)
}

fn a_second() -> Duration {
    Duration(Span::from_secs(1))
}

fn pause() -> Duration {
    Duration(Span::from_millis(10))
}

fn hundred() -> u32 {
    100
}

fn no_limit() -> Limit {
    Limit(Span::FOREVER)
}

fn all() -> Share {
    Share(1.0)
}

fn nothing() -> Share {
    Share(0.0)
}
