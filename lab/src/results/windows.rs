//! `windows.csv`: one row per window and node.
use crate::trace::{ClientWindow, Percentiles, ServerWindow, Trace};
use lab_core::call::Outcome;
use std::fmt::Write;

/// The columns of clients, of servers, of groups of replicas and of caches; a row leaves the other kinds' empty.
const CLIENT: &str =
    "offered,attempts,retries,redirects,good,slow,failed,shed,late,in_progress,success_mean_ms";
const SERVER: &str = "arrived,completed,server_rejected,errors,resets,dropped,redirected,peers,held_ms,stale_ms,queue,queue_max,busy,\
                      wait_mean_ms";
const GROUP: &str = "view,members,learners,lag";
const CACHE: &str = "hits,misses,fills,populated,keys";
const LATENCY: &str = "count,p50_ms,p90_ms,p99_ms,p999_ms,max_ms";

/// The windows of a run as CSV. Counts are of the window; latency is of calls at clients and of attempts at servers.
pub fn csv(trace: &Trace) -> String {
    let outcomes: Vec<&str> = Outcome::ALL.iter().map(|o| o.name()).collect();
    let outcomes = outcomes.join(",");
    let mut csv = format!(
        "node,window,from_s,until_s,host_bound,{LATENCY},{CLIENT},{outcomes},{SERVER},{GROUP},{CACHE}\n"
    );
    let empty = |columns: &str| ",".repeat(columns.split(',').count());
    let (no_client, no_server) = (empty(CLIENT) + &empty(&outcomes), empty(SERVER));
    let (no_group, no_cache) = (empty(GROUP), empty(CACHE));
    for client in &trace.clients {
        for (index, window) in client.windows.iter().enumerate() {
            begin(&mut csv, trace, &client.name, index, &window.latency);
            client_columns(&mut csv, window);
            csv += &no_server;
            csv += &no_group;
            csv += &no_cache;
            csv.push('\n');
        }
    }
    for server in &trace.servers {
        let name = format!("{}/{}", server.service, server.replica);
        for (index, window) in server.windows.iter().enumerate() {
            begin(&mut csv, trace, &name, index, &window.sojourn);
            csv += &no_client;
            server_columns(&mut csv, window);
            csv += &no_group;
            csv += &no_cache;
            csv.push('\n');
        }
    }
    for group in &trace.groups {
        for (index, w) in group.windows.iter().enumerate() {
            begin(&mut csv, trace, &group.service, index, &Percentiles::default());
            csv += &no_client;
            csv += &no_server;
            put(&mut csv, format_args!(",{},{},{},{}", w.view, w.members, w.learners, w.lag));
            csv += &no_cache;
            csv.push('\n');
        }
    }
    for cache in &trace.caches {
        for (index, w) in cache.windows.iter().enumerate() {
            begin(&mut csv, trace, &cache.service, index, &Percentiles::default());
            csv += &no_client;
            csv += &no_server;
            csv += &no_group;
            put(&mut csv, format_args!(",{},{},{}", w.hits, w.misses, w.fills));
            put(&mut csv, format_args!(",{},{}\n", w.populated, w.keys));
        }
    }
    csv
}

fn begin(csv: &mut String, trace: &Trace, node: &str, index: usize, latency: &Percentiles) {
    let (from, until) = trace.bounds(index);
    let bound = u8::from(trace.host_bound.contains(&index));
    put(csv, format_args!("{node},{index},{},{},{bound}", from.as_secs_f64(), until.as_secs_f64()));
    put(csv, format_args!(",{}", latency.count));
    let Percentiles { count, p50_us, p90_us, p99_us, p999_us, max_us } = *latency;
    for us in [p50_us, p90_us, p99_us, p999_us, max_us] {
        if count > 0 { put(csv, format_args!(",{}", us as f64 / 1e3)) } else { csv.push(',') }
    }
}

fn client_columns(csv: &mut String, w: &ClientWindow) {
    put(csv, format_args!(",{},{},{},{}", w.offered, w.attempts, w.retries, w.redirects));
    put(csv, format_args!(",{},{}", w.good, w.slow));
    put(csv, format_args!(",{},{},{},{:.6}", w.failed, w.shed, w.late, w.in_progress));
    if w.success_mean_ms.is_nan() {
        csv.push(',')
    } else {
        put(csv, format_args!(",{:.6}", w.success_mean_ms))
    }
    for count in w.ended {
        put(csv, format_args!(",{count}"));
    }
}

fn server_columns(csv: &mut String, w: &ServerWindow) {
    put(
        csv,
        format_args!(",{},{},{},{},{},{}", w.arrived, w.completed, w.rejected, w.errors, w.resets, w.dropped),
    );
    put(csv, format_args!(",{},{}", w.redirected, w.peers));
    put(csv, format_args!(",{:.6},{:.6}", w.held_ns as f64 / 1e6, w.stale_ns as f64 / 1e6));
    put(csv, format_args!(",{:.6},{},{:.6},{:.6}", w.queue, w.queue_max, w.busy, w.wait_mean_ms));
}

fn put(csv: &mut String, arguments: std::fmt::Arguments<'_>) {
    csv.write_fmt(arguments).expect("writing to a string does not fail");
}

#[cfg(test)]
mod tests {
    use crate::{engine::sim::sim, scenario::sample::queueing};
    use lab_core::time::Span;

    #[test]
    fn every_row_has_every_column() {
        let scenario = queueing(50.0, 1, Span::from_millis(10), Span::from_secs(5));
        let csv = super::csv(&sim(&scenario, 1));
        let columns = |line: &str| line.split(',').count();
        let lines: Vec<&str> = csv.lines().collect();
        assert_eq!(lines.len(), 1 + 2 * 5, "a row per window and node");
        assert!(lines.iter().all(|line| columns(line) == columns(lines[0])), "{csv}");
        let offered = lines[0].split(',').position(|c| c == "offered").expect("a column");
        let sum: u64 =
            lines[1..6].iter().map(|l| l.split(',').nth(offered).unwrap().parse::<u64>().unwrap()).sum();
        assert_eq!(sum, sim(&scenario, 1).client_total(lab_core::time::Time::ZERO, scenario.end()).offered);
    }
}
