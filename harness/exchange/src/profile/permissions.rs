//! Where a provider tells what a credential may do, and which permissions no integration needs.

use super::FieldName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What a credential may do, as answers tell it: GitHub's `X-OAuth-Scopes` and `X-Accepted-OAuth-Scopes`
/// (<https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps>), Slack's likewise.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Permissions {
    /// The header field of an answer that lists what the credential may do, separated by commas or spaces.
    #[serde(default)]
    pub held_in: Option<FieldName>,
    /// The header field of an answer that lists what allows the operation; any one of them is enough.
    #[serde(default)]
    pub accepted_in: Option<FieldName>,
    /// Permissions that an integration holds only where an operation takes nothing less.
    #[serde(default)]
    pub admin: BTreeSet<String>,
}

impl Permissions {
    /// The permissions that a header's values list.
    pub fn listed<'a>(values: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
        let words = values.into_iter().flat_map(|value| value.split([',', ' ', '\t']));
        words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permissions_are_separated_by_commas_or_spaces() {
        let listed = |values: &[&str]| Permissions::listed(values.iter().copied());
        assert_eq!(listed(&["repo, user"]), listed(&["user repo", ""]));
        assert_eq!(listed(&[" ", ","]), BTreeSet::new());
    }
}
