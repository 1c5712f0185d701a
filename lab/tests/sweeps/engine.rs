//! Sweeps: whoever runs which cells, in whatever order, and however often he is killed, what comes of it is the same.

use super::shared::{folder, sweep_file};
use lab::{
    scenario::load_grid,
    sweep::{Attempt, Cell, Found, Plan, Progress, Shard, Store, SweepError, merge, read, run},
};
use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
};

fn plan(file: &Path) -> Plan {
    Plan::new(load_grid(file).unwrap_or_else(|errors| panic!("{errors}")))
}

/// Does the part of `shard` in the round in hand.
fn work(plan: &Plan, out: &Path, shard: Shard) {
    let progress = Progress::of(plan, &read(out).expect("readable"));
    let mine: Vec<Cell> =
        progress.missing.iter().filter(|i| shard.has(**i)).map(|i| progress.cells[*i]).collect();
    let attempt = Attempt::begin(out, plan, shard).expect("writable");
    let done = run(plan, &mine, 1, attempt, || false, || {}).expect("writable");
    assert_eq!(done, mine.len());
}

/// Runs everything in `shards` shards, the last one first; the merged document.
fn all(plan: &Plan, out: &Path, shards: u32) -> String {
    loop {
        let progress = Progress::of(plan, &read(out).expect("readable"));
        if progress.is_complete() {
            return document(plan, out);
        }
        for index in (0..shards).rev() {
            work(plan, out, Shard { index, of: shards });
        }
    }
}

fn document(plan: &Plan, out: &Path) -> String {
    let merged = merge(plan, &read(out).expect("readable")).expect("readable");
    serde_json::to_string(&merged).expect("plain data")
}

fn files(out: &Path) -> Vec<PathBuf> {
    fs::read_dir(out).expect("readable").map(|entry| entry.expect("readable").path()).collect()
}

#[test]
fn a_plan_depends_on_what_is_run_and_on_nothing_else() {
    let dir = folder();
    let one = plan(&sweep_file(dir.path(), "one", ""));
    let again = plan(&sweep_file(dir.path(), "another-name", ""));
    assert_eq!(one.id, again.id);
    let keys: HashSet<_> = one.cells().map(|cell| one.key(cell)).collect();
    assert_eq!(keys.len(), one.cells().count(), "every cell has a key of its own");

    let swapped = fs::read_to_string(dir.path().join("one.yaml")).expect("there");
    let (rate, spike) = ("  workload.rate: [30/s, 44/s, 58/s]\n", "  triggers.spike.for: [500 ms, 4 s]\n");
    assert!(swapped.contains(rate) && swapped.contains(spike));
    let swapped = swapped.replace(rate, "").replace(spike, &format!("{spike}{rate}"));
    fs::write(dir.path().join("swapped.yaml"), swapped).expect("writable");
    assert_eq!(one.id, plan(&dir.path().join("swapped.yaml")).id, "the order of writing changes nothing");

    let more = plan(&sweep_file(dir.path(), "more", "set: { clients.web.per_try_timeout: 900 ms }\n"));
    assert_ne!(one.id, more.id);
    assert!(more.cells().all(|cell| !keys.contains(&more.key(cell))), "another timeout is another cell");

    let grid = load_grid(&dir.path().join("one.yaml")).expect("valid");
    let other = Plan::of_engine(grid, "0.0.0");
    assert!(other.cells().all(|cell| !keys.contains(&other.key(cell))), "another engine is another cell");
}

/// The written-out sweep that a merge leaves, and that a Kubernetes manifest carries, is the same sweep.
#[test]
fn the_resolved_sweep_is_the_same_sweep() {
    let dir = folder();
    for more in ["", "refine: { first: 2 }\nreplications: 6\n"] {
        let one = plan(&sweep_file(dir.path(), "one", more));
        let file = dir.path().join("elsewhere.yaml");
        fs::write(&file, &one.grid.resolved).expect("writable");
        let again = plan(&file);
        assert_eq!((one.id, one.grid.refine, one.grid.map), (again.id, again.grid.refine, again.grid.map));
        assert_eq!(one.grid.resolved, again.grid.resolved);
    }
}

