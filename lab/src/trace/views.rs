//! A group's changes of view, as the events of a run tell them, and read back from there.
use super::{Event, Trace};
use lab_core::{
    replicate::{Members, View},
    time::Time,
};

/// The kind of an event that tells of a new view.
const KIND: &str = "view";

impl Event {
    /// The group of `service` goes on with `view`.
    pub fn view(at: Time, service: &str, view: &View) -> Event {
        let members = member_names(&view.members);
        let learners = match view.learners.is_empty() {
            true => String::new(),
            false => format!(", {} catching up", member_names(&view.learners)),
        };
        let subject = format!("{service}: view {}, members {members}{learners}", view.number);
        Event { at, kind: KIND, subject }
    }

    /// The view that this event tells of, if it is one of `service`.
    pub fn view_of(&self, service: &str) -> Option<View> {
        let told = self.subject.strip_prefix(service)?.strip_prefix(": view ")?;
        let mut parts = told.split(", ").filter(|_| self.kind == KIND);
        let number = parts.next()?.parse().ok()?;
        let members = read(parts.next()?.strip_prefix("members ")?)?;
        let learners = match parts.next() {
            None => Members::default(),
            Some(part) => read(part.strip_suffix(" catching up")?)?,
        };
        Some(View { number, members, learners })
    }
}

impl Trace {
    /// The views of the group of `service`, which has `replicas` replicas, each with the instant from which it was in force.
    pub fn views(&self, service: &str, replicas: u32) -> Vec<(Time, View)> {
        let later = self.events.iter().filter_map(|event| Some((event.at, event.view_of(service)?)));
        std::iter::once((Time::ZERO, View::initial(replicas))).chain(later).collect()
    }
}

/// Replicas in order, as words.
pub fn member_names(members: &Members) -> String {
    let names: Vec<String> = members.iter().map(|m| m.to_string()).collect();
    if names.is_empty() { "none".into() } else { names.join(" ") }
}

fn read(list: &str) -> Option<Members> {
    if list == "none" {
        return Some(Members::default());
    }
    let members: Option<Vec<u32>> = list.split(' ').map(|m| m.parse().ok()).collect();
    members.map(Members::of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_is_read_as_it_was_told() {
        for (members, learners) in [(vec![2, 0, 1], vec![]), (vec![1], vec![0, 2]), (vec![], vec![])] {
            let view = View { number: 12, members: Members::of(members), learners: Members::of(learners) };
            let event = Event::view(Time::ZERO, "store", &view);
            assert_eq!(event.view_of("store"), Some(view), "{}", event.subject);
            assert_eq!(event.view_of("stor"), None);
            assert_eq!(Event { kind: "spared", ..event }.view_of("store"), None);
        }
    }
}
