//! Changes by dotted path: variants, `--set`, and the axes of sweeps.
use super::{
    diagnose::{Finding, suggest},
    node::{Node, Value},
    read::any_of,
};

/// Puts `value` at the dotted path that `path` holds. Its parent must exist; a map replaces what stood there whole.
pub(super) fn change(root: &mut Node, path: &Node, value: &Node) -> Result<(), Box<Finding>> {
    let text = path.text().unwrap_or("");
    let steps: Vec<&str> = text.split('.').collect();
    let wrong = |message: String, label: String, help: Option<String>| {
        let mut finding = Finding::error(path.place, message, label, help);
        finding.path = text.into();
        Box::new(finding)
    };
    if steps.iter().any(|s| s.is_empty()) {
        let help = Some("a path looks like `clients.web.retry.max_attempts`".into());
        return Err(wrong(format!("`{text}` is not a path"), String::new(), help));
    }
    let mut node = root;
    for (depth, step) in steps[..steps.len() - 1].iter().enumerate() {
        let so_far = steps[..depth].join(".");
        let keys: Vec<String> =
            node.entries().iter().filter_map(|e| e.key.text().map(str::to_owned)).collect();
        let found = node.one_line();
        let Some(next) = node.get_mut(step) else {
            return Err(nothing_there(&so_far, step, &keys, &found, wrong));
        };
        node = next;
    }
    let last = steps[steps.len() - 1];
    let parent = steps[..steps.len() - 1].join(".");
    match &mut node.value {
        Value::Map(_) => {
            let mut key = Node::word(last, path.place);
            key.id = path.id;
            node.put(key, value.clone());
            Ok(())
        }
        Value::List(items) => match last.parse::<usize>().ok().and_then(|i| items.get_mut(i)) {
            Some(item) => {
                *item = value.clone();
                Ok(())
            }
            None => {
                let message = format!("`{parent}` is a list of {}, which has no `{last}`", items.len());
                Err(wrong(message, String::new(), None))
            }
        },
        Value::Scalar { .. } => {
            let found = node.one_line();
            Err(nothing_there(&parent, last, &[], &found, wrong))
        }
    }
}

fn nothing_there(
    parent: &str,
    step: &str,
    keys: &[String],
    found: &str,
    wrong: impl Fn(String, String, Option<String>) -> Box<Finding>,
) -> Box<Finding> {
    let place = if parent.is_empty() { "the experiment".to_owned() } else { format!("`{parent}`") };
    if keys.is_empty() {
        let help = (!parent.is_empty()).then(|| format!("set `{parent}` as a whole"));
        return wrong(format!("{place} is `{found}` here, which has no `{step}`"), String::new(), help);
    }
    let help = suggest(step, keys);
    wrong(
        format!("{place} has no `{step}`"),
        format!("it has {}", any_of(keys).replace(" or ", " and ")),
        help,
    )
}
