//! What a fault leaves of the truth: what the provider has to tell, once the fault is over.
//!
//! This decides what may be asked of a subject. After a broken connection the provider has the same records as before,
//! and each must arrive, or be held and told of. A record whose field is missing is another record. One that was deleted
//! is none at all: whoever asked for it then would blame a subject that is right.

use counterpart_stand_in::{Fault, PlannedFault};

/// What is left, the most first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Truth {
    /// All of it.
    Kept,
    /// All records, some of them changed.
    Altered,
    /// Some records are changed so that validity itself is a matter of taste.
    Disputed,
    /// Some records are not there, or others are.
    Withheld,
}

/// What is left after all these faults. `is_key` tells whether a field's value is what a record is known by.
pub(super) fn after(faults: &[PlannedFault], is_key: impl Fn(&PlannedFault) -> bool) -> Truth {
    let of_one = |fault: &PlannedFault| match after_one(&fault.inject) {
        Truth::Altered | Truth::Disputed if is_key(fault) => Truth::Withheld,
        truth => truth,
    };
    faults.iter().map(of_one).max().unwrap_or(Truth::Kept)
}

/// Whether one of these faults makes something of which nobody can say whether it is valid.
pub(super) fn is_disputed(faults: &[PlannedFault]) -> bool {
    faults.iter().any(|fault| after_one(&fault.inject) == Truth::Disputed)
}

/// Each fault by name, so that nobody adds one without deciding.
#[expect(clippy::too_many_lines, reason = "one line for each fault, and nothing to decide beside")]
fn after_one(fault: &Fault) -> Truth {
    match fault {
        Fault::AnswerLost(_)
        | Fault::Bandwidth(_)
        | Fault::ByteOrderMark(_)
        | Fault::CertificateExpired(_)
        | Fault::CertificateUntrusted(_)
        | Fault::CertificateWrongName(_)
        | Fault::ClockSkew(_)
        | Fault::Conflict(_)
        | Fault::CursorLoop(_)
        | Fault::DuplicateRecords(_)
        | Fault::EmptyBody(_)
        | Fault::ErrorWith200(_)
        | Fault::ExpiredCursor(_)
        | Fault::ExpiredToken(_)
        | Fault::ExpiresInMissing(_)
        | Fault::ExpiresInText(_)
        | Fault::ExtraField(_)
        | Fault::Forbidden(_)
        | Fault::ForbiddenForExpiry(_)
        | Fault::Garbage(_)
        | Fault::Gone(_)
        | Fault::HalfClosed(_)
        | Fault::HugeBody(_)
        | Fault::JsonRpcError(_)
        | Fault::Latency(_)
        | Fault::MaintenancePage(_)
        | Fault::MalformedJson(_)
        | Fault::MissingScope(_)
        | Fault::NotFound(_)
        | Fault::OutOfOrder(_)
        | Fault::Overloaded(_)
        | Fault::RateLimited(_)
        | Fault::RedirectLoop(_)
        | Fault::RefreshRefused(_)
        | Fault::RefreshTokenMissing(_)
        | Fault::Refused(_)
        | Fault::Reset(_)
        | Fault::RevokedToken(_)
        | Fault::ServerError(_)
        | Fault::SlowDrip(_)
        | Fault::SoapFault(_)
        | Fault::StaleRead(_)
        | Fault::Timeout(_)
        | Fault::TokenErrorWith200(_)
        | Fault::TokenFormEncoded(_)
        | Fault::TooEarly(_)
        | Fault::Truncated(_)
        | Fault::Unprocessable(_)
        | Fault::WrongContentType(_)
        | Fault::WebhookConcurrentDuplicates(_)
        | Fault::WebhookDelayed(_)
        | Fault::WebhookDuplicate(_)
        | Fault::WebhookOutOfOrder(_)
        | Fault::WebhookReplayed(_) => Truth::Kept,
        Fault::ArchivedRecord(_)
        | Fault::GraphqlErrors(_)
        | Fault::MissingField(_)
        | Fault::NullField(_)
        | Fault::UnknownEnumValue(_)
        | Fault::WebhookOlderVersion(_)
        | Fault::WrongType(_) => Truth::Altered,
        // 0, an empty text or the year 1 may be what the provider has.
        Fault::EdgeValue(_) | Fault::EmptyField(_) => Truth::Disputed,
        Fault::DeletedRecord(_)
        | Fault::ShiftingPages(_)
        | Fault::WebhookBadSignature(_)
        | Fault::WebhookBatch(_)
        | Fault::WebhookBurst(_)
        | Fault::WebhookLost(_)
        | Fault::WebhookOversize(_)
        | Fault::WebhookStaleTimestamp(_)
        | Fault::WebhookUnknownType(_)
        | Fault::WebhookWrongTenant(_) => Truth::Withheld,
    }
}
