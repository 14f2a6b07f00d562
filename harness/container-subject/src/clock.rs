//! Real time, which is all that a container that is to start knows.

use std::time::Duration;

/// Lets a little of it pass.
#[expect(clippy::disallowed_methods, reason = "a container can only be looked at again")]
pub(crate) async fn pause(duration: Duration) {
    tokio::time::sleep(duration).await;
}

/// What a future comes to, unless so much time passes before.
#[expect(clippy::disallowed_methods, reason = "whoever starts a container waits for it in real time")]
pub(crate) async fn within<T>(duration: Duration, work: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(duration, work).await.ok()
}
