//! `lab signals`: which metric tells who is stuck, and whether anything warns.
use super::{
    exit::{Exit, Failure, Outcome},
    study::{Common, Found},
    table::Table,
};
use crate::{
    plot::{signals as figure, warning as warning_figure},
    study::{
        axis::{Axis, natural},
        signals::{Indicator, Signals, Warning, signals, warning},
        threshold::{Finding, Range, threshold},
    },
};
use serde_json::json;

/// Find which exported metric tells stuck from recovered runs, and whether anything warns before a fall.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lab signals configs/retry-storm.yaml
  lab signals configs/retry-storm.yaml --over triggers.spike.for
  lab signals configs/retry-storm.yaml --over triggers.spike.do.load_spike.factor --value 1.45

Exit codes: 0 some metric separates, 2 the runs do not end in both ways")]
pub(super) struct Args {
    #[command(flatten)]
    common: Common,
    /// The dotted path that is set to its threshold, so that runs end in both ways
    #[arg(long, value_name = "PATH")]
    over: Option<String>,
    /// The value at that path; without it, the one at which half of the runs tip is looked for
    #[arg(long, value_name = "V", allow_negative_numbers = true)]
    value: Option<String>,
}

pub(super) fn run(args: &Args) -> Outcome {
    const SEEDS: usize = 100;
    const SEARCH: usize = 24;
    const RAMPS: usize = 40;
    let plan = args.common.plan()?;
    let path = args.over.clone().map_or_else(|| natural(&plan), Ok)?;
    let axis = Axis::new(&plan, &args.common.changes(), &path)?;
    let given = args.value.as_ref().map(|text| axis.read(text)).transpose()?;
    let count = args.common.seeds(SEEDS);
    let study = args.common.begin(plan)?;
    let base = study.plan.baseline.clone();
    let value = match given {
        Some(value) => value,
        None => {
            let runs = 14 * SEARCH as u64;
            let found = study.watched("threshold", runs, |watch| {
                threshold(&base, &axis, Range::default(), SEARCH, watch)
            })?;
            match found.finding {
                Finding::Curve(curve) => curve.middle,
                Finding::Step { below, above, .. } => f64::midpoint(below, above),
                _ => {
                    return Err(Failure::Usage(format!(
                        "no value of `{path}` was found at which some runs tip and some do not\n  help: give one with --value, or \
                     another path with --over; `lab threshold` shows what there is"
                    )));
                }
            }
        }
    };
    let value = if axis.whole { value.round() } else { value };
    let scenario = axis.scenario(value)?;
    let found = study.watched("signals", count as u64, |watch| signals(&scenario, count, watch));
    let ramps = count.min(RAMPS);
    let warned = study.watched("early warning", 2 * ramps as u64, |watch| warning(&base, ramps, watch));
    let both = found.stuck >= 2 && found.recovered >= 2;
    let mut figures: Vec<_> = figure(&found, &scenario).into_iter().collect();
    figures.extend(warned.as_ref().and_then(|w| warning_figure(w, &base)));
    study.finish(Found {
        verb: "signals",
        text: tell(&found, &format!("{path} = {}", axis.shown(value))) + &tell_warning(warned.as_ref()),
        figures,
        document: json!({ "path": path, "value": value, "separation": found, "early_warning": warned }),
        exit: if both { Exit::Done } else { Exit::Inconclusive },
    })
}

fn tell(found: &Signals, at: &str) -> String {
    const SHOWN: usize = 15;
    let mut text = format!(
        "  At {at}: {} runs stay down, {} recover{}\n\n",
        found.stuck,
        found.recovered,
        if found.left_out > 0 { format!(", {} are left out", found.left_out) } else { String::new() }
    );
    if found.metrics.is_empty() {
        return text + "  Too few runs of one kind: no metric can tell them apart.\n";
    }
    let times: Vec<String> = found.times_s.iter().map(|t| format!("{t} s after>")).collect();
    let headings: Vec<&str> = ["metric"]
        .into_iter()
        .chain(times.iter().map(String::as_str))
        .chain(["stuck>", "recovered>"])
        .collect();
    let mut table = Table::new(&headings);
    for metric in found.metrics.iter().take(SHOWN) {
        let cell = |auc: &Option<crate::study::signals::Auc>| {
            auc.map_or("–".into(), |a| format!("{:.2} ({:.2}–{:.2})", a.auc, a.interval.0, a.interval.1))
        };
        let cells = metric.at.iter().map(cell);
        let medians = [metric.medians.0, metric.medians.1].map(|v| format!("{v:.1}"));
        table.line([metric.metric.to_owned()].into_iter().chain(cells).chain(medians));
    }
    text += &format!(
        "{table}\n  Area under the ROC curve, with DeLong's 95 %: the chance that a run which stays down has the larger value. Stuck, \
         recovered:\n  medians at the time that separates best.\n"
    );
    text
}

fn tell_warning(found: Option<&Warning>) -> String {
    let Some(found) = found else {
        return "\n  Early warning: the load has no known ceiling to go to.\n".into();
    };
    let mut text = format!(
        "\n  Early warning: {} ramps from {:.0}/s to {:.0}/s in {:.0} s, samples of {:.2} s; {} fell before the end.\n",
        found.runs, found.load.0, found.load.1, found.ramp_s, found.sample_s, found.fell
    );
    for Indicator { name, tau, tau_interval, alarm_above, seen, auc, rises, useful, .. } in &found.indicators
    {
        let interval = super::study::interval(*tau_interval, |v| format!("{v:.2}"));
        let area = auc.map_or(String::new(), |a| format!(", AUC against constant load {:.2}", a.auc));
        text += &format!(
            "  {name}: {}, Kendall's τ {tau:.2} ({interval}); above {alarm_above:.2}, which one in twenty constant loads exceeds, on \
             {:.0} % of the ramps{area}: {}.\n",
            if *rises { "rises" } else { "does not rise" },
            100.0 * seen,
            if *useful { "usable" } else { "not usable as a warning" }
        );
    }
    text + "  The variance of any queue grows with its load, whether it can tip or not: it warns of load more than of a threshold.\n"
}
