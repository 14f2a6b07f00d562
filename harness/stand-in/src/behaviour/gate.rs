//! What faults need of the clock: how fast requests come, and until when the provider takes none.

use super::quota::Rolling;
use super::told::{Nanos, SECOND, later};
use crate::forms::ErrorForms;
use counterpart_exchange::{FieldName, FieldValue, OperationName, Response, RetryAfterForm};
use indexmap::IndexMap;
use jiff::Timestamp;

/// How exactly arrivals are told apart: so no more than ten thousand marks lie within a second.
const GRAIN: Nanos = SECOND / 10_000;
/// Operations that are closed at once at most; the one that opens next goes first.
const MAX_CLOSED: usize = 1_000;

/// The way in.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    arrivals: Rolling,
    closed: IndexMap<OperationName, Closed>,
}

#[derive(Debug)]
struct Closed {
    until: Nanos,
    said: Said,
}

/// What a client is told who came too often, be it true or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    /// How long to wait; none where the answer does not say.
    pub(crate) wait_s: Option<u64>,
    pub(crate) told_as: RetryAfterForm,
    pub(crate) vendor_headers: IndexMap<FieldName, FieldValue>,
}

impl Said {
    /// 429 in the provider's own form.
    pub(crate) fn answer(&self, forms: &ErrorForms, now: Timestamp) -> Response {
        let form = forms.form("rate_limited", 429, "too many requests");
        let mut answer = forms.with_wait(form, self.wait_s, self.told_as, now);
        for (name, value) in &self.vendor_headers {
            answer.headers.set(name.as_str(), value.as_str());
        }
        answer
    }
}

impl Gate {
    /// Counts a request.
    pub(crate) fn arrive(&mut self, now: Timestamp) {
        let now = now.as_nanosecond();
        self.arrivals.settle(now, SECOND);
        self.arrivals.mark(now, 1, GRAIN);
    }

    /// Requests within the second that ends now, this one included.
    pub(crate) fn rate_per_s(&self) -> u32 {
        self.arrivals.used()
    }

    /// Takes no request to an operation for so long, and says something to it.
    pub(crate) fn close(&mut self, operation: &OperationName, for_s: u64, said: Said, now: Timestamp) {
        self.closed.retain(|_, closed| closed.until > now.as_nanosecond());
        if self.closed.len() >= MAX_CLOSED
            && let Some(next) = (0..self.closed.len()).min_by_key(|index| self.closed[*index].until)
        {
            self.closed.swap_remove_index(next);
        }
        self.closed.insert(operation.clone(), Closed { until: later(now, for_s), said });
    }

    /// What a request is told that comes while its operation is closed.
    pub(crate) fn refuses(&self, operation: &OperationName, now: Timestamp) -> Option<&Said> {
        let closed = self.closed.get(operation)?;
        (now.as_nanosecond() < closed.until).then_some(&closed.said)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_ms(ms: i64) -> Timestamp {
        Timestamp::from_millisecond(ms).unwrap()
    }

    #[test]
    fn the_rate_is_that_of_the_last_second() {
        let mut gate = Gate::default();
        let rates: Vec<u32> = [0, 0, 500, 999, 1_000, 1_499, 1_500, 9_000]
            .into_iter()
            .map(|ms| {
                gate.arrive(at_ms(ms));
                gate.rate_per_s()
            })
            .collect();
        assert_eq!(rates, [1, 2, 3, 4, 3, 4, 4, 1]);
    }

    #[test]
    fn a_closed_operation_opens_when_its_time_has_come_and_no_other_is_closed() {
        let mut gate = Gate::default();
        let said =
            Said { wait_s: Some(1), told_as: RetryAfterForm::Seconds, vendor_headers: IndexMap::new() };
        let operation = |name: &str| OperationName(name.to_owned());
        gate.close(&operation("a"), 3, said.clone(), at_ms(10));
        assert_eq!(gate.refuses(&operation("a"), at_ms(3_009)), Some(&said));
        assert_eq!(gate.refuses(&operation("a"), at_ms(3_010)), None);
        assert_eq!(gate.refuses(&operation("b"), at_ms(11)), None);
        for number in 0..MAX_CLOSED + 1 {
            gate.close(&operation(&format!("n{number}")), 100 + number as u64, said.clone(), at_ms(11));
        }
        assert_eq!(gate.closed.len(), MAX_CLOSED);
        assert_eq!(gate.refuses(&operation("n0"), at_ms(12)), None, "it would have opened first");
    }
}
