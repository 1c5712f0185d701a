//! What limits retries over all calls of one client instance.
//!
//! A cap on attempts bounds the retries of a call; only a budget bounds the retries of a client. Every kind starts full and
//! is charged when a retry is scheduled.
use crate::{
    call::Outcome,
    time::{Span, Time},
};
use serde::{Deserialize, Serialize};

/// A retry budget, as written in a config.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Budget {
    /// No limit.
    None,
    /// A bucket of `burst` tokens; a retry takes one, a call or a success puts `ratio` back
    /// (Brooker, *Fixing retries with token buckets and circuit breakers*, 2022).
    TokenBucket {
        /// What earns a credit.
        credit_per: CreditPer,
        /// Tokens per credit, from 0.
        ratio: f64,
        /// The bucket's size, in tokens.
        burst: f64,
    },
    /// The AWS SDKs' retry quota (smithy-rs `client/retries/token_bucket.rs`, botocore `retries/quota.py`): a retry costs
    /// according to what failed; the last charge comes back when the call succeeds after all.
    AwsQuota {
        /// Size of the quota; 500 in every SDK.
        capacity: u32,
        /// Cost of a retry after `rejected`.
        cost_rejected: u32,
        /// Cost of a retry after `timeout`.
        cost_timeout: u32,
        /// Cost of a retry after anything else.
        cost_other: u32,
        /// What a success at the first try puts back.
        first_try_success: u32,
    },
    /// gRPC's retry throttling (grpc/proposal A6; grpc-go `clientconn.go`, `retryThrottler`): every retryable failure takes a
    /// token, a success puts `token_ratio` back, and no retry is made at or below half of `max_tokens`.
    GrpcThrottle {
        /// Size of the bucket, in (0, 1000].
        max_tokens: f64,
        /// Tokens per success.
        token_ratio: f64,
    },
    /// Finagle's `RetryBudget` (`finagle-core/…/service/RetryBudget.scala`): retries up to a share of the deposits of the last
    /// `ttl`, plus a reserve of `min_per_second`. Deposits and withdrawals expire in ten slices.
    FinagleWindow {
        /// How long a deposit or a withdrawal counts.
        ttl: Span,
        /// Retries per second that are always allowed.
        min_per_second: f64,
        /// Retries per deposit.
        ratio: f64,
        /// What makes a deposit. Success in today's Finagle, every call in older ones.
        credit_per: CreditPer,
    },
    /// Envoy's retry resource (`resource_manager_impl.h`): retries scheduled or in flight ≤ max(`at_least`, `ratio` × calls in
    /// progress). Envoy's `max_retries` is `ratio: 0, at_least: 3`.
    Concurrent {
        /// Share of the calls in progress, from 0.
        ratio: f64,
        /// Retries allowed whatever the ratio says.
        at_least: u32,
    },
    /// Retries ≤ `ratio` of all attempts of the last `window`, in ten slices (Google SRE book, chapter 21: 10 % over 2 minutes).
    WindowRatio {
        /// Largest share of retries among attempts, in [0, 1).
        ratio: f64,
        /// How far back attempts count.
        window: Span,
    },
}

/// What earns a retry budget its credit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CreditPer {
    /// Every call, when it starts.
    Call,
    /// Every call that succeeds.
    Success,
}

/// A budget in use by one client instance.
#[derive(Clone, Debug)]
pub struct BudgetState {
    budget: Budget,
    /// Tokens, quota, or retries in progress, as the kind needs.
    level: f64,
    /// Finagle's deposits minus withdrawals, in retries, or the SRE window's calls.
    first: Sliding,
    /// The SRE window's retries.
    second: Sliding,
}

/// What a scheduled retry was charged; the call keeps it and gives it back in [`BudgetState::succeeded`].
pub type Charge = u32;

impl BudgetState {
    /// A full budget.
    pub fn new(budget: &Budget) -> BudgetState {
        let (level, window) = match *budget {
            Budget::TokenBucket { burst, .. } => (burst, Span::ZERO),
            Budget::AwsQuota { capacity, .. } => (f64::from(capacity), Span::ZERO),
            Budget::GrpcThrottle { max_tokens, .. } => (max_tokens, Span::ZERO),
            Budget::FinagleWindow { ttl, .. } => (0.0, ttl),
            Budget::WindowRatio { window, .. } => (0.0, window),
            Budget::None | Budget::Concurrent { .. } => (0.0, Span::ZERO),
        };
        BudgetState { budget: *budget, level, first: Sliding::new(window), second: Sliding::new(window) }
    }

    /// A full budget that comes into force while `retries` are scheduled or in flight.
    pub fn in_force(budget: &Budget, retries: usize) -> BudgetState {
        let mut state = BudgetState::new(budget);
        if let Budget::Concurrent { .. } = budget {
            state.level = retries as f64;
        }
        state
    }

