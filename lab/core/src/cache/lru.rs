//! What a cache holds: keys in the order of their last use, each until it is too old.
use crate::{replicate::Key, time::Time};

/// Keys, of which the least recently used one makes room for a new one. Every operation takes constant time.
///
/// Entries live in one list and refer to each other by index, once for the order of use and once for their bucket. The table is
/// written out because the standard one hashes with a random key, and a tree would not take constant time.
#[derive(Clone, Debug)]
pub(super) struct Lru {
    capacity: usize,
    entries: Vec<Entry>,
    /// Places in `entries` that are not in use.
    free: Vec<u32>,
    /// The first entry of each bucket; a power of two of them.
    buckets: Vec<u32>,
    /// The most recently used entry.
    first: u32,
    /// The least recently used one.
    last: u32,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    key: Key,
    /// From when on it is too old.
    expires: Time,
    /// The entry used next after it.
    newer: u32,
    /// The entry used last before it.
    older: u32,
    /// The next entry of its bucket.
    chained: u32,
}

const NONE: u32 = u32::MAX;

impl Lru {
    /// Holds nothing yet, and never more than `capacity` keys.
    pub(super) fn new(capacity: usize) -> Lru {
        // Indexes are 32 bits wide.
        let capacity = capacity.min(NONE as usize);
        Lru { capacity, entries: vec![], free: vec![], buckets: vec![NONE; 16], first: NONE, last: NONE }
    }

