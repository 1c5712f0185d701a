//! Ctrl-C: the first one ends what is running and keeps what is done, the second one ends the program.
use std::sync::atomic::{AtomicBool, Ordering};

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Listens from now on.
pub(super) fn listen() {
    #[cfg(feature = "live")]
    {
        // It fails where someone listens already, and then that one is this one.
        let _ = ctrlc::set_handler(|| {
            if INTERRUPTED.swap(true, Ordering::SeqCst) {
                std::process::exit(130);
            }
            eprintln!("\ninterrupted: keeping what is done (again to stop at once)");
        });
    }
}

/// Whether someone wants it to end.
pub(super) fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::SeqCst)
}

/// The flag itself, for those who look at it while they run.
#[cfg(feature = "live")]
pub(super) fn flag() -> &'static AtomicBool {
    &INTERRUPTED
}
