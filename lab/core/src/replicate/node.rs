//! One replica of a replicated store as one machine: queue and workers, membership, protocol.
//!
//! A request waits and holds a worker as everywhere ([`crate::server`]); when its work is done the protocol gets it, and what
//! the protocol answers goes back. A message of another replica that costs work waits in the same queue, and is handed to
//! the protocol when its work is done; what costs nothing, and what the manager says, is dealt with at once.
use super::{
    Answer, Mode, Op, Request, RequestId, Target, Value, View,
    member::{Member, Membership, Note, Sealing},
    message::{Cost, Message, Position},
    parcels::Parcels,
    protocol::{Ask, Protocol},
    requests::{Entry, Pending, Requests, id_of},
    store::Store,
};
use crate::{
    call::{Attempt, Job, Outcome},
    demand::Demand,
    draw::Draw,
    lineage::Lineage,
    machine::{Machine, Outbox},
    server::{Cancel, PEER, PeerWork, Server, ServerControl, ServerIn, ServerOut, ServerPolicy, Work},
    setting::ServerSetting,
    time::{Span, Time},
};
use serde::{Deserialize, Serialize};

/// What the replicas of a replicated store decide by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NodePolicy {
    /// Queue and workers.
    pub server: ServerPolicy,
    /// How the store is replicated.
    pub mode: Mode,
    /// Who belongs to the group.
    pub membership: Membership,
    /// How long a message with entries to apply, or a question of a quorum read, holds a worker.
    pub apply_time: Demand,
    /// How long reading or writing one part of a newcomer's store holds a worker.
    pub transfer_time: Demand,
    /// Whether a write that is tried again is recognised by its call and not done twice: a copy of one that is here waits for
    /// the same answer, and costs nothing.
    pub deduplicate: bool,
}

/// The manager's name where messages are addressed.
pub const MANAGER: u32 = u32::MAX;

/// What can happen to a replica.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum NodeIn {
    /// The run begins. Once, and first.
    Begin,
    /// A client's attempt arrives.
    Request {
        /// The attempt.
        job: Job,
        /// What it asks.
        op: Op,
        /// What a write writes.
        value: Value,
    },
    /// A message of another replica or of the manager.
    Peer {
        /// Who sent it: a replica or [`MANAGER`].
        from: u32,
        /// What.
        message: Message,
    },
    /// A timer that the replica asked for went off.
    Woken(NodeWake),
    /// The caller of an attempt closed its connection.
    Disconnected {
        /// The client instance.
        client: u32,
        /// Its attempt.
        attempt: Attempt,
    },
    /// A trigger or an operator acts.
    Control(ServerControl),
}

/// A replica's timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NodeWake {
    /// A worker's time is over.
    Worker {
        /// Which worker.
        worker: u32,
        /// Which of its jobs.
        epoch: u32,
    },
    /// It is time for a heartbeat.
    Heartbeat {
        /// Of which life; another one's is stale.
        incarnation: u64,
    },
    /// A learner asks for the next part, or once more for one that did not come.
    Fetch {
        /// Which wait is over; an older one's is stale.
        turn: u64,
    },
    /// The protocol looks for what has to be sent again.
    Protocol,
}

/// What a replica asks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum NodeOut {
    /// Hand `wake` back at `at`. Never cancelled.
    WakeAt {
        /// When.
        at: Time,
        /// What to hand back.
        wake: NodeWake,
    },
    /// Send a message to a replica or to [`MANAGER`].
    Send {
        /// To whom.
        to: u32,
        /// What.
        message: Message,
    },
    /// Answer an attempt.
    Reply {
        /// Which.
        job: Job,
        /// How it ended.
        outcome: Outcome,
        /// What the store says; `None` when the queue or a crash ended it.
        answer: Option<Answer>,
        /// What it has cost.
        work: Work,
    },
    /// The attempt is over and nobody waits for an answer.
    Drop {
        /// Which.
        job: Job,
        /// What it has cost.
        work: Work,
    },
    /// The work that a message of another replica took is over.
    Worked {
        /// What it has cost.
        work: Work,
    },
    /// For the record of events.
    Noted(Note),
}

