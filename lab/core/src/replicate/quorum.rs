//! Reads that ask a majority.
//!
//! The member that gets the read asks all others and goes by what a majority says, itself included (as a coordinator of
//! Dynamo does: DeCandia et al., SOSP'07, §4.5). A read costs 2 + 2(n − 1) messages on n members: request, a question to each of
//! the others, an answer from each, answer.
//!
//! # Why such a read is linearizable
//!
//! Taking the newest version that anyone shows is not enough: it may never be committed, and a later read may miss it.
//! Attiya, Bar-Noy and Dolev (JACM 1995) therefore write it back to a majority first. Here all members' lists begin alike
//! (see [`super::ledger`]), so it is enough to know how far each of them has *matched* the order:
//!
//! - What a majority has matched is committed, whether or not the primary knows yet: each of the next view's quorums meets it.
//!   It may be shown, and no later read misses it.
//! - What so many lack that no majority can have had it when the read began was not acknowledged then, and no earlier
//!   read showed it. It need not be shown.
//! - If the key has a write between the two, it is not decided: the read waits for more answers, or for the write.
//!   All answers together always decide.
//!
//! No lease is needed. A replica that is sealed does not answer, and before a later view begins a majority of this one is
//! sealed: whoever still finds a majority that answers began to ask before that. Only members that are whole in
//! the view answer, so what earlier views committed is among what they have matched.
use super::{
    Answer, Key, Members, RequestId, Version, View,
    feed::{RESEND, RESEND_MAX},
    message::{Held, Message},
    protocol::Ask,
};
use crate::{
    machine::Outbox,
    time::{Span, Time},
};
use std::collections::BTreeMap;

/// How often the others are asked before a read is given up: for about four seconds, each time after twice as long.
pub const TRIES: u32 = 8;

/// What a member that is whole in its view says of a key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heard {
    /// Up to here its list is the primary's.
    pub matched: Version,
    /// Up to here it knows all to be committed.
    pub committed: Version,
    /// The committed write of the key, and those above it that it has matched; in order.
    pub versions: Vec<Held>,
}

/// The reads that wait for a majority.
#[derive(Clone, Debug, Default)]
pub struct Quorum {
    questions: BTreeMap<u64, Question>,
    /// The number of the last question. Never used twice, so that a late answer is not taken for a fresh one.
    asked: u64,
    /// When the owner will be woken.
    armed: Option<Time>,
}

#[derive(Clone, Debug)]
struct Question {
    id: RequestId,
    key: Key,
    /// By the others.
    heard: BTreeMap<u32, Heard>,
    tries: u32,
    wait: Span,
    /// When to ask again.
    due: Time,
}

impl Quorum {
    /// Asks the others of `view` for `key`, on behalf of replica `me`.
    pub fn ask(
        &mut self,
        now: Time,
        (id, key): (RequestId, Key),
        me: u32,
        view: &View,
        out: &mut impl Outbox<Ask>,
    ) {
        self.asked += 1;
        let heard = BTreeMap::new();
        let question = Question { id, key, heard, tries: 1, wait: RESEND, due: now + RESEND };
        self.questions.insert(self.asked, question);
        put(self.asked, key, me, view, out);
    }

    /// Another member has answered.
    pub fn heard(&mut self, question: u64, from: u32, heard: Heard) {
        if let Some(question) = self.questions.get_mut(&question) {
            // An answer to an earlier try may come later: what was matched stays so.
            let before = question.heard.entry(from).or_default();
            if before.matched <= heard.matched && before.committed <= heard.committed {
                *before = heard;
            }
        }
    }

    /// Answers the reads that are decided. `own` says what this replica has of a key, if it is whole.
    pub fn decide(&mut self, members: usize, own: impl Fn(Key) -> Option<Heard>, out: &mut impl Outbox<Ask>) {
        self.questions.retain(|_, question| {
            let own = own(question.key);
            let heard: Vec<&Heard> = own.iter().chain(question.heard.values()).collect();
            let Some((version, value)) = decided(members, &heard) else { return true };
            out.put(Ask::Answer { id: question.id, answer: Answer::Found { version, value } });
            false
        });
    }

    /// Asks again where that is due.
    pub fn woken(&mut self, now: Time, me: u32, view: &View, out: &mut impl Outbox<Ask>) {
        if self.armed.is_some_and(|at| at <= now) {
            self.armed = None;
        }
        self.questions.retain(|&number, question| {
            if question.due > now {
                return true;
            }
            if question.tries == TRIES {
                out.put(Ask::Answer { id: question.id, answer: Answer::Unavailable });
                return false;
            }
            question.tries += 1;
            question.wait = (question.wait + question.wait).min(RESEND_MAX);
            question.due = now + question.wait;
            put(number, question.key, me, view, out);
            true
        });
    }

    /// Asks to be woken when a question is due.
    pub fn arm(&mut self, now: Time, out: &mut impl Outbox<Ask>) {
        if let Some(at) = self.questions.values().map(|question| question.due).min()
            && self.armed.is_none_or(|armed| at < armed || armed < now)
        {
            self.armed = Some(at);
            out.put(Ask::WakeAt(at));
        }
    }

    /// The view is over: nobody will answer.
    pub fn clear(&mut self, out: &mut impl Outbox<Ask>) {
        self.armed = None;
        for question in std::mem::take(&mut self.questions).into_values() {
            out.put(Ask::Answer { id: question.id, answer: Answer::Unavailable });
        }
    }
}

