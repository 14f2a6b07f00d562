//! Nobody listens.

use super::{AtConnection, Effect, Misbehaves};
use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Connections are refused (ECONNREFUSED) for a while, as when a server is restarted. At a request: its connection
/// is reset, and from then on nobody listens. At a connection: nobody listens from the moment at which the one
/// before it was accepted; at the first, from the start.
///
/// A good integration tries again with growing waits, and tells somebody when it takes long. It loses nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Refused {
    /// How long, in seconds on the stand-in's clock.
    #[schemars(range(min = 1))]
    pub for_s: u32,
}

impl Refused {
    fn how_long(&self) -> SignedDuration {
        SignedDuration::from_secs(i64::from(self.for_s))
    }
}

impl Misbehaves for Refused {
    const EXAMPLES: &'static [&'static str] =
        &[r#"refused{"for_s":60}@messages-2"#, r#"refused{"for_s":60}@connection:1"#];

    fn effect(&self) -> Effect<'_> {
        Effect::Outage(self.how_long())
    }

    fn at_connection(&self) -> Option<AtConnection> {
        Some(AtConnection::Refuse(self.how_long()))
    }
}