/// One replica.
#[derive(Clone, Debug)]
pub struct Node {
    me: u32,
    membership: Membership,
    mode: Option<Mode>,
    deduplicate: bool,
    /// A closed connection takes a request out of the queue, or off its worker.
    cancels: bool,
    server: Server,
    member: Member,
    /// `None` for a replica without a store.
    protocol: Option<Protocol>,
    state: State,
    requests: Requests,
    parcels: Parcels,
    /// A heartbeat waits in the queue.
    beating: bool,
    /// Counts the waits between parts.
    turn: u64,
    /// As primary or head it serves from then on; `None`: it is neither.
    in_charge_from: Option<Time>,
    /// The manager has been told, or will be with the next heartbeat, that this learner has caught up.
    caught_up: bool,
    /// What came during a pause and is not for the server alone, in order.
    outside: Vec<NodeIn>,
    asks: Vec<Ask>,
    served: Vec<ServerOut>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Up,
    Paused,
    Down,
}

/// How a job of the server names the heartbeat that waits in the queue, among the messages that do.
const HEARTBEAT: u32 = u32::MAX;

impl Node {
    /// Replica `me` of `replicas`, a member of view 1 from the beginning.
    pub fn new(policy: &NodePolicy, me: u32, replicas: u32, draw: Draw) -> Node {
        let peers = PeerWork { apply: policy.apply_time.clone(), transfer: policy.transfer_time.clone() };
        let server = Server::with_peers(&policy.server, peers, draw);
        let mut node = Node::around(server, &policy.server, policy.membership, me, replicas);
        node.mode = Some(policy.mode);
        node.deduplicate = policy.deduplicate;
        node.requests = Requests::new(policy.deduplicate);
        node.protocol = Some(Protocol::new(policy.mode, me, policy.deduplicate));
        node
    }

    /// A replica without a store, whose heartbeats only tell the manager that it can be sent work.
    pub fn stateless(
        policy: &ServerPolicy,
        membership: Membership,
        me: u32,
        replicas: u32,
        draw: Draw,
    ) -> Node {
        Node::around(Server::new(policy, draw), policy, membership, me, replicas)
    }

    /// From now on all is drawn from `draw`; calls of other runs of the `lineage` ask for the work that they asked for.
    pub fn branch(&mut self, draw: Draw, lineage: &Lineage) {
        self.server.branch(draw, lineage);
    }

    /// The same replica in a process that has followed `lives` others: without their memory, and in a life that none of them
    /// had. It is to be told [`NodeIn::Begin`] like any other.
    pub fn restarted(mut self, lives: u32) -> Node {
        self.member.follow(lives);
        self
    }

    fn around(server: Server, policy: &ServerPolicy, membership: Membership, me: u32, replicas: u32) -> Node {
        Node {
            me,
            membership,
            mode: None,
            deduplicate: false,
            cancels: policy.cancel == Cancel::OnDisconnect,
            server,
            member: Member::new(me, replicas, &membership),
            protocol: None,
            state: State::Up,
            requests: Requests::new(false),
            parcels: Parcels::default(),
            beating: false,
            turn: 0,
            in_charge_from: None,
            caught_up: false,
            outside: vec![],
            asks: vec![],
            served: vec![],
        }
    }

    /// Its queue and workers, for levels.
    pub fn server(&self) -> &Server {
        &self.server
    }
    /// The view that it has installed; number 0: none.
    pub fn view(&self) -> &View {
        self.member.view()
    }
    /// What it may do.
    pub fn member(&self) -> &Member {
        &self.member
    }
    /// The committed state, as far as it knows; `None` for a replica without a store.
    pub fn store(&self) -> Option<&Store> {
        self.protocol.as_ref().map(Protocol::store)
    }
    /// The protocol's part of it; `None` for a replica without a store.
    pub fn protocol(&self) -> Option<&Protocol> {
        self.protocol.as_ref()
    }
    /// How far it is, as it would tell the manager.
    pub fn position(&self) -> Position {
        self.protocol.as_ref().map(Protocol::position).unwrap_or_default()
    }

