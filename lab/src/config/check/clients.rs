//! Client groups: timeouts, retries and budgets.
use super::{Checker, join};
use crate::config::{
    budget::Budget,
    choice::OrNone,
    client::{Backoff, Client, Jitter, Outcome, Retry},
    units::{Limit, Share},
};
use lab_core::time::Span;

impl Checker<'_> {
    pub(super) fn clients(&mut self) {
        for (name, client) in &self.experiment.clients {
            self.client(&join("clients", name), client);
        }
    }

    fn client(&mut self, path: &str, client: &Client) {
        let services: Vec<String> = self.experiment.services.keys().cloned().collect();
        let names: Vec<&str> = services.iter().map(String::as_str).collect();
        self.must_be_one_of(&join(path, "calls"), "service", &client.calls, &names);
        self.count(&join(path, "instances"), "instance", client.instances);
        for (key, limit) in [("per_try_timeout", client.per_try_timeout), ("deadline", client.deadline)] {
            self.limit(&join(path, key), limit);
        }
        self.timeout(&join(path, "per_try_timeout"), client.per_try_timeout, client.deadline);
        if let OrNone::Some(retry) = &client.retry {
            self.retry(&join(path, "retry"), retry, client);
        }
        if let OrNone::Some(hedge) = &client.hedge {
            self.hedge(&join(path, "hedge"), hedge, client);
        }
    }

    pub(super) fn limit(&mut self, path: &str, limit: Limit) {
        if limit.0 == Span::ZERO {
            let help = Some("for no limit, write `none`".into());
            self.error_with(path, "a limit of 0 would end every attempt before it begins", help);
        }
    }

    pub(super) fn timeout(&mut self, path: &str, timeout: Limit, deadline: Limit) {
        if !timeout.0.is_forever() && timeout.0 > deadline.0 {
            self.warn(path, format!("the deadline of {deadline} always comes before a timeout of {timeout}"));
        }
    }

    pub(super) fn retry(&mut self, path: &str, retry: &Retry, client: &Client) {
        if retry.retry_on.is_empty() && retry.max_attempts.0 > 1 {
            self.warn(&join(path, "retry_on"), "no outcome is retried, so there are no retries at all");
        }
        let times_out = !client.per_try_timeout.0.is_forever() || !client.deadline.0.is_forever();
        if retry.retry_on == [Outcome::Timeout] && !times_out {
            self.warn(
                &join(path, "retry_on"),
                "only timeouts are retried, and there is neither timeout nor deadline",
            );
        }
        self.outcomes(&join(path, "retry_on"), &retry.retry_on);
        if let OrNone::Some(backoff) = &retry.backoff {
            self.backoff(&join(path, "backoff"), backoff);
        }
        self.budget(&join(path, "budget"), &retry.budget);
        self.endless(&join(path, "max_attempts"), retry);
    }

    pub(super) fn endless(&mut self, path: &str, retry: &Retry) {
        let waits = retry.backoff.as_ref().is_some_and(|b| b.initial.0 > Span::ZERO);
        let bounded = match retry.budget {
            Budget::None | Budget::Concurrent { .. } => false,
            Budget::AwsQuota { cost_rejected, cost_timeout, cost_other, .. } => {
                cost_rejected > 0 && cost_timeout > 0 && cost_other > 0
            }
            _ => true,
        };
        if retry.max_attempts.0 > 1000 && !waits && !bounded {
            let message = "retries without a wait, a limit or a budget would never end";
            self.error(path, message);
        }
    }

    pub(super) fn outcomes(&mut self, path: &str, outcomes: &[Outcome]) {
        let twice = |i: usize| outcomes[..i].contains(&outcomes[i]);
        if (0..outcomes.len()).any(twice) {
            self.error(path, "an outcome stands here twice");
        }
    }

    pub(super) fn backoff(&mut self, path: &str, backoff: &Backoff) {
        if !(1.0..=1000.0).contains(&backoff.multiplier) {
            let message = format!("expected a number from 1 to 1000, found `{}`", backoff.multiplier);
            self.error_with(&join(path, "multiplier"), message, Some("1 keeps the wait fixed".into()));
        }
        if backoff.max.0 < backoff.initial.0 && self.sound(&[&join(path, "initial")]) {
            let message =
                format!("the largest wait, {}, is less than the first, {}", backoff.max, backoff.initial);
            self.warn(&join(path, "max"), message);
        }
        if let Jitter::PlusMinus(share) = backoff.jitter
            && share.0 > 1.0
        {
            self.error(&join(path, "jitter.plus_minus"), format!("expected at most 100 %, found {share}"));
        }
    }

    pub(super) fn budget(&mut self, path: &str, budget: &Budget) {
        match *budget {
            Budget::None | Budget::Concurrent { .. } => {}
            Budget::TokenBucket { burst, ratio, .. } => {
                if burst < 0.0 {
                    self.error(&join(path, "token_bucket.burst"), format!("`{burst}` is negative"));
                } else if burst < 1.0 {
                    self.warn(
                        &join(path, "token_bucket.burst"),
                        "less than one token: no retry is ever made",
                    );
                }
                if ratio.0 >= 1.0 {
                    let message = format!("{ratio} a call pays for every retry: this limits next to nothing");
                    self.warn(&join(path, "token_bucket.ratio"), message);
                }
            }
            Budget::AwsQuota { capacity, .. } => {
                if capacity == 0 {
                    self.warn(&join(path, "aws_quota.capacity"), "without quota no retry is ever made");
                }
            }
            Budget::GrpcThrottle { max_tokens, token_ratio } => {
                if !(max_tokens > 0.0 && max_tokens <= 1000.0) {
                    let message = format!("expected a number above 0 and at most 1000, found `{max_tokens}`");
                    self.error(&join(path, "grpc_throttle.max_tokens"), message);
                }
                if token_ratio <= 0.0 {
                    let message = format!("expected a number above 0, found `{token_ratio}`");
                    self.error(&join(path, "grpc_throttle.token_ratio"), message);
                }
            }
            Budget::FinagleWindow { ttl, .. } => {
                if ttl.0 == Span::ZERO {
                    self.error(&join(path, "finagle_window.ttl"), "deposits must count for some time");
                }
            }
            Budget::WindowRatio { ratio: Share(ratio), window } => {
                if ratio >= 1.0 {
                    let message = "expected less than 100 %: a first attempt is not a retry";
                    self.error(&join(path, "window_ratio.ratio"), message);
                }
                if window.0 == Span::ZERO {
                    self.error(&join(path, "window_ratio.window"), "attempts must count for some time");
                }
            }
        }
    }
}
