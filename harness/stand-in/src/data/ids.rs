//! Ids that look like the recorded ones and can be read backwards.
//!
//! Each id stands for a number. A record that was never made can so be found by its id alone, and a million of them
//! need no index. Knows nothing of records.

use counterpart_exchange::IdForm;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// Numbers that there are ids for beyond those that were asked for.
const SPARE: u64 = 1_000_000;
/// How often ids are made one place longer to keep them apart from the recorded ones.
const MAX_LENGTHENINGS: usize = 8;

/// Makes ids out of numbers, and gives the numbers back.
#[derive(Clone, Debug)]
pub(crate) struct Ids {
    form: Form,
    json: IdJson,
    /// The recorded ids that it was learnt from: none of them is made again.
    recorded: Vec<String>,
}

#[derive(Clone, Debug)]
enum Form {
    /// A prefix and a number that is counted on, at least so many digits wide.
    Counted { prefix: String, first: u64, width: usize },
    /// Characters of certain kinds: the last `spelling` of the free ones spell the number, the others its digest.
    Places { places: Vec<Place>, spelling: usize, salt: String },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Fixed(char),
    Of(&'static str),
}

/// How an id is spelled in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum IdJson {
    Number,
    Text,
}

const DIGITS: &str = "0123456789";
const HEX: &str = "0123456789abcdef";
const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";
const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const LETTERS_AND_DIGITS: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Version 4, variant 10 (RFC 9562 section 5.4); `x` is any hexadecimal digit, `v` one of the variant's.
const UUID: &str = "xxxxxxxx-xxxx-4xxx-vxxx-xxxxxxxxxxxx";

impl Ids {
    /// Learns from recorded ids; there is one for each number below `numbers`, and for many beyond.
    pub(crate) fn learn(form: &IdForm, recorded: &[Value], salt: &str, numbers: u64) -> Self {
        let texts: Vec<String> = recorded.iter().filter_map(text_of).collect();
        let from_one = || Form::Counted { prefix: String::new(), first: 1, width: 0 };
        let places = |places| Form::Places { places, spelling: 0, salt: salt.to_owned() };
        let made = match form {
            IdForm::AsRecorded if texts.is_empty() => from_one(),
            IdForm::AsRecorded => counted(&texts).unwrap_or_else(|| places(places_of(&texts))),
            IdForm::Integer => counted(&texts)
                .filter(|form| matches!(form, Form::Counted { prefix, .. } if prefix.is_empty()))
                .unwrap_or_else(from_one),
            IdForm::Uuid => places(uuid()),
            IdForm::Prefix { text, length } => {
                let behind = (0..*length).map(|_| Place::Of(LETTERS_AND_DIGITS));
                places(text.chars().map(Place::Fixed).chain(behind).collect())
            }
        };
        let is_number = match recorded.first() {
            Some(first) => first.is_number(),
            None => matches!(form, IdForm::Integer),
        };
        let json = match made {
            Form::Counted { .. } if is_number => IdJson::Number,
            _ => IdJson::Text,
        };
        let mut ids = Self { form: made, json, recorded: texts };
        ids.make_room(numbers);
        ids
    }

    /// Sees to it that there is an id for each number below this one and for many beyond, and that none was recorded.
    pub(crate) fn make_room(&mut self, numbers: u64) {
        let numbers = numbers.saturating_add(SPARE);
        self.spell_with_enough_places(numbers);
        for _ in 0..MAX_LENGTHENINGS {
            if !self.recorded.iter().any(|text| self.number_of(text).is_some()) {
                break;
            }
            if let Form::Places { places, .. } = &mut self.form {
                places.push(Place::Of(DIGITS));
            }
            self.spell_with_enough_places(numbers);
        }
    }

    fn spell_with_enough_places(&mut self, numbers: u64) {
        let Form::Places { places, spelling, .. } = &mut self.form else { return };
        let (mut room, mut count) = (1_u64, 0);
        for place in places.iter().rev() {
            if let (Place::Of(kind), true) = (place, room < numbers) {
                room = room.saturating_mul(kind.len() as u64);
                count += 1;
            }
        }
        while room < numbers {
            places.push(Place::Of(DIGITS));
            room = room.saturating_mul(10);
            count += 1;
        }
        *spelling = count;
    }

