//! Errors with status 200.

use super::{Effect, Misbehaves};
use crate::answer::Answer;
use counterpart_exchange::protocol::{
    GraphQlError, ProtocolKind, graphql_errors, graphql_partial, protocol_of,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A GraphQL answer whose status says that all is well and whose body has `errors` (GraphQL, section 7). `whole` is
/// answered in the provider's form `graphql_errors`, with code and message put into its first error. `partial` adds
/// an error with the field's path to the recorded answer. With the code `PERSISTED_QUERY_NOT_FOUND` the client is
/// told to send its document too.
///
/// A good integration reads `errors` before it believes the status. It writes nothing of an answer that is not
/// whole without saying so, takes no null for a value that was deleted, and tries again what may pass.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Spelled")]
pub struct GraphqlErrors {
    /// How much of the answer is lost.
    pub kind: GraphqlErrorsKind,
    /// The field that is null in a partial answer, by a dotted path below `data`: `issues.nodes.0.title`.
    pub field: Option<String>,
    /// `extensions.code` of the error: `RATE_LIMITED`.
    pub code: Option<String>,
    /// What the error tells people.
    pub message: Option<String>,
}

/// How much of an answer is lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GraphqlErrorsKind {
    /// All: `data` is null. The operation had no effect.
    #[default]
    Whole,
    /// One field of the recorded answer is null, and the error has its path.
    Partial,
}

/// A GraphQL answer whose status says that all is well and whose body has `errors` (GraphQL, section 7). A field
/// belongs to a partial answer, and to no other.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Spelled {
    /// How much of the answer is lost.
    kind: GraphqlErrorsKind,
    /// The field that is null in a partial answer, by a dotted path below `data`: `issues.nodes.0.title`.
    field: Option<String>,
    /// `extensions.code` of the error: `RATE_LIMITED`.
    code: Option<String>,
    /// What the error tells people.
    message: Option<String>,
}

impl TryFrom<Spelled> for GraphqlErrors {
    type Error = &'static str;

    fn try_from(Spelled { kind, field, code, message }: Spelled) -> Result<Self, Self::Error> {
        match (kind, &field) {
            (GraphqlErrorsKind::Partial, None) => {
                Err("kind `partial` needs `field`, the field that is null: issues.nodes.0.title")
            }
            (GraphqlErrorsKind::Whole, Some(_)) => Err("`field` needs kind `partial`"),
            _ => Ok(Self { kind, field, code, message }),
        }
    }
}

impl Misbehaves for GraphqlErrors {
    const EXAMPLES: &'static [&'static str] = &[
        r#"graphql_errors{"code":"INTERNAL_SERVER_ERROR"}@issues"#,
        r#"graphql_errors{"kind":"partial","field":"issues.nodes.0.title","code":"FORBIDDEN"}@issues"#,
    ];

    fn effect(&self) -> Effect<'_> {
        let error = GraphQlError { message: self.message.clone(), code: self.code.clone() };
        match &self.field {
            None => Effect::Refuses(Box::new(move |around| {
                if protocol_of(around.profile, around.request) != Some(ProtocolKind::Graphql) {
                    return Err("the request goes to no GraphQL endpoint of the provider profile".to_owned());
                }
                Ok(Answer::Whole(graphql_errors(around.forms.recorded("graphql_errors"), &error)))
            })),
            Some(field) => {
                Effect::Alters(Box::new(move |response, _| graphql_partial(response, field, &error)))
            }
        }
    }
}
