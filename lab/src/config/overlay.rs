//! Changes by dotted path: variants, `--set`, and the axes of sweeps.
use super::{
    diagnose::{Finding, suggest},
    node::{Node, Value},
    read::any_of,
};

/// Puts `value` at the dotted path that `path` holds. Its parent must exist; a map replaces what stood there whole.
pub(super) fn change(root: &mut Node, path: &Node, value: &Node) -> Result<(), Box<Finding>> {
    let text = path.text().unwrap_or("");
    let wrong = |Nowhere { message, label, help }| {
        let mut finding = Finding::error(path.place, message, label, help);
        finding.path = text.into();
        Box::new(finding)
    };
    if text.split('.').any(str::is_empty) {
        return Err(wrong(no_path(text)));
    }
    let mut node = root;
    let mut left = text;
    let (parent, last) = loop {
        let parent = text[..text.len() - left.len()].trim_end_matches('.').to_owned();
        let (step, rest) = node.step(left);
        if rest.is_empty() {
            break (parent, step);
        }
        if node.get(step).is_none() && node.item(step).is_none() {
            return Err(wrong(nothing_there(&parent, step, node)));
        }
        node = node.get_mut(step).expect("it is there");
        left = rest;
    };
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
    if path.split('.').any(str::is_empty) {
        return Err(no_path(path));
    }
    let mut node = root;
    let mut left = path;
    while !left.is_empty() {
        let (step, rest) = node.step(left);
        let next = node.get(step).or_else(|| node.item(step));
        let parent = path[..path.len() - left.len()].trim_end_matches('.');
        node = next.ok_or_else(|| nothing_there(parent, step, node))?;
        left = rest;
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
