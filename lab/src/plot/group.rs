//! A group over time: its members, and how far the last of them is behind.
use super::{
    busy::roles,
    series::{of_point, points},
};
use crate::{trace::GroupTrace, verdict::RunView};
use lab_core::{
    replicate::{Members, View},
    time::Time,
};

/// A group of replicas, as a run showed it.
#[derive(Clone, Debug, Default)]
pub(super) struct Group {
    /// The service's name.
    pub(super) service: String,
    pub(super) replicas: u32,
    /// What the first member of a view is called; empty where it is as the others.
    leader: &'static str,
    /// The middle of each stretch of time, in seconds.
    pub(super) at: Vec<f64>,
    /// How long a stretch is, in seconds.
    pub(super) width: f64,
    /// The most writes by which a member was behind.
    pub(super) lag: Vec<f64>,
    /// Every view, from the first one, with the instant from which it was in force.
    pub(super) views: Vec<(Time, View)>,
    /// Writes in a second, by the plan of the load; a member that is as many behind is a second behind.
    writes_per_s: f64,
}

/// The groups of `run`.
pub(super) fn groups(run: &RunView) -> Vec<Group> {
    run.trace.groups.iter().map(|group| Group::new(run, group)).collect()
}

impl Group {
    fn new(run: &RunView, trace: &GroupTrace) -> Group {
        let (at, stretches, width) = points(run.trace);
        let index = run.scenario.services.iter().position(|s| s.name == trace.service);
        let replicas = index.map_or(0, |index| run.scenario.services[index].replicas);
        let behind = |group: &std::ops::Range<usize>| {
            of_point(&trace.windows, group).iter().map(|w| w.lag).max().map_or(f64::NAN, |n| n as f64)
        };
        let warm = Time::ZERO + run.scenario.warmup;
        let calling = run.scenario.clients.iter().filter(|c| Some(c.service) == index);
        Group {
            service: trace.service.clone(),
            replicas,
            leader: index.map_or("", |index| roles(&run.scenario.services[index]).0),
            lag: stretches.iter().map(behind).collect(),
            views: run.trace.views(&trace.service, replicas),
            writes_per_s: calling.map(|c| c.load.rate_at(warm) * (1.0 - c.operations.read_share)).sum(),
            at,
            width,
        }
    }

    /// Whether anybody left or came.
    pub(super) fn changes(&self) -> bool {
        self.views.len() > 1
    }

    /// How many members the last view has.
    pub(super) fn members_at_end(&self) -> usize {
        self.views.last().map_or(0, |(_, view)| view.members.len())
    }

    /// Whether a member was more than a second of writes behind for a twentieth of the run: less is what is under way, and a
    /// replica that has crashed is behind by all until it is out of the view.
    pub(super) fn lags(&self) -> bool {
        let behind = self.lag.iter().filter(|lag| **lag > self.writes_per_s).count();
        self.writes_per_s > 0.0 && behind * 20 > self.lag.len()
    }

    /// How many members each view has, as steps from the beginning to `end` seconds.
    pub(super) fn steps(&self, end: f64) -> (Vec<f64>, Vec<f64>) {
        let (mut at, mut values) = (vec![], vec![]);
        for (index, (from, view)) in self.views.iter().enumerate() {
            let until = self.views.get(index + 1).map_or(end, |(next, _)| next.as_secs_f64());
            at.extend([from.as_secs_f64(), until]);
            values.extend([view.members.len() as f64; 2]);
        }
        (at, values)
    }

    /// What each change of view did, in a few words: `replica 0 out, 1 is primary`; nothing where the members stay.
    pub(super) fn marks(&self) -> Vec<(f64, String)> {
        let pairs = self.views.windows(2);
        pairs.map(|pair| (pair[1].0.as_secs_f64(), self.change(&pair[0].1, &pair[1].1))).collect()
    }

    fn change(&self, before: &View, after: &View) -> String {
        let new = |of: &Members, not_in: &Members, what: &str| {
            let who: Vec<String> =
                of.iter().filter(|m| !not_in.contains(*m)).map(|m| m.to_string()).collect();
            (!who.is_empty()).then(|| format!("{} {what}", who.join(", ")))
        };
        let first = |view: &View| view.members.iter().next();
        let leads = first(after).filter(|_| !self.leader.is_empty() && first(after) != first(before));
        let parts = [
            new(&before.members, &after.members, "out"),
            new(&after.members, &before.members, "in"),
            leads.map(|replica| format!("{replica} is {}", self.leader)),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        if parts.is_empty() { String::new() } else { format!("replica {}", parts.join(", ")) }
    }
}
