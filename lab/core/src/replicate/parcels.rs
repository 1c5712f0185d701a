//! Messages of other replicas whose work is not done.
//!
//! The work of two of them may end in another order than they came in, with several workers or another discipline than
//! oldest first. They are handed on in the order of each sender nevertheless, as from one connection: the protocols send
//! entries in order and would have to send them again.
use super::message::{Cost, Message};
use crate::call::Attempt;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// All of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Parcels {
    slots: Vec<Option<Parcel>>,
    free: Vec<u32>,
    generation: u32,
    /// The messages with entries of each sender, in the order they came in.
    lines: BTreeMap<u32, VecDeque<u32>>,
    /// Writes of the log among them: sender, view and question.
    writes: BTreeSet<(u32, u64, u64)>,
}

#[derive(Clone, Debug)]
struct Parcel {
    from: u32,
    message: Message,
    done: bool,
}

impl Parcels {
    /// Keeps a message; the attempt by which the server's job names it.
    pub(super) fn keep(&mut self, from: u32, message: Message) -> Attempt {
        let in_line = message.cost() == Cost::Apply;
        if let Message::LogWrite { view, ask, .. } = message {
            self.writes.insert((from, view, ask));
        }
        let parcel = Some(Parcel { from, message, done: false });
        let slot = match self.free.pop() {
            Some(slot) => {
                self.slots[slot as usize] = parcel;
                slot
            }
            None => {
                self.slots.push(parcel);
                self.slots.len() as u32 - 1
            }
        };
        if in_line {
            self.lines.entry(from).or_default().push_back(slot);
        }
        self.generation = self.generation.wrapping_add(1);
        Attempt { slot, generation: self.generation }
    }

    /// Whether a message like this waits: a learner's question, or a part of the store.
    pub(super) fn any(&self, like: impl Fn(u32, &Message) -> bool) -> bool {
        self.slots.iter().flatten().any(|parcel| like(parcel.from, &parcel.message))
    }

    /// Whether this write of the log waits.
    pub(super) fn has_write(&self, from: u32, view: u64, ask: u64) -> bool {
        self.writes.contains(&(from, view, ask))
    }

    /// The work of the message in `slot` is over; `lost`: it was turned away. Hands on what is due.
    pub(super) fn done(&mut self, slot: u32, lost: bool, mut due: impl FnMut(u32, Message)) {
        let Some(Some(parcel)) = self.slots.get_mut(slot as usize) else { return };
        let from = parcel.from;
        parcel.done = true;
        let in_line = parcel.message.cost() == Cost::Apply;
        if lost || !in_line {
            if in_line && let Some(line) = self.lines.get_mut(&from) {
                line.retain(|&s| s != slot);
            }
            if let Some(parcel) = self.take(slot).filter(|_| !lost) {
                due(from, parcel.message);
            }
        }
        while let Some(line) = self.lines.get_mut(&from)
            && let Some(&first) = line.front()
            && self.slots[first as usize].as_ref().is_none_or(|parcel| parcel.done)
        {
            line.pop_front();
            if let Some(parcel) = self.take(first) {
                due(from, parcel.message);
            }
        }
    }

    fn take(&mut self, slot: u32) -> Option<Parcel> {
        let parcel = self.slots[slot as usize].take()?;
        self.free.push(slot);
        if let Message::LogWrite { view, ask, .. } = parcel.message {
            self.writes.remove(&(parcel.from, view, ask));
        }
        Some(parcel)
    }
}