    fn begin(&mut self, now: Time, out: &mut impl Outbox<NodeOut>) {
        if self.member.acts() {
            let view = *self.member.view();
            self.take_charge(&view, now);
            let positions: Vec<_> = view.members.iter().map(|m| (m, Position::default())).collect();
            if let Some(protocol) = &mut self.protocol {
                protocol.install(now, &view, &positions, &mut self.asks);
            }
            self.carry_out(now, out);
        }
        self.pulse(now, out);
        self.pulse_later(now, out);
    }

    // Requests.

    fn request(&mut self, now: Time, job: Job, op: Op, value: Value, out: &mut impl Outbox<NodeOut>) {
        let id = id_of(&job);
        if self.state == State::Up
            && let Some(answer) = self.refuses(now, op)
        {
            return end(job, vec![], (outcome_of(answer), Some(answer)), Work::default(), out);
        }
        if self.state != State::Down {
            if self.requests.enter(job, op, value) == Entry::Known {
                return;
            }
            if self.state == State::Up && self.recognises(op, value) {
                return self.ask(now, id, Work::default(), out);
            }
        }
        self.serve(now, ServerIn::Arrive(job), out);
    }

    /// Whether it knows without any work that a write has been carried out.
    fn recognises(&self, op: Op, value: Value) -> bool {
        matches!(op, Op::Write(_)) && self.store().is_some_and(|store| store.written(value.call).is_some())
    }

    /// What a request gets that this replica cannot serve in its view, before it costs anything.
    fn refuses(&self, now: Time, op: Op) -> Option<Answer> {
        let mode = self.mode?;
        if !self.member.acts() {
            return Some(Answer::Unavailable);
        }
        let view = self.member.view();
        match mode.serves(view, op) {
            Some(Target::One(replica)) if replica == self.me => {
                self.in_charge_from.is_some_and(|from| now < from).then_some(Answer::Unavailable)
            }
            Some(Target::Any) if view.members.contains(self.me) => None,
            _ => Some(Answer::Elsewhere(*view)),
        }
    }

    /// The server has come to an end with a job.
    fn worked(&mut self, now: Time, job: Job, outcome: Outcome, work: Work, out: &mut impl Outbox<NodeOut>) {
        if job.client == PEER {
            return self.peer_worked(now, job, outcome, work, out);
        }
        let id = id_of(&job);
        let decided = outcome != Outcome::Success || self.protocol.is_none();
        if !decided {
            return self.ask(now, id, work, out);
        }
        // A replica that is down has taken nothing in.
        let copies = self.requests.remove(id).map(|pending| pending.copies).unwrap_or_default();
        end(job, copies, (outcome, None), work, out);
    }

    /// The protocol gets a request whose work is done.
    fn ask(&mut self, now: Time, id: RequestId, work: Work, out: &mut impl Outbox<NodeOut>) {
        let Some(pending) = self.requests.get_mut(id) else { return };
        pending.work = Some(work);
        let request = Request { id, op: pending.op, value: pending.value };
        let leased = self.member.leased(now);
        match &mut self.protocol {
            Some(protocol) if self.member.acts() => {
                protocol.request(now, request, leased, &mut self.asks);
                self.carry_out(now, out);
            }
            _ => self.answer(id, Answer::Unavailable, out),
        }
    }

    /// A request that the protocol has stays there: what it has begun goes on, and nobody waits for the answer.
    fn disconnected(&mut self, now: Time, client: u32, attempt: Attempt, out: &mut impl Outbox<NodeOut>) {
        self.serve(now, ServerIn::Disconnected { client, attempt }, out);
        let id = RequestId { client, attempt };
        if self.cancels && self.requests.get_mut(id).is_some_and(|pending| pending.work.is_none()) {
            // The server says nothing of those that it takes out of the queue.
            self.abandon(now, id, out);
        }
    }

    /// A request is over without an answer; a copy of it takes its place, at the end of the queue.
    fn abandon(&mut self, now: Time, id: RequestId, out: &mut impl Outbox<NodeOut>) {
        if let Some(copy) = self.requests.abandon(id) {
            self.serve(now, ServerIn::Arrive(copy), out);
        }
    }

