//! A client's settings change while it has calls under way.
use super::{Client, NOWHERE};
use crate::{budget::BudgetState, retry::Waits, setting::ClientSetting};

impl Client {
    /// The setting holds from now on; what has been sent or scheduled stays as it was.
    #[cold]
    #[inline(never)]
    pub(super) fn set(&mut self, setting: ClientSetting) {
        self.policy.set(setting);
        match setting {
            ClientSetting::PerTryTimeout(_) | ClientSetting::RetryOn(_) => {}
            ClientSetting::MaxAttempts(_) | ClientSetting::Backoff(_) => {
                self.waits = Waits::new(&self.policy.retry);
            }
            ClientSetting::Budget(budget) => {
                self.budget = BudgetState::in_force(&budget, self.retries_under_way());
            }
        }
    }

    /// Retries, not hedges, that are scheduled or in flight.
    fn retries_under_way(&self) -> usize {
        let under_way = |(slot, pending): (usize, &super::Pending)| {
            let tried_again = pending.attempts > 1 || pending.replica == NOWHERE;
            let hedged = self.hedging.as_ref().is_some_and(|hedging| hedging.holds(slot as u32));
            pending.generation != 0 && tried_again && !hedged
        };
        self.calls.iter().enumerate().filter(|&call| under_way(call)).count()
    }
}
