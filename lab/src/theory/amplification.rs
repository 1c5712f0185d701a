//! How many attempts a call makes while all of them time out: what attempts, deadline and budget leave of `max_attempts`.
use super::retries::attempts_with_budget;
use lab_core::{
    budget::Budget,
    call::Outcome,
    client::ClientPolicy,
    hedge::{After, Hedge},
    retry::{Backoff, Jitter},
    time::Span,
};

/// The longest that an attempt can take, in seconds: the per-try timeout or the deadline. Infinite where there is neither.
pub fn timeout_s(policy: &ClientPolicy) -> f64 {
    seconds(policy.per_try_timeout.min(policy.deadline))
}

/// Attempts per call while every attempt times out, for one client instance that makes `calls_per_s` calls.
///
/// A budget by its sustained share of retries per call, not by the burst it starts with. Where the credit comes from successes
/// it is the share per *success*, so that the result is an upper bound (fewer succeed while the service is down).
pub fn attempts_when_all_time_out(policy: &ClientPolicy, calls_per_s: f64) -> f64 {
    if let Some(hedge) = &policy.hedge {
        return attempts_when_all_are_slow(policy, hedge, calls_per_s);
    }
    if timeout_s(policy).is_infinite() || !policy.retry.retry_on.contains(Outcome::Timeout) {
        return 1.0;
    }
    let most = attempts_before_deadline(policy);
    attempts_with_budget(most, budget_per_call(&policy.retry.budget, policy, calls_per_s))
}

/// Attempts per call while every attempt is slow enough to be hedged. A fixed wait is over for all of them; a percentile is one
/// of what all have lately taken, and hedges no greater share than before.
fn attempts_when_all_are_slow(policy: &ClientPolicy, hedge: &Hedge, calls_per_s: f64) -> f64 {
    let most = match hedge.after {
        After::Quantile(share) => 1.0 + (1.0 - share) * f64::from(hedge.max_attempts - 1),
        After::Fixed(wait) => {
            let starts = |n: &u32| wait.as_secs_f64() * f64::from(*n) < timeout_s(policy);
            1.0 + (1..hedge.max_attempts).take_while(starts).count() as f64
        }
    };
    attempts_with_budget(most, budget_per_call(&hedge.budget, policy, calls_per_s))
}

/// `max_attempts`, or as many as can start before the call's deadline.
fn attempts_before_deadline(policy: &ClientPolicy) -> f64 {
    let (timeout, deadline) = (timeout_s(policy), seconds(policy.deadline));
    let mut attempts = 1;
    let mut starts = 0.0;
    // Beyond some hundred attempts the exact number changes nothing that a person would calculate.
    while attempts < policy.retry.max_attempts.min(1000) {
        starts += timeout + mean_wait_s(&policy.retry.backoff, attempts);
        if starts >= deadline {
            break;
        }
        attempts += 1;
    }
    f64::from(attempts)
}

/// The mean wait before retry number `retry`, from 1, in seconds.
pub fn mean_wait_s(backoff: &Backoff, retry: u32) -> f64 {
    let initial = backoff.initial.as_secs_f64();
    let max = backoff.max.as_secs_f64();
    let grown = (initial * libm::pow(backoff.multiplier, f64::from(retry - 1))).min(max);
    match backoff.jitter {
        _ if initial == 0.0 => 0.0,
        Jitter::None | Jitter::PlusMinus(_) => grown,
        Jitter::Full => grown / 2.0,
        Jitter::Equal => grown * 0.75,
        // The mean of U(initial, 3 × previous), from wait to wait.
        Jitter::Decorrelated => {
            (0..retry.min(100)).fold(initial, |previous, _| ((initial + 3.0 * previous) / 2.0).min(max))
        }
    }
}

/// Retries (or hedges) per call that a budget sustains while every attempt times out; infinite without one.
fn budget_per_call(budget: &Budget, policy: &ClientPolicy, calls_per_s: f64) -> f64 {
    let ratio_of = |n: f64, of: f64| if of > 0.0 { n / of } else { f64::INFINITY };
    match *budget {
        Budget::None => f64::INFINITY,
        Budget::TokenBucket { ratio, .. } => ratio,
        Budget::AwsQuota { cost_timeout, first_try_success, .. } => {
            ratio_of(f64::from(first_try_success), f64::from(cost_timeout))
        }
        Budget::GrpcThrottle { token_ratio, .. } => token_ratio,
        Budget::FinagleWindow { ratio, min_per_second, .. } => ratio + ratio_of(min_per_second, calls_per_s),
        Budget::Concurrent { ratio, at_least } => {
            let timeout = timeout_s(policy);
            let each = timeout + mean_wait_s(&policy.retry.backoff, 1);
            // Little's law: so many retries under way, each for a backoff and a timeout.
            let floor = ratio_of(f64::from(at_least), calls_per_s * each);
            // Where nothing ends an attempt, the wait before it is nothing beside it.
            let busy = if timeout.is_infinite() { 1.0 } else { timeout / each };
            let shared = if ratio < 1.0 { ratio / (1.0 - ratio) * busy } else { f64::INFINITY };
            floor.max(shared)
        }
        Budget::WindowRatio { ratio, .. } => ratio / (1.0 - ratio),
    }
}

