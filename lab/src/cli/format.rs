//! Figures as tables show them.
use crate::theory::grouped;

/// A rate without its unit, or a dash.
pub(super) fn rate(per_s: Option<f64>) -> String {
    per_s.map_or("–".into(), |rate| {
        if rate > 0.0 && rate < 10.0 { format!("{rate:.1}") } else { grouped(&format!("{rate:.0}")) }
    })
}

/// A ratio, or a dash.
pub(super) fn ratio(ratio: Option<f64>) -> String {
    ratio.map_or("–".into(), |ratio| format!("{ratio:.2}"))
}

/// Seconds, or a dash.
pub(super) fn seconds(seconds: Option<f64>) -> String {
    seconds.map_or("–".into(), |seconds| format!("{} s", grouped(&format!("{seconds:.0}"))))
}
