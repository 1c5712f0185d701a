//! What runs write: `results/<config>/<time>/`, and the symlink `results/latest` to the newest.
//!
//! A folder is written under a name that begins with a dot and renamed when it is complete, so a killed run never looks
//! complete. All that depends on the host or the day is in the manifest alone: a simulated run's own files are the same bytes
//! everywhere.
mod error;
mod events;
mod folder;
mod keep;
mod manifest;
mod run;
mod windows;

pub use error::ResultsError;
pub use folder::Folder;
pub use keep::{Kept, clean, list};
pub use manifest::{FORMAT, Manifest, RunRecord, now, read};
pub use run::{RunFiles, write_run};
pub use windows::csv as windows_csv;
