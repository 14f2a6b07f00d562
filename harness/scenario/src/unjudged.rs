//! What could not be judged: the `Err` of this crate's running half, for a verdict is data.

/// An attempt that could not be made: why.
pub(crate) struct Unjudged(pub(crate) String);

/// Something outside that failed, as the reason.
pub(crate) fn unjudged(error: impl std::fmt::Display) -> Unjudged {
    Unjudged(error.to_string())
}
