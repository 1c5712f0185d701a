//! One timer for all that a thread waits for.
//!
//! The runtime's own sleep rounds up to the next millisecond, which turns a station of 8 workers × 5 ms into one that cannot
//! carry its load. One timerfd behind an agenda wakes within some tens of microseconds, however many entries wait.
use super::clock::Clock;
use lab_core::time::Time;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use std::{cell::Cell, io, os::fd::OwnedFd};
use tokio::io::unix::AsyncFd;

/// Wakes its thread's runtime at the earliest instant it was armed for.
#[derive(Debug)]
pub(super) struct Timer {
    fd: AsyncFd<OwnedFd>,
    clock: Clock,
    armed: Cell<Time>,
}

impl Timer {
    /// A timer of the runtime that this is called in.
    pub(super) fn new(clock: Clock) -> io::Result<Timer> {
        let fd = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
        #[expect(deprecated, reason = "the replacement is unsafe; an owned descriptor is what it asks for")]
        let fd = AsyncFd::new(fd)?;
        Ok(Timer { fd, clock, armed: Cell::new(Time::NEVER) })
    }

    /// Wakes at `at`, unless an earlier waking is armed already.
    pub(super) fn arm(&self, at: Time) {
        if at >= self.armed.get() {
            return;
        }
        self.armed.set(at);
        let spec =
            Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value: self.clock.timespec(at) };
        timerfd_settime(self.fd.get_ref(), TimerfdTimerFlags::ABSTIME, &spec)
            .expect("an absolute time on a timerfd of ours is valid");
    }

    /// Waits for the instant armed, and returns it. Afterwards nothing is armed.
    ///
    /// The expirations are not read: readiness is reported once for each, read or not, and arming anew forgets them.
    pub(super) async fn wait(&self) -> io::Result<Time> {
        self.fd.readable().await?.clear_ready();
        Ok(self.armed.replace(Time::NEVER))
    }
}
