//! One question, several methods: what formulas, the chain and the fluid say of a scenario, and what each takes for granted.
//!
//! A method that cannot answer a question, or whose assumptions the scenario breaks, says why instead.
mod cell;
mod questions;

pub use cell::{Cell, Unit};

use super::{
    Beyond, Hand, ServiceHand,
    chain::{Field, Fitted, Lasting, Portrait, Reach, Unfit, fit},
    fluid::{self, FixedPoint, fixed_points, separatrix},
    hand,
};
use crate::scenario::Scenario;
use lab_core::timeline::Effect;
use questions::questions;
use serde::Serialize;

/// The predictions for a scenario.
#[derive(Clone, Debug, Serialize)]
pub struct Predictions {
    /// One for each service that a client group calls and that the methods fit.
    pub services: Vec<Prediction>,
    /// The called services that no method fits.
    pub beyond: Vec<Beyond>,
}

/// The predictions for one service.
#[derive(Clone, Debug, Serialize)]
pub struct Prediction {
    /// Its name.
    pub service: String,
    /// Questions and answers.
    pub questions: Vec<Question>,
    /// The calculations by hand, with their caveats.
    pub hand: ServiceHand,
    /// The chain of one replica, and what it says.
    pub chain: Result<Solved, Unfit>,
    /// The fixed points of the fluid, from the emptiest queue to the fullest.
    pub fixed_points: Vec<FixedPoint>,
    /// The line between the fluid's two ends: jobs and outstanding calls, all replicas together; empty where there is one end.
    pub separatrix: Vec<(f64, f64)>,
}

/// One line of the table.
#[derive(Clone, Debug, Serialize)]
pub struct Question {
    /// What is asked.
    pub question: String,
    /// What closed forms and birth–death recursions say.
    pub formula: Cell,
    /// What the Markov chain of queue and orbit says.
    pub chain: Cell,
    /// What the delay equations say.
    pub fluid: Cell,
    /// What the answers take for granted.
    pub assumption: String,
}

/// A chain and what was found of it.
#[derive(Clone, Debug, Serialize)]
pub struct Solved {
    /// The chain of one replica.
    pub fitted: Fitted,
    /// Its sinks and the line between them.
    pub portrait: Portrait,
    /// How long its two states last; `None` where there is one.
    pub lasting: Option<Lasting>,
}

/// What theory says of `scenario`.
pub fn predict(scenario: &Scenario) -> Predictions {
    let Hand { services, beyond, .. } = hand(scenario);
    let of = |hand: ServiceHand| {
        let index = scenario.services.iter().position(|service| service.name == hand.service);
        prediction(scenario, index.expect("hand calculations are of the scenario's services"), hand)
    };
    Predictions { services: services.into_iter().map(of).collect(), beyond }
}

fn prediction(scenario: &Scenario, index: usize, hand: ServiceHand) -> Prediction {
    let chain = fit(scenario, index, &hand, Reach::Whole).map(Solved::new);
    let fluid = fluid::unfit(scenario, index, &hand);
    Prediction {
        service: hand.service.clone(),
        questions: questions(scenario, index, &hand, &chain, fluid),
        separatrix: if fluid.is_none() {
            separatrix(scenario, index, fluid::failed(scenario, index, &hand))
        } else {
            vec![]
        },
        fixed_points: if fluid.is_none() { fixed_points(scenario, index) } else { vec![] },
        chain,
        hand,
    }
}

impl Solved {
    fn new(fitted: Fitted) -> Solved {
        let portrait = Field::new(&fitted.model).portrait();
        let lasting = fitted.model.lasting(&fitted.model.chain(), &portrait);
        Solved { fitted, portrait, lasting }
    }
}

/// The length in seconds of the first load spike among the triggers; ten seconds where there is none.
fn spike_s(scenario: &Scenario) -> f64 {
    let spikes = scenario.triggers().find(|d| matches!(d.effect, Effect::LoadSpike { .. }));
    spikes.map_or(10.0, |spike| spike.until.since(spike.from).as_secs_f64())
}
