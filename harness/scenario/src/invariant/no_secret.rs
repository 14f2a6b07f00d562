//! No secret: no credential turns up in what people read.

use super::Finding;
use crate::observed::Context;
use counterpart_subject::ProbeName;

/// What people read. A destination may rightly hold what the provider sent.
const READ_BY_PEOPLE: [ProbeName; 5] =
    [ProbeName::Log, ProbeName::Audit, ProbeName::Alerts, ProbeName::Holds, ProbeName::Runs];

pub(super) fn check(context: &Context<'_>) -> Finding {
    let mut looked = false;
    for name in READ_BY_PEOPLE {
        let Some((_, records)) = context.probe(name) else { continue };
        looked = true;
        for record in records {
            let text = record.to_string();
            if context.observed.secrets.iter().any(|secret| text.contains(secret.as_str())) {
                return Finding::Broken {
                    message: format!("a credential is readable in the subject's {}", name.word()),
                    expected: "no credential".to_owned(),
                    actual: format!("one, in a record with the fields {}", fields(record)),
                    exchanges: Vec::new(),
                };
            }
        }
    }
    if looked { Finding::Held } else { Finding::NotChecked("the subject has no probe that people read") }
}

fn fields(record: &serde_json::Value) -> String {
    record
        .as_object()
        .map_or_else(String::new, |object| object.keys().cloned().collect::<Vec<_>>().join(", "))
}
