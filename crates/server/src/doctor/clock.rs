//! Whether the clock of this machine can be right, as far as the database and this program tell.

use std::time::Duration;

use relatch_core::Timestamp;

use super::Finding;
use crate::http::time;

/// Two who look at one clock may be so far apart.
const SLACK: Duration = Duration::from_secs(5);

/// 2026-01-01: no Relatch ran before.
const BEGINNING: Timestamp = Timestamp::from_seconds(1_767_225_600);

pub(super) fn check(newest_event: Option<Timestamp>, now: Timestamp) -> Option<Finding> {
    let mend = "Set the clock right and keep it so (`timedatectl set-ntp true`): tokens, sessions and certificates go by it.";
    if now < BEGINNING {
        return Some(Finding::fault(
            "clock.wrong",
            format!("It is {} here, when there was no Relatch yet.", time(now)),
            mend,
        ));
    }
    let event = newest_event?;
    (event > now.plus(SLACK)).then(|| {
        Finding::fault(
            "clock.back",
            format!(
                "It is {} here, and the newest event in the database is of {}: the clock was set back, or was ahead before.",
                time(now),
                time(event)
            ),
            mend,
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_wrong_if_the_database_knows_better() {
        let now = BEGINNING.plus(Duration::from_hours(1));
        let found = |event, now| check(event, now).map(|finding| finding.name);
        assert_eq!(found(None, now), None);
        assert_eq!(found(Some(now), now), None);
        assert_eq!(found(Some(now.plus(SLACK)), now), None);
        assert_eq!(found(Some(now.plus(SLACK * 2)), now), Some("clock.back"));
        assert_eq!(found(None, BEGINNING.minus(SLACK)), Some("clock.wrong"));
    }
}
