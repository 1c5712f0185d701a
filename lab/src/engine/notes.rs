//! What happens to a group of replicas, as events of the run.
use crate::trace::Event;
use lab_core::{
    replicate::{Members, View, member::Note},
    time::Time,
};

/// What a manager notes: the group's changes of view.
pub(super) fn of_manager(at: Time, service: &str, note: &Note) -> Option<Event> {
    let (kind, subject) = match note {
        Note::Installed { view } => ("view", format!("{service}: {}", in_words(view))),
        Note::Spared { members } => {
            ("spared", format!("{service}: {} silent, but too many would be out", list(members)))
        }
        Note::Lost { view } => {
            ("writes_lost", format!("{service}: view {view} begins without all acknowledged writes"))
        }
        Note::Sealed { .. } | Note::Ejected { .. } | Note::CaughtUp { .. } => return None,
    };
    Some(Event { at, kind, subject })
}

/// What a replica notes of itself.
pub(super) fn of_replica(at: Time, service: &str, me: u32, note: &Note) -> Option<Event> {
    let kind = match note {
        Note::Ejected { .. } => "ejected",
        Note::CaughtUp { .. } => "caught_up",
        Note::Installed { .. } | Note::Sealed { .. } | Note::Spared { .. } | Note::Lost { .. } => {
            return None;
        }
    };
    Some(Event { at, kind, subject: format!("{service} {me}") })
}

fn in_words(view: &View) -> String {
    let members = list(&view.members);
    match view.learners.is_empty() {
        true => format!("view {}, members {members}", view.number),
        false => format!("view {}, members {members}, {} catching up", view.number, list(&view.learners)),
    }
}

fn list(members: &Members) -> String {
    let names: Vec<String> = members.iter().map(|m| m.to_string()).collect();
    if names.is_empty() { "none".into() } else { names.join(" ") }
}
