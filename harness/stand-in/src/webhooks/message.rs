//! A webhook before it is signed: what the fixture shows of it, and how its fields are read and changed.
//!
//! Knows nothing of faults, time or sockets.

use crate::data::field_path;
use bytes::Bytes;
use counterpart_exchange::{Exchange, OperationName, WebhookEvents, WebhookField, Webhooks};
use std::sync::Arc;

/// Header fields of a recording that belong to its connection, not to the webhook.
const OF_THE_CONNECTION: [&str; 8] =
    ["connection", "content-length", "expect", "host", "keep-alive", "te", "transfer-encoding", "upgrade"];

/// A webhook before it is signed.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    /// `provider/flow#id`, or what a given body is called.
    pub(crate) exchange: Arc<str>,
    pub(crate) operation: Arc<OperationName>,
    pub(crate) method: http::Method,
    /// The path and query that were called when it was recorded.
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Bytes,
}

impl Message {
    /// The webhook that a recorded exchange shows, its placeholders filled in. None where its method is none.
    pub(crate) fn of(exchange: &Exchange, name: &str, operation: OperationName) -> Option<Self> {
        let request = &exchange.request;
        let headers = request.headers.iter().flat_map(|(name, values)| {
            values.iter().filter_map(move |value| Some((name.to_owned(), value.as_text()?.to_owned())))
        });
        Some(Self {
            exchange: name.into(),
            operation: operation.into(),
            method: http::Method::from_bytes(request.method.as_bytes()).ok()?,
            target: request.target.clone(),
            headers: headers
                .filter(|(name, _)| !OF_THE_CONNECTION.contains(&name.to_ascii_lowercase().as_str()))
                .collect(),
            body: request.body.to_bytes().into(),
        })
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn set_header(&mut self, name: &str, value: &str) {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.to_owned()));
    }

    /// What stands at a place; of several events, in the first.
    pub(crate) fn get(&self, webhooks: &Webhooks, field: &WebhookField) -> Option<String> {
        match field {
            WebhookField::Header(name) => self.header(name.as_str()).map(str::to_owned),
            WebhookField::PathEnd => {
                let path = self.target.split(['?', '#']).next()?;
                path.rsplit_once('/').map(|(_, end)| end.to_owned()).filter(|end| !end.is_empty())
            }
            WebhookField::Body(path) => {
                let event = self.events(webhooks).ok()?.into_iter().next()?;
                field_path::get(&event, path).map(|raw| plain(&raw))
            }
        }
    }

    /// Writes a text at a place; of several events, in each. A field that is a number stays one.
    ///
    /// # Errors
    /// A sentence, where there is no such place.
    pub(crate) fn set(
        &mut self,
        webhooks: &Webhooks,
        field: &WebhookField,
        value: &str,
    ) -> Result<(), String> {
        match field {
            WebhookField::Header(name) => self.set_header(name.as_str(), value),
            WebhookField::PathEnd => {
                let end = self.target.find(['?', '#']).unwrap_or(self.target.len());
                let start = self.target[..end].rfind('/').map_or(0, |at| at + 1);
                self.target.replace_range(start..end, value);
            }
            WebhookField::Body(path) => {
                let events = self.events(webhooks)?;
                let changed: Result<Vec<String>, String> =
                    events.iter().map(|event| set_field(event, path, value)).collect();
                self.set_events(webhooks, &changed?)?;
            }
        }
        Ok(())
    }

    /// The events in the body, each as JSON text.
    ///
    /// # Errors
    /// A sentence, where the body has not the form that the profile names.
    pub(crate) fn events(&self, webhooks: &Webhooks) -> Result<Vec<String>, String> {
        let text = self.text()?;
        match &webhooks.events {
            WebhookEvents::One => Ok(vec![text.to_owned()]),
            WebhookEvents::Array => items(text, ""),
            WebhookEvents::Field(path) => items(text, path),
        }
    }

    /// Puts these events into the body instead.
    ///
    /// # Errors
    /// A sentence, where the body has not the form that the profile names.
    pub(crate) fn set_events(&mut self, webhooks: &Webhooks, events: &[String]) -> Result<(), String> {
        let list = format!("[{}]", events.join(","));
        let body = match (&webhooks.events, events) {
            (WebhookEvents::One, [event]) => event.clone(),
            // Where the vendor sends one at a time, several make an array.
            (WebhookEvents::One | WebhookEvents::Array, _) => list,
            (WebhookEvents::Field(path), _) => field_path::set(self.text()?, path, &list)?,
        };
        self.body = body.into();
        Ok(())
    }

    fn text(&self) -> Result<&str, String> {
        std::str::from_utf8(&self.body).map_err(|_| "the webhook's body is not text".to_owned())
    }
}

fn items(json: &str, path: &str) -> Result<Vec<String>, String> {
    let items = field_path::items(json, path).map_err(|why| why.replace("the answer's", "the webhook's"))?;
    Ok(items.into_iter().map(|item| item.get().to_owned()).collect())
}

/// Writes a text, or a number where a number stands, into a field of an event.
pub(crate) fn set_field(event: &str, path: &str, value: &str) -> Result<String, String> {
    let was_number = field_path::get(event, path).is_some_and(|raw| !raw.trim_start().starts_with('"'));
    let is_number = value.parse::<i64>().is_ok();
    let json = match was_number && is_number {
        true => value.to_owned(),
        false => serde_json::Value::from(value).to_string(),
    };
    field_path::set(event, path, &json).map_err(|why| why.replace("the answer's", "the webhook's"))
}

fn plain(raw: &str) -> String {
    serde_json::from_str::<String>(raw).unwrap_or_else(|_| raw.to_owned())
}

/// Another id of the same form: a number after the first, in the place of its last characters.
pub(crate) fn numbered(id: &str, number: u64) -> String {
    if let Ok(plain) = id.parse::<u64>() {
        return plain.saturating_add(number).to_string();
    }
    let digits = format!("x{number:06}");
    match id.char_indices().rev().nth(digits.len() - 1) {
        Some((at, _)) if at > 0 => format!("{}{digits}", &id[..at]),
        _ => format!("{id}{digits}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_id_is_another_and_of_the_same_form() {
        assert_eq!(numbered("evt_1ABCDEFGH", 7), "evt_1Ax000007");
        assert_eq!(numbered("41", 7), "48");
        assert_eq!(numbered("é1", 7), "é1x000007");
        let id = "msg_00000001".to_owned();
        let others = (1..=1_000).map(|number| numbered(&id, number));
        let all: std::collections::BTreeSet<_> = others.chain([id.clone()]).collect();
        assert_eq!(all.len(), 1_001);
    }

    #[test]
    fn a_number_stays_a_number() {
        assert_eq!(set_field(r#"{"id":1,"b":2}"#, "id", "7").unwrap(), r#"{"id":7,"b":2}"#);
        assert_eq!(set_field(r#"{"id":"1"}"#, "id", "7").unwrap(), r#"{"id":"7"}"#);
    }
}