    /// A call began.
    #[inline]
    pub fn started(&mut self, now: Time) {
        match self.budget {
            Budget::TokenBucket { credit_per: CreditPer::Call, ratio, burst } => {
                self.level = (self.level + ratio).min(burst);
            }
            Budget::FinagleWindow { credit_per: CreditPer::Call, ratio, .. } => self.first.add(now, ratio),
            Budget::WindowRatio { .. } => self.first.add(now, 1.0),
            _ => {}
        }
    }

    /// A call succeeded; `charge` is what its last retry cost, 0 if its first attempt was answered.
    #[inline]
    pub fn succeeded(&mut self, now: Time, charge: Charge) {
        match self.budget {
            Budget::TokenBucket { credit_per: CreditPer::Success, ratio, burst } => {
                self.level = (self.level + ratio).min(burst);
            }
            Budget::AwsQuota { capacity, first_try_success, .. } => {
                let credit = if charge > 0 { charge } else { first_try_success };
                self.level = (self.level + f64::from(credit)).min(f64::from(capacity));
            }
            Budget::GrpcThrottle { max_tokens, token_ratio } => {
                self.level = (self.level + token_ratio).min(max_tokens);
            }
            Budget::FinagleWindow { credit_per: CreditPer::Success, ratio, .. } => self.first.add(now, ratio),
            _ => {}
        }
    }

    /// An attempt ended in an outcome that the policy retries, whether or not attempts are left.
    #[inline]
    pub fn failed(&mut self) {
        if let Budget::GrpcThrottle { .. } = self.budget {
            self.level = (self.level - 1.0).max(0.0);
        }
    }

    /// Charges a retry after `outcome`, or refuses it. `calls` is the number of calls in progress at this instance.
    #[inline]
    pub fn charge(&mut self, now: Time, outcome: Outcome, calls: usize) -> Option<Charge> {
        match self.budget {
            Budget::None => Some(0),
            Budget::TokenBucket { .. } => self.take(1.0).then_some(1),
            Budget::AwsQuota { cost_rejected, cost_timeout, cost_other, .. } => {
                let cost = match outcome {
                    Outcome::Rejected => cost_rejected,
                    Outcome::Timeout => cost_timeout,
                    _ => cost_other,
                };
                self.take(f64::from(cost)).then_some(cost)
            }
            Budget::GrpcThrottle { max_tokens, .. } => (self.level > max_tokens / 2.0).then_some(0),
            Budget::FinagleWindow { ttl, min_per_second, .. } => {
                let reserve = min_per_second * ttl.as_secs_f64();
                (reserve + self.first.sum(now) + 1e-6 >= 1.0).then(|| {
                    self.first.add(now, -1.0);
                    0
                })
            }
            Budget::Concurrent { ratio, at_least } => {
                let limit = f64::from(at_least).max(ratio * calls as f64);
                (self.level + 1.0 <= limit).then(|| {
                    self.level += 1.0;
                    0
                })
            }
            Budget::WindowRatio { ratio, .. } => {
                let (calls, retries) = (self.first.sum(now), self.second.sum(now) + 1.0);
                (retries <= ratio * (calls + retries)).then(|| {
                    self.second.add(now, 1.0);
                    0
                })
            }
        }
    }

    /// A retry that was charged has ended, however it did.
    #[inline]
    pub fn retry_ended(&mut self) {
        if let Budget::Concurrent { .. } = self.budget {
            self.level -= 1.0;
        }
    }

    fn take(&mut self, cost: f64) -> bool {
        let enough = self.level + 1e-9 >= cost;
        if enough {
            self.level -= cost;
        }
        enough
    }
}

const SLICES: usize = 10;

/// A sum over the last ten slices of a window, the current one included.
#[derive(Clone, Debug)]
struct Sliding {
    slice: Span,
    /// Number of the slice that was current at the last look.
    current: u64,
    sums: [f64; SLICES],
}

impl Sliding {
    fn new(window: Span) -> Sliding {
        Sliding { slice: Span((window.0 / SLICES as u64).max(1)), current: 0, sums: [0.0; SLICES] }
    }

    fn advance(&mut self, now: Time) {
        let slice = now.0 / self.slice.0;
        let passed = slice.saturating_sub(self.current).min(SLICES as u64);
        for k in 0..passed {
            self.sums[((slice - k) % SLICES as u64) as usize] = 0.0;
        }
        self.current = self.current.max(slice);
    }

    fn add(&mut self, now: Time, n: f64) {
        self.advance(now);
        self.sums[(self.current % SLICES as u64) as usize] += n;
    }

    fn sum(&mut self, now: Time) -> f64 {
        self.advance(now);
        self.sums.iter().sum()
    }
}
