//! SIGTERM, which schedulers send at a time limit or before a node is drained: the cells at work are finished if they are quick,
//! and dropped if they are not. What is on the disk stays in any case.
use std::sync::atomic::{AtomicBool, Ordering};

static TERMINATED: AtomicBool = AtomicBool::new(false);

/// Schedulers kill what has not gone after thirty seconds or so.
#[cfg(feature = "live")]
const GRACE: std::time::Duration = std::time::Duration::from_secs(10);

/// Listens from now on.
pub(super) fn listen() {
    #[cfg(feature = "live")]
    std::thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        if let Ok(runtime) = runtime {
            runtime.block_on(wait());
        }
    });
}

#[cfg(feature = "live")]
async fn wait() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut signals) = signal(SignalKind::terminate()) else { return };
    if signals.recv().await.is_some() {
        TERMINATED.store(true, Ordering::SeqCst);
        eprintln!("told to end: finishing the cells at work");
        tokio::time::sleep(GRACE).await;
        std::process::exit(i32::from(super::Exit::TryAgain.number()));
    }
}

/// Whether the process was told to end.
pub(super) fn terminated() -> bool {
    TERMINATED.load(Ordering::SeqCst)
}
