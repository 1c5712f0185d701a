//! How the service is: in words, in four numbers, and the verdict.
use super::protocol::{Status, Window};
use crate::{
    scenario::Scenario,
    theory::grouped,
    trace::Trace,
    verdict::{Judgement, Summary, Verdict, judge},
};
use lab_core::{
    time::{Span, Time},
    timeline::{Disturbance, Role},
};

/// The numbers are of the last so many seconds.
const RECENT_S: f64 = 3.0;
/// A state is healthy by the config's share; it has failed below this one, as in the verdict.
const FAILED_BELOW: f64 = 0.5;

/// Follows a run that is acted upon, and says how it is. The verdict is of an *episode*: the triggers since the service was last well,
/// and what came of them.
#[derive(Clone, Debug)]
pub(super) struct Observer {
    /// When the episode began, and how many triggers of the run came before it.
    episode: Time,
    judged: Option<Judged>,
    pub status: Status,
}

#[derive(Clone, Debug)]
struct Judged {
    verdict: String,
    reason: String,
    after_lever: String,
}

impl Observer {
    /// At the beginning of a run.
    pub(super) fn new() -> Observer {
        let status = Status {
            word: "undecided",
            verdict: None,
            sentence: "the run has just begun".into(),
            offered_per_s: 0.0,
            goodput_per_s: 0.0,
            amplification: None,
            queue: 0.0,
            trigger_over_s: None,
            after_lever: None,
        };
        Observer { episode: Time::ZERO, judged: None, status }
    }

    /// A trigger begins at `at`, in a run of `scenario`: where the service was well again, a new episode begins.
    pub(super) fn triggered(&mut self, scenario: &Scenario, at: Time) {
        let well = self.judged.as_ref().is_some_and(|j| {
            j.after_lever == "recovered"
                || j.after_lever.is_empty() && matches!(&*j.verdict, "recovered" | "unaffected")
        });
        if well {
            // What shows that it was well is the episode's beginning.
            self.episode = Time(at.0.saturating_sub(2 * scenario.healthy.over.0));
            self.judged = None;
        }
    }

    /// Judges what `trace` holds of a run of `scenario` up to `now`. Its cohorts must be finer than those of the verdict.
    pub(super) fn judge(&mut self, scenario: &Scenario, mut trace: Trace, now: Time) {
        let of_episode = |d: &&Disturbance| d.from >= self.episode && d.from < now;
        let disturbances: Vec<Disturbance> =
            scenario.disturbances.iter().filter(of_episode).cloned().collect();
        let over = disturbances.iter().filter(|d| d.role == Role::Trigger).map(|d| d.until).max();
        self.judged = None;
        let Some(over) = over.filter(|over| *over <= now) else { return };
        let episode = Scenario {
            disturbances,
            warmup: scenario.warmup.max(Span(self.episode.0)),
            duration: Span(now.0),
            ..scenario.clone()
        };
        for client in &mut trace.clients {
            client.cohorts = client.cohorts.regrouped(over, scenario.healthy.over);
        }
        let Judgement { verdict, reason, after_lever, .. } = judge(&episode, &trace, None);
        // The run goes on: what cannot be said yet will be.
        let said = verdict != Verdict::Undecided;
        self.judged =
            said.then(|| Judged { verdict: verdict.word().into(), reason, after_lever: after_lever.into() });
    }

    /// Takes up what was found of a run that is over.
    pub(super) fn conclude(&mut self, summary: &Summary) {
        let Summary { verdict, reason, after_lever, .. } = summary.clone();
        self.judged = Some(Judged { verdict, reason, after_lever });
    }

    /// Takes up what the last windows of a run of `scenario` show at `now`.
    pub(super) fn look(&mut self, scenario: &Scenario, last: &[Window], now: Time) {
        let recent = || last.iter().rev().take_while(|w| w.until_s > now.as_secs_f64() - RECENT_S);
        let count = recent().count();
        let mean = |of: fn(&Window) -> f64| recent().map(of).sum::<f64>() / count.max(1) as f64;
        let (offered, goodput) = (mean(|w| w.offered_per_s), mean(|w| w.good_per_s));
        let share = goodput / offered;
        let triggers = || scenario.triggers().filter(|d| d.from <= now);
        let on = triggers().find(|d| d.until > now);
        let over = triggers().map(|d| d.until).max().filter(|_| on.is_none());
        let trigger_over_s = over.map(|over| now.since(over).as_secs_f64());
        let word = match share {
            _ if count == 0 || !share.is_finite() => "undecided",
            // What comes in a second and what is done in it differ by chance.
            s if s >= scenario.healthy.good - 0.04 => "healthy",
            s if s >= FAILED_BELOW => "degraded",
            _ => "failed",
        };
        let verdict = self.judged.as_ref().filter(|_| on.is_none());
        let numbers = format!(
            "{} of {} calls/s end good",
            grouped(&format!("{goodput:.0}")),
            grouped(&format!("{offered:.0}"))
        );
        let sentence = match (on, verdict) {
            (Some(trigger), _) => {
                let left = trigger.until.since(now).as_secs_f64();
                format!("{} lasts for another {left:.1} s; {numbers}", trigger.name.replace('_', " "))
            }
            (None, Some(judged)) if judged.after_lever.is_empty() => judged.reason.clone(),
            (None, Some(judged)) => format!("{} until somebody acted; now {numbers}", judged.verdict),
            (None, None) => numbers,
        };
        self.status = Status {
            word,
            verdict: verdict.map(|j| j.verdict.clone()),
            sentence,
            offered_per_s: offered,
            goodput_per_s: goodput,
            amplification: Some(mean(|w| w.attempts_per_s) / offered).filter(|a| a.is_finite()),
            queue: last.last().map_or(0.0, |w| w.queue),
            trigger_over_s,
            after_lever: verdict.map(|j| j.after_lever.clone()).filter(|word| !word.is_empty()),
        };
    }
}
