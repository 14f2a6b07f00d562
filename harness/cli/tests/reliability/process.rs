//! One process of the runtime: started with the words of its command line, spoken to over HTTP, ended by signals.
//!
//! It is ended by its id when it is dropped, whatever became of the test.

use crate::clock;
use crate::settings;
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::oneshot;

/// A process is up, or has ended, within this.
const START: Duration = Duration::from_secs(20);
/// So much of what it says is kept for a failing test.
const KEPT_LOG: usize = 4 * 1024;

/// How a process is started.
#[derive(Debug, Clone)]
pub(crate) struct Launch {
    data: PathBuf,
    before: Vec<OsString>,
    words: Vec<OsString>,
}

impl Launch {
    pub(crate) fn new(data: &Path) -> Self {
        Self { data: data.to_owned(), before: Vec::new(), words: Vec::new() }
    }

    /// One more option of `runtime serve`, with its value.
    pub(crate) fn with(mut self, option: &str, value: &str) -> Self {
        self.words.extend([option.into(), value.into()]);
        self
    }

    pub(crate) fn with_database(self, url: Option<&str>) -> Self {
        match url {
            Some(url) => self.with("--database", url),
            None => self,
        }
    }

    /// A program before it that becomes it (`nsenter`), or that leaves it our own child (`strace -D`).
    pub(crate) fn under(mut self, words: impl IntoIterator<Item = OsString>) -> Self {
        self.before.extend(words);
        self
    }

    /// Starts it and waits for its address.
    pub(crate) async fn start(&self) -> Process {
        match self.try_start().await {
            Ok(process) => process,
            Err(ended) => panic!("{self:?}: it ended before it was up: {ended}"),
        }
    }

    /// The same where it may end before it is up: a crash was asked for.
    pub(crate) async fn try_start(&self) -> Result<Process, String> {
        let mut words = self.before.clone();
        words.push(settings::program().into());
        words.extend(["runtime", "serve", "--listen", "127.0.0.1:0", "--data"].map(OsString::from));
        words.push(self.data.clone().into());
        words.extend(self.words.iter().cloned());
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).env("NO_COLOR", "1").stdin(Stdio::null());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let first_line = first_line(child.stdout.take().unwrap());
        let log = collected(child.stderr.take().unwrap());
        let mut process = Process { child, url: String::new(), log };
        let line = clock::within(START, first_line).await.unwrap_or_else(|| {
            panic!("{self:?}: not up within {START:?}: {}", process.log());
        });
        match line.ok().as_deref().and_then(|line| line.trim().strip_prefix("runtime at ")) {
            Some(url) => {
                process.url = url.to_owned();
                Ok(process)
            }
            None => {
                let status = process.ended(START).await;
                Err(format!("{status}: {}", process.log()))
            }
        }
    }
}

/// The first line that it prints, from a thread that goes on reading: a full pipe would stop the process.
fn first_line(out: impl Read + Send + 'static) -> oneshot::Receiver<String> {
    let (tell, told) = oneshot::channel();
    std::thread::spawn(move || {
        let mut out = BufReader::new(out);
        let mut line = String::new();
        if out.read_line(&mut line).is_ok_and(|read| read > 0) {
            let _ = tell.send(line);
        }
        let _ = std::io::copy(&mut out, &mut std::io::sink());
    });
    told
}

/// The end of what it says on standard error.
fn collected(err: impl Read + Send + 'static) -> Arc<Mutex<Vec<u8>>> {
    let kept = Arc::new(Mutex::new(Vec::new()));
    let keeps = Arc::clone(&kept);
    std::thread::spawn(move || {
        let mut err = err;
        let mut piece = [0; 4096];
        while let Ok(read @ 1..) = err.read(&mut piece) {
            let mut kept = keeps.lock().unwrap();
            kept.extend_from_slice(&piece[..read]);
            let surplus = kept.len().saturating_sub(KEPT_LOG);
            kept.drain(..surplus);
        }
    });
    kept
}

/// A process that runs.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    url: String,
    log: Arc<Mutex<Vec<u8>>>,
}

impl Process {
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The end of what it said.
    pub(crate) fn log(&self) -> String {
        String::from_utf8_lossy(&self.log.lock().unwrap()).into_owned()
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// SIGKILL: nothing of it runs any more when this returns.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGSTOP: it stands still in the middle of whatever it does.
    pub(crate) fn stop(&self) {
        self.signal("-STOP");
    }

    /// SIGCONT.
    pub(crate) fn go_on(&self) {
        self.signal("-CONT");
    }

    /// SIGTERM: it is asked to come to an end.
    pub(crate) fn terminate(&self) {
        self.signal("-TERM");
    }

    /// Waits until it has ended.
    pub(crate) async fn ended(&mut self, limit: Duration) -> ExitStatus {
        let Self { child, .. } = self;
        clock::wait_for("the process ends", limit, async || child.try_wait().unwrap()).await
    }

    fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::{collected, first_line};

    #[tokio::test]
    async fn the_first_line_is_handed_over_and_silence_is_told() {
        assert_eq!(
            first_line(&b"runtime at http://127.0.0.1:1\nmore\n"[..]).await.unwrap(),
            "runtime at http://127.0.0.1:1\n"
        );
        assert!(first_line(&b""[..]).await.is_err());
    }

    #[tokio::test]
    async fn the_end_of_the_log_is_kept() {
        let said = [vec![b'a'; 20_000], b"the end".to_vec()].concat();
        let kept = collected(std::io::Cursor::new(said));
        let whole = async || kept.lock().unwrap().ends_with(b"the end").then_some(());
        crate::clock::wait_for("it is read", std::time::Duration::from_secs(5), whole).await;
        assert_eq!(kept.lock().unwrap().len(), super::KEPT_LOG);
    }
}
