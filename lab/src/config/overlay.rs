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
    let wrong = |Nowhere { message, label, help }| {
        let mut finding = Finding::error(path.place, message, label, help);
        finding.path = text.into();
        Box::new(finding)
    };
    if steps.iter().any(|s| s.is_empty()) {
        return Err(wrong(no_path(text)));
    }
    let (parents, last) = (&steps[..steps.len() - 1], steps[steps.len() - 1]);
    let parent = parents.join(".");
    if !parent.is_empty() {
        find(root, &parent).map_err(wrong)?;
    }
    let node = parents.iter().fold(root, |node, step| node.get_mut(step).expect("it was found"));
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
                Err(wrong(Nowhere { message, label: String::new(), help: None }))
            }
        },
        Value::Scalar { .. } => Err(wrong(nothing_there(&parent, last, node))),
    }
}

/// Why a path leads nowhere.
#[derive(Clone, Debug)]
pub(super) struct Nowhere {
    pub(super) message: String,
    pub(super) label: String,
    pub(super) help: Option<String>,
}

/// What stands at the dotted `path`.
pub(super) fn find<'n>(root: &'n Node, path: &str) -> Result<&'n Node, Nowhere> {
    let steps: Vec<&str> = path.split('.').collect();
    if steps.iter().any(|step| step.is_empty()) {
        return Err(no_path(path));
    }
    let mut node = root;
    for (depth, step) in steps.iter().enumerate() {
        let next = match &node.value {
            Value::List(items) => step.parse::<usize>().ok().and_then(|index| items.get(index)),
            _ => node.get(step),
        };
        node = next.ok_or_else(|| nothing_there(&steps[..depth].join("."), step, node))?;
    }
    Ok(node)
}

fn no_path(text: &str) -> Nowhere {
    let help = Some("a path looks like `clients.web.retry.max_attempts`".into());
    Nowhere { message: format!("`{text}` is not a path"), label: String::new(), help }
}

fn nothing_there(parent: &str, step: &str, node: &Node) -> Nowhere {
    let place = if parent.is_empty() { "the experiment".to_owned() } else { format!("`{parent}`") };
    let keys: Vec<&str> = node.entries().iter().filter_map(|e| e.key.text()).collect();
    if keys.is_empty() {
        let help = (!parent.is_empty()).then(|| format!("set `{parent}` as a whole"));
        let message = format!("{place} is `{}` here, which has no `{step}`", node.one_line());
        return Nowhere { message, label: String::new(), help };
    }
    Nowhere {
        message: format!("{place} has no `{step}`"),
        label: format!("it has {}", any_of(&keys).replace(" or ", " and ")),
        help: suggest(step, &keys),
    }
}
