//! The stand-in beside a bare hyper server and its peers, one request at a time over a kept-alive connection: what each
//! adds to the way there and back. `load.py` measures the same servers under load, where they are at their limit.
#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark that fails has nothing to measure")]

use counterpart_benches::{Server, Workload, tokio};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

/// A client that costs as little as a client can.
struct Client {
    out: TcpStream,
    answers: BufReader<TcpStream>,
    line: String,
    body: Vec<u8>,
}

impl Client {
    fn connect(address: SocketAddr) -> Self {
        let out = TcpStream::connect(address).unwrap();
        out.set_nodelay(true).unwrap();
        let answers = BufReader::new(out.try_clone().unwrap());
        Self { out, answers, line: String::new(), body: Vec::new() }
    }

    fn ask(&mut self, request: &[u8]) {
        self.out.write_all(request).unwrap();
        let mut length = 0;
        let mut is_first = true;
        loop {
            self.line.clear();
            self.answers.read_line(&mut self.line).unwrap();
            let line = self.line.trim_end();
            if is_first {
                assert_eq!(line, "HTTP/1.1 200 OK");
            } else if line.is_empty() {
                break;
            } else if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().unwrap();
            }
            is_first = false;
        }
        self.body.resize(length, 0);
        self.answers.read_exact(&mut self.body).unwrap();
    }
}

fn requests(workload: Workload) -> Vec<Vec<u8>> {
    let request = |stub: usize| {
        let path = workload.path(stub);
        if workload.posts {
            let body = workload.request_body(stub);
            let length = body.len();
            format!(
                "POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
            )
        } else {
            format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n")
        }
    };
    (0..workload.stubs).map(|stub| request(stub).into_bytes()).collect()
}

fn peers(criterion: &mut Criterion) {
    let tokio = tokio();
    for (name, workload, servers) in [
        ("GET, 1000 stubs", Workload { stubs: 1_000, posts: false }, &Server::ALL[..]),
        ("POST by its JSON, 1000 stubs", Workload { stubs: 1_000, posts: true }, &Server::ALL),
        ("GET, 100 stubs", Workload { stubs: 100, posts: false }, &[Server::Bare, Server::StandIn]),
        ("GET, 100000 stubs", Workload { stubs: 100_000, posts: false }, &[Server::Bare, Server::StandIn]),
    ] {
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Elements(1));
        let requests = requests(workload);
        for server in servers {
            let running = tokio.block_on(server.start(workload));
            let mut client = Client::connect(running.address);
            let mut at = 0;
            group.bench_function(BenchmarkId::from_parameter(server.name()), |bencher| {
                bencher.iter(|| {
                    // In an order that jumps about: neighbours would find each other's memory at hand.
                    at = (at + 7_919) % requests.len();
                    client.ask(&requests[at]);
                });
            });
        }
        group.finish();
    }
}

criterion_group!(benches, peers);
criterion_main!(benches);
