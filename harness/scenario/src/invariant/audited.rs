//! Audited: every request that reached the provider, and every webhook that the subject answered, is in the audit
//! trail, and each entry tells when.

use super::Finding;
use crate::observed::Context;
use crate::wording::brief;
use counterpart_stand_in::{Fault, FaultSite, PlannedFault};
use counterpart_subject::ProbeName;
use jiff::Timestamp;
use serde_json::Value;

pub(super) fn check(context: &Context<'_>) -> Finding {
    let Some((_, entries)) = context.probe(ProbeName::Audit) else {
        return Finding::NotChecked("the subject has no probe `audit`");
    };
    if let Some(entry) = entries.iter().find(|entry| !tells_when(entry)) {
        return Finding::Broken {
            message: "an entry of the audit trail does not tell when".to_owned(),
            expected:
                "a field with a time: RFC 3339, or a number under a name like `at`, `time` or `timestamp`"
                    .to_owned(),
            actual: brief(entry),
            exchanges: Vec::new(),
        };
    }
    let answered = context.observed.delivered.iter().filter(|one| one.end.status().is_some()).count();
    let requests = context.observed.seen.len() + answered;
    // A call that found nobody listening is in the trail and never reached the provider.
    let may_be_more = context.plan.faults.iter().any(keeps_requests_away);
    // One that was under way when the subject was ended may have left no trace.
    let least = requests.saturating_sub(context.observed.interrupted);
    if (least..=requests).contains(&entries.len()) || may_be_more && entries.len() > requests {
        return Finding::Held;
    }
    Finding::Broken {
        message: "the audit trail does not have one entry for each request and webhook".to_owned(),
        expected: match least == requests {
            true => format!("{requests} entries"),
            false => format!("{least} to {requests} entries"),
        },
        actual: entries.len().to_string(),
        exchanges: Vec::new(),
    }
}

fn tells_when(entry: &Value) -> bool {
    let is_time = |(name, value): (&String, &Value)| match value {
        Value::String(text) => text.parse::<Timestamp>().is_ok(),
        Value::Number(number) => is_named_for_time(name) && number.as_f64().is_some_and(|at| at > 0.0),
        _ => false,
    };
    entry.as_object().is_some_and(|fields| fields.iter().any(is_time))
}

fn is_named_for_time(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    // The unit may follow: `sent_at_ms`.
    let name = ["_ns", "_us", "_ms", "_s"].iter().find_map(|unit| name.strip_suffix(unit)).unwrap_or(&name);
    ["at", "ts", "date", "when"].contains(&name)
        || ["time", "timestamp", "_at", "_on", "_ts"].iter().any(|end| name.ends_with(end))
}

fn keeps_requests_away(fault: &PlannedFault) -> bool {
    matches!(fault.at, FaultSite::Connection(_)) || matches!(fault.inject, Fault::Refused(_))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_time_is_told_in_words_or_as_a_number_that_is_named_for_it() {
        for entry in [
            json!({"at": "2026-01-01T00:00:00Z"}),
            json!({"created_at": 1_767_225_600}),
            json!({"ts": 1.5}),
            json!({"sent_at_ms": 1}),
        ] {
            assert!(tells_when(&entry), "{entry}");
        }
        for entry in [
            json!({"attempt": 1, "latency_ms": 200, "timeout_s": 10}),
            json!({"at": "soon"}),
            json!({"at": null, "id": 1_767_225_600}),
            json!("2026-01-01T00:00:00Z"),
        ] {
            assert!(!tells_when(&entry), "{entry}");
        }
    }
}
