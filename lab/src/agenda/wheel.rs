//! A timing wheel for entries that come in no particular order (Varghese and Lauck, SOSP'87; as a priority queue: Brown's
//! *calendar queue*, CACM 31(10), 1988).
//!
//! A heap decides where an entry belongs as soon as it is planned, by comparisons whose outcome no processor can guess and that
//! hang on a number just drawn. Here planning compares nothing: an entry goes to the slot of its time. Only when the clock
//! reaches a slot are its few entries put in order.
use super::{Entry, NOTHING, due_at};
use std::{
    cmp::{Ordering, Reverse},
    collections::BinaryHeap,
};

/// Slots; a power of two.
const SLOTS: usize = 1024;
/// No node.
const NONE: u32 = u32::MAX;
/// A slot's width at first, as a power of two in nanoseconds: half a millisecond, so that the wheel reaches half a second ahead.
const SHIFT: u32 = 19;
/// The width is looked at again after this many slots.
const REVIEW: u32 = 1024;

#[derive(Clone, Debug)]
pub(super) struct Wheel<E> {
    /// A slot is 2^shift ns wide.
    shift: u32,
    /// The number of the slot whose entries are in `near`, counted from time zero.
    current: u64,
    /// The entries of the current slot and before, latest first. Empty only if there are no entries at all.
    near: Vec<(u128, E)>,
    /// The first node of each slot; a slot holds entries of one turn of the wheel only.
    slots: Vec<u32>,
    /// Which slots have nodes, and which words of that have bits.
    occupied: [u64; SLOTS / 64],
    words: u16,
    nodes: Vec<Node<E>>,
    free: u32,
    /// Beyond the wheel's reach.
    far: BinaryHeap<Reverse<Entry<E>>>,
    /// Since the last review: slots begun, entries in them, and those of them that came from afar.
    begun: u32,
    taken: u32,
    from_afar: u32,
}

#[derive(Clone, Copy, Debug)]
struct Node<E> {
    key: u128,
    event: E,
    next: u32,
}

impl<E: Copy> Wheel<E> {
    pub(super) fn new() -> Wheel<E> {
        Wheel {
            shift: SHIFT,
            current: 0,
            near: vec![],
            slots: vec![NONE; SLOTS],
            occupied: [0; SLOTS / 64],
            words: 0,
            nodes: vec![],
            free: NONE,
            far: BinaryHeap::new(),
            begun: 0,
            taken: 0,
            from_afar: 0,
        }
    }

    /// The key of the first entry; [`NOTHING`] if there is none.
    #[inline]
    pub(super) fn first(&self) -> u128 {
        self.near.last().map_or(NOTHING, |entry| entry.0)
    }

    #[inline]
    pub(super) fn push(&mut self, key: u128, event: E) {
        let slot = self.slot(key);
        if self.near.is_empty() {
            self.current = slot;
            self.near.push((key, event));
        } else if slot <= self.current {
            let after = self.near.iter().rposition(|entry| entry.0 > key).map_or(0, |place| place + 1);
            self.near.insert(after, (key, event));
        } else if slot - self.current < SLOTS as u64 {
            self.file(slot, key, event);
        } else {
            self.far.push(Reverse(Entry { key, event }));
        }
    }

    /// Takes the first entry.
    #[inline]
    pub(super) fn pop(&mut self) -> Option<E> {
        let (_, event) = self.near.pop()?;
        if self.near.is_empty() {
            self.begin_next();
        }
        Some(event)
    }

    #[inline]
    fn slot(&self, key: u128) -> u64 {
        due_at(key).0 >> self.shift
    }

    /// Puts an entry into a slot within reach.
    #[inline]
    fn file(&mut self, slot: u64, key: u128, event: E) {
        let index = slot as usize % SLOTS;
        let node = Node { key, event, next: self.slots[index] };
        self.slots[index] = if self.free == NONE {
            self.nodes.push(node);
            self.nodes.len() as u32 - 1
        } else {
            let place = self.free;
            let old = &mut self.nodes[place as usize];
            self.free = old.next;
            *old = node;
            place
        };
        self.occupied[index / 64] |= 1 << (index % 64);
        self.words |= 1 << (index / 64);
    }

