//! Quota: how often the provider lets itself be called, on the stand-in's clock.
//!
//! All limits that govern a request are asked; only if each lets it through does it use anything. Where several
//! refuse, the one with the longest wait speaks. Recorded refusals are evidence of their form, never of the order.

mod figures;
mod meter;
#[cfg(test)]
mod model_tests;
#[cfg(test)]
mod vendor_tests;

pub(crate) use meter::Rolling;

use super::keyed::{Key, Keyed};
use super::told::{Nanos, SECOND, rounded_up};
use crate::forms::{self, ErrorForms};
use counterpart_exchange::{
    Exchange, Limit, LimitRefusal, OperationName, Per, ProviderProfile, Response, RetryAfterForm,
};
use figures::vendor_headers;
use jiff::Timestamp;
use meter::{Gauge, Meter, Reading, Wait};

/// The limits of one stand-in.
#[derive(Debug)]
pub(crate) struct Quota(Vec<Counted>);

#[derive(Debug)]
struct Counted {
    limit: Limit,
    gauge: Gauge,
    meters: Keyed<Meter>,
    /// Whether somebody has used all of it.
    is_reached: bool,
}

/// Places that a request holds as long as it is under way.
#[derive(Debug, Default, PartialEq, Eq)]
#[must_use = "what is not given back stays taken for ever"]
pub(crate) struct Slots(Vec<(usize, Key, u32)>);

impl Slots {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Header fields to be set on an answer.
pub(crate) type SetHeaders = Vec<(String, String)>;

/// What the limits say to a request.
#[derive(Debug)]
pub(crate) enum Admission {
    /// It may go on; its answer carries these header fields, however it comes about.
    Admitted { headers: SetHeaders, slots: Slots },
    /// It used nothing.
    Refused(Box<Refused>),
}

/// A refusal by a limit.
#[derive(Debug)]
pub(crate) struct Refused {
    how: LimitRefusal,
    /// How long to wait, rounded up; none where nobody knows.
    pub(crate) wait_s: Option<u64>,
    pub(crate) headers: SetHeaders,
}

/// One limit that governs a request.
struct Governing {
    index: usize,
    key: Key,
    cost: u32,
    wait: Wait,
}

impl Quota {
    pub(crate) fn new(profile: &ProviderProfile) -> Self {
        let counted = |limit: &Limit| Counted {
            limit: limit.clone(),
            gauge: Gauge::of(limit.kind),
            meters: Keyed::default(),
            is_reached: false,
        };
        Self(profile.quota.iter().map(counted).collect())
    }

    /// Asks all limits. The credential is whatever tells clients apart; it is not kept.
    pub(crate) fn admit(
        &mut self,
        operation: &OperationName,
        credential: Option<&str>,
        now: Timestamp,
    ) -> Admission {
        let now = now.as_nanosecond();
        let governing = self.ask(operation, credential, now);
        let refusing = governing.iter().filter(|one| one.wait > Wait::No).max_by_key(|one| {
            // Of waits that are as long, the first in the profile speaks.
            (one.wait, std::cmp::Reverse(one.index))
        });
        for refusing in governing.iter().filter(|one| one.wait > Wait::No) {
            self.0[refusing.index].is_reached = true;
        }
        if let Some(refusing) = refusing {
            let wait_s = match refusing.wait {
                Wait::No | Wait::Unknown => None,
                Wait::For(wait) => u64::try_from(rounded_up(wait, SECOND)).ok(),
            };
            return Admission::Refused(Box::new(Refused {
                how: self.0[refusing.index].limit.refusal.clone(),
                wait_s,
                headers: self.headers(&governing, Some(refusing.index), now),
            }));
        }
        let mut slots = Slots::default();
        for Governing { index, key, cost, .. } in &governing {
            let counted = &mut self.0[*index];
            if let Some(meter) = counted.meters.get_mut(*key) {
                meter.take(counted.gauge, *cost, now);
                counted.is_reached |= meter.read(counted.gauge, now).remaining() == 0;
            }
            if matches!(counted.gauge, Gauge::Slots { .. }) && *cost > 0 {
                slots.0.push((*index, *key, *cost));
            }
        }
        Admission::Admitted { headers: self.headers(&governing, None, now), slots }
    }

