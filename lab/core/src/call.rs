//! The nouns: a call is what the user wants once; an attempt is one try at it.
use serde::{Deserialize, Serialize};

/// One try at one call, as its client knows it. `generation` tells a late answer or a stale timer from a current one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Attempt {
    /// Where the client keeps the call.
    pub slot: u32,
    /// Grows every time a call of this client moves on.
    pub generation: u32,
}

/// How an attempt ended; a call ends as its last attempt did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[repr(u8)]
pub enum Outcome {
    /// Answered, in time.
    Success,
    /// No answer before the client's per-try timeout.
    Timeout,
    /// Connection refused or broken.
    Reset,
    /// Turned away: full queue, admission, shed load, open breaker (HTTP 503, UNAVAILABLE, throttled).
    Rejected,
    /// The service failed (HTTP 500).
    Error,
}

impl Outcome {
    /// Every outcome, in the order of its discriminant.
    pub const ALL: [Outcome; 5] =
        [Outcome::Success, Outcome::Timeout, Outcome::Reset, Outcome::Rejected, Outcome::Error];

    /// The word for it in configs and results.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Success => "success",
            Outcome::Timeout => "timeout",
            Outcome::Reset => "reset",
            Outcome::Rejected => "rejected",
            Outcome::Error => "error",
        }
    }
}

/// A set of outcomes, such as those that a client retries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutcomeSet(u8);

impl OutcomeSet {
    /// The empty set.
    pub const EMPTY: OutcomeSet = OutcomeSet(0);

    /// The set of the outcomes given.
    pub const fn of(outcomes: &[Outcome]) -> OutcomeSet {
        let mut bits = 0;
        let mut i = 0;
        while i < outcomes.len() {
            bits |= 1 << outcomes[i] as u8;
            i += 1;
        }
        OutcomeSet(bits)
    }
    /// Whether `outcome` is in the set.
    #[inline]
    pub fn contains(self, outcome: Outcome) -> bool {
        self.0 & (1 << outcome as u8) != 0
    }
    /// The members, in the order of [`Outcome::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Outcome> {
        Outcome::ALL.into_iter().filter(move |o| self.contains(*o))
    }
}

/// An attempt on its way to a server, with all that the server may know of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Which client instance sent it.
    pub client: u32,
    /// The client's name for it.
    pub attempt: Attempt,
    /// The call's number, the key of its draws.
    pub call: u64,
    /// Which try at the call this is, from 1.
    pub number: u32,
    /// When the client stops waiting for this attempt. [`crate::time::Time::NEVER`] if it never does.
    pub gives_up_at: crate::time::Time,
}

impl Job {
    /// The same attempt by one who calls on behalf of a caller, after `before` tries at the call that were made for the caller's
    /// earlier attempts.
    #[must_use]
    pub fn after(self, before: u32) -> Job {
        Job { number: self.number.saturating_add(before), ..self }
    }
}
