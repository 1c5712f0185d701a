//! A YAML document as a tree in which every key and value knows where it was written.
use saphyr_parser::{Event, Parser, ScalarStyle};
use std::ops::Range;

/// Where something was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Which source, by its index in [`Sources`].
    pub source: usize,
    /// First byte.
    pub start: usize,
    /// One beyond the last byte.
    pub end: usize,
}

/// All texts that went into an experiment: the config, its workloads, changes from the command line.
#[derive(Clone, Debug, Default)]
pub struct Sources(pub Vec<Source>);

/// A text and what it is called.
#[derive(Clone, Debug)]
pub struct Source {
    /// A file's path, or what else the text is.
    pub name: String,
    /// All of it.
    pub text: String,
}

/// A value and where it was written.
#[derive(Clone, Debug)]
pub struct Node {
    /// Unique, except that copies keep it.
    pub id: usize,
    /// Where the value stands.
    pub place: Place,
    /// What it is.
    pub value: Value,
}

/// What a node is.
#[derive(Clone, Debug)]
pub enum Value {
    /// A word or a quantity.
    Scalar {
        /// As written, quotes removed.
        text: String,
        /// Whether it was written without quotes, so that it may be a number.
        plain: bool,
    },
    /// A list.
    List(Vec<Node>),
    /// A map, in order of writing.
    Map(Vec<Entry>),
}

/// A key and its value.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The key.
    pub key: Node,
    /// The value.
    pub value: Node,
}

/// What is wrong with a text that is no acceptable YAML.
#[derive(Clone, Debug)]
pub struct Malformed {
    /// Where.
    pub place: Place,
    /// What.
    pub message: String,
    /// What to do about it, if that is known.
    pub help: Option<String>,
}

/// Deeper nesting is refused.
const DEEPEST: usize = 40;
/// More nodes are refused: aliases of aliases can make a short text enormous.
const MOST_NODES: usize = 200_000;

impl Node {
    /// A scalar without a place of its own.
    pub fn word(text: &str, place: Place) -> Node {
        Node { id: fresh(), place, value: Value::Scalar { text: text.into(), plain: true } }
    }

    /// The text, if it is a scalar.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// Whether nothing was written where a value could stand.
    pub fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar { text, plain: true } if matches!(text.as_str(), "" | "~" | "null"))
    }

    /// The entries, if it is a map.
    pub fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The value at `key`, if it is a map that has one.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|e| &e.value)
    }

    /// The entry at `key`, if it is a map that has one.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|e| e.key.text() == Some(key))
    }

    /// The value at `key`, to change it.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        match &mut self.value {
            Value::Map(entries) => {
                entries.iter_mut().find(|e| e.key.text() == Some(key)).map(|e| &mut e.value)
            }
            Value::List(items) => key.parse::<usize>().ok().and_then(|i| items.get_mut(i)),
            Value::Scalar { .. } => None,
        }
    }

    /// Puts `value` at `key`, in place of what stood there. Does nothing unless it is a map.
    pub fn put(&mut self, key: Node, value: Node) {
        let Value::Map(entries) = &mut self.value else { return };
        match entries.iter_mut().find(|e| e.key.text() == key.text()) {
            Some(entry) => *entry = Entry { key, value },
            None => entries.push(Entry { key, value }),
        }
    }

    /// Takes the entry at `key` out.
    pub fn remove(&mut self, key: &str) -> Option<Entry> {
        let Value::Map(entries) = &mut self.value else { return None };
        let index = entries.iter().position(|e| e.key.text() == Some(key))?;
        Some(entries.remove(index))
    }

    /// On one line, as YAML.
    pub fn one_line(&self) -> String {
        match &self.value {
            Value::Scalar { text, .. } => text.clone(),
            Value::List(items) => {
                format!("[{}]", items.iter().map(Node::one_line).collect::<Vec<_>>().join(", "))
            }
            Value::Map(entries) => {
                let one = |e: &Entry| format!("{}: {}", e.key.one_line(), e.value.one_line());
                format!("{{ {} }}", entries.iter().map(one).collect::<Vec<_>>().join(", "))
            }
        }
    }
}

