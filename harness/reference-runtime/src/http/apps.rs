//! `PUT /apps/{app}`: an endpoint that the connections of many tenants share.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Json;
use serde::Deserialize;
use serde_json::{Value, json};

use super::connections::{check_url, proof};
use super::{Body, Refusal, Shared, name};
use crate::hooks::{Format, Target};
use crate::store::AppConfig;

/// Not printable, for it holds a secret that is not wrapped yet.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AppBody {
    provider: String,
    scheme: String,
    secret: String,
    url: Option<String>,
}

pub(super) async fn store(
    State(api): Shared,
    Path(app): Path<String>,
    Body(body): Body<AppBody>,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    let app = name("app", &app)?;
    let format = Format::of_provider(&body.provider).filter(|format| format.tells_account());
    let Some(format) = format else {
        let message = format!(
            "events of {} do not tell whose they are: give each connection its own endpoint",
            body.provider
        );
        return Err(Refusal::invalid(message));
    };
    check_url(body.url.as_ref())?;
    let target = Target::App(app.clone());
    let proof = proof(api.context(), &target, body.scheme, &body.secret)?;
    let config = AppConfig { format: format.provider().to_owned(), proof, url: body.url };
    api.context().store.put_app(app.clone(), config).await?;
    api.endpoints.forget(&target);
    Ok((StatusCode::OK, Json(json!({ "app": app.as_str() }))))
}