    /// Keys held, those included that are too old and have not been asked for since.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.entries.len() - self.free.len()
    }

    /// Whether `key` is held and not too old; if so, it is now the most recently used.
    #[inline]
    pub(super) fn touch(&mut self, now: Time, key: Key) -> bool {
        let found = self.find(key);
        if found == NONE {
            return false;
        }
        if self.entries[found as usize].expires <= now {
            self.remove(key);
            return false;
        }
        if self.first != found {
            self.unlink(found);
            self.link_first(found);
        }
        true
    }

    /// Holds `key` until `expires`, as the most recently used.
    pub(super) fn insert(&mut self, key: Key, expires: Time) {
        if self.capacity == 0 {
            return;
        }
        let found = self.find(key);
        if found != NONE {
            self.entries[found as usize].expires = expires;
            self.unlink(found);
            self.link_first(found);
            return;
        }
        if self.len() == self.capacity {
            self.remove(self.entries[self.last as usize].key);
        }
        if self.len() == self.buckets.len() {
            self.grow();
        }
        let bucket = self.bucket(key);
        let entry = Entry { key, expires, newer: NONE, older: NONE, chained: self.buckets[bucket] };
        let index = match self.free.pop() {
            Some(index) => {
                self.entries[index as usize] = entry;
                index
            }
            None => {
                self.entries.push(entry);
                self.entries.len() as u32 - 1
            }
        };
        self.buckets[bucket] = index;
        self.link_first(index);
    }

    /// Holds `key` no longer.
    pub(super) fn remove(&mut self, key: Key) {
        let bucket = self.bucket(key);
        let (mut index, mut before) = (self.buckets[bucket], NONE);
        while index != NONE {
            let Entry { key: held, chained, .. } = self.entries[index as usize];
            if held == key {
                match before {
                    NONE => self.buckets[bucket] = chained,
                    _ => self.entries[before as usize].chained = chained,
                }
                self.unlink(index);
                self.free.push(index);
                return;
            }
            (before, index) = (index, chained);
        }
    }

    /// Holds nothing any longer.
    pub(super) fn clear(&mut self) {
        *self = Lru::new(self.capacity);
    }

    /// The keys, the most recently used first.
    pub(super) fn keys(&self) -> impl Iterator<Item = Key> + '_ {
        let entry = |index: u32| self.entries.get(index as usize);
        std::iter::successors(entry(self.first), move |e| entry(e.older)).map(|e| e.key)
    }

    /// The entry of `key`.
    #[inline]
    fn find(&self, key: Key) -> u32 {
        let mut index = self.buckets[self.bucket(key)];
        while index != NONE && self.entries[index as usize].key != key {
            index = self.entries[index as usize].chained;
        }
        index
    }

    /// Fibonacci hashing: neighbouring keys, which is what keys numbered by rank are, fall far apart.
    #[inline]
    fn bucket(&self, key: Key) -> usize {
        let bits = self.buckets.len().trailing_zeros();
        (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - bits)) as usize
    }

    /// Twice as many buckets.
    fn grow(&mut self) {
        self.buckets = vec![NONE; self.buckets.len() * 2];
        let mut index = self.first;
        while index != NONE {
            let Entry { key, older, .. } = self.entries[index as usize];
            let bucket = self.bucket(key);
            self.entries[index as usize].chained = std::mem::replace(&mut self.buckets[bucket], index);
            index = older;
        }
    }

    fn unlink(&mut self, index: u32) {
        let Entry { newer, older, .. } = self.entries[index as usize];
        match newer {
            NONE => self.first = older,
            _ => self.entries[newer as usize].older = older,
        }
        match older {
            NONE => self.last = newer,
            _ => self.entries[older as usize].newer = newer,
        }
    }

    fn link_first(&mut self, index: u32) {
        let entry = &mut self.entries[index as usize];
        entry.newer = NONE;
        entry.older = self.first;
        match self.first {
            NONE => self.last = index,
            _ => self.entries[self.first as usize].newer = index,
        }
        self.first = index;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(lru: &Lru) -> Vec<Key> {
        lru.keys().collect()
    }

    #[test]
    fn the_least_recently_used_key_makes_room() {
        let mut lru = Lru::new(3);
        for key in [1, 2, 3] {
            lru.insert(key, Time::NEVER);
        }
        assert!(lru.touch(Time::ZERO, 1));
        lru.insert(4, Time::NEVER);
        assert_eq!(held(&lru), [4, 1, 3]);
        assert!(!lru.touch(Time::ZERO, 2));
        // To insert a key that is held is a use of it.
        lru.insert(3, Time::NEVER);
        lru.insert(5, Time::NEVER);
        assert_eq!(held(&lru), [5, 3, 4]);
        lru.remove(3);
        assert_eq!(held(&lru), [5, 4]);
        lru.clear();
        assert_eq!((lru.len(), held(&lru)), (0, vec![]));
    }

    #[test]
    fn a_key_is_gone_when_it_is_too_old() {
        let mut lru = Lru::new(3);
        lru.insert(1, Time(100));
        assert!(lru.touch(Time(99), 1));
        assert!(!lru.touch(Time(100), 1));
        assert_eq!(lru.len(), 0);
    }

    #[test]
    fn without_room_nothing_is_held() {
        let mut lru = Lru::new(0);
        lru.insert(1, Time::NEVER);
        assert_eq!(lru.len(), 0);
    }

    /// The same as a plain list, searched from end to end.
    struct Plain {
        capacity: usize,
        held: Vec<(Key, Time)>,
    }

    impl Plain {
        fn take(&mut self, key: Key) -> Option<(Key, Time)> {
            let at = self.held.iter().position(|(k, _)| *k == key)?;
            Some(self.held.remove(at))
        }
        fn touch(&mut self, now: Time, key: Key) -> bool {
            match self.take(key) {
                Some(held) if held.1 > now => {
                    self.held.insert(0, held);
                    true
                }
                _ => false,
            }
        }
        fn insert(&mut self, key: Key, expires: Time) {
            self.take(key);
            self.held.insert(0, (key, expires));
            self.held.truncate(self.capacity);
        }
    }

    proptest::proptest! {
        #[test]
        fn it_does_what_a_plain_list_does(
            capacity in 1usize..40,
            steps in proptest::collection::vec((0u8..8, 0u64..60, 0u64..200), 1..400),
        ) {
            let mut lru = Lru::new(capacity);
            let mut plain = Plain { capacity, held: vec![] };
            for (now, (what, key, life)) in steps.into_iter().enumerate() {
                let now = Time(now as u64);
                match what {
                    0 => {
                        lru.remove(key);
                        plain.take(key);
                    }
                    1..=3 => {
                        let expires = Time(now.0 + life);
                        lru.insert(key, expires);
                        plain.insert(key, expires);
                    }
                    _ => proptest::prop_assert_eq!(lru.touch(now, key), plain.touch(now, key)),
                }
                proptest::prop_assert_eq!(held(&lru), plain.held.iter().map(|h| h.0).collect::<Vec<_>>());
                proptest::prop_assert_eq!(lru.len(), plain.held.len());
            }
        }
    }
}
