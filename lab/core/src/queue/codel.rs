//! CoDel, applied to requests (Nichols and Jacobson, RFC 8289; their code in Linux, `include/net/codel_impl.h`).
//!
//! The problem: a queue that absorbs a burst is useful, one that never empties only adds delay. The idea: look at the wait
//! of what leaves the queue. If it stays above `target` for a whole `interval`, drop one, and drop faster, by `interval/√n`,
//! until the wait is below the target again. A new episode that starts within 16 intervals resumes near the old pace.
//!
//! Departure from the RFC: its exemption for a queue shorter than one packet is, for requests, the exemption of the last
//! request in the queue.
use super::Waiting;
use crate::time::{Span, Time};
use std::collections::VecDeque;

#[derive(Clone, Debug)]
pub(super) struct Codel {
    target: Span,
    interval: Span,
    /// When the wait will have been above the target for an interval; `None` while it is below.
    above_until: Option<Time>,
    dropping: bool,
    drop_next: Time,
    count: u32,
    last_count: u32,
}

impl Codel {
    pub(super) fn new(target: Span, interval: Span) -> Codel {
        Codel {
            target,
            interval,
            above_until: None,
            dropping: false,
            drop_next: Time::ZERO,
            count: 0,
            last_count: 0,
        }
    }

    pub(super) fn pop(
        &mut self,
        now: Time,
        jobs: &mut VecDeque<Waiting>,
        turned_away: &mut Vec<Waiting>,
    ) -> Option<Waiting> {
        let mut next = jobs.pop_front();
        let mut too_long = self.judge(now, next.as_ref(), jobs.len());
        if self.dropping {
            if !too_long {
                self.dropping = false;
            }
            while self.dropping && now >= self.drop_next {
                turned_away.extend(next);
                self.count += 1;
                next = jobs.pop_front();
                too_long = self.judge(now, next.as_ref(), jobs.len());
                if too_long {
                    self.drop_next = self.drop_next + self.pace();
                } else {
                    self.dropping = false;
                }
            }
        } else if too_long {
            turned_away.extend(next);
            next = jobs.pop_front();
            self.judge(now, next.as_ref(), jobs.len());
            self.dropping = true;
            let drops = self.count.saturating_sub(self.last_count);
            let recent = now.since(self.drop_next) < self.interval * 16.0;
            self.count = if recent && drops > 1 { drops } else { 1 };
            self.last_count = self.count;
            self.drop_next = now + self.pace();
        }
        next
    }

    /// Whether waits have been above the target for an interval, now that `next` leaves.
    fn judge(&mut self, now: Time, next: Option<&Waiting>, left: usize) -> bool {
        let below = next.is_none_or(|waiting| now.since(waiting.since) < self.target) || left == 0;
        if below {
            self.above_until = None;
            return false;
        }
        match self.above_until {
            None => {
                self.above_until = Some(now + self.interval);
                false
            }
            Some(until) => now >= until,
        }
    }

    fn pace(&self) -> Span {
        self.interval * (1.0 / f64::from(self.count.max(1)).sqrt())
    }
}
