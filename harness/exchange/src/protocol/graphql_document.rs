//! A GraphQL document in one spelling: the operation that is executed and the fragments it reaches.
//!
//! White space, commas, comments, the order of arguments and the way a string is written say nothing (GraphQL,
//! sections 2.1, 2.6 and 2.9); the order of fields does, as the answer follows it. Parsing is by apollo-parser,
//! bounded in bytes, tokens and depth; a document with any error is not read at all.

use super::canonical_json::quoted;
use super::selector::GraphQlKind;
use apollo_parser::cst::{
    CstNode, Definition, Document, FragmentSpread, OperationDefinition, Selection, StringValue,
};
use apollo_parser::{Lexer, Parser, SyntaxKind, SyntaxNode, Token, TokenKind};
use std::collections::{BTreeMap, BTreeSet};

/// A document may be so large: generated ones reach tens of kilobytes.
const MAX_DOCUMENT_BYTES: usize = 256 * 1024;
const MAX_TOKENS: usize = 50_000;
const MAX_DEPTH: usize = 100;
/// Root fields that name an anonymous operation.
const MAX_NAMING_FIELDS: usize = 3;

/// The operation of a document that is executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ExecutedOperation {
    pub(super) kind: GraphQlKind,
    /// Its own name, or its root fields.
    pub(super) name: String,
    /// The one spelling of it and of its fragments.
    pub(super) text: String,
}

/// Reads the operation that is executed: the named one, or the only one.
pub(super) fn executed(document: &str, operation_name: Option<&str>) -> Result<ExecutedOperation, String> {
    if document.len() > MAX_DOCUMENT_BYTES {
        return Err(format!(
            "its document is {} bytes long; at most {MAX_DOCUMENT_BYTES} are read",
            document.len()
        ));
    }
    let document = without_commas(document);
    let tree = Parser::new(&document).recursion_limit(MAX_DEPTH).token_limit(MAX_TOKENS).parse();
    if let Some(error) = tree.errors().next() {
        return Err(format!("its document does not parse at byte {}: {}", error.index(), error.message()));
    }
    let document = tree.document();
    let operation = chosen(&document, operation_name)?;
    let kind = match operation.operation_type() {
        Some(kind) if kind.mutation_token().is_some() => GraphQlKind::Mutation,
        Some(kind) if kind.subscription_token().is_some() => GraphQlKind::Subscription,
        _ => GraphQlKind::Query,
    };
    let name = operation.name().map_or_else(|| root_fields(&operation), |name| name.text().to_string());
    let mut spelled = Spelled::default();
    if operation.operation_type().is_none() {
        spelled.token(kind.keyword());
    }
    spelled.node(operation.syntax());
    for fragment in reached(&document, operation.syntax()) {
        spelled.node(&fragment);
    }
    Ok(ExecutedOperation { kind, name, text: spelled.0 })
}

/// The document with white space in the place of commas: they are ignored wherever they stand (section 2.1.5), but the
/// parser does not take them between `...` and a name.
fn without_commas(document: &str) -> String {
    let (tokens, errors) = Lexer::new(document).with_limit(MAX_TOKENS).lex();
    if !errors.is_empty() {
        // The parser tells what is wrong, and where.
        return document.to_owned();
    }
    let spelled = |token: &Token<'_>| {
        if token.kind() == TokenKind::Comma {
            " ".repeat(token.data().len())
        } else {
            token.data().to_owned()
        }
    };
    tokens.iter().filter(|token| token.kind() != TokenKind::Eof).map(spelled).collect()
}

fn chosen(document: &Document, wanted: Option<&str>) -> Result<OperationDefinition, String> {
    let mut operations: Vec<OperationDefinition> = document
        .definitions()
        .filter_map(|definition| match definition {
            Definition::OperationDefinition(operation) => Some(operation),
            _ => None,
        })
        .collect();
    match wanted {
        Some(wanted) => operations
            .into_iter()
            .find(|operation| operation.name().is_some_and(|name| name.text() == wanted))
            .ok_or_else(|| {
                format!("its document has no operation {wanted:?}, which `operationName` asks for")
            }),
        None if operations.len() > 1 => Err(format!(
            "its document has {} operations and no `operationName` chooses one",
            operations.len()
        )),
        None => operations.pop().ok_or_else(|| "its document has no operation".to_owned()),
    }
}

