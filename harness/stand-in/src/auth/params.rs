//! The parameters of a request to the authorization server: from its body or its query.
//!
//! RFC 6749 asks for a form. Several providers take JSON as well, so both are read; a query never stands in for
//! a body, because secrets do not belong there (section 2.3.1).

use counterpart_exchange::{Body, Request, RequestTarget};

/// Names and values, decoded.
#[derive(Debug, Default)]
pub(super) struct Params(Vec<(String, String)>);

impl Params {
    pub(super) fn of_query(request: &Request) -> Self {
        Self(RequestTarget::of(&request.target).query_fields())
    }

    pub(super) fn of_body(request: &Request) -> Self {
        Self(match &request.body {
            Body::Form(fields) => fields.clone(),
            // A form whose encoding is not the usual one was kept as text.
            Body::Text(text) if is_form(request) => {
                RequestTarget { path: "", query: Some(text) }.query_fields()
            }
            Body::Json(json) => match json.to_value() {
                serde_json::Value::Object(fields) => fields
                    .into_iter()
                    .filter_map(|(name, value)| Some((name, value.as_str()?.to_owned())))
                    .collect(),
                _ => Vec::new(),
            },
            _ => Vec::new(),
        })
    }

    /// A parameter. One without a value counts as left out (RFC 6749 section 3.1).
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// Whether one is there twice, which none may be (RFC 6749 section 3.1).
    pub(super) fn has_repetition(&self) -> bool {
        let mut names: Vec<&str> = self.0.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        names.windows(2).any(|two| two[0] == two[1])
    }
}

fn is_form(request: &Request) -> bool {
    let media_type = request.headers.text("content-type").unwrap_or_default();
    media_type
        .split(';')
        .next()
        .is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use counterpart_exchange::Headers;

    fn sent(media_type: &str, body: &str) -> Request {
        let mut headers = Headers::default();
        headers.set("content-type", media_type);
        let body = Body::from_bytes(body.as_bytes(), Some(media_type));
        Request { method: "POST".into(), target: "/token?code=q".into(), headers, body }
    }

    #[test]
    fn parameters_come_from_forms_and_from_json() {
        let form = "application/x-www-form-urlencoded; charset=UTF-8";
        for (media_type, body) in [
            (form, "code=a+b%2F&empty="),
            (form, "code=a%20b%2f&empty"),
            ("application/json", r#"{"code":"a b/","empty":""}"#),
        ] {
            let params = Params::of_body(&sent(media_type, body));
            assert_eq!((params.get("code"), params.get("empty")), (Some("a b/"), None), "{body}");
            assert!(!params.has_repetition());
        }
        assert!(Params::of_body(&sent(form, "code=a&x=1&code=a")).has_repetition());
        assert_eq!(Params::of_body(&sent("text/plain", "code=a")).get("code"), None);
        assert_eq!(Params::of_query(&sent(form, "code=a")).get("code"), Some("q"));
    }
}
