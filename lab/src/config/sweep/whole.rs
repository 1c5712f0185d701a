//! A sweep written out, so that it runs again as it is, wherever its files are.
use super::{Axis, MapFigure, Refine, Sweep, SweepEngine, load::WrittenAxis};
use crate::config::{Experiment, choice::OrNone, node::Node};
use indexmap::IndexMap;
use serde::Serialize;

/// The sweep with everything in it: the experiment written out, every axis as a list.
pub(super) fn whole(sweep: &Sweep, base: &Experiment, axes: &[WrittenAxis]) -> Option<String> {
    #[derive(Serialize)]
    struct Whole<'a> {
        version: u32,
        title: &'a str,
        base: &'a Experiment,
        axes: IndexMap<&'a str, Axis>,
        #[serde(skip_serializing_if = "Option::is_none")]
        engine: Option<SweepEngine>,
        replications: u32,
        refine: &'a OrNone<Refine>,
        #[serde(skip_serializing_if = "Option::is_none")]
        map: &'a Option<MapFigure>,
    }
    let value = |node: &Node| serde_yaml::from_str(&node.one_line()).ok();
    let list = |axis: &WrittenAxis| axis.values.iter().map(value).collect::<Option<Vec<_>>>();
    let axes: Option<IndexMap<&str, Axis>> =
        axes.iter().map(|a| Some((a.key.text()?, Axis::Values(list(a)?)))).collect();
    let Sweep { version, title, replications, refine, map, .. } = sweep;
    let engine = Some(sweep.engine).filter(|engine| *engine != SweepEngine::Simulated);
    let (version, axes, replications) = (*version, axes?, *replications);
    let whole = Whole { version, title, base, axes, engine, replications, refine, map };
    let mut bytes = vec![];
    let mut serializer = serde_yaml::Serializer::new(&mut bytes);
    serde_yaml::with::singleton_map_recursive::serialize(&whole, &mut serializer).ok()?;
    String::from_utf8(bytes).ok()
}
