//! Answers whose body is not what it should be, as a client of bytes sees them.

use crate::faults::{PAGE_1, comes_whole, history_with, page_1, struck};
use crate::provider::{got, playing};
use crate::wire::{Ask, Client, Received, ask};
use counterpart_stand_in::{SeenNote, StandIn};

cases! {
    byte_order_mark: three_bytes_come_before_the_body,
    edge_value: a_value_is_at_the_edge_of_its_format,
    empty_body: nothing_is_in_the_answer,
    extra_field: a_field_comes_that_nobody_asked_for,
    huge_body: the_same_json_comes_far_too_large,
    null_field: a_field_is_null,
    unknown_enum_value: a_word_is_new,
    wrong_content_type: the_body_is_called_something_else,
    wrong_type: a_field_has_another_type,
}

const MEMBER: &str = "/rooms/a/member";

async fn member_with(answer: &str, spec: &str) -> (StandIn, Received) {
    let stand_in = playing(vec![got("member-1", MEMBER, answer)]).fault(spec).start().await;
    let received = ask(&stand_in, &Ask::get(MEMBER).of_user(&stand_in)).await;
    (stand_in, received)
}

/// What a fault makes of the page, and that it was consumed or not.
async fn page_with(spec: &str) -> (StandIn, Client, Received) {
    let stand_in = history_with(spec).await;
    let mut client = Client::connect(&stand_in).await;
    let received = client.ask(&page_1().of_user(&stand_in)).await;
    (stand_in, client, received)
}

async fn three_bytes_come_before_the_body(fault: &str) {
    let (stand_in, _, received) = page_with(&format!("{fault}@messages-1")).await;
    assert_eq!(received.body, [b"\xef\xbb\xbf", PAGE_1.as_bytes()].concat());
    struck(&stand_in, fault, &[0]);
}

async fn nothing_is_in_the_answer(fault: &str) {
    let (stand_in, mut client, received) = page_with(&format!("{fault}@messages-1")).await;
    assert_eq!((received.status(), received.promised()), (200, 0));
    assert_eq!(received.all("content-type"), ["application/json"]);
    comes_whole(&mut client, &stand_in, &page_1(), PAGE_1).await;
    struck(&stand_in, fault, &[0]);
}

