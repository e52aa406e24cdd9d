//! The end of serving: every connection is asked to finish, and waited for.

use tokio::sync::watch;

/// Asks them, and waits.
pub(super) struct Drain(watch::Sender<bool>);

/// What a connection holds as long as it is open.
pub(super) struct Open(watch::Receiver<bool>);

impl Drain {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    /// For a new connection.
    pub(super) fn open(&self) -> Open {
        Open(self.0.subscribe())
    }

    /// Done when every connection is closed.
    pub(super) async fn finish(&self) {
        self.0.send_replace(true);
        self.0.closed().await;
    }
}

impl Open {
    /// Done when the connection is to finish.
    pub(super) async fn told_to_finish(&mut self) {
        // That whoever asks is gone is as good as being asked.
        let _ = self.0.wait_for(|finish| *finish).await;
    }
}
