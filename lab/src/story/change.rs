//! Changes of settings in words.
use super::words::{number, span};
use lab_core::{
    budget::Budget,
    queue::Discipline,
    server::Cancel,
    setting::{ClientSetting as Client, ServerSetting as Server, Setting},
};

/// What a setting is meanwhile, in two words or three.
pub(super) fn label(setting: &Setting) -> String {
    match setting {
        Setting::Client { to, .. } => match to {
            Client::PerTryTimeout(timeout) if timeout.is_forever() => "no timeout".into(),
            Client::PerTryTimeout(timeout) => format!("timeout {}", span(*timeout)),
            Client::MaxAttempts(u32::MAX) => "unlimited attempts".into(),
            Client::MaxAttempts(1) => "1 attempt".into(),
            Client::MaxAttempts(attempts) => format!("{} attempts", number(f64::from(*attempts))),
            Client::RetryOn(_) => "other outcomes retried".into(),
            Client::Backoff(_) => "another backoff".into(),
            Client::Budget(Budget::None) => "no retry budget".into(),
            Client::Budget(_) => "retry budget".into(),
        },
        Setting::Server { to, .. } => match to {
            Server::Workers(1) => "1 worker".into(),
            Server::Workers(workers) => format!("{} workers", number(f64::from(*workers))),
            Server::Discipline(Discipline::Fifo) => "FIFO".into(),
            Server::Discipline(Discipline::Lifo) => "LIFO".into(),
            Server::Discipline(Discipline::AdaptiveLifo { .. }) => "adaptive LIFO".into(),
            Server::Discipline(Discipline::Codel { .. }) => "CoDel".into(),
            Server::Capacity(usize::MAX) => "unbounded queue".into(),
            Server::Capacity(places) => format!("queue of {}", number(*places as f64)),
            Server::Cancel(Cancel::Never) => "no cancellation".into(),
            Server::Cancel(_) => "stale work cancelled".into(),
        },
    }
}

/// What became of a setting, as the end of a sentence.
pub(super) fn changed(setting: &Setting) -> &'static str {
    match setting {
        Setting::Client { to, back, .. } => match (to, back) {
            (Client::PerTryTimeout(to), Client::PerTryTimeout(back)) if to > back => "the timeout is raised",
            (Client::PerTryTimeout(_), _) => "the timeout is lowered",
            (Client::MaxAttempts(to), Client::MaxAttempts(back)) if to > back => "more retries are allowed",
            (Client::MaxAttempts(_), _) => "fewer retries are allowed",
            (Client::RetryOn(_), _) => "other outcomes are retried",
            (Client::Backoff(_), _) => "the backoff is changed",
            (Client::Budget(Budget::None), _) => "the retry budget is taken away",
            (Client::Budget(_), _) => "a retry budget is in force",
        },
        Setting::Server { to, back, .. } => match (to, back) {
            (Server::Workers(to), Server::Workers(back)) if to > back => "workers are added",
            (Server::Workers(_), _) => "workers are taken away",
            (Server::Discipline(_), _) => "the queue discipline is changed",
            (Server::Capacity(to), Server::Capacity(back)) if to > back => "the queues are lengthened",
            (Server::Capacity(_), _) => "the queues are shortened",
            (Server::Cancel(Cancel::Never), _) => "stale work is not cancelled any more",
            (Server::Cancel(_), _) => "stale work is cancelled",
        },
    }
}
