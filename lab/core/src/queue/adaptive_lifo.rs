//! Adaptive LIFO with controlled delay (Maurer, *Fail at Scale*, ACM Queue 13(8), 2015).
//!
//! The problem: in a backlog the oldest request is the one whose caller has most likely given up, and FIFO serves exactly
//! that one. The idea: serve the newest while a backlog stands. A queue *stands* when it was last empty more than an
//! interval ago. The paper pairs this with controlled delay: requests that have waited too long are turned away, where too
//! long is `target` while the queue stands and `interval` otherwise. Constants in the paper: 5 ms and 100 ms.
use super::Waiting;
use crate::time::{Span, Time};
use std::collections::VecDeque;

#[derive(Clone, Debug)]
pub(super) struct AdaptiveLifo {
    interval: Span,
    target: Span,
    last_empty: Time,
}

impl AdaptiveLifo {
    pub(super) fn new(interval: Span, target: Span, last_empty: Time) -> AdaptiveLifo {
        AdaptiveLifo { interval, target, last_empty }
    }

    pub(super) fn joined(&mut self, now: Time, waiting: usize) {
        if waiting == 0 {
            self.last_empty = now;
        }
    }

    pub(super) fn pop(
        &mut self,
        now: Time,
        jobs: &mut VecDeque<Waiting>,
        turned_away: &mut Vec<Waiting>,
    ) -> Option<Waiting> {
        let standing = now.since(self.last_empty) > self.interval;
        if !self.target.is_forever() {
            let limit = if standing { self.target } else { self.interval };
            // The oldest stand in front, so those that waited too long are a prefix. The newest is always served.
            while jobs.len() > 1 && jobs.front().is_some_and(|oldest| now.since(oldest.since) > limit) {
                turned_away.extend(jobs.pop_front());
            }
        }
        let next = if standing { jobs.pop_back() } else { jobs.pop_front() };
        if jobs.is_empty() {
            self.last_empty = now;
        }
        next
    }
}
