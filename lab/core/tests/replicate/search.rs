//! The search: many seeds, and what to print when one fails.
use crate::{
    audit::Violation,
    minimise::minimise,
    sabotage::Sabotage,
    schedule::{self, MODES, Schedule},
    world::{self, Report},
};
use lab_core::{replicate::Mode, time::Span};
use std::{
    env,
    panic::{self, AssertUnwindSafe},
};

/// Runs `schedule`; a panic is a violation as well.
pub(crate) fn try_run(schedule: &Schedule, sabotage: Option<Sabotage>, log: bool) -> Report {
    panic::catch_unwind(AssertUnwindSafe(|| world::run(schedule, sabotage, log))).unwrap_or_else(|cause| {
        let text = cause
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| cause.downcast_ref::<&str>().copied())
            .unwrap_or("a panic");
        Report {
            violation: Some(Violation::new("panic", text.into())),
            void: false,
            answered: 0,
            writes: 0,
            messages: 0,
            views: 0,
            settled_in: Span::ZERO,
            log: vec![],
        }
    })
}

/// What a search has seen.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) schedules: u64,
    pub(crate) void: u64,
    pub(crate) answered: usize,
    pub(crate) views: u64,
    pub(crate) slowest: Span,
}

/// Tries `count` seeds from `first` on; the first schedule that fails, and how.
pub(crate) fn search(
    mode: Mode,
    first: u64,
    count: u64,
    sabotage: Option<Sabotage>,
) -> (Tally, Option<(Schedule, Violation)>) {
    let mut tally = Tally::default();
    for seed in first..first.saturating_add(count) {
        let schedule = schedule::draw(mode, seed);
        let report = try_run(&schedule, sabotage, false);
        tally.schedules += 1;
        tally.void += u64::from(report.void);
        tally.answered += report.answered;
        tally.views += report.views;
        tally.slowest = tally.slowest.max(report.settled_in);
        if let Some(violation) = report.violation {
            return (tally, Some((schedule, violation)));
        }
    }
    (tally, None)
}

/// A number from the environment.
fn setting(name: &str, default: u64) -> u64 {
    env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Schedules of each protocol when nobody asks for more.
const SCHEDULES: u64 = 1_000;

/// `LAB_FAULT_SEEDS` schedules of one protocol from seed `LAB_FAULT_FIRST` on.
fn holds(name: &str) {
    let mode = MODES.iter().find(|(n, _)| *n == name).map(|(_, mode)| *mode).expect("a protocol's name");
    let count = setting("LAB_FAULT_SEEDS", SCHEDULES);
    #[allow(clippy::disallowed_methods, clippy::disallowed_types)]
    // How fast the search is, is no part of a run.
    let began = std::time::Instant::now();
    let (tally, found) = search(mode, setting("LAB_FAULT_FIRST", 0), count, None);
    let seconds = began.elapsed().as_secs_f64();
    println!(
        "{name}: {} schedules ({:.0}/s), {} with more memory lost than the mode allows for; {} operations answered, \
         {} views; settled after at most {}",
        tally.schedules,
        tally.schedules as f64 / seconds,
        tally.void,
        tally.answered,
        tally.views,
        tally.slowest,
    );
    let Some((schedule, violation)) = found else { return };
    let small = minimise(&schedule, None, violation.kind);
    panic!(
        "{name}, seed {}: {}: {}\n\nThe schedule, minimised (LAB_FAULT_REPLAY='…' shows what happens):\n{small}\n\
         which ends in: {:?}",
        schedule.seed,
        violation.kind,
        violation.detail,
        try_run(&small, None, false).violation
    );
}

macro_rules! protocols {
    ($($name:ident)*) => {$(
        #[test]
        fn $name() {
            holds(stringify!($name));
        }
    )*};
}
protocols! { pb_all pb_majority pb_one pb_all_any pb_majority_any pb_quorum pb_one_any chain craq craq_eventual craq_bounded shared_log }

/// Runs the schedule in `LAB_FAULT_REPLAY` and tells the whole story.
#[test]
fn replay() {
    let Ok(text) = env::var("LAB_FAULT_REPLAY") else { return };
    let schedule = Schedule::parse(&text).expect("a schedule as it was printed");
    assert_eq!(Schedule::parse(&schedule.to_string()).ok().as_ref(), Some(&schedule));
    let report = try_run(&schedule, None, true);
    println!("{}\n{:?}", report.log.join("\n"), report.violation);
    assert_eq!(report.violation, None);
}

/// Schedules that the search found long ago; one a line.
#[test]
fn what_once_failed_does_not_fail_again() {
    for line in include_str!("once_failed.jsonl").lines() {
        let schedule = Schedule::parse(line).expect("a schedule as it was printed");
        assert_eq!(try_run(&schedule, None, false).violation, None, "{line}");
    }
}

#[test]
fn a_schedule_is_what_it_was_printed_as() {
    for (_, mode) in MODES {
        for seed in 0..50 {
            let schedule = schedule::draw(mode, seed);
            assert_eq!(Schedule::parse(&schedule.to_string()).ok(), Some(schedule));
        }
    }
}
