//! What the failed logins of hours that are over become on record, whatever they were counted in.

use relatch_core::{
    Timestamp,
    event::{
        Event, EventKind, FailedLogins,
        failed_login::{MOST_USERS, Whose},
    },
    user::UserId,
};

use crate::shape::HOUR;

/// The failures of one user within one hour.
#[derive(Clone, Copy)]
pub(crate) struct Total {
    pub(crate) hour: i64,
    pub(crate) user: UserId,
    pub(crate) count: u64,
    pub(crate) networks: u64,
}

/// Those of each hour, which come together and with the most failures first: the users who get a row each, and the row that
/// the others share.
pub(crate) fn split(totals: &[Total], at: Timestamp) -> Vec<(&[Total], Option<Event>)> {
    totals
        .chunk_by(|one, other| one.hour == other.hour)
        .map(|of_hour| {
            let (foremost, others) = of_hour.split_at(of_hour.len().min(MOST_USERS));
            (foremost, of_others(others, at))
        })
        .collect()
}

/// The row of one user, with the networks from which most of it came.
pub(crate) fn of_user(total: &Total, foremost: Vec<(String, u64)>, at: Timestamp) -> Event {
    let whose = if total.user.0.is_nil() {
        Whose::UnknownNames
    } else {
        Whose::User
    };
    let failed = FailedLogins {
        hour: Timestamp::from_millis(total.hour * HOUR),
        whose,
        count: total.count,
        networks: total.networks,
        foremost,
    };
    let mut event = Event::of_store(EventKind::LoginsFailed(failed), at);
    event.user = total.user;
    event
}

fn of_others(others: &[Total], at: Timestamp) -> Option<Event> {
    let first = others.first()?;
    let failed = FailedLogins {
        hour: Timestamp::from_millis(first.hour * HOUR),
        whose: Whose::Others(others.len()),
        count: others.iter().map(|total| total.count).sum(),
        networks: others.iter().map(|total| total.networks).max().unwrap_or(0),
        foremost: Vec::new(),
    };
    Some(Event::of_store(EventKind::LoginsFailed(failed), at))
}
