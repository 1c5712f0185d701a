//! A log unit of CORFU (Balakrishnan et al., NSDI'12, §3.1): positions that are written once.
use super::{Value, Version, message::Entry};
use std::collections::BTreeMap;

/// At most so many entries go into one message.
pub const BATCH: usize = 1024;

impl Entry {
    /// What stands at a position whose writer never came: a hole that was filled. Players skip it.
    pub fn junk(seq: Version, view: u64) -> Entry {
        Entry { seq, view, key: 0, value: Value::default() }
    }
    /// Whether this fills a hole.
    pub fn is_junk(&self) -> bool {
        self.value == Value::default()
    }
}

/// One replica's copy of the log.
///
/// The units of a view are written in order, members first, learners behind them. An entry whose `view` is the unit's own is
/// *confirmed*: in this view it came to the first unit and then to each unit in turn up to this one. So all units before this
/// one have it too, and what the last unit has confirmed is committed. What is left from views before counts for nothing
/// until the first unit, which decides what stands where, has handed it on again.
#[derive(Clone, Debug, Default)]
pub struct LogUnit {
    view: u64,
    first: bool,
    /// Forgotten up to here: every replica has played it.
    trimmed: Version,
    slots: BTreeMap<Version, Entry>,
    /// Players that wait for positions, by replica and question.
    waiting: BTreeMap<(u32, u64), Wait>,
}

/// A player that waits until all positions above `after` and up to `upto` are confirmed.
#[derive(Clone, Copy, Debug)]
struct Wait {
    after: Version,
    upto: Version,
    missing: u64,
}

/// An answer that has become ready: to which replica's which question, with what.
pub type Ready = (u32, u64, Vec<Entry>);

impl LogUnit {
    /// A view begins; `first`: this unit now decides what stands where. It may, because what is committed was at every unit of
    /// its view and those that are left were among them. Nothing else was ever seen by anyone, so a hole is closed here even
    /// if another unit has an entry for it. Below `played` nothing is decided anew, whatever is missing.
    pub fn enter(&mut self, view: u64, first: bool, played: Version) {
        self.view = view;
        self.first = first;
        self.waiting.clear();
        if first {
            for entry in self.slots.values_mut() {
                entry.view = view;
            }
            for seq in self.trimmed.max(played) + 1..=self.last() {
                self.slots.entry(seq).or_insert_with(|| Entry::junk(seq, view));
            }
        }
    }

    /// The greatest position written or forgotten.
    pub fn last(&self) -> Version {
        self.slots.last_key_value().map_or(0, |(&seq, _)| seq).max(self.trimmed)
    }
    /// The log is forgotten up to here.
    pub fn trimmed(&self) -> Version {
        self.trimmed
    }
    /// Whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }
    /// All that is kept, in order.
    pub fn entries(&self) -> impl Iterator<Item = Entry> + '_ {
        self.slots.values().copied()
    }

    /// Writes `entry`, unless its position is taken or forgotten. What stands at the position now; `None` if this unit cannot
    /// tell any more. `played`: how far this replica has played.
    pub fn write(&mut self, entry: Entry, played: Version) -> Option<Entry> {
        let entry = Entry { view: self.view, ..entry };
        match self.slots.get(&entry.seq) {
            Some(held) if held.view == self.view => return Some(*held),
            // Whoever still writes here is late: it has played this position, and knows what stood there.
            _ if entry.seq <= self.trimmed => return Some(entry),
            // A position that was played is not open, even if its entry is not here.
            None if self.first && entry.seq <= played => return None,
            // Not the first unit: what comes is what the first has, and takes the place of what an older view left here.
            _ => {}
        }
        self.slots.insert(entry.seq, entry);
        for wait in self.waiting.values_mut() {
            if wait.after < entry.seq && entry.seq <= wait.upto {
                wait.missing -= 1;
            }
        }
        Some(entry)
    }

    /// What is confirmed above `after`, up to `upto`.
    pub fn confirmed(&self, after: Version, upto: Version) -> impl Iterator<Item = Entry> + '_ {
        // An empty range for `upto` below `after`, where a range of the map would panic.
        let upto = upto.max(after);
        let view = self.view;
        self.slots.range(after..=upto).map(|(_, e)| *e).filter(move |e| e.view == view && e.seq > after)
    }
    /// Whether all is confirmed above `after`, up to `upto`.
    pub fn is_whole(&self, after: Version, upto: Version) -> bool {
        self.confirmed(after, upto).count() as u64 == upto.saturating_sub(after)
    }

    /// A player of `replica` asks. The answer at once, or later from [`LogUnit::ready`].
    pub fn read(
        &mut self,
        replica: u32,
        ask: u64,
        after: Version,
        upto: Version,
        wait: bool,
    ) -> Option<Vec<Entry>> {
        let found: Vec<Entry> = self.confirmed(after, upto).take(BATCH).collect();
        let missing = upto.saturating_sub(after).saturating_sub(found.len() as u64);
        // A late question reaches below what is kept: what is missing there will never come.
        if missing == 0 || !wait || after < self.trimmed || upto - after > BATCH as u64 {
            return Some(found);
        }
        self.waiting.insert((replica, ask), Wait { after, upto, missing });
        None
    }

    /// Takes the answers that have become ready.
    pub fn ready(&mut self) -> Vec<Ready> {
        if self.waiting.values().all(|wait| wait.missing > 0) {
            return vec![];
        }
        let mut ready = vec![];
        let mut waiting = std::mem::take(&mut self.waiting);
        waiting.retain(|&(replica, ask), wait| {
            if wait.missing == 0 {
                ready.push((replica, ask, self.confirmed(wait.after, wait.upto).collect()));
            }
            wait.missing > 0
        });
        self.waiting = waiting;
        ready
    }

    /// Forgets the log up to `upto`: every replica has played it, and newcomers begin above it.
    pub fn trim(&mut self, upto: Version) {
        if upto <= self.trimmed {
            return;
        }
        self.trimmed = upto;
        while let Some(slot) = self.slots.first_entry().filter(|slot| *slot.key() <= upto) {
            slot.remove();
        }
        // Their players have asked for what they have played since: those questions are void.
        self.waiting.retain(|_, wait| wait.after >= upto);
    }
}
