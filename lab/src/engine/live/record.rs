//! Recorded runs: every step of every machine, and whether fresh machines take the same steps.
use super::records::Records;
use crate::{engine::group::clients, scenario::Scenario};
use lab_core::{
    cache::{CacheIn, CacheOut},
    client::{ClientIn, ClientOut},
    draw::Draw,
    machine::Machine,
    replicate::{
        manager::{ManagerIn, ManagerOut, Record},
        node::{NodeIn, NodeOut},
    },
    server::{Server, ServerIn, ServerOut},
    time::Time,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{
    fs::File,
    io::{self, BufRead, BufReader, BufWriter, Write},
    path::Path,
};

/// One step of a machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step<In, Out> {
    /// When it was taken.
    pub now: Time,
    /// What the machine was told.
    pub input: In,
    /// What it asked for.
    pub outputs: Vec<Out>,
}

/// All steps of one replica or manager from a start to the end or a crash.
#[derive(Clone, Debug)]
pub struct Life {
    /// The service's index.
    pub service: usize,
    /// What it was.
    pub steps: Steps,
}

/// The steps of a life, in order.
#[derive(Clone, Debug)]
pub enum Steps {
    /// Of a replica that holds nothing.
    Server {
        /// Which.
        replica: u32,
        /// In order.
        steps: Vec<Step<ServerIn, ServerOut>>,
    },
    /// Of a replica of a group.
    Node {
        /// Which.
        replica: u32,
        /// Its processes before.
        lives: u32,
        /// In order.
        steps: Vec<Step<NodeIn, NodeOut>>,
    },
    /// Of a replica of a cache.
    Cache {
        /// Which.
        replica: u32,
        /// Its processes before.
        lives: u32,
        /// In order.
        steps: Vec<Step<CacheIn, CacheOut>>,
    },
    /// Of a group's manager.
    Manager {
        /// What it had kept when it began.
        kept: Vec<Record>,
        /// In order.
        steps: Vec<Step<ManagerIn, ManagerOut>>,
    },
}

/// All steps of all machines of a run.
#[derive(Clone, Debug)]
pub struct Recording {
    /// What was run.
    pub scenario: Scenario,
    /// Its seed.
    pub seed: u64,
    /// By client instance, all groups counted through.
    pub clients: Vec<Vec<Step<ClientIn, ClientOut>>>,
    /// Every life of every replica and manager.
    pub lives: Vec<Life>,
}

/// What came of a replay.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Differences {
    /// Steps taken.
    pub steps: u64,
    /// Steps whose outputs differ from the recorded ones.
    pub differing: u64,
    /// The first of them, in words.
    pub first: Option<String>,
}

/// Drives fresh machines through `recording` and compares what they ask for.
pub fn replay(recording: &Recording) -> Differences {
    let Recording { scenario, seed, clients: recorded, lives } = recording;
    let draw = Draw { seed: *seed };
    let mut differences = Differences::default();
    for ((id, client), steps) in clients(scenario, draw).0.into_iter().enumerate().zip(recorded) {
        differences.compare(&format!("client {id}"), client, steps);
    }
    for Life { service: index, steps } in lives {
        let service = &scenario.services[*index];
        match steps {
            Steps::Server { replica, steps } => {
                let server = Server::new(&service.policy, draw);
                differences.compare(&format!("{} {replica}", service.name), server, steps);
            }
            Steps::Node { replica, lives, steps } => {
                let node = service.life(*replica, *lives, draw);
                differences.compare(&format!("{} {replica}", service.name), node, steps);
            }
            Steps::Cache { replica, lives, steps } => {
                let cache = scenario.cache_life(*index, *replica, *lives, draw);
                differences.compare(&format!("{} {replica}", service.name), cache, steps);
            }
            Steps::Manager { kept, steps } => {
                let manager = service.manager(kept.clone());
                differences.compare(&format!("{} manager", service.name), manager, steps);
            }
        }
    }
    differences
}

impl Differences {
    fn compare<M: Machine>(&mut self, name: &str, mut machine: M, steps: &[Step<M::In, M::Out>]) {
        let mut out = vec![];
        for step in steps {
            machine.step(step.now, step.input.clone(), &mut out);
            self.steps += 1;
            if out != step.outputs {
                self.differing += 1;
                self.first.get_or_insert_with(|| format!("{name}: {step:?}, but replayed: {out:?}"));
            }
            out.clear();
        }
    }
}

/// Writes a replica's steps to a file, a JSON line each.
#[derive(Debug)]
pub(super) struct StepWriter(BufWriter<File>);

#[derive(Serialize)]
struct StepRef<'a, In, Out> {
    now: Time,
    input: &'a In,
    outputs: &'a [Out],
}

impl StepWriter {
    pub(super) fn create(path: &Path) -> io::Result<StepWriter> {
        Ok(StepWriter(BufWriter::with_capacity(1 << 20, File::create(path)?)))
    }

    /// Writes one step. A recording that cannot be written is worth nothing, so that is fatal to the replica.
    pub(super) fn saw(&mut self, now: Time, input: &impl Serialize, outputs: &[impl Serialize]) {
        let written = serde_json::to_writer(&mut self.0, &StepRef { now, input, outputs });
        written
            .map_err(io::Error::from)
            .and_then(|()| self.0.write_all(b"\n"))
            .expect("the recording's disk has room");
    }

    pub(super) fn flush(&mut self) {
        self.0.flush().expect("the recording's disk has room");
    }
}

/// Reads what the manager with recording `path` began with, and its steps.
pub(super) fn read_manager(path: &Path) -> io::Result<Steps> {
    Ok(Steps::Manager { kept: Records::copied(path)?, steps: read_steps(path)? })
}

/// Reads the steps of one life. The last line of a process that was killed may be cut off; it is left out.
pub(super) fn read_steps<In: DeserializeOwned, Out: DeserializeOwned>(
    path: &Path,
) -> io::Result<Vec<Step<In, Out>>> {
    let mut lines = BufReader::new(File::open(path)?).split(b'\n').peekable();
    let mut steps = vec![];
    while let Some(line) = lines.next() {
        match serde_json::from_slice(&line?) {
            Ok(step) => steps.push(step),
            Err(_) if lines.peek().is_none() => break,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(steps)
}
