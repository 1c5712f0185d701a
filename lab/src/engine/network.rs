//! How long messages take, in both engines.
use crate::scenario::Scenario;
use lab_core::{
    demand::Demand,
    draw::{Draw, Stream},
    time::Span,
};

/// The delays of a run's messages, one way.
#[derive(Clone)]
pub(super) struct Network {
    own: Demand,
    /// What triggers add, by service.
    added: Vec<Span>,
    /// The replicas that a partition has put apart, by service.
    apart: Vec<Vec<u32>>,
    draw: Draw,
}

impl Network {
    pub(super) fn new(scenario: &Scenario, draw: Draw) -> Network {
        let added = vec![Span::ZERO; scenario.services.len()];
        let apart = vec![vec![]; scenario.services.len()];
        Network { own: scenario.network_delay.clone(), added, apart, draw }
    }

    /// The delay of a message to or from `service`. `stream`, `call` and `number` key the draw.
    #[inline]
    pub(super) fn delay(&self, service: u32, stream: Stream, call: u64, number: u32) -> Span {
        let own = match &self.own {
            Demand::Constant(span) => *span,
            law => law.draw(stream, call, number, self.draw),
        };
        own + self.added[service as usize]
    }

    /// From now on delays are drawn from `draw`.
    pub(super) fn branch(&mut self, draw: Draw) {
        self.draw = draw;
    }

    /// From now on messages to and from `service` take this much longer.
    pub(super) fn add(&mut self, service: usize, extra: Span) {
        self.added[service] = extra;
    }

    /// From now on these replicas of `service` are apart from the others.
    pub(super) fn part(&mut self, service: usize, apart: &[u32]) {
        self.apart[service] = apart.to_vec();
    }

    /// Whether a replica of `service` (or its manager, who never is) is apart from the others.
    pub(super) fn apart(&self, service: u32, replica: u32) -> bool {
        self.apart[service as usize].contains(&replica)
    }
}
