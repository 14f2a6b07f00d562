//! Which header fields say something that is the same on another day.

/// Fields that differ between any two recordings: dates and lengths, names of requests, connections and machines.
const INCIDENTAL: [&str; 33] = [
    "age",
    "alt-svc",
    "baggage",
    "cf-ray",
    "cf-cache-status",
    "connection",
    "content-length",
    "date",
    "etag",
    "expires",
    "host",
    "if-modified-since",
    "if-none-match",
    "keep-alive",
    "last-modified",
    "nel",
    "report-to",
    "request-id",
    "server-timing",
    "set-cookie",
    "traceparent",
    "tracestate",
    "transfer-encoding",
    "user-agent",
    "via",
    "x-amz-cf-id",
    "x-amzn-trace-id",
    "x-cache",
    "x-correlation-id",
    "x-github-request-id",
    "x-request-id",
    "x-runtime",
    "x-served-by",
];

/// Whether a field, in lower case, says nothing about what the other side means: what it is known for, or what counts
/// down a quota.
pub(super) fn is_incidental(name: &str) -> bool {
    INCIDENTAL.contains(&name)
        || ["ratelimit", "rate-limit"].iter().any(|quota| {
            name.contains(quota) && ["remaining", "reset", "used"].iter().any(|part| name.contains(part))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_the_same_on_another_day_counts() {
        for name in ["date", "x-request-id", "x-ratelimit-remaining", "x-rate-limit-reset", "host"] {
            assert!(is_incidental(name), "{name}");
        }
        for name in ["content-type", "x-ratelimit-limit", "link", "retry-after", "api-version"] {
            assert!(!is_incidental(name), "{name}");
        }
    }
}