    fn answer(&mut self, id: RequestId, answer: Answer, out: &mut impl Outbox<NodeOut>) {
        if let Some(Pending { job, work, copies, .. }) = self.requests.remove(id) {
            end(job, copies, (outcome_of(answer), Some(answer)), work.unwrap_or_default(), out);
        }
    }

    /// Does what the protocol has asked for.
    fn carry_out(&mut self, now: Time, out: &mut impl Outbox<NodeOut>) {
        let mut asks = std::mem::take(&mut self.asks);
        for ask in asks.drain(..) {
            match ask {
                Ask::Send { to, message } if to == self.me => self.peer(now, to, message, out),
                Ask::Send { to, message } => out.put(NodeOut::Send { to, message }),
                Ask::Answer { id, answer } => self.answer(id, answer, out),
                Ask::WakeAt(at) => out.put(NodeOut::WakeAt { at, wake: NodeWake::Protocol }),
            }
        }
        self.asks = asks;
        if !self.caught_up
            && self.member.is_learner()
            && self.protocol.as_ref().is_some_and(Protocol::caught_up)
        {
            self.caught_up = true;
            out.put(NodeOut::Noted(Note::CaughtUp { view: self.member.view().number }));
            self.pulse(now, out);
        }
    }

    // The server.

    fn serve(&mut self, now: Time, input: ServerIn, out: &mut impl Outbox<NodeOut>) {
        let mut served = std::mem::take(&mut self.served);
        self.server.step(now, input, &mut served);
        for output in served.drain(..) {
            match output {
                ServerOut::WakeAt { at, worker, epoch } => {
                    out.put(NodeOut::WakeAt { at, wake: NodeWake::Worker { worker, epoch } });
                }
                ServerOut::Reply { job, outcome, work } => self.worked(now, job, outcome, work, out),
                ServerOut::Drop { job, work } => {
                    out.put(NodeOut::Drop { job, work });
                    self.abandon(now, id_of(&job), out);
                }
            }
        }
        self.served = served;
    }

    /// Lets a message of another replica, or a heartbeat, wait in the queue.
    fn enqueue(
        &mut self,
        now: Time,
        attempt: Attempt,
        call: u64,
        number: u32,
        out: &mut impl Outbox<NodeOut>,
    ) {
        let job = Job { client: PEER, attempt, call, number, gives_up_at: Time::NEVER };
        self.serve(now, ServerIn::Arrive(job), out);
    }

    fn peer_worked(
        &mut self,
        now: Time,
        job: Job,
        outcome: Outcome,
        work: Work,
        out: &mut impl Outbox<NodeOut>,
    ) {
        let lost = outcome != Outcome::Success;
        if job.attempt.slot == HEARTBEAT {
            self.beating = false;
            if !lost {
                self.send_heartbeat(now, out);
            }
            return;
        }
        out.put(NodeOut::Worked { work });
        let mut due = vec![];
        self.parcels.done(job.attempt.slot, lost, |from, message| due.push((from, message)));
        for (from, message) in due {
            self.hear(now, from, message, out);
        }
    }

    // Other replicas.

