//! The server machine, step by step.
use lab_core::{
    call::{Attempt, Job, Outcome},
    demand::Demand,
    draw::Draw,
    machine::Machine,
    queue::Discipline,
    server::{Cancel, DemandPer, Server, ServerControl, ServerIn, ServerOut, ServerPolicy, Work},
    setting::ServerSetting,
    time::{Span, Time},
};

fn ms(ms: u64) -> Time {
    Time(ms * 1_000_000)
}

const fn span(ms: u64) -> Span {
    Span::from_millis(ms)
}

/// One worker, 100 ms of work each, an unbounded FIFO queue.
fn policy() -> ServerPolicy {
    ServerPolicy {
        workers: 1,
        discipline: Discipline::Fifo,
        capacity: usize::MAX,
        service_time: Demand::Constant(span(100)),
        demand_per: DemandPer::Call,
        cancel: Cancel::Never,
        rejection_cost: Span::ZERO,
        error_service_time: None,
    }
}

/// A server with its timers: they go off in order when time moves on.
struct Rig {
    server: Server,
    out: Vec<ServerOut>,
    now: Time,
    timers: Vec<(Time, u32, u32)>,
}

/// Whom an answer is for, how it ended (`None`: dropped without one), when, and what it cost.
type Ending = (u64, Option<Outcome>, Time, Work);

impl Rig {
    fn new(policy: &ServerPolicy) -> Rig {
        let server = Server::new(policy, Draw { seed: 1 });
        Rig { server, out: vec![], now: Time::ZERO, timers: vec![] }
    }

    fn step(&mut self, input: ServerIn) -> Vec<Ending> {
        let now = self.now;
        self.server.step(now, input, &mut self.out);
        let mut endings = vec![];
        for output in self.out.drain(..) {
            match output {
                ServerOut::WakeAt { at, worker, epoch } => {
                    assert!(at >= now, "a timer in the past");
                    self.timers.push((at, worker, epoch));
                }
                ServerOut::Reply { job, outcome, work } => endings.push((job.call, Some(outcome), now, work)),
                ServerOut::Drop { job, work } => endings.push((job.call, None, now, work)),
            }
        }
        endings
    }

    /// Lets time pass until `until`, timers of that instant included.
    fn pass(&mut self, until: Time) -> Vec<Ending> {
        let mut endings = vec![];
        while let Some(first) =
            (0..self.timers.len()).filter(|i| self.timers[*i].0 <= until).min_by_key(|i| self.timers[*i].0)
        {
            let (at, worker, epoch) = self.timers.remove(first);
            self.now = self.now.max(at);
            endings.extend(self.step(ServerIn::Woken { worker, epoch }));
        }
        self.now = until;
        endings
    }

    fn arrive(&mut self, call: u64) -> Vec<Ending> {
        self.step(ServerIn::Arrive(job(call, Time::NEVER)))
    }

    fn tell(&mut self, control: ServerControl) -> Vec<Ending> {
        self.step(ServerIn::Control(control))
    }

    fn disconnect(&mut self, call: u64) -> Vec<Ending> {
        self.step(ServerIn::Disconnected { client: 0, attempt: job(call, Time::NEVER).attempt })
    }
}

fn job(call: u64, gives_up_at: Time) -> Job {
    let attempt = Attempt { slot: call as u32, generation: call as u32 + 1 };
    Job { client: 0, attempt, call, number: 1, gives_up_at }
}

fn order(endings: &[Ending]) -> Vec<u64> {
    endings.iter().map(|e| e.0).collect()
}

fn outcomes(endings: &[Ending]) -> Vec<(u64, Option<Outcome>)> {
    endings.iter().map(|e| (e.0, e.1)).collect()
}

const SUCCESS: Option<Outcome> = Some(Outcome::Success);
const REJECTED: Option<Outcome> = Some(Outcome::Rejected);
const RESET: Option<Outcome> = Some(Outcome::Reset);
const FAILED: Option<Outcome> = Some(Outcome::Error);

#[test]
fn capacity_counts_waiting_places_only() {
    let mut rig = Rig::new(&ServerPolicy { capacity: 2, workers: 2, ..policy() });
    // Two at work, two waiting, the fifth is turned away at once.
    for call in 0..4 {
        assert_eq!(rig.arrive(call), []);
    }
    assert_eq!((rig.server.busy(), rig.server.queued(), rig.server.inside()), (2, 2, 4));
    assert_eq!(rig.arrive(4), [(4, REJECTED, ms(0), Work::default())]);
    // No waiting place at all still leaves the workers.
    let mut rig = Rig::new(&ServerPolicy { capacity: 0, ..policy() });
    assert_eq!(rig.arrive(0), []);
    assert_eq!(outcomes(&rig.arrive(1)), [(1, REJECTED)]);
}

