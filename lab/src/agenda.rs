//! What happens next: the event list of the simulation and the timer list of the live engine.
//!
//! Most timers of a model have one of a few fixed lengths: a per-try timeout, a network delay, a fixed backoff. Planned in
//! order, they come due in order, so a first-in-first-out *lane* holds them at constant cost; only what is drawn from a law
//! goes to the heap. Entries due at the same instant come out in the order in which they were planned.
use lab_core::time::Time;
use std::collections::VecDeque;

/// Entries ordered by time, first in first out among equals.
#[derive(Clone, Debug)]
pub struct Agenda<E> {
    heap: Heap<E>,
    lanes: Vec<VecDeque<Entry<E>>>,
    /// The key of the heap's first entry and then of each lane's; [`NOTHING`] where there is none.
    fronts: Vec<u128>,
    serial: u64,
    /// The key of the first entry, and its place in `fronts`.
    soonest: (u128, usize),
}

/// A first-in-first-out list inside an agenda, for entries that are planned in order of time.
#[derive(Clone, Copy, Debug)]
pub struct Lane(usize);

/// Ordered by `key`: the time in the upper half, the serial number of planning in the lower.
#[derive(Clone, Copy, Debug)]
struct Entry<E> {
    key: u128,
    event: E,
}

/// The heap's place in `fronts`; lane n is at n + 1.
const HEAP: usize = 0;

/// Later than every entry.
const NOTHING: u128 = u128::MAX;

/// When an entry of this key is due.
#[inline]
fn due_at(key: u128) -> Time {
    Time((key >> 64) as u64)
}

impl<E: Copy> Agenda<E> {
    /// An empty agenda.
    pub fn new() -> Self {
        Agenda {
            heap: Heap { keys: vec![], events: vec![] },
            lanes: vec![],
            fronts: vec![NOTHING],
            serial: 0,
            soonest: (NOTHING, HEAP),
        }
    }

    /// A new lane.
    pub fn lane(&mut self) -> Lane {
        self.lanes.push(VecDeque::new());
        self.fronts.push(NOTHING);
        Lane(self.lanes.len() - 1)
    }

    /// Plans `event` for `at`.
    #[inline]
    pub fn plan(&mut self, at: Time, event: E) {
        let key = self.key(at);
        self.heap.push(key, event);
        if key < self.fronts[HEAP] {
            self.came_first(key, HEAP);
        }
    }

    /// Plans `event` for `at`, in `lane` if that keeps the lane in order, else as [`Agenda::plan`] does.
    #[inline]
    pub fn plan_in(&mut self, lane: Lane, at: Time, event: E) {
        let last = self.lanes[lane.0].back().map(|last| due_at(last.key));
        if last.is_some_and(|last| last > at) {
            return self.plan(at, event);
        }
        let key = self.key(at);
        self.lanes[lane.0].push_back(Entry { key, event });
        if last.is_none() {
            self.came_first(key, lane.0 + 1);
        }
    }

    /// A new entry is the first of its place.
    #[inline]
    fn came_first(&mut self, key: u128, place: usize) {
        self.fronts[place] = key;
        if key < self.soonest.0 {
            self.soonest = (key, place);
        }
    }

    #[inline]
    fn key(&mut self, at: Time) -> u128 {
        self.serial += 1;
        u128::from(at.0) << 64 | u128::from(self.serial)
    }

    /// When the next event is due.
    #[inline]
    pub fn next(&self) -> Option<Time> {
        let (key, _) = self.soonest;
        (key != NOTHING).then(|| due_at(key))
    }

    /// Takes the next event if it is due by `now`. The simulation passes the time of the next thing that is not planned here.
    #[inline]
    pub fn due(&mut self, now: Time) -> Option<(Time, E)> {
        let (key, place) = self.soonest;
        if due_at(key) > now || key == NOTHING {
            return None;
        }
        let event = if place == HEAP {
            let event = self.heap.pop()?;
            self.fronts[HEAP] = self.heap.first();
            event
        } else {
            let list = &mut self.lanes[place - 1];
            let entry = list.pop_front()?;
            self.fronts[place] = list.front().map_or(NOTHING, |e| e.key);
            entry.event
        };
        self.soonest = (NOTHING, HEAP);
        for (place, &key) in self.fronts.iter().enumerate() {
            if key < self.soonest.0 {
                self.soonest = (key, place);
            }
        }
        Some((due_at(key), event))
    }
}

/// A heap in which every node has up to four children: half as deep as a binary one, and the keys of siblings share a
/// cache line. Keys and events are kept apart, since a search for the least child reads keys alone.
#[derive(Clone, Debug)]
struct Heap<E> {
    keys: Vec<u128>,
    events: Vec<E>,
}

impl<E: Copy> Heap<E> {
    #[inline]
    fn first(&self) -> u128 {
        self.keys.first().copied().unwrap_or(NOTHING)
    }

    #[inline]
    fn push(&mut self, key: u128, event: E) {
        let hole = self.keys.len();
        self.keys.push(key);
        self.events.push(event);
        self.rise(hole, key, event);
    }

    /// Puts the entry at `hole` or above.
    #[inline]
    fn rise(&mut self, mut hole: usize, key: u128, event: E) {
        while hole > 0 {
            let parent = (hole - 1) / 4;
            if self.keys[parent] <= key {
                break;
            }
            self.keys[hole] = self.keys[parent];
            self.events[hole] = self.events[parent];
            hole = parent;
        }
        self.keys[hole] = key;
        self.events[hole] = event;
    }

    /// Takes the first entry. The hole that it leaves sinks to the bottom, where the last entry, which mostly belongs there,
    /// fills it (Wegener, *Bottom-up heapsort*, 1993).
    #[inline]
    fn pop(&mut self) -> Option<E> {
        let top = *self.events.first()?;
        let (key, event) = (self.keys.pop()?, self.events.pop()?);
        if self.keys.is_empty() {
            return Some(top);
        }
        let mut hole = 0;
        while let Some(child) = self.least_child(hole) {
            self.keys[hole] = self.keys[child];
            self.events[hole] = self.events[child];
            hole = child;
        }
        self.rise(hole, key, event);
        Some(top)
    }

    #[inline]
    fn least_child(&self, parent: usize) -> Option<usize> {
        let first = 4 * parent + 1;
        let keys = self.keys.get(first..)?;
        if let [a, b, c, d, ..] = *keys {
            let (ab, at_ab) = if b < a { (b, 1) } else { (a, 0) };
            let (cd, at_cd) = if d < c { (d, 3) } else { (c, 2) };
            return Some(first + if cd < ab { at_cd } else { at_ab });
        }
        (0..keys.len()).min_by_key(|&child| keys[child]).map(|child| first + child)
    }
}

impl<E: Copy> Default for Agenda<E> {
    fn default() -> Self {
        Self::new()
    }
}

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
