//! How long messages take, in both engines.
use crate::scenario::Scenario;
use lab_core::{
    demand::Demand,
    draw::{Draw, Stream},
    time::Span,
};

/// The delays of a run's messages, one way.
pub(super) struct Network {
    own: Demand,
    /// What triggers add, by service.
    added: Vec<Span>,
    draw: Draw,
}

impl Network {
    pub(super) fn new(scenario: &Scenario, draw: Draw) -> Network {
        let added = vec![Span::ZERO; scenario.services.len()];
        Network { own: scenario.network_delay.clone(), added, draw }
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

    /// From now on messages to and from `service` take this much longer.
    pub(super) fn add(&mut self, service: usize, extra: Span) {
        self.added[service] = extra;
    }
}
