//! Fills in what a config leaves to be worked out from the rest of it.
use super::{
    Experiment,
    choice::OrNone,
    client::{Backoff, Retry},
    disturbance::{Disturb, Pull},
    setting::{ClientValue, Setting, Settings},
    units::{Duration, Share},
};
use lab_core::time::Span;

/// Works out what is left open. A resolved experiment stays as it is.
pub(super) fn resolve(experiment: &mut Experiment) {
    experiment.window.get_or_insert(Duration(default_window(experiment.duration.0)));
    if let Some(share) = experiment.healthy.latency.share.take() {
        experiment.healthy.good = share;
    }
    for client in experiment.clients.values_mut() {
        resolve_retry(&mut client.retry);
    }
    let pushed = experiment.triggers.values_mut().filter_map(|t| t.action.settings_mut());
    let pulled = experiment.levers.values_mut().filter_map(|l| l.action.settings_mut());
    for setting in pushed.chain(pulled).flat_map(|settings| &mut settings.0) {
        match setting {
            Setting::Client(_, ClientValue::Retry(retry)) => resolve_retry(retry),
            Setting::Client(_, ClientValue::Backoff(backoff)) => resolve_backoff(backoff),
            _ => {}
        }
    }
    resolve_shares(experiment);
    let only = (experiment.services.len() == 1).then(|| experiment.services.keys().next().cloned()).flatten();
    let Some(only) = only else { return };
    let triggers = experiment.triggers.values_mut().filter_map(|t| t.action.service_mut());
    let levers = experiment.levers.values_mut().filter_map(|l| l.action.service_mut());
    for service in triggers.chain(levers).filter(|s| s.is_empty()) {
        service.clone_from(&only);
    }
}

fn resolve_retry(retry: &mut OrNone<Retry>) {
    if let OrNone::Some(retry) = retry {
        resolve_backoff(&mut retry.backoff);
    }
}

fn resolve_backoff(backoff: &mut OrNone<Backoff>) {
    if let OrNone::Some(backoff) = backoff {
        backoff.initial_after_rejection.get_or_insert(backoff.initial);
    }
}

/// Clients without a share and without a workload of their own get equal parts of what the others leave.
fn resolve_shares(experiment: &mut Experiment) {
    let sharing = experiment.clients.values().filter(|c| c.workload.is_none());
    let given: f64 = sharing.clone().filter_map(|c| c.share).map(|s| s.0).sum();
    let open = sharing.filter(|c| c.share.is_none()).count();
    let part = Share(((1.0 - given) / open.max(1) as f64).max(0.0));
    for client in experiment.clients.values_mut().filter(|c| c.workload.is_none()) {
        client.share.get_or_insert(part);
    }
}

/// About a 240th of the duration, rounded up to 1, 2 or 5 times a power of ten: at least 100 ms, and at most 600 windows.
fn default_window(duration: Span) -> Span {
    let least = (duration.0 as f64 / 240.0 / 1e6).max(100.0);
    let mut unit = 100;
    loop {
        for step in [1, 2, 5] {
            let window = Span::from_millis(unit * step);
            // A little below the exact part is near enough: 600 windows are the limit, 240 the aim.
            if window.as_millis_f64() >= least * 0.8 {
                return window;
            }
        }
        unit *= 10;
    }
}

impl Disturb {
    fn service_mut(&mut self) -> Option<&mut String> {
        match self {
            Disturb::LoadSpike { .. } | Disturb::Set(_) => None,
            Disturb::SlowDown { service, .. }
            | Disturb::Pause { service, .. }
            | Disturb::Crash { service, .. }
            | Disturb::ErrorBurst { service, .. }
            | Disturb::Partition { service, .. }
            | Disturb::RollingRestart { service, .. }
            | Disturb::CacheFlush { service, .. }
            | Disturb::ManagerPause { service }
            | Disturb::ManagerCrash { service }
            | Disturb::NetworkDelay { service, .. } => Some(service),
        }
    }

    fn settings_mut(&mut self) -> Option<&mut Settings> {
        if let Disturb::Set(settings) = self { Some(settings) } else { None }
    }
}

impl Pull {
    fn service_mut(&mut self) -> Option<&mut String> {
        match self {
            Pull::ShedLoad { .. } | Pull::RetriesOff { .. } | Pull::Set(_) => None,
            Pull::QueueFlush { service, .. } | Pull::Restart { service, .. } => Some(service),
        }
    }

    fn settings_mut(&mut self) -> Option<&mut Settings> {
        if let Pull::Set(settings) = self { Some(settings) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_round_and_neither_too_many_nor_too_few() {
        let ms = |seconds| default_window(Span::from_secs(seconds)).0 / 1_000_000;
        assert_eq!([ms(5), ms(60), ms(120), ms(300), ms(3600)], [100, 200, 500, 1000, 20_000]);
        for seconds in 10..20_000_u64 {
            let windows = (seconds * 1000).div_ceil(ms(seconds));
            assert!(windows <= 600 && windows >= 90.min(seconds * 10), "{seconds} s: {windows}");
        }
    }
}
