//! The search finds bugs: each of these is put in deliberately, and must be found.
use crate::{minimise::minimise, sabotage::Sabotage, schedule::MODES, search::search};

/// How many schedules a bug may take.
const AT_MOST: u64 = 3_000;

/// The search finds `sabotage` in each of these protocols.
fn found(sabotage: Sabotage, protocols: &[&str]) {
    for protocol in protocols {
        let mode = MODES.iter().find(|(name, _)| name == protocol).expect("a protocol's name").1;
        let (tally, failure) = search(mode, 0, AT_MOST, Some(sabotage));
        match failure {
            Some((_, violation)) => {
                println!(
                    "{sabotage:?} in {protocol}: {} after {} schedules",
                    violation.kind, tally.schedules
                );
            }
            None => panic!("{sabotage:?} in {protocol}: not found in {AT_MOST} schedules"),
        }
    }
}

#[test]
fn retries_that_are_carried_out_twice() {
    found(Sabotage::ForgetsCalls, &["pb_all", "chain", "craq", "shared_log"]);
}

#[test]
fn an_acknowledgement_before_the_others_have_it() {
    found(
        Sabotage::AcknowledgesOnSending,
        &["pb_majority", "pb_quorum", "pb_all", "chain", "craq", "shared_log"],
    );
}

#[test]
fn dirty_reads() {
    found(Sabotage::CommitsOnReceipt, &["pb_all", "craq"]);
    found(Sabotage::NamesDirtyVersions, &["craq"]);
}

/// Not in the shared log: there a write needs every unit of its view, the first of the next view among them, which keeps all it
/// has. So being told of the next view fences as well as the seal does.
#[test]
fn a_replica_that_goes_on_after_its_seal() {
    found(Sabotage::IgnoresSeals, &["pb_all", "pb_majority", "pb_quorum", "chain", "craq"]);
}

#[test]
fn a_lease_that_never_ends() {
    found(Sabotage::KeepsLeases, &["pb_all", "pb_majority", "chain", "craq", "shared_log"]);
}

#[test]
fn messages_of_another_view() {
    found(Sabotage::ChecksNoViews, &["pb_all", "pb_majority", "pb_quorum", "chain", "craq", "shared_log"]);
}

#[test]
fn a_first_member_that_serves_at_once() {
    found(Sabotage::ServesAtOnce, &["pb_all", "pb_majority", "chain", "craq"]);
}

#[test]
fn a_newcomer_that_misses_keys() {
    found(Sabotage::SkipsKeys, &["pb_all", "pb_majority", "chain", "craq", "shared_log"]);
}

#[test]
fn a_newcomer_that_is_taken_for_its_former_self() {
    found(Sabotage::ChecksNoLives, &["pb_all", "pb_majority", "chain", "craq", "shared_log"]);
}

#[test]
fn a_quorum_that_is_none() {
    found(Sabotage::ReadsAMinority, &["pb_quorum"]);
    found(Sabotage::ShowsUncommitted, &["pb_quorum"]);
}

#[test]
fn a_log_position_that_is_written_twice() {
    found(Sabotage::WritesTwice, &["shared_log"]);
}

#[test]
fn a_sequencer_that_lags() {
    found(Sabotage::NamesOldTails, &["shared_log"]);
}

/// The schedule of a bug becomes small.
#[test]
fn a_failing_schedule_becomes_small() {
    let (_, mode) = MODES[0];
    let (_, failure) = search(mode, 0, AT_MOST, Some(Sabotage::SkipsKeys));
    let (schedule, violation) = failure.expect("a bug that is found");
    let small = minimise(&schedule, Some(Sabotage::SkipsKeys), violation.kind);
    assert!(small.faults.len() <= 2, "{small}");
    assert!(small.calls <= schedule.calls && small.clients <= schedule.clients, "{small}");
}
