//! What overlapping disturbances do together.
use lab_core::{
    client::ClientControl,
    server::ServerControl,
    setting::{ClientSetting, ServerSetting, Setting},
    time::{Span, Time},
    timeline::{Change, Disturbance, Effect, Replicas, Role, timeline},
};

fn disturbance(from: u64, until: u64, effect: Effect) -> Disturbance {
    let at = |s| Time::ZERO + Span::from_secs(s);
    Disturbance { name: "d".into(), role: Role::Trigger, from: at(from), until: at(until), effect }
}

fn replica(which: &[u32]) -> Replicas {
    Replicas { service: 0, which: which.to_vec() }
}

/// What replica `which` is told, with the second.
fn told(list: &[Disturbance], which: u32) -> Vec<(u64, ServerControl)> {
    timeline(list)
        .into_iter()
        .filter_map(|(at, change)| match change {
            Change::Server { replica, control, .. } if replica == which => {
                Some((at.0 / 1_000_000_000, control))
            }
            _ => None,
        })
        .collect()
}

#[test]
fn slow_downs_multiply_where_they_overlap_and_on_whom() {
    let list = [
        disturbance(10, 30, Effect::SlowDown { replicas: replica(&[0, 1]), factor: 2.0 }),
        disturbance(20, 40, Effect::SlowDown { replicas: replica(&[1]), factor: 3.0 }),
    ];
    use ServerControl::SlowDown;
    assert_eq!(told(&list, 0), [(10, SlowDown(2.0)), (30, SlowDown(1.0))]);
    assert_eq!(
        told(&list, 1),
        [(10, SlowDown(2.0)), (20, SlowDown(6.0)), (30, SlowDown(3.0)), (40, SlowDown(1.0))]
    );
    assert_eq!(told(&list, 2), []);
}

#[test]
fn the_larger_error_share_holds() {
    let list = [
        disturbance(10, 40, Effect::ErrorBurst { replicas: replica(&[0]), share: 0.2 }),
        disturbance(20, 30, Effect::ErrorBurst { replicas: replica(&[0]), share: 0.5 }),
    ];
    use ServerControl::ErrorShare;
    assert_eq!(
        told(&list, 0),
        [(10, ErrorShare(0.2)), (20, ErrorShare(0.5)), (30, ErrorShare(0.2)), (40, ErrorShare(0.0))]
    );
}

#[test]
fn a_replica_is_up_again_when_the_last_crash_is_over() {
    let list = [
        disturbance(10, 30, Effect::Crash { replicas: replica(&[0]) }),
        disturbance(20, 40, Effect::Crash { replicas: replica(&[0, 1]) }),
        disturbance(50, 60, Effect::Pause { replicas: replica(&[0]) }),
        disturbance(55, 70, Effect::Pause { replicas: replica(&[0]) }),
    ];
    use ServerControl::{Crash, Pause, Restart, Resume};
    assert_eq!(told(&list, 0), [(10, Crash), (40, Restart), (50, Pause), (70, Resume)]);
    assert_eq!(told(&list, 1), [(20, Crash), (40, Restart)]);
}

/// Back to back, the first ends before the second begins: a pause is lifted and set again at the same instant.
#[test]
fn at_one_instant_endings_come_first() {
    let list = [
        disturbance(20, 30, Effect::Pause { replicas: replica(&[0]) }),
        disturbance(10, 20, Effect::Pause { replicas: replica(&[0]) }),
    ];
    use ServerControl::{Pause, Resume};
    assert_eq!(told(&list, 0), [(10, Pause), (20, Resume), (20, Pause), (30, Resume)]);
    let times: Vec<Time> = timeline(&list).into_iter().map(|c| c.0).collect();
    assert!(times.is_sorted());
}

#[test]
fn a_flush_happens_once_at_its_beginning() {
    let list = [disturbance(10, 20, Effect::QueueFlush { replicas: replica(&[0]) })];
    assert_eq!(told(&list, 0), [(10, ServerControl::Flush)]);
}

