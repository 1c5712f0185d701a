//! When calls arrive: an open-loop schedule that nothing in the service can delay.
//!
//! Arrivals are the points where the integral of the rate has grown by one more *amount*: 1 for a constant process, a unit
//! exponential draw for a Poisson one. That is exact for any piecewise linear rate and never freezes where the rate is near
//! zero. A load spike is a source of its own on top of the base load, with its own draws, so that the base calls are the
//! same with the spike and without it.
use crate::{
    draw::{Draw, Stream},
    time::{Span, Time},
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The load that one client group puts on its service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Load {
    /// How arrivals are spread in time.
    pub process: Process,
    /// The rate over time: at least one stage, in order, the first from zero, the last to the end of the run.
    /// Ignored by [`Process::Recorded`].
    pub stages: Vec<Stage>,
    /// The share of the workload's calls that are this group's, as an interval of [0, 1]. Rates are already scaled by it;
    /// a recorded workload is dealt out by it.
    pub share: (f64, f64),
    /// Times when the load is multiplied. Where they overlap, what growing ones add to the base load adds up (factors 2 and 3 make
    /// it fourfold), and shrinking ones multiply.
    pub surges: Vec<Surge>,
}

/// How arrivals are spread in time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Process {
    /// Evenly.
    Constant,
    /// A Poisson process.
    Poisson,
    /// A Poisson process whose rate switches between quiet and burst (a Markov-modulated one with two states). The stages
    /// give its mean rate.
    Bursty {
        /// Rate in a burst over rate when quiet, ≥ 1.
        factor: f64,
        /// Share of the time that is burst, in (0, 1).
        share: f64,
        /// Mean length of a burst; lengths are exponential.
        mean_burst: Span,
    },
    /// At recorded times.
    Recorded(Arc<[Time]>),
}

/// A stretch of the run with a constant or linearly changing rate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stage {
    /// When it begins.
    pub from: Time,
    /// When it ends.
    pub until: Time,
    /// Calls per second at its beginning.
    pub rate: f64,
    /// Calls per second at its end.
    pub end_rate: f64,
}

/// A stretch in which the load is multiplied.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Surge {
    /// When it begins.
    pub from: Time,
    /// When it ends.
    pub until: Time,
    /// By how much, from 0.
    pub factor: f64,
}

/// One call's arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrival {
    /// When the schedule wants it.
    pub at: Time,
    /// The call's number, unique in the run and the key of its draws.
    pub call: u64,
}

impl Load {
    /// The rate at `at` in calls per second, surges included; a bursty process by its mean. Zero for a recorded one.
    pub fn rate_at(&self, at: Time) -> f64 {
        let stage = self.stages.iter().find(|s| at < s.until).or(self.stages.last());
        let base = stage.map_or(0.0, |s| {
            let length = s.until.since(s.from).as_secs_f64();
            let share = if length > 0.0 { (at.since(s.from).as_secs_f64() / length).min(1.0) } else { 1.0 };
            s.rate + (s.end_rate - s.rate) * share
        });
        let factors = self.surges.iter().filter(|s| s.from <= at && at < s.until).map(|s| s.factor);
        let (grown, kept) = factors.fold((1.0, 1.0), |(grown, kept), factor| {
            if factor > 1.0 { (grown + factor - 1.0, kept) } else { (grown, kept * factor) }
        });
        base * grown * kept
    }
}

/// The schedule of one client group: an iterator in order of time, without end unless the workload is recorded.
#[derive(Clone, Debug)]
pub struct Arrivals {
    sources: Vec<Source>,
    /// The next arrival of each source, and which of them is the earliest.
    heads: Vec<Arrival>,
    first: usize,
}

const SOURCE_BITS: u32 = 40;
const GROUP_BITS: u32 = 48;

/// Which client group's schedule `call` is from.
#[inline]
pub fn group_of(call: u64) -> usize {
    (call >> GROUP_BITS) as usize
}

/// The number of the first call of source `source` of client group `group`.
#[inline]
pub(crate) fn first_call(group: u16, source: u64) -> u64 {
    u64::from(group) << GROUP_BITS | source << SOURCE_BITS
}

/// Whether two calls are from the same source.
#[inline]
pub(crate) fn same_source(a: u64, b: u64) -> bool {
    a >> SOURCE_BITS == b >> SOURCE_BITS
}

