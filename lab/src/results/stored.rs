//! Windows read back from a results folder, to be shown again.
use super::ResultsError;
use crate::{
    scenario::Scenario,
    trace::{CacheWindow, ClientWindow, GroupWindow, Percentiles, ServerWindow, Windows},
};
use std::{fs, ops::Range, path::Path};

/// The windows of a run that was kept, in the scenario's order: of what is in them, that which is shown of a run that goes on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StoredWindows {
    clients: Vec<Vec<ClientWindow>>,
    servers: Vec<Vec<ServerWindow>>,
    groups: Vec<Vec<GroupWindow>>,
    caches: Vec<Vec<CacheWindow>>,
}

impl StoredWindows {
    /// Reads the file `windows.csv` of a run of `scenario`.
    ///
    /// # Errors
    /// When it cannot be read, or is not of such a run.
    pub fn read(path: &Path, scenario: &Scenario) -> Result<StoredWindows, ResultsError> {
        let text = fs::read_to_string(path).map_err(ResultsError::read(path))?;
        StoredWindows::parse(&text, scenario).map_err(|(line, reason)| ResultsError::Windows {
            path: path.into(),
            line,
            reason,
        })
    }

    fn parse(text: &str, scenario: &Scenario) -> Result<StoredWindows, (usize, String)> {
        let mut lines = text.lines();
        let columns: Vec<&str> = lines.next().unwrap_or("").split(',').collect();
        let services = || scenario.services.iter();
        let grouped: Vec<&str> = services().filter(|s| s.membership.is_some()).map(|s| &*s.name).collect();
        let cached: Vec<&str> = services().filter(|s| s.cache.is_some()).map(|s| &*s.name).collect();
        let replicas = services().map(|s| s.replicas as usize).sum();
        let mut stored = StoredWindows {
            clients: vec![vec![]; scenario.clients.len()],
            servers: vec![vec![]; replicas],
            groups: vec![vec![]; grouped.len()],
            caches: vec![vec![]; cached.len()],
        };
        for (number, line) in (2..).zip(lines) {
            let row = Row { columns: &columns, fields: line.split(',').collect() };
            let unknown = || format!("`{}` is nobody in this scenario", row.text("node"));
            let at = |reason: String| (number, reason);
            let node = row.text("node");
            let place = |names: &[&str]| names.iter().position(|name| *name == node).ok_or_else(unknown);
            if row.has("offered") {
                let names: Vec<&str> = scenario.clients.iter().map(|c| &*c.name).collect();
                let window = row.client().map_err(at)?;
                stored.clients[place(&names).map_err(at)?].push(window);
            } else if row.has("arrived") {
                let server = replica(scenario, node).ok_or_else(unknown).map_err(at)?;
                stored.servers[server].push(row.server().map_err(at)?);
            } else if row.has("view") {
                stored.groups[place(&grouped).map_err(at)?].push(row.group().map_err(at)?);
            } else if row.has("hits") {
                stored.caches[place(&cached).map_err(at)?].push(row.cache().map_err(at)?);
            } else {
                return Err((
                    number,
                    "this row is neither a client's nor a replica's, group's or cache's".into(),
                ));
            }
        }
        Ok(stored)
    }

    /// These of them, by index; those that are not there are left out.
    pub fn windows(&self, range: Range<usize>) -> Windows<'_> {
        fn part<'w, T>(all: &'w [Vec<T>], range: &Range<usize>) -> Vec<&'w [T]> {
            all.iter().map(|w| &w[range.start.min(w.len())..range.end.min(w.len())]).collect()
        }
        Windows {
            clients: part(&self.clients, &range),
            servers: part(&self.servers, &range),
            groups: part(&self.groups, &range),
            caches: part(&self.caches, &range),
        }
    }

    /// How many windows the run has.
    pub fn count(&self) -> usize {
        self.clients.iter().map(Vec::len).max().unwrap_or(0)
    }
}

/// The number of a replica, written as `service/replica`, all services counted through.
fn replica(scenario: &Scenario, node: &str) -> Option<usize> {
    let (name, replica) = node.rsplit_once('/')?;
    let service = scenario.services.iter().position(|s| s.name == name)?;
    let replica: usize = replica.parse().ok()?;
    let known = replica < scenario.services[service].replicas as usize;
    known.then(|| scenario.first_replica(service) + replica)
}