#[test]
fn work_is_accounted_for_as_waited_held_and_stale() {
    let mut rig = Rig::new(&policy());
    rig.arrive(0);
    rig.step(ServerIn::Arrive(job(1, ms(150))));
    let work = |waited, held, stale| Work { waited: span(waited), held: span(held), stale: span(stale) };
    assert_eq!(
        rig.pass(ms(1000)),
        [(0, SUCCESS, ms(100), work(0, 100, 0)), (1, SUCCESS, ms(200), work(100, 100, 50))]
    );
}

#[test]
fn fifo_serves_the_oldest_and_lifo_the_newest() {
    for (discipline, expected) in [(Discipline::Fifo, [0, 1, 2, 3]), (Discipline::Lifo, [0, 3, 2, 1])] {
        let mut rig = Rig::new(&ServerPolicy { discipline, ..policy() });
        for call in 0..4 {
            rig.arrive(call);
        }
        assert_eq!(order(&rig.pass(ms(1000))), expected);
    }
}

#[test]
fn adaptive_lifo_turns_round_when_the_queue_stands() {
    let discipline = Discipline::AdaptiveLifo { interval: span(250), target: Span::FOREVER };
    let mut rig = Rig::new(&ServerPolicy { discipline, ..policy() });
    for call in 0..6 {
        rig.arrive(call);
    }
    // Last empty at 0: at 100 and 200 ms it is still oldest first, from 300 ms on newest first.
    assert_eq!(order(&rig.pass(ms(1000))), [0, 1, 2, 5, 4, 3]);
    // It has been empty, so it begins as a FIFO queue again.
    for call in 10..13 {
        rig.arrive(call);
    }
    assert_eq!(order(&rig.pass(ms(2000))), [10, 11, 12]);
}

#[test]
fn controlled_delay_turns_the_oldest_away_and_always_serves_one() {
    let discipline = Discipline::AdaptiveLifo { interval: span(250), target: span(50) };
    let mut rig = Rig::new(&ServerPolicy { discipline, ..policy() });
    for call in 0..5 {
        rig.arrive(call);
    }
    rig.pass(ms(280));
    rig.arrive(5);
    // At 300 ms the queue has stood for 300: of 3, 4 (waiting 300 ms) and 5 (20 ms) only 5 is within the target.
    let endings = rig.pass(ms(300));
    assert_eq!(outcomes(&endings)[1..], [(4, REJECTED), (3, REJECTED)]);
    assert_eq!(order(&rig.pass(ms(400))), [5]);
    // The newest is served however long it has waited.
    let mut rig = Rig::new(&ServerPolicy { discipline, ..policy() });
    rig.tell(ServerControl::SlowDown(10.0));
    for call in 0..3 {
        rig.arrive(call);
    }
    assert_eq!(outcomes(&rig.pass(ms(2000))), [(0, SUCCESS), (1, REJECTED), (2, SUCCESS)]);
}

/// CoDel by hand, after RFC 8289 §5 and Linux `codel_impl.h`: target 5 ms, interval 100 ms, one departure every 10 ms, 1,000 jobs that
/// all came at 0. The first departure from the queue, at 10 ms, finds a wait of 10 ms: above the target, so dropping may begin
/// 100 ms later, at 110 ms: one drop, the next at 110 + 100/√1 = 210, then 210 + 100/√2 = 280.7, + 100/√3 = 338.4, + 100/√4 = 388.4. Drops
/// happen at departures, at the next multiple of 10 ms.
#[test]
fn codel_drops_at_the_pace_of_its_control_law() {
    let discipline = Discipline::Codel { target: span(5), interval: span(100) };
    let service_time = Demand::Constant(span(10));
    let mut rig = Rig::new(&ServerPolicy { discipline, service_time, ..policy() });
    for call in 0..1000 {
        rig.arrive(call);
    }
    let endings = rig.pass(ms(400));
    let drops: Vec<u64> = endings.iter().filter(|e| e.1 == REJECTED).map(|e| e.2.0 / 1_000_000).collect();
    assert_eq!(drops, [110, 210, 290, 340, 390]);
    // It drops from the front: the eleventh to leave the queue is the first to go.
    assert_eq!(endings.iter().find(|e| e.1 == REJECTED).unwrap().0, 11);
}

