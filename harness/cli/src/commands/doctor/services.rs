//! What only some subjects need of this machine: a Docker engine, PostgreSQL, faketime.

use super::finding::Finding;
use super::machine::now;
use counterpart_subject::SubjectSpec;
use jiff::Timestamp;
use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A service on this machine that is silent for longer does not answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// What the first bytes of a connection to PostgreSQL ask: whether it speaks TLS. Any server of it answers S or N.
/// <https://www.postgresql.org/docs/current/protocol-message-formats.html> (SSLRequest)
const DO_YOU_SPEAK_TLS: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];
/// An engine whose clock differs by more has slept.
const SKEW_S: u64 = 5;

pub(super) fn looked(specs: &[(&str, SubjectSpec)]) -> Vec<Finding> {
    let containers = specs.iter().find(|(_, spec)| spec.launch.kind() == "container").map(|(name, _)| *name);
    let faked = specs
        .iter()
        .find(|(_, spec)| serde_json::to_value(spec.clock).is_ok_and(|clock| clock == "faketime"));
    vec![docker(containers), postgres(), faketime(faked.map(|(name, _)| *name))]
}

/// A Docker engine, or one that speaks as it does.
fn docker(needed_by: Option<&str>) -> Finding {
    let (place, answer) = ping();
    match (answer, needed_by) {
        (Some(answer), _) => match skew_s(&answer) {
            Some(skew_s) if skew_s > SKEW_S => Finding::warning(
                "docker",
                format!(
                    "an engine answers at {place}, but its clock differs from this machine's by {skew_s} s"
                ),
                "start the engine's virtual machine again; containers reject tokens and signatures otherwise",
            ),
            _ => Finding::ok("docker", format!("an engine answers at {place}")),
        },
        (None, Some(name)) => Finding::warning(
            "docker",
            format!("no engine answers at {place}: the scenarios of `{name}` are skipped"),
            "start Docker or Podman, or say with DOCKER_HOST where it is",
        ),
        (None, None) => Finding::ok(
            "docker",
            format!("no engine answers at {place}; only subjects of kind `container` need one"),
        ),
    }
}

/// Where an engine was looked for, and what it answered.
fn ping() -> (String, Option<String>) {
    let host = std::env::var("DOCKER_HOST").ok().filter(|host| !host.is_empty());
    if let Some(address) = host.as_ref().and_then(|host| host.strip_prefix("tcp://")) {
        return (address.to_owned(), connect(address).and_then(asked));
    }
    if let Some(other) = host.as_ref().filter(|host| !host.starts_with("unix://")) {
        return (other.clone(), None);
    }
    let sockets = match host.as_ref().and_then(|host| host.strip_prefix("unix://")) {
        Some(path) => vec![PathBuf::from(path)],
        None => usual_sockets(),
    };
    let found = sockets.iter().find_map(|path| Some((path.display().to_string(), ping_socket(path)?)));
    match found {
        Some((place, answer)) => (place, Some(answer)),
        None => (sockets.first().map(|path| path.display().to_string()).unwrap_or_default(), None),
    }
}

fn usual_sockets() -> Vec<PathBuf> {
    let below = |name: &str, path: &str| std::env::var_os(name).map(|folder| Path::new(&folder).join(path));
    let mut sockets = vec![PathBuf::from("/var/run/docker.sock")];
    sockets.extend(below("HOME", ".docker/run/docker.sock"));
    sockets.extend(below("XDG_RUNTIME_DIR", "docker.sock"));
    sockets.extend(below("XDG_RUNTIME_DIR", "podman/podman.sock"));
    sockets
}

#[cfg(unix)]
fn ping_socket(path: &Path) -> Option<String> {
    let stream = std::os::unix::net::UnixStream::connect(path).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    stream.set_write_timeout(Some(PATIENCE)).ok()?;
    asked(stream)
}

#[cfg(not(unix))]
fn ping_socket(_: &Path) -> Option<String> {
    None
}

