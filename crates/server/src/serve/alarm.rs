//! Time limits of one connection. Nearly every one of them is called off before it is up, so that a timer for each would be
//! set and cleared for nothing, under a lock that all threads share. Here one timer a connection stays where it is when a
//! limit is set anew, and looks at the limit when it goes off.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use hyper::rt;

/// Tells the task of one connection that a time is up. Its sleeps must all be waited for by that one task.
#[derive(Clone, Default)]
pub(crate) struct Alarm(Arc<Mutex<Option<Pin<Box<tokio::time::Sleep>>>>>);

impl Alarm {
    /// Waits until then.
    pub(crate) fn at(&self, end: Instant) -> Sleep {
        Sleep {
            alarm: self.clone(),
            end,
        }
    }

    /// Lets `work` run for so long; nothing if it did not end by then.
    pub(crate) async fn limit<T>(
        &self,
        most: Duration,
        work: impl Future<Output = T>,
    ) -> Option<T> {
        let sleep = self.at(now() + most);
        tokio::pin!(work, sleep);
        std::future::poll_fn(|context| match work.as_mut().poll(context) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending => sleep.as_mut().poll(context).map(|()| None),
        })
        .await
    }
}

/// By the clock that a test may hold still.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// Done when its time has come.
pub(crate) struct Sleep {
    alarm: Alarm,
    end: Instant,
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let end = self.end.into();
        let mut timer = self.alarm.0.lock().unwrap_or_else(PoisonError::into_inner);
        let timer = timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(end)));
        // An earlier time than is wanted costs one look more; a later one would be too late.
        if timer.deadline() > end {
            timer.as_mut().reset(end);
        }
        while timer.as_mut().poll(context).is_ready() {
            if timer.deadline() >= end {
                return Poll::Ready(());
            }
            timer.as_mut().reset(end);
        }
        Poll::Pending
    }
}

impl rt::Sleep for Sleep {}

impl rt::Timer for Alarm {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn rt::Sleep>> {
        Box::pin(self.at(now() + duration))
    }

    fn sleep_until(&self, end: Instant) -> Pin<Box<dyn rt::Sleep>> {
        Box::pin(self.at(end))
    }

    fn now(&self) -> Instant {
        now()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    async fn took(work: impl Future<Output = ()>) -> Duration {
        let begun = tokio::time::Instant::now();
        work.await;
        begun.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn each_limit_ends_when_it_is_due_and_not_when_an_older_one_was() {
        let alarm = Alarm::default();
        for seconds in [10, 3, 60, 1] {
            let due = SECOND * seconds;
            // Called off after a moment: its timer stays behind.
            assert_eq!(alarm.limit(due / 2, std::future::ready(7)).await, Some(7));
            let work = async {
                tokio::time::sleep(due / 4).await;
                8
            };
            assert_eq!(alarm.limit(due, work).await, Some(8));
            let waited = took(async {
                assert_eq!(alarm.limit(due, std::future::pending::<()>()).await, None);
            });
            let waited = waited.await;
            assert!(waited >= due && waited < due + SECOND / 10, "{waited:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn two_limits_of_one_task_do_not_disturb_each_other() {
        let alarm = Alarm::default();
        let begun = now();
        let (short, long) = (alarm.at(begun + SECOND), alarm.at(begun + 5 * SECOND));
        let short = took(short);
        let long = took(long);
        let (long, short) = tokio::join!(long, short);
        assert_eq!((short.as_secs(), long.as_secs()), (1, 5));
    }
}
