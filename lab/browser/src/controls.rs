//! What can be moved in a config: for each slider its dotted path and the values that it goes through.
use crate::ladder::{Step, choice, choices, ladder, multiples};
use lab::{
    config::{
        self, Experiment, Loaded,
        budget::{Budget, CreditPer},
        choice::{Attempts, OrNone, Places},
        client::{Backoff, Client, Jitter},
        disturbance::Disturb,
        service::Discipline,
        units::{Duration, Limit, Rate, Share},
    },
    scenario::Scenario,
};
use lab_core::time::Span;
use serde::Serialize;

/// A config as the page begins with it.
#[derive(Serialize)]
pub(crate) struct Setup {
    title: String,
    /// The experiment alone, as YAML: without variants, expectations and figures, which speak of it as it was written.
    base: String,
    controls: Vec<Control>,
    variants: Vec<Variant>,
}

/// Something that can be moved.
#[derive(Serialize)]
struct Control {
    label: String,
    /// What it means, in a few words.
    hint: String,
    path: String,
    /// Whether its values are in order, from less to more.
    slider: bool,
    steps: Vec<Step>,
    /// Which of them the config says.
    at: usize,
}

/// A change that the config itself proposes.
#[derive(Serialize)]
struct Variant {
    name: String,
    /// The controls that it moves, and to which step.
    moves: Vec<(usize, usize)>,
    /// What it changes besides, as `PATH=VALUE`.
    set: Vec<String>,
}

/// How a control reads its step from an experiment; nothing where there is none.
type Read<'a> = dyn Fn(&Experiment) -> Option<Step> + 'a;

impl Setup {
    pub(crate) fn new(loaded: &Loaded, scenario: &Scenario) -> Result<Setup, String> {
        let mut alone = loaded.experiment.clone();
        alone.variants.clear();
        alone.expect.clear();
        alone.figures.clear();
        let base = config::to_yaml(&alone).ok_or("the experiment cannot be written as YAML")?;
        let mut builder = Builder { loaded, controls: vec![], moved: vec![vec![]; loaded.variants.len()] };
        builder.all(scenario);
        let Builder { controls, moved, .. } = builder;
        let variants = loaded.variants.iter().zip(moved).map(|(variant, moves)| {
            let covered =
                |path: &str| moves.iter().any(|(index, _): &(usize, usize)| controls[*index].path == path);
            let others = variant.change.iter().filter(|(path, _)| !covered(path));
            let set = others.map(|(path, value)| format!("{path}={value}")).collect();
            Variant { name: variant.name.clone(), moves, set }
        });
        let variants = variants.collect();
        Ok(Setup { title: scenario.title.clone(), base, controls, variants })
    }
}

struct Builder<'a> {
    loaded: &'a Loaded,
    controls: Vec<Control>,
    /// For each variant the controls that it moves.
    moved: Vec<Vec<(usize, usize)>>,
}

