//! The order of writes as one replica knows it: what is committed, and the entries above.
//!
//! # Why nothing committed is lost
//!
//! An entry is named by its place and the view that gave it that place. Only the first member of a view gives places, each
//! once, so two replicas that have an entry of the same name have the same entry; and since lists grow in order, they have the
//! same entries before it.
//!
//! In a view a replica's list is *matched* up to some place: so far it is the same as the first member's. At the beginning
//! that is what it knows to be committed; entries that come in order extend it. Its own old entries beyond that place stay until
//! one with another name takes the place: were they dropped when the first entry of the new view comes, the loss of the first
//! member in that moment would lose entries that the old view had committed. When it has matched all that the
//! first member had when the view began, what is left of the old entries is dropped, and the replica is *whole in* this view.
//!
//! Nothing new is committed in a view below the place where the view began, and so those whose votes commit an entry are whole
//! in its view. The next first member is, of those that answered the seal, the one with the greatest (view it is whole in, last
//! entry). Let `w` be the greatest such view among the answers. If the answers include enough members of each view from `w` to
//! the last one (a majority where a majority commits, else one), then nothing was committed in the views after `w`, whose voters
//! would be whole in them, and some answer has all that was committed in `w`; the greatest has at least that. This
//! is the argument of Viewstamped Replication (Liskov and Cowling, 2012, §8.1, where `w` is the last normal view). In a chain
//! with its order kept each list is the beginning of the one before it, and the first has all.
use super::message::{Entry, Held, Position};
use super::quorum::Heard;
use super::{Key, Value, Version, View, store::Store};
use crate::time::Time;
use std::collections::{BTreeMap, VecDeque};

/// How many entries that came before their predecessors wait for them. More are dropped: the sender sends them again.
pub const EARLY_MAX: usize = 4096;

/// A replica's order of writes and committed state.
#[derive(Clone, Debug)]
pub struct Ledger {
    store: Store,
    /// The entries above `dropped`, in order.
    list: VecDeque<Kept>,
    /// Entries up to here are no longer kept. `dropped` ≤ `floor` and `dropped` ≤ `committed`.
    dropped: Version,
    committed: Version,
    /// Every member and fed learner knows all up to here to be committed.
    floor: Version,
    /// `committed` ≤ `matched` ≤ `last()`.
    matched: Version,
    /// Where the view began: the first member's last entry.
    start: Version,
    view: u64,
    /// The latest view that it is whole in.
    whole_in: u64,
    /// Entries of this view that came before their predecessors.
    early: BTreeMap<Version, Entry>,
    /// The places of a key's uncommitted entries.
    dirty: BTreeMap<Key, VecDeque<Version>>,
    /// The places of uncommitted calls, if calls are carried out only once.
    ordered: BTreeMap<u64, Version>,
}

/// An entry in the list.
#[derive(Clone, Copy, Debug)]
struct Kept {
    entry: Entry,
    /// When it came to this replica.
    came: Time,
}

impl Ledger {
    /// An empty one.
    pub fn new(deduplicate: bool) -> Ledger {
        Ledger {
            store: Store::new(deduplicate),
            list: VecDeque::new(),
            dropped: 0,
            committed: 0,
            floor: 0,
            matched: 0,
            start: 0,
            view: 0,
            whole_in: 0,
            early: BTreeMap::new(),
            dirty: BTreeMap::new(),
            ordered: BTreeMap::new(),
        }
    }

    /// The committed state.
    pub fn store(&self) -> &Store {
        &self.store
    }
    /// The same, to be changed.
    pub fn store_mut(&mut self) -> &mut Store {
        &mut self.store
    }
    /// The last entry's place, matched or not.
    pub fn last(&self) -> Version {
        self.dropped + self.list.len() as u64
    }
    /// Up to here the list is the first member's.
    pub fn matched(&self) -> Version {
        self.matched
    }
    /// Up to here all is known to be committed, and in the store.
    pub fn committed(&self) -> Version {
        self.committed
    }
    /// Up to here nobody will ask for an entry again.
    pub fn floor(&self) -> Version {
        self.floor
    }
    /// Entries up to here are no longer kept.
    pub fn dropped(&self) -> Version {
        self.dropped
    }
    /// The current view's number.
    pub fn view(&self) -> u64 {
        self.view
    }
    /// Where the view began.
    pub fn start(&self) -> Version {
        self.start
    }
    /// Whether all that the view began with is committed. What earlier views acknowledged is among that, so from now on a
    /// committed value is a current one; before, a read could miss an acknowledged write or show one that gets lost.
    pub fn settled(&self) -> bool {
        self.committed >= self.start
    }
    /// What this replica has of `key`, for a read that asks a majority; `None` until it is whole in the view.
    pub fn heard(&self, key: Key) -> Option<Heard> {
        let whole =
            self.whole_in == self.view && self.store.whole_at().is_some_and(|at| at <= self.committed);
        if !whole {
            return None;
        }
        let (version, value) = self.store.get(key);
        let committed = Some(Held { key, version, value }).filter(|held| held.version > 0);
        let places = self.dirty.get(&key).into_iter().flatten().copied();
        let entries = places.filter(|place| *place <= self.matched).filter_map(|place| self.get(place));
        let above = entries.map(|entry| Held { key, version: entry.seq, value: entry.value });
        let versions = committed.into_iter().chain(above).collect();
        Some(Heard { matched: self.matched, committed: self.committed, versions })
    }
    /// What to say at a seal.
    pub fn position(&self) -> Position {
        if self.store.whole_at().is_none() || self.whole_in == 0 {
            return Position::default();
        }
        Position { view: self.whole_in, last: self.last(), committed: self.committed }
    }

