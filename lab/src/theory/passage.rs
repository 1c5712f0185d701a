//! The time until a chain is first somewhere else.
use serde::Serialize;

/// A random length of time, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Passage {
    /// Its mean.
    pub mean_s: f64,
    /// Its standard deviation.
    pub deviation_s: f64,
}

impl Passage {
    /// This one and then another that is independent of it.
    pub fn then(self, next: Passage) -> Passage {
        Passage {
            mean_s: self.mean_s + next.mean_s,
            deviation_s: libm::hypot(self.deviation_s, next.deviation_s),
        }
    }
}
