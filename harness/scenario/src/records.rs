//! Pages with fewer records than were recorded: what a scenario leaves out of its fixtures.

use counterpart_exchange::{Exchange, Fixture, ProviderProfile, suggest};
use counterpart_stand_in::keep_records;

/// Leaves the records out that are not at `keep` on the page of the exchange `name`.
///
/// # Errors
/// A sentence that says what is wrong with the name or the places.
pub(crate) fn keep_only(
    fixtures: &mut [Fixture],
    profile: &ProviderProfile,
    name: &str,
    keep: &[usize],
) -> Result<(), String> {
    keep_records(exchange_named(fixtures, name)?, profile, keep)
}

/// The exchange of this name: its id, or `provider/flow#id` where several have it.
fn exchange_named<'f>(fixtures: &'f mut [Fixture], name: &str) -> Result<&'f mut Exchange, String> {
    let is_it = |fixture: &str, exchange: &Exchange| {
        exchange.id.to_string() == name || format!("{fixture}#{}", exchange.id) == name
    };
    let mut named = 0;
    let mut ids = Vec::new();
    for fixture in &*fixtures {
        let of = fixture.name();
        named += fixture.exchanges.iter().filter(|exchange| is_it(&of, exchange)).count();
        ids.extend(fixture.exchanges.iter().map(|exchange| exchange.id.to_string()));
    }
    if named > 1 {
        return Err(format!(
            "`{name}` is the name of {named} exchanges; write the fixture before it: provider/flow#{name}"
        ));
    }
    let found = fixtures.iter_mut().find_map(|fixture| {
        let of = fixture.name();
        fixture.exchanges.iter_mut().find(|exchange| is_it(&of, exchange))
    });
    found.ok_or_else(|| {
        let near = suggest(name, ids.iter().map(String::as_str));
        let hint = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        format!("no exchange of the fixtures is called `{name}`{hint}")
    })
}
