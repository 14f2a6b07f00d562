//! Where names may stand in a scenario, and what they become there.
//!
//! Variables are filled in before the file is read as what it says. What is known only once the scenario is played
//! (captures, and what every subject is given) stays as it stands where it can wait: in what a trigger, a call and a file
//! are made of, and in matchers. Elsewhere it is refused.

use super::matcher::is_read_early;
use super::names::{Names, Part, as_text, parts};
use super::problem::{Problem, unknown};
use super::tree::{Content, Key, Node};
use counterpart_subject::{given_names, is_given};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::collections::BTreeSet;

/// What may stand unescaped in a path segment (RFC 3986 section 3.3): unreserved characters.
const SEGMENT_SET: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Names that answers were captured under, in the order of the steps.
#[derive(Clone, Debug, Default)]
pub(super) struct Captured {
    known: BTreeSet<String>,
    /// All that the file captures anywhere: one that is used too early is told as that.
    all: BTreeSet<String>,
}

/// What becomes of a name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    /// It must be known before anything is played.
    Planned,
    /// It may be known only once it is played.
    Played,
    /// As part of a path that the subject is called with.
    Path,
    /// In a body that the subject is called with, where braces are doubled to stand for themselves.
    Body,
    /// In a selector of requests, whose templates have braces of their own.
    Selector,
}

struct Filling<'a> {
    names: &'a Names,
    captured: Captured,
    problems: Vec<Problem>,
}

/// The tree with the names filled in that are known by now.
pub(super) fn filled(root: &Node, names: &Names, captured: Captured) -> Result<Node, Vec<Problem>> {
    let mut filling = Filling { names, captured, problems: Vec::new() };
    if let Some(steps) = root.get("steps") {
        collect_captures(steps, &mut filling.captured.all);
    }
    let Content::Map(entries) = &root.content else { return Ok(root.clone()) };
    // In the order of play, whatever the order in the file: an expectation knows what any step captured.
    let mut done: Vec<(usize, (Key, Node))> = Vec::with_capacity(entries.len());
    let is_late = |key: &str| key == "expect";
    for late in [false, true] {
        for (index, (key, node)) in
            entries.iter().enumerate().filter(|(_, (key, _))| is_late(&key.name) == late)
        {
            let node = match key.name.as_str() {
                "variables" | "cases" | "counterpart" => node.clone(),
                "steps" => filling.steps(node),
                "expect" => filling.items(node, Filling::expectation),
                "faults" => filling.fault(node),
                _ => filling.node(node, Use::Planned),
            };
            done.push((index, (key.clone(), node)));
        }
    }
    done.sort_by_key(|(index, _)| *index);
    let content = Content::Map(done.into_iter().map(|(_, entry)| entry).collect());
    match filling.problems.is_empty() {
        true => Ok(Node::new(root.location, content)),
        false => Err(filling.problems),
    }
}

fn collect_captures(steps: &Node, all: &mut BTreeSet<String>) {
    for (key, value) in steps.items().iter().flat_map(Node::entries) {
        match key.name.as_str() {
            "trigger" | "call" => all.extend(captured_by(value)),
            "repeat" | "parallel" => {
                value.get("steps").into_iter().for_each(|steps| collect_captures(steps, all));
            }
            _ => {}
        }
    }
}

fn captured_by(step: &Node) -> impl Iterator<Item = String> {
    step.get("capture").map(Node::entries).unwrap_or_default().iter().map(|(key, _)| key.name.clone())
}

