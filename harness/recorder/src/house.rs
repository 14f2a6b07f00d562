//! What all connections of a recording share.

use crate::clock::Clock;
use crate::config::Limits;
use crate::connection::{Next, converse};
use crate::door::Door;
use crate::forward::{AnswerBody, Forwarder, NoAnswer};
use crate::route::Route;
use crate::server::{Bounds, Drained, Phase, serve};
use crate::streams::Streams;
use crate::traffic::Tally;
use crate::words::own_words;
use http::header::{self, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// What all connections of a recording share.
pub(crate) struct House {
    pub(crate) door: Door,
    pub(crate) forwarder: Forwarder,
    pub(crate) streams: Streams,
    pub(crate) tally: Tally,
    pub(crate) limits: Limits,
    pub(crate) clock: Clock,
}

/// What is told where webhooks alone are recorded, and something else comes.
fn leads_nowhere(webhook_paths: &str) -> Response<AnswerBody> {
    let message = format!(
        "counterpart records webhooks alone, at {webhook_paths}; to record calls of the provider too, name it \
         with --upstream"
    );
    own_words(StatusCode::NOT_FOUND, &message)
}

impl House {
    /// Serves until the phase says to stop. On return nothing is in flight any more.
    pub(crate) async fn open(self: Arc<Self>, listener: TcpListener, phase: watch::Receiver<Phase>) {
        let bounds = Bounds { connections: self.limits.connections, drain: self.limits.drain };
        let drained =
            serve(listener, bounds, phase, |stream, phase| converse(stream, Arc::clone(&self), phase)).await;
        if drained == Drained::CutOff {
            tracing::warn!("exchanges still in flight are kept as far as they came");
        }
        self.streams.end().await;
    }

    /// Answers a request that says itself where it is to go.
    pub(crate) async fn answer(
        &self,
        request: Request<Incoming>,
        next: &Next,
    ) -> Result<Response<AnswerBody>, NoAnswer> {
        match &self.door {
            Door::Reverse(routes) => match routes.of(&request) {
                Some(route) => self.answer_along(request, route, next).await,
                None => Ok(leads_nowhere(&routes.webhook_paths())),
            },
            Door::Proxy(proxy) if request.method() == Method::CONNECT => {
                let mut answer = proxy.connect(request, next, &self.tally, self.limits.connect).await;
                if answer.status() != StatusCode::OK {
                    // Many a client has no use for the connection then, and waits for its end.
                    answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
                }
                Ok(answer)
            }
            Door::Proxy(proxy) => match proxy.route_of(request.uri(), &self.tally) {
                Ok(route) => self.forwarder.answer(request, &route, next).await,
                Err(refusal) => Ok(*refusal),
            },
        }
    }

    /// Answers a request along a route.
    pub(crate) async fn answer_along(
        &self,
        request: Request<Incoming>,
        route: &Route,
        next: &Next,
    ) -> Result<Response<AnswerBody>, NoAnswer> {
        if request.method() == Method::CONNECT {
            let message = match self.door {
                Door::Reverse(_) => {
                    "counterpart records as a reverse proxy: give the integration this address as the \
                     provider's base URL, not as its HTTP proxy"
                }
                Door::Proxy(_) => "this is a tunnel already: ask for another host on another connection",
            };
            return Ok(own_words(StatusCode::NOT_IMPLEMENTED, message));
        }
        self.forwarder.answer(request, route, next).await
    }
}
