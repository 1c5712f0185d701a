//! A replica of a group.
use super::{Desk, Role};
use crate::{
    engine::live::{
        http::{Ask, Reply},
        wire::{Measured, Report, Setup},
    },
    trace::{ServerRecorder, ServerWindow},
};
use lab_core::{
    call::Attempt,
    draw::Draw,
    machine::Machine,
    replicate::{
        Answer, Op, Value,
        message::Message,
        node::{Node, NodeIn, NodeOut, NodeWake},
    },
    server::ServerControl,
    time::Time,
};

pub(in crate::engine::live) struct NodeRole {
    node: Node,
    recorder: ServerRecorder,
}

impl NodeRole {
    /// Replica `me`, as `setup` says. Windows that ended before `now` are not its own.
    pub(in crate::engine::live) fn new(setup: &Setup, me: u32, now: Time) -> NodeRole {
        let mut recorder = ServerRecorder::new(&setup.scenario, setup.service, me);
        recorder.roll(now);
        recorder.take_windows();
        let service = &setup.scenario.services[setup.service];
        NodeRole { node: service.life(me, setup.lives, Draw { seed: setup.seed }), recorder }
    }

    fn report(&self, windows: Vec<ServerWindow>) -> Vec<Measured> {
        let committed = self.node.position().committed;
        windows.into_iter().map(|window| Measured::Replica { window, committed }).collect()
    }
}

impl Role for NodeRole {
    type In = NodeIn;
    type Out = NodeOut;
    type Wake = NodeWake;

    fn begins() -> Option<NodeIn> {
        Some(NodeIn::Begin)
    }
    fn woken(wake: NodeWake) -> NodeIn {
        NodeIn::Woken(wake)
    }
    fn control(control: ServerControl) -> NodeIn {
        NodeIn::Control(control)
    }
    fn asked(Ask { job, store }: Ask) -> Option<NodeIn> {
        // What is asked makes no difference to a replica that holds nothing.
        let (op, value) = store.unwrap_or((Op::Read(0), Value::default()));
        Some(NodeIn::Request { job, op, value })
    }
    fn hung_up(client: u32, attempt: Attempt) -> Option<NodeIn> {
        Some(NodeIn::Disconnected { client, attempt })
    }
    fn heard(from: u32, message: Message) -> Option<NodeIn> {
        Some(NodeIn::Peer { from, message })
    }

    fn step(&mut self, now: Time, input: NodeIn, out: &mut Vec<NodeOut>) {
        self.recorder.reach(now);
        if let NodeIn::Request { .. } = input {
            self.recorder.arrived();
        }
        self.node.step(now, input, out);
        self.recorder.stands(now, self.node.server());
    }

    fn carry_out(&mut self, now: Time, output: NodeOut, desk: &mut Desk<NodeWake>) {
        match output {
            NodeOut::WakeAt { at, wake } => desk.wake(at, wake),
            NodeOut::Send { to, message } => desk.post.send(now, to, message),
            NodeOut::Reply { job, outcome, answer, work } => {
                match answer {
                    Some(Answer::Elsewhere(_)) => self.recorder.redirected(),
                    _ => self.recorder.replied(outcome, &work),
                }
                desk.reply(&job, Reply { outcome, answer });
            }
            // Its caller has gone, or will time out; the connection stays as it is.
            NodeOut::Drop { work, .. } => self.recorder.dropped(&work),
            NodeOut::Worked { work } => self.recorder.peer_worked(&work),
            NodeOut::Noted(note) => desk.reports.push(Report::Noted { at: now, note }),
        }
    }

    fn measured(&mut self, at: Time) -> Vec<Measured> {
        self.recorder.roll(at);
        let windows = self.recorder.take_windows();
        self.report(windows)
    }

    fn rest(&mut self, at: Time) -> Vec<Measured> {
        self.report(self.recorder.clone().finish(at).windows)
    }
}