    /// The places of the limits of which nobody ever used all.
    pub(crate) fn never_reached(&self) -> Vec<usize> {
        (0..self.0.len()).filter(|index| !self.0[*index].is_reached).collect()
    }

    /// A request is over: its places are free.
    pub(crate) fn finish(&mut self, slots: Slots) {
        for (index, key, count) in slots.0 {
            if let Some(meter) = self.0.get_mut(index).and_then(|counted| counted.meters.get_mut(key)) {
                meter.release(count);
            }
        }
    }

    fn ask(&mut self, operation: &OperationName, credential: Option<&str>, now: Nanos) -> Vec<Governing> {
        let mut governing = Vec::new();
        for (index, Counted { limit, gauge, meters, .. }) in self.0.iter_mut().enumerate() {
            if !limit.governs(operation) {
                continue;
            }
            let key = match limit.per {
                Per::Client => Key::ALL,
                Per::Token => Key::of(&[credential]),
                Per::Operation => Key::of(&[Some(&operation.0)]),
                Per::TokenAndOperation => Key::of(&[credential, Some(&operation.0)]),
            };
            // One that costs more than there ever is could never pass; a profile that says so is refused when read.
            let cost = limit.cost_of(operation).min(limit.kind.limit());
            let meter = meters.touch(key, Meter::may_go, || gauge.fresh(now));
            meter.settle(*gauge, now);
            governing.push(Governing { index, key, cost, wait: meter.wait(*gauge, cost, now) });
        }
        governing
    }

    /// The vendor's header fields. Where two limits have the same field, the one that refuses has it, else the one
    /// that has the least left.
    fn headers(&self, governing: &[Governing], refusing: Option<usize>, now: Nanos) -> SetHeaders {
        let mut readings: Vec<(&Governing, Reading)> = governing
            .iter()
            .filter(|one| !self.0[one.index].limit.headers.is_empty())
            .filter_map(|one| {
                let counted = &self.0[one.index];
                Some((one, counted.meters.get(one.key)?.read(counted.gauge, now)))
            })
            .collect();
        readings.sort_by_key(|(one, reading)| (Some(one.index) != refusing, reading.remaining()));
        let mut headers = SetHeaders::new();
        for (one, reading) in readings {
            for (name, value) in vendor_headers(&self.0[one.index].limit, &reading, now) {
                if !headers.iter().any(|(known, _)| *known == name) {
                    headers.push((name, value));
                }
            }
        }
        headers
    }
}

impl Refused {
    /// The refusal in the provider's recorded form, else in the profile's words, else plain.
    pub(crate) fn answer(&self, forms: &ErrorForms, now: Timestamp) -> Response {
        let status = self.how.status.get();
        let mut answer = forms.recorded(&self.how.form).cloned().unwrap_or_else(|| {
            self.how
                .json
                .as_ref()
                .map_or_else(|| forms::plain(status, "too many requests"), |json| forms::own(status, json))
        });
        answer.status = status;
        // A recorded wait is that of another day.
        let told = if self.wait_s.is_some() { self.how.retry_after } else { RetryAfterForm::Absent };
        forms.with_wait(answer, self.wait_s, told, now)
    }
}

/// Whether an exchange shows a refusal that the profile declares as quota.
pub(crate) fn is_evidence(profile: &ProviderProfile, operation: &OperationName, exchange: &Exchange) -> bool {
    let Some(response) = &exchange.response else { return false };
    profile.quota.iter().filter(|limit| limit.governs(operation)).any(|limit| {
        response.status == limit.refusal.status.get()
            && match profile.errors.get(&limit.refusal.form) {
                Some(form) => forms::fits(form, operation, response),
                // Only a 429 speaks for itself; a 403 may be a lack of permission.
                None => response.status == 429,
            }
    })
}
