//! Personal data that can be told from ids: by an agreed form, a checksum, or the name it stands under.
//!
//! An id that is taken for a telephone number breaks a fixture, so what has neither checksum nor sign is left alone.

use super::Form;

pub(super) const PERSONAL: &[Form] = &[
    Form {
        name: "e-mail address",
        kind: "email",
        source: "RFC 5321, in the form that people use",
        marks: &["@"],
        pattern: r"\b[A-Za-z0-9._+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})*\.[A-Za-z]{2,24}\b",
        check: Some(is_address_of_a_person),
    },
    Form {
        name: "payment card number",
        kind: "card_number",
        source: "ISO/IEC 7812: issuer prefixes, lengths, check digit",
        marks: &[],
        pattern: r"(?:^|[^A-Za-z0-9_.-])([2-6]\d{3}(?: \d{4}){2}(?: \d{1,7})|[2-6]\d{3}(?:-\d{4}){2}(?:-\d{1,7})|3\d{3} \d{6} \d{4,5}|[2-6]\d{12,18})(?:[^A-Za-z0-9_-]|$)",
        check: Some(is_card_number),
    },
    Form {
        name: "IBAN",
        kind: "iban",
        source: "ISO 13616: country, length, check digits",
        marks: &[],
        pattern: r"\b[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]){11,30}\b",
        check: Some(is_iban),
    },
    Form {
        name: "telephone number",
        kind: "phone",
        source: "ITU-T E.164 and E.123, with the sign of the international form",
        marks: &["+"],
        pattern: r#"(?:^|[\s"'(,;:>|]|tel:)(\+[1-9](?:[ ./()-]{0,2}\d){6,14})(?:[^A-Za-z0-9+/=]|$)"#,
        check: Some(is_phone),
    },
];

/// Mailboxes that belong to a machine, and files with a scale in their name, are nobody's address.
fn is_address_of_a_person(address: &str) -> bool {
    const MACHINES: [&str; 4] = ["git", "noreply", "no-reply", "donotreply"];
    const FILES: [&str; 10] = ["png", "jpg", "jpeg", "gif", "svg", "webp", "js", "css", "html", "invalid"];
    let local = address.split('@').next().unwrap_or_default();
    let end = address.rsplit('.').next().unwrap_or_default();
    !MACHINES.contains(&local) && !FILES.contains(&end)
}

fn digits(text: &str) -> Vec<u32> {
    text.chars().filter_map(|character| character.to_digit(10)).collect()
}

/// Whether digits have a length and a prefix that issuers use, and their check digit (Luhn) is right.
fn is_card_number(text: &str) -> bool {
    let digits = digits(text);
    let prefix = |count: usize| digits.iter().take(count).fold(0, |sum, digit| sum * 10 + digit);
    let known = match digits.len() {
        13 | 19 => prefix(1) == 4,
        14 => matches!(prefix(3), 300..=305 | 360..=369 | 380..=399),
        15 => matches!(prefix(2), 34 | 37),
        16 => {
            prefix(1) == 4
                || matches!(prefix(2), 51..=55 | 62 | 65)
                || matches!(prefix(3), 644..=649)
                || matches!(prefix(4), 2221..=2720 | 3528..=3589 | 6011)
        }
        _ => false,
    };
    let all_same = digits.windows(2).all(|pair| pair[0] == pair[1]);
    known && !all_same && luhn_sum(&digits).is_multiple_of(10)
}

/// The weighted sum of ISO/IEC 7812-1, annex B.
pub(crate) fn luhn_sum(digits: &[u32]) -> u32 {
    let weigh = |(index, digit): (usize, &u32)| match (index % 2 == 1, digit * 2) {
        (true, double) if double > 9 => double - 9,
        (true, double) => double,
        (false, _) => *digit,
    };
    digits.iter().rev().enumerate().map(weigh).sum()
}

/// How long the IBAN of a country is (ISO 13616 registry).
#[rustfmt::skip]
const IBAN_CHARS: [(&str, usize); 48] = [
    ("AD", 24), ("AE", 23), ("AL", 28), ("AT", 20), ("AZ", 28), ("BA", 20), ("BE", 16), ("BG", 22),
    ("BH", 22), ("BR", 29), ("CH", 21), ("CY", 28), ("CZ", 24), ("DE", 22), ("DK", 18), ("EE", 20),
    ("ES", 24), ("FI", 18), ("FO", 18), ("FR", 27), ("GB", 22), ("GE", 22), ("GI", 23), ("GL", 18),
    ("GR", 27), ("HR", 21), ("HU", 28), ("IE", 22), ("IL", 23), ("IS", 26), ("IT", 27), ("KW", 30),
    ("LB", 28), ("LI", 21), ("LT", 20), ("LU", 20), ("LV", 21), ("MC", 27), ("MT", 31), ("NL", 18),
    ("NO", 15), ("PL", 28), ("PT", 25), ("RO", 24), ("SA", 24), ("SE", 24), ("SI", 19), ("SK", 24),
];

fn is_iban(text: &str) -> bool {
    let plain: String = text.chars().filter(|character| *character != ' ').collect();
    let length = IBAN_CHARS.iter().find(|(country, _)| plain.starts_with(country)).map(|(_, length)| *length);
    length == Some(plain.len()) && iban_remainder(&plain) == 1
}

/// The number that an IBAN spells, modulo 97 (ISO 7064), its first four characters behind the others.
pub(crate) fn iban_remainder(iban: &str) -> u32 {
    let (head, account) = iban.split_at(iban.len().min(4));
    account
        .chars()
        .chain(head.chars())
        .filter_map(|character| character.to_digit(36))
        .fold(0, |rest, value| (rest * if value > 9 { 100 } else { 10 } + value) % 97)
}

fn is_phone(text: &str) -> bool {
    (8..=15).contains(&digits(text).len())
}

/// Whether all of a value that stands under a telephone's name reads like a number to call.
pub(in crate::redaction) fn reads_like_a_phone(value: &str) -> bool {
    let inner = value.trim();
    let in_number = |character: char| character.is_ascii_digit() || " +()-./".contains(character);
    !inner.is_empty() && inner.chars().all(in_number) && (7..=15).contains(&digits(inner).len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_digits_tell_cards_from_ids() {
        for card in ["4242 4242 4242 4242", "5555555555554444", "378282246310005", "6011-1111-1111-1117"] {
            assert!(is_card_number(card), "{card}");
        }
        for id in ["4242424242424241", "1234567812345670", "4444444444444444", "9999999999999995"] {
            assert!(!is_card_number(id), "{id}");
        }
    }

    #[test]
    fn ibans_have_a_country_a_length_and_a_check() {
        for iban in ["DE89 3704 0044 0532 0130 00", "GB82WEST12345698765432", "NO9386011117947"] {
            assert!(is_iban(iban), "{iban}");
        }
        for other in ["DE88370400440532013000", "XX89370400440532013000", "DE8937040044053201300"] {
            assert!(!is_iban(other), "{other}");
        }
    }
}
