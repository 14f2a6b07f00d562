//! Other tools' recordings become a fixture: read, redacted, written, searched.
#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark that fails has nothing to measure")]

use counterpart_exchange::keep::{Destination, keep};
use counterpart_exchange::{Imported, Library, Provenance};
use counterpart_interchange::{Format, import};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

/// A HAR of so many exchanges: JSON of some 400 bytes, a token and an address in each.
fn har(exchanges: usize) -> String {
    let mut entries = String::new();
    for number in 0..exchanges {
        let comma = if number == 0 { "" } else { "," };
        let _ = write!(
            entries,
            r#"{comma}{{"startedDateTime":"2026-01-01T00:{:02}:{:02}.{:03}Z","time":12,"request":{{"method":"GET","url":"https://api.example.com/v1/customers/{number}?expand=orders","httpVersion":"HTTP/1.1","headers":[{{"name":"Authorization","value":"Bearer tok9fJ3kQ8vTn0WsZxP2"}},{{"name":"Accept","value":"application/json"}}],"queryString":[],"cookies":[],"headersSize":-1,"bodySize":0}},"response":{{"status":200,"statusText":"OK","httpVersion":"HTTP/1.1","headers":[{{"name":"Content-Type","value":"application/json"}},{{"name":"Date","value":"Thu, 01 Jan 2026 00:00:00 GMT"}}],"cookies":[],"content":{{"size":400,"mimeType":"application/json","text":"{{\"id\":{number},\"email\":\"person{number}@example.org\",\"name\":\"A name of a customer\",\"orders\":[{{\"id\":\"ord_{number}\",\"total\":\"12.50\",\"lines\":[{{\"sku\":\"A-1\",\"quantity\":2}},{{\"sku\":\"B-7\",\"quantity\":1}}]}}],\"created_at\":\"2026-01-01T00:00:00Z\",\"note\":\"left at the door, as always on a Thursday\"}}"}},"redirectURL":"","headersSize":-1,"bodySize":400}},"cache":{{}},"timings":{{"send":0,"wait":12,"receive":0}}}}"#,
            number / 60_000 % 60,
            number / 1_000 % 60,
            number % 1_000,
        );
    }
    format!(
        r#"{{"log":{{"version":"1.2","creator":{{"name":"bench","version":"1"}},"entries":[{entries}]}}}}"#
    )
}

fn importing(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("importing");
    group.sample_size(10).measurement_time(Duration::from_secs(10));
    for exchanges in [1_000, 10_000] {
        let har = har(exchanges);
        let read = || import(Format::Har, Path::new("bench.har"), har.as_bytes());
        group.bench_function(format!("reading a HAR, {exchanges} exchanges"), |bencher| bencher.iter(read));
        group.bench_function(format!("keeping as a fixture, {exchanges} exchanges"), |bencher| {
            bencher.iter_batched(
                || (tempfile::tempdir().unwrap(), read().unwrap().exchanges),
                |(folder, exchanges)| {
                    let library = Library::new(folder.path());
                    let destination = Destination::new(library, "bench/import".parse().unwrap()).unwrap();
                    let provenance =
                        Provenance::Imported(Imported { format: "har".into(), source: "bench.har".into() });
                    keep(exchanges, provenance, &destination, &[]).unwrap();
                    folder
                },
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, importing);
criterion_main!(benches);
