//! Any bytes as a request: the matcher neither panics nor contradicts itself.
#![no_main]

use counterpart_stand_in::fuzzing::Matcher;
use std::sync::{LazyLock, Mutex};

static MATCHER: LazyLock<Mutex<Matcher>> = LazyLock::new(Mutex::default);

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(mut matcher) = MATCHER.lock() {
        matcher.ask(bytes);
    }
});