impl Filling<'_> {
    fn entries(&mut self, node: &Node, mut fill: impl FnMut(&mut Self, &Key, &Node) -> Node) -> Node {
        let Content::Map(entries) = &node.content else { return self.node(node, Use::Planned) };
        let entries = entries.iter().map(|(key, value)| (key.clone(), fill(self, key, value))).collect();
        Node::new(node.location, Content::Map(entries))
    }

    fn items(&mut self, node: &Node, mut fill: impl FnMut(&mut Self, &Node) -> Node) -> Node {
        let Content::List(items) = &node.content else { return self.node(node, Use::Planned) };
        let items = items.iter().map(|item| fill(self, item)).collect();
        Node::new(node.location, Content::List(items))
    }

    fn steps(&mut self, node: &Node) -> Node {
        self.items(node, |filling, step| {
            let done = filling.entries(step, Self::step);
            // What a step captures is known to those behind it.
            for (key, value) in
                step.entries().iter().filter(|(key, _)| matches!(&*key.name, "trigger" | "call"))
            {
                for name in captured_by(value) {
                    if filling.names.contains_key(&name) || is_given(&name) {
                        let message = format!("`{name}` has a value already; capture it under another name");
                        filling.problems.push(Problem::new(key.location, message));
                    }
                    filling.captured.known.insert(name);
                }
            }
            done
        })
    }

    fn step(&mut self, key: &Key, node: &Node) -> Node {
        match key.name.as_str() {
            "trigger" => self.entries(node, |filling, key, node| match key.name.as_str() {
                "capture" => filling.node(node, Use::Planned),
                _ => filling.node(node, Use::Played),
            }),
            "call" => self.entries(node, |filling, key, node| match key.name.as_str() {
                "request" => filling.node(node, Use::Path),
                "json" => filling.node(node, Use::Body),
                "answer" => filling.node(node, Use::Played),
                _ => filling.node(node, Use::Planned),
            }),
            "file" => self.entries(node, |filling, key, node| match key.name.as_str() {
                "text" | "name" => filling.node(node, Use::Played),
                _ => filling.node(node, Use::Planned),
            }),
            "wait_for" => self.entries(node, |filling, key, node| match key.name.as_str() {
                "record" => filling.node(node, Use::Played),
                _ => filling.node(node, Use::Planned),
            }),
            "repeat" => self.entries(node, |filling, key, node| match key.name.as_str() {
                "steps" => filling.steps(node),
                _ => filling.node(node, Use::Planned),
            }),
            "parallel" => self.entries(node, |filling, key, node| match key.name.as_str() {
                // What one captures the others cannot know yet.
                "steps" => {
                    let before = filling.captured.known.clone();
                    filling.items(node, |filling, step| {
                        let after = std::mem::replace(&mut filling.captured.known, before.clone());
                        let one = Node::new(step.location, Content::List(vec![step.clone()]));
                        let done = filling.steps(&one);
                        filling.captured.known.extend(after);
                        done.items().first().cloned().unwrap_or(done)
                    })
                }
                _ => filling.node(node, Use::Planned),
            }),
            _ => self.node(node, Use::Planned),
        }
    }

    fn expectation(&mut self, node: &Node) -> Node {
        self.entries(node, |filling, word, node| {
            let word = word.name.as_str();
            filling.entries(node, |filling, key, node| {
                let used = match (word, key.name.as_str()) {
                    ("requests", "to") | ("order", "requests") => Use::Selector,
                    ("audit", "entries")
                    | ("probe", "record")
                    | ("destination", "records")
                    | ("files", "exist" | "gone" | "counts" | "content") => Use::Played,
                    _ => Use::Planned,
                };
                filling.node(node, used)
            })
        })
    }

    fn fault(&mut self, node: &Node) -> Node {
        match &node.content {
            Content::Map(entries) => {
                let entries = entries.iter().map(|(key, value)| {
                    let value = match key.name.as_str() {
                        "to" => self.node(value, Use::Selector),
                        _ => self.fault(value),
                    };
                    (self.key(key, Use::Planned), value)
                });
                Node::new(node.location, Content::Map(entries.collect()))
            }
            Content::List(_) => self.items(node, Self::fault),
            _ => self.node(node, Use::Planned),
        }
    }

    fn node(&mut self, node: &Node, used: Use) -> Node {
        let content = match &node.content {
            Content::Text(text) => self.text(text, node, used),
            Content::List(items) => Content::List(items.iter().map(|item| self.node(item, used)).collect()),
            Content::Map(entries) => {
                let entries = entries.iter().map(|(key, value)| {
                    let within = if is_read_early(&key.name) { Use::Planned } else { used };
                    (self.key(key, used), self.node(value, within))
                });
                Content::Map(entries.collect())
            }
            other => other.clone(),
        };
        Node::new(node.location, content)
    }

    fn key(&mut self, key: &Key, used: Use) -> Key {
        let node = Node::new(key.location, Content::Null);
        match self.text(&key.name, &node, used) {
            Content::Text(name) | Content::Bool(_, name) | Content::Number(_, name) => {
                Key { name, ..key.clone() }
            }
            _ => key.clone(),
        }
    }

    fn text(&mut self, text: &str, node: &Node, used: Use) -> Content {
        let parts = parts(text);
        if let [Part::Name(name)] = parts[..]
            && used != Use::Path
            && let Some(value) = self.names.get(name)
        {
            return match value {
                serde_json::Value::Bool(value) => Content::Bool(*value, value.to_string()),
                serde_json::Value::Number(number) => Content::Number(number.clone(), number.to_string()),
                other => Content::Text(spelled(&as_text(other), used)),
            };
        }
        let mut out = String::with_capacity(text.len());
        for part in parts {
            match part {
                Part::Plain(plain) => out.push_str(plain),
                Part::Name(name) => match self.names.get(name) {
                    Some(value) => out.push_str(&spelled(&as_text(value), used)),
                    None => {
                        self.check(name, node, used);
                        out.push_str(&format!("{{{name}}}"));
                    }
                },
                Part::Literal(name) => match used {
                    Use::Planned | Use::Selector => out.push_str(&format!("{{{name}}}")),
                    Use::Played | Use::Path | Use::Body => out.push_str(&format!("{{{{{name}}}}}")),
                },
            }
        }
        Content::Text(out)
    }

    /// A name that is no variable: one that is known later, where that is early enough.
    fn check(&mut self, name: &str, node: &Node, used: Use) {
        let is_played = self.captured.known.contains(name) || is_given(name);
        let message = match used {
            Use::Selector => return,
            Use::Played | Use::Path | Use::Body if is_played => return,
            Use::Planned if is_played => format!(
                "`{{{name}}}` is known only once the scenario is played, and this is read before; a variable can stand here"
            ),
            _ if self.captured.all.contains(name) => {
                format!("`{{{name}}}` is used before it is captured; capture it in an earlier step")
            }
            _ => {
                let known = self.names.keys().chain(&self.captured.known).map(String::as_str);
                let given: &[&str] = if used == Use::Planned { &[] } else { given_names() };
                let known: Vec<&str> = known.chain(given.iter().copied()).collect();
                format!("{} (in braces as text: {{{{{name}}}}})", unknown("variable", name, known))
            }
        };
        self.problems.push(Problem::new(node.location, message));
    }
}

/// A value as it is spelled where it stands.
fn spelled(value: &str, used: Use) -> String {
    match used {
        Use::Path => utf8_percent_encode(value, SEGMENT_SET).to_string(),
        Use::Body => value.replace('{', "{{").replace('}', "}}"),
        Use::Planned | Use::Played | Use::Selector => value.to_owned(),
    }
}
