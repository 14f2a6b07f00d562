//! A call that is answered with an error object.

use super::{Effect, Misbehaves};
use crate::answer::Answer;
use counterpart_exchange::protocol::{JsonRpcError as Told, ProtocolKind, json_rpc_error, protocol_of};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::num::NonZeroUsize;

/// A JSON-RPC call is answered with an error object that has its id (JSON-RPC 2.0, section 5.1); what was recorded
/// of such an error in the form `json_rpc_error` and is not said here is kept. The call had no effect. In the way
/// of a batch the named call fails, else each of them. A notification gets no answer, so the fault cannot strike
/// one.
///
/// A good integration tells the answers of a batch apart by their ids, keeps those that succeeded, and sends again
/// only the call that failed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct JsonRpcError {
    /// -32768 to -32000 are the protocol's own: -32603, the default, is an internal error.
    pub code: i64,
    /// What the error tells people. Without it, what the protocol calls the code.
    pub message: Option<String>,
    /// Which call of a batch fails, from 1.
    pub call: Option<NonZeroUsize>,
}

impl Default for JsonRpcError {
    fn default() -> Self {
        Self { code: -32_603, message: None, call: None }
    }
}

impl JsonRpcError {
    /// Whether it is meant for the call at an index, from 0, of a batch.
    pub(crate) fn is_at(&self, index: usize) -> bool {
        self.call.is_none_or(|number| number.get() == index + 1)
    }
}

impl Misbehaves for JsonRpcError {
    const EXAMPLES: &'static [&'static str] = &[
        r#"json_rpc_error{"code":-32601}@issue_list"#,
        r#"json_rpc_error{"code":-32005,"message":"limit exceeded","call":2}@rpc_batch"#,
    ];

    fn effect(&self) -> Effect<'_> {
        Effect::Refuses(Box::new(|around| {
            if protocol_of(around.profile, around.request) != Some(ProtocolKind::JsonRpc) {
                return Err("the request goes to no JSON-RPC endpoint of the provider profile".to_owned());
            }
            let error = Told { code: self.code, message: self.message.clone(), data: None };
            let recorded = around.forms.recorded("json_rpc_error");
            json_rpc_error(around.request, recorded, &error).map(Answer::Whole)
        }))
    }
}