/// An episode that ends and a new one within 16 intervals: it resumes at the pace that the last one had reached
/// (count − lastcount), not from the beginning.
#[test]
fn codel_resumes_its_pace_after_a_short_rest() {
    let discipline = Discipline::Codel { target: span(5), interval: span(100) };
    let service_time = Demand::Constant(span(10));
    let mut rig = Rig::new(&ServerPolicy { discipline, service_time, ..policy() });
    for call in 0..40 {
        rig.arrive(call);
    }
    // 35 are served and 4 dropped by 350 ms; the last one is served whatever its wait, which ends the episode.
    let first = rig.pass(ms(500));
    let drops = |endings: &[Ending]| -> Vec<u64> {
        endings.iter().filter(|e| e.1 == REJECTED).map(|e| e.2.0 / 1_000_000).collect()
    };
    assert_eq!(drops(&first), [110, 210, 290, 340]);
    for call in 100..1100 {
        rig.arrive(call);
    }
    // Above the target since 510; dropping again from 610 at count 4 − 1 = 3: 610 + 100/√3 = 667.7, + 100/√4 = 717.7, + 100/√5 = 762.5.
    assert_eq!(drops(&rig.pass(ms(770))), [610, 670, 720, 770]);
}

#[test]
fn codel_leaves_a_short_wait_and_the_last_in_the_queue_alone() {
    let discipline = Discipline::Codel { target: span(5), interval: span(100) };
    let mut rig = Rig::new(&ServerPolicy { discipline, ..policy() });
    let mut endings = vec![];
    // One at work and one waiting 100 ms, again and again: it is always the last in the queue.
    rig.arrive(0);
    for call in 1..20 {
        rig.arrive(call);
        let until = rig.now + span(100);
        endings.extend(rig.pass(until));
    }
    assert!(endings.iter().all(|e| e.1 == SUCCESS), "{endings:?}");
}

#[test]
fn a_server_that_does_not_learn_of_it_finishes_stale_work() {
    let mut rig = Rig::new(&policy());
    rig.arrive(0);
    rig.arrive(1);
    assert_eq!(rig.disconnect(0), []);
    assert_eq!(rig.disconnect(1), []);
    assert_eq!(outcomes(&rig.pass(ms(500))), [(0, SUCCESS), (1, SUCCESS)]);
}

#[test]
fn a_closed_connection_takes_work_out_of_the_queue_and_off_the_worker() {
    let mut rig = Rig::new(&ServerPolicy { cancel: Cancel::OnDisconnect, ..policy() });
    for call in 0..5 {
        rig.arrive(call);
    }
    rig.pass(ms(30));
    rig.disconnect(1);
    rig.disconnect(3);
    assert_eq!((rig.server.queued(), rig.server.inside()), (2, 3));
    // The one at work is dropped with what it cost, and the next starts at once.
    let held = Work { held: span(30), ..Work::default() };
    assert_eq!(rig.disconnect(0), [(0, None, ms(30), held)]);
    // The dropped work's timer at 100 ms is stale: nothing ends before 130 ms.
    assert_eq!(rig.pass(ms(129)), []);
    assert_eq!(outcomes(&rig.pass(ms(500))), [(2, SUCCESS), (4, SUCCESS)]);
    // Who has been answered, or was never there, can hang up too.
    assert_eq!(rig.disconnect(2), []);
    assert_eq!(rig.disconnect(77), []);
    assert_eq!(rig.server.inside(), 0);
}

#[test]
fn places_of_callers_that_have_gone_are_free_again_and_swept() {
    let mut rig = Rig::new(&ServerPolicy { cancel: Cancel::OnDisconnect, capacity: 4, ..policy() });
    for round in 0..100u64 {
        for call in 0..5 {
            assert_eq!(rig.arrive(round * 10 + call), [], "round {round}");
        }
        assert_eq!(outcomes(&rig.arrive(round * 10 + 5)), [(round * 10 + 5, REJECTED)]);
        for call in (0..5).rev() {
            rig.disconnect(round * 10 + call);
        }
        assert_eq!(rig.server.inside(), 0, "round {round}");
    }
    assert_eq!(rig.pass(ms(500)), []);
}

#[test]
fn a_deadline_keeps_work_from_starting_and_stops_it_when_it_passes() {
    let mut rig = Rig::new(&ServerPolicy { cancel: Cancel::Deadline, ..policy() });
    for (call, gives_up_at) in [(0, 1000), (1, 90), (2, 150), (3, 1000)] {
        rig.step(ServerIn::Arrive(job(call, ms(gives_up_at))));
    }
    let work = |waited, held| Work { waited: span(waited), held: span(held), stale: Span::ZERO };
    // 1 is over its deadline when its turn comes; 2 is stopped half-way, no answer either.
    assert_eq!(
        rig.pass(ms(1000)),
        [
            (0, SUCCESS, ms(100), work(0, 100)),
            (1, None, ms(100), work(100, 0)),
            (2, None, ms(150), work(100, 50)),
            (3, SUCCESS, ms(250), work(150, 100)),
        ]
    );
}