fn connect(address: &str) -> Option<TcpStream> {
    let address = address.to_socket_addrs().ok()?.next()?;
    let stream = TcpStream::connect_timeout(&address, PATIENCE).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    stream.set_write_timeout(Some(PATIENCE)).ok()?;
    Some(stream)
}

/// The head of what an engine answers to a ping.
fn asked(mut stream: impl Read + Write) -> Option<String> {
    stream.write_all(b"GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n").ok()?;
    let mut answer = Vec::new();
    // An engine that keeps the connection open has answered all the same.
    let _ = stream.take(4_096).read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer).into_owned();
    answer.lines().next()?.contains(" 200 ").then_some(answer)
}

/// By how much the clock differs that an answer tells.
fn skew_s(answer: &str) -> Option<u64> {
    let date = answer.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("date").then(|| value.trim().to_owned())
    })?;
    let told: Timestamp = jiff::fmt::rfc2822::parse(&date).ok()?.timestamp();
    let now = Timestamp::try_from(now()).ok()?;
    Some(told.as_second().abs_diff(now.as_second()))
}

/// The database that `runtime serve` is told of. Its URL holds a password and is never shown.
fn postgres() -> Finding {
    const NAME: &str = "COUNTERPART_DATABASE_URL";
    let Some(url) = std::env::var(NAME).ok().filter(|url| !url.is_empty()) else {
        return Finding::ok(
            "postgres",
            format!("{NAME} is not set; only who names a database there needs one"),
        );
    };
    let address = url
        .parse::<http::Uri>()
        .ok()
        .and_then(|url| Some(format!("{}:{}", url.host()?, url.port_u16().unwrap_or(5_432))));
    let Some(address) = address else {
        let what = format!("{NAME} is no URL with a host");
        return Finding::problem("postgres", what, "postgres://user:password@host:port/name");
    };
    let speaks = connect(&address).and_then(|mut stream| {
        stream.write_all(&DO_YOU_SPEAK_TLS).ok()?;
        let mut answer = [0];
        stream.read_exact(&mut answer).ok()?;
        matches!(answer, [b'S' | b'N']).then_some(())
    });
    match speaks {
        Some(()) => Finding::ok("postgres", format!("a server answers at {address}")),
        None => Finding::problem(
            "postgres",
            format!("no PostgreSQL answers at {address}, which {NAME} names"),
            "start it, or mend the URL",
        ),
    }
}

pub(super) fn is_on_path(program: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(program).is_file()))
}

/// libfaketime, for subjects whose clock cannot be told otherwise.
fn faketime(needed_by: Option<&str>) -> Finding {
    match (is_on_path("faketime"), needed_by) {
        (true, _) => Finding::ok("faketime", "it is installed"),
        (false, Some(name)) => Finding::problem(
            "faketime",
            format!("it is not installed, and the clock of `{name}` is moved with it"),
            "apt-get install faketime, or brew install libfaketime",
        ),
        (false, None) => {
            Finding::ok("faketime", "it is not installed; only subjects with clock = \"faketime\" need it")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers what it was given, whatever it is asked.
    struct Said(std::io::Cursor<&'static str>);

    impl Read for Said {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            self.0.read(into)
        }
    }

    impl Write for Said {
        fn write(&mut self, from: &[u8]) -> std::io::Result<usize> {
            Ok(from.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn an_engine_is_one_that_answers_a_ping_and_tells_its_time() {
        let answer = |text| asked(Said(std::io::Cursor::new(text)));
        let sound = answer("HTTP/1.0 200 OK\r\nDate: Thu, 01 Jan 1970 00:00:10 GMT\r\n\r\nOK").unwrap();
        assert!(skew_s(&sound).is_some_and(|skew_s| skew_s > 1_000_000));
        assert_eq!(skew_s("HTTP/1.0 200 OK\r\n\r\n"), None);
        assert_eq!(answer("HTTP/1.0 500 Oops\r\n\r\n"), None);
        assert_eq!(answer("\u{0}\u{1}garbage"), None);
        assert_eq!(answer(""), None);
    }
}
