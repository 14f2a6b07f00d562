//! Any JSON, as Standard Webhooks sends it: the header `webhook-id` names the message, whatever is in it.
//!
//! After the Standard Webhooks specification ("Webhook metadata"). It is sent on as it came; nothing is read from it but
//! what it is to stay in order with.

use serde_json::value::RawValue;

use super::{Address, MAX_ID_CHARS, sha_256};

pub(super) fn address(raw: &RawValue, delivery_id: Option<&str>, place: Option<usize>) -> Address {
    let id = delivery_id.filter(|id| !id.is_empty() && id.chars().count() <= MAX_ID_CHARS);
    let id = id.map(|id| place.map_or_else(|| id.to_owned(), |place| format!("{id}/{place}")));
    Address { id, account: None, order_key: None, digest: sha_256(raw.get()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_names_it_and_its_place_tells_it_from_others() {
        let raw = RawValue::from_string("7".to_owned()).unwrap();
        let id = |header, place| address(&raw, header, place).id;
        assert_eq!(id(Some("msg_1"), None).as_deref(), Some("msg_1"));
        assert_eq!(id(Some("msg_1"), Some(2)).as_deref(), Some("msg_1/2"));
        assert_eq!(
            (id(None, None), id(Some(""), None), id(Some(&"x".repeat(256)), None)),
            (None, None, None)
        );
    }
}
