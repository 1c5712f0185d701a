//! One page that tells all of an experiment: self-contained, opens offline, prints well, light or dark as its reader wants.
//!
//! It takes plain words and pictures, so that it depends on nothing that made them.
mod page;
mod tables;

pub use page::html;

/// All that a report shows. Parts that are empty are left away.
#[derive(Clone, Debug, Default)]
pub struct ReportInput {
    /// What the experiment says of itself in one line.
    pub title: String,
    /// Where it comes from, such as a paper's section.
    pub source: String,
    /// What the run showed, in one sentence.
    pub verdict: String,
    /// The verdict's word, such as `metastable`.
    pub verdict_word: String,
    /// Why that is the verdict, in one sentence with its figures.
    pub reason: String,
    /// The numbers to remember; four look best.
    pub numbers: Vec<Number>,
    /// The baseline over time.
    pub timeline: Option<Picture>,
    /// What can be computed by hand, beside what was measured.
    pub hand: Vec<HandRow>,
    /// Caveats of the hand calculation, one sentence each.
    pub hand_notes: Vec<String>,
    /// One row for each variant, engine and, where there are several, share of seeds.
    pub verdicts: Vec<VerdictRow>,
    /// All variants over time.
    pub comparison: Option<Picture>,
    /// Figures that the config asks for.
    pub wanted: Vec<Picture>,
    /// Where simulation and live run agree.
    pub agreement: Vec<AgreementRow>,
    /// The live run over its simulation.
    pub overlay: Option<Picture>,
    /// Latency by percentile.
    pub percentiles: Option<Picture>,
    /// Any further figures, such as the timelines of variants.
    pub more: Vec<Picture>,
    /// Checked expectations: what was expected, what was found, and whether it held.
    pub expectations: Vec<ExpectationRow>,
    /// Whether the host could carry the live run: what was checked, measured and allowed.
    pub fitness: Vec<FitnessRow>,
    /// The effective config, as YAML.
    pub config: String,
    /// Commands that run the experiment again.
    pub commands: Vec<String>,
    /// Version of the lab, seeds, date, host: name and value.
    pub made_by: Vec<(String, String)>,
}

/// A number to remember.
#[derive(Clone, Debug, Default)]
pub struct Number {
    /// With its unit: `0/s`.
    pub value: String,
    /// What it is: `goodput at the end`.
    pub label: String,
    /// What it should be or was before: `560/s before the trigger`; may be empty.
    pub beside: String,
}

/// A figure inside the page.
#[derive(Clone, Debug, Default)]
pub struct Picture {
    /// From [`crate::plot::Figure::inline_svg`].
    pub svg: String,
    /// What it shows, in one sentence; printed below.
    pub caption: String,
}

/// A line of the hand calculation.
#[derive(Clone, Debug, Default)]
pub struct HandRow {
    /// What: `capacity`.
    pub label: String,
    /// How: `3 × 8 / 30 ms`.
    pub formula: String,
    /// The result: `800/s`.
    pub value: String,
    /// What was measured; may be empty.
    pub measured: String,
}

/// What became of one variant.
#[derive(Clone, Debug, Default)]
pub struct VerdictRow {
    /// `baseline` or the variant's name.
    pub variant: String,
    /// What it changes; may be empty.
    pub change: String,
    /// `simulated` or `live`.
    pub engine: String,
    /// The verdict's word.
    pub verdict: String,
    /// From the last trigger's end; may be empty.
    pub recovery: String,
    /// Good calls per second at the end.
    pub goodput: String,
    /// Attempts per call at the end.
    pub amplification: String,
    /// With several seeds, the share of each verdict; may be empty.
    pub seeds: String,
}

/// One quantity, simulated and live.
#[derive(Clone, Debug, Default)]
pub struct AgreementRow {
    /// What: `p99 before the trigger`.
    pub quantity: String,
    /// Simulated.
    pub simulated: String,
    /// Live.
    pub live: String,
    /// Difference or ratio in words.
    pub difference: String,
    /// Whether that is within what was promised.
    pub agrees: bool,
}

/// An expectation of the config, checked.
#[derive(Clone, Debug, Default)]
pub struct ExpectationRow {
    /// As the config writes it.
    pub expected: String,
    /// What was found.
    pub found: String,
    /// Whether it held.
    pub held: bool,
}

/// One check of the host.
#[derive(Clone, Debug, Default)]
pub struct FitnessRow {
    /// What was checked: `send lateness p99`.
    pub check: String,
    /// What was measured.
    pub measured: String,
    /// What is allowed.
    pub limit: String,
    /// Whether it is within the limit.
    pub fit: bool,
}
