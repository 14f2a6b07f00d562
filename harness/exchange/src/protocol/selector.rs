//! How a profile selects one kind of call at an endpoint: `query issues`, `action urn:Get`, `method issue.list`.

use super::ProtocolKind;
use crate::suggest;
use std::fmt;

/// What a call is called in its protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallSelector {
    /// `query issues`: a GraphQL operation by its name; an anonymous one by its root fields, `_` between them.
    Graphql {
        /// What kind of operation.
        kind: GraphQlKind,
        /// Its name.
        name: String,
    },
    /// `action urn:Get`: a SOAP action; where none is sent, the local name of the body's first element.
    SoapAction(String),
    /// `method issue.list`: a JSON-RPC method.
    JsonRpcMethod(String),
}

/// What kind of operation a GraphQL document asks to execute (GraphQL, section 2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GraphQlKind {
    /// It reads.
    Query,
    /// It writes, then reads.
    Mutation,
    /// It asks for a stream of answers.
    Subscription,
}

impl GraphQlKind {
    /// Its keyword.
    #[must_use]
    pub fn keyword(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Mutation => "mutation",
            Self::Subscription => "subscription",
        }
    }
}

const KEYWORDS: [&str; 5] = ["query", "mutation", "subscription", "action", "method"];

impl CallSelector {
    /// Reads what stands behind method and path.
    ///
    /// # Errors
    /// A sentence that names the nearest spelling.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let expected = "expected `query NAME`, `mutation NAME`, `subscription NAME`, `action NAME` or \
                        `method NAME` behind the path, or nothing";
        let (keyword, name) = text
            .split_once(' ')
            .ok_or_else(|| format!("{text:?} behind the path is one word only; {expected}"))?;
        if name.is_empty() || name.contains(char::is_whitespace) {
            return Err(format!("{name:?} is not one name; {expected}"));
        }
        let graphql = |kind| {
            let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            if is_name {
                Ok(Self::Graphql { kind, name: name.to_owned() })
            } else {
                Err(format!("{name:?} is no GraphQL name: letters, digits and `_`"))
            }
        };
        match keyword {
            "query" => graphql(GraphQlKind::Query),
            "mutation" => graphql(GraphQlKind::Mutation),
            "subscription" => graphql(GraphQlKind::Subscription),
            "action" => Ok(Self::SoapAction(name.to_owned())),
            "method" => Ok(Self::JsonRpcMethod(name.to_owned())),
            other => Err(match suggest(other, KEYWORDS) {
                Some(near) => format!("{other:?} selects no call; did you mean `{near}`?"),
                None => format!("{other:?} selects no call; {expected}"),
            }),
        }
    }

    /// The protocol whose calls it selects.
    #[must_use]
    pub fn protocol(&self) -> ProtocolKind {
        match self {
            Self::Graphql { .. } => ProtocolKind::Graphql,
            Self::SoapAction(_) => ProtocolKind::Soap,
            Self::JsonRpcMethod(_) => ProtocolKind::JsonRpc,
        }
    }

    /// The name without what all names of its kind begin with.
    pub(super) fn short_name(&self) -> &str {
        match self {
            Self::Graphql { name, .. } | Self::JsonRpcMethod(name) => name,
            // Actions are URIs: the last word tells them apart, `http://tempuri.org/Orders/Get` and `urn:Get`.
            Self::SoapAction(action) => {
                let trimmed = action.trim_end_matches(['/', '#', ':']);
                trimmed.rsplit(['/', '#', ':']).next().unwrap_or(trimmed)
            }
        }
    }
}

impl fmt::Display for CallSelector {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Graphql { kind, name } => write!(formatter, "{} {name}", kind.keyword()),
            Self::SoapAction(action) => write!(formatter, "action {action}"),
            Self::JsonRpcMethod(method) => write!(formatter, "method {method}"),
        }
    }
}
