//! Every scheme: one byte changed anywhere that is signed is one refusal, with its reason.

use crate::sample::{Sent, secrets, unsigned, verifying};
use crate::{Rejection, Scheme, Tolerance};

const NOW_S: i64 = 1_700_000_000;
const BODY: &[u8] = b"{\"id\": \"evt_1\"}";

fn good(scheme: Scheme) -> Sent {
    unsigned(scheme, BODY).signed(scheme, secrets(scheme)[0], NOW_S)
}

fn verify(scheme: Scheme, sent: &Sent) -> Result<(), Rejection> {
    let secret = verifying(scheme, secrets(scheme)[0]);
    sent.verify_within(scheme, &[&secret], NOW_S, Tolerance::ANY_TIME).map(|_| ())
}

const NO_FIT: Result<(), Rejection> = Err(Rejection::NoSignatureFits { secrets: 1 });

#[test]
fn what_is_signed_is_accepted_unchanged() {
    for scheme in Scheme::ALL {
        assert_eq!(verify(scheme, &good(scheme)), Ok(()), "{scheme}");
    }
}

#[test]
fn a_changed_byte_of_the_content_is_refused() {
    for scheme in Scheme::ALL {
        let mut sent = good(scheme);
        let at = sent.body.windows(5).position(|window| window == b"evt_1").unwrap();
        sent.body[at] ^= 1;
        let expected = match scheme {
            // A bearer token covers no body.
            Scheme::MatrixApplicationService => Ok(()),
            Scheme::Twilio => Err(Rejection::BodyAltered),
            _ => NO_FIT,
        };
        assert_eq!(verify(scheme, &sent), expected, "{scheme}");
    }
}

#[test]
fn a_changed_url_is_refused_where_it_is_signed() {
    for scheme in Scheme::ALL {
        let mut sent = good(scheme);
        sent.url = sent.url.replace("https://", "https://www.");
        let expected = match scheme {
            Scheme::Hubspot | Scheme::Square | Scheme::Twilio => NO_FIT,
            _ => Ok(()),
        };
        assert_eq!(verify(scheme, &sent), expected, "{scheme}");
    }
}

#[test]
fn a_changed_method_is_refused_where_it_is_signed() {
    let sent = good(Scheme::Hubspot);
    let secret = crate::Secret::new(secrets(Scheme::Hubspot)[0]);
    let put = crate::Delivery { method: "PUT", ..sent.delivery() };
    let refused = Scheme::Hubspot.verify(&[secret], &put, crate::sample::at(NOW_S), Tolerance::ANY_TIME);
    assert_eq!(refused, Err(Rejection::NoSignatureFits { secrets: 1 }));
}

/// The first digit of the time in its header, if there is one.
fn time_at(scheme: Scheme, sent: &Sent) -> Option<(usize, usize)> {
    let carries_a_time = Scheme::tolerance(scheme) != Tolerance::ANY_TIME || scheme == Scheme::Sendgrid;
    let found = sent
        .headers
        .iter()
        .enumerate()
        .find_map(|(header, (_, value))| Some((header, value.find("1700000000")?)));
    assert_eq!(found.is_some(), carries_a_time, "{scheme}");
    found
}

#[test]
fn a_changed_time_is_refused_as_forged_before_it_is_judged_as_old() {
    for scheme in Scheme::ALL {
        let mut sent = good(scheme);
        let Some((header, at)) = time_at(scheme, &sent) else { continue };
        sent.headers[header].1.replace_range(at..=at, "2");
        assert_eq!(verify(scheme, &sent), NO_FIT, "{scheme}");
        sent.headers[header].1.replace_range(at..=at, "x");
        assert!(matches!(verify(scheme, &sent), Err(Rejection::Malformed { .. })), "{scheme}");
    }
}

