//! The witness: another tenant of the same subject at the same provider, who does nothing and must see nothing.
//!
//! It is set up as the tenant of the play is, with credentials of its own, and its probes are read at the end. Whatever
//! they show came from somebody else.

use crate::unjudged::{Unjudged, unjudged};
use counterpart_subject::{HttpCall, ProbeName, Subject, SubjectSpec, Variables};
use serde_json::Value;
use std::collections::BTreeMap;

/// Another tenant, or why there is none.
pub(crate) enum Witness {
    Connected(Variables),
    None(&'static str),
}

/// What a witness was shown, by probe, or why there is none.
pub(crate) type SeenByWitness = Result<BTreeMap<ProbeName, Vec<Value>>, &'static str>;

impl Witness {
    /// Sets another tenant up beside the one of a play.
    pub(crate) async fn beside(subject: &Subject) -> Result<Self, Unjudged> {
        if let Some(reason) = why_not(subject.spec()) {
            return Ok(Self::None(reason));
        }
        let mut own = subject.variables().clone();
        let tenant = own.get("tenant").unwrap_or_default().to_owned();
        own.set("tenant", &format!("{tenant}-witness"));
        own.set("access_token", &format!("witness-access-token-of-{tenant}"));
        if own.get("refresh_token").is_some() {
            own.set("refresh_token", &format!("witness-refresh-token-of-{tenant}"));
        }
        if own.get("webhook_account").is_some() {
            own.set("webhook_account", "T0WITNESS");
        }
        let connected = subject.set_up_beside(&own).await;
        connected.map_err(|error| {
            Unjudged(format!("a second tenant could not be set up beside the first: {error}"))
        })?;
        Ok(Self::Connected(own))
    }

    /// What it is shown.
    pub(crate) async fn sees(&self, subject: &Subject) -> Result<SeenByWitness, Unjudged> {
        let own = match self {
            Self::Connected(own) => own,
            Self::None(reason) => return Ok(Err(reason)),
        };
        let mut seen = BTreeMap::new();
        for name in looked_at(subject.spec()) {
            let shown = subject.probe_of(name, own).await.map_err(unjudged)?.unwrap_or_default();
            if !shown.is_empty() {
                seen.insert(name, shown);
            }
        }
        Ok(Ok(seen))
    }
}

/// What must be empty: whatever shows work, for it does none.
fn looked_at(spec: &SubjectSpec) -> Vec<ProbeName> {
    spec.probe.keys().copied().filter(|name| name.is_of_work()).collect()
}

/// Why a second tenant could not be told from the first.
fn why_not(spec: &SubjectSpec) -> Option<&'static str> {
    let looked_at = looked_at(spec);
    if looked_at.is_empty() {
        return Some("the subject has no probe that a second tenant could look at");
    }
    let names_tenant = |call: &HttpCall| {
        let is_named = |text: &str| text.contains("{tenant}");
        is_named(&call.call) || call.json.as_ref().is_some_and(|json| is_named(&json.to_string()))
    };
    if !spec.setup.values().any(names_tenant) {
        return Some("the subject's setup does not name {tenant}, so there is no second tenant");
    }
    let probe_names_tenant = |name: &ProbeName| {
        serde_json::to_string(&spec.probe[name]).is_ok_and(|text| text.contains("{tenant}"))
    };
    if !looked_at.iter().all(probe_names_tenant) {
        return Some("a probe of the subject does not name {tenant}, so that it is everybody's");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn spec(setup: &str, probe: &str) -> SubjectSpec {
        serde_json::from_value(json!({
            "launch": { "url": "http://127.0.0.1:1" },
            "setup": { "connect": { "call": setup } },
            "probe": {
                "destination": { "get": probe, "key": "id" },
                "log": { "get": "/log" },
                "permissions": { "get": "/permissions" },
            },
        }))
        .unwrap()
    }

    #[test]
    fn a_second_tenant_looks_at_work_alone_and_only_where_it_can_be_told_apart() {
        let told_apart = spec("PUT /connections/{tenant}", "/rows?tenant={tenant}");
        assert_eq!(looked_at(&told_apart), [ProbeName::Destination]);
        assert_eq!(why_not(&told_apart), None);
        assert!(why_not(&spec("PUT /connection", "/rows?tenant={tenant}")).is_some());
        assert!(why_not(&spec("PUT /connections/{tenant}", "/rows")).is_some());
    }
}
