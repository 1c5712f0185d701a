//! What happens next: the event list of the simulation and the timer list of the live engine.
//!
//! Most timers of a model have one of a few fixed lengths: a per-try timeout, a network delay, a fixed backoff. Planned in
//! order, they come due in order, so a first-in-first-out *lane* holds them at constant cost; only what is drawn from a law
//! goes to the heap. Entries due at the same instant come out in the order in which they were planned.
use lab_core::time::Time;
use std::{
    cmp::Ordering,
    collections::{BinaryHeap, VecDeque},
};

/// Entries ordered by time, first in first out among equals.
#[derive(Clone, Debug)]
pub struct Agenda<E> {
    heap: BinaryHeap<Entry<E>>,
    lanes: Vec<VecDeque<Entry<E>>>,
    /// When each lane's first entry is due, and its serial; `Time::NEVER` where a lane is empty.
    fronts: Vec<(Time, u64)>,
    serial: u64,
}

/// A first-in-first-out list inside an agenda, for entries that are planned in order of time.
#[derive(Clone, Copy, Debug)]
pub struct Lane(usize);

#[derive(Clone, Copy, Debug)]
struct Entry<E> {
    at: Time,
    serial: u64,
    event: E,
}

impl<E: Copy> Agenda<E> {
    /// An empty agenda.
    pub fn new() -> Self {
        Agenda { heap: BinaryHeap::new(), lanes: vec![], fronts: vec![], serial: 0 }
    }

    /// A new lane.
    pub fn lane(&mut self) -> Lane {
        self.lanes.push(VecDeque::new());
        self.fronts.push((Time::NEVER, u64::MAX));
        Lane(self.lanes.len() - 1)
    }

    /// Plans `event` for `at`.
    #[inline]
    pub fn plan(&mut self, at: Time, event: E) {
        self.serial += 1;
        self.heap.push(Entry { at, serial: self.serial, event });
    }

    /// Plans `event` for `at`, in `lane` if that keeps the lane in order, else as [`Agenda::plan`] does.
    #[inline]
    pub fn plan_in(&mut self, lane: Lane, at: Time, event: E) {
        let list = &mut self.lanes[lane.0];
        match list.back() {
            Some(last) if last.at > at => return self.plan(at, event),
            Some(_) => self.serial += 1,
            None => {
                self.serial += 1;
                self.fronts[lane.0] = (at, self.serial);
            }
        }
        list.push_back(Entry { at, serial: self.serial, event });
    }

    /// When the next event is due.
    #[inline]
    pub fn next(&self) -> Option<Time> {
        let (at, _, _) = self.first();
        (at != Time::NEVER).then_some(at)
    }

    /// Takes the next event if it is due by `now`. The simulation passes [`Time::NEVER`].
    #[inline]
    pub fn due(&mut self, now: Time) -> Option<(Time, E)> {
        let (at, _, source) = self.first();
        if at > now || at == Time::NEVER {
            return None;
        }
        let entry = match source {
            Some(lane) => {
                let entry = self.lanes[lane].pop_front();
                let front = self.lanes[lane].front();
                self.fronts[lane] = front.map_or((Time::NEVER, u64::MAX), |e| (e.at, e.serial));
                entry
            }
            None => self.heap.pop(),
        };
        entry.map(|entry| (entry.at, entry.event))
    }

    /// The first entry's time and serial, and its lane unless it is in the heap.
    #[inline]
    fn first(&self) -> (Time, u64, Option<usize>) {
        let mut first = self.heap.peek().map_or((Time::NEVER, u64::MAX, None), |e| (e.at, e.serial, None));
        for (lane, &(at, serial)) in self.fronts.iter().enumerate() {
            if (at, serial) < (first.0, first.1) {
                first = (at, serial, Some(lane));
            }
        }
        first
    }
}

impl<E: Copy> Default for Agenda<E> {
    fn default() -> Self {
        Self::new()
    }
}

// The heap gives the greatest first, so the order is reversed here.
impl<E> Ord for Entry<E> {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.serial).cmp(&(self.at, self.serial))
    }
}
impl<E> PartialOrd for Entry<E> {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<E> PartialEq for Entry<E> {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.serial) == (other.at, other.serial)
    }
}
impl<E> Eq for Entry<E> {}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        /// Whatever mixture of heap and lanes is used, entries come out by time, then in the order of planning.
        #[test]
        fn entries_come_out_in_order(plans in proptest::collection::vec((0u64..20, 0usize..4), 0..200)) {
            let mut agenda = Agenda::new();
            let lanes: Vec<Lane> = (0..3).map(|_| agenda.lane()).collect();
            for (number, &(at, place)) in plans.iter().enumerate() {
                match lanes.get(place) {
                    Some(lane) => agenda.plan_in(*lane, Time(at), number),
                    None => agenda.plan(Time(at), number),
                }
            }
            let mut expected: Vec<(u64, usize)> = plans.iter().enumerate().map(|(n, p)| (p.0, n)).collect();
            expected.sort_unstable();
            let mut seen = vec![];
            while let Some((at, number)) = agenda.due(Time(u64::MAX - 1)) {
                seen.push((at.0, number));
            }
            proptest::prop_assert_eq!(seen, expected);
        }
    }

    #[test]
    fn nothing_is_due_before_its_time() {
        let mut agenda = Agenda::new();
        agenda.plan(Time(5), 'a');
        assert_eq!(agenda.due(Time(4)), None);
        assert_eq!(agenda.due(Time(5)), Some((Time(5), 'a')));
        assert_eq!(agenda.next(), None);
    }
}
