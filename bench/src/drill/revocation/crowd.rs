//! The resource servers: each with its own keys, connection and set of what is revoked, as a thousand services have them.

use std::net::SocketAddr;
use std::thread::sleep;
use std::time::{Duration, Instant};

use relatch_verify::{Feed, KeySource, ResourceServer, Verifier, VerifyError};
use tokio::runtime::{Builder, Runtime};

use crate::failure::{Doing, Failure, Result};

const ISSUER: &str = "http://relatch.test";

/// How long all of them may take to come, or to come back.
const PATIENCE: Duration = Duration::from_mins(2);

/// So recent is what a follower knows that is connected: heartbeats come every 2 seconds.
const FRESH: u64 = 4;

/// Followers, and the threads on which they read.
pub(super) struct Crowd {
    followers: Vec<ResourceServer>,
    _runtime: Runtime,
}

impl Crowd {
    /// So many, once all of them follow the feed at that address.
    ///
    /// # Errors
    /// Some never did.
    pub(super) fn gather(
        count: usize,
        issuer: SocketAddr,
        feed: SocketAddr,
        credential: &str,
    ) -> Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build();
        let runtime = runtime.doing("starting followers")?;
        let entered = runtime.enter();
        let follower = |_| {
            let feed = Feed::at(format!("http://{feed}/revocations")).credential(credential);
            let keys = KeySource::at(format!("http://{issuer}/.well-known/jwks.json"));
            let verifier = Verifier::new(ISSUER, ISSUER);
            let builder = ResourceServer::builder(verifier).follow(feed);
            let server = builder.fetch(keys);
            server.map_err(|error| Failure::Told(error.to_string()))
        };
        let followers = (0..count).map(follower).collect::<Result<_>>()?;
        drop(entered);
        let crowd = Self {
            followers,
            _runtime: runtime,
        };
        crowd.wait_until_fresh()?;
        Ok(crowd)
    }

    /// How many they are.
    pub(super) fn len(&self) -> f64 {
        f64::from(u32::try_from(self.followers.len()).unwrap_or(u32::MAX))
    }

    /// Waits until each has heard of the issuer just now.
    ///
    /// # Errors
    /// Some have not within two minutes.
    pub(super) fn wait_until_fresh(&self) -> Result<()> {
        let stale = |follower: &&ResourceServer| {
            follower
                .revocations_stale_for()
                .is_none_or(|seconds| seconds > FRESH)
        };
        let begun = Instant::now();
        loop {
            let count = self.followers.iter().filter(stale).count();
            if count == 0 {
                return Ok(());
            }
            if begun.elapsed() > PATIENCE {
                return Err(Failure::Told(format!("{count} followers hear nothing")));
            }
            sleep(Duration::from_millis(20));
        }
    }

    /// Each must take every one of these tokens: that it refuses them later means something then.
    ///
    /// # Errors
    /// One refuses.
    pub(super) fn must_accept<'a>(&self, tokens: impl Iterator<Item = &'a String>) -> Result<()> {
        for token in tokens {
            for follower in &self.followers {
                if let Err(error) = follower.check(token) {
                    return Err(Failure::Told(format!("a good token: {error}")));
                }
            }
        }
        Ok(())
    }

    /// Asks all of them, over and over, until each refuses; in milliseconds since `ended`, when each was first seen to.
    ///
    /// # Errors
    /// One never does, or refuses for another reason.
    pub(super) fn last_accepted(&self, token: &str, ended: Instant) -> Result<Vec<f64>> {
        let (mut millis, mut accepting) = (Vec::new(), self.followers.iter().collect::<Vec<_>>());
        while ended.elapsed() < PATIENCE {
            let mut still = Vec::with_capacity(accepting.len());
            for follower in accepting {
                match follower.check(token) {
                    Ok(_) => still.push(follower),
                    Err(VerifyError::Revoked) => {
                        millis.push(ended.elapsed().as_secs_f64() * 1_000.0);
                    }
                    Err(error) => return Err(Failure::Told(format!("an ended token: {error}"))),
                }
            }
            if still.is_empty() {
                return Ok(millis);
            }
            accepting = still;
            // The followers' own threads want the processor as well.
            sleep(Duration::from_micros(500));
        }
        Err(Failure::Told(format!(
            "{} followers never refused an ended session",
            accepting.len()
        )))
    }

    /// Waits until all of them refuse all of these; how many pairs of a follower and a token are left after two minutes.
    pub(super) fn wait_until_refused(&self, tokens: &[&String]) -> usize {
        let accepted = |follower: &ResourceServer| {
            let accepts = |token: &&&String| follower.check(token) != Err(VerifyError::Revoked);
            tokens.iter().filter(accepts).count()
        };
        let begun = Instant::now();
        loop {
            let left: usize = self.followers.iter().map(accepted).sum();
            if left == 0 || begun.elapsed() > PATIENCE {
                return left;
            }
            sleep(Duration::from_millis(50));
        }
    }
}
