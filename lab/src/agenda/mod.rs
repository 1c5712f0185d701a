//! What happens next: the event list of the simulation and the timer list of the live engine.
//!
//! Most timers of a model have one of a few fixed lengths: a per-try timeout, a network delay, a fixed backoff. Planned in
//! order, they come due in order, so a first-in-first-out *lane* holds them at constant cost; only what is drawn from a law
//! goes to the wheel. Entries due at the same instant come out in the order in which they were planned.
mod wheel;

use lab_core::time::Time;
use std::collections::VecDeque;
use wheel::Wheel;

/// Entries ordered by time, first in first out among equals.
#[derive(Clone, Debug)]
pub struct Agenda<E> {
    wheel: Wheel<E>,
    lanes: Vec<VecDeque<Entry<E>>>,
    /// The key of the wheel's first entry and then of each lane's; [`NOTHING`] where there is none.
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

/// The wheel's place in `fronts`; lane n is at n + 1.
const WHEEL: usize = 0;

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
            wheel: Wheel::new(),
            lanes: vec![],
            fronts: vec![NOTHING],
            serial: 0,
            soonest: (NOTHING, WHEEL),
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
        self.wheel.push(key, event);
        if key < self.fronts[WHEEL] {
            self.came_first(key, WHEEL);
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

    /// How many entries have been planned so far.
    pub fn planned(&self) -> u64 {
        self.serial
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
        let event = if place == WHEEL {
            let event = self.wheel.pop()?;
            self.fronts[WHEEL] = self.wheel.first();
            event
        } else {
            let list = &mut self.lanes[place - 1];
            let entry = list.pop_front()?;
            self.fronts[place] = list.front().map_or(NOTHING, |e| e.key);
            entry.event
        };
        self.soonest = (NOTHING, WHEEL);
        for (place, &key) in self.fronts.iter().enumerate() {
            if key < self.soonest.0 {
                self.soonest = (key, place);
            }
        }
        Some((due_at(key), event))
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
        /// Whatever mixture of wheel and lanes is used, entries come out by time, then in the order of planning.
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

    proptest::proptest! {
        /// Entries nanoseconds and days ahead, planned while others are taken: the wheel turns, brings near what was far, and
        /// changes the width of its slots, and the order is that of a sorted list.
        #[test]
        fn a_turning_wheel_keeps_the_order(
            steps in proptest::collection::vec((0u32..48, 0u64..1 << 48, 0usize..5), 1..4000),
            bits in 8u32..49,
        ) {
            let mut agenda = Agenda::new();
            let mut model = std::collections::BTreeSet::new();
            let mut now = 0;
            for (number, &(magnitude, ahead, takes)) in steps.iter().enumerate() {
                let at = now + (ahead >> magnitude.max(48 - bits));
                agenda.plan(Time(at), number);
                model.insert((at, number));
                for _ in 0..takes.saturating_sub(2) {
                    let next = agenda.due(Time(u64::MAX - 1)).map(|(at, number)| (at.0, number));
                    proptest::prop_assert_eq!(next, model.pop_first());
                    now = next.map_or(now, |(at, _)| at);
                }
            }
            while let Some(expected) = model.pop_first() {
                proptest::prop_assert_eq!(agenda.next(), Some(Time(expected.0)));
                proptest::prop_assert_eq!(agenda.due(Time(expected.0)), Some((Time(expected.0), expected.1)));
            }
            proptest::prop_assert_eq!(agenda.next(), None);
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
