//! Users as a list, and one of them closely.

use relatch_core::{
    Store,
    event::EventRow,
    user::{User, Username, store::UserQuery},
};
use serde_json::{Value, json};

use super::{Common, Named, find};
use crate::{
    cli::{Failure, output::table, session, words},
    http::{describe_username, time},
};

pub(super) fn list(
    search: Option<&str>,
    limit: u32,
    after: Option<&str>,
    common: &Common,
) -> Result<(), Failure> {
    let after = after.map(Username::parse).transpose();
    let after = after.map_err(|fault| format!("--after: {}", describe_username(fault).1))?;
    let opened = common.place.open()?;
    let search = search.map(str::to_owned);
    let query = UserQuery {
        search,
        after,
        limit,
    };
    let users = opened.wait(opened.store.list_users(query))?;
    let full = users.len() >= limit as usize;
    let next = users
        .last()
        .filter(|_| full)
        .map(|user| user.username.to_string());
    let shown: Vec<_> = users.iter().map(shape).collect();
    common
        .output
        .print(&json!({ "users": shown, "next": next }), || {
            if users.is_empty() {
                return "Nobody.".to_owned();
            }
            let rows: Vec<_> = users.iter().map(row).collect();
            let page = table(["NAME", "STATE", "E-MAIL", "SINCE", "ID"], &rows);
            match &next {
                Some(name) => format!("{page}\n\nThere may be more: --after {name}"),
                None => page,
            }
        });
    Ok(())
}

fn row(user: &User) -> [String; 5] {
    [
        user.username.to_string(),
        user.state.name().to_owned(),
        words::foreign(user.email.as_str()),
        words::moment(user.created_at),
        user.id.to_string(),
    ]
}

pub(in crate::cli) fn shape(user: &User) -> Value {
    json!({
        "id": user.id.0,
        "username": user.username.as_str(),
        "email": user.email.as_str(),
        "state": user.state.name(),
        "created_at": time(user.created_at),
    })
}

/// How far back failed logins are told.
const RECENTLY: std::time::Duration = std::time::Duration::from_hours(24);

pub(super) fn show(named: &Named) -> Result<(), Failure> {
    let opened = named.common.place.open()?;
    let (user, now) = (find(&opened, &named.user)?, opened.now());
    let store: &dyn Store = opened.store.as_ref();
    let (sessions, events, failed) = opened.wait(async {
        let mut sessions = store.list_sessions(user.id).await?;
        sessions.retain(|session| !session.is_over(&opened.config.session, now));
        let events = store.list_events(user.id, 10).await?;
        let failed = store
            .failed_logins(Some(user.id), now.minus(RECENTLY))
            .await?;
        Ok::<_, relatch_core::StoreError>((sessions.len(), events, failed))
    })?;
    let told: Vec<_> = events
        .iter()
        .map(|event| json!({ "at": time(event.at), "event": event.name, "session": event.session.map(|id| id.0), "address": event.address, "agent": event.agent, "detail": event.detail }))
        .collect();
    let value = json!({
        "user": shape(&user),
        "live_sessions": sessions,
        "failed_logins_within_a_day": failed,
        "events": told,
    });
    named.common.output.print(&value, || {
        let rows: Vec<_> = events.iter().map(event_row).collect();
        let recent = table(["WHEN", "WHAT", "SESSION", "FROM"], &rows);
        format!(
            "{}, {}, {}\n  id             {}\n  since          {}\n  live sessions  {sessions}\n  failed logins  {failed} within a day\n\n{recent}\n\n\
             `relatch session list --user {}` lists the sessions, `relatch session explain ID` tells what happened to one.",
            user.username,
            user.state.name(),
            words::foreign(user.email.as_str()),
            user.id,
            words::when(user.created_at, now),
            user.username,
        )
    });
    Ok(())
}

fn event_row(event: &EventRow) -> [String; 4] {
    [
        words::moment(event.at),
        event.name.clone(),
        event.session.map_or_else(String::new, |id| id.to_string()),
        session::origin(event),
    ]
}
