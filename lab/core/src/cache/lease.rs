//! Leases: who may fill a key.
use crate::{
    replicate::Key,
    time::{Span, Time},
};
use std::collections::{BTreeSet, VecDeque};

/// The leases that run, at most one for each key (Nishtala et al., *Scaling Memcache at Facebook*, NSDI'13, §3.2.1).
#[derive(Clone, Debug, Default)]
pub(super) struct Leases {
    running: BTreeSet<Key>,
    /// In the order in which they end, since all of them last equally long.
    ends: VecDeque<(Time, Key)>,
}

impl Leases {
    /// Whether somebody has the lease of `key`.
    pub(super) fn runs(&mut self, now: Time, key: Key) -> bool {
        while let Some(&(at, ended)) = self.ends.front()
            && at <= now
        {
            self.ends.pop_front();
            self.running.remove(&ended);
        }
        self.running.contains(&key)
    }

    /// Takes the lease of `key` for `length`; not if somebody has it.
    pub(super) fn take(&mut self, now: Time, key: Key, length: Span) -> bool {
        if self.runs(now, key) {
            return false;
        }
        self.running.insert(key);
        self.ends.push_back((now + length, key));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_one_lease_at_a_time() {
        let mut leases = Leases::default();
        assert!(leases.take(Time(0), 7, Span(10)));
        assert!(leases.take(Time(5), 8, Span(10)));
        assert!(!leases.take(Time(9), 7, Span(10)));
        assert!(leases.take(Time(10), 7, Span(10)));
        assert!(leases.runs(Time(14), 8) && !leases.runs(Time(15), 8));
        assert!(leases.runs(Time(19), 7) && !leases.runs(Time(20), 7));
        assert!(leases.ends.is_empty() && leases.running.is_empty());
    }
}
