//! How long the healthy state of a chain lasts, where the whole chain would have to be counted in packets.
use super::{Field, Fitted, Reach, Unfit, fit};
use crate::{
    scenario::Scenario,
    theory::{Passage, ServiceHand},
};

/// How long the healthy state of a replica lasts.
#[derive(Clone, Debug, PartialEq)]
pub struct Life {
    /// From the empty system until it has failed.
    pub lasts: Passage,
    /// How many jobs one step of the chain stands for. Above 1 chance is stronger than in truth, and the time a lower bound.
    pub jobs_per_state: f64,
}

/// How long one replica of service `index`, of which `hand` are the calculations by hand, stays healthy. `None` where it has no failed
/// state.
///
/// A failure has hardly more calls in orbit than the line it crosses, and the failed state many more. So where the whole chain does not
/// fit job by job, one that ends a good way beyond the line is taken; to reach its end is to have failed.
///
/// # Errors
/// Where the chain's assumptions do not hold.
pub fn life(scenario: &Scenario, index: usize, hand: &ServiceHand) -> Result<Option<Life>, Unfit> {
    if !hand.vulnerable {
        return Ok(None);
    }
    let whole = fit(scenario, index, hand, Reach::Whole);
    match whole {
        Ok(fitted) if fitted.jobs_per_state <= 1.0 => Ok(in_whole(&fitted)),
        _ => fit(scenario, index, hand, Reach::Escape).map(|fitted| Some(to_edge(&fitted))),
    }
}

fn in_whole(fitted: &Fitted) -> Option<Life> {
    let portrait = Field::new(&fitted.model).portrait();
    let lasting = fitted.model.lasting(&fitted.model.chain(), &portrait)?;
    Some(Life { lasts: lasting.lifetime, jobs_per_state: fitted.jobs_per_state })
}

fn to_edge(fitted: &Fitted) -> Life {
    let lasts = fitted.model.chain().hitting(|state| fitted.is_edge(state))[0];
    Life { lasts, jobs_per_state: fitted.jobs_per_state }
}

impl Fitted {
    /// Whether a state is where a chain that reaches as far as an [escape](Reach::Escape) ends: the last place of the orbit, or of a
    /// queue that is cut off.
    fn is_edge(&self, state: usize) -> bool {
        let (jobs, outstanding) = self.model.of_state(state);
        outstanding + 1 == self.model.orbit_states
            || (!self.whole_queue && jobs + 1 == self.model.queue_states)
    }

    /// The probability to fail before the system is empty, from each state of a chain that reaches as far as an
    /// [escape](Reach::Escape).
    pub fn fails_from(&self) -> Vec<f64> {
        self.model.chain().reaches_first(|state| self.is_edge(state), |state| state == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{scenario::sample::queueing, theory::hand};
    use lab_core::{
        call::{Outcome, OutcomeSet},
        time::Span,
    };

    fn retrying(calls_per_s: f64, workers: u32, places: usize) -> Scenario {
        let mut scenario = queueing(calls_per_s, workers, Span::from_millis(100), Span::from_secs(60));
        scenario.services[0].policy.capacity = places;
        let policy = &mut scenario.clients[0].policy;
        policy.per_try_timeout = Span::from_secs(2);
        policy.retry.max_attempts = 4;
        policy.retry.retry_on = OutcomeSet::of(&[Outcome::Timeout]);
        scenario
    }

    /// Where both can be had, the chain that ends beyond the line says what the whole one says.
    #[test]
    fn to_end_beyond_the_line_is_to_fail() {
        for calls_per_s in [4.5, 6.0, 7.0, 8.0] {
            let scenario = retrying(calls_per_s, 1, 199);
            let hand = hand(&scenario).services.remove(0);
            let of = |reach| fit(&scenario, 0, &hand, reach).expect("it fits");
            let whole = in_whole(&of(Reach::Whole)).expect("two sinks").lasts.mean_s;
            let fitted = of(Reach::Escape);
            assert!(fitted.jobs_per_state == 1.0 && !fitted.whole_queue, "{fitted:?}");
            let short = to_edge(&fitted).lasts.mean_s;
            println!("{calls_per_s}/s: {whole} and {short}");
            assert!((0.6..1.2).contains(&(short / whole)), "{short} against {whole} at {calls_per_s}/s");
        }
    }

    /// Near its ceiling a large service has few calls in orbit when it falls, and its chain is solved job by job.
    #[test]
    fn a_large_replica_near_its_ceiling_is_not_scaled() {
        let of = |calls_per_s| {
            let scenario = retrying(calls_per_s, 13, usize::MAX);
            let hand = hand(&scenario).services.remove(0);
            let whole = fit(&scenario, 0, &hand, Reach::Whole).expect("it fits");
            assert!(whole.jobs_per_state > 2.0, "{whole:?}");
            life(&scenario, 0, &hand).expect("it fits").expect("it can fail")
        };
        let (near, far) = (of(126.0), of(90.0));
        assert_eq!(near.jobs_per_state, 1.0);
        assert!(far.lasts.mean_s > 1e3 * near.lasts.mean_s, "{far:?} {near:?}");
    }

    #[test]
    fn fate_is_open_between_the_states_and_sealed_in_them() {
        let scenario = retrying(7.0, 1, 199);
        let hand = hand(&scenario).services.remove(0);
        let fitted = fit(&scenario, 0, &hand, Reach::Escape).expect("it fits");
        let (fails, last) = (fitted.fails_from(), fitted.model.queue_states - 1);
        let of = |jobs| fails[fitted.model.state(jobs, 0)];
        assert!(of(1) < 0.01 && of(last - 1) > 0.9, "{} {}", of(1), of(last - 1));
        assert!((1..last).all(|jobs| of(jobs) >= of(jobs - 1) - 1e-9));
        // As the whole chain sees it: half of the chances from as many jobs.
        let whole = fit(&scenario, 0, &hand, Reach::Whole).expect("it fits").model;
        let lasting = whole.lasting(&whole.chain(), &Field::new(&whole).portrait()).expect("two sinks");
        let half = (0..last).find(|jobs| of(*jobs) >= 0.5).expect("it can fail");
        assert!(lasting.tips_from_jobs.expect("it can").abs_diff(half) <= 1, "{half} {lasting:?}");
    }

    #[test]
    fn what_cannot_fail_has_no_life_to_end() {
        let scenario = retrying(2.0, 1, 199);
        assert_eq!(life(&scenario, 0, &hand(&scenario).services[0]), Ok(None));
    }
}
