//! What a request proves itself with, and where it carries it.

use crate::received::Received;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use counterpart_exchange::{Auth, KeyPlace, Request, RequestTarget};
use std::borrow::Cow;

/// A request, as far as it says who it is from.
pub(super) trait Carrier {
    fn header(&self, name: &str) -> Option<&str>;
    fn target(&self) -> &str;
}

impl Carrier for Received {
    fn header(&self, name: &str) -> Option<&str> {
        Self::header(self, name)
    }

    fn target(&self) -> &str {
        Self::target(self)
    }
}

impl Carrier for Request {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.text(name)
    }

    fn target(&self) -> &str {
        &self.target
    }
}

/// The token, the key, or the name and the password in base64, if it carries one where the profile says.
pub(super) fn credential<'a>(auth: &Auth, request: &'a impl Carrier) -> Option<Cow<'a, str>> {
    let place = match auth {
        Auth::None => return None,
        Auth::Bearer(_) | Auth::OAuth2(_) => return after_scheme(request, "bearer"),
        Auth::Basic(_) => return after_scheme(request, "basic"),
        Auth::ApiKey(key) => &key.place,
    };
    match place {
        KeyPlace::Header(name) => request.header(name).map(Cow::from),
        KeyPlace::Authorization(scheme) => after_scheme(request, scheme),
        KeyPlace::Query(name) => {
            let fields = RequestTarget::of(request.target()).query_fields();
            fields.into_iter().find(|(known, _)| known == name).map(|(_, value)| value.into())
        }
    }
}

/// What a profile's credentials are called.
pub(super) fn noun(auth: &Auth) -> &'static str {
    match auth {
        Auth::None | Auth::Bearer(_) | Auth::OAuth2(_) => "bearer token",
        Auth::ApiKey(_) => "API key",
        Auth::Basic(_) => "name and password",
    }
}

/// The name and the password of a `Basic` credential (RFC 7617 section 2).
pub(super) fn name_and_password(credential: &str) -> Option<(String, String)> {
    let plain = String::from_utf8(STANDARD.decode(credential).ok()?).ok()?;
    let (name, password) = plain.split_once(':')?;
    Some((name.to_owned(), password.to_owned()))
}

fn after_scheme<'a>(request: &'a impl Carrier, wanted: &str) -> Option<Cow<'a, str>> {
    let (scheme, credential) = request.header("authorization")?.split_once(' ')?;
    scheme.eq_ignore_ascii_case(wanted).then(|| credential.trim().into())
}
