//! The one clock of a live run: `CLOCK_MONOTONIC`, which the parent and all replica processes share, counted from the run's
//! epoch.
use lab_core::time::{Span, Time};
use rustix::time::{ClockId, Timespec, clock_gettime};
use serde::{Deserialize, Serialize};

/// Reads the time since a run's epoch.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Clock {
    /// When the run begins, in nanoseconds of `CLOCK_MONOTONIC`.
    epoch_ns: u64,
}

impl Clock {
    /// A clock whose run begins `lead` from now.
    pub(super) fn starting_in(lead: Span) -> Clock {
        Clock { epoch_ns: monotonic_ns() + lead.0 }
    }

    /// Time since the epoch; zero before it.
    #[inline]
    pub(super) fn now(self) -> Time {
        Time(monotonic_ns().saturating_sub(self.epoch_ns))
    }

    /// `at` as an instant of `CLOCK_MONOTONIC`.
    pub(super) fn timespec(self, at: Time) -> Timespec {
        let ns = self.epoch_ns.saturating_add(at.0);
        Timespec { tv_sec: (ns / 1_000_000_000) as i64, tv_nsec: (ns % 1_000_000_000) as _ }
    }
}

fn monotonic_ns() -> u64 {
    let Timespec { tv_sec, tv_nsec } = clock_gettime(ClockId::Monotonic);
    tv_sec as u64 * 1_000_000_000 + tv_nsec as u64
}
