//! The fields of a token answer, by the names that the profile gives them.

use crate::auth::{GrantBody, token_fields};
use counterpart_exchange::{ProviderProfile, Response, TokenFields};

/// Changes an answer that hands out tokens.
pub(super) fn change(
    mut response: Response,
    profile: &ProviderProfile,
    change: impl FnOnce(&mut GrantBody, &TokenFields) -> Result<(), String>,
) -> Result<Response, String> {
    let fields = token_fields(profile)
        .ok_or("the provider profile says nothing of `auth.oauth2` or `auth.bearer.refresh`")?;
    let mut body = GrantBody::of(&response.body)?;
    if body.get(&fields.access_token).is_none() {
        return Err(format!("the answer has no `{}`", fields.access_token));
    }
    change(&mut body, &fields)?;
    response.body = body.into_body();
    Ok(response)
}
