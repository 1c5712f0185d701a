//! Is a history of one register linearizable? (Herlihy and Wing 1990.)
//!
//! The search of Wing and Gong (1993) with Lowe's memory of the states already visited (2017). Linearizability is
//! compositional: a store of many keys is linearizable when the history of each key is. Every write writes another value.
use lab_core::replicate::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What one operation did to the register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// It wrote this value.
    Write(Value),
    /// It found this value; [`NEVER_WRITTEN`] where nothing had been written.
    Read(Value),
}

/// What a read finds before the first write.
pub(crate) const NEVER_WRITTEN: Value = Value { call: 0, attempt: 0 };

/// One operation as its client saw it. Times only order: every event of a history has another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Operation {
    /// When the client asked.
    pub(crate) invoked: u64,
    /// When the answer came. A write without may take effect at any time after `invoked`, or never; a read without says
    /// nothing.
    pub(crate) answered: Option<u64>,
    /// What was done.
    pub(crate) action: Action,
}

/// Why a history is not linearizable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// A read found what nobody wrote.
    NeverWritten(Value),
    /// Two operations wrote the same value: the history is no input for this check.
    WrittenTwice(Value),
    /// There is no order of the operations that explains all the answers.
    NoOrder,
}

/// Looks for an order of `history` that respects real time and in which each read finds the last value written.
pub(crate) fn check(history: &[Operation]) -> Result<(), Flaw> {
    let mut written = BTreeSet::from([NEVER_WRITTEN]);
    let mut read = BTreeSet::new();
    for operation in history {
        match operation.action {
            Action::Write(value) if !written.insert(value) => return Err(Flaw::WrittenTwice(value)),
            Action::Read(value) if operation.answered.is_some() => {
                read.insert(value);
            }
            _ => {}
        }
    }
    if let Some(&value) = read.iter().find(|value| !written.contains(value)) {
        return Err(Flaw::NeverWritten(value));
    }
    // What nobody read and nobody was told of need not have happened: any order with it is an order without it.
    let told: Vec<Operation> = history
        .iter()
        .copied()
        .filter(|o| match o.action {
            Action::Write(value) => o.answered.is_some() || read.contains(&value),
            Action::Read(_) => o.answered.is_some(),
        })
        .collect();
    if by_zones(&told) { Ok(()) } else { Err(Flaw::NoOrder) }
}

/// What is known of one value: it was there for certain from the first answer to the last invocation among its write and reads,
/// if that is a time forward; else it was there for a moment between the two.
#[derive(Clone, Copy, Debug)]
struct Zone {
    written: u64,
    first_answer: u64,
    last_invocation: u64,
}

/// Whether an order exists: two values are never there for certain at the same time, and none has its only moment within the
/// certain time of another.
fn by_zones(operations: &[Operation]) -> bool {
    let never = Zone { written: 0, first_answer: 0, last_invocation: 0 };
    let mut zones = BTreeMap::from([(NEVER_WRITTEN, never)]);
    for operation in operations {
        if let Action::Write(value) = operation.action {
            let first_answer = operation.answered.unwrap_or(u64::MAX);
            let written = operation.invoked;
            zones.insert(value, Zone { written, first_answer, last_invocation: written });
        }
    }
    for operation in operations {
        if let (Action::Read(value), Some(answered)) = (operation.action, operation.answered) {
            let Some(zone) = zones.get_mut(&value) else { return false };
            if answered < zone.written {
                return false;
            }
            zone.first_answer = zone.first_answer.min(answered);
            zone.last_invocation = zone.last_invocation.max(operation.invoked);
        }
    }
    let (mut certain, moments): (Vec<Zone>, Vec<Zone>) =
        zones.into_values().partition(|zone| zone.first_answer < zone.last_invocation);
    certain.sort_unstable_by_key(|zone| zone.first_answer);
    let apart = certain.windows(2).all(|two| two[0].last_invocation < two[1].first_answer);
    apart
        && moments.iter().all(|moment| {
            // The last certain time that begins before the moment's.
            let after = certain.partition_point(|zone| zone.first_answer < moment.last_invocation);
            certain[..after].last().is_none_or(|zone| zone.last_invocation <= moment.first_answer)
        })
}

mod tests {
    use super::*;
    use crate::random::Random;

