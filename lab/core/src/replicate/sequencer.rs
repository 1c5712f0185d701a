//! The sequencer of CORFU (NSDI'12, §3.2): hands out the positions of the log, one after the other.
use super::Version;
use std::collections::{BTreeMap, VecDeque};

/// A counter. It keeps no promise: a position that was handed out and never written is a hole, which a player fills. Its
/// successor in the next view begins behind all that was written.
#[derive(Clone, Debug, Default)]
pub struct Sequencer {
    last: Version,
    /// Which token a replica got for which question, so that a question that is sent again leaves no hole.
    granted: BTreeMap<(u32, u64), Version>,
    /// The same questions in the order of their tokens.
    order: VecDeque<(Version, (u32, u64))>,
    /// How far the other replicas have played, as far as they said in this view.
    played: BTreeMap<u32, Version>,
}

impl Sequencer {
    /// The sequencer of a view, whose log goes up to `last`.
    pub fn new(last: Version) -> Sequencer {
        Sequencer { last, ..Sequencer::default() }
    }
    /// The last position handed out.
    pub fn last(&self) -> Version {
        self.last
    }
    /// The next position.
    pub fn hand_out(&mut self) -> Version {
        self.last += 1;
        self.last
    }
    /// The position for `replica`'s question `ask`.
    pub fn grant(&mut self, replica: u32, ask: u64) -> Version {
        let question = (replica, ask);
        if let Some(&seq) = self.granted.get(&question) {
            return seq;
        }
        let seq = self.hand_out();
        self.granted.insert(question, seq);
        self.order.push_back((seq, question));
        seq
    }
    /// `replica` has played up to here.
    pub fn played(&mut self, replica: u32, upto: Version) {
        let played = self.played.entry(replica).or_default();
        *played = upto.max(*played);
    }
    /// Up to here all of `replicas` have played.
    pub fn all_played(&self, replicas: impl Iterator<Item = u32>) -> Option<Version> {
        replicas.map(|r| self.played.get(&r).copied().unwrap_or_default()).min()
    }
    /// Positions up to here are settled.
    pub fn trim(&mut self, upto: Version) {
        while let Some(&(_, question)) = self.order.front().filter(|(seq, _)| *seq <= upto) {
            self.order.pop_front();
            self.granted.remove(&question);
        }
    }
}
