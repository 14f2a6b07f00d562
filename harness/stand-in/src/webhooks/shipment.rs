//! What becomes of one webhook: which messages go out for it, when, and how each is signed.
//!
//! A fault changes a shipment before anything of it is sent. Knows nothing of sockets.

use super::message::Message;
use counterpart_exchange::Webhooks;
use jiff::SignedDuration;
use std::ops::RangeInclusive;

/// The messages that go out for one webhook, in order.
#[derive(Debug)]
pub(crate) struct Shipment {
    pub(crate) parcels: Vec<Parcel>,
}

/// One message, and what is to be done with it.
#[derive(Clone, Debug)]
pub(crate) struct Parcel {
    pub(crate) message: Message,
    pub(crate) departs: Departs,
    pub(crate) sealing: Sealing,
    pub(crate) repeats: Repeats,
    /// How often it goes out, each time under an id of its own.
    pub(crate) count: u64,
    /// Whether this message is of the fault's making.
    pub(crate) is_faulted: bool,
}

/// When a parcel goes out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Departs {
    /// Once the one before it has had its first answer.
    InTurn,
    /// At the same time as the one before it.
    WithThePrevious,
    /// So much later than the first.
    After(SignedDuration),
    /// When so many later webhooks to the same URL were accepted, or after this time.
    Overtaken { by: u32, at_most: SignedDuration },
    /// Never.
    Never,
}

/// How the first attempt of a parcel is signed. Those after it are always right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Sealing {
    /// As the vendor does.
    Right,
    /// So that it must not be accepted.
    Spoilt(Spoilt),
    /// As of so long ago.
    AsOf(SignedDuration),
    /// It is, byte for byte, the first parcel as it was first sent.
    Replayed,
    /// Right, over a body with so many spaces before its last byte.
    Padded { bytes: usize },
}

/// What is wrong with a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spoilt {
    /// Made with another secret.
    OtherSecret,
    /// Made over another body.
    OtherBody,
    /// Not there.
    Missing,
}

/// Whether a parcel that is not accepted comes again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeats {
    /// As the vendor repeats.
    AsTheVendor,
    /// No: it is not the vendor who sent it.
    Never,
}

/// What a fault may look at.
pub(crate) struct AtWebhook<'a> {
    pub(crate) webhooks: &'a Webhooks,
}

/// A parameter of a fault, where it lies within its bounds.
///
/// # Errors
/// A sentence that names them.
pub(crate) fn bounded(name: &str, value: u32, bounds: RangeInclusive<u32>) -> Result<u32, String> {
    match bounds.contains(&value) {
        true => Ok(value),
        false => Err(format!("{name} is {value}; expected {} to {}", bounds.start(), bounds.end())),
    }
}

impl Shipment {
    /// One message, as the vendor sends it.
    pub(crate) fn of(message: Message) -> Self {
        Self { parcels: vec![Parcel::of(message)] }
    }

    /// The message that it is about.
    pub(crate) fn first(&mut self) -> Result<&mut Parcel, String> {
        self.parcels.first_mut().ok_or_else(|| "there is nothing to be sent".to_owned())
    }
}

impl Parcel {
    pub(crate) fn of(message: Message) -> Self {
        Self {
            message,
            departs: Departs::InTurn,
            sealing: Sealing::Right,
            repeats: Repeats::AsTheVendor,
            count: 1,
            is_faulted: false,
        }
    }

    /// One that only a fault sends.
    pub(crate) fn faulted(message: Message, departs: Departs) -> Self {
        Self { departs, is_faulted: true, ..Self::of(message) }
    }
}
