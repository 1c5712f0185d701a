//! From the words of a config to the policies of the core.
use crate::config::{
    budget::{self, Budget},
    choice::OrNone,
    client::{Backoff, Balance, Jitter, Outcome, Retry},
    hedge::{Hedge, HedgeAfter},
    recorded,
    service::{Cancel, DemandPer, Discipline, Law, LawKind},
};
use lab_core::{
    balance, budget as core_budget,
    call::{self, OutcomeSet},
    demand, hedge, queue, retry, server,
};

pub(super) fn discipline(discipline: Discipline) -> queue::Discipline {
    match discipline {
        Discipline::Fifo => queue::Discipline::Fifo,
        Discipline::Lifo => queue::Discipline::Lifo,
        Discipline::AdaptiveLifo { interval, target } => {
            queue::Discipline::AdaptiveLifo { interval: interval.0, target: target.0 }
        }
        Discipline::Codel { target, interval } => {
            queue::Discipline::Codel { target: target.0, interval: interval.0 }
        }
    }
}

pub(super) fn cancel(cancel: Cancel) -> server::Cancel {
    match cancel {
        Cancel::Never => server::Cancel::Never,
        Cancel::OnDisconnect => server::Cancel::OnDisconnect,
        Cancel::Deadline => server::Cancel::Deadline,
    }
}

pub(super) fn demand_per(per: DemandPer) -> server::DemandPer {
    match per {
        DemandPer::PerCall => server::DemandPer::Call,
        DemandPer::PerAttempt => server::DemandPer::Attempt,
    }
}

pub(super) fn demand(law: &Law) -> Result<demand::Demand, String> {
    Ok(match &law.0 {
        LawKind::Constant(span) => demand::Demand::Constant(span.0),
        LawKind::Exponential { mean } => demand::Demand::Exponential { mean: mean.0 },
        LawKind::Lognormal { median, sigma } => demand::Demand::Lognormal { median: median.0, sigma: *sigma },
        LawKind::Pareto { minimum, shape } => demand::Demand::Pareto { minimum: minimum.0, shape: *shape },
        LawKind::Recorded { file } => demand::Demand::Recorded(recorded::lengths(file)?.into()),
    })
}

pub(super) fn balance(balance: Balance) -> balance::Balance {
    match balance {
        Balance::RoundRobin => balance::Balance::RoundRobin,
        Balance::Random => balance::Balance::Random,
        Balance::LeastRequest => balance::Balance::LeastRequest,
        Balance::P2c => balance::Balance::PowerOfTwo,
    }
}

pub(super) fn hedge(written: &Hedge) -> hedge::Hedge {
    hedge::Hedge {
        after: match written.after {
            HedgeAfter::Fixed(wait) => hedge::After::Fixed(wait.0),
            HedgeAfter::Percentile(share) => hedge::After::Quantile(share.0),
        },
        max_attempts: written.max_attempts,
        non_fatal: outcomes(&written.non_fatal),
        budget: budget(&written.budget),
        writes: written.writes,
    }
}

pub(super) fn retry(written: &Retry) -> retry::Retry {
    retry::Retry {
        max_attempts: written.max_attempts.0,
        retry_on: outcomes(&written.retry_on),
        backoff: backoff(&written.backoff),
        budget: budget(&written.budget),
    }
}

pub(super) fn backoff(written: &OrNone<Backoff>) -> retry::Backoff {
    match written {
        OrNone::None => retry::Backoff::none(),
        OrNone::Some(backoff) => retry::Backoff {
            initial: backoff.initial.0,
            initial_after_rejection: backoff.initial_after_rejection.unwrap_or(backoff.initial).0,
            multiplier: backoff.multiplier,
            max: backoff.max.0,
            jitter: jitter(backoff.jitter),
        },
    }
}

pub(super) fn outcomes(written: &[Outcome]) -> OutcomeSet {
    OutcomeSet::of(&written.iter().map(|o| outcome(*o)).collect::<Vec<_>>())
}

fn outcome(outcome: Outcome) -> call::Outcome {
    match outcome {
        Outcome::Timeout => call::Outcome::Timeout,
        Outcome::Rejected => call::Outcome::Rejected,
        Outcome::Reset => call::Outcome::Reset,
        Outcome::Error => call::Outcome::Error,
    }
}

fn jitter(jitter: Jitter) -> retry::Jitter {
    match jitter {
        Jitter::None => retry::Jitter::None,
        Jitter::Full => retry::Jitter::Full,
        Jitter::Equal => retry::Jitter::Equal,
        Jitter::Decorrelated => retry::Jitter::Decorrelated,
        Jitter::PlusMinus(share) => retry::Jitter::PlusMinus(share.0),
    }
}

fn credit_per(per: budget::CreditPer) -> core_budget::CreditPer {
    match per {
        budget::CreditPer::Call => core_budget::CreditPer::Call,
        budget::CreditPer::Success => core_budget::CreditPer::Success,
    }
}

pub(super) fn budget(budget: &Budget) -> core_budget::Budget {
    match *budget {
        Budget::None => core_budget::Budget::None,
        Budget::TokenBucket { credit_per: per, ratio, burst } => {
            core_budget::Budget::TokenBucket { credit_per: credit_per(per), ratio: ratio.0, burst }
        }
        Budget::AwsQuota { capacity, cost_rejected, cost_timeout, cost_other, first_try_success } => {
            core_budget::Budget::AwsQuota {
                capacity,
                cost_rejected,
                cost_timeout,
                cost_other,
                first_try_success,
            }
        }
        Budget::GrpcThrottle { max_tokens, token_ratio } => {
            core_budget::Budget::GrpcThrottle { max_tokens, token_ratio }
        }
        Budget::FinagleWindow { ttl, min_per_second, ratio, credit_per: per } => {
            core_budget::Budget::FinagleWindow {
                ttl: ttl.0,
                min_per_second: min_per_second.0,
                ratio: ratio.0,
                credit_per: credit_per(per),
            }
        }
        Budget::Concurrent { ratio, at_least } => {
            core_budget::Budget::Concurrent { ratio: ratio.0, at_least }
        }
        Budget::WindowRatio { ratio, window } => {
            core_budget::Budget::WindowRatio { ratio: ratio.0, window: window.0 }
        }
    }
}
