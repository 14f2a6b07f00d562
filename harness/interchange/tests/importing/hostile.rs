//! Files that mean harm, or are not what they are said to be: refused soon, in little memory, running nothing.

use crate::{imported, refused};
use base64::Engine;
use counterpart_exchange::Body;
use counterpart_interchange::{Format, MAX_FILE_BYTES};
use std::fmt::Write as _;
use std::io::Write as _;

/// A cassette with one interaction whose answer has a body.
fn cassette(body: &str) -> String {
    format!(
        "http_interactions:\n- request: {{method: get, uri: 'http://h/'}}\n  response:\n    status: {{code: 200}}\n    headers: {{Content-Encoding: [gzip]}}\n    body: {body}\n"
    )
}

#[test]
fn nothing_is_made_an_object() {
    for tag in [
        "!ruby/object:Gem::Installer",
        "!ruby/regexp",
        "!!python/object/apply:os.system",
        "!ruby/struct:VCR::Request",
    ] {
        let told = refused(Format::Vcr, cassette(&format!("{tag} {{string: x}}")));
        assert!(told.contains("recorded.file:6:") && told.contains("would make an object"), "{told}");
        // Also where nothing is read.
        let told = refused(Format::Vcr, format!("{}ignored: {tag} {{}}\n", cassette("x")));
        assert!(told.contains("recorded.file:7:"), "{told}");
    }
}

#[test]
fn what_expands_is_refused() {
    let mut nested = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..30 {
        let inner = vec![format!("*a{}", level - 1); 10].join(", ");
        writeln!(nested, "a{level}: &a{level} [{inner}]").unwrap();
    }
    nested.push_str("http_interactions: *a29\n");
    let long = "x".repeat(500_000);
    let mut repeated =
        format!("interactions:\n- request: {{method: get, url: 'http://h/', body: &a '{long}'}}\n");
    repeated.push_str(&"- request: {method: get, url: 'http://h/', body: *a}\n".repeat(1_000));
    for bomb in [nested, repeated] {
        let told = refused(Format::Vcr, bomb);
        assert!(told.contains("what its aliases repeat counted each time"), "{told}");
    }
}

#[test]
fn what_is_nested_deeply_is_refused() {
    for (format, text) in [
        (Format::Vcr, format!("http_interactions: {}", "[".repeat(100_000))),
        (Format::Vcr, format!("{{\"http_interactions\": {}", "[".repeat(100_000))),
        (Format::Vcr, "- ".repeat(100_000)),
        (Format::Har, format!("{{\"log\": {}", "{\"log\": ".repeat(100_000))),
        (Format::Nock, "[".repeat(1_000_000)),
    ] {
        refused(format, text);
    }
    // Of a body nothing is built, so how it is nested does not matter.
    let body = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let text = format!(r#"[{{"scope": "http://h", "path": "/", "response": {body}}}]"#);
    assert_eq!(imported(Format::Nock, &text).exchanges.len(), 1);
}

#[test]
fn a_body_that_unpacks_to_too_much_is_a_loss() {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    for _ in 0..65 {
        encoder.write_all(&vec![0; 1024 * 1024]).unwrap();
    }
    let packed = base64::engine::general_purpose::STANDARD.encode(encoder.finish().unwrap());
    let imported = imported(Format::Vcr, &cassette(&format!("{{base64_string: {packed}}}")));
    assert!(matches!(imported.exchanges[0].response.as_ref().unwrap().body, Body::Omitted { .. }));
    assert_eq!(
        imported.losses[0].to_string(),
        "exchange 1: a body: what it holds is larger than is unpacked"
    );
}

#[test]
fn too_many_exchanges_are_refused() {
    let one = r#"{"scope": "http://h", "path": "/"}"#;
    let text = format!("[{}{one}]", format!("{one},").repeat(100_000));
    let told = refused(Format::Nock, text);
    assert!(told.contains("has more than 100000 exchanges; split the file"), "{told}");
    let fields = r#""a", "b","#.repeat(1_001);
    let told = refused(
        Format::Nock,
        format!(r#"[{{"scope": "http://h", "path": "/", "rawHeaders": [{fields} "a", "b"]}}]"#),
    );
    assert!(told.contains("1002 header fields; at most 1000 are read"), "{told}");
}

#[test]
fn what_is_no_text_is_refused() {
    let errors = [
        refused(Format::Har, ""),
        refused(Format::Vcr, " \n\u{feff}"),
        refused(Format::Vcr, b"interactions: \xff\xfe"),
        refused(Format::Har, b"\xff\xfe{\0"),
        refused(Format::Vcr, "interactions:\n- \0"),
        refused(Format::Har, vec![b' '; MAX_FILE_BYTES + 1]),
        refused(Format::Nock, b"\x1f\x8b\x08\x00"),
    ];
    insta::assert_snapshot!(errors.join("\n"), @r"
    recorded.file: is empty; expected a har file
    recorded.file: holds no interactions; expected a cassette of VCR (`http_interactions`), or of vcrpy or go-vcr (`interactions`, `version`)
    recorded.file: is not UTF-8 from byte 14; save it as UTF-8
    recorded.file: is UTF-16; save it as UTF-8
    recorded.file:2:3: a NUL; expected text
    recorded.file: is 67108865 bytes long; at most 67108864 are read: split it
    recorded.file: is not UTF-8 from byte 1; save it as UTF-8
    ");
}

#[test]
fn another_format_is_refused_and_told_by_name() {
    let samples = [
        (Format::Har, crate::har::har("")),
        (Format::Vcr, "http_interactions: []\n".to_owned()),
        (
            Format::Vcr,
            "interactions:\n- request: {method: GET, uri: /}\n  response: {status_code: 200}\nversion: 1\n"
                .to_owned(),
        ),
        (
            Format::Polly,
            crate::har::har("").replacen("\"version\"", "\"_recordingName\": \"a\", \"version\"", 1),
        ),
        (Format::Nock, "[{\"scope\": \"http://h\", \"path\": \"/\"}]".to_owned()),
    ];
    for (of, text) in &samples {
        imported(*of, text);
        assert_eq!(Format::detect(text), Some(*of), "{text}");
        for wanted in [Format::Har, Format::Vcr, Format::Polly, Format::Nock] {
            // A recording of Polly.js is a HAR.
            if wanted == *of || (wanted, *of) == (Format::Har, Format::Polly) {
                continue;
            }
            let told = refused(wanted, text);
            assert!(told.ends_with(&format!("; it looks like a {of} file")), "{of} as {wanted}: {told}");
        }
    }
    assert_eq!(Format::detect("one:\n  name: x\n"), None);
}

#[test]
fn any_bytes_are_refused_or_imported() {
    // A file that was cut, and one with a byte changed, at many places.
    let text = cassette("{string: 'a'}") + "recorded_with: VCR 6.3.1\n";
    let har =
        crate::har::har(r#"{"request": {"method": "GET", "url": "http://h/"}, "response": {"status": 200}}"#);
    for (format, text) in [(Format::Vcr, text), (Format::Har, har.clone()), (Format::Polly, har)] {
        for at in 0..text.len() {
            let _ = counterpart_interchange::import(format, "x".as_ref(), &text.as_bytes()[..at]);
            for byte in [b'{', b'"', b'\'', b'\n', b'*', b'&', b'!', b'|', 0xff, b' '] {
                let mut changed = text.clone().into_bytes();
                changed[at] = byte;
                let _ = counterpart_interchange::import(format, "x".as_ref(), &changed);
            }
        }
    }
}