/// A recorded workload is a list of times, and no law says what could have come instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoLaw;

/// A surge that lowers the load cannot be added to a schedule that is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lowers;

impl Arrivals {
    /// The schedule of client group `group` (below 65,536; at most 255 surges).
    pub fn new(load: &Load, group: u16, draw: Draw) -> Arrivals {
        let mut sources = vec![Source::new(load, None, group, 0, draw)];
        for (index, surge) in load.surges.iter().enumerate().filter(|(_, s)| s.factor > 1.0) {
            sources.push(Source::new(load, Some(*surge), group, index as u64 + 1, draw));
        }
        let heads = sources.iter_mut().map(Source::next).collect();
        let mut arrivals = Arrivals { sources, heads, first: 0 };
        arrivals.find_first();
        arrivals
    }

    /// The next arrival, left in place. [`Time::NEVER`] at the end of a recorded workload.
    #[inline]
    pub fn peek(&self) -> Arrival {
        self.heads[self.first]
    }

    /// Takes the next arrival.
    #[inline]
    pub fn pop(&mut self) -> Arrival {
        let arrival = self.heads[self.first];
        self.heads[self.first] = self.sources[self.first].next();
        self.find_first();
        arrival
    }

    /// From `now` on, arrivals are those of `draw`. Exact by memorylessness: the time from now to the next call of a Poisson process is
    /// exponential however long the last one is ago, and so is what is left of a stay in a state of the bursty process, which is kept.
    /// A constant process has nothing to draw and goes on as it was.
    ///
    /// # Errors
    /// When the workload is recorded.
    pub fn branch(&mut self, now: Time, draw: Draw) -> Result<(), NoLaw> {
        for (source, head) in self.sources.iter_mut().zip(&mut self.heads) {
            source.branch(now, draw, head)?;
        }
        self.find_first();
        Ok(())
    }

    /// From `now` on, without surges. A constant process whose rate a surge had lowered begins anew.
    ///
    /// # Errors
    /// When the workload is recorded.
    pub fn calm(&mut self, now: Time) -> Result<(), NoLaw> {
        for (source, head) in self.sources.iter_mut().zip(&mut self.heads) {
            source.calm(now, head)?;
        }
        self.find_first();
        Ok(())
    }

    /// Adds the surges of `load` that have come to it since this schedule was made: growing ones, at the end of its list, that have not
    /// begun. The schedule is then the one that `load` would have given from the beginning.
    ///
    /// # Errors
    /// When one of them lowers the load: what comes next has been worked out without it.
    pub fn extend(&mut self, load: &Load) -> Result<(), Lowers> {
        let base = &self.sources[0];
        let lowering = load.surges.iter().filter(|s| s.factor < 1.0).count();
        if lowering != base.thinned.len() {
            return Err(Lowers);
        }
        let (draw, group) = (base.draw, group_of(base.first_call) as u16);
        let growing = load.surges.iter().enumerate().filter(|(_, s)| s.factor > 1.0);
        for (index, surge) in growing.skip(self.sources.len() - 1) {
            let mut source = Source::new(load, Some(*surge), group, index as u64 + 1, draw);
            self.heads.push(source.next());
            self.sources.push(source);
        }
        self.find_first();
        Ok(())
    }

    /// The number of the next call of each source.
    pub fn next_calls(&self) -> impl Iterator<Item = u64> {
        self.heads.iter().map(|head| head.call)
    }

    #[inline]
    fn find_first(&mut self) {
        self.first = 0;
        for index in 1..self.heads.len() {
            if self.heads[index].at < self.heads[self.first].at {
                self.first = index;
            }
        }
    }
}

/// One stream of arrivals: the base load, or what one surge adds to it.
#[derive(Clone, Debug)]
struct Source {
    process: Process,
    stages: Vec<Stage>,
    share: (f64, f64),
    /// Surges that lower the base load; the added surge of an extra source.
    thinned: Vec<Surge>,
    surge: Option<Surge>,
    draw: Draw,
    first_call: u64,
    /// Arrivals so far, or position in the recording.
    count: u64,
    /// Copies still owed of the recorded arrival before `count`.
    copies: u64,
    /// Seconds into the run.
    now: f64,
    segment: Segment,
    bursts: Bursts,
    /// The same as they were at the arrival before the head, where one goes back to if that is drawn anew.
    bursts_at_last: Bursts,
}