impl Builder<'_> {
    /// The controls of the first client group, the service that it calls, and the first trigger.
    fn all(&mut self, scenario: &Scenario) {
        let experiment = &self.loaded.experiment;
        let Some((client, policy)) = experiment.clients.first() else { return };
        let (client, service) = (client.as_str(), policy.calls.as_str());
        self.load(client, scenario);
        self.timeout(client);
        self.attempts(client);
        self.backoff(client);
        self.budget(client);
        self.queue(service);
        self.discipline(service);
        if let Some((trigger, what)) = experiment.triggers.first() {
            self.factor(trigger, &what.action);
            // Keys are gone at once, however long the trigger is said to last.
            if matches!(what.action, Disturb::CacheFlush { .. }) {
                return;
            }
            self.length(trigger, experiment.duration.0.as_secs_f64() - what.at.0.as_secs_f64() - TAIL_S);
        }
    }

    fn add(&mut self, about: (&str, &str), path: String, slider: bool, steps: Vec<Step>, read: &Read<'_>) {
        let Some(own) = read(&self.loaded.experiment) else { return };
        let of_variants: Vec<Option<Step>> =
            self.loaded.variants.iter().map(|v| read(&v.experiment)).collect();
        let mut more = vec![own.clone()];
        more.extend(of_variants.iter().flatten().cloned());
        let steps = ladder(steps, &more);
        let find = |step: &Step| steps.iter().position(|known| known.value == step.value);
        let at = find(&own).unwrap_or(0);
        for (moves, step) in self.moved.iter_mut().zip(&of_variants) {
            if let Some(to) = step.as_ref().and_then(find).filter(|to| *to != at) {
                moves.push((self.controls.len(), to));
            }
        }
        let (label, hint) = (about.0.to_owned(), about.1.to_owned());
        self.controls.push(Control { label, hint, path, slider, steps, at });
    }

    fn load(&mut self, client: &str, scenario: &Scenario) {
        let own = self.loaded.experiment.clients[client].workload.is_some();
        let path = if own { format!("clients.{client}.workload.rate") } else { "workload.rate".into() };
        let read = |e: &Experiment| {
            let own = e.clients.get(client)?.workload.as_ref();
            let workload = own.or(e.workload.as_ref())?;
            let rate = workload.rate.filter(|_| workload.stages.0.is_empty())?;
            Some(Step::plain(rate.0, rate))
        };
        let Some(rate) = read(&self.loaded.experiment).map(|step| step.rank) else { return };
        let capacity = scenario.capacity(scenario.clients[0].service);
        // From nearly nothing to more than the service can do, where that is not far away.
        let most = (1.25 * capacity).clamp(1.1 * rate, 2.5 * rate);
        let steps = multiples(most / 50.0, most, 100.0).into_iter().map(|n| Step::plain(n, Rate(n)));
        self.add(("load", "new calls per second; retries come on top"), path, true, steps.collect(), &read);
    }

    fn timeout(&mut self, client: &str) {
        let span = |limit: Limit| Step::plain(limit.0.as_secs_f64(), limit);
        let read = |e: &Experiment| e.clients.get(client).map(|c| span(c.per_try_timeout));
        let ms = [
            20, 50, 100, 150, 200, 250, 300, 400, 500, 600, 700, 800, 900, 1000, 1200, 1500, 2000, 2500,
            3000, 4000, 5000, 7000, 10_000, 15_000, 20_000, 30_000,
        ];
        let steps = ms.into_iter().map(|ms| span(Limit(Span::from_millis(ms))));
        let steps = steps.chain([span(Limit(Span::FOREVER))]).collect();
        let about = ("per-try timeout", "after this long a client gives an attempt up");
        self.add(about, format!("clients.{client}.per_try_timeout"), true, steps, &read);
    }

    fn attempts(&mut self, client: &str) {
        let step = |n: Attempts| Step::plain(f64::from(n.0), n);
        let read = |e: &Experiment| retry(e, client).map(|retry| step(retry.max_attempts));
        let steps = (1..=10).map(|n| step(Attempts(n))).collect();
        let about = ("attempts", "of one call at most, the first one included");
        self.add(about, format!("clients.{client}.retry.max_attempts"), true, steps, &read);
    }

    fn backoff(&mut self, client: &str) {
        let span = |ms| Duration(Span::from_millis(ms));
        let wait = |initial, multiplier, max, jitter| {
            let max = Limit(Span::from_millis(max));
            OrNone::Some(Backoff {
                initial: span(initial),
                initial_after_rejection: Some(span(initial)),
                multiplier,
                max,
                jitter,
            })
        };
        let known = [
            ("none: at once", OrNone::None),
            ("50 ms, fixed", wait(50, 1.0, 1000, Jitter::None)),
            ("1 s, fixed", wait(1000, 1.0, 1000, Jitter::None)),
            ("100 ms × 2, up to 1 s, full jitter", wait(100, 2.0, 1000, Jitter::Full)),
            ("1 s × 2, up to 20 s, full jitter", wait(1000, 2.0, 20_000, Jitter::Full)),
        ];
        let read = |e: &Experiment| retry(e, client).map(|retry| choice(&retry.backoff, &known));
        let about = ("backoff", "the wait before a retry");
        self.add(about, format!("clients.{client}.retry.backoff"), false, choices(&known), &read);
    }

    fn budget(&mut self, client: &str) {
        let bucket = |percent: f64| Budget::TokenBucket {
            credit_per: CreditPer::Call,
            ratio: Share(percent / 100.0),
            burst: 50.0,
        };
        let mut known = vec![("none", Budget::None)];
        let percents = [
            (1.0, "1 % of calls"),
            (5.0, "5 % of calls"),
            (10.0, "10 % of calls"),
            (20.0, "20 % of calls"),
            (50.0, "50 % of calls"),
            (100.0, "100 % of calls"),
        ];
        known.splice(0..0, percents.map(|(percent, label)| (label, bucket(percent))));
        let read = |e: &Experiment| retry(e, client).map(|retry| choice(&retry.budget, &known));
        let about = ("retry budget", "retries allowed for each new call, and 50 at once");
        self.add(about, format!("clients.{client}.retry.budget"), true, choices(&known), &read);
    }

    fn queue(&mut self, service: &str) {
        let step = |n: Places| Step::plain(n.0 as f64, n);
        let read = |e: &Experiment| e.services.get(service).map(|s| step(s.queue.capacity));
        let places = [
            0,
            5,
            10,
            20,
            30,
            50,
            70,
            100,
            150,
            200,
            250,
            300,
            400,
            500,
            700,
            1000,
            2000,
            5000,
            10_000,
            usize::MAX,
        ];
        let steps = places.map(|n| step(Places(n))).to_vec();
        let about = ("queue capacity", "attempts that may wait at each replica");
        self.add(about, format!("services.{service}.queue.capacity"), true, steps, &read);
    }

    fn discipline(&mut self, service: &str) {
        let ms = |n| Duration(Span::from_millis(n));
        let known = [
            ("oldest first (FIFO)", Discipline::Fifo),
            ("newest first (LIFO)", Discipline::Lifo),
            ("CoDel, 5 ms target", Discipline::Codel { target: ms(5), interval: ms(100) }),
        ];
        let read = |e: &Experiment| e.services.get(service).map(|s| choice(&s.queue.discipline, &known));
        let about = ("queue discipline", "who is served next");
        self.add(about, format!("services.{service}.queue.discipline"), false, choices(&known), &read);
    }

    fn factor(&mut self, trigger: &str, action: &Disturb) {
        let (word, label, hint) = match action {
            Disturb::LoadSpike { .. } => {
                ("load_spike", "spike", "the load is multiplied while the trigger lasts")
            }
            Disturb::SlowDown { .. } => ("slow_down", "slow-down", "work takes that many times longer"),
            _ => return,
        };
        let step = |n: f64| Step { label: format!("× {n}"), value: n.to_string(), rank: n };
        let read = |e: &Experiment| match e.triggers.get(trigger)?.action {
            Disturb::LoadSpike { factor, .. } | Disturb::SlowDown { factor, .. } => Some(step(factor)),
            _ => None,
        };
        let mut steps: Vec<Step> = multiples(1.1, 3.0, 20.0).into_iter().map(step).collect();
        steps.extend([3.5, 4.0, 5.0, 6.0, 8.0, 10.0, 15.0, 20.0].map(step));
        self.add((label, hint), format!("triggers.{trigger}.do.{word}.factor"), true, steps, &read);
    }

    /// How long the trigger lasts, so that `most` seconds are left to see what becomes of the service.
    fn length(&mut self, trigger: &str, most: f64) {
        let step = |d: Duration| Step::plain(d.0.as_secs_f64(), d);
        let read = |e: &Experiment| e.triggers.get(trigger).map(|t| step(t.lasts));
        let ms = [
            100, 200, 500, 1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000, 9000, 10_000, 12_000, 15_000,
            20_000, 25_000, 30_000, 40_000, 50_000, 60_000, 80_000, 100_000, 150_000, 200_000,
        ];
        let steps = ms.into_iter().map(|ms| step(Duration(Span::from_millis(ms)))).filter(|s| s.rank <= most);
        let about = ("how long it lasts", "then it stops by itself");
        self.add(about, format!("triggers.{trigger}.for"), true, steps.collect(), &read);
    }
}

/// Seconds that a verdict needs to see after the trigger.
const TAIL_S: f64 = 20.0;

fn retry<'a>(experiment: &'a Experiment, client: &str) -> Option<&'a config::client::Retry> {
    let client: &Client = experiment.clients.get(client)?;
    client.retry.as_ref()
}