fn fresh() -> usize {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static NEXT: AtomicUsize = AtomicUsize::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Reads `text`, which is source number `source`. Repeated keys are reported beside the tree, in which the first one counts.
pub fn parse(text: &str, source: usize) -> Result<(Node, Vec<Malformed>), Malformed> {
    let mut reader = Reader::new(text, source);
    let mut parser = Parser::new_from_str(text);
    while let Some(next) = parser.next_event() {
        let (event, span) = next.map_err(|e| reader.syntax(e.marker().index(), e.info()))?;
        let span = span.start.index()..span.end.index();
        if matches!(event, Event::StreamEnd) {
            break;
        }
        reader.see(event, span)?;
    }
    let root = reader.root.take().unwrap_or(Node {
        id: fresh(),
        place: Place { source, start: 0, end: 0 },
        value: Value::Map(vec![]),
    });
    Ok((root, reader.repeated))
}

struct Reader<'a> {
    text: &'a str,
    source: usize,
    /// Byte of each character: the parser counts characters.
    bytes: Vec<usize>,
    open: Vec<Open>,
    anchors: Vec<(usize, Node, usize)>,
    root: Option<Node>,
    documents: usize,
    nodes: usize,
    repeated: Vec<Malformed>,
}

/// A list or map whose end has not been seen.
struct Open {
    node: Node,
    anchor: usize,
    key: Option<Node>,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str, source: usize) -> Reader<'a> {
        let bytes = text.char_indices().map(|(i, _)| i).chain([text.len()]).collect();
        Reader {
            text,
            source,
            bytes,
            open: vec![],
            anchors: vec![],
            root: None,
            documents: 0,
            nodes: 0,
            repeated: vec![],
        }
    }

    fn place(&self, span: Range<usize>) -> Place {
        let byte = |index: usize| self.bytes.get(index).copied().unwrap_or(self.text.len());
        let (start, end) = (byte(span.start), byte(span.end));
        let trimmed = self.text[start..end.max(start)].trim_end().len();
        Place { source: self.source, start, end: start + trimmed }
    }

    fn refuse(&self, span: Range<usize>, message: &str) -> Malformed {
        Malformed { place: self.place(span), message: message.into(), help: None }
    }

    fn syntax(&self, index: usize, info: &str) -> Malformed {
        let place = self.place(index..index + 1);
        let line = self.text[..place.start].rsplit('\n').next().unwrap_or("");
        let rest = self.text[place.start..].lines().next().unwrap_or("");
        let help = if info.contains(" tab") || line.contains('\t') || rest.contains('\t') {
            Some("YAML is indented with spaces, never with tabs".into())
        } else if rest.starts_with('%') || rest.starts_with('@') || rest.starts_with('`') {
            Some("a value that begins with this character needs quotes".into())
        } else {
            None
        };
        Malformed { place, message: format!("this is not valid YAML: {info}"), help }
    }

    fn see(&mut self, event: Event<'_>, span: Range<usize>) -> Result<(), Malformed> {
        match event {
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err(self.refuse(span, "one file holds one document; a second one begins here"));
                }
            }
            Event::Scalar(text, style, anchor, _) => {
                let plain = style == ScalarStyle::Plain;
                let value = Value::Scalar { text: text.into_owned(), plain };
                let node = self.node(span, value)?;
                self.complete(node, anchor)?;
            }
            Event::SequenceStart(anchor, _) => self.begin(span, Value::List(vec![]), anchor)?,
            Event::MappingStart(anchor, _) => self.begin(span, Value::Map(vec![]), anchor)?,
            Event::SequenceEnd | Event::MappingEnd => {
                let end = self.place(span).end;
                if let Some(mut open) = self.open.pop() {
                    open.node.place.end = end.max(open.node.place.start);
                    self.complete(open.node, open.anchor)?;
                }
            }
            Event::Alias(anchor) => {
                let found = self.anchors.iter().find(|(a, ..)| *a == anchor).cloned();
                let Some((_, node, size)) = found else {
                    return Err(self.refuse(span, "this alias names no anchor before it"));
                };
                self.nodes += size;
                if self.nodes > MOST_NODES {
                    return Err(self.refuse(span, "aliases make this document enormous"));
                }
                self.complete(node, 0)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn node(&mut self, span: Range<usize>, value: Value) -> Result<Node, Malformed> {
        self.nodes += 1;
        if self.nodes > MOST_NODES {
            return Err(self.refuse(span, "this document is enormous"));
        }
        Ok(Node { id: fresh(), place: self.place(span), value })
    }

    fn begin(&mut self, span: Range<usize>, value: Value, anchor: usize) -> Result<(), Malformed> {
        if self.open.len() >= DEEPEST {
            return Err(self.refuse(span, "this is nested too deeply"));
        }
        let node = self.node(span, value)?;
        self.open.push(Open { node, anchor, key: None });
        Ok(())
    }

    /// A node is whole: it joins the list or map around it.
    fn complete(&mut self, node: Node, anchor: usize) -> Result<(), Malformed> {
        if anchor > 0 {
            let size = size(&node);
            self.anchors.push((anchor, node.clone(), size));
        }
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        match (&mut open.node.value, open.key.take()) {
            (Value::List(items), _) => items.push(node),
            (Value::Map(_), None) if node.text().is_none() => {
                let message = "a key must be a word, not a list or a map".into();
                return Err(Malformed { place: node.place, message, help: None });
            }
            (Value::Map(_), None) => open.key = Some(node),
            (Value::Map(entries), Some(key)) => match entries.iter().find(|e| e.key.text() == key.text()) {
                Some(first) => {
                    let line = 1 + self.text[..first.key.place.start].matches('\n').count();
                    self.repeated.push(Malformed {
                        place: key.place,
                        message: format!(
                            "the key `{}` is there already, on line {line}",
                            key.text().unwrap_or("")
                        ),
                        help: Some("every key may stand once; remove one of the two".into()),
                    });
                }
                None => entries.push(Entry { key, value: node }),
            },
            (Value::Scalar { .. }, _) => {}
        }
        Ok(())
    }
}

