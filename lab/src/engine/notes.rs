//! What happens to a group of replicas, as events of the run.
use crate::trace::{Event, member_names};
use lab_core::{replicate::member::Note, time::Time};

/// What a manager notes: the group's changes of view.
pub(super) fn of_manager(at: Time, service: &str, note: &Note) -> Option<Event> {
    let (kind, subject) = match note {
        Note::Installed { view } => return Some(Event::view(at, service, view)),
        Note::Spared { members } => {
            ("spared", format!("{service}: {} silent, but too many would be out", member_names(members)))
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