    /// The beginning of a view for replica `me`. `resume`: see [`resumes`].
    pub fn install(&mut self, me: u32, view: &View, positions: &[(u32, Position)], resume: bool) {
        self.early.clear();
        if view.members.contains(me) {
            if self.store.whole_at().is_none() {
                // The first view, or a group that is formed anew after all its members have lost their memory.
                self.forget();
                self.store.set_whole(0);
            }
        } else if self.store.whole_at().is_some() && resume && resumes(me, view, positions) {
            self.store.set_whole(beginning(view, positions));
        } else {
            self.forget();
        }
        self.view = view.number;
        if view.members.first() == Some(me) {
            // Its list is the order from now on.
            self.start = self.last();
            self.matched = self.last();
            self.whole_in = self.view;
        } else {
            self.start = beginning(view, positions);
            self.matched = self.committed;
            self.become_whole();
        }
    }

    /// Start over as a learner: an empty store, and the order goes on after `base`.
    pub fn start_after(&mut self, base: Version) {
        let early = std::mem::take(&mut self.early);
        self.forget();
        self.dropped = base;
        self.committed = base;
        self.floor = base;
        self.matched = base;
        self.become_whole();
        self.early = early.into_iter().filter(|&(seq, _)| seq > base).collect();
    }

    fn forget(&mut self) {
        let fresh = Ledger::new(self.store.deduplicates());
        let Ledger { start, view, .. } = *self;
        *self = Ledger { start, view, ..fresh };
    }

    /// A new last entry. For the first member of a view only.
    pub fn order(&mut self, now: Time, key: Key, value: Value) -> Version {
        let seq = self.last() + 1;
        self.push(now, Entry { seq, view: self.view, key, value });
        self.matched = seq;
        seq
    }

    /// Takes entries of the first member's list, from whoever passes them on. Those that come too early wait for their
    /// predecessors. Whether more is matched than before.
    pub fn accept(&mut self, now: Time, entries: &[Entry]) -> bool {
        let before = self.matched;
        // A learner that has not got the first part does not know yet which entries it needs.
        let may_match = self.store.wants() != Some(None);
        for &entry in entries {
            if entry.seq <= self.matched {
                continue;
            }
            if may_match && entry.seq == self.matched + 1 {
                self.extend(now, entry);
            } else if self.early.len() < EARLY_MAX {
                self.early.insert(entry.seq, entry);
            }
        }
        while may_match && let Some((seq, entry)) = self.early.pop_first() {
            if seq == self.matched + 1 {
                self.extend(now, entry);
            } else if seq > self.matched {
                self.early.insert(seq, entry);
                break;
            }
        }
        self.matched > before
    }

    /// `entry` is the one after the matched ones.
    fn extend(&mut self, now: Time, entry: Entry) {
        if self.get(entry.seq) != Some(&entry) {
            self.cut(entry.seq - 1);
            self.push(now, entry);
        }
        self.matched = entry.seq;
        self.become_whole();
    }

    fn become_whole(&mut self) {
        if self.whole_in < self.view && self.matched >= self.start {
            // The view's own entries come above `start`; whatever is there now is of an older view.
            self.cut(self.matched);
            self.whole_in = self.view;
        }
    }

