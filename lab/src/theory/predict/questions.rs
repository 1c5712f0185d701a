//! The questions, and who answers them how.
use super::{Cell, Question, Solved, Unfit, Unit, spike_s};
use crate::{
    scenario::Scenario,
    theory::{
        BirthDeath, Passage, ServiceHand,
        chain::{Life, QueueOrbit, life},
        fluid::{
            Settled, Start, failed, load_that_heals, settle, settle_after_triggers, spike_that_tips,
            tips_from,
        },
        hand,
        retries::cure_s,
    },
};

/// What the answers are made of.
struct Asked<'a> {
    scenario: &'a Scenario,
    index: usize,
    hand: &'a ServiceHand,
    chain: &'a Result<Solved, Unfit>,
    /// Why the fluid cannot be asked.
    fluid: Option<&'static str>,
    replicas: f64,
}

/// Every question, in the order of the table.
pub(super) fn questions(
    scenario: &Scenario,
    index: usize,
    hand: &ServiceHand,
    chain: &Result<Solved, Unfit>,
    fluid: Option<&'static str>,
) -> Vec<Question> {
    let replicas = f64::from(scenario.services[index].replicas);
    let asked = Asked { scenario, index, hand, chain, fluid, replicas };
    vec![
        asked.vulnerable(),
        asked.capacity(),
        asked.hidden_capacity(),
        asked.ceiling(),
        asked.lifetime(),
        asked.recovery(),
        asked.backlog(),
        asked.spike(),
        asked.drain(),
        asked.shed(),
    ]
}

fn question(question: impl Into<String>, answers: [Cell; 3], assumption: &str) -> Question {
    let [formula, chain, fluid] = answers;
    Question { question: question.into(), formula, chain, fluid, assumption: assumption.into() }
}

fn input() -> Cell {
    Cell::silent("given to it")
}