struct Row<'t> {
    columns: &'t [&'t str],
    fields: Vec<&'t str>,
}

impl<'t> Row<'t> {
    fn text(&self, column: &str) -> &'t str {
        let index = self.columns.iter().position(|c| *c == column);
        index.and_then(|index| self.fields.get(index)).copied().unwrap_or("")
    }

    fn has(&self, column: &str) -> bool {
        !self.text(column).is_empty()
    }

    fn number<T: std::str::FromStr>(&self, column: &str) -> Result<T, String> {
        let text = self.text(column);
        text.parse().map_err(|_| format!("expected a number in the column `{column}`, found `{text}`"))
    }

    fn client(&self) -> Result<ClientWindow, String> {
        let count = self.number("count")?;
        let microseconds = |column| self.number::<f64>(column).map(|ms| (ms * 1e3).round() as u64);
        let latency = match count {
            0 => Percentiles::default(),
            _ => Percentiles {
                count,
                p50_us: microseconds("p50_ms")?,
                p99_us: microseconds("p99_ms")?,
                ..Percentiles::default()
            },
        };
        Ok(ClientWindow {
            offered: self.number("offered")?,
            attempts: self.number("attempts")?,
            good: self.number("good")?,
            failed: self.number("failed")?,
            shed: self.number("shed")?,
            in_progress: self.number("in_progress")?,
            latency,
            ..ClientWindow::default()
        })
    }

    fn server(&self) -> Result<ServerWindow, String> {
        let (queue, busy) = (self.number("queue")?, self.number("busy")?);
        Ok(ServerWindow { completed: self.number("completed")?, queue, busy, ..ServerWindow::default() })
    }

    fn group(&self) -> Result<GroupWindow, String> {
        let (view, members) = (self.number("view")?, self.number("members")?);
        Ok(GroupWindow { view, members, lag: self.number("lag")?, ..GroupWindow::default() })
    }

    fn cache(&self) -> Result<CacheWindow, String> {
        let (hits, misses) = (self.number("hits")?, self.number("misses")?);
        Ok(CacheWindow { hits, misses, ..CacheWindow::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{engine::sim::sim, results::windows_csv, scenario::sample::queueing};
    use lab_core::time::Span;

    #[test]
    fn what_is_shown_is_read_as_it_was_measured() {
        let scenario = queueing(50.0, 1, Span::from_millis(10), Span::from_secs(5));
        let trace = sim(&scenario, 1);
        let stored = StoredWindows::parse(&windows_csv(&trace), &scenario).unwrap();
        assert_eq!(stored.count(), 5);
        let windows = stored.windows(0..9);
        for (read, measured) in windows.clients[0].iter().zip(&trace.clients[0].windows) {
            assert_eq!(
                (read.offered, read.good, read.attempts),
                (measured.offered, measured.good, measured.attempts)
            );
            assert_eq!(
                (read.latency.p50_us, read.latency.p99_us),
                (measured.latency.p50_us, measured.latency.p99_us)
            );
            assert!((read.in_progress - measured.in_progress).abs() < 1e-6);
        }
        for (read, measured) in windows.servers[0].iter().zip(&trace.servers[0].windows) {
            assert_eq!(read.completed, measured.completed);
            assert!((read.queue - measured.queue).abs() < 1e-6);
        }
        assert_eq!(stored.windows(1..3).clients[0].len(), 2);
    }

    #[test]
    fn a_row_that_does_not_fit_is_named() {
        let scenario = queueing(50.0, 1, Span::from_millis(10), Span::from_secs(5));
        let csv = windows_csv(&sim(&scenario, 1));
        let wrong =
            |from: &str, to: &str| StoredWindows::parse(&csv.replacen(from, to, 1), &scenario).unwrap_err();
        let client = &scenario.clients[0].name;
        let (line, reason) = wrong(&format!("{client},2,"), "stranger,2,");
        assert_eq!((line, reason.as_str()), (4, "`stranger` is nobody in this scenario"));
        let (line, reason) = wrong("offered", "ofered");
        assert_eq!(line, 2, "{reason}");
    }
}