fn root_fields(operation: &OperationDefinition) -> String {
    let selections = operation.selection_set().into_iter().flat_map(|set| set.selections());
    let names = selections.filter_map(|selection| match selection {
        Selection::Field(field) => field.name().map(|name| name.text().to_string()),
        Selection::FragmentSpread(spread) => {
            spread.fragment_name().and_then(|name| name.name()).map(|name| name.text().to_string())
        }
        Selection::InlineFragment(_) => None,
    });
    let names: Vec<String> = names.take(MAX_NAMING_FIELDS).collect();
    if names.is_empty() { "anonymous".to_owned() } else { names.join("_") }
}

/// The fragments that an operation reaches, by name.
fn reached(document: &Document, operation: &SyntaxNode) -> Vec<SyntaxNode> {
    let mut known: BTreeMap<String, SyntaxNode> = BTreeMap::new();
    for definition in document.definitions() {
        if let Definition::FragmentDefinition(fragment) = definition
            && let Some(name) = fragment.fragment_name().and_then(|name| name.name())
        {
            known.entry(name.text().to_string()).or_insert_with(|| fragment.syntax().clone());
        }
    }
    let mut names = BTreeSet::new();
    let mut open = vec![operation.clone()];
    while let Some(node) = open.pop() {
        for name in node.descendants().filter_map(name_in) {
            if let Some(fragment) = known.get(&name)
                && names.insert(name)
            {
                open.push(fragment.clone());
            }
        }
    }
    known.into_iter().filter(|(name, _)| names.contains(name)).map(|(_, node)| node).collect()
}

fn name_in(spread: SyntaxNode) -> Option<String> {
    Some(FragmentSpread::cast(spread)?.fragment_name()?.name()?.text().to_string())
}

/// Tokens with white space where people expect it, and nowhere else.
#[derive(Default)]
struct Spelled(String);

impl Spelled {
    fn token(&mut self, token: &str) {
        let joins = self.0.is_empty()
            || self.0.ends_with(['(', '[', '$', '@'])
            || self.0.ends_with("...")
            || matches!(token, "(" | ")" | "]" | ":" | "!");
        if !joins {
            self.0.push(' ');
        }
        self.0.push_str(token);
    }

    fn node(&mut self, node: &SyntaxNode) {
        match node.kind() {
            SyntaxKind::STRING_VALUE => {
                if let Some(string) = StringValue::cast(node.clone()) {
                    self.token(&quoted(&String::from(&string)));
                }
            }
            // It documents the operation and is not executed (GraphQL, section 2.2).
            SyntaxKind::DESCRIPTION => {}
            SyntaxKind::ARGUMENTS | SyntaxKind::VARIABLE_DEFINITIONS => self.in_any_order(node, "(", ")"),
            SyntaxKind::OBJECT_VALUE => self.in_any_order(node, "{", "}"),
            _ => {
                for child in node.children_with_tokens() {
                    if let Some(inner) = child.as_node() {
                        self.node(inner);
                    } else if let Some(token) = child.as_token() {
                        let is_ignored = matches!(
                            token.kind(),
                            SyntaxKind::WHITESPACE | SyntaxKind::COMMENT | SyntaxKind::COMMA
                        );
                        if !is_ignored {
                            self.token(token.text());
                        }
                    }
                }
            }
        }
    }

    fn in_any_order(&mut self, node: &SyntaxNode, open: &str, close: &str) {
        let mut children: Vec<String> = node
            .children()
            .map(|child| {
                let mut spelled = Self::default();
                spelled.node(&child);
                spelled.0
            })
            .collect();
        children.sort();
        self.token(open);
        for child in &children {
            self.token(child);
        }
        self.token(close);
    }
}
