//! The one place where these tests read the time and wait: what is proven happens between processes, in real time.

use std::future::Future;
use std::time::{Duration, Instant};

#[expect(clippy::disallowed_methods, reason = "other processes live in real time")]
pub(crate) async fn pause(span: Duration) {
    tokio::time::sleep(span).await;
}

/// What comes of it within the limit, or none.
#[expect(clippy::disallowed_methods, reason = "every wait for another process is bounded")]
pub(crate) async fn within<T>(limit: Duration, what: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(limit, what).await.ok()
}

/// When a delivery is signed.
#[expect(
    clippy::disallowed_methods,
    reason = "a signature carries the time, and the runtime has the real one"
)]
pub(crate) fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

/// How long something takes.
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    #[expect(clippy::disallowed_methods, reason = "a proof tells how long it took")]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// Asks again and again until the answer is there; ends the test if it is not within the limit.
pub(crate) async fn wait_for<T>(what: &str, limit: Duration, mut asked: impl AsyncFnMut() -> Option<T>) -> T {
    let watch = Stopwatch::start();
    loop {
        if let Some(answer) = asked().await {
            return answer;
        }
        assert!(watch.elapsed() < limit, "{what}: not within {limit:?}");
        pause(Duration::from_millis(5)).await;
    }
}
