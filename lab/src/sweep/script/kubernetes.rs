//! Kubernetes: one Indexed Job for each round, and one that merges. Fields as in version 1.29 and later.
use super::Job;

/// A ConfigMap may hold 1 MiB, with its keys and its metadata.
const LARGEST: usize = 1_000_000;

pub(super) fn manifest(job: &Job<'_>) -> Result<String, String> {
    let sweep = &job.plan.grid.resolved;
    if sweep.len() > LARGEST {
        return Err(format!(
            "the sweep is {} bytes with its experiment written out; a ConfigMap holds 1 MiB",
            sweep.len()
        ));
    }
    if sweep.lines().any(|line| line.trim_start().trim_start_matches("- ").starts_with("recorded:")) {
        return Err(
            "the experiment names recorded files, which a ConfigMap does not carry: put them into the image or on the volume, \
             and submit the file there"
                .into(),
        );
    }
    let (key, name) = (label(&job.plan.grid.name), format!("sweep-{}", label(&job.plan.grid.name)));
    let spec: String = sweep.lines().map(|line| format!("    {line}\n")).collect();
    let mut text = format!(
        "# {about}\n\
         # Submit it with `kubectl apply -f`. The volume must be one that several nodes can write (ReadWriteMany).\n\
         # A Job that needs what another one finds is suspended. Let one after the other go:\n\
         #   for job in {later}; do\n\
         #     kubectl wait --for=condition=complete --timeout=-1s job/${{before:-{name}-0}}\n\
         #     kubectl patch job $job -p '{{\"spec\":{{\"suspend\":false}}}}'; before=$job\n\
         #   done\n\
         apiVersion: v1\n\
         kind: ConfigMap\n\
         metadata: {{ name: {name} }}\n\
         data:\n  \
           {key}.yaml: |\n\
         {spec}\
         ---\n\
         apiVersion: v1\n\
         kind: PersistentVolumeClaim\n\
         metadata: {{ name: {name}-out }}\n\
         spec:\n  \
           accessModes: [ReadWriteMany]\n  \
           resources: {{ requests: {{ storage: 1Gi }} }}\n",
        about = job.about(),
        later = later(job, &name),
    );
    for round in 0..job.rounds() {
        let arguments = format!("sweep, run, /sweep/{key}.yaml, -o, /out, -j, \"1\", --round, \"{round}\"");
        text += &indexed(job, &name, round, &arguments);
    }
    let arguments = format!("sweep, merge, /sweep/{key}.yaml, -o, /out, --results, /out/results");
    text += &single(job, &name, &format!("{name}-merge"), &arguments);
    Ok(text)
}

/// The Jobs that wait for another one, in their order.
fn later(job: &Job<'_>, name: &str) -> String {
    let rounds = (1..job.rounds()).map(|round| format!("{name}-{round}"));
    rounds.chain([format!("{name}-merge")]).collect::<Vec<_>>().join(" ")
}

/// A name as Kubernetes takes it: lower-case letters, digits and hyphens, at most 40.
fn label(name: &str) -> String {
    let fine = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let name: String = name.chars().map(fine).take(40).collect();
    let name = name.trim_matches('-');
    if name.is_empty() { "sweep".into() } else { name.into() }
}

fn indexed(job: &Job<'_>, name: &str, round: u32, arguments: &str) -> String {
    let shards = job.shards;
    let limits = format!(
        "  suspend: {}\n  \
           completionMode: Indexed\n  \
           completions: {shards}\n  \
           parallelism: {shards}\n  \
           backoffLimitPerIndex: 2\n  \
           maxFailedIndexes: {}\n",
        round > 0,
        shards.div_ceil(4)
    );
    let retried = "    - action: FailIndex            # a bad sweep or bad usage is bad again\n      \
                         onExitCodes: { containerName: lab, operator: In, values: [64] }\n    \
                   - action: Ignore               # the pod was told to go\n      \
                         onExitCodes: { containerName: lab, operator: In, values: [75] }\n";
    manifest_of(job, name, &format!("{name}-{round}"), arguments, &limits, retried)
}

fn single(job: &Job<'_>, name: &str, full: &str, arguments: &str) -> String {
    let retried = "    - action: FailJob              # a bad sweep or bad usage is bad again\n      \
                         onExitCodes: { containerName: lab, operator: In, values: [64] }\n    \
                   - action: Ignore               # the pod was told to go\n      \
                         onExitCodes: { containerName: lab, operator: In, values: [75] }\n";
    manifest_of(job, name, full, arguments, "  suspend: true\n  backoffLimit: 2\n", retried)
}

fn manifest_of(
    job: &Job<'_>,
    name: &str,
    full: &str,
    arguments: &str,
    limits: &str,
    retried: &str,
) -> String {
    format!(
        r#"---
apiVersion: batch/v1
kind: Job
metadata:
  name: {full}
  labels: {{ app.kubernetes.io/name: metastable-lab }}
spec:
{limits}  podFailurePolicy:
    rules:
{retried}    - action: Ignore               # the node is drained or needed for something else
      onPodConditions:
      - {{ type: DisruptionTarget, status: "True" }}
  template:
    spec:
      restartPolicy: Never
      securityContext: {{ runAsNonRoot: true, runAsUser: 1000, fsGroup: 1000 }}
      containers:
      - name: lab
        image: {image}
        command: [lab]
        args: [{arguments}]
        env:
        - {{ name: LAB_SHARDS, value: "{shards}" }}
        resources:
          requests: {{ cpu: "1", memory: 256Mi }}
          limits: {{ memory: 512Mi }}
        volumeMounts:
        - {{ name: sweep, mountPath: /sweep, readOnly: true }}
        - {{ name: out, mountPath: /out }}
      volumes:
      - name: sweep
        configMap: {{ name: {name} }}
      - name: out
        persistentVolumeClaim: {{ claimName: {name}-out }}
"#,
        image = serde_json::to_string(job.image).expect("a string is plain data"),
        shards = job.shards,
    )
}