/// A stretch on which the rate of a source is linear, in seconds.
#[derive(Clone, Copy, Debug)]
struct Segment {
    end: f64,
    /// Rate at `now`, and its growth per second.
    rate: f64,
    slope: f64,
}

#[derive(Clone, Copy, Debug)]
struct Bursts {
    in_burst: bool,
    /// When the state changes next, in seconds, and how many changes came before.
    until: f64,
    changes: u64,
}

impl Source {
    fn new(load: &Load, surge: Option<Surge>, group: u16, index: u64, draw: Draw) -> Source {
        let mut source = Source {
            process: load.process.clone(),
            stages: load.stages.clone(),
            share: load.share,
            thinned: load.surges.iter().copied().filter(|s| s.factor < 1.0).collect(),
            surge,
            draw,
            first_call: first_call(group, index),
            count: 0,
            copies: 0,
            now: 0.0,
            segment: Segment { end: 0.0, rate: 0.0, slope: 0.0 },
            bursts: Bursts { in_burst: false, until: 0.0, changes: 0 },
            bursts_at_last: Bursts { in_burst: false, until: 0.0, changes: 0 },
        };
        if let Process::Bursty { share, .. } = load.process {
            // The state before the run, such that the one after the first change is a burst for its share of all seeds.
            source.bursts.in_burst = draw.unit(Stream::Burst, u64::MAX, 0) >= share;
            source.bursts_at_last = source.bursts;
        }
        source.enter_segment();
        source
    }

    fn next(&mut self) -> Arrival {
        if let Process::Recorded(times) = &self.process {
            let times = times.clone();
            return self.next_recorded(&times);
        }
        let call = self.first_call + self.count;
        self.count += 1;
        if let Process::Bursty { .. } = self.process {
            self.bursts_at_last = self.bursts;
        }
        self.arrive(call)
    }

    /// When `call` arrives, the one after what happened at `now`.
    #[inline]
    fn arrive(&mut self, call: u64) -> Arrival {
        let amount = match self.process {
            Process::Constant => 1.0,
            _ => -libm::log(self.draw.unit(Stream::Arrival, call, 0)),
        };
        self.advance(amount);
        Arrival { at: if self.now.is_finite() { Time::from_secs_f64(self.now) } else { Time::NEVER }, call }
    }

    fn branch(&mut self, now: Time, draw: Draw, head: &mut Arrival) -> Result<(), NoLaw> {
        let before = std::mem::replace(&mut self.draw, draw);
        match self.process {
            Process::Recorded(_) => return Err(NoLaw),
            Process::Constant => {}
            Process::Poisson => self.restart(now, head),
            Process::Bursty { share, mean_burst, .. } => {
                self.bursts = self.bursts_at_last;
                while self.bursts.until <= now.as_secs_f64() {
                    self.bursts.switch(share, mean_burst, before);
                }
                self.bursts.until = now.as_secs_f64();
                self.bursts.stay(share, mean_burst, draw);
                self.bursts_at_last = self.bursts;
                self.restart(now, head);
            }
        }
        Ok(())
    }

    fn calm(&mut self, now: Time, head: &mut Arrival) -> Result<(), NoLaw> {
        if let Process::Recorded(_) = self.process {
            return Err(NoLaw);
        }
        if self.surge.is_some() {
            // Nothing is left of what it adds.
            self.stages.clear();
        } else if self.thinned.is_empty() {
            return Ok(());
        }
        self.thinned.clear();
        self.bursts = self.bursts_at_last;
        self.restart(now, head);
        Ok(())
    }

    /// Draws anew when the next call, `head`, arrives: `now` or later.
    fn restart(&mut self, now: Time, head: &mut Arrival) {
        self.now = now.as_secs_f64();
        self.enter_segment();
        let Arrival { at, call } = self.arrive(head.call);
        // What is rounded to nanoseconds could be before by one.
        *head = Arrival { at: at.max(now), call };
    }

