//! Which path template a request belongs to: the profile's, else one guessed from the path.
//!
//! Paths are compared by their form, with the names of variables left out: OpenAPI takes two
//! templates that differ by those names alone for the same path (3.1, 4.8.8).

use crate::infer::identifier::looks_like_id;
use counterpart_exchange::{OperationTemplate, ProviderProfile, RequestTarget};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use std::collections::BTreeMap;

/// What a fixed segment cannot hold as it is: braces would be variables, the rest ends a segment.
const SEGMENT_SET: &AsciiSet =
    &CONTROLS.add(b' ').add(b'%').add(b'/').add(b'?').add(b'#').add(b'{').add(b'}').add(b'"').add(b'`');

/// A path template without the names of its variables: `None` is a variable segment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PathForm(Vec<Option<String>>);

impl PathForm {
    /// The form of a request's path.
    pub(crate) fn of_request(profile: &ProviderProfile, method: &str, target: &str) -> Self {
        if let Some(fitting) = profile.template_of(method, target) {
            return Self::of_template(fitting.template);
        }
        // What another method is known to do to a path tells its variables as well.
        let cut = RequestTarget::of(target);
        let of_another_method = profile
            .operations
            .values()
            .filter(|template| template.matches(&template.method, cut).is_some())
            .max_by_key(|template| template.specificity());
        if let Some(template) = of_another_method {
            return Self::of_template(template);
        }
        Self(cut.segments().map(|segment| (!looks_like_id(&segment)).then(|| segment.into_owned())).collect())
    }

    pub(crate) fn of_template(template: &OperationTemplate) -> Self {
        let mut variables = template.variables().peekable();
        let segments = template.path.trim_start_matches('/').split('/');
        Self(
            segments
                .map(|segment| match variables.peek() {
                    Some(name) if segment == format!("{{{name}}}") => {
                        variables.next();
                        None
                    }
                    // A template's fixed segment is compared with a decoded one: it is decoded already.
                    _ => Some(segment.to_owned()),
                })
                .collect(),
        )
    }

    /// The path with its variables named, and those names in order.
    pub(crate) fn named(&self, profile: &ProviderProfile) -> (String, Vec<String>) {
        let names =
            profile.operations.values().find(|template| Self::of_template(template) == *self).map_or_else(
                || self.guessed_names(),
                |template| template.variables().map(str::to_owned).collect(),
            );
        let names = distinct(names);
        let mut next = names.iter();
        let path: String = self
            .0
            .iter()
            .map(|segment| match segment {
                Some(fixed) => format!("/{}", utf8_percent_encode(fixed, SEGMENT_SET)),
                None => format!("/{{{}}}", next.next().map_or("id", String::as_str)),
            })
            .collect();
        (path, names)
    }

    /// `/users/{user_id}/posts/{post_id}`: a variable is named after the fixed segment before it.
    fn guessed_names(&self) -> Vec<String> {
        let mut names = Vec::new();
        let mut before = "";
        for segment in &self.0 {
            match segment {
                Some(fixed) => before = fixed,
                None => names.push(guessed_name(before)),
            }
        }
        names
    }

    /// The words that name an operation on this path: `users-user_id-posts`.
    pub(crate) fn words(&self, names: &[String]) -> Vec<String> {
        let mut next = names.iter();
        self.0
            .iter()
            .filter_map(|segment| match segment {
                Some(fixed) => Some(fixed.chars().filter(char::is_ascii_alphanumeric).collect::<String>()),
                None => next.next().cloned(),
            })
            .filter(|word| !word.is_empty())
            .collect()
    }
}

fn guessed_name(before: &str) -> String {
    let word: String = before
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '_')
        .collect::<String>()
        .to_ascii_lowercase();
    let one = word.strip_suffix('s').filter(|one| !one.ends_with('s')).unwrap_or(&word);
    if one.is_empty() { "id".to_owned() } else { format!("{one}_id") }
}

/// The same names, numbered where one comes twice: a path cannot have two variables of one name.
fn distinct(names: Vec<String>) -> Vec<String> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    names
        .into_iter()
        .map(|name| {
            let count = seen.entry(name.clone()).or_default();
            *count += 1;
            if *count == 1 { name } else { format!("{name}_{count}") }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(operations: &[(&str, &str)]) -> ProviderProfile {
        let mut profile = ProviderProfile::unknown("any");
        for (name, template) in operations {
            profile
                .operations
                .insert(counterpart_exchange::OperationName((*name).to_owned()), template.parse().unwrap());
        }
        profile
    }

    fn path_of(profile: &ProviderProfile, method: &str, target: &str) -> String {
        PathForm::of_request(profile, method, target).named(profile).0
    }

    #[test]
    fn the_profile_names_a_path_for_every_method() {
        let profile = profile(&[("room", "GET /rooms/{room}"), ("leave", "POST /rooms/{id}/leave")]);
        assert_eq!(path_of(&profile, "GET", "/rooms/general?x=1"), "/rooms/{room}");
        assert_eq!(path_of(&profile, "DELETE", "/rooms/general"), "/rooms/{room}");
        assert_eq!(path_of(&profile, "POST", "/rooms/general/leave"), "/rooms/{id}/leave");
    }

    #[test]
    fn ids_in_other_paths_become_variables() {
        let none = profile(&[]);
        assert_eq!(path_of(&none, "GET", "/v1/users/42/posts/7?x=1"), "/v1/users/{user_id}/posts/{post_id}");
        assert_eq!(path_of(&none, "GET", "/items/1/items/2"), "/items/{item_id}/items/{item_id_2}");
        assert_eq!(path_of(&none, "GET", "/42"), "/{id}");
        assert_eq!(path_of(&none, "GET", "/address/42"), "/address/{address_id}");
        assert_eq!(path_of(&none, "GET", "/a%7Bb/%63"), "/a%7Bb/c");
        assert_eq!(path_of(&none, "OPTIONS", "*"), "/*");
        assert_eq!(path_of(&none, "GET", "/"), "/");
    }
}