    fn peer(&mut self, now: Time, from: u32, message: Message, out: &mut impl Outbox<NodeOut>) {
        if from == MANAGER {
            return self.told(now, message, out);
        }
        // Looked at before it costs anything, and again when its work is done: the view may have changed in between.
        if !self.message_counts(from, &message) {
            return;
        }
        let (number, call) = match (&message, message.cost()) {
            (_, Cost::Free) => return self.hear(now, from, message, out),
            // Whoever asks again has lost patience, not the question; one is answered.
            (Message::Fetch { .. }, _) => {
                if self.parcels.any(|f, m| f == from && matches!(m, Message::Fetch { .. })) {
                    return;
                }
                (PeerWork::TRANSFER, self.draw_key(from, &message))
            }
            (Message::Part { after, .. }, _) => {
                let wanted = self.protocol.as_ref().and_then(Protocol::wants) == Some(*after);
                if !wanted || self.parcels.any(|_, m| matches!(m, Message::Part { .. })) {
                    return;
                }
                (PeerWork::TRANSFER, self.draw_key(from, &message))
            }
            // Whoever sends a write of the log again gets the answer to the first.
            (Message::LogWrite { view, ask, .. }, Cost::Apply)
                if self.parcels.has_write(from, *view, *ask) =>
            {
                return;
            }
            (_, Cost::Transfer) => (PeerWork::TRANSFER, self.draw_key(from, &message)),
            (_, Cost::Apply) => (PeerWork::APPLY, self.draw_key(from, &message)),
            (_, Cost::Read) => (PeerWork::READ, self.draw_key(from, &message)),
        };
        let attempt = self.parcels.keep(from, message);
        self.enqueue(now, attempt, call, number, out);
    }

    /// The key of a message's draws: what it is about and who gets it, so that it is the same in both engines. Calls are
    /// numbered from zero upwards, these keys from the top downwards.
    fn draw_key(&self, from: u32, message: &Message) -> u64 {
        let about = match message {
            Message::Fetch { after, .. } => after.map_or(0, |key| key.wrapping_add(1)) << 1 | 1,
            Message::Part { after, .. } => after.map_or(0, |key| key.wrapping_add(1)) << 1,
            Message::Append { entries, .. } | Message::LogWrite { entries, .. } => {
                entries.first().map_or(0, |entry| entry.seq)
            }
            Message::ReadQuery { question, .. } => *question,
            _ => 0,
        };
        let pair = u64::from(self.me) << 8 | u64::from(from);
        !(about << 16 | pair)
    }

    fn message_counts(&self, from: u32, message: &Message) -> bool {
        message.view().is_some_and(|view| self.member.hears(from, view))
    }

    /// A message of another replica, its work done.
    fn hear(&mut self, now: Time, from: u32, message: Message, out: &mut impl Outbox<NodeOut>) {
        if !self.message_counts(from, &message) {
            return;
        }
        let leased = self.member.leased(now);
        let Some(protocol) = &mut self.protocol else { return };
        match message {
            Message::Fetch { after, .. } => {
                let count = self.membership.transfer.part as usize;
                let part = protocol.part(now, from, after, count, &mut self.asks);
                if let Some(message) = part {
                    out.put(NodeOut::Send { to: from, message });
                }
            }
            Message::Part { after, .. } => {
                if protocol.wants() == Some(after) {
                    protocol.learn(&message);
                    if protocol.wants().is_some() {
                        self.turn += 1;
                        self.fetch_at(now + self.membership.transfer.pause, out);
                    }
                }
            }
            message => protocol.message(now, from, message, leased, &mut self.asks),
        }
        self.carry_out(now, out);
    }

    /// A learner asks its donor for what comes next, and again if that does not come.
    fn fetch(&mut self, now: Time, out: &mut impl Outbox<NodeOut>) {
        let view = self.member.view();
        let donor = self.mode.and_then(|mode| mode.donor(view));
        let wants = self.protocol.as_ref().and_then(Protocol::wants);
        if let (true, Some(to), Some(after)) = (self.member.is_learner(), donor, wants) {
            out.put(NodeOut::Send { to, message: Message::Fetch { view: view.number, after } });
            self.fetch_at(now + self.membership.heartbeat * 4.0, out);
        }
    }

    fn fetch_at(&self, at: Time, out: &mut impl Outbox<NodeOut>) {
        out.put(NodeOut::WakeAt { at, wake: NodeWake::Fetch { turn: self.turn } });
    }

    // The manager.

