//! The time here, and what is known of the server's. The one place in the crate that asks the machine for it.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use http::HeaderMap;
use http::header::DATE;

/// Clocks that differ by less are right: `Date` has whole seconds, and answers take their time.
const TOLERATED: i64 = 2_000;

/// Tells the time in milliseconds since 1970; a closure is one.
///
/// It should go on while the machine sleeps, so that a laptop that wakes up knows that its access token is old.
pub trait Clock: Send + Sync {
    /// Now, in milliseconds since 1970.
    fn now(&self) -> i64;
}

impl<F: Fn() -> i64 + Send + Sync> Clock for F {
    fn now(&self) -> i64 {
        self()
    }
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> i64 {
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the clock that the others are handed"
        )]
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
        since_1970.map_or(0, |time| millis(time.as_millis()))
    }
}

/// By how much the server's clock is ahead of this one, as its last answer showed.
#[derive(Debug, Default)]
pub(crate) struct Skew(AtomicI64);

impl Skew {
    /// Learns from an answer that came now. Proofs alone go by it: how long a token lives is told in seconds and not as a time.
    pub(crate) fn learn(&self, headers: &HeaderMap, now: i64) {
        if let Some(server) = date(headers) {
            let ahead = server - now;
            let ahead = if ahead.abs() < TOLERATED { 0 } else { ahead };
            self.0.store(ahead, Ordering::Relaxed);
        }
    }

    /// The server's time in seconds since 1970.
    pub(crate) fn server_seconds(&self, now: i64) -> i64 {
        (now + self.0.load(Ordering::Relaxed)).div_euclid(1_000)
    }
}

/// In the middle of the second that `Date` names.
fn date(headers: &HeaderMap) -> Option<i64> {
    let date = headers.get(DATE)?.to_str().ok()?;
    let date = httpdate::parse_http_date(date).ok()?;
    let since_1970 = date.duration_since(UNIX_EPOCH).ok()?;
    Some(millis(since_1970.as_millis()) + 500)
}

fn millis(millis: u128) -> i64 {
    i64::try_from(millis).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learned(date: &str, now: i64) -> i64 {
        let mut headers = HeaderMap::new();
        headers.insert(DATE, date.parse().expect("a header"));
        let skew = Skew::default();
        skew.learn(&headers, now);
        skew.server_seconds(now)
    }

    #[test]
    fn a_clock_that_is_wrong_is_known_by_the_servers_date() {
        // 1 800 000 000 is Friday, 15 January 2027, 08:00:00.
        let date = "Fri, 15 Jan 2027 08:00:00 GMT";
        let right = 1_800_000_000_000;
        for wrong in [-7_200_000, -10_000, -3_000, 3_000, 86_400_000] {
            assert_eq!(learned(date, right + wrong), 1_800_000_000, "{wrong}");
        }
        for near in [-1_000, 0, 400, 2_000] {
            let here = right + near;
            assert_eq!(learned(date, here), here.div_euclid(1_000), "{near}");
        }
        for nothing in ["", "soon", "1800000000"] {
            assert_eq!(learned(nothing, 5_000), 5, "{nothing}");
        }
    }
}
