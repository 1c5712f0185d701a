//! What happens in one run: the group, its clients, its network, and a short list of faults. Everything follows from a seed.
use crate::random::Random;
use lab_core::{
    replicate::{
        Ack, Freshness, Mode, Reads,
        member::{Membership, Transfer},
    },
    time::Span,
};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Everything that a run depends on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Schedule {
    /// Decides what the rest leaves open: delays, losses, what the clients do.
    pub(crate) seed: u64,
    /// The protocol.
    pub(crate) mode: Mode,
    /// Whether retries carry an idempotency key.
    pub(crate) deduplicate: bool,
    /// Replicas of the group.
    pub(crate) replicas: u32,
    /// Clients, each with one call at a time.
    pub(crate) clients: u32,
    /// Calls of each client.
    pub(crate) calls: u32,
    /// Mean pause of a client between two calls.
    pub(crate) pause: Span,
    /// Keys, from 1.
    pub(crate) keys: u64,
    /// Share of reads among the calls.
    pub(crate) reads: f64,
    /// How long a client waits for an attempt.
    pub(crate) patience: Span,
    /// Workers of a replica.
    pub(crate) workers: u32,
    /// Mean time of an operation on a worker.
    pub(crate) service: Span,
    /// The network on a good day.
    pub(crate) network: Network,
    /// The membership's settings.
    pub(crate) membership: Membership,
    /// Replicas crash even if so many have that acknowledged writes are lost: the group must go on all the same.
    pub(crate) reckless: bool,
    /// What goes wrong.
    pub(crate) faults: Vec<Fault>,
}

/// What the network does to a message between two replicas or a replica and the manager.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Network {
    /// A message takes up to this long, most of the time.
    pub(crate) delay: Span,
    /// This share takes up to `late` instead.
    pub(crate) late_share: f64,
    /// See `late_share`.
    pub(crate) late: Span,
    /// This share is lost.
    pub(crate) loss: f64,
    /// This share comes twice.
    pub(crate) twice: f64,
}

/// Something that goes wrong for a while.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Fault {
    /// When it begins, milliseconds into the run.
    pub(crate) at: u64,
    /// How long it lasts, milliseconds.
    pub(crate) lasts: u64,
    /// What it is.
    pub(crate) what: What,
}

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum What {
    /// The replica loses its memory; restarted at the end.
    Crash(u32),
    /// The replica stands still.
    Pause(u32),
    /// The replica's work takes this many times as long.
    Slow(u32, f64),
    /// One after the other, each replica is restarted: down for this long (milliseconds), evenly over the fault's time.
    Rolling(u64),
    /// The manager forgets what is not on its disk; restarted at the end.
    ManagerCrash,
    /// The manager stands still.
    ManagerPause,
    /// No message crosses between the replicas in the set (bit `r` is replica `r`, bit 31 the manager) and the others.
    Partition(u32),
    /// Messages from the set do not get out; those to it get in.
    Mute(u32),
    /// This share of all messages is lost, those of clients included.
    Loss(f64),
    /// This share of the messages comes twice.
    Twice(f64),
    /// Delays are this many times as long.
    Delay(f64),
}

impl Fault {
    /// Which replica it strikes, if it is one.
    pub(crate) fn replica(&self) -> Option<u32> {
        match self.what {
            What::Crash(replica) | What::Pause(replica) | What::Slow(replica, _) => Some(replica),
            _ => None,
        }
    }
}

/// The manager's bit in [`What::Partition`].
pub(crate) const MANAGER_BIT: u32 = 1 << 31;

/// Faults are over this long after the run began, at the latest, milliseconds.
pub(crate) const FAULTS_END: u64 = 1_500;

/// The protocols under test, with their names.
pub(crate) const MODES: [(&str, Mode); 12] = [
    ("pb_all", Mode::PrimaryBackup { ack: Ack::All, reads: Reads::Leader }),
    ("pb_majority", Mode::PrimaryBackup { ack: Ack::Majority, reads: Reads::Leader }),
    ("pb_one", Mode::PrimaryBackup { ack: Ack::One, reads: Reads::Leader }),
    ("pb_all_any", Mode::PrimaryBackup { ack: Ack::All, reads: Reads::Any }),
    ("pb_majority_any", Mode::PrimaryBackup { ack: Ack::Majority, reads: Reads::Any }),
    ("pb_quorum", Mode::PrimaryBackup { ack: Ack::Majority, reads: Reads::Quorum }),
    ("pb_one_any", Mode::PrimaryBackup { ack: Ack::One, reads: Reads::Any }),
    ("chain", Mode::Chain),
    ("craq", Mode::Craq { reads: Freshness::Strong }),
    ("craq_eventual", Mode::Craq { reads: Freshness::Eventual }),
    ("craq_bounded", Mode::Craq { reads: Freshness::Bounded(Span::from_millis(15)) }),
    ("shared_log", Mode::SharedLog),
];

