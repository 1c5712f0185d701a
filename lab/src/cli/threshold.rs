//! `lab threshold`: the smallest trigger that tips.
use super::{
    exit::{Exit, Failure, Outcome},
    study::{Common, Found, interval},
    table::Table,
};
use crate::{
    plot::threshold as figure,
    study::{
        axis::{Axis, NoAxis, natural},
        threshold::{Finding, Range, Threshold, threshold},
    },
};

/// Find the smallest trigger that tips: P(metastable) over a dotted path, with intervals.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lab threshold configs/retry-storm.yaml
  lab threshold configs/retry-storm.yaml --over triggers.spike.for --from 500ms --to 20s
  lab threshold configs/slow-leader.yaml --over workload.rate --seeds 40

Exit codes: 0 found, 2 the range holds no threshold")]
pub(super) struct Args {
    #[command(flatten)]
    common: Common,
    /// A dotted path to a number, a rate, a share or a length of time; without it, how strong the only trigger is
    #[arg(long, value_name = "PATH")]
    over: Option<String>,
    /// The smallest value
    #[arg(long, value_name = "V", allow_negative_numbers = true)]
    from: Option<String>,
    /// The largest value
    #[arg(long, value_name = "V", allow_negative_numbers = true)]
    to: Option<String>,
}

impl From<NoAxis> for Failure {
    fn from(wrong: NoAxis) -> Failure {
        Failure::Usage(wrong.to_string())
    }
}

pub(super) fn run(args: &Args) -> Outcome {
    const SEEDS: usize = 40;
    let plan = args.common.plan()?;
    let path = args.over.clone().map_or_else(|| natural(&plan), Ok)?;
    let axis = Axis::new(&plan, &args.common.changes(), &path)?;
    let read = |text: &Option<String>| text.as_ref().map(|text| axis.read(text)).transpose();
    let range = Range { from: read(&args.from)?, to: read(&args.to)? };
    let count = args.common.seeds(SEEDS);
    let study = args.common.begin(plan)?;
    let base = study.plan.baseline.clone();
    let runs = 14 * count as u64;
    let found = study.watched("threshold", runs, |watch| threshold(&base, &axis, range, count, watch))?;
    let exit = match found.finding {
        Finding::Curve(_) | Finding::Step { .. } => Exit::Done,
        _ => Exit::Inconclusive,
    };
    study.finish(Found {
        verb: "threshold",
        text: tell(&found, &axis),
        figures: vec![figure(&found, &axis, &base)],
        document: serde_json::to_value(&found).expect("plain data"),
        exit,
    })
}

fn tell(found: &Threshold, axis: &Axis) -> String {
    let shown = |value: f64| axis.shown(value);
    let percent = |share: f64| format!("{:.0} %", 100.0 * share);
    let mut table = Table::new(&["value>", "stay down>", "share>", "95 %>", "curve>", "verdicts"]);
    for value in &found.values {
        let verdicts: Vec<String> = value.verdicts.iter().map(|(word, n)| format!("{n} {word}")).collect();
        table.line([
            shown(value.value),
            format!("{} of {}", value.tipped, value.runs),
            if value.runs > 0 { percent(value.tipped as f64 / value.runs as f64) } else { "–".into() },
            format!("{:.0}–{}", 100.0 * value.wilson.0, percent(value.wilson.1)),
            value.fitted.map_or("–".into(), |share| format!("{:.1} %", 100.0 * share)),
            verdicts.join(", "),
        ]);
    }
    let seeds = found.seeds.len();
    let mut text = format!(
        "  P(metastable) over {}, from {} to {}, up to {seeds} seeds, the same at every value\n\n{table}\n",
        found.path,
        shown(found.from),
        shown(found.to)
    );
    text += &match &found.finding {
        Finding::Curve(curve) => format!(
            "  Half of the runs stay down at {} ({}).\n  From a tenth to nine tenths: {} wide ({}), from {} to {}.\n  Fit: \
             deviance {:.1} on {} degrees of freedom; as large by chance in {} of tables that the curve makes.\n",
            shown(curve.middle),
            interval(curve.middle_interval, shown),
            axis.shown_width(curve.width),
            interval(curve.width_interval, |width| axis.shown_width(width)),
            shown(curve.tenths.0.min(curve.tenths.1)),
            shown(curve.tenths.0.max(curve.tenths.1)),
            curve.deviance,
            curve.degrees,
            percent(curve.p_value)
        ),
        Finding::Step { below, above, .. } => format!(
            "  One value separates the runs: the threshold lies between {} and {}. A curve cannot be fitted to that; its width \
             is less than this gap can show.\n",
            shown(*below),
            shown(*above)
        ),
        Finding::AllTip => {
            "  Every run stays down, at all values: the threshold lies below this range, if there is one.\n"
                .into()
        }
        Finding::NoneTips => {
            "  No run stays down, at any value: the threshold lies above this range, if there is one.\n"
                .into()
        }
        Finding::Nothing => "  No run has a verdict that counts, so nothing can be said.\n".into(),
    };
    if found.unaided > 0 {
        text += &format!("  {} runs are left out: their seeds fall without any trigger.\n", found.unaided);
    }
    if found.open > 0 {
        text +=
            &format!("  {} runs are left out: they had no verdict, even eight times as long.\n", found.open);
    }
    text += &match found.theory.value {
        Some(value) => format!("  Theory: {}; {}.\n", shown(value), found.theory.why),
        None => format!("  Theory: {}.\n", found.theory.why.trim_end_matches('.')),
    };
    text
}
