//! Audited: every request that reached the provider is in the audit trail.

use super::Finding;
use crate::observed::Context;
use counterpart_subject::ProbeName;

pub(super) fn check(context: &Context<'_>) -> Finding {
    let Some((_, entries)) = context.probe(ProbeName::Audit) else {
        return Finding::NotChecked("the subject has no probe `audit`");
    };
    let requests = context.observed.seen.len();
    if entries.len() == requests {
        return Finding::Held;
    }
    Finding::Broken {
        message: "the audit trail does not have one entry for each request".to_owned(),
        expected: format!("{requests} entries"),
        actual: entries.len().to_string(),
        exchanges: Vec::new(),
    }
}