#[test]
fn a_rejection_is_paid_for_by_the_next_work_to_start() {
    let mut rig = Rig::new(&ServerPolicy { capacity: 1, rejection_cost: span(7), ..policy() });
    for call in 0..5 {
        rig.arrive(call);
    }
    // Three rejections, 21 ms: call 0 is at work already, call 1 pays, nobody after it.
    let endings = rig.pass(ms(400));
    assert_eq!(endings.iter().map(|e| e.3.held).collect::<Vec<_>>(), [span(100), span(121)]);
    rig.arrive(9);
    assert_eq!(rig.pass(ms(800))[0].3.held, span(100));
}

#[test]
fn an_error_burst_fails_a_share_with_or_without_work() {
    let share_of = |rig: &mut Rig| {
        let mut failed = 0;
        for call in 0..2000 {
            let mut endings = rig.arrive(call);
            let until = rig.now + span(1000);
            endings.extend(rig.pass(until));
            assert_eq!(endings.len(), 1);
            let held = endings[0].3.held;
            match endings[0].1 {
                FAILED => {
                    failed += 1;
                    assert_eq!(
                        held,
                        if rig.server.busy() == 0 && held > Span::ZERO { span(30) } else { Span::ZERO }
                    );
                }
                _ => assert_eq!(held, span(100)),
            }
        }
        failed
    };
    let mut cheap = Rig::new(&policy());
    cheap.tell(ServerControl::ErrorShare(0.25));
    // Binomial(2,000, 1/4): standard deviation 19.
    assert!((420..580).contains(&share_of(&mut cheap)));
    let mut costly =
        Rig::new(&ServerPolicy { error_service_time: Some(Demand::Constant(span(30))), ..policy() });
    costly.tell(ServerControl::ErrorShare(0.25));
    assert!((420..580).contains(&share_of(&mut costly)));
    costly.tell(ServerControl::ErrorShare(1.0));
    costly.arrive(5000);
    let until = costly.now + span(29);
    assert_eq!(costly.pass(until), []);
    let until = costly.now + span(1);
    assert_eq!(outcomes(&costly.pass(until)), [(5000, FAILED)]);
    costly.tell(ServerControl::ErrorShare(0.0));
    costly.arrive(5001);
    let until = costly.now + span(100);
    assert_eq!(outcomes(&costly.pass(until)), [(5001, SUCCESS)]);
}

#[test]
fn a_slow_down_acts_on_work_that_starts() {
    let mut rig = Rig::new(&policy());
    for call in 0..3 {
        rig.arrive(call);
    }
    rig.pass(ms(50));
    rig.tell(ServerControl::SlowDown(3.0));
    // Call 0 has started before; call 1 takes 300 ms, and keeps them when the slow-down ends.
    rig.pass(ms(150));
    rig.tell(ServerControl::SlowDown(1.0));
    let ends: Vec<Time> = rig.pass(ms(1000)).iter().map(|e| e.2).collect();
    assert_eq!(ends, [ms(400), ms(500)]);
}

#[test]
fn a_pause_keeps_what_is_left_of_the_work_and_lets_arrivals_in_afterwards_in_order() {
    let mut rig = Rig::new(&ServerPolicy { capacity: 2, ..policy() });
    rig.step(ServerIn::Arrive(job(0, ms(550))));
    rig.pass(ms(40));
    rig.tell(ServerControl::Pause);
    assert_eq!(rig.pass(ms(200)), []);
    // They wait outside: no place is taken, nobody is turned away yet.
    for call in 1..5 {
        assert_eq!(rig.arrive(call), []);
    }
    assert_eq!((rig.server.busy(), rig.server.queued(), rig.server.inside()), (1, 0, 5));
    assert_eq!(rig.pass(ms(500)), []);
    let turned_away = rig.tell(ServerControl::Resume);
    let waited = Work { waited: span(300), ..Work::default() };
    assert_eq!(turned_away, [(3, REJECTED, ms(500), waited), (4, REJECTED, ms(500), waited)]);
    let endings = rig.pass(ms(2000));
    assert_eq!(order(&endings), [0, 1, 2]);
    // 60 ms were left; the 10 ms of them after 550 ms are stale. Waits count from when they came.
    assert_eq!(
        (endings[0].2, endings[0].3),
        (ms(560), Work { waited: Span::ZERO, held: span(100), stale: span(10) })
    );
    assert_eq!((endings[1].2, endings[1].3.waited), (ms(660), span(360)));
}

