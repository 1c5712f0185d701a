//! Who works how much: a row for each replica of a group, and for each other service where there are several.
use super::series::{mean_from, of_point, points};
use crate::{scenario::Service, trace::ServerTrace, verdict::RunView};
use lab_core::{
    replicate::{Mode, View},
    time::Time,
};

/// A group of more replicas than this is told by its busiest, its median and its idlest replica.
const REPLICAS_MAX: u32 = 8;
/// Where nothing differs by more than this share of the workers, between rows or over time, nothing is told.
const FLAT: f64 = 0.1;

/// How busy the workers are, row by row.
#[derive(Clone, Debug, Default)]
pub(super) struct Busy {
    /// The middle of each stretch of time, in seconds.
    pub(super) at: Vec<f64>,
    /// How long a stretch is, in seconds.
    pub(super) width: f64,
    pub(super) rows: Vec<Row>,
    /// What the first and the last member of a view are called; empty where they do not differ from the others.
    pub(super) roles: (&'static str, &'static str),
}

/// One row.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) name: String,
    /// Share of the workers at work, from 0 to 1, by stretch of time.
    pub(super) busy: Vec<f64>,
    /// What the replica is in its group, by stretch of time; empty where it is not told replica by replica.
    pub(super) standing: Vec<Standing>,
}

/// What a replica is in its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    First,
    Last,
    Member,
    /// Not a member of the view.
    Out,
}

/// The rows of `run`; none where they would say nothing.
pub(super) fn busy(run: &RunView) -> Busy {
    let all = every_row(run);
    if all.is_flat() { Busy::default() } else { all }
}

/// The rows of `run`, flat ones too.
pub(super) fn every_row(run: &RunView) -> Busy {
    let (at, groups, width) = points(run.trace);
    let mut busy = Busy { at, width, ..Busy::default() };
    let services = &run.scenario.services;
    for service in services.iter().filter(|s| s.membership.is_some() || services.len() > 1) {
        let servers: Vec<&ServerTrace> =
            run.trace.servers.iter().filter(|s| s.service == service.name).collect();
        let each: Vec<Vec<f64>> =
            servers.iter().map(|server| groups.iter().map(|group| share(server, group)).collect()).collect();
        let name = |what: String| if services.len() > 1 { format!("{} {what}", service.name) } else { what };
        if service.membership.is_none() {
            busy.rows.push(Row { name: service.name.clone(), busy: across(&each, mean), standing: vec![] });
        } else if service.replicas > REPLICAS_MAX {
            for (what, pick) in [("busiest", 1.0), ("median", 0.5), ("idlest", 0.0)] {
                let told = across(&each, |all| quantile(all, pick));
                busy.rows.push(Row { name: name(what.into()), busy: told, standing: vec![] });
            }
        } else {
            let views = run.trace.views(&service.name, service.replicas);
            let roles = roles(service);
            if !roles.0.is_empty() {
                busy.roles = roles;
            }
            for (server, shares) in servers.iter().zip(each) {
                let standing =
                    busy.at.iter().map(|at| standing(&views, *at, server.replica, roles)).collect();
                let what = if services.len() > 1 { "" } else { "replica " };
                let name = name(format!("{what}{}", server.replica));
                busy.rows.push(Row { name, busy: shares, standing });
            }
        }
    }
    busy
}

impl Busy {
    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Whether all rows are alike and stay as they are. The first fifth of the run may differ: it warms up.
    fn is_flat(&self) -> bool {
        let late = |row: &Row| row.busy[row.busy.len() / 5..].to_vec();
        let mut all: Vec<f64> = self.rows.iter().flat_map(late).filter(|v| v.is_finite()).collect();
        all.sort_unstable_by(f64::total_cmp);
        // One window in fifty may stand out.
        let at = |q: f64| all.get((all.len() as f64 * q) as usize).copied().unwrap_or(0.0);
        at(0.98) - at(0.02) < FLAT
    }

    /// The mean of `row` over the last twentieth of the run, which ends at `end` seconds.
    pub(super) fn at_end(&self, row: &Row, end: f64) -> f64 {
        mean_from(&self.at, &row.busy, end * 0.95)
    }
}

/// Share of the workers of `server` at work in the windows of `group`.
fn share(server: &ServerTrace, group: &std::ops::Range<usize>) -> f64 {
    let windows = of_point(&server.windows, group);
    windows.iter().map(|w| w.busy).sum::<f64>() / windows.iter().map(|w| w.workers).sum::<f64>()
}

/// `told` of all replicas together, stretch by stretch.
fn across(each: &[Vec<f64>], told: impl Fn(Vec<f64>) -> f64) -> Vec<f64> {
    let stretches = each.first().map_or(0, Vec::len);
    (0..stretches).map(|i| told(each.iter().map(|shares| shares[i]).collect())).collect()
}

fn mean(all: Vec<f64>) -> f64 {
    all.iter().sum::<f64>() / all.len() as f64
}

fn quantile(mut all: Vec<f64>, q: f64) -> f64 {
    all.sort_unstable_by(f64::total_cmp);
    all[((all.len() - 1) as f64 * q).round() as usize]
}

/// What the first and the last member of a view of `service` are called.
pub(super) fn roles(service: &Service) -> (&'static str, &'static str) {
    match service.replication.as_ref().map(|r| r.mode) {
        Some(Mode::PrimaryBackup { .. }) => ("primary", ""),
        Some(Mode::Chain | Mode::Craq { .. }) => ("head", "tail"),
        Some(Mode::SharedLog) | None => ("", ""),
    }
}

fn standing(views: &[(Time, View)], at: f64, replica: u32, roles: (&str, &str)) -> Standing {
    let Some((_, view)) = views.iter().rfind(|(from, _)| from.as_secs_f64() <= at) else {
        return Standing::Out;
    };
    let mut members = view.members.iter();
    match members.position(|member| member == replica) {
        None => Standing::Out,
        Some(0) if !roles.0.is_empty() => Standing::First,
        Some(place) if !roles.1.is_empty() && place + 1 == view.members.len() => Standing::Last,
        Some(_) => Standing::Member,
    }
}
