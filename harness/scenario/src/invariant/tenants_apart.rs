//! Tenants apart: another tenant of the same subject, who did nothing, is shown nothing.

use super::Finding;
use crate::observed::Context;
use crate::wording::brief;

pub(super) fn check(context: &Context<'_>) -> Finding {
    let shown = match &context.observed.seen_by_witness {
        Err(reason) => return Finding::NotChecked(reason),
        Ok(shown) => shown,
    };
    let Some((name, records)) = shown.iter().next() else { return Finding::Held };
    Finding::Broken {
        message: format!("another tenant's {} shows what is not its own", name.word()),
        expected: "nothing: that tenant did nothing".to_owned(),
        actual: format!("{} records, as {}", records.len(), records.first().map(brief).unwrap_or_default()),
        exchanges: Vec::new(),
    }
}