#[test]
fn time_in_a_pause_is_no_stale_work() {
    let mut rig = Rig::new(&policy());
    rig.step(ServerIn::Arrive(job(0, ms(30))));
    rig.pass(ms(50));
    rig.tell(ServerControl::Pause);
    rig.pass(ms(1050));
    rig.tell(ServerControl::Resume);
    // 20 ms before the pause and 50 after it are stale.
    let work = Work { waited: Span::ZERO, held: span(100), stale: span(70) };
    assert_eq!(rig.pass(ms(2000)), [(0, SUCCESS, ms(1100), work)]);
}

#[test]
fn a_deadline_that_passes_in_a_pause_stops_the_work_when_it_is_over() {
    let mut rig = Rig::new(&ServerPolicy { cancel: Cancel::Deadline, workers: 2, ..policy() });
    rig.step(ServerIn::Arrive(job(0, ms(300))));
    rig.step(ServerIn::Arrive(job(1, ms(520))));
    rig.pass(ms(40));
    rig.tell(ServerControl::Pause);
    rig.pass(ms(500));
    rig.tell(ServerControl::Resume);
    let held = |held| Work { held: span(held), ..Work::default() };
    assert_eq!(rig.pass(ms(2000)), [(0, None, ms(500), held(40)), (1, None, ms(520), held(60))]);
}

#[test]
fn disconnects_during_a_pause_take_effect_after_it() {
    let mut rig = Rig::new(&ServerPolicy { cancel: Cancel::OnDisconnect, ..policy() });
    rig.arrive(0);
    rig.tell(ServerControl::Pause);
    rig.arrive(1);
    assert_eq!(rig.disconnect(0), []);
    assert_eq!(rig.disconnect(1), []);
    rig.pass(ms(50));
    assert_eq!(outcomes(&rig.tell(ServerControl::Resume)), [(0, None), (1, None)]);
    assert_eq!(rig.server.inside(), 0);
}

#[test]
fn a_crash_resets_everybody_and_counts_the_work_as_lost() {
    let mut rig = Rig::new(&policy());
    rig.arrive(0);
    rig.arrive(1);
    rig.pass(ms(60));
    let work = |waited, held| Work { waited: span(waited), held: span(held), stale: Span::ZERO };
    assert_eq!(
        rig.tell(ServerControl::Crash),
        [(0, RESET, ms(60), work(0, 60)), (1, RESET, ms(60), work(60, 0))]
    );
    assert_eq!(rig.server.inside(), 0);
    // Refused at once while down; the old timer is stale, also after the restart.
    assert_eq!(rig.arrive(2), [(2, RESET, ms(60), Work::default())]);
    rig.pass(ms(90));
    rig.tell(ServerControl::Restart);
    assert_eq!(rig.arrive(3), []);
    assert_eq!(rig.pass(ms(189)), []);
    assert_eq!(outcomes(&rig.pass(ms(190))), [(3, SUCCESS)]);
}

#[test]
fn a_crash_in_a_pause_resets_those_outside_too() {
    let mut rig = Rig::new(&policy());
    rig.arrive(0);
    rig.pass(ms(10));
    rig.tell(ServerControl::Pause);
    rig.pass(ms(30));
    rig.arrive(1);
    rig.pass(ms(50));
    let endings = rig.tell(ServerControl::Crash);
    assert_eq!(outcomes(&endings), [(0, RESET), (1, RESET)]);
    // Work stopped when the pause began.
    assert_eq!((endings[0].3.held, endings[1].3.waited), (span(10), span(20)));
    // A pause ends with the process; its end changes nothing.
    assert_eq!(rig.tell(ServerControl::Resume), []);
    assert_eq!(outcomes(&rig.arrive(2)), [(2, RESET)]);
    rig.tell(ServerControl::Restart);
    rig.arrive(3);
    assert_eq!(outcomes(&rig.pass(ms(500))), [(3, SUCCESS)]);
}

#[test]
fn a_flush_turns_away_who_waits_and_nobody_else() {
    let mut rig = Rig::new(&ServerPolicy { cancel: Cancel::OnDisconnect, ..policy() });
    for call in 0..5 {
        rig.arrive(call);
    }
    rig.disconnect(2);
    rig.pass(ms(20));
    assert_eq!(outcomes(&rig.tell(ServerControl::Flush)), [(1, REJECTED), (3, REJECTED), (4, REJECTED)]);
    rig.arrive(9);
    assert_eq!(outcomes(&rig.pass(ms(500))), [(0, SUCCESS), (9, SUCCESS)]);
}

