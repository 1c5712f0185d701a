//! Fills the report of an experiment.
use super::{Experiment, Run, files::Figures};
use crate::{
    cli::{
        format::{rate, ratio, seconds},
        writing::host,
    },
    plot::{Figure, finding},
    report::{AgreementRow, ExpectationRow, HandRow, Number, Picture, ReportInput, VerdictRow},
    scenario::Scenario,
    sweep::script::quoted,
    theory::{Hand, hand},
    verdict::{Row, Value, shares},
};

/// All that the report shows of `experiment`.
pub(super) fn input(experiment: &Experiment<'_>, figures: &Figures) -> ReportInput {
    let main = &experiment.runs[0];
    let Run { scenario, summary, .. } = main;
    let agreement = experiment.agreement.first();
    let live = experiment.runs.iter().find(|run| run.engine == "live");
    ReportInput {
        title: scenario.title.clone(),
        source: scenario.source.clone(),
        verdict: format!("{}.", finding(&main.view())),
        verdict_word: summary.verdict.clone(),
        reason: summary.reason.clone(),
        numbers: numbers(main),
        timeline: Some(picture(&figures.timeline)),
        hand: hand_rows(main),
        hand_notes: hand_notes(scenario),
        verdicts: verdicts(&experiment.runs),
        comparison: figures.comparison.as_ref().map(picture),
        wanted: figures.wanted.iter().map(picture).collect(),
        agreement: agreement.map_or(vec![], |(_, rows)| rows.iter().map(agreement_row).collect()),
        overlay: figures.overlay.as_ref().map(picture),
        percentiles: Some(picture(&figures.percentiles)),
        more: figures.more.iter().map(picture).collect(),
        expectations: expectations(experiment),
        fitness: live.map_or(vec![], |run| run.fitness.clone()),
        config: experiment.plan.resolved.clone(),
        commands: commands(experiment),
        made_by: made_by(experiment),
    }
}

fn picture(figure: &Figure) -> Picture {
    Picture { svg: figure.inline_svg(), caption: figure.caption.clone() }
}

fn numbers(run: &Run) -> Vec<Number> {
    let (before, after) = (&run.summary.before, &run.summary.after);
    let number = |value: String, label: &str, beside: String| Number { value, label: label.into(), beside };
    let per_s = |figure| format!("{}/s", rate(figure));
    let ms = |figure: Option<f64>| figure.map_or("–".into(), |ms| format!("{ms:.0} ms"));
    let was = |text: String| {
        if run.scenario.triggers().next().is_some() {
            format!("{text} before the trigger")
        } else {
            String::new()
        }
    };
    vec![
        number(per_s(after.goodput_per_s), "goodput at the end", was(per_s(before.goodput_per_s))),
        number(per_s(after.offered_per_s), "offered load at the end", was(per_s(before.offered_per_s))),
        number(ratio(after.amplification), "attempts per call at the end", was(ratio(before.amplification))),
        number(ms(after.p99_ms), "p99 latency at the end", was(ms(before.p99_ms))),
    ]
}

/// The hand calculation, with what was measured beside it where that is the same thing.
fn hand_rows(run: &Run) -> Vec<HandRow> {
    let (before, after) = (&run.summary.before, &run.summary.after);
    let failed = run.summary.verdict == "metastable";
    let measured = |label: &str| match label {
        "offered load" => format!("{}/s", rate(before.offered_per_s)),
        "attempts per call, all failing" if failed => ratio(after.amplification),
        "attempt rate, all failing" if failed => {
            format!("{}/s", rate(after.offered_per_s.zip(after.amplification).map(|(a, b)| a * b)))
        }
        "drain" if run.summary.recovery_s.is_some() => {
            format!("healthy after {}", seconds(run.summary.recovery_s))
        }
        _ => String::new(),
    };
    let rows = hand(&run.scenario).rows().into_iter();
    rows.map(|row| HandRow {
        measured: measured(&row.label),
        label: row.label,
        formula: row.formula,
        value: row.value,
    })
    .collect()
}

