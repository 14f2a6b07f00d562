//! Who is heard: no page in a browser, whatever name it found for this machine.
//!
//! A page of a foreign site can make a browser send requests to any address. Under a name of its own that it points here
//! (DNS rebinding) it could even read the answers. The name stands in `Host`; a request across sites carries `Origin`.

use super::problem::Problem;
use http::request::Parts;
use std::net::IpAddr;

/// The names by which the control API may be called.
pub(super) struct Guard {
    listens_on: IpAddr,
    names: Vec<String>,
}

impl Guard {
    pub(super) fn new(listens_on: IpAddr, names: Vec<String>) -> Self {
        Self { listens_on, names }
    }

    /// Lets a request in, or says why not.
    pub(super) fn admit(&self, head: &Parts) -> Result<(), Problem> {
        let text = |name| head.headers.get(name).and_then(|value| value.to_str().ok());
        let hosts = head.headers.get_all(http::header::HOST).iter().count();
        let host = head.uri.authority().map(http::uri::Authority::as_str).or_else(|| text("host"));
        let Some(host) = host.filter(|_| hosts <= 1) else {
            return Err(Problem::new(400, "no_host").at("header Host").expected("one Host header field"));
        };
        if !self.is_own(host) {
            return Err(Problem::new(421, "foreign_host")
                .at("header Host")
                .found(host)
                .expected("the address where it listens, an address of the loopback, or localhost")
                .mend("call it by its address, or start it with --control-host NAME"));
        }
        if let Some(origin) = text("origin") {
            let is_own =
                origin.strip_prefix("http://").is_some_and(|origin| origin.eq_ignore_ascii_case(host));
            if !is_own {
                return Err(Problem::new(403, "foreign_origin")
                    .at("header Origin")
                    .found(origin)
                    .expected("no request from a page of another site")
                    .mend("call it from a program that is no browser"));
            }
        }
        Ok(())
    }

    fn is_own(&self, host: &str) -> bool {
        let name = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            _ => host,
        };
        let bare = name.trim_start_matches('[').trim_end_matches(']');
        if let Ok(address) = bare.parse::<IpAddr>() {
            return address.is_loopback() || address == self.listens_on;
        }
        name.eq_ignore_ascii_case("localhost") || self.names.iter().any(|own| own.eq_ignore_ascii_case(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admit(headers: &[(&str, &str)]) -> Result<(), (u16, String)> {
        let mut request = http::Request::get("/ready");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (head, ()) = request.body(()).unwrap().into_parts();
        let guard = Guard::new("10.1.2.3".parse().unwrap(), vec!["stand-in".to_owned()]);
        guard.admit(&head).map_err(|problem| {
            let (status, value) = problem.answer();
            (status, value["error"]["code"].as_str().unwrap().to_owned())
        })
    }

    #[test]
    fn own_names_are_heard_and_others_are_not() {
        for host in [
            "127.0.0.1:4000",
            "127.9.9.9",
            "[::1]:4000",
            "localhost",
            "LOCALHOST:4000",
            "10.1.2.3:4000",
            "stand-in:4000",
        ] {
            assert_eq!(admit(&[("host", host)]), Ok(()), "{host}");
        }
        for host in [
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example:4000",
            "10.1.2.4",
            "",
            "[",
            ":80",
        ] {
            assert_eq!(admit(&[("host", host)]), Err((421, "foreign_host".into())), "{host}");
        }
        assert_eq!(admit(&[]), Err((400, "no_host".into())));
        assert_eq!(admit(&[("host", "localhost"), ("host", "evil.example")]), Err((400, "no_host".into())));
    }

    #[test]
    fn a_page_of_another_site_is_not_heard() {
        for origin in ["https://evil.example", "null", "http://localhost:3000", "http://localhost:400"] {
            let refused = admit(&[("host", "localhost:4000"), ("origin", origin)]);
            assert_eq!(refused, Err((403, "foreign_origin".into())), "{origin}");
        }
        assert_eq!(admit(&[("host", "localhost:4000"), ("origin", "http://localhost:4000")]), Ok(()));
    }
}