#[test]
fn attempts_of_a_call_share_their_demand_unless_told_otherwise() {
    let held = |demand_per| {
        let service_time = Demand::Exponential { mean: span(100) };
        let mut rig = Rig::new(&ServerPolicy { demand_per, service_time, ..policy() });
        let mut spans = vec![];
        for number in 1..4 {
            rig.step(ServerIn::Arrive(Job { number, ..job(5, Time::NEVER) }));
            let until = rig.now + Span::from_secs(10);
            spans.push(rig.pass(until)[0].3.held);
        }
        spans
    };
    let shared = held(DemandPer::Call);
    assert!(shared.iter().all(|s| *s == shared[0]), "{shared:?}");
    let own = held(DemandPer::Attempt);
    assert!(own[0] != own[1] && own[1] != own[2], "{own:?}");
}

fn set(setting: ServerSetting) -> ServerControl {
    ServerControl::Set(setting)
}

#[test]
fn added_workers_begin_at_once_with_what_waits() {
    let mut rig = Rig::new(&policy());
    for call in 0..5 {
        rig.arrive(call);
    }
    rig.pass(ms(50));
    rig.tell(set(ServerSetting::Workers(3)));
    assert_eq!((rig.server.busy(), rig.server.queued(), rig.server.workers()), (3, 2, 3));
    // Call 0 has begun at 0 ms, calls 1 and 2 at 50 ms, and whoever is free takes the next.
    assert_eq!(order(&rig.pass(ms(150))), [0, 1, 2]);
    assert_eq!(order(&rig.pass(ms(250))), [3, 4]);
}

#[test]
fn workers_are_taken_away_when_they_are_free() {
    let mut rig = Rig::new(&ServerPolicy { workers: 4, ..policy() });
    for call in 0..3 {
        rig.arrive(call);
    }
    // One is free and goes at once; of three at work one goes when its work is done.
    rig.tell(set(ServerSetting::Workers(2)));
    for call in 3..6 {
        rig.arrive(call);
    }
    assert_eq!((rig.server.busy(), rig.server.queued()), (3, 3));
    let done = rig.pass(ms(100));
    assert_eq!(order(&done), [0, 1, 2]);
    assert!(done.iter().all(|ending| ending.3.held == span(100)), "nobody's work is cut: {done:?}");
    assert_eq!((rig.server.busy(), rig.server.queued()), (2, 1));
    assert_eq!(order(&rig.pass(ms(300))), [3, 4, 5]);
    assert_eq!((rig.server.busy(), rig.server.queued()), (0, 0));
}

#[test]
fn workers_that_were_to_leave_stay_when_they_are_wanted_again() {
    let mut rig = Rig::new(&ServerPolicy { workers: 3, ..policy() });
    for call in 0..6 {
        rig.arrive(call);
    }
    rig.tell(set(ServerSetting::Workers(1)));
    rig.tell(set(ServerSetting::Workers(2)));
    assert_eq!((rig.server.busy(), rig.server.queued()), (3, 3));
    rig.pass(ms(100));
    assert_eq!((rig.server.busy(), rig.server.queued()), (2, 1));
    // And one that has gone comes back.
    rig.tell(set(ServerSetting::Workers(3)));
    assert_eq!((rig.server.busy(), rig.server.queued()), (3, 0));
    assert_eq!(order(&rig.pass(ms(200))), [3, 4, 5]);
}

#[test]
fn workers_added_during_a_pause_begin_after_it() {
    let mut rig = Rig::new(&policy());
    for call in 0..3 {
        rig.arrive(call);
    }
    rig.tell(ServerControl::Pause);
    rig.tell(set(ServerSetting::Workers(2)));
    assert_eq!((rig.server.busy(), rig.server.queued()), (1, 2));
    rig.pass(ms(500));
    rig.tell(ServerControl::Resume);
    assert_eq!((rig.server.busy(), rig.server.queued()), (2, 1));
}

/// The workers are the config's, not the process's.
#[test]
fn a_crash_does_not_undo_a_setting() {
    let mut rig = Rig::new(&ServerPolicy { workers: 2, ..policy() });
    for call in 0..4 {
        rig.arrive(call);
    }
    rig.tell(set(ServerSetting::Workers(1)));
    assert_eq!(rig.tell(ServerControl::Crash).len(), 4);
    rig.tell(ServerControl::Restart);
    for call in 4..7 {
        rig.arrive(call);
    }
    assert_eq!((rig.server.busy(), rig.server.queued()), (1, 2));
    rig.tell(set(ServerSetting::Workers(2)));
    assert_eq!((rig.server.busy(), rig.server.queued()), (2, 1));
}