/// Every schedule of `mode` and `seed` is the same, for ever.
pub(crate) fn draw(mode: Mode, seed: u64) -> Schedule {
    let mut random = Random::new(seed);
    let random = &mut random;
    let replicas = random.one_of(&[1, 2, 2, 3, 3, 3, 3, 3, 3, 4, 4, 5, 5]);
    let millis = |random: &mut Random, from, to| Span::from_millis(random.between(from, to));
    let timeout = random.between(60, 160);
    let network = Network {
        delay: Span(random.one_of(&[200_000, 1_000_000, 4_000_000])),
        late_share: random.one_of(&[0.0, 0.01, 0.1]),
        late: millis(random, 10, 300),
        loss: random.one_of(&[0.0, 0.0, 0.01, 0.1]),
        twice: random.one_of(&[0.0, 0.0, 0.05]),
    };
    let membership = Membership {
        heartbeat: millis(random, 10, 25),
        priority: random.chance(0.7),
        timeout: Span::from_millis(timeout),
        lease: millis(random, timeout / 2, timeout),
        admit_after: millis(random, 20, 100),
        takeover: Span::from_millis(random.one_of(&[0, 0, 0, 40])),
        max_ejected: random.one_of(&[1.0, 1.0, 1.0, 0.5]),
        panic_below: random.one_of(&[0.0, 0.0, 0.0, 0.5]),
        transfer: Transfer { part: random.between(1, 4) as u32, pause: millis(random, 0, 5) },
    };
    let mut faults: Vec<Fault> = match mode {
        // It promises nothing when a view changes: mostly schedules in which none has to.
        Mode::PrimaryBackup { ack: Ack::One, .. } if random.chance(0.6) => {
            (0..random.below(3)).map(|_| harmless(random)).collect()
        }
        _ => {
            let most = random.one_of(&[6, 6, 6, 6, 20]);
            (0..1 + random.below(most)).map(|_| fault(random, replicas)).collect()
        }
    };
    // Now and then one fault strikes again and again.
    if random.chance(0.15) && !faults.is_empty() {
        let again = faults[random.below(faults.len())];
        faults.extend((0..3).map(|_| Fault { at: random.between(0, FAULTS_END - 100), ..again }));
    }
    for fault in &mut faults {
        fault.lasts = fault.lasts.min(FAULTS_END - fault.at.min(FAULTS_END));
    }
    faults.sort_by_key(|fault| fault.at);
    Schedule {
        seed,
        mode,
        deduplicate: random.chance(0.5),
        replicas,
        clients: random.between(2, 6) as u32,
        calls: 200,
        pause: Span(random.one_of(&[3_000_000, 10_000_000, 30_000_000])),
        keys: random.between(1, 4),
        reads: random.one_of(&[0.2, 0.5, 0.8]),
        patience: millis(random, 20, 80),
        workers: random.between(1, 4) as u32,
        service: Span(random.one_of(&[50_000, 300_000, 1_000_000])),
        network,
        membership,
        reckless: random.chance(0.05),
        faults,
    }
}

fn harmless(random: &mut Random) -> Fault {
    let what = match random.below(3) {
        0 => What::Twice(0.3),
        1 => What::Delay(random.one_of(&[2.0, 5.0])),
        _ => What::Loss(random.one_of(&[0.02, 0.1])),
    };
    Fault { at: random.between(0, FAULTS_END - 200), lasts: random.between(20, 300), what }
}

fn fault(random: &mut Random, replicas: u32) -> Fault {
    let replica = random.below(replicas as usize) as u32;
    // Any split that has somebody on both sides.
    let everyone = ((1 << replicas) - 1) | MANAGER_BIT;
    let side = loop {
        let side = (random.bits() as u32) & everyone;
        if side != 0 && side != everyone {
            break side;
        }
    };
    let side = if random.chance(0.4) { 1 << replica } else { side };
    let what = match random.below(20) {
        0..=4 => What::Crash(replica),
        5..=7 => What::Pause(replica),
        8 => What::Slow(replica, random.one_of(&[10.0, 100.0])),
        9 => What::Rolling(random.between(1, 100)),
        10 => What::ManagerCrash,
        11 => What::ManagerPause,
        12..=14 => What::Partition(side),
        15..=16 => What::Mute(side),
        17 => What::Loss(random.one_of(&[0.2, 0.5, 0.9])),
        18 => What::Twice(0.5),
        _ => What::Delay(random.one_of(&[3.0, 10.0, 40.0])),
    };
    let lasts = match random.below(3) {
        0 => random.between(1, 30),
        1 => random.between(30, 200),
        _ => random.between(200, 600),
    };
    Fault { at: random.between(0, FAULTS_END - 200), lasts, what }
}

/// On one line, as [`Schedule::parse`] reads it.
impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}

impl Schedule {
    /// Reads what was printed.
    pub(crate) fn parse(text: &str) -> Result<Schedule, serde_json::Error> {
        serde_json::from_str(text)
    }
}