    /// The id of a number.
    pub(crate) fn make(&self, number: u64) -> String {
        let (places, spelling, salt) = match &self.form {
            Form::Counted { prefix, first, width } => {
                return format!("{prefix}{:0width$}", first.saturating_add(number), width = *width);
            }
            Form::Places { places, spelling, salt } => (places, *spelling, salt),
        };
        let digest = Sha256::digest(format!("{salt}\n{number}"));
        let mut bytes = digest.iter().cycle();
        let (mut rest, mut spelled) = (number, 0);
        let mut backwards: Vec<char> = Vec::with_capacity(places.len());
        for place in places.iter().rev() {
            backwards.push(match place {
                Place::Fixed(character) => *character,
                Place::Of(kind) if spelled < spelling => {
                    spelled += 1;
                    let at = rest % kind.len() as u64;
                    rest /= kind.len() as u64;
                    nth(kind, at)
                }
                Place::Of(kind) => {
                    nth(kind, u64::from(bytes.next().copied().unwrap_or(0)) % kind.len() as u64)
                }
            });
        }
        backwards.iter().rev().collect()
    }

    /// The number of an id, if it is one of these.
    pub(crate) fn number_of(&self, id: &str) -> Option<u64> {
        let number = match &self.form {
            Form::Counted { prefix, first, .. } => {
                id.strip_prefix(prefix.as_str())?.parse::<u64>().ok()?.checked_sub(*first)?
            }
            Form::Places { places, spelling, .. } => {
                let characters: Vec<char> = id.chars().collect();
                if characters.len() != places.len() {
                    return None;
                }
                let free =
                    places.iter().zip(&characters).rev().filter_map(|(place, character)| match place {
                        Place::Of(kind) => Some((*kind, *character)),
                        Place::Fixed(_) => None,
                    });
                let (mut number, mut weight) = (0_u64, 1_u64);
                for (kind, character) in free.take(*spelling) {
                    let digit = kind.find(character)? as u64;
                    number = number.saturating_add(digit.saturating_mul(weight));
                    weight = weight.saturating_mul(kind.len() as u64);
                }
                number
            }
        };
        (self.make(number) == id).then_some(number)
    }

    /// The id as JSON.
    pub(crate) fn json(&self, id: &str) -> Value {
        match (self.json, id.parse::<u64>()) {
            (IdJson::Number, Ok(number)) => number.into(),
            _ => id.into(),
        }
    }
}

/// An id as text: of a text, or of a whole number.
pub(crate) fn text_of(id: &Value) -> Option<String> {
    match id {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) if number.is_u64() => Some(number.to_string()),
        _ => None,
    }
}

/// Ids that are one prefix and a number each.
fn counted(texts: &[String]) -> Option<Form> {
    let cut = |text: &str| {
        let digits = text.len() - text.trim_end_matches(|c: char| c.is_ascii_digit()).len();
        let (prefix, number) = text.split_at(text.len() - digits);
        Some((prefix.to_owned(), number.parse::<u64>().ok()?, digits, number.starts_with('0')))
    };
    let all: Vec<_> = texts.iter().map(|text| cut(text)).collect::<Option<_>>()?;
    let (prefix, ..) = all.first()?;
    // One text with digits at its end may as well be random letters and digits: only what is short is counted.
    let is_plain = prefix.chars().filter(char::is_ascii_digit).count() == 0 && prefix.len() <= 8;
    if !is_plain || all.iter().any(|(other, ..)| other != prefix) {
        return None;
    }
    let largest = all.iter().map(|(_, number, ..)| *number).max()?;
    let width = all.iter().filter(|(.., padded)| *padded).map(|(_, _, digits, _)| *digits).max();
    let first = largest.checked_add(1).filter(|first| *first < u64::MAX / 2)?;
    Some(Form::Counted { prefix: prefix.clone(), first, width: width.unwrap_or(0) })
}

