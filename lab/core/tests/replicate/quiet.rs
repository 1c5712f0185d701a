//! What holds while nothing goes wrong.
use crate::{
    schedule::{self, MODES, Network, Schedule},
    world,
};
use lab_core::{replicate::Mode, time::Span};

/// A group of `replicas` and one client, all of whose calls are writes, on a network that only delays.
fn writes(mode: Mode, replicas: u32) -> Schedule {
    let drawn = schedule::draw(mode, 0);
    Schedule {
        deduplicate: false,
        replicas,
        clients: 1,
        calls: 40,
        pause: Span::from_millis(3),
        keys: 4,
        reads: 0.0,
        patience: Span::from_millis(80),
        workers: 4,
        service: Span::from_millis(1) * 0.05,
        network: Network {
            delay: Span::from_millis(1) * 0.1,
            late_share: 0.0,
            late: Span::ZERO,
            loss: 0.0,
            twice: 0.0,
        },
        membership: lab_core::replicate::member::Membership { priority: true, ..drawn.membership },
        faults: vec![],
        ..drawn
    }
}

/// Messages that a write takes between replicas, as the papers count them: in a star each of the others gets it and
/// acknowledges it; in a chain each link carries it once there and once back.
#[test]
fn a_write_takes_as_many_messages_as_the_papers_say() {
    for (name, mode) in MODES {
        for replicas in [2, 3, 5] {
            let report = world::run(&writes(mode, replicas), None, false);
            assert_eq!(report.violation, None, "{name}");
            assert_eq!(report.views, 1, "{name}");
            let each = report.messages as f64 / report.writes as f64;
            let links = 2.0 * f64::from(replicas - 1);
            println!(
                "{name}, {replicas} replicas: {each:.2} messages a write between replicas, {links} expected"
            );
            if mode != Mode::SharedLog {
                // Commit news that no write carries come on top, now and then.
                assert!((links..1.25 * links + 0.3).contains(&each), "{name}: {each} and not {links}");
            }
        }
    }
}

/// Messages that a read takes between replicas: a question to each of the others, and its answer. Where one replica answers,
/// there are none.
#[test]
fn a_read_takes_as_many_messages_as_its_rule_says() {
    for (name, links) in [("pb_quorum", 2), ("pb_majority", 0), ("pb_majority_any", 0)] {
        let mode = MODES.iter().find(|(n, _)| *n == name).expect("a protocol's name").1;
        for replicas in [1, 2, 3, 5] {
            let report = world::run(&Schedule { reads: 1.0, ..writes(mode, replicas) }, None, false);
            assert_eq!((report.violation, report.views), (None, 1), "{name}");
            // The last look writes each key once.
            let (all, reads) = (report.messages as f64, (report.answered - report.writes) as f64);
            let of_writes = 2.0 * f64::from(replicas - 1) * report.writes as f64;
            let each = (all - of_writes) / reads;
            let expected = f64::from(links * (replicas - 1));
            // Commit news that no write carries come on top, now and then.
            println!("{name}, {replicas} replicas: {each:.2} messages a read, {expected} expected");
            assert!(
                (expected..expected + 0.4).contains(&each),
                "{name}, {replicas}: {each} and not {expected}"
            );
        }
    }
}

/// Linearizable where that is promised, else at most a little stale; and nobody is taken for dead.
#[test]
fn nothing_goes_wrong_by_itself() {
    for (name, mode) in MODES {
        for seed in 0..100 {
            let drawn = schedule::draw(mode, seed);
            let network = Network { late_share: 0.0, loss: 0.0, ..drawn.network };
            let report = world::run(&Schedule { network, faults: vec![], ..drawn }, None, false);
            assert_eq!(report.violation, None, "{name}, seed {seed}");
            assert_eq!(report.views, 1, "{name}, seed {seed}");
        }
    }
}

#[test]
fn a_run_is_decided_by_its_schedule() {
    for (name, mode) in MODES {
        for seed in 0..3 {
            let schedule = schedule::draw(mode, seed);
            let (a, b) = (world::run(&schedule, None, true), world::run(&schedule, None, true));
            assert!(a.log == b.log, "{name}, seed {seed}");
            assert_eq!(a.violation, b.violation);
        }
    }
}