#[test]
fn network_delays_add_up() {
    let of = |ms| Span::from_millis(ms);
    let list = [
        disturbance(10, 30, Effect::NetworkDelay { service: 0, extra: of(5) }),
        disturbance(20, 40, Effect::NetworkDelay { service: 0, extra: of(20) }),
        disturbance(20, 40, Effect::NetworkDelay { service: 1, extra: of(100) }),
    ];
    let extras: Vec<Span> = timeline(&list)
        .into_iter()
        .filter_map(|(_, change)| match change {
            Change::Network { service: 0, extra } => Some(extra),
            _ => None,
        })
        .collect();
    assert_eq!(extras, [of(5), of(25), of(20), of(0)]);
}

#[test]
fn clients_are_told_of_shedding_and_retries() {
    let list = [
        disturbance(10, 30, Effect::ShedLoad { clients: vec![0, 1], admit: 0.5 }),
        disturbance(20, 40, Effect::ShedLoad { clients: vec![1], admit: 0.2 }),
        disturbance(10, 30, Effect::RetriesOff { clients: vec![0] }),
        disturbance(20, 40, Effect::RetriesOff { clients: vec![0] }),
    ];
    let told = |who| -> Vec<(u64, ClientControl)> {
        timeline(&list)
            .into_iter()
            .filter_map(|(at, change)| match change {
                Change::Client { group, control } if group == who => Some((at.0 / 1_000_000_000, control)),
                _ => None,
            })
            .collect()
    };
    use ClientControl::{Admit, Retries};
    assert_eq!(told(1), [(10, Admit(0.5)), (20, Admit(0.1)), (30, Admit(0.2)), (40, Admit(1.0))]);
    assert_eq!(
        told(0),
        [
            (10, Admit(0.5)),
            (10, Retries(false)),
            (20, Retries(false)),
            (30, Admit(1.0)),
            (30, Retries(false)),
            (40, Retries(true))
        ]
    );
}

/// A load spike acts on the schedule; the machines hear nothing, and the record of events has its marks.
#[test]
fn a_load_spike_only_leaves_marks() {
    let list = [disturbance(10, 20, Effect::LoadSpike { clients: vec![0], factor: 2.0 })];
    let changes: Vec<Change> = timeline(&list).into_iter().map(|c| c.1).collect();
    assert_eq!(
        changes,
        [Change::Mark { disturbance: 0, begins: true }, Change::Mark { disturbance: 0, begins: false }]
    );
}

fn workers(which: &[u32], to: u32) -> Setting {
    let (to, back) = (ServerSetting::Workers(to), ServerSetting::Workers(8));
    Setting::Server { replicas: replica(which), to, back }
}

fn capacity(which: &[u32], to: usize) -> Setting {
    let (to, back) = (ServerSetting::Capacity(to), ServerSetting::Capacity(usize::MAX));
    Setting::Server { replicas: replica(which), to, back }
}

fn timeout(group: usize, to: u64) -> Setting {
    let (to, back) = (Span::from_secs(to), Span::from_secs(1));
    let [to, back] = [to, back].map(ClientSetting::PerTryTimeout);
    Setting::Client { group, to, back }
}

fn during(from: u64, until: u64, settings: Vec<Setting>) -> Disturbance {
    disturbance(from, until, Effect::Set { settings })
}

/// What replica `which` has its settings changed to, with the second.
fn set(list: &[Disturbance], which: u32) -> Vec<(u64, ServerSetting)> {
    let setting = |(at, control)| match control {
        ServerControl::Set(setting) => Some((at, setting)),
        _ => None,
    };
    told(list, which).into_iter().filter_map(setting).collect()
}

