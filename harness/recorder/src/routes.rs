//! Which way a request takes through the recorder: that of the webhooks whose path it has, else on to the provider.
//!
//! Knows nothing of how requests are carried on.

use crate::route::Route;
use crate::webhook_route::WebhookRoute;
use http::{Request, Version};
use std::sync::Arc;

/// The ways through a recorder.
pub(crate) struct Routes {
    /// Those of the webhooks; no two take the same request.
    pub(crate) webhooks: Vec<Arc<Route>>,
    /// The way of whatever else comes, where there is one.
    pub(crate) upstream: Option<Arc<Route>>,
}

impl Routes {
    /// The way of a request; nothing where it leads nowhere. One in absolute form was meant for another host, but in
    /// HTTP/2 all are.
    pub(crate) fn of<B>(&self, request: &Request<B>) -> Option<&Arc<Route>> {
        let target = request.uri();
        let may_be_webhook = target.authority().is_none() || request.version() == Version::HTTP_2;
        let takes =
            |route: &&Arc<Route>| route.webhooks.as_ref().is_some_and(|webhooks| webhooks.takes(target));
        let webhook = self.webhooks.iter().filter(|_| may_be_webhook).find(takes);
        webhook.or(self.upstream.as_ref())
    }

    /// Whether any of them goes on through TLS.
    pub(crate) fn any_is_encrypted(&self) -> bool {
        self.webhooks.iter().chain(&self.upstream).any(|route| route.upstream.is_encrypted())
    }

    /// The webhooks' paths, as a sentence lists them.
    pub(crate) fn webhook_paths(&self) -> String {
        let paths = self.webhooks.iter().filter_map(|route| route.webhooks.as_ref());
        paths.map(WebhookRoute::path).collect::<Vec<_>>().join(", ")
    }
}