/// Points differ in what the axes name and in nothing else, and all meet the same random numbers.
#[test]
fn an_axis_changes_what_it_names_and_nothing_else() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a folder above");
    let grid = load_grid(&root.join("configs/sweeps/load-by-spike.yaml")).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(grid.points.len(), 600);
    let first = grid.points[0].scenario.clone();
    let last = grid.points.len() - 1;
    for (index, point) in grid.points.iter().enumerate() {
        assert_eq!(grid.index(&point.at), index);
        assert_eq!((grid.seed(index, 3), point.scenario.seed), (grid.seed(last, 3), first.seed));
        let mut scenario = point.scenario.clone();
        assert_eq!(scenario.clients[0].load.stages.len(), 1);
        scenario.clients[0].load.stages.clone_from(&first.clients[0].load.stages);
        scenario.disturbances[0].until = first.disturbances[0].until;
        assert_eq!(scenario, first, "{:?}", point.at);
    }
}

#[test]
fn one_four_and_sixteen_shards_give_the_same_bytes() {
    for more in ["", "refine: { first: 2 }\nreplications: 6\n"] {
        let dir = folder();
        let plan = plan(&sweep_file(dir.path(), "one", more));
        let documents: Vec<String> =
            [1, 4, 16].iter().map(|n| all(&plan, &dir.path().join(n.to_string()), *n)).collect();
        assert_eq!(documents[0], documents[1]);
        assert_eq!(documents[0], documents[2]);
        assert!(documents[0].contains("\"metastable\"") && documents[0].contains("\"unaffected\""));
    }
}

/// Near the boundary a refined sweep is the whole one, elsewhere it has fewer seeds; and it never needs to know more than what the
/// rounds before found.
#[test]
fn a_refined_sweep_is_a_part_of_the_whole_one() {
    let dir = folder();
    let whole = plan(&sweep_file(dir.path(), "whole", "replications: 6\n"));
    let refined = plan(&sweep_file(dir.path(), "refined", "refine: { first: 2 }\nreplications: 6\n"));
    assert_eq!(whole.id, refined.id, "the cells are the same, only how many are run differs");
    all(&whole, &dir.path().join("a"), 1);
    all(&refined, &dir.path().join("b"), 1);
    let (a, b) =
        (read(&dir.path().join("a")).expect("readable"), read(&dir.path().join("b")).expect("readable"));
    let own = Progress::of(&refined, &b);
    assert!(own.is_complete() && own.seeds.contains(&6), "{:?}", own.seeds);
    // All cells of the whole sweep are there, beyond what any round asked for: they change no round.
    assert_eq!(Progress::of(&refined, &a), own);
    for cell in refined.cells().filter(|cell| cell.replication < own.seeds[cell.point]) {
        assert_eq!(a.get(refined.key(cell)), b.get(refined.key(cell)));
    }
}

/// Of a grid whose left half never fails and whose right half always does, only the columns at the border get more seeds.
#[test]
fn seeds_are_spent_at_the_boundary() {
    let dir = folder();
    let axes = "axes:\n  workload.rate: { from: 10/s, to: 50/s, steps: 12 }\n  \
                triggers.spike.for: { from: 1 s, to: 10 s, steps: 6 }\n";
    let text = format!(
        "base: storm.yaml\n{axes}replications: 27\nrefine: {{ first: 3 }}\n\
         map: {{ x: workload.rate, y: triggers.spike.for }}\n"
    );
    let file = dir.path().join("wide.yaml");
    fs::write(&file, text).expect("writable");
    let plan = plan(&file);
    let out = dir.path().join("out");
    let rate = plan.grid.axes.iter().position(|axis| axis.path == "workload.rate").expect("an axis");
    let mut rounds = 0;
    let end = loop {
        let progress = Progress::of(&plan, &read(&out).expect("readable"));
        if progress.is_complete() {
            break progress;
        }
        rounds += 1;
        let mut attempt = Attempt::begin(&out, &plan, Shard::WHOLE).expect("writable");
        for cell in progress.cells {
            let fails = plan.grid.points[cell.point].at[rate] >= 6;
            attempt
                .append(&plan, cell, found(if fails { "metastable" } else { "recovered" }))
                .expect("writable");
        }
    };
    for (point, seeds) in plan.grid.points.iter().zip(&end.seeds) {
        let expected = match point.at[rate] {
            // All runs of 5 × 5 points end alike, or of 3 × 3 in the next round; at the border only a point's own runs can tell.
            0..=3 | 8.. => 3,
            4 | 7 => 12,
            _ => 27,
        };
        assert_eq!(*seeds, expected, "{:?}", point.at);
    }
    assert_eq!((rounds, end.rounds), (3, 3));
}