    /// The invocations and answers that are not placed yet, as a doubly linked list in the order of time.
    struct Search<'a> {
        operations: &'a [Operation],
        /// Operation `i` begins at node `2 i + 1` and ends at `2 i + 2`; node 0 stands before all and after all.
        next: Vec<usize>,
        before: Vec<usize>,
        placed: Vec<u64>,
        seen: BTreeSet<(Vec<u64>, Value)>,
        /// How many reads of a value are not placed yet.
        unread: BTreeMap<Value, usize>,
    }

    impl<'a> Search<'a> {
        fn new(operations: &'a [Operation]) -> Self {
            let mut order: BTreeMap<(u64, usize), usize> = BTreeMap::new();
            for (i, operation) in operations.iter().enumerate() {
                order.insert((operation.invoked, 2 * i + 1), 2 * i + 1);
                order.insert((operation.answered.unwrap_or(u64::MAX), 2 * i + 2), 2 * i + 2);
            }
            let nodes = 2 * operations.len() + 1;
            let (mut next, mut before) = (vec![0; nodes], vec![0; nodes]);
            let mut last = 0;
            for node in order.into_values() {
                next[last] = node;
                before[node] = last;
                last = node;
            }
            next[last] = 0;
            before[0] = last;
            let mut unread = BTreeMap::new();
            for operation in operations {
                if let Action::Read(value) = operation.action {
                    *unread.entry(value).or_default() += 1;
                }
            }
            Search {
                operations,
                unread,
                next,
                before,
                placed: vec![0; operations.len().div_ceil(64)],
                seen: BTreeSet::new(),
            }
        }

        fn finds_an_order(mut self) -> bool {
            let mut value = NEVER_WRITTEN;
            let mut path: Vec<(usize, Value)> = vec![];
            let mut node = self.next[0];
            while self.next[0] != 0 {
                let operation = node.wrapping_sub(1) / 2;
                if node % 2 == 1 {
                    let after = match self.operations[operation].action {
                        // What is overwritten is never read again, as no other write writes it.
                        Action::Write(written) => (self.unread(value) == 0).then_some(written),
                        Action::Read(found) => (found == value).then_some(value),
                    };
                    if let Some(after) = after {
                        self.placed[operation / 64] ^= 1 << (operation % 64);
                        if self.seen.insert((self.placed.clone(), after)) {
                            path.push((node, value));
                            value = after;
                            self.take(node);
                            node = self.next[0];
                            continue;
                        }
                        self.placed[operation / 64] ^= 1 << (operation % 64);
                    }
                    node = self.next[node];
                } else {
                    // An answer that nothing placed so far explains: the last choice was wrong.
                    let Some((taken, was)) = path.pop() else { return false };
                    value = was;
                    self.put_back(taken);
                    let operation = (taken - 1) / 2;
                    self.placed[operation / 64] ^= 1 << (operation % 64);
                    node = self.next[taken];
                }
            }
            true
        }

        fn unread(&self, value: Value) -> usize {
            self.unread.get(&value).copied().unwrap_or(0)
        }

        fn take(&mut self, begin: usize) {
            if let Action::Read(value) = self.operations[(begin - 1) / 2].action {
                self.unread.entry(value).and_modify(|n| *n -= 1);
            }
            for node in [begin, begin + 1] {
                let (before, next) = (self.before[node], self.next[node]);
                self.next[before] = next;
                self.before[next] = before;
            }
        }

        fn put_back(&mut self, begin: usize) {
            if let Action::Read(value) = self.operations[(begin - 1) / 2].action {
                self.unread.entry(value).and_modify(|n| *n += 1);
            }
            for node in [begin + 1, begin] {
                let (before, next) = (self.before[node], self.next[node]);
                self.next[before] = node;
                self.before[next] = node;
            }
        }
    }

    fn value(call: u64) -> Value {
        Value { call, attempt: u32::from(call > 0) }
    }
    fn write(invoked: u64, answered: u64, call: u64) -> Operation {
        Operation { invoked, answered: Some(answered), action: Action::Write(value(call)) }
    }
    fn lost(invoked: u64, call: u64) -> Operation {
        Operation { invoked, answered: None, action: Action::Write(value(call)) }
    }
    fn read(invoked: u64, answered: u64, call: u64) -> Operation {
        Operation { invoked, answered: Some(answered), action: Action::Read(value(call)) }
    }

    #[test]
    fn good_histories_pass() {
        let good: [&[Operation]; 8] = [
            &[],
            &[read(1, 2, 0), write(3, 4, 1), read(5, 6, 1)],
            // Concurrent with the write, a read may see it or not, in either order of two readers' answers.
            &[write(1, 10, 1), read(2, 3, 0), read(4, 5, 1), read(6, 7, 1)],
            &[write(1, 10, 1), write(2, 9, 2), read(11, 12, 1), read(13, 14, 1)],
            &[write(1, 10, 1), write(2, 9, 2), read(11, 12, 2)],
            // Nobody knows whether it happened: it may have, long afterwards.
            &[lost(1, 1), write(2, 3, 2), read(4, 5, 2), read(6, 7, 1)],
            // Or never.
            &[lost(1, 1), write(2, 3, 2), read(4, 5, 2)],
            // A read that nobody heard the answer of says nothing.
            &[write(1, 2, 1), Operation { answered: None, ..read(3, 0, 7) }],
        ];
        for history in good {
            assert_eq!(check(history), Ok(()), "{history:?}");
        }
    }

    #[test]
    fn a_stale_read_is_found() {
        assert_eq!(check(&[write(1, 2, 1), write(3, 4, 2), read(5, 6, 1)]), Err(Flaw::NoOrder));
    }

    #[test]
    fn a_lost_write_is_found() {
        assert_eq!(check(&[write(1, 2, 1), read(3, 4, 0)]), Err(Flaw::NoOrder));
    }

    #[test]
    fn a_value_from_nowhere_is_found() {
        assert_eq!(check(&[write(1, 2, 1), read(3, 4, 9)]), Err(Flaw::NeverWritten(value(9))));
    }

    #[test]
    fn a_read_before_its_write_is_found() {
        assert_eq!(check(&[read(1, 2, 1), write(3, 4, 1)]), Err(Flaw::NoOrder));
    }

    #[test]
    fn a_write_that_takes_effect_twice_is_found() {
        let history = [write(1, 2, 1), write(3, 4, 2), read(5, 6, 2), read(7, 8, 1)];
        assert_eq!(check(&history), Err(Flaw::NoOrder));
        // Also where its outcome is unknown: it may happen late, not twice.
        let history = [lost(1, 1), read(2, 3, 1), write(4, 5, 2), read(6, 7, 2), read(8, 9, 1)];
        assert_eq!(check(&history), Err(Flaw::NoOrder));
    }

    #[test]
    fn new_then_old_is_found() {
        assert_eq!(check(&[write(1, 10, 1), read(2, 3, 1), read(4, 5, 0)]), Err(Flaw::NoOrder));
        let history = [write(1, 2, 1), write(3, 20, 2), read(4, 5, 2), read(6, 7, 1)];
        assert_eq!(check(&history), Err(Flaw::NoOrder));
    }

    #[test]
    fn a_history_whose_values_are_not_told_apart_is_refused() {
        assert_eq!(check(&[write(1, 2, 1), write(3, 4, 1)]), Err(Flaw::WrittenTwice(value(1))));
    }

    /// Random histories, most of them nearly linearizable, so that both verdicts are frequent.
    #[test]
    fn two_algorithms_agree_on_random_histories() {
        let mut verdicts = [0; 2];
        for seed in 0..20_000 {
            let history = random_history(seed);
            let verdict = check(&history).is_ok();
            assert_eq!(verdict, by_search(&history), "seed {seed}: {history:#?}");
            verdicts[usize::from(verdict)] += 1;
        }
        assert!(verdicts.iter().all(|&n| n > 2_000), "{verdicts:?}");
    }

    fn by_search(history: &[Operation]) -> bool {
        let told: Vec<Operation> = (history.iter().copied())
            .filter(|o| o.answered.is_some() || matches!(o.action, Action::Write(_)))
            .collect();
        Search::new(&told).finds_an_order()
    }

    fn random_history(seed: u64) -> Vec<Operation> {
        let mut random = Random::new(seed);
        let mut at = 1;
        let mut history = vec![];
        // Operations in flight: what they do, and whether it has happened.
        let mut flying: Vec<(Operation, bool)> = vec![];
        let (mut now, mut old) = (value(0), value(0));
        let wrong = [0.0, 0.2, 0.6][random.below(3)];
        for call in 1..=4 + random.below(14) as u64 {
            let action = if random.chance(0.5) { Action::Write(value(call)) } else { Action::Read(value(0)) };
            flying.push((Operation { invoked: at, answered: None, action }, false));
            at += 1;
            for i in (0..flying.len()).rev() {
                let (operation, done) = &mut flying[i];
                if !*done && random.chance(0.4) {
                    *done = true;
                    match &mut operation.action {
                        Action::Write(written) => (old, now) = (now, *written),
                        Action::Read(found) => *found = if random.chance(wrong) { old } else { now },
                    }
                }
                if *done && random.chance(0.5) {
                    let (operation, _) = flying.swap_remove(i);
                    history.push(Operation { answered: Some(at), ..operation });
                    at += 1;
                }
            }
        }
        history.extend(flying.into_iter().map(|(operation, _)| operation));
        history
    }

    #[test]
    fn many_writes_of_unknown_outcome_are_fast() {
        let mut history: Vec<Operation> = (1..=40).map(|call| lost(call, call)).collect();
        for call in 1..=40 {
            let at = 1_000 + 10 * call;
            history.extend([write(at, at + 2, 100 + call), read(at + 3, at + 4, 100 + call)]);
            history.push(read(at + 5, at + 6, call));
        }
        assert_eq!(check(&history), Ok(()));
        history.push(read(5_000, 5_001, 1));
        assert_eq!(check(&history), Err(Flaw::NoOrder));
    }

    #[test]
    fn long_histories_are_fast() {
        let mut history = vec![];
        for i in 0..20_000u64 {
            let at = 1 + i * 20;
            history.push(write(at, at + 15, i + 1));
            for reader in 0..6 {
                let found = if reader < 3 { i } else { i + 1 };
                history.push(read(at + 1 + reader, at + 8 + reader, found));
            }
        }
        assert_eq!(check(&history), Ok(()));
        history.push(read(400_010, 400_011, 19_000));
        assert_eq!(check(&history), Err(Flaw::NoOrder));
    }
}