async fn the_body_is_called_something_else(fault: &str) {
    let (stand_in, mut client, received) = page_with(&format!("{fault}@messages-1")).await;
    assert_eq!((received.all("content-type"), received.text()), (vec!["text/html"], PAGE_1));
    comes_whole(&mut client, &stand_in, &page_1(), PAGE_1).await;
    struck(&stand_in, fault, &[0]);
    let (stand_in, received) =
        member_with("[1]", &format!(r#"{fault}{{"value":"application/json"}}@member-1"#)).await;
    assert_eq!(received.text(), "[1]");
    let why = "the answer's content type is \"application/json\" already".to_owned();
    assert_eq!(stand_in.seen()[0].note, SeenNote::FaultInapplicable(why));
}

async fn a_field_is_null(fault: &str) {
    let (stand_in, received) =
        member_with(r#"{"a":{"b":[1]},"c":2}"#, &format!(r#"{fault}{{"field":"a.b"}}@member-1"#)).await;
    assert_eq!(received.text(), r#"{"a":{"b":null},"c":2}"#);
    struck(&stand_in, fault, &[0]);
    let (_, _, received) =
        page_with(&format!(r#"{fault}{{"record":2,"field":"content.body"}}@messages-1"#)).await;
    assert!(received.json()["chunk"][1]["content"]["body"].is_null());
}

async fn a_field_has_another_type(fault: &str) {
    let answer = r#"{"n":7,"b":true,"t":"12","w":"word","l":[5,6],"e":[],"o":{"a":1},"z":null}"#;
    for (field, other) in [
        ("n", r#""7""#),
        ("b", r#""true""#),
        ("t", "12"),
        ("w", "0"),
        ("l", "5"),
        ("e", "{}"),
        ("o", r#"[{"a":1}]"#),
        ("z", "{}"),
    ] {
        let spec = format!(r#"{fault}{{"field":"{field}"}}@member-1"#);
        let (stand_in, received) = member_with(answer, &spec).await;
        assert_eq!(received.json()[field].to_string(), other, "{field}");
        struck(&stand_in, fault, &[0]);
    }
}

async fn a_word_is_new(fault: &str) {
    let answer = r#"{"state":"open","count":3}"#;
    let (stand_in, received) = member_with(answer, &format!(r#"{fault}{{"field":"state"}}@member-1"#)).await;
    assert_eq!(received.text(), r#"{"state":"counterpart_unknown_value","count":3}"#);
    struck(&stand_in, fault, &[0]);
    let (stand_in, received) = member_with(answer, &format!(r#"{fault}{{"field":"count"}}@member-1"#)).await;
    assert_eq!(received.text(), answer);
    assert!(matches!(stand_in.seen()[0].note, SeenNote::FaultInapplicable(_)));
}

async fn a_field_comes_that_nobody_asked_for(fault: &str) {
    let (stand_in, received) = member_with(r#"{"a":1}"#, &format!("{fault}@member-1")).await;
    assert_eq!(received.text(), r#"{"a":1,"counterpart_new_field":{"nested":[1,"two",null]}}"#);
    struck(&stand_in, fault, &[0]);
    let (stand_in, received) =
        member_with(r#"{"a":1}"#, &format!(r#"{fault}{{"field":"a"}}@member-1"#)).await;
    assert_eq!(received.text(), r#"{"a":1}"#, "it is there already");
    assert!(matches!(stand_in.seen()[0].note, SeenNote::FaultInapplicable(_)));
}

async fn a_value_is_at_the_edge_of_its_format(fault: &str) {
    let values = [
        ("number_beyond_2_53", "9007199254740993"),
        ("number_beyond_64_bits", "18446744073709551616"),
        ("number_beyond_double", "1e400"),
        ("negative_zero", "-0"),
        ("number_with_exponent", "1.0E+2"),
        ("leap_second", r#""2016-12-31T23:59:60Z""#),
        ("leap_day", r#""2024-02-29T12:00:00Z""#),
        ("date_before_epoch", r#""1901-12-13T20:45:51Z""#),
        ("date_of_year_9999", r#""9999-12-31T23:59:59Z""#),
        ("date_with_large_offset", r#""2024-01-01T00:30:00+14:00""#),
        ("date_without_offset", r#""2024-03-31T02:30:00""#),
        ("date_with_nanoseconds", r#""2024-01-01T00:00:00.123456789Z""#),
        ("text_with_nul", r#""before\u0000after""#),
        ("lone_surrogate", r#""half \ud83d of it""#),
    ];
    for (value, spelled) in values {
        let spec = format!(r#"{fault}{{"field":"a","value":"{value}"}}@member-1"#);
        let (stand_in, received) = member_with(r#"{"a":1,"b":2}"#, &spec).await;
        assert_eq!(received.text(), format!(r#"{{"a":{spelled},"b":2}}"#), "{value}");
        struck(&stand_in, fault, &[0]);
    }
    for (value, length) in
        [("long_text", 100_000..100_020), ("odd_text", 50..90), ("deep_object", 1_100..1_120)]
    {
        let spec = format!(r#"{fault}{{"field":"a","value":"{value}"}}@member-1"#);
        let (stand_in, received) = member_with(r#"{"a":1,"b":2}"#, &spec).await;
        assert!(length.contains(&received.body.len()), "{value}: {} bytes", received.body.len());
        assert_eq!(received.json()["b"], 2, "{value}");
        struck(&stand_in, fault, &[0]);
    }
}

async fn the_same_json_comes_far_too_large(fault: &str) {
    let (stand_in, mut client, received) = page_with(&format!(r#"{fault}{{"size_mb":3}}@messages-1"#)).await;
    assert_eq!((received.promised(), received.body.len()), (3_000_000, 3_000_000));
    assert_eq!(received.json(), serde_json::from_str::<serde_json::Value>(PAGE_1).unwrap());
    comes_whole(&mut client, &stand_in, &page_1(), PAGE_1).await;
    struck(&stand_in, fault, &[0]);
}
