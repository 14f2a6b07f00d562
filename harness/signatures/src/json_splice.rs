//! A signature written into a JSON body without touching anything else of it: what is sent stays, byte for
//! byte, what was recorded.

use serde_json::value::RawValue;

/// The body with some of its values replaced by strings. The values must have been read from this body, and
/// come in the order in which they stand in it.
pub(crate) fn with_strings(body: &[u8], replaced: &[(&RawValue, String)]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(body.len());
    let mut at = 0;
    for (value, text) in replaced {
        // A raw value that was borrowed from the body lies within it: its address is its offset.
        let start = value.get().as_ptr().addr().checked_sub(body.as_ptr().addr())?;
        out.extend_from_slice(body.get(at..start)?);
        out.extend_from_slice(serde_json::Value::from(text.as_str()).to_string().as_bytes());
        at = start + value.get().len();
    }
    out.extend_from_slice(body.get(at..)?);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_values_named_are_replaced() {
        let body = br#"{ "a": 1.50, "b" : "old", "a": [ "old" ] }"#;
        let [b, last]: [&RawValue; 2] = {
            #[derive(serde::Deserialize)]
            struct Fields<'a> {
                #[serde(borrow)]
                b: &'a RawValue,
            }
            let b = serde_json::from_slice::<Fields<'_>>(body).unwrap().b;
            [b, serde_json::from_slice(&body[32..39]).unwrap()]
        };
        let out = with_strings(body, &[(b, "n\"w".to_owned()), (last, "new".to_owned())]).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), r#"{ "a": 1.50, "b" : "n\"w", "a": [ "new" ] }"#);
    }

    #[test]
    fn a_value_of_another_body_is_refused() {
        let other = RawValue::from_string("\"old\"".to_owned()).unwrap();
        assert_eq!(with_strings(b"{}", &[(&other, String::new())]), None);
    }
}