    fn told(&mut self, now: Time, message: Message, out: &mut impl Outbox<NodeOut>) {
        match message {
            Message::Beat { sent_at, view, incarnation } => self.member.beat(sent_at, view, incarnation),
            Message::Seal { view, incarnation } => {
                let sealing = self.member.seal(view, incarnation);
                if sealing == Sealing::Fresh {
                    self.suspend(now, out);
                    out.put(NodeOut::Noted(Note::Sealed { view }));
                }
                if sealing != Sealing::Stale {
                    let message = Message::Sealed {
                        view,
                        position: self.position(),
                        incarnation,
                        caught_up: self.caught_up,
                        installed: self.member.view().number,
                    };
                    out.put(NodeOut::Send { to: MANAGER, message });
                }
            }
            Message::Install { view, positions, incarnation } if self.member.install(view, incarnation) => {
                self.install(now, &view, &positions, out);
            }
            Message::Ejected { view, incarnation } if incarnation == self.member.incarnation() => {
                out.put(NodeOut::Noted(Note::Ejected { view, incarnation }));
                self.suspend(now, out);
                self.member.live_anew();
                self.start_over();
                self.pulse(now, out);
                self.pulse_later(now, out);
            }
            _ => {}
        }
    }

    /// Requests that the protocol has are answered; it will not be asked again before the next view.
    fn suspend(&mut self, now: Time, out: &mut impl Outbox<NodeOut>) {
        if let Some(protocol) = &mut self.protocol {
            protocol.suspend(now, &mut self.asks);
        }
        self.carry_out(now, out);
    }

    /// An empty store, to be filled by catching up.
    fn start_over(&mut self) {
        self.protocol = self.mode.map(|mode| Protocol::new(mode, self.me, self.deduplicate));
        self.caught_up = false;
        self.in_charge_from = None;
        self.turn += 1;
    }

    /// Whoever comes into charge with `view` serves from `ready` on; whoever was already goes on.
    fn take_charge(&mut self, view: &View, ready: Time) {
        let first = view.members.first() == Some(self.me);
        self.in_charge_from = first.then(|| self.in_charge_from.unwrap_or(ready));
    }

    fn install(
        &mut self,
        now: Time,
        view: &View,
        positions: &[(u32, Position)],
        out: &mut impl Outbox<NodeOut>,
    ) {
        // A learner goes on with what it has only if the manager counts on it; else its donor would not know what it needs.
        let counted = positions.iter().any(|(r, _)| *r == self.me);
        self.suspend(now, out);
        self.take_charge(view, now + self.membership.takeover);
        if view.learners.contains(self.me) && !counted {
            self.start_over();
        }
        self.caught_up = false;
        self.turn += 1;
        out.put(NodeOut::Noted(Note::Installed { view: *view }));
        if let Some(protocol) = &mut self.protocol {
            protocol.install(now, view, positions, &mut self.asks);
        }
        self.carry_out(now, out);
        // The lease has to be granted anew.
        self.pulse(now, out);
        self.fetch(now, out);
    }

    /// Tells the manager that it lives, now or when the queue lets it.
    fn pulse(&mut self, now: Time, out: &mut impl Outbox<NodeOut>) {
        if self.membership.priority {
            self.send_heartbeat(now, out);
        } else if !self.beating {
            self.beating = true;
            let attempt = Attempt { slot: HEARTBEAT, generation: 0 };
            self.enqueue(now, attempt, 0, PeerWork::NONE, out);
        }
    }

    fn pulse_later(&self, now: Time, out: &mut impl Outbox<NodeOut>) {
        let wake = NodeWake::Heartbeat { incarnation: self.member.incarnation() };
        out.put(NodeOut::WakeAt { at: now + self.membership.heartbeat.max(Span(1)), wake });
    }

    fn send_heartbeat(&self, now: Time, out: &mut impl Outbox<NodeOut>) {
        let caught_up = self.caught_up && self.member.is_learner();
        out.put(NodeOut::Send { to: MANAGER, message: self.member.heartbeat(now, caught_up) });
    }

    // Timers, triggers and operators.

    fn woken(&mut self, now: Time, wake: NodeWake, out: &mut impl Outbox<NodeOut>) {
        match wake {
            NodeWake::Worker { worker, epoch } => self.serve(now, ServerIn::Woken { worker, epoch }, out),
            NodeWake::Heartbeat { incarnation } if incarnation == self.member.incarnation() => {
                self.pulse(now, out);
                self.pulse_later(now, out);
            }
            NodeWake::Fetch { turn } if turn == self.turn => self.fetch(now, out),
            NodeWake::Protocol => {
                if let Some(protocol) = &mut self.protocol {
                    protocol.woken(now, &mut self.asks);
                }
                self.carry_out(now, out);
            }
            NodeWake::Heartbeat { .. } | NodeWake::Fetch { .. } => {}
        }
    }

