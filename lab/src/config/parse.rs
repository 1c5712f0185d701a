//! From the text of a YAML document to a tree of nodes.
use super::node::{Entry, Node, Place, Value, fresh};
use saphyr_parser::{Event, Parser, ScalarStyle};
use std::ops::Range;

/// What is wrong with a text that is no acceptable YAML.
#[derive(Clone, Debug)]
pub(super) struct Malformed {
    /// Where.
    pub(super) place: Place,
    /// What.
    pub(super) message: String,
    /// What to do about it, if that is known.
    pub(super) help: Option<String>,
}

/// Deeper nesting is refused.
const DEEPEST: usize = 40;
/// More nodes are refused: aliases of aliases can make a short text enormous.
const MOST_NODES: usize = 200_000;

/// Reads `text`, which is source number `source`. Repeated keys are reported beside the tree, in which the first one counts.
pub(super) fn parse(text: &str, source: usize) -> Result<(Node, Vec<Malformed>), Malformed> {
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
