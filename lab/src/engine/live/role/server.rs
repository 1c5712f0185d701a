//! A replica that holds nothing.
use super::{Desk, Role};
use crate::{
    engine::live::{
        http::{Ask, Reply},
        wire::{Measured, Setup},
    },
    trace::{ServerRecorder, ServerWindow},
};
use lab_core::{
    call::Attempt,
    draw::Draw,
    machine::Machine,
    replicate::message::Message,
    server::{Server, ServerControl, ServerIn, ServerOut},
    time::Time,
};

pub(in crate::engine::live) struct ServerRole {
    server: Server,
    recorder: ServerRecorder,
}

impl ServerRole {
    /// Replica `me`, as `setup` says. Windows that ended before `now` are not its own.
    pub(in crate::engine::live) fn new(setup: &Setup, me: u32, now: Time) -> ServerRole {
        let mut recorder = ServerRecorder::new(&setup.scenario, setup.service, me);
        recorder.roll(now);
        recorder.take_windows();
        let policy = &setup.scenario.services[setup.service].policy;
        ServerRole { server: Server::new(policy, Draw { seed: setup.seed }), recorder }
    }
}

impl Role for ServerRole {
    type In = ServerIn;
    type Out = ServerOut;
    /// A worker and which of its jobs.
    type Wake = (u32, u32);

    fn begins() -> Option<ServerIn> {
        None
    }
    fn woken((worker, epoch): (u32, u32)) -> ServerIn {
        ServerIn::Woken { worker, epoch }
    }
    fn control(control: ServerControl) -> ServerIn {
        ServerIn::Control(control)
    }
    fn asked(ask: Ask) -> Option<ServerIn> {
        Some(ServerIn::Arrive(ask.job))
    }
    fn hung_up(client: u32, attempt: Attempt) -> Option<ServerIn> {
        Some(ServerIn::Disconnected { client, attempt })
    }
    fn heard(_: u32, _: Message) -> Option<ServerIn> {
        None
    }

    fn step(&mut self, now: Time, input: ServerIn, out: &mut Vec<ServerOut>) {
        self.recorder.told(now, &input);
        self.server.step(now, input, out);
        self.recorder.stands(now, &self.server);
    }

    fn carry_out(&mut self, _: Time, output: ServerOut, desk: &mut Desk<(u32, u32)>) {
        self.recorder.asked(&output);
        match output {
            ServerOut::WakeAt { at, worker, epoch } => desk.wake(at, (worker, epoch)),
            ServerOut::Reply { job, outcome, .. } => desk.reply(&job, Reply { outcome, answer: None }),
            // Its caller has gone, or will time out; the connection stays as it is.
            ServerOut::Drop { .. } => {}
        }
    }

    fn measured(&mut self, at: Time) -> Vec<Measured> {
        self.recorder.roll(at);
        self.recorder.take_windows().into_iter().map(of_window).collect()
    }

    fn rest(&mut self, at: Time) -> Vec<Measured> {
        self.recorder.clone().finish(at).windows.into_iter().map(of_window).collect()
    }
}

fn of_window(window: ServerWindow) -> Measured {
    Measured::Replica { window, committed: 0 }
}
