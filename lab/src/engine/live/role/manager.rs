//! The manager of a group. What it is to keep is in a file before anything else that it asks for is done.
use super::{Desk, Role};
use crate::engine::live::{
    http::Ask,
    records::Records,
    wire::{Measured, Report, Setup},
};
use lab_core::{
    call::Attempt,
    machine::Machine,
    replicate::{
        manager::{Manager, ManagerIn, ManagerOut, ManagerWake},
        message::Message,
    },
    server::ServerControl,
    time::{Span, Time},
};
use std::io;

pub(in crate::engine::live) struct ManagerRole {
    manager: Manager,
    records: Records,
    width: Span,
    /// When the window under way ends.
    window_ends: Time,
}

impl ManagerRole {
    /// The manager that `setup` says, with what it has kept. Windows that ended before `now` are not its own.
    pub(in crate::engine::live) fn new(setup: &Setup, now: Time) -> io::Result<ManagerRole> {
        let path =
            setup.views.as_deref().ok_or_else(|| io::Error::other("a manager keeps its views in a file"))?;
        let (records, kept) = Records::open(path)?;
        if let Some(steps) = &setup.record {
            Records::copy(&kept, steps)?;
        }
        let width = setup.scenario.window;
        let window_ends = Time((now.0 / width.0 + 1) * width.0);
        let manager = setup.scenario.services[setup.service].manager(kept);
        Ok(ManagerRole { manager, records, width, window_ends })
    }
}

impl Role for ManagerRole {
    type In = ManagerIn;
    type Out = ManagerOut;
    type Wake = ManagerWake;

    fn begins() -> Option<ManagerIn> {
        Some(ManagerIn::Begin)
    }
    fn woken(wake: ManagerWake) -> ManagerIn {
        ManagerIn::Woken(wake)
    }
    fn control(control: ServerControl) -> ManagerIn {
        ManagerIn::Control(control)
    }
    fn asked(_: Ask) -> Option<ManagerIn> {
        None
    }
    fn hung_up(_: u32, _: Attempt) -> Option<ManagerIn> {
        None
    }
    fn heard(from: u32, message: Message) -> Option<ManagerIn> {
        Some(ManagerIn::Peer { from, message })
    }

    fn step(&mut self, now: Time, input: ManagerIn, out: &mut Vec<ManagerOut>) {
        self.manager.step(now, input, out);
    }

    fn carry_out(&mut self, now: Time, output: ManagerOut, desk: &mut Desk<ManagerWake>) {
        match output {
            ManagerOut::WakeAt { at, wake } => desk.wake(at, wake),
            ManagerOut::Send { to, message } => desk.post.send(now, to, message),
            ManagerOut::Keep(record) => self.records.keep(&record),
            ManagerOut::Publish(view) => desk.reports.push(Report::Published { at: now, view }),
            ManagerOut::Noted(note) => desk.reports.push(Report::Noted { at: now, note }),
        }
    }

    fn measured(&mut self, at: Time) -> Vec<Measured> {
        let mut measured = vec![];
        while self.window_ends <= at {
            measured.push(Measured::Group(self.manager.view()));
            self.window_ends = self.window_ends + self.width;
        }
        measured
    }

    fn rest(&mut self, at: Time) -> Vec<Measured> {
        let mut measured = self.measured(at);
        if at.0 + self.width.0 > self.window_ends.0 {
            measured.push(Measured::Group(self.manager.view()));
        }
        measured
    }
}
