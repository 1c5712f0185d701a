//! A live run in a process of its own, killed to see what becomes of its children.
use std::process::{Command, Stdio};

/// Runs the ignored test `name` of this file as a process, kills it once one of its children is stopped, and returns the
/// children once all are gone.
pub(crate) fn kill_the_parent(name: &str) -> Vec<u32> {
    let mut parent = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", name])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut children = vec![];
    let stopped = wait_for(|| {
        children = children_of(parent.id());
        children.iter().any(|child| state(*child) == Some('T'))
    });
    parent.kill().unwrap();
    parent.wait().unwrap();
    assert!(stopped, "none of {children:?} was stopped");
    let gone = wait_for(|| children.iter().all(|child| matches!(state(*child), None | Some('Z' | 'X'))));
    assert!(gone, "{:?}", children.iter().map(|c| state(*c)).collect::<Vec<_>>());
    children
}

/// Looks every 50 ms until `done`, for 20 s at most.
fn wait_for(mut done: impl FnMut() -> bool) -> bool {
    (0..400).any(|_| {
        #[expect(clippy::disallowed_methods, reason = "a test that waits for another process")]
        std::thread::sleep(std::time::Duration::from_millis(50));
        done()
    })
}

/// State letter and parent of a process, as in proc(5).
fn stat(pid: u32) -> Option<(char, u32)> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit_once(") ")?.1.split(' ');
    Some((fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
}

fn state(pid: u32) -> Option<char> {
    stat(pid).map(|(state, _)| state)
}

fn children_of(parent: u32) -> Vec<u32> {
    let names = std::fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.file_name());
    let pids = names.filter_map(|name| name.to_str()?.parse().ok());
    pids.filter(|pid| stat(*pid).is_some_and(|(_, of)| of == parent)).collect()
}