fn found(verdict: &str) -> Found {
    let cell = lab::sweep::simulate(
        &lab::scenario::sample::queueing(
            5.0,
            1,
            lab_core::time::Span::from_millis(10),
            lab_core::time::Span::from_secs(1),
        ),
        1,
    );
    Found { verdict: verdict.into(), ..cell }
}

#[test]
fn a_torn_last_line_is_counted_and_its_cell_run_again() {
    let dir = folder();
    let plan = plan(&sweep_file(dir.path(), "one", ""));
    let out = dir.path().join("out");
    let document_before = all(&plan, &out, 1);
    let file = files(&out).pop().expect("a file");
    let text = fs::read_to_string(&file).expect("there");
    for torn in [1, 40, 120] {
        fs::write(&file, &text[..text.len() - torn]).expect("writable");
        let store = read(&out).expect("a torn line is no error");
        assert_eq!(store.torn, 1);
        let progress = Progress::of(&plan, &store);
        assert_eq!(progress.missing.len(), 1, "{torn}");
    }
    work(&plan, &out, Shard::WHOLE);
    let store = read(&out).expect("readable");
    assert_eq!((store.torn, store.attempts), (1, 2));
    assert_eq!(document(&plan, &out), document_before);
}

#[test]
fn a_line_that_is_damaged_elsewhere_is_an_error_with_its_place() {
    let dir = folder();
    let plan = plan(&sweep_file(dir.path(), "one", ""));
    let out = dir.path().join("out");
    all(&plan, &out, 1);
    let file = files(&out).pop().expect("a file");
    let text = fs::read_to_string(&file).expect("there");
    fs::write(&file, text.replacen("\"verdict\"", "verdict", 1)).expect("writable");
    let error = read(&out).expect_err("damaged").to_string();
    assert!(error.contains(&format!("{}:2 is damaged", file.display())), "{error}");
}

#[test]
fn two_results_of_one_cell_are_an_error_and_the_same_twice_is_none() {
    let dir = folder();
    let plan = plan(&sweep_file(dir.path(), "one", ""));
    let out = dir.path().join("out");
    let before = all(&plan, &out, 1);
    let file = files(&out).pop().expect("a file");
    let text = fs::read_to_string(&file).expect("there");
    let twice = out.join("s00000-of-00001.elsewhere.1.0.jsonl");
    fs::write(&twice, &text).expect("writable");
    assert_eq!(read(&out).expect("the same").repeated, plan.cells().count());
    assert_eq!(document(&plan, &out), before);
    fs::write(&twice, text.replacen("\"verdict\":\"", "\"verdict\":\"un", 1)).expect("writable");
    match read(&out) {
        Err(SweepError::Nondeterminism { first, second, .. }) => assert_ne!(first, second),
        other => panic!("{other:?}"),
    }
}

/// Results of another version of a sweep are never mixed in, and what did not change is not run again.
#[test]
fn an_edited_sweep_keeps_what_is_the_same() {
    let dir = folder();
    let out = dir.path().join("out");
    let one = plan(&sweep_file(dir.path(), "one", ""));
    all(&one, &out, 1);
    let missing = |more: &str| {
        let plan = plan(&sweep_file(dir.path(), "two", more));
        Progress::of(&plan, &read(&out).expect("readable")).missing.len()
    };
    assert_eq!(missing("title: Another title\n"), 0);
    assert_eq!(missing("replications: 5\n"), 2 * 6, "three seeds are there");
    assert_eq!(missing("set: { clients.web.per_try_timeout: 900 ms }\n"), 3 * 6);
}

#[test]
fn an_empty_folder_is_a_sweep_that_has_not_begun() {
    let dir = folder();
    let plan = plan(&sweep_file(dir.path(), "one", ""));
    let store: Store = read(&dir.path().join("nowhere")).expect("nothing yet");
    let progress = Progress::of(&plan, &store);
    assert_eq!((progress.round, progress.missing.len()), (0, plan.cells().count()));
    let merged = merge(&plan, &store).expect("a draft");
    assert_eq!((merged.cells, merged.missing), (0, plan.cells().count()));
}
