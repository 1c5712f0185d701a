//! Opens a report in the browser, with whatever the system has for that.
use std::{
    io,
    path::Path,
    process::{Command, Stdio},
};

/// What opens files on the systems there are: freedesktop's, macOS's.
const OPENERS: [&str; 2] = ["xdg-open", "open"];

/// Opens `page`; where that cannot be done, says why.
pub(super) fn open(page: &Path) -> Result<(), String> {
    open_with(&OPENERS, page)
}

fn open_with(openers: &[&str], page: &Path) -> Result<(), String> {
    for opener in openers {
        let quiet = Command::new(opener)
            .arg(page)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        match quiet {
            // It may stay for as long as the browser does: nobody waits for it.
            Ok(_) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(format!("`{opener}` does not start: {error}")),
        }
    }
    Err(format!("there is no `{}` on this system", openers.join("` and no `")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_opener_that_exists_is_taken_and_none_is_said() {
        let page = Path::new("report.html");
        assert_eq!(open_with(&["no-such-opener-1", "true"], page), Ok(()));
        let missing = open_with(&["no-such-opener-1", "no-such-opener-2"], page);
        let said = "there is no `no-such-opener-1` and no `no-such-opener-2` on this system";
        assert_eq!(missing, Err(said.to_owned()));
    }
}