    /// Goes to the next slot that has entries and puts them in order.
    #[inline]
    fn begin_next(&mut self) {
        let in_wheel = self.next_occupied().unwrap_or(u64::MAX);
        let from_afar = self.far.peek().map_or(u64::MAX, |first| self.slot(first.0.key));
        self.current = in_wheel.min(from_afar);
        if self.current == u64::MAX {
            self.current = 0;
            return;
        }
        if in_wheel == self.current {
            self.empty_slot();
        }
        if from_afar == self.current {
            self.bring_near();
        }
        if self.near.len() > 1 {
            self.near.sort_unstable_by_key(|entry| Reverse(entry.0));
        }
        self.begun += 1;
        self.taken += self.near.len() as u32;
        if self.begun == REVIEW {
            self.review();
        }
    }

    /// The number of the first slot after the current one that has entries.
    #[inline]
    fn next_occupied(&self) -> Option<u64> {
        let start = (self.current + 1) as usize % SLOTS;
        let (word, bit) = (start / 64, start % 64);
        let here = self.occupied[word] >> bit;
        let ahead = if here != 0 {
            here.trailing_zeros() as usize
        } else {
            // Words after this one, then from the first on round to this one: its low bits are a turn ahead.
            let later = self.words & (u16::MAX << word << 1);
            let next = if later != 0 { later } else { self.words };
            if next == 0 {
                return None;
            }
            let next = next.trailing_zeros() as usize;
            let index = next * 64 + self.occupied[next].trailing_zeros() as usize;
            (index + SLOTS - start) % SLOTS
        };
        Some(self.current + 1 + ahead as u64)
    }

    #[inline]
    fn empty_slot(&mut self) {
        let index = self.current as usize % SLOTS;
        let mut place = std::mem::replace(&mut self.slots[index], NONE);
        while place != NONE {
            let node = &mut self.nodes[place as usize];
            self.near.push((node.key, node.event));
            let next = std::mem::replace(&mut node.next, self.free);
            self.free = place;
            place = next;
        }
        self.occupied[index / 64] &= !(1 << (index % 64));
        if self.occupied[index / 64] == 0 {
            self.words &= !(1 << (index / 64));
        }
    }

    #[cold]
    fn bring_near(&mut self) {
        while let Some(first) = self.far.peek()
            && self.slot(first.0.key) == self.current
        {
            self.near.extend(self.far.pop().map(|Reverse(Entry { key, event })| (key, event)));
            self.from_afar += 1;
        }
    }

    /// Halves the slots' width if they are crowded, doubles it if much lies beyond the wheel's reach.
    #[cold]
    fn review(&mut self) {
        let (begun, taken, from_afar) = (self.begun, self.taken, self.from_afar);
        (self.begun, self.taken, self.from_afar) = (0, 0, 0);
        let crowded = taken > 3 * begun;
        let short = from_afar > taken / 4 && taken < 2 * begun;
        match (crowded, short) {
            (true, _) if self.shift > 0 => self.shift -= 1,
            (_, true) if self.shift < 48 => self.shift += 1,
            _ => return,
        }
        let mut all = std::mem::take(&mut self.near);
        for slot in 0..SLOTS {
            let mut place = std::mem::replace(&mut self.slots[slot], NONE);
            while place != NONE {
                let Node { key, event, next } = self.nodes[place as usize];
                all.push((key, event));
                place = next;
            }
        }
        all.extend(self.far.drain().map(|Reverse(Entry { key, event })| (key, event)));
        self.nodes.clear();
        self.free = NONE;
        self.occupied = [0; SLOTS / 64];
        self.words = 0;
        // The earliest first: it is the one that sets the current slot.
        all.sort_unstable_by_key(|entry| entry.0);
        for (key, event) in all {
            self.push(key, event);
        }
    }
}

impl<E> PartialEq for Entry<E> {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl<E> Eq for Entry<E> {}

impl<E> PartialOrd for Entry<E> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> Ord for Entry<E> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key.cmp(&other.key)
    }
}
