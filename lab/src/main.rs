//! lab
use std::process::ExitCode;

fn main() -> ExitCode {
    #[cfg(feature = "live")]
    if std::env::args().nth(1).as_deref() == Some("replica") {
        return lab::engine::live::replica_main();
    }
    ExitCode::SUCCESS
}
