//! HubSpot's webhooks: batches of changes, of one portal or of several where an app is installed in many.
//!
//! After HubSpot's documentation ("Webhooks API"): an element names its portal by `portalId`; `eventId` alone is not
//! promised to be unique, so an event is known again by subscription, object and time beside it. `attemptNumber` grows
//! with each repetition and makes no other event.

use serde_json::Value;
use serde_json::value::RawValue;

use super::{Address, MAX_ID_CHARS, Unfit, sha_256};
use crate::store::{EventEffect, Record};

pub(super) fn address(raw: &RawValue) -> Address {
    let mut event: Value = serde_json::from_str(raw.get()).unwrap_or_default();
    if let Some(members) = event.as_object_mut() {
        members.shift_remove("attemptNumber");
    }
    let number = |name: &str| event.get(name).filter(|value| value.is_i64() || value.is_u64());
    let subscription = number("subscriptionId").map(Value::to_string).unwrap_or_default();
    let id = match (number("eventId"), number("objectId"), number("occurredAt")) {
        (Some(event), Some(object), Some(at)) => Some(format!("{subscription}/{event}/{object}/{at}")),
        _ => None,
    };
    Address {
        id,
        account: number("portalId").map(Value::to_string),
        order_key: number("objectId").map(Value::to_string),
        digest: sha_256(&event.to_string()),
    }
}

/// What a change does: the property's value is the object's latest, as of when it was changed.
pub(super) fn effect(payload: &str) -> Result<EventEffect, Unfit> {
    let event: Value = serde_json::from_str(payload).map_err(|_| Unfit::Invalid("it is no JSON object"))?;
    let number = |name: &str, wrong: &'static str| {
        event.get(name).and_then(Value::as_i64).filter(|number| *number >= 0).ok_or(Unfit::Invalid(wrong))
    };
    let text = |name: &str| {
        event.get(name).and_then(Value::as_str).filter(|text| !text.is_empty() && text.len() <= MAX_ID_CHARS)
    };
    let kind = text("subscriptionType").ok_or(Unfit::Invalid("subscriptionType is not a text"))?;
    let Some((object, "propertyChange")) = kind.split_once('.') else {
        return Err(Unfit::UnknownType(kind.to_owned()));
    };
    let portal = number("portalId", "portalId is not a whole number of at least 0")?;
    let object_id = number("objectId", "objectId is not a whole number of at least 0")?;
    number("eventId", "eventId is not a whole number of at least 0")?;
    let occurred_at_ms = number("occurredAt", "occurredAt is not a whole number of at least 0")?;
    let as_of_us = occurred_at_ms.checked_mul(1_000).ok_or(Unfit::Invalid("occurredAt is no time"))?;
    let property = text("propertyName").ok_or(Unfit::Invalid("propertyName is not a text"))?;
    let value = event.get("propertyValue").and_then(Value::as_str);
    let record = Record {
        event_id: format!("{object}/{object_id}/{property}"),
        sender: text("changeSource").unwrap_or("unknown").to_owned(),
        kind: kind.to_owned(),
        body: value.ok_or(Unfit::Invalid("propertyValue is not a text"))?.to_owned(),
        sent_at_ms: occurred_at_ms,
    };
    Ok(EventEffect::Upsert { room_id: format!("portal/{portal}"), record: Box::new(record), as_of_us })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn changed(attempt: u32) -> Value {
        json!({ "eventId": 100, "subscriptionId": 51, "portalId": 62515, "occurredAt": 1_564_113_600_000_i64,
            "subscriptionType": "contact.propertyChange", "attemptNumber": attempt, "objectId": 123,
            "changeSource": "CRM", "propertyName": "firstname", "propertyValue": "Ada" })
    }

    fn addressed(event: &Value) -> Address {
        address(&RawValue::from_string(event.to_string()).unwrap())
    }

    #[test]
    fn a_repetition_is_the_same_event() {
        assert_eq!(addressed(&changed(0)), addressed(&changed(3)));
        let mut other = changed(0);
        other["propertyValue"] = "Eve".into();
        assert_eq!(addressed(&other).id, addressed(&changed(0)).id);
        assert_ne!(addressed(&other).digest, addressed(&changed(0)).digest);
        assert_eq!(addressed(&changed(0)).account.as_deref(), Some("62515"));
    }

    #[test]
    fn a_change_is_a_record_as_of_its_time_and_the_rest_is_told_apart() {
        let Ok(EventEffect::Upsert { room_id, record, as_of_us }) = effect(&changed(0).to_string()) else {
            panic!("it is good")
        };
        assert_eq!((room_id.as_str(), record.event_id.as_str()), ("portal/62515", "contact/123/firstname"));
        assert_eq!((record.body.as_str(), as_of_us), ("Ada", 1_564_113_600_000_000));
        let mut created = changed(0);
        created["subscriptionType"] = "contact.creation".into();
        assert_eq!(
            effect(&created.to_string()).unwrap_err(),
            Unfit::UnknownType("contact.creation".to_owned())
        );
        for name in ["eventId", "portalId", "objectId", "occurredAt", "propertyName", "propertyValue"] {
            let mut event = changed(0);
            event[name] = json!(1.5);
            assert!(matches!(effect(&event.to_string()), Err(Unfit::Invalid(_))), "{name}");
        }
    }
}