#[test]
fn another_secret_is_refused_and_any_of_several_is_accepted() {
    for scheme in Scheme::ALL {
        let [first, second] = secrets(scheme).map(|secret| verifying(scheme, secret));
        for signing in secrets(scheme) {
            let sent = unsigned(scheme, BODY).signed(scheme, signing, NOW_S);
            let both = sent.verify_within(scheme, &[&first, &second], NOW_S, Tolerance::ANY_TIME);
            assert!(both.is_ok(), "{scheme}: {both:?}");
            let other = if signing == secrets(scheme)[0] { &second } else { &first };
            let refused = sent.verify_within(scheme, &[other], NOW_S, Tolerance::ANY_TIME).map(|_| ());
            assert_eq!(refused, NO_FIT, "{scheme}");
        }
    }
}

#[test]
fn each_missing_or_repeated_header_is_named() {
    for scheme in Scheme::ALL {
        let sent = good(scheme);
        let unsigned_headers = unsigned(scheme, BODY).headers;
        for (index, header) in sent.headers.iter().enumerate() {
            if unsigned_headers.contains(header) && scheme != Scheme::StandardWebhooks {
                continue;
            }
            let mut missing = sent.clone();
            missing.headers.remove(index);
            let refused = verify(scheme, &missing);
            assert!(
                matches!(&refused, Err(Rejection::MissingHeader { name }) if name.eq_ignore_ascii_case(&header.0)),
                "{scheme}: {refused:?}"
            );
            let mut repeated = sent.clone();
            repeated.headers.push((header.0.to_uppercase(), header.1.clone()));
            let refused = verify(scheme, &repeated);
            assert!(
                matches!(&refused, Err(Rejection::RepeatedHeader { name }) if name.eq_ignore_ascii_case(&header.0)),
                "{scheme}: {refused:?}"
            );
        }
    }
}

#[test]
fn every_scheme_with_a_time_bounds_it_on_both_sides() {
    for scheme in Scheme::ALL {
        let sent = good(scheme);
        let secret = verifying(scheme, secrets(scheme)[0]);
        let minute = Tolerance::seconds(60);
        let verify_at = |now_s| sent.verify_within(scheme, &[secret.as_str()], now_s, minute);
        let Some(signed_s) = verify_at(NOW_S).ok().and_then(|verified| verified.timestamp).or_else(|| {
            let any = sent.verify_within(scheme, &[&secret], NOW_S, Tolerance::ANY_TIME).unwrap();
            any.timestamp
        }) else {
            continue;
        };
        let signed_s = signed_s.as_second();
        assert!(verify_at(signed_s + 60).is_ok() && verify_at(signed_s - 59).is_ok(), "{scheme}");
        assert!(matches!(verify_at(signed_s + 62), Err(Rejection::TooOld { .. })), "{scheme}");
        assert!(matches!(verify_at(signed_s - 61), Err(Rejection::FromTheFuture { .. })), "{scheme}");
    }
}

#[test]
fn no_rejection_shows_a_secret_or_the_right_signature() {
    for scheme in Scheme::ALL {
        let [first, second] = secrets(scheme);
        let right = good(scheme);
        let mut forged = unsigned(scheme, BODY).signed(scheme, second, NOW_S);
        forged.url.clone_from(&right.url);
        let secret = verifying(scheme, first);
        let shown = forged.verify_within(scheme, &[&secret], NOW_S, Tolerance::ANY_TIME).unwrap_err();
        let shown = format!("{shown} {shown:?} {:?}", crate::Secret::new(first));
        assert!(!shown.contains(first) && !shown.contains(&secret), "{scheme}: {shown}");
        for (_, value) in &right.headers {
            assert!(value.len() < 16 || !shown.contains(value.as_str()), "{scheme}: {shown}");
        }
    }
}

#[test]
fn an_empty_secret_neither_signs_nor_verifies() {
    for scheme in Scheme::ALL {
        let empty = crate::Secret::new("");
        assert!(unsigned(scheme, BODY).try_sign(scheme, &empty, NOW_S).is_err(), "{scheme}");
        let refused = good(scheme).verify_within(scheme, &[""], NOW_S, Tolerance::ANY_TIME);
        assert!(matches!(refused, Err(Rejection::UnusableSecret { number: 1, .. })), "{scheme}");
        assert!(scheme.verifying_secret(&empty).is_err(), "{scheme}");
    }
}
