//! Attempts at the replicas of services: sent, answered and given up over the network, in the same way by the load thread and
//! by a process that calls others.
use super::{
    connection::{Caller, End, Line, Pool},
    http::{Ask, Reply},
};
use crate::{
    agenda::{Agenda, Lane},
    engine::network::Network,
    scenario::Scenario,
};
use lab_core::{
    call::{Attempt, Job, Outcome},
    draw::{Draw, Stream},
    server::ServerControl,
    time::{Span, Time},
    timeline::Change,
};
use std::{collections::HashMap, rc::Weak};

/// All attempts that one caller has under way.
pub(super) struct Calls {
    /// By replica, all services counted through, and the service of each.
    pools: Vec<Pool>,
    service_of: Vec<u32>,
    first_replica: Vec<usize>,
    network: Network,
    lane: Lane,
    in_flight: HashMap<(u32, Attempt), Line>,
    /// Attempts for which there was no port or descriptor.
    pub unconnected: u64,
}

/// What is on its way for the time that the network takes. The caller's agenda holds it, and hands it to [`Calls::arrived`].
#[derive(Clone, Copy, Debug)]
pub(super) enum Leg {
    /// An attempt, to this replica.
    Request { server: u32, ask: Ask },
    /// An answer to an attempt.
    Answer(Heard),
    /// The news that the caller of an attempt hung up.
    HangUp { client: u32, attempt: Attempt },
}

/// How an attempt ended for who made it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Heard {
    pub client: u32,
    pub attempt: Attempt,
    pub reply: Reply,
}

impl Calls {
    /// For a caller who is told of what becomes of its attempts at the replicas that listen on `ports`, all services counted
    /// through.
    pub(super) fn new<E: Copy>(
        scenario: &Scenario,
        draw: Draw,
        ports: &[u16],
        caller: &Weak<dyn Caller>,
        agenda: &mut Agenda<E>,
    ) -> Calls {
        let services = scenario.services.iter().zip(0..);
        let pools = ports.iter().zip(0..).map(|(&port, server)| Pool::new(server, port, caller.clone()));
        Calls {
            pools: pools.collect(),
            service_of: services.flat_map(|(s, index)| (0..s.replicas).map(move |_| index)).collect(),
            first_replica: (0..scenario.services.len()).map(|s| scenario.first_replica(s)).collect(),
            network: Network::new(scenario, draw),
            lane: agenda.lane(),
            in_flight: HashMap::new(),
            unconnected: 0,
        }
    }

    /// Sends an attempt that was to be sent at `planned` to a replica.
    pub(super) fn send<E: Copy + From<Leg>>(
        &mut self,
        planned: Time,
        server: u32,
        ask: Ask,
        agenda: &mut Agenda<E>,
    ) {
        let service = self.service_of[server as usize];
        let delay = self.network.delay(service, Stream::NetworkOut, ask.job.call, ask.job.number);
        self.travel(planned, delay, Leg::Request { server, ask }, agenda);
    }

    /// Nobody waits any more for an attempt at a replica: its connection is closed, where the replica may notice.
    pub(super) fn give_up<E: Copy + From<Leg>>(
        &mut self,
        now: Time,
        server: u32,
        (client, attempt): (u32, Attempt),
        agenda: &mut Agenda<E>,
    ) {
        let service = self.service_of[server as usize];
        let delay = self.network.delay(service, Stream::NetworkOut, u64::from(attempt.generation), 0);
        self.travel(now, delay, Leg::HangUp { client, attempt }, agenda);
    }

    /// An attempt has ended on its connection. How it did, if the caller hears that now.
    pub(super) fn ended<E: Copy + From<Leg>>(
        &mut self,
        now: Time,
        server: u32,
        job: Job,
        end: End,
        agenda: &mut Agenda<E>,
    ) -> Option<Heard> {
        let Job { client, attempt, call, number, .. } = job;
        let line = self.in_flight.remove(&(client, attempt));
        self.unconnected += u64::from(end == End::Unconnected);
        let reply = match (end, line) {
            (End::Answered(reply), Some(line)) => {
                self.pools[server as usize].put_back(line);
                reply
            }
            // An attempt given up a moment ago has no connection any more.
            (End::Answered(reply), None) => reply,
            (End::Broken | End::Unconnected, _) => Reply { outcome: Outcome::Reset, answer: None },
        };
        let service = self.service_of[server as usize];
        let delay = self.network.delay(service, Stream::NetworkBack, call, number);
        self.travel(now, delay, Leg::Answer(Heard { client, attempt, reply }), agenda)
    }

    /// What was on its way has crossed the network: an answer is heard now.
    pub(super) fn arrived(&mut self, now: Time, leg: Leg) -> Option<Heard> {
        match leg {
            Leg::Request { server, ask } => {
                let line = self.pools[server as usize].send((now, ask));
                self.in_flight.insert((ask.job.client, ask.job.attempt), line);
            }
            Leg::HangUp { client, attempt } => {
                if let Some(line) = self.in_flight.remove(&(client, attempt)) {
                    line.close();
                }
            }
            Leg::Answer(heard) => return Some(heard),
        }
        None
    }

    fn travel<E: Copy + From<Leg>>(
        &mut self,
        now: Time,
        delay: Span,
        leg: Leg,
        agenda: &mut Agenda<E>,
    ) -> Option<Heard> {
        if delay == Span::ZERO {
            return self.arrived(now, leg);
        }
        agenda.plan_in(self.lane, now + delay, leg.into());
        None
    }

    /// How long the news of view `number` take from the manager of `service` to its clients.
    pub(super) fn news_take(&self, service: usize, number: u64) -> Span {
        self.network.delay(service as u32, Stream::NetworkBack, number, 0)
    }

    /// The network changes, or a replica in a way that its connections must know of.
    pub(super) fn change(&mut self, change: &Change) {
        match change {
            Change::Server { service, replica, control } => {
                let paused = *control == ServerControl::Pause;
                if let Some(pool) = self.pools.get(self.first_replica[*service] + *replica as usize)
                    && (paused || matches!(control, ServerControl::Resume | ServerControl::Crash))
                {
                    pool.pause(paused);
                }
            }
            Change::Network { service, extra } => self.network.add(*service, *extra),
            // Callers reach all replicas, and none asks a manager.
            Change::Partition { .. } | Change::Manager { .. } => {}
            Change::Client { .. } | Change::Flush { .. } | Change::Mark { .. } => {}
        }
    }

    /// Connections open, in use or not.
    pub(super) fn open(&self) -> u64 {
        self.pools.iter().map(Pool::open).sum()
    }
}
