//! What holds for any exchanges.

use crate::sample::{exchange, fixture, profile};
use counterpart_contract::{check, infer, read_contract, write_contract};
use counterpart_exchange::Exchange;
use proptest::collection::vec;
use proptest::prelude::*;

fn any_json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just("-0".to_owned()),
        Just("1.50e+3".to_owned()),
        Just("12345678901234567890123".to_owned()),
        any::<i32>().prop_map(|number| number.to_string()),
        "[ -~é]{0,5}".prop_map(|text| serde_json::to_string(&text).unwrap()),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(","))),
            vec(("[a-c0-9~/]{1,3}", inner), 0..4).prop_map(|members| {
                let members: Vec<_> =
                    members.iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

fn any_message() -> impl Strategy<Value = (&'static str, String)> {
    let media_type = prop_oneof![
        Just("application/json"),
        Just("application/json; charset=utf-8"),
        Just("application/x-www-form-urlencoded"),
        Just("text/plain"),
        Just("image/png"),
        Just(""),
    ];
    let text = prop_oneof![any_json(), "[a-c0-9=&%]{0,12}", Just(String::new())];
    (media_type, text)
}

fn any_exchange() -> impl Strategy<Value = Exchange> {
    let line = (
        prop_oneof![Just("GET"), Just("POST"), Just("HEAD")],
        prop_oneof!["/[a-c]{0,1}", "/[ab]/[0-9]{1,2}", "/[ab]/x", "/[!-~]{0,6}"],
        prop_oneof![Just(String::new()), "\\?[ab]=[a0-9.]{0,3}(&[ab]=(true|[0-9]))?"],
    )
        .prop_map(|(method, path, query)| format!("{method} {path}{query}"));
    let status = prop_oneof![Just(200_u16), Just(204), Just(404)];
    (line, any_message(), status, any_message()).prop_map(|(line, sent, status, answered)| {
        exchange(&line, (sent.0, &sent.1), status, (answered.0, &answered.1))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn exchanges_keep_the_contract_inferred_from_them_in_any_order(exchanges in vec(any_exchange(), 0..12)) {
        let profile = profile(&[("a", "GET /a/{id}")]);
        let straight = fixture(&profile, "flow", exchanges.clone());
        let turned = fixture(&profile, "flow", exchanges.into_iter().rev().collect());
        let inferred = infer(&profile, std::slice::from_ref(&straight));
        let bytes = serde_json::to_string(inferred.contract.as_value()).unwrap();
        let again = infer(&profile, &[turned]);
        prop_assert_eq!(&bytes, &serde_json::to_string(again.contract.as_value()).unwrap());
        prop_assert_eq!(&inferred.evidence, &again.evidence);
        let violations = check(&inferred.contract, &profile, &straight).unwrap();
        prop_assert!(violations.is_empty(), "{}\n{}", violations[0], bytes);

        let folder = tempfile::tempdir().unwrap();
        let written = write_contract(folder.path(), "any", &inferred).unwrap();
        let read = read_contract(&written.contract);
        prop_assert!(read.is_ok(), "{}", read.unwrap_err());
        prop_assert_eq!(read.unwrap(), inferred.contract);
    }

    #[test]
    fn any_text_as_a_contract_is_refused_or_read_without_a_panic(text in "(?s)(openapi: 3.1.0\n)?.{0,200}") {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("any.yaml");
        std::fs::write(&path, text).unwrap();
        let _ = read_contract(&path);
    }
}