fn seconds(span: Span) -> f64 {
    if span.is_forever() { f64::INFINITY } else { span.as_secs_f64() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab_core::{balance::Balance, budget::CreditPer, call::OutcomeSet, retry::Retry};

    fn policy(budget: Budget) -> ClientPolicy {
        let backoff = Backoff {
            initial: Span::from_millis(500),
            max: Span::from_secs(9),
            multiplier: 2.0,
            ..Backoff::none()
        };
        ClientPolicy {
            per_try_timeout: Span::from_secs(1),
            deadline: Span::FOREVER,
            retry: Retry { max_attempts: 4, retry_on: OutcomeSet::of(&[Outcome::Timeout]), backoff, budget },
            hedge: None,
            balance: Balance::RoundRobin,
        }
    }

    #[test]
    fn attempts_are_limited_by_number_by_deadline_and_by_what_is_retried() {
        let mut client = policy(Budget::None);
        assert_eq!(attempts_when_all_time_out(&client, 100.0), 4.0);
        // Attempts start at 0, 1.5 and 3.5 s; the fourth would at 6.5 s.
        client.deadline = Span::from_secs(6);
        assert_eq!(attempts_when_all_time_out(&client, 100.0), 3.0);
        client.retry.retry_on = OutcomeSet::of(&[Outcome::Rejected]);
        assert_eq!(attempts_when_all_time_out(&client, 100.0), 1.0);
        client = policy(Budget::None);
        client.per_try_timeout = Span::FOREVER;
        assert_eq!(attempts_when_all_time_out(&client, 100.0), 1.0);
    }

    #[test]
    fn a_fixed_wait_hedges_all_calls_and_a_percentile_its_share() {
        let attempts = |after, budget| {
            let mut client = policy(Budget::None);
            client.retry = Retry::none();
            let non_fatal = OutcomeSet::EMPTY;
            client.hedge = Some(Hedge { after, max_attempts: 3, non_fatal, budget, writes: false });
            attempts_when_all_time_out(&client, 100.0)
        };
        let ms = |ms| After::Fixed(Span::from_millis(ms));
        assert_eq!(attempts(ms(100), Budget::None), 3.0);
        // The second attempt after 600 ms, the third would come after the timeout of a second.
        assert_eq!(attempts(ms(600), Budget::None), 2.0);
        let close =
            |found: f64, expected: f64| assert!((found - expected).abs() < 1e-9, "{found} {expected}");
        close(attempts(After::Quantile(0.95), Budget::None), 1.1);
        let bucket = Budget::TokenBucket { credit_per: CreditPer::Call, ratio: 0.02, burst: 9.0 };
        close(attempts(ms(100), bucket), 1.02);
    }

    #[test]
    fn budgets_sustain_the_share_of_retries_that_their_sources_say() {
        let attempts = |budget| attempts_when_all_time_out(&policy(budget), 1000.0);
        let close =
            |found: f64, expected: f64| assert!((found - expected).abs() < 1e-9, "{found} {expected}");
        close(attempts(Budget::TokenBucket { credit_per: CreditPer::Call, ratio: 0.1, burst: 50.0 }), 1.1);
        let aws = |cost| Budget::AwsQuota {
            capacity: 500,
            cost_rejected: 5,
            cost_timeout: cost,
            cost_other: cost,
            first_try_success: 1,
        };
        close(attempts(aws(10)), 1.1);
        close(attempts(aws(14)), 1.0 + 1.0 / 14.0);
        close(attempts(Budget::GrpcThrottle { max_tokens: 10.0, token_ratio: 0.1 }), 1.1);
        let finagle = Budget::FinagleWindow {
            ttl: Span::from_secs(10),
            min_per_second: 10.0,
            ratio: 0.2,
            credit_per: CreditPer::Call,
        };
        close(attempts(finagle), 1.21);
        close(attempts(Budget::WindowRatio { ratio: 0.1, window: Span::from_secs(120) }), 1.0 + 1.0 / 9.0);
        // Envoy's three retries, each under way for 1.5 s: two a second.
        close(attempts(Budget::Concurrent { ratio: 0.0, at_least: 3 }), 1.002);
    }
}
