//! The committed state of a replica: what every key holds, and which calls have been carried out.
use super::message::{Entry, Held};
use super::{Key, Value, Version};
use std::collections::{BTreeMap, VecDeque};

/// How many calls a store remembers, the last ones in the order of writes. A retry that comes later than that many other
/// writes is carried out again.
pub const CALLS_MAX: usize = 65_536;

/// Keys with their versions and values, and the table of calls that makes a retried write idempotent.
#[derive(Clone, Debug)]
pub struct Store {
    keys: BTreeMap<Key, (Version, Value)>,
    deduplicate: bool,
    /// Which write a call became.
    calls: BTreeMap<u64, Version>,
    /// The same calls in the order of their writes, so that the oldest can be forgotten.
    order: VecDeque<u64>,
    learning: Learning,
}

/// How much of the state is here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Learning {
    /// None of it is known to be.
    Nothing,
    /// The keys up to this one.
    UpTo(Key),
    /// All, once the writes up to both are applied.
    All {
        /// What the giver of the last part had committed.
        parts: Version,
        /// Where the view began, which may be less than where an earlier one did: what nobody had acknowledged can be gone.
        start: Version,
    },
}

impl Store {
    /// An empty store that has yet to learn what there is. `deduplicate`: it keeps the table of calls.
    pub fn new(deduplicate: bool) -> Store {
        Store {
            keys: BTreeMap::new(),
            deduplicate,
            calls: BTreeMap::new(),
            order: VecDeque::new(),
            learning: Learning::Nothing,
        }
    }

    /// The version and value of `key`; (0, nothing) if it was never written.
    pub fn get(&self, key: Key) -> (Version, Value) {
        self.keys.get(&key).copied().unwrap_or_default()
    }
    /// How many keys were ever written.
    pub fn len(&self) -> usize {
        self.keys.len()
    }
    /// Whether no key was ever written.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
    /// All keys in order.
    pub fn iter(&self) -> impl Iterator<Item = Held> + '_ {
        self.keys.iter().map(|(&key, &(version, value))| Held { key, version, value })
    }
    /// The write that `call` became, if that is remembered.
    pub fn written(&self, call: u64) -> Option<Version> {
        self.calls.get(&call).copied()
    }
    /// Whether a call is carried out only once.
    pub fn deduplicates(&self) -> bool {
        self.deduplicate
    }

    /// Carries out a committed write. They come in order; the key may already hold a later version from a part.
    pub fn apply(&mut self, entry: &Entry) {
        self.put(Held { key: entry.key, version: entry.seq, value: entry.value });
        if self.deduplicate {
            self.remember(entry.value.call, entry.seq);
        }
    }

    /// Up to `count` (at least 1) keys above `after`, in order, and whether there are no more.
    pub fn part(&self, after: Option<Key>, count: usize) -> (Vec<Held>, bool) {
        let from = match after {
            None => Some(0),
            Some(key) => key.checked_add(1),
        };
        let Some(from) = from else { return (vec![], true) };
        let mut rest = self.keys.range(from..).map(|(&key, &(version, value))| Held { key, version, value });
        let held: Vec<Held> = rest.by_ref().take(count.max(1)).collect();
        (held, rest.next().is_none())
    }
    /// The remembered calls in the order of their writes.
    pub fn calls(&self) -> Vec<(u64, Version)> {
        self.order.iter().filter_map(|call| Some((*call, *self.calls.get(call)?))).collect()
    }

    /// What a learner asks for next: keys above this one (`Some(None)`: from the beginning); `None`: it has all parts.
    pub fn wants(&self) -> Option<Option<Key>> {
        match self.learning {
            Learning::Nothing => Some(None),
            Learning::UpTo(key) => Some(Some(key)),
            Learning::All { .. } => None,
        }
    }
    /// All parts are here; the state is whole once the writes up to this one are applied.
    pub fn whole_at(&self) -> Option<Version> {
        match self.learning {
            Learning::All { parts, start } => Some(parts.max(start)),
            Learning::Nothing | Learning::UpTo(_) => None,
        }
    }
    /// There is nothing more to learn but the writes, up to `start` at least.
    pub fn set_whole(&mut self, start: Version) {
        let parts = match self.learning {
            Learning::All { parts, .. } => parts,
            Learning::Nothing | Learning::UpTo(_) => 0,
        };
        self.learning = Learning::All { parts, start };
    }
    /// Takes a part; the first one brings `calls`. `committed`: the donor's last committed write.
    pub fn learn(&mut self, held: &[Held], calls: &[(u64, Version)], committed: Version, done: bool) {
        for &held in held {
            self.put(held);
        }
        if self.deduplicate {
            for &(call, version) in calls {
                self.remember(call, version);
            }
        }
        if done {
            self.learning = Learning::All { parts: committed, start: 0 };
        } else if let Some(last) = held.last() {
            self.learning = Learning::UpTo(last.key);
        }
    }

    /// Unless the key already has a later version: parts and writes reach a learner side by side.
    fn put(&mut self, held: Held) {
        let place = self.keys.entry(held.key).or_default();
        if place.0 < held.version {
            *place = (held.version, held.value);
        }
    }

    fn remember(&mut self, call: u64, version: Version) {
        // A learner was told of this write with the first part already, and in this place. (A call has two writes only if the
        // first had been forgotten when it came again.)
        if self.calls.get(&call) == Some(&version) {
            return;
        }
        if self.calls.insert(call, version).is_some() {
            self.order.retain(|&c| c != call);
        }
        self.order.push_back(call);
        if self.order.len() > CALLS_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.calls.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(seq: Version, key: Key, call: u64) -> Entry {
        Entry { seq, view: 1, key, value: Value { call, attempt: 1 } }
    }

    #[test]
    fn parts_are_in_order_and_together_make_the_whole() {
        let mut donor = Store::new(true);
        for (seq, key) in (1..).zip([5, 3, u64::MAX, 0, 3]) {
            donor.apply(&entry(seq, key, seq));
        }
        let mut learner = Store::new(true);
        let mut calls = donor.calls();
        while let Some(after) = learner.wants() {
            let (held, done) = donor.part(after, 2);
            learner.learn(&held, &calls, 5, done);
            calls.clear();
        }
        assert!(learner.iter().eq(donor.iter()));
        assert_eq!(learner.calls(), donor.calls());
        assert_eq!((learner.len(), learner.whole_at(), learner.wants()), (4, Some(5), None));
        assert_eq!(donor.part(Some(u64::MAX), 2), (vec![], true));
    }

    #[test]
    fn a_part_does_not_undo_a_later_write() {
        let mut store = Store::new(false);
        store.apply(&entry(9, 1, 90));
        let old = Held { key: 1, version: 4, value: Value { call: 40, attempt: 1 } };
        store.learn(&[old], &[], 4, true);
        assert_eq!(store.get(1), (9, Value { call: 90, attempt: 1 }));
        assert_eq!(store.get(2), (0, Value::default()));
    }

    #[test]
    fn the_oldest_calls_are_forgotten() {
        let mut store = Store::new(true);
        for seq in 1..=CALLS_MAX as u64 + 2 {
            store.apply(&entry(seq, 1, seq));
        }
        assert_eq!((store.written(2), store.written(3)), (None, Some(3)));
        assert_eq!(store.calls().len(), CALLS_MAX);
    }
}
