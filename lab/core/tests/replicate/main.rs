//! The replicated store under faults, searched from seeds.
mod linearizable;
mod random;