    /// Moves `now` to where the integral of the rate has grown by `amount`.
    fn advance(&mut self, mut amount: f64) {
        loop {
            let Segment { end, rate, slope } = self.segment;
            let length = end - self.now;
            let left =
                if length.is_finite() { (rate + slope * length / 2.0) * length } else { f64::INFINITY };
            if amount <= left && rate.max(slope) > 0.0 {
                let step = if slope == 0.0 {
                    amount / rate
                } else {
                    // The smaller root of slope/2·x² + rate·x = amount, in the form that does not cancel.
                    2.0 * amount / (rate + (rate * rate + 2.0 * slope * amount).max(0.0).sqrt())
                };
                self.now += step;
                self.segment.rate = (rate + slope * step).max(0.0);
                return;
            }
            if !length.is_finite() {
                self.now = f64::INFINITY;
                return;
            }
            amount -= left.max(0.0);
            self.now = end;
            self.enter_segment();
        }
    }

    /// Finds the rate at `now` and how far it stays linear.
    fn enter_segment(&mut self) {
        let now = self.now;
        let seconds = |t: Time| if t == Time::NEVER { f64::INFINITY } else { t.as_secs_f64() };
        let Some(stage) = self.stages.iter().find(|s| now < seconds(s.until)) else {
            self.segment = Segment { end: f64::INFINITY, rate: 0.0, slope: 0.0 };
            return;
        };
        let (from, until) = (seconds(stage.from), seconds(stage.until));
        let mut slope = if until.is_finite() { (stage.end_rate - stage.rate) / (until - from) } else { 0.0 };
        let mut rate = stage.rate + slope * (now - from);
        let mut end = until;
        for surge in self.thinned.iter().chain(&self.surge) {
            let (from, until) = (seconds(surge.from), seconds(surge.until));
            let inside = from <= now && now < until;
            if now < from {
                end = end.min(from);
            } else if inside {
                end = end.min(until);
            }
            // What a surge adds is zero outside it; what a dip takes away is nothing outside it.
            let factor = match (surge.factor > 1.0, inside) {
                (true, true) => surge.factor - 1.0,
                (true, false) => 0.0,
                (false, true) => surge.factor,
                (false, false) => 1.0,
            };
            (rate, slope) = (rate * factor, slope * factor);
        }
        // Where nothing comes, bursts are passed over: there may be no end of them.
        if let Process::Bursty { factor, share, mean_burst } = self.process
            && (rate, slope) != (0.0, 0.0)
        {
            while now >= self.bursts.until {
                self.bursts.switch(share, mean_burst, self.draw);
            }
            end = end.min(self.bursts.until);
            let quiet = 1.0 / (1.0 - share + factor * share);
            let level = if self.bursts.in_burst { quiet * factor } else { quiet };
            (rate, slope) = (rate * level, slope * level);
        }
        self.segment = Segment { end, rate, slope };
    }

    fn next_recorded(&mut self, times: &[Time]) -> Arrival {
        loop {
            if self.copies > 0 {
                self.copies -= 1;
                let at = times[self.count as usize - 1];
                // Copies need numbers of their own: they count down from the top of the source's range.
                let call = self.first_call + (1 << SOURCE_BITS) - 1 - (self.count - 1) * 256 - self.copies;
                return Arrival { at, call };
            }
            let Some(&at) = times.get(self.count as usize) else {
                return Arrival { at: Time::NEVER, call: self.first_call + self.count };
            };
            let call = self.first_call + self.count;
            let dealt = self.draw.unit(Stream::Thinning, self.count, 0);
            self.count += 1;
            if dealt < self.share.0 || dealt >= self.share.1 {
                continue;
            }
            let unit = self.draw.unit(Stream::Thinning, call, 1);
            if let Some(surge) = self.surge {
                if surge.from <= at && at < surge.until {
                    let extra = surge.factor - 1.0;
                    self.copies = (extra as u64 + u64::from(unit < extra.fract())).min(255);
                }
                continue;
            }
            let kept: f64 =
                self.thinned.iter().filter(|s| s.from <= at && at < s.until).map(|s| s.factor).product();
            if unit < kept {
                return Arrival { at, call };
            }
        }
    }
}

impl Bursts {
    fn switch(&mut self, share: f64, mean_burst: Span, draw: Draw) {
        self.in_burst = !self.in_burst;
        self.stay(share, mean_burst, draw);
    }

    /// Puts off the next change by a stay in the present state.
    fn stay(&mut self, share: f64, mean_burst: Span, draw: Draw) {
        let burst = mean_burst.as_secs_f64();
        let mean = if self.in_burst { burst } else { burst * (1.0 - share) / share };
        self.until += mean * -libm::log(draw.unit(Stream::Burst, self.changes, 0));
        self.changes += 1;
    }
}
