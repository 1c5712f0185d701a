//! The replicated store under faults: a simulated network, clients and manager, schedules of faults drawn from seeds, and
//! what must hold after each of them.
//!
//! `cargo test -p lab-core --test replicate` runs a few hundred schedules of each protocol. `LAB_FAULT_SEEDS=20000` runs more,
//! from seed `LAB_FAULT_FIRST` on. A schedule that fails is made small and printed; `LAB_FAULT_REPLAY` takes it again.
mod audit;
mod linearizable;
mod minimise;
mod mutations;
mod promise;
mod quiet;
mod random;
mod sabotage;
mod schedule;
mod search;
mod world;
