//! What is asked and answered: the same for every server.

/// So many requests that can be told apart, each with an answer of its own.
#[derive(Clone, Copy)]
pub struct Workload {
    /// How many.
    pub stubs: usize,
    /// POST told apart by its JSON body, instead of GET by its path.
    pub posts: bool,
}

impl Workload {
    /// Path and query of a request.
    #[must_use]
    pub fn path(self, stub: usize) -> String {
        if self.posts { "/search".to_owned() } else { format!("/items/{stub}") }
    }

    /// JSON of 1 KiB, as `benches/load.py` sends it.
    #[must_use]
    pub fn request_body(self, stub: usize) -> String {
        format!(r#"{{"query":{{"number":{stub},"expand":true}},"filler":"{}"}}"#, "x".repeat(970))
    }

    /// JSON of 500 bytes.
    #[must_use]
    pub fn answer_body(self, stub: usize) -> String {
        let head = format!(r#"{{"id":{stub},"name":"item","text":""#);
        format!("{head}{}\"}}", "y".repeat(498 - head.len()))
    }
}