    fn control(&mut self, now: Time, control: ServerControl, out: &mut impl Outbox<NodeOut>) {
        match (control, self.state) {
            (ServerControl::Pause, State::Up) => {
                self.state = State::Paused;
                self.serve(now, ServerIn::Control(control), out);
            }
            (ServerControl::Resume, State::Paused) => {
                self.state = State::Up;
                self.serve(now, ServerIn::Control(control), out);
                for input in std::mem::take(&mut self.outside) {
                    self.step(now, input, out);
                }
            }
            (ServerControl::Crash, State::Up | State::Paused) => self.crash(now, out),
            (ServerControl::Restart, State::Down) => {
                self.state = State::Up;
                self.serve(now, ServerIn::Control(control), out);
                self.member.live_anew();
                self.begin(now, out);
            }
            (ServerControl::Set(setting), _) => {
                if let ServerSetting::Cancel(cancel) = setting {
                    self.cancels = cancel == Cancel::OnDisconnect;
                }
                self.serve(now, ServerIn::Control(control), out);
            }
            (
                ServerControl::SlowDown(_) | ServerControl::ErrorShare(_) | ServerControl::Flush,
                State::Up | State::Paused | State::Down,
            ) => self.serve(now, ServerIn::Control(control), out),
            (
                ServerControl::Pause | ServerControl::Resume | ServerControl::Crash | ServerControl::Restart,
                _,
            ) => {}
        }
    }

    fn crash(&mut self, now: Time, out: &mut impl Outbox<NodeOut>) {
        self.state = State::Down;
        self.outside.clear();
        self.member.forget();
        self.start_over();
        self.serve(now, ServerIn::Control(ServerControl::Crash), out);
        for Pending { job, work, copies, .. } in self.requests.take() {
            end(job, copies, (Outcome::Reset, None), work.unwrap_or_default(), out);
        }
        self.parcels = Parcels::default();
        self.beating = false;
    }
}

/// What an answer of the store is to the client.
fn outcome_of(answer: Answer) -> Outcome {
    match answer {
        Answer::Elsewhere(_) | Answer::Unavailable => Outcome::Rejected,
        Answer::Found { .. } | Answer::Written { .. } => Outcome::Success,
    }
}

/// Ends a request, which has cost `work`, and the copies of it, which have cost nothing, in the same way.
fn end(
    job: Job,
    copies: Vec<Job>,
    (outcome, answer): (Outcome, Option<Answer>),
    work: Work,
    out: &mut impl Outbox<NodeOut>,
) {
    out.put(NodeOut::Reply { job, outcome, answer, work });
    for job in copies {
        out.put(NodeOut::Reply { job, outcome, answer, work: Work::default() });
    }
}

impl Machine for Node {
    type In = NodeIn;
    type Out = NodeOut;

    fn step(&mut self, now: Time, input: NodeIn, out: &mut impl Outbox<NodeOut>) {
        match (self.state, input) {
            (_, NodeIn::Control(control)) => self.control(now, control, out),
            (_, NodeIn::Request { job, op, value }) => self.request(now, job, op, value, out),
            // What is for the server it holds back itself during a pause.
            (_, NodeIn::Disconnected { client, attempt }) => {
                self.disconnected(now, client, attempt, out);
            }
            (State::Paused, NodeIn::Woken(NodeWake::Worker { .. })) | (State::Down, _) => {}
            (State::Paused, input) => self.outside.push(input),
            (State::Up, NodeIn::Begin) => self.begin(now, out),
            (State::Up, NodeIn::Peer { from, message }) => self.peer(now, from, message, out),
            (State::Up, NodeIn::Woken(wake)) => self.woken(now, wake, out),
        }
    }
}
