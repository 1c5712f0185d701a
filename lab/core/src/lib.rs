//! Policies and state machines of the metastable-failure lab. Nothing here reads a clock, opens a socket or spawns a task.
//!
//! Both engines drive this code: the simulation with a virtual clock, the live service with a real one. A map, from the
//! smallest idea to the largest:
//!
//! - [`time`], [`draw`], [`call`]: instants, keyed randomness, and the nouns.
//! - [`machine`]: the contract that every machine keeps.
//! - [`arrival`], [`demand`], [`keys`]: what load comes, how much work it is, and which keys it is about.
//! - [`retry`], [`hedge`], [`budget`], [`balance`]: what a client decides; [`client`] puts it together.
//! - [`queue`]: who is served next; [`server`] puts it together.
//! - [`cache`]: a look-aside cache in front of a store.
//! - [`setting`]: what of all this can change while a run goes on.
//! - [`timeline`]: what goes wrong, when, and what an operator does.
pub mod arrival;
pub mod balance;
pub mod budget;
pub mod cache;
pub mod call;
pub mod client;
pub mod demand;
pub mod directory;
pub mod draw;
pub mod hedge;
pub mod keys;
pub mod lineage;
pub mod machine;
pub mod queue;
pub mod replicate;
pub mod retry;
pub mod server;
pub mod setting;
pub mod time;
pub mod timeline;
