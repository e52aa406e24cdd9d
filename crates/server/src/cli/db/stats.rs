//! `relatch db stats`.

use relatch_store::sqlite::{self, Stats};
use serde_json::{Value, json};

use super::{
    super::{
        Failure,
        output::{Output, table},
        place::Place,
    },
    unusable,
};
use crate::clock::{Clock as _, SystemClock};

/// What the ages of [`sqlite::AGES`] are called, and the rest.
const AGES: [&str; sqlite::AGES.len() + 1] = [
    "within a day",
    "1 to 7 days ago",
    "7 to 30 days ago",
    "before that",
];

pub(super) fn run(place: &Place, output: Output) -> Result<(), Failure> {
    let located = place.locate()?.must_exist()?;
    let (options, policy) = (&located.options, &located.config.session);
    let stats = sqlite::stats(options, policy, SystemClock.now())
        .map_err(|error| unusable(&options.path, error))?;
    output.print(&shape(&stats), || {
        let rows = rows(&stats).map(|(name, value)| [name, value.to_string()]);
        table(["WHAT", "HOW MANY"], &rows)
    });
    Ok(())
}

fn per_session(stats: &Stats) -> Option<u64> {
    stats.session_bytes.checked_div(stats.sessions())
}

fn shape(stats: &Stats) -> Value {
    let [day, week, month, older] = stats.live_by_age;
    json!({
        "users": stats.users,
        "users_disabled": stats.users_disabled,
        "sessions": {
            "live": stats.live,
            "run_out": stats.run_out,
            "ended": stats.ended,
            "live_by_age": { "day": day, "week": week, "month": month, "older": older },
        },
        "events": stats.events,
        "keys": stats.keys.records.len(),
        "file_bytes": stats.file_bytes,
        "log_bytes": stats.log_bytes,
        "session_bytes": stats.session_bytes,
        "bytes_per_session": per_session(stats),
    })
}

fn rows(stats: &Stats) -> [(String, u64); 14] {
    let named = |name: &str, value| (name.to_owned(), value);
    let aged = |place: usize| {
        let name = AGES.get(place).copied().unwrap_or_default();
        let value = stats.live_by_age.get(place).copied().unwrap_or_default();
        (format!("  logged in {name}"), value)
    };
    [
        named("users", stats.users),
        named("  disabled", stats.users_disabled),
        named("live sessions", stats.live),
        aged(0),
        aged(1),
        aged(2),
        aged(3),
        named("sessions that ran out", stats.run_out),
        named("sessions that were ended", stats.ended),
        named("security events", stats.events),
        named("keys", stats.keys.records.len() as u64),
        named("bytes of the file", stats.file_bytes),
        named("bytes of its write-ahead log", stats.log_bytes),
        named("bytes a session", per_session(stats).unwrap_or(0)),
    ]
}
