//! Sending the entries of a ledger to those that follow it, and sending them again when they get lost.
//!
//! Entries go out as they come, one message each; nothing waits for an acknowledgement. A receiver that has not acknowledged
//! for a while gets the next entries that it lacks again (go-back), or, if only news of commits or an acknowledgement is
//! missing, an empty message that it answers with how far it is. The time doubles while nothing changes, so that a receiver
//! that is merely slow is not buried, and no more is sent than one message at a time until it answers.
use super::Version;
use super::ledger::Ledger;
use super::message::Message;
use super::protocol::Ask;
use crate::{
    machine::Outbox,
    time::{Span, Time},
};
use std::collections::BTreeMap;

/// How long after the last progress a receiver that lacks something is sent to again.
pub const RESEND: Span = Span::from_millis(50);
/// The longest such time.
pub const RESEND_MAX: Span = Span::from_millis(800);
/// The most entries in one message.
pub const BATCH: usize = 256;

/// The receivers of one replica.
#[derive(Clone, Debug, Default)]
pub struct Feed {
    receivers: BTreeMap<u32, Receiver>,
    /// When the owner will be woken.
    armed: Option<Time>,
}

/// How far a receiver is.
#[derive(Clone, Copy, Debug)]
struct Receiver {
    /// It, and in a chain all behind it, has all up to here.
    last: Version,
    /// It has all up to here.
    held: Version,
    /// It, and in a chain all behind it, knows all up to here to be committed.
    floor: Version,
    /// Sent so far.
    sent: Version,
    /// It learns of commits from here only; the next in a chain learns from its tail.
    news: bool,
    /// It did not answer in time: nothing new until it does.
    stalled: bool,
    /// When to send again, while it lacks something.
    due: Option<Time>,
    wait: Span,
}

impl Receiver {
    fn lacks(&self, ledger: &Ledger) -> bool {
        self.last < ledger.matched() || (self.news && self.floor < ledger.committed())
    }
}

impl Feed {
    /// No receivers any more.
    pub fn clear(&mut self) {
        *self = Feed::default();
    }

    /// A new receiver that knows all up to `committed` to be committed, and so needs the entries above; in a chain all behind it
    /// know all up to `floor` to be, else it is the same. `news`: it is told what is committed even when there is no new entry.
    pub fn add(&mut self, to: u32, committed: Version, floor: Version, news: bool) {
        let receiver = Receiver {
            last: committed,
            held: committed,
            floor,
            sent: committed,
            news,
            stalled: false,
            due: None,
            wait: RESEND,
        };
        self.receivers.insert(to, receiver);
    }

    /// Whether `to` is a receiver.
    pub fn contains(&self, to: u32) -> bool {
        self.receivers.contains_key(&to)
    }
    /// Up to where `from` (and in a chain all behind it) has all.
    pub fn last(&self, from: u32) -> Version {
        self.receivers.get(&from).map_or(0, |receiver| receiver.last)
    }
    /// Up to where all receivers know all to be committed; `None`: there are none.
    pub fn floor(&self) -> Option<Version> {
        self.receivers.values().map(|receiver| receiver.floor).min()
    }

    /// Sends to every receiver what it has not been sent yet.
    pub fn pump(&mut self, ledger: &Ledger, out: &mut impl Outbox<Ask>) {
        for (&to, receiver) in &mut self.receivers {
            while !receiver.stalled && receiver.sent < ledger.matched() {
                let entries = send(to, receiver.sent, ledger, out);
                if entries == 0 {
                    break;
                }
                receiver.sent += entries;
            }
        }
    }

    /// A receiver tells how far it is. What it says never goes back: it does not forget within a view.
    pub fn acknowledged(
        &mut self,
        now: Time,
        from: u32,
        (last, held, floor): (Version, Version, Version),
        ledger: &Ledger,
    ) {
        let Some(receiver) = self.receivers.get_mut(&from) else { return };
        let before = (receiver.last, receiver.held, receiver.floor);
        // Nobody has more than was sent from here.
        receiver.last = receiver.last.max(last.min(ledger.matched()));
        receiver.held = receiver.held.max(held.min(ledger.matched()));
        receiver.floor = receiver.floor.max(floor.min(ledger.matched()));
        receiver.sent = receiver.sent.max(receiver.held);
        if (receiver.last, receiver.held, receiver.floor) != before {
            receiver.wait = RESEND;
            receiver.due = Some(now + RESEND);
            receiver.stalled = false;
        }
    }

    /// Sends again what is due.
    pub fn woken(&mut self, now: Time, ledger: &Ledger, out: &mut impl Outbox<Ask>) {
        if self.armed.is_some_and(|at| at <= now) {
            self.armed = None;
        }
        for (&to, receiver) in &mut self.receivers {
            if receiver.lacks(ledger) && receiver.due.is_some_and(|due| due <= now) {
                let entries = send(to, receiver.held, ledger, out);
                receiver.stalled = receiver.held < ledger.matched();
                receiver.sent = receiver.held + entries;
                receiver.wait = (receiver.wait + receiver.wait).min(RESEND_MAX);
                receiver.due = Some(now + receiver.wait);
            }
        }
    }

    /// Asks to be woken when something is due: here, or at `other`.
    pub fn arm(&mut self, now: Time, ledger: &Ledger, other: Option<Time>, out: &mut impl Outbox<Ask>) {
        let mut earliest = other;
        for receiver in self.receivers.values_mut() {
            if receiver.lacks(ledger) {
                let due = *receiver.due.get_or_insert(now + receiver.wait);
                earliest = Some(earliest.map_or(due, |at| at.min(due)));
            } else {
                receiver.due = None;
                receiver.wait = RESEND;
            }
        }
        if let Some(at) = earliest
            && self.armed.is_none_or(|armed| at < armed || armed < now)
        {
            self.armed = Some(at);
            out.put(Ask::WakeAt(at));
        }
    }
}

/// Sends the matched entries above `after`, at most [`BATCH`] of them; how many there were.
///
/// They are always still kept: a replica keeps all above what every member and fed learner knows to be committed
/// ([`Message::Append`]'s `floor`); whoever is new among the members was a fed learner before, and began with such a list.
/// Should it be otherwise, the receiver is sent nothing rather than a list with a gap.
fn send(to: u32, after: Version, ledger: &Ledger, out: &mut impl Outbox<Ask>) -> u64 {
    if after < ledger.dropped() {
        return 0;
    }
    let entries = ledger.above(after, BATCH);
    let count = entries.len() as u64;
    let message = Message::Append {
        view: ledger.view(),
        entries,
        committed: ledger.committed(),
        floor: ledger.floor(),
    };
    out.put(Ask::Send { to, message });
    count
}
