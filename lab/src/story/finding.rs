//! What a run showed, in one sentence: the title of its figures.
use super::change::changed;
use super::words::{a_long, capital, count, list, plural, seconds, small, span};
use crate::verdict::{Judgement, RunView, Verdict};
use lab_core::timeline::{Disturbance, Effect};

/// What `run` showed, in one sentence without full stop.
pub fn finding(run: &RunView) -> String {
    let cause = Cause::of(&run.scenario.triggers().collect::<Vec<_>>());
    let sentence = match run.judgement.verdict {
        Verdict::Unaffected => cause.sentence("leave", "the service healthy", "The service stays healthy"),
        Verdict::Recovered { after } if cause.is_nothing() => {
            format!("The service is unhealthy for a time and recovers within {}", span(after))
        }
        Verdict::Recovered { after } if after.0 == 0 => {
            format!("The service recovers as soon as {} over", cause.is())
        }
        Verdict::Recovered { after } => {
            format!("The service recovers {} after {} over", span(after), cause.is())
        }
        Verdict::Draining { left } => {
            let backlog =
                format!("a backlog that needs {} more to drain", seconds(left.as_secs_f64().ceil()));
            cause.sentence("leave", &backlog, &format!("There is {backlog}"))
        }
        Verdict::Metastable { spontaneous: true } => {
            "The service fails and stays down, with or without the trigger".into()
        }
        Verdict::Metastable { spontaneous: false } => {
            cause.sentence("break", "the service for good", "The service fails for good")
        }
        Verdict::Escaped { at } => {
            format!(
                "The service fails by itself after {} of health",
                span(at.since(lab_core::time::Time::ZERO))
            )
        }
        Verdict::Degraded => cause.sentence("leave", "the service degraded", "The service ends degraded"),
        Verdict::Oscillating => cause.sentence(
            "make",
            "the service swing between healthy and failed",
            "The service swings between healthy and failed",
        ),
        Verdict::Overloaded => "The service is unhealthy before anything goes wrong".into(),
        Verdict::Undecided => "Too little was measured to say what became of the service".into(),
    };
    sentence + &after_lever(run)
}

/// How the finding goes on where an operator acted.
fn after_lever(run: &RunView) -> String {
    let Some(lever) = run.scenario.levers().min_by_key(|lever| lever.from) else { return String::new() };
    match run.judgement.after_lever {
        "recovered" if is_down(run.judgement) => format!(", until {}", done(&lever.effect)),
        "failed" | "degraded" => format!(", even after {}", done(&lever.effect)),
        _ => String::new(),
    }
}

/// What an operator did, as the end of a sentence.
fn done(effect: &Effect) -> &'static str {
    match effect {
        Effect::ShedLoad { .. } => "load is shed",
        Effect::RetriesOff { .. } => "retries are switched off",
        Effect::QueueFlush { .. } => "the queues are flushed",
        Effect::Crash { .. } => "the replicas are restarted",
        Effect::Set { settings } => match &settings[..] {
            [one] => changed(one),
            _ => "settings are changed",
        },
        _ => "an operator acts",
    }
}

/// What went wrong, as the subject of a sentence.
struct Cause {
    /// `A 10-second load spike`; empty where nothing went wrong.
    subject: String,
    /// The same as something that was mentioned before: `the load spike`.
    known: String,
    plural: bool,
}

impl Cause {
    fn of(triggers: &[&Disturbance]) -> Cause {
        let nouns: Vec<&str> = triggers.iter().map(|trigger| noun(&trigger.effect)).collect();
        let (subject, known) = match triggers {
            [] => (String::new(), String::new()),
            [one] => {
                let length = a_long(one.until.since(one.from));
                (format!("{length} {}", nouns[0]), format!("the {}", nouns[0]))
            }
            [_, _] if nouns[0] != nouns[1] => {
                (format!("A {} and a {}", nouns[0], nouns[1]).replace(" a e", " an e"), "the triggers".into())
            }
            _ if nouns.iter().all(|n| *n == nouns[0]) => {
                (capital(&plural_words(triggers.len(), nouns[0])), format!("the {}", plural_noun(nouns[0])))
            }
            _ => (capital(&plural_words(triggers.len(), "trigger")), "the triggers".into()),
        };
        Cause { subject: subject.replace("A error", "An error"), known, plural: triggers.len() > 1 }
    }

    fn is_nothing(&self) -> bool {
        self.subject.is_empty()
    }

    /// `A load spike leaves the service healthy`, or `otherwise` where nothing went wrong.
    fn sentence(&self, verb: &str, object: &str, otherwise: &str) -> String {
        if self.is_nothing() {
            return otherwise.into();
        }
        format!("{} {verb}{} {object}", self.subject, if self.plural { "" } else { "s" })
    }