#[test]
fn a_setting_is_another_one_and_then_as_before() {
    let list = [during(10, 20, vec![workers(&[0, 1], 12), capacity(&[0], 50), timeout(0, 3)])];
    use ServerSetting::{Capacity, Workers};
    assert_eq!(
        set(&list, 0),
        [(10, Workers(12)), (10, Capacity(50)), (20, Workers(8)), (20, Capacity(usize::MAX))]
    );
    assert_eq!(set(&list, 1), [(10, Workers(12)), (20, Workers(8))]);
    assert_eq!(set(&list, 2), []);
}

/// The change that began last holds. One that ends below it goes unnoticed: the machine is not told again what it knows, or a
/// budget would be filled up.
#[test]
fn of_overlapping_changes_of_a_setting_the_last_one_holds() {
    use ServerSetting::Workers;
    let inside = [during(10, 40, vec![workers(&[0], 12)]), during(20, 30, vec![workers(&[0], 4)])];
    assert_eq!(set(&inside, 0), [(10, Workers(12)), (20, Workers(4)), (30, Workers(12)), (40, Workers(8))]);
    let across = [during(10, 30, vec![workers(&[0], 12)]), during(20, 40, vec![workers(&[0], 4)])];
    assert_eq!(set(&across, 0), [(10, Workers(12)), (20, Workers(4)), (40, Workers(8))]);
    // The order of beginning counts, not that of the list.
    let listed = [during(20, 40, vec![workers(&[0], 4)]), during(10, 30, vec![workers(&[0], 12)])];
    assert_eq!(set(&listed, 0), set(&across, 0));
    let three = [
        during(10, 30, vec![workers(&[0], 10)]),
        during(15, 60, vec![workers(&[0], 11)]),
        during(20, 50, vec![workers(&[0], 12)]),
    ];
    let expected =
        [(10, Workers(10)), (15, Workers(11)), (20, Workers(12)), (50, Workers(11)), (60, Workers(8))];
    assert_eq!(set(&three, 0), expected);
}

#[test]
fn changes_of_other_settings_replicas_and_groups_do_not_meet() {
    use ServerSetting::{Capacity, Workers};
    let list = [
        during(10, 40, vec![workers(&[0, 1], 12)]),
        during(20, 30, vec![workers(&[1], 4), capacity(&[0], 9), timeout(0, 3)]),
        during(25, 50, vec![timeout(1, 5)]),
    ];
    let restored = Capacity(usize::MAX);
    assert_eq!(set(&list, 0), [(10, Workers(12)), (20, Capacity(9)), (30, restored), (40, Workers(8))]);
    assert_eq!(set(&list, 1), [(10, Workers(12)), (20, Workers(4)), (30, Workers(12)), (40, Workers(8))]);
    let of_group = |who| -> Vec<(u64, ClientControl)> {
        let told = timeline(&list).into_iter().filter_map(|(at, change)| match change {
            Change::Client { group, control } if group == who => Some((at.0 / 1_000_000_000, control)),
            _ => None,
        });
        told.collect()
    };
    let timeout = |s| ClientControl::Set(ClientSetting::PerTryTimeout(Span::from_secs(s)));
    assert_eq!(of_group(0), [(20, timeout(3)), (30, timeout(1))]);
    assert_eq!(of_group(1), [(25, timeout(5)), (50, timeout(1))]);
}

#[test]
fn a_change_of_no_length_changes_nothing() {
    assert_eq!(set(&[during(10, 10, vec![workers(&[0], 4)])], 0), []);
}

/// An ending comes first at one instant, so the new value is the last word.
#[test]
fn back_to_back_changes_of_a_setting_follow_each_other() {
    use ServerSetting::Workers;
    let list = [during(20, 30, vec![workers(&[0], 4)]), during(10, 20, vec![workers(&[0], 12)])];
    assert_eq!(set(&list, 0), [(10, Workers(12)), (20, Workers(8)), (20, Workers(4)), (30, Workers(8))]);
}
