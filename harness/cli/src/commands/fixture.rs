//! `counterpart fixture diff`: two recordings compared by what they mean.

use crate::arguments::{Fixture as Arguments, FixtureCommand, Format, Global};
use crate::exit::{Exit, Stop};
use crate::fixture_argument;
use crate::output;
use crate::project::Project;
use anstyle::{AnsiColor, Style};
use counterpart_exchange::comparison::{
    Difference, ExchangeComparison, FixtureComparison, Named, Weight, compare,
};
use std::fmt::Write;

/// Values that differ in one exchange and are told; more are counted.
const MAX_VALUES: usize = 5;
/// Characters of a value that are told.
const MAX_CHARS: usize = 80;

pub(crate) fn fixture(global: &Global, arguments: &Arguments) -> Result<Exit, Stop> {
    let FixtureCommand::Diff { older, newer } = &arguments.command;
    let library = Project::find(global)?.library();
    let older = fixture_argument::read(&library, older)?;
    let newer = fixture_argument::read(&library, newer)?;
    let comparison = compare(&older.fixture, &newer.fixture, &newer.profile);
    if global.format == Format::Json {
        output::json(&comparison).map_err(Stop::environment)?;
    } else if !(global.quiet && comparison.is_same()) {
        output::result(&told(&comparison, global.verbose > 0));
    }
    Ok(if comparison.is_same() { Exit::Passed } else { Exit::Failed })
}

/// The comparison for people; with everything that differs where they ask for all of it.
fn told(comparison: &FixtureComparison, all: bool) -> String {
    let mut page = Page { out: String::new(), all, values: 0, incidental: 0 };
    page.differences(&comparison.provenance);
    let (mut changed, mut new, mut gone) = (0, 0, 0);
    for exchange in &comparison.exchanges {
        match exchange {
            ExchangeComparison::New(named) => {
                new += 1;
                page.named('+', AnsiColor::Green, named);
            }
            ExchangeComparison::Gone(named) => {
                gone += 1;
                page.named('-', AnsiColor::Red, named);
            }
            ExchangeComparison::Changed { older, newer, differences } => {
                let tells =
                    all || older != newer || differences.iter().any(|one| one.weight > Weight::Incidental);
                if tells {
                    changed += 1;
                    let was = if older == newer { String::new() } else { format!(" (was {older})") };
                    page.line('~', AnsiColor::Yellow, &format!("{newer}{was}"));
                }
                page.differences(differences);
            }
        }
    }
    let same = comparison.same + comparison.exchanges.len() - changed - new - gone;
    let _ = writeln!(page.out, "{same} the same, {changed} changed, {new} new, {gone} gone");
    let mut hidden = Vec::new();
    if page.values > 0 {
        hidden.push(output::counted(page.values, "further value", "further values"));
    }
    if page.incidental > 0 {
        let all = output::counted(page.incidental, "difference", "differences");
        hidden.push(format!("{all} of dates, lengths and the like"));
    }
    if !hidden.is_empty() {
        let _ = writeln!(page.out, "not shown: {}; -v shows them", hidden.join(", "));
    }
    page.out
}

struct Page {
    out: String,
    all: bool,
    /// Not shown: values beyond the first of an exchange.
    values: usize,
    /// Not shown: what differs between any two recordings.
    incidental: usize,
}

impl Page {
    fn line(&mut self, mark: char, colour: AnsiColor, text: &str) {
        let style = Style::new().fg_color(Some(colour.into()));
        let _ = writeln!(self.out, "{style}{mark} {text}{style:#}");
    }

    fn named(&mut self, mark: char, colour: AnsiColor, named: &Named) {
        let status = named.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
        let text = format!("{}: {} {} -> {status}", named.id, named.method, shortened(&named.target));
        self.line(mark, colour, &text);
    }

    fn differences(&mut self, differences: &[Difference]) {
        let mut values = 0;
        for one in differences {
            values += usize::from(one.weight == Weight::Value);
            match one.weight {
                Weight::Incidental if !self.all => self.incidental += 1,
                Weight::Value if !self.all && values > MAX_VALUES => self.values += 1,
                Weight::Incidental | Weight::Value | Weight::Form => self.difference(one),
            }
        }
    }

    fn difference(&mut self, one: &Difference) {
        let place = &one.place;
        let text = match (&one.older, &one.newer) {
            (None, Some(newer)) => format!("{place}  new: {}", shortened(newer)),
            (Some(older), None) => format!("{place}  gone: {}", shortened(older)),
            (older, newer) => {
                let side = |side: &Option<String>| shortened(side.as_deref().unwrap_or_default());
                format!("{place}  {} -> {}", side(older), side(newer))
            }
        };
        let bold = if one.weight == Weight::Form { Style::new().bold() } else { Style::new() };
        let _ = writeln!(self.out, "    {bold}{text}{bold:#}");
    }
}

fn shortened(text: &str) -> String {
    let shown: String = text.chars().take(MAX_CHARS).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().count() > MAX_CHARS { format!("{shown}...") } else { shown }
}
