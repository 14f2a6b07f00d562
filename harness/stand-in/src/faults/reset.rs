//! The connection breaks.

use super::{AtConnection, Effect, Misbehaves};
use crate::answer::{Answer, Cut};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The connection is reset: RST instead of an orderly end (RFC 9293 section 3.10.7).
///
/// A good integration takes half an answer for none and asks again after a wait.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Reset {
    /// When.
    pub at: ResetAt,
    /// What is reset, where a connection carries several requests at once (HTTP/2).
    pub scope: ResetScope,
}

/// What is reset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ResetScope {
    /// This request alone: RST_STREAM (RFC 9113 section 6.4). On HTTP/1 that is the connection.
    #[default]
    Request,
    /// The connection, with all that it carries.
    Connection,
}

/// When a connection is reset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ResetAt {
    /// Before the status line.
    BeforeAnswer,
    /// After half of the body.
    #[default]
    MidBody,
}

impl Misbehaves for Reset {
    const EXAMPLES: &'static [&'static str] = &[
        r#"reset{"at":"mid_body"}@messages-5"#,
        r#"reset{"at":"before_answer"}@messages-5"#,
        "reset@connection:1",
    ];

    fn effect(&self) -> Effect<'_> {
        let cut = match self.scope {
            ResetScope::Request => Cut::Reset,
            ResetScope::Connection => Cut::ResetConnection,
        };
        match self.at {
            ResetAt::BeforeAnswer => Effect::Instead(Box::new(move |_| Answer::Nothing(cut))),
            ResetAt::MidBody => Effect::Spoils(Box::new(move |response| Answer::halved(response, cut))),
        }
    }

    fn at_connection(&self) -> Option<AtConnection> {
        Some(AtConnection::Reset)
    }
}
