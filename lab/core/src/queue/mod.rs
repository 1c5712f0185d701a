//! Who is served next. A file and a variant for each discipline.
mod adaptive_lifo;
mod codel;

use crate::{
    call::Job,
    time::{Span, Time},
};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// A queue discipline, as written in a config.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Discipline {
    /// Oldest first.
    Fifo,
    /// Newest first.
    Lifo,
    /// Oldest first while the queue empties now and then, newest first while it stands.
    AdaptiveLifo {
        /// A queue that has not been empty for this long is a standing one.
        interval: Span,
        /// Turn away what has waited longer than this, while the queue stands, and longer than `interval` otherwise
        /// (controlled delay). [`Span::FOREVER`]: nothing is turned away.
        target: Span,
    },
    /// Oldest first; the oldest are turned away while even the shortest wait is too long.
    Codel {
        /// The acceptable standing wait.
        target: Span,
        /// How long the wait must stay above it.
        interval: Span,
    },
}

/// A job and since when it waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The job.
    pub job: Job,
    /// When it came.
    pub since: Time,
    /// Whether an error burst has hit it: it will be worked on and fail.
    pub fails: bool,
}

/// The jobs that wait at one server.
#[derive(Clone, Debug)]
pub struct Queue {
    jobs: VecDeque<Waiting>,
    order: Order,
}

#[derive(Clone, Debug)]
enum Order {
    Fifo,
    Lifo,
    AdaptiveLifo(adaptive_lifo::AdaptiveLifo),
    Codel(codel::Codel),
}

impl Order {
    /// The order of a queue that was empty at `last_empty`.
    fn new(discipline: Discipline, last_empty: Time) -> Order {
        match discipline {
            Discipline::Fifo => Order::Fifo,
            Discipline::Lifo => Order::Lifo,
            Discipline::AdaptiveLifo { interval, target } => {
                Order::AdaptiveLifo(adaptive_lifo::AdaptiveLifo::new(interval, target, last_empty))
            }
            Discipline::Codel { target, interval } => Order::Codel(codel::Codel::new(target, interval)),
        }
    }
}

impl Queue {
    /// An empty queue.
    pub fn new(discipline: Discipline) -> Queue {
        Queue { jobs: VecDeque::new(), order: Order::new(discipline, Time::ZERO) }
    }

    /// From now on another discipline says who is served next of those who wait and of those who come.
    pub fn order_by(&mut self, now: Time, discipline: Discipline) {
        // It has not been empty since the oldest came.
        let last_empty = self.jobs.front().map_or(now, |oldest| oldest.since);
        self.order = Order::new(discipline, last_empty);
    }

    /// Jobs waiting.
    #[inline]
    pub fn len(&self) -> usize {
        self.jobs.len()
    }

    /// Whether nobody waits.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.jobs.is_empty()
    }

    /// Lets `waiting` join.
    #[inline]
    pub fn push(&mut self, now: Time, waiting: Waiting) {
        if let Order::AdaptiveLifo(order) = &mut self.order {
            order.joined(now, self.jobs.len());
        }
        self.jobs.push_back(waiting);
    }

    /// Takes who is served next; whom the discipline turns away on the way goes to `turned_away`.
    #[inline]
    pub fn pop(&mut self, now: Time, turned_away: &mut Vec<Waiting>) -> Option<Waiting> {
        match &mut self.order {
            Order::Fifo => self.jobs.pop_front(),
            Order::Lifo => self.jobs.pop_back(),
            Order::AdaptiveLifo(order) => order.pop(now, &mut self.jobs, turned_away),
            Order::Codel(order) => order.pop(now, &mut self.jobs, turned_away),
        }
    }

    /// Everybody who waits, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Waiting> {
        self.jobs.iter()
    }

    /// Keeps only the jobs for which `keep` holds.
    pub fn retain(&mut self, keep: impl FnMut(&Waiting) -> bool) {
        self.jobs.retain(keep);
    }

    /// Takes everybody, oldest first.
    pub fn drain(&mut self) -> impl Iterator<Item = Waiting> + '_ {
        self.jobs.drain(..)
    }
}