/// Puts a question to all members but the one who asks.
fn put(question: u64, key: Key, me: u32, view: &View, out: &mut impl Outbox<Ask>) {
    let members: Members = view.members;
    for to in members.iter().filter(|&member| member != me) {
        out.put(Ask::Send { to, message: Message::ReadQuery { view: view.number, question, key } });
    }
}

/// The version and value that a read shows when `heard` is what some of `members` members have said since it began; `None`: that
/// is not decided.
fn decided(members: usize, heard: &[&Heard]) -> Option<(Version, super::Value)> {
    let majority = members / 2 + 1;
    if heard.len() < majority {
        return None;
    }
    let mut matched: Vec<Version> = heard.iter().map(|heard| heard.matched).collect();
    matched.sort_unstable_by(|a, b| b.cmp(a));
    let known = heard.iter().map(|heard| heard.committed).max().unwrap_or(0);
    let committed = known.max(matched[majority - 1]);
    // With those who have said nothing, a majority may have had all up to here.
    let silent = members.saturating_sub(heard.len());
    let possible = matched[majority - silent.min(majority - 1) - 1];
    let versions = || heard.iter().flat_map(|heard| &heard.versions);
    if versions().any(|held| held.version > committed && held.version <= possible) {
        return None;
    }
    let newest = versions().filter(|held| held.version <= committed).max_by_key(|held| held.version);
    Some(newest.map(|held| (held.version, held.value)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replicate::Value;

    fn value(version: Version) -> Value {
        Value { call: version, attempt: u32::from(version > 0) }
    }

    /// A member that has matched up to `matched`, and knows of commits up to `committed`; the key was written at `writes`.
    fn member(matched: Version, committed: Version, writes: &[Version]) -> Heard {
        let held = |&version: &Version| Held { key: 1, version, value: value(version) };
        let old = writes.iter().filter(|w| **w <= committed).max();
        let new = writes.iter().filter(|w| **w > committed && **w <= matched);
        Heard { matched, committed, versions: old.into_iter().chain(new).map(held).collect() }
    }

    fn shows(members: usize, heard: &[Heard]) -> Option<Version> {
        let heard: Vec<&Heard> = heard.iter().collect();
        let (version, found) = decided(members, &heard)?;
        assert_eq!(found, value(version));
        Some(version)
    }

    #[test]
    fn a_minority_decides_nothing() {
        assert_eq!(shows(3, &[member(9, 9, &[4])]), None);
        assert_eq!(shows(4, &[member(9, 9, &[4]), member(9, 9, &[4])]), None);
        assert_eq!(shows(1, &[member(9, 9, &[4])]), Some(4));
    }

    #[test]
    fn what_a_majority_has_is_shown_though_nobody_knows_it_to_be_committed() {
        assert_eq!(shows(3, &[member(7, 3, &[2, 6]), member(6, 2, &[2, 6])]), Some(6));
        assert_eq!(shows(3, &[member(0, 0, &[]), member(0, 0, &[])]), Some(0));
    }

    /// The third member may have the write at 7, and then it may have been acknowledged.
    #[test]
    fn a_write_under_way_is_waited_for_until_all_have_answered() {
        let (ahead, behind) = (member(7, 3, &[2, 7]), member(6, 3, &[2, 7]));
        assert_eq!(shows(3, &[ahead.clone(), behind.clone()]), None);
        assert_eq!(shows(3, &[ahead.clone(), behind.clone(), member(6, 3, &[2, 7])]), Some(2));
        assert_eq!(shows(3, &[ahead.clone(), behind.clone(), member(7, 3, &[2, 7])]), Some(7));
        // Of another key it does not matter.
        assert_eq!(shows(3, &[member(7, 3, &[2]), member(6, 3, &[2])]), Some(2));
        // One who knows decides.
        assert_eq!(shows(3, &[member(7, 7, &[2, 7]), behind]), Some(7));
    }

    /// For every state of a group and every set of answers: what is shown is committed and no older than what was
    /// acknowledged, and all answers together decide.
    #[test]
    fn what_is_shown_is_committed_and_not_older_than_what_was_acknowledged() {
        let writes = [1, 2, 4];
        for members in 1..=4usize {
            let majority = members / 2 + 1;
            for state in 0..6usize.pow(members as u32) {
                let matched: Vec<Version> =
                    (0..members).map(|m| (state / 6usize.pow(m as u32) % 6) as Version).collect();
                let mut sorted = matched.clone();
                sorted.sort_unstable_by(|a, b| b.cmp(a));
                let committed = sorted[majority - 1];
                let newest = writes.iter().copied().filter(|w| *w <= committed).max().unwrap_or(0);
                for set in 1..1 << members {
                    let said = |m: &usize| set & 1 << m != 0;
                    // What each of them knows of commits varies with the set.
                    let answer =
                        |m: usize| member(matched[m], matched[m].min(committed * (set % 3) / 2), &writes);
                    let heard: Vec<Heard> = (0..members).filter(said).map(answer).collect();
                    match shows(members, &heard) {
                        Some(version) => assert_eq!(version, newest, "{matched:?} {set:b}"),
                        None => assert!(heard.len() < members, "{matched:?}"),
                    }
                }
            }
        }
    }
}
