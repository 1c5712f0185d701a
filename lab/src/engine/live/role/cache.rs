//! A replica of a cache, which calls the store behind it.
use super::{Desk, Role};
use crate::{
    engine::live::{
        http::{Ask, Reply},
        wire::{Measured, Setup},
    },
    trace::{CacheRecorder, ServerWindow},
};
use lab_core::{
    cache::{Cache, CacheControl, CacheIn, CacheOut, CacheWake, Flush},
    call::{Attempt, Job},
    client::ClientOut,
    directory::StoreAccess,
    draw::Draw,
    machine::Machine,
    replicate::{Answer, View, message::Message},
    server::ServerControl,
    time::Time,
};

pub(in crate::engine::live) struct CacheRole {
    cache: Cache,
    recorder: CacheRecorder,
    /// As whom it calls the store, the store's first replica, and how that is asked if it is replicated.
    client: u32,
    first_server: u32,
    access: Option<StoreAccess>,
    draw: Draw,
}

impl CacheRole {
    /// Replica `me`, as `setup` says. Windows that ended before `now` are not its own.
    pub(in crate::engine::live) fn new(setup: &Setup, me: u32, now: Time) -> CacheRole {
        let Setup { scenario, service, lives, seed, .. } = setup;
        let mut recorder = CacheRecorder::new(scenario, *service, me);
        recorder.server.roll(now);
        recorder.server.take_windows();
        let store = scenario.services[*service].cache.as_ref().map_or(0, |cache| cache.calls);
        let draw = Draw { seed: *seed };
        CacheRole {
            cache: scenario.cache_life(*service, me, *lives, draw),
            recorder,
            client: scenario.cache_instance(*service, me),
            first_server: scenario.first_replica(store) as u32,
            access: scenario.access(store),
            draw,
        }
    }

    /// Sends an attempt to a replica of the store.
    fn send(&self, now: Time, job: Job, replica: u32, desk: &mut Desk<CacheWake>) {
        let asked =
            |access: &StoreAccess| (access.op(job.call, self.draw), access.value(job.call, job.number));
        let ask = Ask { job, store: self.access.as_ref().map(asked) };
        desk.calls.send(now, self.first_server + replica, ask, &mut desk.agenda);
    }

    fn report(&mut self, windows: Vec<ServerWindow>) -> Vec<Measured> {
        let CacheRole { cache, recorder, .. } = self;
        windows.into_iter().map(|window| Measured::Cache { window, cache: recorder.sample(cache) }).collect()
    }
}

impl Role for CacheRole {
    type In = CacheIn;
    type Out = CacheOut;
    type Wake = CacheWake;

    fn begins() -> Option<CacheIn> {
        None
    }
    fn woken(wake: CacheWake) -> CacheIn {
        CacheIn::Woken(wake)
    }
    fn control(control: ServerControl) -> CacheIn {
        CacheIn::Control(CacheControl::Server(control))
    }
    fn asked(Ask { job, store }: Ask) -> Option<CacheIn> {
        let (op, _) = store?;
        Some(CacheIn::Request { job, op })
    }
    fn hung_up(client: u32, attempt: Attempt) -> Option<CacheIn> {
        Some(CacheIn::Disconnected { client, attempt })
    }
    fn heard(_: u32, _: Message) -> Option<CacheIn> {
        None
    }
    fn flushed(keys: Flush) -> Option<CacheIn> {
        Some(CacheIn::Control(CacheControl::Flush(keys)))
    }
    fn answered(attempt: Attempt, Reply { outcome, answer }: Reply) -> Option<CacheIn> {
        Some(match answer {
            Some(Answer::Elsewhere(view)) => CacheIn::Elsewhere { attempt, view },
            _ => CacheIn::Answer { attempt, outcome },
        })
    }
    fn members(view: View) -> Option<CacheIn> {
        Some(CacheIn::Members(view))
    }

    fn step(&mut self, now: Time, input: CacheIn, out: &mut Vec<CacheOut>) {
        self.recorder.told(now, &input);
        self.cache.step(now, input, out);
        self.recorder.server.stands(now, self.cache.server());
    }

    fn carry_out(&mut self, now: Time, output: CacheOut, desk: &mut Desk<CacheWake>) {
        self.recorder.asked(&output);
        match output {
            CacheOut::WakeAt { at, wake } => desk.wake(at, wake),
            CacheOut::Reply { job, outcome, .. } => desk.reply(&job, Reply { outcome, answer: None }),
            // Its caller has gone, or will time out; the connection stays as it is.
            CacheOut::Drop { .. } => {}
            CacheOut::Store { request, before } => match request {
                ClientOut::Send { job, replica, .. } | ClientOut::SendOn { job, replica } => {
                    self.send(now, job.after(before), replica, desk);
                }
                ClientOut::GiveUp { attempt, replica } => {
                    let server = self.first_server + replica;
                    desk.calls.give_up(now, server, (self.client, attempt), &mut desk.agenda);
                }
                ClientOut::WakeAt { .. }
                | ClientOut::Late { .. }
                | ClientOut::Ended { .. }
                | ClientOut::Done { .. } => {}
            },
        }
    }

    fn measured(&mut self, at: Time) -> Vec<Measured> {
        self.recorder.server.roll(at);
        let windows = self.recorder.server.take_windows();
        self.report(windows)
    }

    fn rest(&mut self, at: Time) -> Vec<Measured> {
        let windows = self.recorder.server.clone().finish(at).windows;
        self.report(windows)
    }
}