    /// Carries out the entries up to `upto`, as far as they are matched, and calls `done` with each. Whether there were any.
    pub fn commit(&mut self, upto: Version, mut done: impl FnMut(&Entry)) -> bool {
        let before = self.committed;
        while self.committed < upto.min(self.matched) {
            let Some(&Kept { entry, .. }) = self.kept(self.committed + 1) else { break };
            self.committed = entry.seq;
            self.store.apply(&entry);
            if let Some(places) = self.dirty.get_mut(&entry.key) {
                places.pop_front();
                if places.is_empty() {
                    self.dirty.remove(&entry.key);
                }
            }
            self.forget_call(&entry);
            done(&entry);
        }
        self.drop_old();
        self.committed > before
    }

    /// Every member and fed learner knows all up to `floor` to be committed.
    pub fn raise_floor(&mut self, floor: Version) {
        self.floor = self.floor.max(floor);
        self.drop_old();
    }

    fn drop_old(&mut self) {
        while self.dropped < self.floor.min(self.committed) && self.list.pop_front().is_some() {
            self.dropped += 1;
        }
    }

    /// Drops the entries above `last`, none of which is committed.
    fn cut(&mut self, last: Version) {
        while self.last() > last.max(self.committed)
            && let Some(Kept { entry, .. }) = self.list.pop_back()
        {
            if let Some(places) = self.dirty.get_mut(&entry.key) {
                places.pop_back();
                if places.is_empty() {
                    self.dirty.remove(&entry.key);
                }
            }
            self.forget_call(&entry);
        }
    }

    fn push(&mut self, now: Time, entry: Entry) {
        self.list.push_back(Kept { entry, came: now });
        self.dirty.entry(entry.key).or_default().push_back(entry.seq);
        if self.store.deduplicates() {
            self.ordered.insert(entry.value.call, entry.seq);
        }
    }

    fn forget_call(&mut self, entry: &Entry) {
        if self.ordered.get(&entry.value.call) == Some(&entry.seq) {
            self.ordered.remove(&entry.value.call);
        }
    }

    fn kept(&self, seq: Version) -> Option<&Kept> {
        let index = seq.checked_sub(self.dropped + 1)?;
        self.list.get(usize::try_from(index).ok()?)
    }

    /// The entry at a place, if it is kept.
    pub fn get(&self, seq: Version) -> Option<&Entry> {
        self.kept(seq).map(|kept| &kept.entry)
    }
    /// All kept entries in order, and whether each is matched.
    pub fn kept_entries(&self) -> impl Iterator<Item = (Entry, bool)> + '_ {
        self.list.iter().map(|kept| (kept.entry, kept.entry.seq <= self.matched))
    }
    /// Up to `count` matched entries above `after`.
    pub fn above(&self, after: Version, count: usize) -> Vec<Entry> {
        let skipped = after.saturating_sub(self.dropped).min(self.list.len() as u64) as usize;
        let matched = self.matched.saturating_sub(self.dropped).min(self.list.len() as u64) as usize;
        let end = matched.min(skipped.saturating_add(count)).max(skipped);
        self.list.range(skipped..end).map(|kept| kept.entry).collect()
    }
    /// When the oldest uncommitted write of `key` came; `None`: there is none.
    pub fn dirty_since(&self, key: Key) -> Option<Time> {
        let place = *self.dirty.get(&key)?.front()?;
        self.kept(place).map(|kept| kept.came)
    }
    /// The place of `call`, if it has one and is not committed yet.
    pub fn ordered(&self, call: u64) -> Option<Version> {
        self.ordered.get(&call).copied()
    }
}

/// Where `view` begins: how far its first member was when it was sealed.
fn beginning(view: &View, positions: &[(u32, Position)]) -> Version {
    view.members.first().map_or(0, |first| position_of(first, positions).last)
}

/// What `replica` said when it was sealed.
pub fn position_of(replica: u32, positions: &[(u32, Position)]) -> Position {
    positions.iter().find(|(r, _)| *r == replica).map(|(_, position)| *position).unwrap_or_default()
}

/// Whether a replica that is a learner of `view` goes on with what it has, and is fed from there: if it told a
/// position, and that is no more than what the view begins with. The learner and its donor see the same positions and so
/// come to the same answer.
///
/// Where what is acknowledged is at *all* members, it is at these learners too. So one that is whole in a view in which it
/// was counted from the beginning has all that was ever acknowledged, and can become a member: each member has it all.
/// (Learners of a group that acknowledges before anyone else has a write never go on: what they were told to be committed
/// may have been lost, and something else may have taken its place.)
pub fn resumes(learner: u32, view: &View, positions: &[(u32, Position)]) -> bool {
    let position = position_of(learner, positions);
    position.view > 0 && position.committed <= beginning(view, positions)
}