impl Asked<'_> {
    /// What the chain says, if there is one.
    fn of_chain(&self, says: impl FnOnce(&Solved) -> Cell) -> Cell {
        match self.chain {
            Ok(solved) => says(solved),
            Err(_) => Cell::silent("no chain"),
        }
    }

    fn of_fluid(&self, says: impl FnOnce() -> Cell) -> Cell {
        match self.fluid {
            None => says(),
            Some(why) => Cell::silent(why),
        }
    }

    /// What the fluid says of tipping, if the service is not down by itself.
    fn where_it_can_tip(&self, says: impl FnOnce() -> Cell) -> Cell {
        self.of_fluid(|| if self.hand.utilisation < 1.0 { says() } else { Cell::silent("overloaded") })
    }

    /// What a formula of the failed state says, if there is such a state.
    fn where_vulnerable(&self, says: impl FnOnce() -> Cell) -> Cell {
        if self.hand.vulnerable { says() } else { Cell::silent("no failed state") }
    }

    fn failed(&self) -> Start {
        failed(self.scenario, self.index, self.hand)
    }

    fn bounded(&self) -> bool {
        self.hand.places_per_replica.is_finite()
    }

    fn vulnerable(&self) -> Question {
        let fluid = || {
            let fails = settle(self.scenario, self.index, self.failed());
            match fails {
                Settled::Undecided => Cell::silent("undecided"),
                fails => Cell::Says(fails == Settled::Fails && self.hand.utilisation < 1.0),
            }
        };
        let chain = |solved: &Solved| Cell::Says(solved.lasting.is_some());
        question(
            "is it vulnerable",
            [Cell::Says(self.hand.vulnerable), self.of_chain(chain), self.of_fluid(fluid)],
            "retries are what sustains the failure",
        )
    }

    fn capacity(&self) -> Question {
        let formula = Cell::Value(self.hand.capacity_per_s, Unit::PerSecond);
        question("capacity", [formula, input(), input()], "μ = replicas × workers / mean service time")
    }

    fn hidden_capacity(&self) -> Question {
        let fluid = || match load_that_heals(self.scenario, self.index, self.failed()) {
            Some(load) => Cell::Value(load, Unit::PerSecond),
            None => Cell::silent("heals at this load"),
        };
        let formula = if self.hand.attempts_when_failing > 1.0 {
            Cell::Value(self.hand.hidden_capacity_per_s, Unit::PerSecond)
        } else {
            Cell::silent("no retries")
        };
        let chain = Cell::silent("one load at a time");
        question("hidden capacity", [formula, chain, self.of_fluid(fluid)], "all attempts late: μ/R")
    }

    fn ceiling(&self) -> Question {
        let formula = if self.hand.timeout_s.is_finite() && self.hand.attempts_when_failing > 1.0 {
            Cell::Value(self.hand.ceiling_per_s, Unit::PerSecond)
        } else {
            Cell::silent("no retries")
        };
        let fluid = || Cell::Value(self.hand.capacity_per_s, Unit::PerSecond);
        question(
            "load ceiling",
            [formula, Cell::silent("one load at a time"), self.of_fluid(fluid)],
            "attempts late independently, to 10–20 %; the fluid knows no chance",
        )
    }

    /// A time that the chain found: exact for the model, or a lower bound where the chain is scaled.
    fn time(&self, solved: &Solved, passage: Passage) -> Cell {
        if solved.fitted.jobs_per_state > 1.0 { Cell::TimeAtLeast(passage) } else { Cell::Time(passage) }
    }

    /// What the chain says of one of its two states; why there are not two.
    fn of_state(&self, says: impl FnOnce(&Solved, &super::Lasting) -> Cell) -> Cell {
        self.of_chain(|solved| match &solved.lasting {
            Some(lasting) => says(solved, lasting),
            None if self.hand.utilisation >= 1.0 => Cell::silent("only the failed sink"),
            None => Cell::silent("only the healthy sink"),
        })
    }

    fn lifetime(&self) -> Question {
        let formula = self.where_vulnerable(|| Cell::Value(self.hand.lifetime_s, Unit::Seconds));
        let chain = self.of_state(|solved, lasting| {
            if solved.fitted.jobs_per_state <= 1.0 {
                return Cell::Time(lasting.lifetime);
            }
            // To see the healthy state end takes less of a chain than all of it, and so finer steps.
            match life(self.scenario, self.index, self.hand) {
                Ok(Some(Life { lasts, jobs_per_state })) if jobs_per_state <= 1.0 => Cell::Time(lasts),
                Ok(Some(life)) => Cell::TimeAtLeast(life.lasts),
                Ok(None) | Err(_) => Cell::TimeAtLeast(lasting.lifetime),
            }
        });
        let assumption = match self.replicas {
            1.0 => "formula: until μT jobs wait, within × 3",
            _ => "of one replica; formula: until μT jobs wait, within × 3",
        };
        question(
            "lifetime of the healthy state",
            [formula, chain, self.of_fluid(|| Cell::silent("knows no chance"))],
            assumption,
        )
    }

    fn recovery(&self) -> Question {
        let formula = || {
            if !self.bounded() {
                return Cell::Value(f64::INFINITY, Unit::Seconds);
            }
            let (calls, service) =
                (self.hand.offered_per_s / self.replicas, self.hand.capacity_per_s / self.replicas);
            let places = self.hand.places_per_replica as u32;
            let late_from = (self.hand.jobs_per_timeout_and_replica.round() as u32).clamp(1, places);
            let attempts = self.hand.attempts_when_failing;
            Cell::Time(BirthDeath::retrying(calls, service, attempts, late_from, places).passage(places, 0))
        };
        let chain = |solved: &Solved, lasting: &super::Lasting| match solved.fitted.whole_queue {
            true => self.time(solved, lasting.recovery),
            false if self.bounded() => Cell::silent("queue too long"),
            false => Cell::Value(f64::INFINITY, Unit::Seconds),
        };
        let fluid = || match settle(self.scenario, self.index, self.failed()) {
            Settled::Heals(after_s) => Cell::Value(after_s, Unit::Seconds),
            Settled::Fails => Cell::Value(f64::INFINITY, Unit::Seconds),
            Settled::Undecided => Cell::silent("undecided"),
        };
        let assumption = if self.bounded() {
            "chain within × 3; formula: retries come singly, which is far off above μ/R"
        } else {
            "the queue has no bound and grows"
        };
        question(
            "recovery of the failed state",
            [self.where_vulnerable(formula), self.of_state(chain), self.of_fluid(fluid)],
            assumption,
        )
    }

    fn backlog(&self) -> Question {
        let formula = self.where_vulnerable(|| Cell::Value(self.hand.jobs_per_timeout, Unit::Jobs));
        let chain = self.of_state(|solved, lasting| match lasting.tips_from_jobs {
            Some(jobs) => {
                Cell::Value(f64::from(jobs) * solved.fitted.jobs_per_state * self.replicas, Unit::Jobs)
            }
            None => Cell::silent("none does"),
        });
        let fluid = || match tips_from(self.scenario, self.index, 0.0, self.failed().backlog_jobs) {
            Some(jobs) => Cell::Value(jobs, Unit::Jobs),
            None => Cell::silent("none does"),
        };
        question(
            "backlog that tips it",
            [formula, chain, self.where_it_can_tip(fluid)],
            "nobody waits to try again yet; chain: with probability 1/2",
        )
    }

    fn spike(&self) -> Question {
        let lasts_s = spike_s(self.scenario);
        let formula = self.where_vulnerable(|| {
            Cell::Value((1.0 + self.hand.timeout_s / lasts_s) / self.hand.utilisation, Unit::Factor)
        });
        let fluid = || match spike_that_tips(self.scenario, self.index, lasts_s) {
            Some(factor) => Cell::Value(factor, Unit::Factor),
            None => Cell::silent("none does"),
        };
        question(
            format!("smallest spike of {} that tips it", hand::seconds(lasts_s)),
            [formula, Cell::silent("asks the state"), self.where_it_can_tip(fluid)],
            "formula: μT jobs are left, without the spike's own retries",
        )
    }

    fn drain(&self) -> Question {
        let none = || Cell::silent("no trigger");
        if self.scenario.triggers().next().is_none() {
            return question("drain after its triggers", [none(), none(), none()], "");
        }
        let fluid = || match settle_after_triggers(self.scenario, self.index) {
            Settled::Heals(after_s) => Cell::Value(after_s, Unit::Seconds),
            Settled::Fails => Cell::Value(f64::INFINITY, Unit::Seconds),
            Settled::Undecided => Cell::silent("undecided"),
        };
        question(
            "drain after its triggers",
            [
                Cell::Value(self.hand.drain_s, Unit::Seconds),
                Cell::silent("asks the state"),
                self.of_fluid(fluid),
            ],
            "what is above μT at μ − λR, the rest at μ − λ",
        )
    }

    /// Half of the hidden capacity: the time is then twice the least that any shedding takes.
    fn shed(&self) -> Question {
        let admit = 0.5 * self.hand.hidden_capacity_per_s / self.hand.offered_per_s;
        let jobs = if self.bounded() { self.failed().backlog_jobs } else { self.hand.backlog_jobs };
        let calls = admit * self.hand.offered_per_s;
        let formula = self.where_vulnerable(|| match jobs {
            0.0 => Cell::silent("no backlog given"),
            jobs => {
                let for_s = cure_s(jobs, self.hand.capacity_per_s, calls, self.hand.attempts_when_failing);
                Cell::Shed { admit, for_s }
            }
        });
        let chain = self.of_state(|solved, _| match (solved.fitted.whole_queue, solved.portrait.failed) {
            (true, Some(failed)) => {
                let model = solved.fitted.model;
                let shed = QueueOrbit { arrivals_per_s: model.arrivals_per_s * admit, ..model };
                let from = model.state(failed.0.round() as u32, failed.1.round() as u32);
                Cell::Shed { admit, for_s: shed.chain().hitting(|state| state == 0)[from].mean_s }
            }
            _ if self.bounded() => Cell::silent("queue too long"),
            _ => Cell::silent("queue without bound"),
        });
        let fluid = || {
            if !self.hand.vulnerable || jobs == 0.0 {
                return Cell::silent("nothing to shed away");
            }
            let start = Start { admit, ..Start::at(jobs, self.failed().outstanding_calls) };
            match settle(self.scenario, self.index, start) {
                Settled::Heals(for_s) => Cell::Shed { admit, for_s },
                Settled::Fails | Settled::Undecided => Cell::silent("does not heal"),
            }
        };
        question(
            "shedding that cures",
            [formula, chain, self.of_fluid(fluid)],
            "mean, from the full queue or the triggers' backlog; about half of the times take longer",
        )
    }
}
