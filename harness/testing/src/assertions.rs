//! What a test says of the requests that came. A message tells what came instead, and what a misspelt name is near to.

use crate::stand_in::TestStandIn;
use counterpart_stand_in::{Provider, RequestSelector, Seen};

/// Requests that a message shows.
const MAX_SHOWN: usize = 30;

impl TestStandIn {
    /// The requests of a kind so far: an operation (`messages`), or method and path template (`GET /rooms/{id}`).
    ///
    /// # Panics
    /// Where the profile has no such operation.
    #[must_use]
    #[track_caller]
    pub fn requests_to(&self, selector: &str) -> Vec<Seen> {
        let selector = self.selector(selector);
        let mut seen = self.seen();
        seen.retain(|seen| selector.selects(&seen.operation, seen.method.as_str(), &seen.target));
        seen
    }

    /// So many requests of a kind came, those among them that a fault answered.
    ///
    /// # Panics
    /// Where it were more or fewer.
    #[track_caller]
    pub fn assert_requests(&self, selector: &str, count: usize) {
        let found = self.requests_to(selector).len();
        if found != count {
            self.fail(&format!("{found} request(s) to {selector}, expected {count}; {}", self.came()));
        }
    }

    /// No request of a kind came.
    ///
    /// # Panics
    /// Where one did.
    #[track_caller]
    pub fn assert_never(&self, selector: &str) {
        self.assert_requests(selector, 0);
    }

    /// Requests of these kinds came in this order; others may lie between them.
    ///
    /// # Panics
    /// Where they did not; the message names the first that is missing.
    #[track_caller]
    pub fn assert_order(&self, selectors: &[&str]) {
        let seen = self.seen();
        let mut rest = seen.iter();
        for (index, selector) in selectors.iter().enumerate() {
            let wanted = self.selector(selector);
            if !rest.any(|seen| wanted.selects(&seen.operation, seen.method.as_str(), &seen.target)) {
                let before = match index {
                    0 => "no request".to_owned(),
                    _ => format!("after {} no further request", selectors[..index].join(", ")),
                };
                self.fail(&format!("{before} came to {selector}; {}", self.came()));
            }
        }
    }

    /// Every recorded exchange was asked for.
    ///
    /// # Panics
    /// Where one was not: the message names it.
    #[track_caller]
    pub fn assert_all_used(&self) {
        let providers = self.stand_in.providers().iter();
        let unused: Vec<String> =
            providers.flat_map(Provider::unused_exchanges).map(|name| name.to_string()).collect();
        if !unused.is_empty() {
            self.fail(&format!("never asked for: {}; {}", unused.join(", "), self.came()));
        }
    }

    #[track_caller]
    fn selector(&self, text: &str) -> RequestSelector {
        let parsed = text.parse::<RequestSelector>();
        match parsed.and_then(|selector| selector.check(&self.profile).map(|()| selector)) {
            Ok(selector) => selector,
            Err(problem) => self.fail(&problem),
        }
    }

    /// What came, for a message.
    fn came(&self) -> String {
        let seen = self.seen();
        if seen.is_empty() {
            return format!("nothing came at all: is the code under test given {}?", self.base_url());
        }
        let mut text = format!("of {} that came:", seen.len());
        for one in seen.iter().take(MAX_SHOWN) {
            let status = one.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
            text.push_str(&format!("\n  {} {} -> {status} ({})", one.method, one.target, one.note));
        }
        if seen.len() > MAX_SHOWN {
            text.push_str(&format!("\n  and {} more", seen.len() - MAX_SHOWN));
        }
        text
    }
}
