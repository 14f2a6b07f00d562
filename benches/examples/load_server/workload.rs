//! What is asked and answered: the same for every server.

/// So many requests that can be told apart, each with an answer of its own.
#[derive(Clone, Copy)]
pub(crate) struct Workload {
    pub(crate) stubs: usize,
    /// POST told apart by its JSON body, instead of GET by its path.
    pub(crate) posts: bool,
}

impl Workload {
    pub(crate) fn path(self, stub: usize) -> String {
        if self.posts { "/search".to_owned() } else { format!("/items/{stub}") }
    }

    /// JSON of 1 KiB, as `benches/load.py` sends it.
    pub(crate) fn request_body(self, stub: usize) -> String {
        format!(r#"{{"query":{{"number":{stub},"expand":true}},"filler":"{}"}}"#, "x".repeat(970))
    }

    /// JSON of 500 bytes.
    pub(crate) fn answer_body(self, stub: usize) -> String {
        let head = format!(r#"{{"id":{stub},"name":"item","text":""#);
        format!("{head}{}\"}}", "y".repeat(498 - head.len()))
    }
}
