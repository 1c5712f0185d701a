//! The client groups of a run, as both engines keep them.
use crate::{
    agenda::{Agenda, Lane},
    scenario::Scenario,
    trace::ClientRecorder,
};
use lab_core::{
    arrival::{Arrival, Arrivals, NoLaw},
    client::{Client, Wake},
    directory::StoreAccess,
    draw::{Draw, Stream},
    keys::OperationSource,
    lineage::Lineage,
    retry::Jitter,
    time::Time,
};

/// One client group: its schedule, what is measured of it, and where its timers wait.
#[derive(Clone)]
pub(super) struct Group {
    pub arrivals: Arrivals,
    pub instances: u32,
    pub first_instance: u32,
    pub first_server: u32,
    pub service: u32,
    pub recorder: ClientRecorder,
    /// Whether servers want to know that a caller hung up.
    pub tells_disconnects: bool,
    /// What its calls are.
    pub operations: OperationSource,
    /// Where the service is a replicated store: how its calls ask it.
    pub access: Option<StoreAccess>,
    /// Of which runs its calls are.
    pub lineage: Lineage,
    draw: Draw,
    /// For retries that all wait equally long; others follow no order.
    backoff_lane: Option<Lane>,
}

impl Group {
    /// All groups of a run of `scenario`, their timers' lanes in `agenda`.
    pub(super) fn all<E: Copy>(scenario: &Scenario, draw: Draw, agenda: &mut Agenda<E>) -> Vec<Group> {
        let mut group = |index: usize| {
            let group = &scenario.clients[index];
            let backoff = &group.policy.retry.backoff;
            let fixed = backoff.jitter == Jitter::None && backoff.multiplier == 1.0;
            // Hedges have waits of their own, and come between the retries of writes.
            let fixed = fixed && group.policy.hedge.is_none();
            Group {
                arrivals: scenario.arrivals(index, draw),
                instances: group.instances,
                first_instance: scenario.first_instance(index) as u32,
                first_server: scenario.first_replica(group.service) as u32,
                service: group.service as u32,
                recorder: ClientRecorder::new(scenario, index),
                tells_disconnects: scenario.hears_hang_ups(group.service),
                operations: OperationSource::new(&group.operations),
                access: scenario.access(group.service),
                lineage: Lineage::default(),
                draw,
                backoff_lane: fixed.then(|| agenda.lane()),
            }
        };
        (0..scenario.clients.len()).map(&mut group).collect()
    }

    /// From now on all is drawn from `draw`, and calls are of this lineage.
    ///
    /// # Errors
    /// When the workload is recorded.
    pub(super) fn branch(&mut self, now: Time, draw: Draw, lineage: &Lineage) -> Result<(), NoLaw> {
        self.draw = draw;
        self.lineage = lineage.clone();
        if let Some(access) = &mut self.access {
            access.lineage = lineage.clone();
        }
        self.arrivals.branch(now, draw)
    }

    /// Which client instance makes `call`, all groups counted through.
    #[inline]
    pub(super) fn caller(&self, call: u64) -> u32 {
        let instance = match self.instances {
            1 => 0,
            n => self.draw.index(Stream::Instance, call, 0, n as usize) as u32,
        };
        self.first_instance + instance
    }

    /// Where a timer for `wake` waits, if timers of its kind come due in the order in which they are asked for.
    #[inline]
    pub(super) fn lane(&self, wake: Wake) -> Option<Lane> {
        match wake {
            Wake::Retry(_) => self.backoff_lane,
            Wake::Timeouts | Wake::Timeout(_) => None,
        }
    }
}

/// The next arrival of all groups, and whose it is.
#[inline]
pub(super) fn next_arrival(groups: &[Group]) -> (usize, Arrival) {
    let mut next = (0, groups[0].arrivals.peek());
    for (index, group) in groups.iter().enumerate().skip(1) {
        let arrival = group.arrivals.peek();
        if arrival.at < next.1.at {
            next = (index, arrival);
        }
    }
    next
}

/// All client instances, group by group, and the group of each.
pub(super) fn clients(scenario: &Scenario, draw: Draw) -> (Vec<Client>, Vec<u32>) {
    let mut clients = vec![];
    let mut group_of = vec![];
    for (index, group) in scenario.clients.iter().enumerate() {
        let replicas = scenario.services[group.service].replicas;
        let directory = scenario.directory(group.service);
        for _ in 0..group.instances {
            let client = Client::new(clients.len() as u32, &group.policy, replicas, draw);
            clients.push(match &directory {
                None => client,
                Some(directory) => client.with_directory(directory.clone()),
            });
            group_of.push(index as u32);
        }
    }
    (clients, group_of)
}
