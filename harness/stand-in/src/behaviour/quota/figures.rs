//! The vendor's header fields, with the figures of a limit filled in.

use super::SetHeaders;
use super::meter::Reading;
use crate::behaviour::told::{Nanos, SECOND, http_date, rounded_up, whole_second};
use counterpart_exchange::{HeaderTemplate, Limit, LimitFigure, TemplatePart};

const MILLISECOND: Nanos = SECOND / 1_000;

/// The header fields of a limit, as its profile has them.
pub(super) fn vendor_headers(limit: &Limit, reading: &Reading, now: Nanos) -> SetHeaders {
    limit
        .headers
        .iter()
        .map(|(name, template)| (name.as_str().to_owned(), filled(template, reading, now)))
        .collect()
}

fn filled(template: &HeaderTemplate, reading: &Reading, now: Nanos) -> String {
    template
        .parts()
        .iter()
        .map(|part| match part {
            TemplatePart::Text(text) => text.clone(),
            TemplatePart::Figure(figure) => told(*figure, reading, now),
        })
        .collect()
}

fn told(figure: LimitFigure, reading: &Reading, now: Nanos) -> String {
    let reset = reading.reset_ns;
    match figure {
        LimitFigure::Limit => reading.limit.to_string(),
        LimitFigure::Used => reading.used.to_string(),
        LimitFigure::Remaining => reading.remaining().to_string(),
        LimitFigure::WindowS => rounded_up(reading.window_ns, SECOND).to_string(),
        LimitFigure::WindowMs => rounded_up(reading.window_ns, MILLISECOND).to_string(),
        LimitFigure::ResetEpochS => rounded_up(reset, SECOND).to_string(),
        LimitFigure::ResetEpochMs => rounded_up(reset, MILLISECOND).to_string(),
        LimitFigure::ResetInS => rounded_up(reset - now, SECOND).to_string(),
        LimitFigure::ResetHttpDate => http_date(reset),
        LimitFigure::ResetIso8601 => whole_second(reset).to_string(),
    }
}
