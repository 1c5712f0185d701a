//! Which seed decides what a call asks for, in a run that went on from a copy of another one.
//!
//! A run can be copied and go on with another seed. What is drawn from then on is drawn anew. But what a call *is* (the work it asks
//! for, its key, whether it writes) belongs to the state that was copied: it may have been drawn already, and a retry must meet
//! the same. So a call keeps the seed of the run in which it began, and its number says when that was.
use crate::{arrival, draw::Draw};
use std::sync::Arc;

/// The runs that a run descends from, as far as its calls are concerned. Empty for a run that began at its beginning.
#[derive(Clone, Debug, Default)]
pub struct Lineage(Option<Arc<[Era]>>);

/// The part of a run before it was copied.
#[derive(Clone, Debug)]
struct Era {
    draw: Draw,
    /// Of each source of arrivals, the first call that began after it.
    ends: Arc<[u64]>,
}

impl Lineage {
    /// The draw that decides what `call` asks for; `present` is that of the run as it goes on now.
    #[inline]
    pub fn draw(&self, call: u64, present: Draw) -> Draw {
        match &self.0 {
            None => present,
            Some(eras) => of_call(eras, call, present),
        }
    }

    /// The lineage of a copy that goes on with another seed: calls before `next`, the next call of each source, keep `draw`.
    #[must_use]
    pub fn and(&self, draw: Draw, next: &[u64]) -> Lineage {
        let eras = self.0.iter().flat_map(|eras| eras.iter().cloned());
        Lineage(Some(eras.chain([Era { draw, ends: next.into() }]).collect()))
    }
}

/// The oldest era in which `call` had begun at its end.
fn of_call(eras: &[Era], call: u64, present: Draw) -> Draw {
    let began = |era: &&Era| era.ends.iter().any(|next| arrival::same_source(*next, call) && call < *next);
    // Most calls are of the present or of a recent era.
    eras.iter().rev().take_while(began).last().map_or(present, |era| era.draw)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_keeps_the_seed_of_the_run_it_began_in() {
        let draw = |seed| Draw { seed };
        // Two sources: the second one's calls have higher numbers.
        let second = arrival::first_call(0, 1);
        let lineage = Lineage::default().and(draw(1), &[10, second + 3]).and(draw(2), &[20, second + 5]);
        let seed = |call| lineage.draw(call, draw(3)).seed;
        assert_eq!([9, 10, 19, 20].map(seed), [1, 2, 2, 3]);
        assert_eq!([second + 2, second + 3, second + 4, second + 5].map(seed), [1, 2, 2, 3]);
        // A source that the earlier runs did not have.
        assert_eq!(seed(arrival::first_call(1, 0)), 3);
        assert_eq!(Lineage::default().draw(0, draw(7)).seed, 7);
    }
}
