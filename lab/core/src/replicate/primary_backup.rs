//! The place of the shared log (CORFU) until its own file replaces this one: a replica that can do nothing yet, and says so.
use super::message::{Message, Position};
use super::protocol::Ask;
use super::{Ack, Answer, Reads, Request, Version, View, store::Store};
use crate::{machine::Outbox, time::Time};

/// A replica of the shared log that answers every request `Unavailable`.
#[derive(Clone, Debug)]
pub struct PrimaryBackup {
    me: u32,
    view: View,
    store: Store,
}

impl PrimaryBackup {
    /// An empty replica `me`.
    pub fn new(_ack: Ack, _reads: Reads, me: u32, deduplicate: bool) -> PrimaryBackup {
        PrimaryBackup { me, view: View::default(), store: Store::new(deduplicate) }
    }
    /// See [`super::protocol::Protocol::position`].
    pub fn position(&self) -> Position {
        Position::default()
    }
    /// See [`super::protocol::Protocol::install`].
    pub fn install(&mut self, _: Time, view: &View, _: &[(u32, Position)], _: &mut impl Outbox<Ask>) {
        self.view = *view;
    }
    /// See [`super::protocol::Protocol::suspend`].
    pub fn suspend(&mut self, _: Time, _: &mut impl Outbox<Ask>) {}
    /// See [`super::protocol::Protocol::request`].
    pub fn request(&mut self, _: Time, request: Request, _leased: bool, out: &mut impl Outbox<Ask>) {
        out.put(Ask::Answer { id: request.id, answer: Answer::Unavailable });
    }
    /// See [`super::protocol::Protocol::message`].
    pub fn message(&mut self, _: Time, _: u32, _: Message, _leased: bool, _: &mut impl Outbox<Ask>) {}
    /// See [`super::protocol::Protocol::woken`].
    pub fn woken(&mut self, _: Time, _: &mut impl Outbox<Ask>) {}
    /// A learner asks for a part, `first`: for the first one, and gets all new entries from now on. The last committed write;
    /// `None` if this replica is not the donor. See [`super::protocol::Protocol::part`].
    pub fn feed(
        &mut self,
        _: Time,
        _learner: u32,
        _first: bool,
        _: &mut impl Outbox<Ask>,
    ) -> Option<Version> {
        None
    }
    /// As a learner: start over with an empty store; the order of entries goes on after `base`.
    pub fn start_after(&mut self, _base: Version) {}
    /// See [`super::protocol::Protocol::store`].
    pub fn store(&self) -> &Store {
        &self.store
    }
    /// The view.
    pub fn view(&self) -> &View {
        &self.view
    }
    /// Which replica it is.
    pub fn me(&self) -> u32 {
        self.me
    }
    /// The same, to be changed.
    pub fn store_mut(&mut self) -> &mut Store {
        &mut self.store
    }
}
