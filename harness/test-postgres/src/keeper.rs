//! A server that is made of PostgreSQL's own programs, and is gone when this process is.
//!
//! A shell script keeps it ([`keeper.sh`](../src/keeper.sh)) and waits for the end of its input. The operating system
//! closes that pipe however this process ends, so a test that is killed leaves no server behind either.

use std::io::{BufRead, BufReader, PipeReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use tokio::net::TcpSocket;

const SCRIPT: &str = include_str!("keeper.sh");

/// A throwaway server.
#[derive(Debug)]
pub(crate) struct Keeper {
    conversation: Mutex<Conversation>,
    port: ReservedPort,
    password: String,
}

/// Orders and their answers, one after the other.
#[derive(Debug)]
struct Conversation {
    process: Child,
    /// Taken when the keeper is dropped: that it ends is the last order.
    orders: Option<ChildStdin>,
    answers: BufReader<PipeReader>,
}

/// What an order came to; `Err` holds what the server's log says.
type Answer = Result<(), String>;

impl Keeper {
    /// Makes a server and starts it.
    pub(crate) fn start(programs: &Path) -> Result<Self, String> {
        let told = |problem: std::io::Error| format!("a shell cannot be run: {problem}");
        let password = format!("{:016x}", crate::database::random());
        let mut conversation = Conversation::begin(programs).map_err(told)?;
        conversation.order(&password)?;
        let port = ReservedPort::any().map_err(|problem| format!("no free port: {problem}"))?;
        conversation.order(&format!("start {}", port.number))?;
        Ok(Self { conversation: Mutex::new(conversation), port, password })
    }

    /// Crashes the server.
    pub(crate) fn stop_immediate(&self) -> Answer {
        self.order("stop")
    }

    /// Starts it on the port that it had.
    pub(crate) fn start_again(&self) -> Answer {
        self.order(&format!("start {}", self.port.number))
    }

    pub(crate) fn port(&self) -> u16 {
        self.port.number
    }

    /// The URL of the database that is always there, and of a user that may do everything.
    pub(crate) fn url(&self) -> String {
        format!("postgres://counterpart:{}@127.0.0.1:{}/postgres", self.password, self.port.number)
    }

    fn order(&self, order: &str) -> Answer {
        self.conversation.lock().unwrap_or_else(PoisonError::into_inner).order(order)
    }
}

impl Conversation {
    fn begin(programs: &Path) -> std::io::Result<Self> {
        let (answers, their_end) = std::io::pipe()?;
        let mut command = shell()?;
        // PostgreSQL's own user may not be allowed to look into this folder.
        command.arg("keeper").arg(programs).current_dir("/");
        command.stdin(Stdio::piped()).stdout(their_end.try_clone()?).stderr(their_end);
        // What ends a test ends its process group: Ctrl-C, or a test runner whose patience is over.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut process = command.spawn()?;
        let orders = process.stdin.take();
        Ok(Self { process, orders, answers: BufReader::new(answers) })
    }

    fn order(&mut self, order: &str) -> Answer {
        let mut said = String::new();
        if let Some(orders) = &mut self.orders {
            // A shell that is gone is found out by its answer.
            let _ = writeln!(orders, "{order}");
        }
        for line in self.answers.by_ref().lines() {
            match line.unwrap_or_default().as_str() {
                "done" => return Ok(()),
                "failed" => break,
                line => said.extend([line, "\n"]),
            }
        }
        Err(said)
    }
}

impl Drop for Conversation {
    fn drop(&mut self) {
        drop(self.orders.take());
        let _ = self.process.wait();
    }
}

/// A shell that runs the script: as PostgreSQL's own user for root, whom PostgreSQL does not serve.
fn shell() -> std::io::Result<Command> {
    let mut command = if is_root()? {
        let mut command = Command::new("su");
        command.args(["-s", "/bin/sh", "postgres"]);
        command
    } else {
        Command::new("/bin/sh")
    };
    command.args(["-c", SCRIPT]);
    Ok(command)
}

fn is_root() -> std::io::Result<bool> {
    let id = Command::new("id").arg("-u").output()?;
    Ok(id.stdout.trim_ascii() == b"0")
}

/// A port that nobody else is given as long as this lives, whether or not the server listens on it.
#[derive(Debug)]
pub(crate) struct ReservedPort {
    pub(crate) number: u16,
    /// Bound, and never listening: Linux gives such a port to those alone who name it and are ready to share it, as
    /// PostgreSQL does. Elsewhere nobody could share it, so nothing is held.
    _held: Option<TcpSocket>,
}

impl ReservedPort {
    pub(crate) fn any() -> std::io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.set_reuseaddr(true)?;
        socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        let number = socket.local_addr()?.port();
        Ok(Self { number, _held: cfg!(target_os = "linux").then_some(socket) })
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use crate::missing::{self, OtherWay};
    use crate::programs;
    use crate::settings::Settings;
    use std::os::unix::fs::PermissionsExt;

    /// Binds as somebody else would who does not share.
    fn bind_alone(port: u16) -> std::io::Result<TcpSocket> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
        Ok(socket)
    }

    #[test]
    fn a_reserved_port_is_shared_with_a_server_and_with_nobody_else() {
        let reserved = ReservedPort::any().unwrap();
        assert_eq!(bind_alone(reserved.number).unwrap_err().kind(), std::io::ErrorKind::AddrInUse);
        // Like PostgreSQL, this asks to share the address.
        let server = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, reserved.number)).unwrap();
        drop(server);
        let number = reserved.number;
        assert!(bind_alone(number).is_err());
        drop(reserved);
        assert!(bind_alone(number).is_ok());
    }

    #[test]
    fn a_process_that_is_gone_before_the_answers_leaves_nothing() {
        let settings = Settings::of_this_process();
        let Some(programs) = programs::folder(&settings) else {
            let test = "a_process_that_is_gone_before_the_answers_leaves_nothing";
            return missing::tell(&settings, test, &[programs::looked_for(&settings)], &OtherWay::None);
        };
        let folder = tempfile::tempdir().unwrap();
        // It is PostgreSQL's own user who makes files in it.
        std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o777)).unwrap();
        let (answers, their_end) = std::io::pipe().unwrap();
        let mut command = shell().unwrap();
        command.arg("keeper").arg(programs).current_dir("/").env("TMPDIR", folder.path());
        let mut process =
            command.stdin(Stdio::piped()).stdout(their_end).stderr(Stdio::null()).spawn().unwrap();
        drop((answers, command));
        let mut orders = process.stdin.take().unwrap();
        writeln!(orders, "password\nstart {}", ReservedPort::any().unwrap().number).unwrap();
        drop(orders);
        process.wait().unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
