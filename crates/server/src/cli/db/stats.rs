//! `relatch db stats`.

use relatch_store::{self as store, Stats, postgres, sqlite};
use serde_json::{Value, json};

use super::{
    super::{
        Failure, chain,
        output::{Output, table},
        place::{self, Place},
    },
    unusable,
};
use crate::{
    clock::{Clock as _, SystemClock},
    database::{Source, of_server},
};

/// What the ages of [`store::AGES`] are called, and the rest.
const AGES: [&str; store::AGES.len() + 1] = [
    "within a day",
    "1 to 7 days ago",
    "7 to 30 days ago",
    "before that",
];

pub(super) fn run(place: &Place, output: Output) -> Result<(), Failure> {
    let located = place.locate()?.must_exist()?;
    let (policy, now) = (&located.config.session, SystemClock.now());
    let stats = match &located.source {
        Source::Sqlite(options) => {
            sqlite::stats(options, policy, now).map_err(|error| unusable(&options.path, error))?
        }
        Source::Postgres(options) => place::runtime()?
            .block_on(postgres::stats(options, policy, now))
            .map_err(|error| chain(of_server(options, error)))?,
    };
    output.print(&shape(&stats), || {
        let rows = rows(&stats).into_iter();
        let rows: Vec<_> = rows
            .map(|(name, value)| [name, value.to_string()])
            .collect();
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

fn rows(stats: &Stats) -> Vec<(String, u64)> {
    let named = |name: &str, value| (name.to_owned(), value);
    let aged = |place: usize| {
        let name = AGES.get(place).copied().unwrap_or_default();
        let value = stats.live_by_age.get(place).copied().unwrap_or_default();
        (format!("  logged in {name}"), value)
    };
    let mut rows = vec![
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
        named("bytes of the database", stats.file_bytes),
    ];
    rows.extend(
        stats
            .log_bytes
            .map(|bytes| named("bytes of its write-ahead log", bytes)),
    );
    rows.push(named("bytes a session", per_session(stats).unwrap_or(0)));
    rows
}