/// Where the calculations leave their assumptions, and what is not calculated at all.
fn hand_notes(scenario: &Scenario) -> Vec<String> {
    let Hand { services, beyond, .. } = hand(scenario);
    let beyond = beyond.into_iter().map(|b| format!("{} is not calculated. {}", b.service, b.why));
    services.into_iter().flat_map(|s| s.caveats).chain(beyond).collect()
}

/// One row for each variant and engine, of its first seed, with the share of verdicts where there are more.
fn verdicts(runs: &[Run]) -> Vec<VerdictRow> {
    let first = |run: &&Run| {
        runs.iter().find(|r| r.variant == run.variant && r.engine == run.engine).map(|r| r.seed)
            == Some(run.seed)
    };
    runs.iter()
        .filter(first)
        .map(|run| {
            let summary = &run.summary;
            VerdictRow {
                variant: run.variant.clone(),
                change: run.change.clone(),
                engine: run.engine.into(),
                verdict: summary.verdict.clone(),
                recovery: summary.recovery_s.map_or(String::new(), |s| seconds(Some(s))),
                goodput: rate(summary.after.goodput_per_s),
                amplification: ratio(summary.after.amplification),
                seeds: seeds(runs, run),
            }
        })
        .collect()
}

/// The share of each verdict over the seeds of `run`'s variant and engine; empty where there is one.
pub(super) fn seeds(runs: &[Run], run: &Run) -> String {
    let same = runs.iter().filter(|r| r.variant == run.variant && r.engine == run.engine);
    let shares = shares(same.map(|r| r.summary.verdict.as_str()));
    if shares.runs < 2 {
        return String::new();
    }
    let each: Vec<String> = shares.verdicts.iter().map(|(word, count)| format!("{count} {word}")).collect();
    let (low, high) = shares.interval;
    format!("{}; P(metastable) {:.2} [{low:.2}, {high:.2}]", each.join(", "), shares.p_metastable)
}

fn agreement_row(row: &Row) -> AgreementRow {
    let shown = |value: &Value| match value {
        Value::Figure(Some(_)) => format!(
            "{value}{}",
            if row.unit.starts_with('/') { row.unit.into() } else { format!(" {}", row.unit) }
        ),
        _ => value.to_string(),
    };
    AgreementRow {
        quantity: row.quantity.into(),
        simulated: shown(&row.sim).trim_end().into(),
        live: shown(&row.live).trim_end().into(),
        difference: format!("{} (within {})", row.difference, row.tolerance),
        agrees: row.agrees.unwrap_or(true),
    }
}

fn expectations(experiment: &Experiment<'_>) -> Vec<ExpectationRow> {
    let row = |checked: &crate::verdict::Checked| ExpectationRow {
        expected: format!("{} ({})", checked.text, checked.engine),
        found: checked.measured.clone(),
        held: checked.held,
    };
    experiment.expectations.iter().map(row).collect()
}

fn commands(experiment: &Experiment<'_>) -> Vec<String> {
    let arguments: Vec<String> = std::env::args().skip(1).map(|word| quoted(&word)).collect();
    vec![
        format!("lab {}", arguments.join(" ")),
        "lab run scenario.yaml".into(),
        format!("lab check {}", quoted(&experiment.plan.file.display().to_string())),
    ]
}

fn made_by(experiment: &Experiment<'_>) -> Vec<(String, String)> {
    let (host, cpus) = host();
    let mut seeds: Vec<u64> = experiment.runs.iter().map(|run| run.seed).collect();
    seeds.dedup();
    let (first, last) = (experiment.runs[0].seed, seeds.iter().copied().max().unwrap_or(0));
    let fact = |name: &str, value: String| (name.to_owned(), value);
    vec![
        fact("lab", env!("CARGO_PKG_VERSION").into()),
        fact("seeds", if first == last { first.to_string() } else { format!("{first} to {last}") }),
        fact("date", experiment.began.clone()),
        fact("host", format!("{host}, {cpus} CPUs")),
        fact("took", format!("{:.1} s", experiment.took_s)),
    ]
}