#[test]
fn who_waits_survives_a_change_of_discipline() {
    let mut rig = Rig::new(&policy());
    for call in 0..4 {
        rig.arrive(call);
    }
    assert_eq!(rig.tell(set(ServerSetting::Discipline(Discipline::Lifo))), []);
    assert_eq!(rig.server.queued(), 3);
    assert_eq!(order(&rig.pass(ms(200))), [0, 3]);
    assert_eq!(rig.tell(set(ServerSetting::Discipline(Discipline::Fifo))), []);
    rig.arrive(4);
    // Call 2 was taken when call 3 was done; then the oldest comes first again.
    assert_eq!(order(&rig.pass(ms(500))), [2, 1, 4]);
}

/// A queue in which somebody waits for longer than the interval stands, whatever its discipline has been so far.
#[test]
fn adaptive_lifo_takes_over_a_standing_queue() {
    let mut rig = Rig::new(&policy());
    for call in 0..4 {
        rig.arrive(call);
    }
    rig.pass(ms(150));
    let adaptive = Discipline::AdaptiveLifo { interval: span(40), target: Span::FOREVER };
    rig.tell(set(ServerSetting::Discipline(adaptive)));
    assert_eq!(order(&rig.pass(ms(400))), [1, 3, 2]);
}

#[test]
fn a_smaller_queue_keeps_who_waits_and_turns_others_away() {
    let mut rig = Rig::new(&policy());
    for call in 0..4 {
        rig.arrive(call);
    }
    assert_eq!(rig.tell(set(ServerSetting::Capacity(1))), []);
    assert_eq!(outcomes(&rig.arrive(4)), [(4, REJECTED)]);
    rig.pass(ms(300));
    assert_eq!((rig.server.queued(), rig.arrive(5)), (0, vec![]));
    assert_eq!(outcomes(&rig.arrive(6)), [(6, REJECTED)]);
    rig.tell(set(ServerSetting::Capacity(2)));
    assert_eq!(rig.arrive(7), []);
}

#[test]
fn deadlines_stop_work_that_starts_after_they_come_into_force() {
    let mut rig = Rig::new(&policy());
    for call in 0..3 {
        rig.step(ServerIn::Arrive(job(call, ms(50))));
    }
    rig.tell(set(ServerSetting::Cancel(Cancel::Deadline)));
    // Call 0 goes on to its end, and the others are dropped then.
    assert_eq!(outcomes(&rig.pass(ms(100))), [(0, SUCCESS), (1, None), (2, None)]);
}

#[test]
fn hang_ups_are_heard_of_from_when_they_are_listened_to() {
    let mut rig = Rig::new(&policy());
    for call in 0..5 {
        rig.arrive(call);
    }
    rig.disconnect(1);
    rig.tell(set(ServerSetting::Cancel(Cancel::OnDisconnect)));
    rig.disconnect(2);
    assert_eq!(rig.server.queued(), 3);
    // Call 0, at work, is dropped; call 1, which nobody listened to, is worked on; call 2 has gone.
    assert_eq!(outcomes(&rig.disconnect(0)), [(0, None)]);
    rig.disconnect(3);
    rig.tell(set(ServerSetting::Cancel(Cancel::Never)));
    rig.disconnect(4);
    assert_eq!(outcomes(&rig.pass(ms(1000))), [(1, SUCCESS), (4, SUCCESS)]);
}

mod property {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[derive(Clone, Debug)]
    enum Act {
        Arrive { patience: u64 },
        Disconnect(usize),
        Pass(u64),
        Control(ServerControl),
    }

    fn act() -> impl Strategy<Value = Act> {
        let controls = prop_oneof![
            (1u32..5).prop_map(|f| ServerControl::SlowDown(f64::from(f))),
            prop_oneof![Just(0.0), Just(0.3)].prop_map(ServerControl::ErrorShare),
            Just(ServerControl::Pause),
            Just(ServerControl::Resume),
            Just(ServerControl::Crash),
            Just(ServerControl::Restart),
            Just(ServerControl::Flush),
            setting().prop_map(ServerControl::Set),
        ];
        prop_oneof![
            8 => (0u64..600).prop_map(|patience| Act::Arrive { patience }),
            3 => any::<usize>().prop_map(Act::Disconnect),
            5 => (0u64..200).prop_map(Act::Pass),
            1 => controls.prop_map(Act::Control),
        ]
    }

