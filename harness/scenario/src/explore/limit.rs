//! When exploring ends: it is told to stop, or its budget is used up. What is under way then is dropped, and with it the
//! programs that it started end.

use counterpart_subject::Stopwatch;
use std::time::Duration;
use tokio::sync::watch;

/// So long what is under way may go on when the budget is used up.
const OVERTIME: Duration = Duration::from_secs(5);

/// What ends an exploration from outside.
#[derive(Clone)]
pub(super) struct Limit {
    pub(super) told: watch::Receiver<bool>,
    pub(super) clock: Stopwatch,
    pub(super) budget: Option<Duration>,
}

impl Limit {
    pub(super) fn is_told(&self) -> bool {
        *self.told.borrow()
    }

    /// Whether nothing more may begin.
    pub(super) fn is_over(&self) -> bool {
        self.is_told() || self.budget.is_some_and(|budget| self.clock.elapsed() >= budget)
    }

    /// Whether what is under way may not go on either.
    pub(super) fn is_past_overtime(&self) -> bool {
        self.is_told() || self.left().is_some_and(|left| left.is_zero())
    }

    fn left(&self) -> Option<Duration> {
        Some((self.budget? + OVERTIME).saturating_sub(self.clock.elapsed()))
    }

    /// What comes of some work; nothing where it is told to stop, or the budget and some overtime are used up before.
    pub(super) async fn until_over<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        if self.is_past_overtime() {
            return None;
        }
        let Some(left) = self.left() else { return self.until_told(work).await };
        within(left, self.until_told(work)).await.flatten()
    }

    /// What comes of some work; nothing where it is told to stop before.
    pub(super) async fn until_told<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut told = self.told.clone();
        let told = async move {
            // Whoever could tell is gone: nobody will.
            if told.wait_for(|told| *told).await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            biased;
            () = told => None,
            done = work => Some(done),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a budget is real time, and the subject may live in it")]
async fn within<T>(longest: Duration, work: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(longest, work).await.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(budget: Option<Duration>) -> (watch::Sender<bool>, Limit) {
        let (tell, told) = watch::channel(false);
        (tell, Limit { told, clock: Stopwatch::start(), budget })
    }

    #[tokio::test]
    async fn who_is_told_to_stop_drops_what_never_ends() {
        let (tell, limit) = limit(None);
        assert_eq!(limit.until_over(async { 7 }).await, Some(7));
        let (ended, ()) = tokio::join!(limit.until_over(std::future::pending::<()>()), async {
            tell.send_replace(true);
        });
        assert_eq!(ended, None);
        assert!(limit.is_over() && limit.is_past_overtime());
        assert_eq!(limit.until_told(std::future::pending::<()>()).await, None);
    }

    #[tokio::test]
    async fn a_budget_ends_what_is_new_at_once_and_the_rest_a_little_later() {
        let (_tell, limit) = limit(Some(Duration::ZERO));
        assert!(limit.is_over() && !limit.is_past_overtime());
        assert_eq!(limit.until_over(async { 7 }).await, Some(7), "what is under way may end");
        let (_tell, endless) = self::limit(None);
        assert!(!endless.is_over());
    }
}