/// The places of ids that are no numbers: what all begin with is fixed, and what is neither letter nor digit.
fn places_of(texts: &[String]) -> Vec<Place> {
    let Some(model) = texts.first() else { return Vec::new() };
    if model.len() == UUID.len() && looks_like_uuid(model) {
        return uuid();
    }
    let shared = texts.iter().skip(1).fold(None, |shared: Option<usize>, text| {
        let same = model.chars().zip(text.chars()).take_while(|(a, b)| a == b).count();
        Some(shared.map_or(same, |shared| shared.min(same)))
    });
    let after_mark = model.chars().collect::<Vec<_>>().iter().rposition(|c| matches!(c, '_' | ':' | '/'));
    let fixed = shared.unwrap_or(0).max(after_mark.map_or(0, |at| at + 1));
    let is_hex = model.chars().skip(fixed).all(|c| HEX.contains(c));
    let place = |character: char| match character {
        c if is_hex && HEX.contains(c) => Place::Of(HEX),
        c if c.is_ascii_digit() => Place::Of(DIGITS),
        c if c.is_ascii_lowercase() => Place::Of(LOWER),
        c if c.is_ascii_uppercase() => Place::Of(UPPER),
        c => Place::Fixed(c),
    };
    model.chars().enumerate().map(|(at, c)| if at < fixed { Place::Fixed(c) } else { place(c) }).collect()
}

fn looks_like_uuid(text: &str) -> bool {
    text.chars().zip(UUID.chars()).all(|(found, form)| match form {
        '-' => found == '-',
        _ => found.is_ascii_hexdigit(),
    })
}

fn uuid() -> Vec<Place> {
    UUID.chars()
        .map(|form| match form {
            'x' => Place::Of(HEX),
            'v' => Place::Of("89ab"),
            fixed => Place::Fixed(fixed),
        })
        .collect()
}

fn nth(kind: &str, at: u64) -> char {
    usize::try_from(at).ok().and_then(|at| kind.as_bytes().get(at)).map_or('0', |byte| char::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn learnt(form: &IdForm, recorded: &[Value]) -> Ids {
        Ids::learn(form, recorded, "salt", 1_000_000)
    }

    #[test]
    fn ids_look_like_the_recorded_ones() {
        let first = |form, recorded: &[Value]| {
            let ids = learnt(&form, recorded);
            ids.json(&ids.make(0))
        };
        assert_eq!(first(IdForm::AsRecorded, &[json!(7), json!(12)]), json!(13));
        assert_eq!(first(IdForm::AsRecorded, &[json!("7")]), json!("8"));
        assert_eq!(first(IdForm::AsRecorded, &[json!("INV-0007")]), json!("INV-0008"));
        assert_eq!(first(IdForm::Integer, &[]), json!(1));
        let uuid = "0f8fad5b-d9cb-469f-a165-70867728950e";
        let made = first(IdForm::AsRecorded, &[json!(uuid)]);
        assert!(looks_like_uuid(made.as_str().unwrap()) && made != uuid, "{made}");
        let made = first(IdForm::AsRecorded, &[json!("cus_9s6XKzkNRiz8i3")]);
        let made = made.as_str().unwrap();
        assert!(made.starts_with("cus_") && made.len() == 18, "{made}");
        let made = first(IdForm::Prefix { text: "ch_".into(), length: 20 }, &[]);
        assert_eq!(made.as_str().map(|id| (id.len(), &id[..3])), Some((23, "ch_")));
    }

    proptest! {
        #[test]
        fn an_id_gives_its_number_back(
            recorded in proptest::collection::vec("[a-z]{0,3}[_-]?[a-zA-Z0-9]{1,12}", 1..4),
            numbers in proptest::collection::vec(0_u64..1_900_000, 2),
        ) {
            let recorded: Vec<Value> = recorded.into_iter().map(Value::from).collect();
            for form in [
                IdForm::AsRecorded,
                IdForm::Uuid,
                IdForm::Integer,
                IdForm::Prefix { text: "x_".into(), length: 3 },
            ] {
                let ids = learnt(&form, &recorded);
                for number in &numbers {
                    let id = ids.make(*number);
                    prop_assert_eq!(ids.number_of(&id), Some(*number), "{}", id);
                    prop_assert!(!recorded.contains(&Value::from(id.clone())), "{} was recorded", id);
                }
                prop_assert_eq!(ids.make(numbers[0]) == ids.make(numbers[1]), numbers[0] == numbers[1]);
            }
        }
    }
}
