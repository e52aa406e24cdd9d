//! Whether any request runs on a connection. One of HTTP/2 has no other end, for hyper limits how long the head of a request may
//! take on HTTP/1.1 alone; and one of either version on which nothing runs need not be waited for.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// The requests of one connection.
#[derive(Clone)]
pub(super) struct Activity(Arc<Mutex<State>>);

struct State {
    running: usize,
    /// When the last one was done, or the connection opened.
    rests_since: Instant,
}

/// A request, for as long as it is held.
pub(super) struct Running(Activity);

impl Activity {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(State {
            running: 0,
            rests_since: Instant::now(),
        })))
    }

    pub(super) fn begin(&self) -> Running {
        self.state().running += 1;
        Running(self.clone())
    }

    /// Counts the rest from now on.
    pub(super) fn rest_from_now(&self) {
        self.state().rests_since = Instant::now();
    }

    /// Done when no request has run for so long.
    pub(super) async fn ceased(&self, longest: Duration) {
        while let Some(due) = self.due(longest) {
            tokio::time::sleep_until(due).await;
        }
    }

    /// When to look again; nothing if it has rested for so long.
    fn due(&self, longest: Duration) -> Option<Instant> {
        let (state, now) = (self.state(), Instant::now());
        let due = state.rests_since + longest;
        if state.running > 0 {
            Some(now + longest)
        } else {
            (now < due).then_some(due)
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.running -= 1;
        state.rests_since = Instant::now();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_connection_has_ceased_when_nothing_ran_for_so_long() {
        let activity = Activity::new();
        let longest = Duration::from_secs(10);
        let begun = Instant::now();
        let request = async {
            tokio::time::sleep(Duration::from_secs(4)).await;
            let running = activity.begin();
            let other = activity.begin();
            drop(other);
            tokio::time::sleep(Duration::from_secs(25)).await;
            drop(running);
        };
        tokio::join!(request, activity.ceased(longest));
        let took = begun.elapsed().as_secs();
        assert!((39..=49).contains(&took), "{took}");
    }
}
