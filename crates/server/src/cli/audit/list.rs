//! `relatch audit list`.

use relatch_core::{Timestamp, event::EventQuery};
use serde_json::json;

use super::shape;
use crate::cli::{
    Failure,
    output::table,
    place::{Common, Opened},
    session, user, words,
};

/// What to look for; every part that is given must fit.
#[derive(clap::Args)]
pub(in crate::cli) struct Filter {
    /// About this user. A user who was deleted has his id alone.
    #[arg(long, value_name = "NAME|ID")]
    user: Option<String>,
    /// In this session.
    #[arg(long, value_name = "ID")]
    session: Option<String>,
    /// Of a name that begins so: `session.`, `key.compromised`.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Not earlier: a date (UTC), or a time such as 2026-11-20T08:00:00Z.
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Earlier than that.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// At most so many.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    /// Go on before this row: the one that the page before names at its end.
    #[arg(long, value_name = "NUMBER")]
    before: Option<i64>,
}

impl Filter {
    fn query(&self, opened: &Opened) -> Result<EventQuery, Failure> {
        let (user, session) = (self.user.as_deref(), self.session.as_deref());
        Ok(EventQuery {
            user: user.map(|user| user::id_of(opened, user)).transpose()?,
            session: session.map(session::parse).transpose()?,
            name: self.name.clone(),
            since: self.since.as_deref().map(moment).transpose()?,
            until: self.until.as_deref().map(moment).transpose()?,
            before: self.before,
            limit: self.limit,
        })
    }
}

pub(super) fn run(filter: &Filter, common: &Common) -> Result<(), Failure> {
    let opened = common.place.open()?;
    let query = filter.query(&opened)?;
    let rows = opened.wait(opened.store.search_events(query))?;
    let full = rows.len() >= filter.limit as usize;
    let next = rows.last().filter(|_| full).map(|row| row.number);
    let shown: Vec<_> = rows.iter().map(shape::row).collect();
    common
        .output
        .print(&json!({ "events": shown, "next": next }), || {
            if rows.is_empty() {
                return "Nothing.".to_owned();
            }
            let cells: Vec<_> = rows.iter().map(shape::cells).collect();
            let head = ["ROW", "WHEN", "WHAT", "USER", "SESSION", "FROM", "DETAIL"];
            let page = table(head, &cells);
            match next {
                Some(row) => format!("{page}\n\nThere may be more: --before {row}"),
                None => page,
            }
        });
    Ok(())
}

/// A date is its first moment in UTC.
fn moment(text: &str) -> Result<Timestamp, Failure> {
    let time = text.parse::<jiff::Timestamp>().ok().or_else(|| {
        let date: jiff::civil::Date = text.parse().ok()?;
        let midnight = date.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
        (text.len() == 10).then(|| midnight.timestamp())
    });
    let time = time.ok_or_else(|| {
        Failure::Usage(format!(
            "{} is no time: write a date such as 2026-11-20, or 2026-11-20T08:00:00Z",
            words::argument(text)
        ))
    })?;
    Ok(Timestamp::from_millis(time.as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_times_are_moments() {
        for (text, expected) in [
            ("2026-11-20", Some(1_795_132_800_000)),
            ("2026-11-20T08:00:00Z", Some(1_795_161_600_000)),
            ("2026-11-20T09:00:00.5+01:00", Some(1_795_161_600_500)),
            ("2026-11-20T08:00:00", None),
            ("2026-13-01", None),
            ("yesterday", None),
            ("", None),
        ] {
            let moment = moment(text).ok().map(Timestamp::as_millis);
            assert_eq!(moment, expected, "{text}");
        }
    }
}
