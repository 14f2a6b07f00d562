//! One HTML page that a product manager understands at a glance and a developer can work from.
//!
//! `html/page.rs` lays out what is said, `html/scenario.rs` does so for one scenario, `html/report.html`
//! and `html/report.css` give it a form. The page loads nothing, runs no script and says so to the browser
//! (a Content-Security-Policy), so that it can be opened from a CI artefact or an e-mail. Every text is
//! made visible, bounded and escaped in one place: the formatter that all of the template's output passes.

mod page;
mod scenario;

use crate::ReportError;
use crate::text::{abridged, visible};
use counterpart_outcome::Run;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value};
use minijinja::{Environment, UndefinedBehavior, escape_formatter};

const TEMPLATE: &str = include_str!("html/report.html");
const STYLE_SHEET: &str = include_str!("html/report.css");
/// How much of any one text the page holds, in characters.
const TEXT_CHARS: usize = 20_000;

/// The run as one HTML page.
///
/// # Errors
/// [`ReportError::Html`] where template and data are at odds.
pub fn render(run: &Run) -> Result<String, ReportError> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    environment.set_formatter(|output, state, value| match value.as_str() {
        Some(text) if !value.is_safe() => {
            let shown = visible(text);
            escape_formatter(output, state, &Value::from(abridged(&shown, TEXT_CHARS)))
        }
        _ => escape_formatter(output, state, value),
    });
    // The name's ending turns on the escaping.
    environment.add_template("report.html", TEMPLATE)?;
    let page = page::Page::of(run);
    Ok(environment.get_template("report.html")?.render(minijinja::context! {
        page => Value::from(Serde(page)),
        style_sheet => Value::from_safe_string(STYLE_SHEET.to_owned()),
    })?)
}

#[cfg(test)]
mod tests;
