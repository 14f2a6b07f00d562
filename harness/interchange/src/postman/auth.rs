//! How a request of a collection authenticates: what a header or a query field can say is taken over.

use super::variables::Variables;
use crate::ImportError;
use crate::fields::{Fields, plain_text};
use crate::making::{Making, add_header, shown};
use crate::query;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

/// What a folder or a request says of authentication.
#[derive(Clone, Default)]
pub(super) enum Auth {
    /// None.
    #[default]
    No,
    Bearer {
        token: String,
    },
    Basic {
        user: String,
        password: String,
    },
    ApiKey {
        key: String,
        value: String,
        is_in_query: bool,
    },
    /// What is computed for each request anew.
    Other {
        kind: String,
    },
}

impl Auth {
    /// Reads `auth`; nothing where there is none, so that it is handed down from above.
    pub(super) fn read(fields: &mut Fields<'_>) -> Result<Option<Self>, ImportError> {
        let Some(mut auth) = fields.fields("auth")? else { return Ok(None) };
        let kind = auth.text("type")?.unwrap_or_default();
        let mut parameters = Vec::new();
        for part in auth.list(&kind).unwrap_or_default().unwrap_or_default() {
            let mut parameter = auth.read_within(part, "an object with `key` and `value`")?;
            let key = parameter.raw("key").map(plain_text).unwrap_or_default();
            parameters.push((key, parameter.raw("value").map(plain_text).unwrap_or_default()));
        }
        let value = |name: &str| {
            parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()).unwrap_or_default()
        };
        Ok(Some(match kind.as_str() {
            "noauth" => Self::No,
            "bearer" => Self::Bearer { token: value("token") },
            "basic" => Self::Basic { user: value("username"), password: value("password") },
            "apikey" => {
                Self::ApiKey { key: value("key"), value: value("value"), is_in_query: value("in") == "query" }
            }
            "oauth2" if !value("accessToken").is_empty() && value("addTokenTo") != "queryParams" => {
                Self::Bearer { token: value("accessToken") }
            }
            kind => Self::Other { kind: shown(kind) },
        }))
    }

    /// Adds what it comes to, where the request does not say it itself.
    pub(super) fn add_to(&self, variables: &Variables, making: &mut Making) {
        let mut fill = |text: &str| variables.fill(text, "`auth`", making);
        let (name, value) = match self {
            Self::No => return,
            Self::Bearer { token } => ("authorization", format!("Bearer {}", fill(token))),
            Self::Basic { user, password } => {
                let pair = format!("{}:{}", fill(user), fill(password));
                ("authorization", format!("Basic {}", BASE64.encode(pair)))
            }
            Self::ApiKey { key, value, is_in_query: true } => {
                let (key, value) = (fill(key), fill(value));
                let target = &making.exchange.request.target;
                making.exchange.request.target =
                    query::target(target, [(key.as_str(), Some(value.as_str()))]);
                return;
            }
            Self::ApiKey { key, value, is_in_query: false } => {
                let (key, value) = (fill(key), fill(value));
                if making.exchange.request.headers.values(&key).is_empty() {
                    add_header(&mut making.exchange.request.headers, &key, &value);
                }
                return;
            }
            Self::Other { kind } => {
                making.lose(format!("the `auth` of the kind `{kind}`, which is computed for each request"));
                return;
            }
        };
        let headers = &mut making.exchange.request.headers;
        if headers.values(name).is_empty() {
            add_header(headers, name, &value);
        }
    }
}