    /// `a 10-second load spike is`, `the triggers are`.
    fn is(&self) -> String {
        if self.plural { format!("{} are", self.known) } else { format!("{} is", small(&self.subject)) }
    }
}

fn plural_words(n: usize, noun: &str) -> String {
    format!("{} {}", count(n), plural_noun(noun))
}

/// `crashes`, `load spikes`, `pauses of the manager`.
fn plural_noun(noun: &str) -> String {
    let (head, rest) =
        noun.split_once(" of ").map_or((noun, String::new()), |(head, of)| (head, format!(" of {of}")));
    let ending = if head.ends_with("sh") { "es" } else { "s" };
    format!("{head}{ending}{rest}")
}

fn noun(effect: &Effect) -> &'static str {
    match effect {
        Effect::LoadSpike { factor, .. } if *factor < 1.0 => "load dip",
        Effect::LoadSpike { .. } => "load spike",
        Effect::SlowDown { .. } => "slow-down",
        Effect::Pause { .. } => "pause",
        Effect::Crash { .. } => "crash",
        Effect::ErrorBurst { .. } => "error burst",
        Effect::CacheFlush { .. } => "cache flush",
        Effect::Partition { .. } => "partition",
        Effect::Manager { pause: true, .. } => "pause of the manager",
        Effect::Manager { pause: false, .. } => "crash of the manager",
        Effect::NetworkDelay { .. } => "network delay",
        Effect::ShedLoad { .. } => "load shedding",
        Effect::RetriesOff { .. } => "retry stop",
        Effect::QueueFlush { .. } => "queue flush",
        Effect::Set { .. } => "config push",
    }
}

/// What several runs showed together, in one sentence without full stop.
pub fn findings(runs: &[RunView]) -> String {
    if let [run] = runs {
        return finding(run);
    }
    let count_of = |test: fn(&Judgement) -> bool| runs.iter().filter(|run| test(run.judgement)).count();
    let stays = count_of(|j| matches!(j.verdict, Verdict::Unaffected));
    let recovers = count_of(|j| matches!(j.verdict, Verdict::Recovered { .. }));
    let cured = count_of(|j| is_down(j) && j.after_lever == "recovered");
    let down = count_of(is_down) - cured;
    let is =
        |verdict: fn(&Verdict) -> bool| runs.iter().filter(|run| verdict(&run.judgement.verdict)).count();
    let each = |n: usize, one: &str, many: &str| {
        (n > 0).then(|| format!("{} {}", count(n), if n == 1 { one } else { many }))
    };
    let parts: Vec<String> = [
        each(stays, "stays healthy", "stay healthy"),
        each(recovers, "recovers", "recover"),
        each(cured, "stays down until an operator acts", "stay down until an operator acts"),
        each(down, "stays down", "stay down"),
        each(is(|v| matches!(v, Verdict::Draining { .. })), "is still draining", "are still draining"),
        each(is(|v| matches!(v, Verdict::Degraded)), "ends degraded", "end degraded"),
        each(is(|v| matches!(v, Verdict::Oscillating)), "swings", "swing"),
        each(
            is(|v| matches!(v, Verdict::Overloaded)),
            "is overloaded from the start",
            "are overloaded from the start",
        ),
        each(is(|v| matches!(v, Verdict::Undecided)), "is undecided", "are undecided"),
    ]
    .into_iter()
    .flatten()
    .collect();
    if let [all] = &parts[..] {
        let what = all.split_once(' ').map_or("", |(_, rest)| rest);
        return format!("All {} {what}", plural(runs.len() as u64, "run"));
    }
    format!("Of {} runs, {}", count(runs.len()), list(&parts))
}

fn is_down(judgement: &Judgement) -> bool {
    matches!(judgement.verdict, Verdict::Metastable { .. } | Verdict::Escaped { .. })
}

/// How long the recovery took, or why there is none, in a few words beside a verdict's word.
pub fn aside(judgement: &Judgement) -> String {
    match judgement.verdict {
        Verdict::Recovered { after } if after.0 == 0 => "at once".into(),
        Verdict::Recovered { after } => format!("after {}", span(after)),
        Verdict::Draining { left } => format!("{} more", seconds(left.as_secs_f64().ceil())),
        _ if is_down(judgement) && judgement.after_lever == "recovered" => "until the lever".into(),
        Verdict::Metastable { spontaneous: true } => "without trigger too".into(),
        Verdict::Escaped { at } => format!("at {}", seconds(at.as_secs_f64())),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::plural_noun;

    #[test]
    fn causes_have_plurals() {
        let found = ["load spike", "crash", "cache flush", "pause of the manager"].map(plural_noun);
        assert_eq!(found, ["load spikes", "crashes", "cache flushes", "pauses of the manager"]);
    }
}