fn size(node: &Node) -> usize {
    1 + match &node.value {
        Value::Scalar { .. } => 0,
        Value::List(items) => items.iter().map(size).sum(),
        Value::Map(entries) => entries.iter().map(|e| 1 + size(&e.value)).sum(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_knows_its_place() {
        let text = "ä: 1\nb: { c: [x, \"y z\"] }\n";
        let (root, _) = parse(text, 0).unwrap();
        let at = |node: &Node| &text[node.place.start..node.place.end];
        assert_eq!(at(root.get("ä").unwrap()), "1");
        let c = root.get("b").unwrap().entry("c").unwrap();
        assert_eq!((at(&c.key), at(&c.value)), ("c", "[x, \"y z\"]"));
        let Value::List(items) = &c.value.value else { panic!() };
        assert_eq!((at(&items[1]), items[1].text()), ("\"y z\"", Some("y z")));
    }

    #[test]
    fn repeated_keys_are_reported_and_the_first_counts() {
        let (root, repeated) = parse("a: 1\nb: 2\na: 3\n", 0).unwrap();
        assert_eq!(root.get("a").unwrap().text(), Some("1"));
        assert_eq!(repeated.len(), 1);
        assert!(repeated[0].message.contains("on line 1"));
    }

    #[test]
    fn aliases_cannot_blow_up() {
        let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for i in 1..30 {
            let p = i - 1;
            text += &format!("a{i}: &a{i} [*a{p}, *a{p}, *a{p}, *a{p}, *a{p}, *a{p}, *a{p}, *a{p}]\n");
        }
        assert!(parse(&text, 0).unwrap_err().message.contains("enormous"));
    }
}
