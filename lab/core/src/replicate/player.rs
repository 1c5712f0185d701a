//! A player of the log (Tango: Balakrishnan et al., SOSP'13, §3): applies what is committed, in order, to its store.
use super::{Version, message::Entry, store::Store};
use std::collections::BTreeMap;

/// A store and how far the log is in it.
#[derive(Clone, Debug)]
pub struct Player {
    /// What it plays to.
    pub store: Store,
    played: Version,
    /// Known to be committed, but something before it is not known yet.
    learned: BTreeMap<Version, Entry>,
}

impl Player {
    /// Nothing is played yet.
    pub fn new(deduplicate: bool) -> Player {
        Player { store: Store::new(deduplicate), played: 0, learned: BTreeMap::new() }
    }
    /// The log is played up to here.
    pub fn played(&self) -> Version {
        self.played
    }
    /// Whether there is a store to play to: a learner's comes with its first part.
    pub fn can_play(&self) -> bool {
        self.store.wants() != Some(None)
    }
    /// An empty store again, in which everything up to `base` is going to be.
    pub fn start_after(&mut self, base: Version) {
        self.store = Store::new(self.store.deduplicates());
        self.played = base;
        self.learned.retain(|&seq, _| seq > base);
    }
    /// `entry` is committed. That stays true in all views to come.
    pub fn learn(&mut self, entry: Entry) {
        if entry.seq > self.played {
            self.learned.insert(entry.seq, entry);
        }
    }
    /// The positions above `after` and up to `upto` that are neither played nor known.
    pub fn missing(&self, after: Version, upto: Version) -> Vec<Version> {
        (after.max(self.played) + 1..=upto).filter(|seq| !self.learned.contains_key(seq)).collect()
    }
    /// Plays the next entry, if it is known. A write of a call that was carried out before changes nothing.
    pub fn play(&mut self) -> Option<Entry> {
        if !self.can_play() {
            return None;
        }
        let entry = self.learned.remove(&(self.played + 1))?;
        self.played += 1;
        let again = self.store.deduplicates()
            && self.store.written(entry.value.call).is_some_and(|first| first != entry.seq);
        if !entry.is_junk() && !again {
            self.store.apply(&entry);
        }
        Some(entry)
    }
}