    fn disciplines() -> impl Strategy<Value = Discipline> {
        prop_oneof![
            Just(Discipline::Fifo),
            Just(Discipline::Lifo),
            Just(Discipline::AdaptiveLifo { interval: span(100), target: span(20) }),
            Just(Discipline::AdaptiveLifo { interval: span(100), target: Span::FOREVER }),
            Just(Discipline::Codel { target: span(5), interval: span(50) }),
        ]
    }

    fn cancels() -> impl Strategy<Value = Cancel> {
        prop_oneof![Just(Cancel::Never), Just(Cancel::OnDisconnect), Just(Cancel::Deadline)]
    }

    fn capacities() -> impl Strategy<Value = usize> {
        prop_oneof![0usize..6, Just(usize::MAX)]
    }

    fn setting() -> impl Strategy<Value = ServerSetting> {
        prop_oneof![
            3 => (1u32..8).prop_map(ServerSetting::Workers),
            1 => disciplines().prop_map(ServerSetting::Discipline),
            1 => capacities().prop_map(ServerSetting::Capacity),
            1 => cancels().prop_map(ServerSetting::Cancel),
        ]
    }

    fn any_policy() -> impl Strategy<Value = ServerPolicy> {
        let errors = prop_oneof![Just(None), Just(Some(Demand::Constant(span(20))))];
        (1u32..4, disciplines(), cancels(), capacities(), errors).prop_map(
            |(workers, discipline, cancel, capacity, error_service_time)| ServerPolicy {
                workers,
                discipline,
                cancel,
                capacity,
                error_service_time,
                service_time: Demand::Exponential { mean: span(60) },
                rejection_cost: span(1),
                ..policy()
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        /// Conservation. Every arrival ends in exactly one reply or drop, or is inside, or its caller has hung up while it waited; nobody is
        /// answered who did not come; places and workers are never overdrawn, except by those that were there when settings became
        /// smaller; nobody waits while a worker is free; in the end a server that is up empties itself.
        #[test]
        fn nothing_is_lost_or_answered_twice(
            policy in any_policy(),
            acts in proptest::collection::vec(act(), 1..300),
        ) {
            let mut policy = policy;
            let mut rig = Rig::new(&policy);
            let mut listened = policy.cancel == Cancel::OnDisconnect;
            let mut inside = BTreeSet::new();
            let mut hung_up = BTreeSet::new();
            let mut calls = 0u64;
            let acts = acts.into_iter().chain([
                Act::Control(ServerControl::Resume),
                Act::Control(ServerControl::Restart),
                Act::Pass(10_000_000),
            ]);
            for act in acts {
                let (busy, queued) = (rig.server.busy(), rig.server.queued());
                if let Act::Control(ServerControl::Set(setting)) = act {
                    policy.set(setting);
                    listened |= policy.cancel == Cancel::OnDisconnect;
                }
                let endings = match act {
                    Act::Arrive { patience } => {
                        calls += 1;
                        inside.insert(calls);
                        let gives_up_at = rig.now + span(patience);
                        rig.step(ServerIn::Arrive(job(calls, gives_up_at)))
                    }
                    Act::Disconnect(i) if calls > 0 => {
                        let call = 1 + i as u64 % calls;
                        hung_up.insert(call);
                        rig.disconnect(call)
                    }
                    Act::Pass(by) => {
                        let until = rig.now + span(by);
                        rig.pass(until)
                    }
                    Act::Control(control) => rig.tell(control),
                    Act::Disconnect(_) => vec![],
                };
                for (call, outcome, _, work) in &endings {
                    prop_assert!(inside.remove(call), "call {} ended as {:?} but was not inside", call, outcome);
                    prop_assert!(work.stale <= work.held);
                }
                if !listened {
                    prop_assert_eq!(rig.server.inside(), inside.len());
                }
                prop_assert!(rig.server.inside() <= inside.len());
                prop_assert_eq!(rig.server.workers(), policy.workers);
                prop_assert!(rig.server.busy() <= busy.max(policy.workers as usize));
                prop_assert!(rig.server.queued() <= queued.max(policy.capacity));
                let works = !rig.server.is_paused() && !rig.server.is_down();
                prop_assert!(!works || rig.server.queued() == 0 || rig.server.busy() >= policy.workers as usize);
            }
            prop_assert_eq!(rig.server.inside(), 0);
            // Only who hung up while waiting, at a server that takes notice, ends without a word.
            let lost: Vec<_> = inside.iter().filter(|call| !listened || !hung_up.contains(call)).collect();
            prop_assert!(lost.is_empty(), "{:?} never ended", lost);
        }
    }
}
