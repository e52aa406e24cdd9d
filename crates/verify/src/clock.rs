//! Where a resource server reads the time. The one place in the crate that asks the machine for it.

use std::time::{SystemTime, UNIX_EPOCH};

/// Tells the time in seconds since 1970. A closure is one:
///
/// ```
/// use relatch_verify::Clock;
///
/// let fixed = || 1_800_000_000;
/// assert_eq!(fixed.now(), 1_800_000_000);
/// ```
pub trait Clock: Send + Sync {
    /// Now, in seconds since 1970.
    fn now(&self) -> i64;
}

impl<F: Fn() -> i64 + Send + Sync> Clock for F {
    fn now(&self) -> i64 {
        self()
    }
}

/// The machine's clock.
///
/// ```
/// use relatch_verify::{Clock, SystemClock};
///
/// assert!(SystemClock.now() > 1_700_000_000);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> i64 {
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the clock that the others are handed"
        )]
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
        // A clock before 1970 is wrong, and at 0 every token is one of the future.
        since_1970.map_or(0, |time| i64::try_from(time.as_secs()).unwrap_or(i64::MAX))
    }
}
