//! `counterpart record --webhooks PATH=URL`: where the provider's webhooks arrive, and where they go on to.

use crate::exit::Stop;
use crate::output;
use anyhow::anyhow;
use counterpart_recorder::WebhookRoute;
use std::net::SocketAddr;

/// Reads what was given. What is wrong is told without the URL, for it may hold a password: so clap must not read it.
pub(super) fn routes(given: &[String]) -> Result<Vec<WebhookRoute>, Stop> {
    let read = |text: &String| text.parse().map_err(|error| Stop::usage(anyhow!("--webhooks: {error}")));
    given.iter().map(read).collect()
}

/// Tells where the provider is to send them.
pub(super) fn tell(address: SocketAddr, routes: &[WebhookRoute]) {
    for route in routes {
        output::result(&format!("webhooks http://{address}{route}"));
    }
    if !routes.is_empty() {
        output::note(
            "Have the provider send its webhooks there, by a tunnel where it is not on this machine.",
        );
    }
}
