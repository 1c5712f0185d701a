//! How real systems decide that a replica is gone, by name.
use super::preset::{Preset, Tag};

/// Every preset of `membership`, in the order of the reference.
pub const MEMBERSHIP_PRESETS: &[Preset] = &[
    Preset {
        name: "etcd",
        version: "etcd 3.5 and 3.6",
        source: "etcd `server/embed/config.go`; raft `raft.go`",
        tag: Tag::V,
        about: "Heartbeats every 100 ms, an election after 1 s. Raft's own goroutine sends them, so they pass the work. Not modelled: \
                the vote; the real timeout is drawn from 1 to 2 s.",
        yaml: "{ heartbeat: { every: 100 ms, priority: high }, timeout: 1 s, admit_after: 1 s }",
    },
    Preset {
        name: "mongodb",
        version: "MongoDB replica sets, protocol version 1",
        source: "mongo `src/mongo/db/repl/repl_set_config.cpp`; driver specifications",
        tag: Tag::V,
        about: "Heartbeats every 2 s, an election after 10 s. Not modelled: the vote, priorities, catch-up takeover after 30 s.",
        yaml: "{ heartbeat: { every: 2 s, priority: high }, timeout: 10 s, admit_after: 2 s }",
    },
    Preset {
        name: "k8s-leader-election",
        version: "client-go leaderelection",
        source: "client-go `tools/leaderelection/leaderelection.go`, comments",
        tag: Tag::V,
        about: "A lease of 15 s, renewed every 2 s, given up by its holder after 10 s without renewal. Not modelled: the jitter of 1.2.",
        yaml: "{ heartbeat: { every: 2 s, priority: high }, timeout: 15 s, lease: 10 s, admit_after: 2 s }",
    },
    Preset {
        name: "k8s-probe",
        version: "Kubernetes readiness probe, defaults",
        source: "kubernetes `staging/src/k8s.io/api/core/v1/types.go`",
        tag: Tag::V,
        about: "A probe every 10 s, out after three failures, in after one success. Probes wait behind the work, as requests do. \
                Not modelled: the probe's own timeout of 1 s; a probe that comes late counts.",
        yaml: "{ heartbeat: { every: 10 s, priority: normal }, timeout: 30 s, admit_after: 0 s }",
    },
    Preset {
        name: "alb",
        version: "AWS Application Load Balancer, target group defaults",
        source: "AWS documentation, *Health checks for Application Load Balancer target groups*",
        tag: Tag::V,
        about: "A check every 30 s, out after two failures, in after five successes; when all targets fail, all get traffic. Not \
                modelled: the first success after registration admits at once.",
        yaml: "{ heartbeat: { every: 30 s, priority: normal }, timeout: 60 s, admit_after: 120 s, panic_below: 1 % }",
    },
    Preset {
        name: "envoy-outlier",
        version: "Envoy outlier detection, defaults",
        source: "envoy `api/envoy/config/cluster/v3/outlier_detection.proto`; `healthy_panic_threshold`",
        tag: Tag::S,
        about: "Looks every 10 s, ejects for 30 s, at most 10 % of the hosts, nobody when less than half would be left. Envoy counts \
                consecutive errors of requests; here silence stands for them. Not modelled: longer ejections of repeated offenders.",
        yaml: "{ heartbeat: { every: 1 s, priority: normal }, timeout: 10 s, admit_after: 30 s, max_ejected: 10 %, panic_below: 50 % }",
    },
];
