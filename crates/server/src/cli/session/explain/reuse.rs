//! A spent refresh token that came again: by whom, how late, and what it most likely was.

use relatch_core::{
    event::EventRow,
    session::{Ended, Policy, Session, store::History},
};

use super::timeline::numbers;
use crate::cli::{
    session::origin,
    words::{foreign, span},
};

/// The event as a sentence.
pub(super) fn sentence(event: &EventRow, history: &History) -> String {
    let from = origin(event);
    let spent = history
        .session
        .as_ref()
        .and_then(|session| spent(event, session));
    let spent = spent.unwrap_or_else(|| "spent before".to_owned());
    let numbers = numbers(event).map_or_else(String::new, |(presented, newest)| {
        format!(" It was generation {presented}, and {newest} was the newest.")
    });
    format!(
        "A refresh token that had been {spent} was used again by {from}: two parties held it.{numbers}"
    )
}

/// Since when the token had been spent. The row knows when the newest was issued: the one before was spent then, an older
/// one earlier.
fn spent(event: &EventRow, session: &Session) -> Option<String> {
    let (presented, newest) = numbers(event)?;
    if newest != u64::from(session.life.generation.0) {
        return None;
    }
    let pause = span(event.at.since(session.life.rotated_at));
    Some(if presented + 1 == newest {
        format!("spent {pause} before")
    } else {
        format!("spent more than {pause} before")
    })
}

/// What the record says of both parties, and what it most likely was.
pub(super) fn told(history: &History, ended: Ended, policy: &Policy) -> (Vec<String>, Vec<String>) {
    let named = |event: &&EventRow| event.name == "session.reuse_detected" && event.at == ended.at;
    let Some(event) = history.events.iter().find(named) else {
        return elsewhere(history);
    };
    let began = history.events.iter().find(|event| {
        matches!(
            event.name.as_str(),
            "session.opened" | "user.registered" | "password.changed"
        )
    });
    let same = began.map(|began| (began.address == event.address, began.agent == event.agent));
    let why = began.map(|began| compared(began, event));
    (
        why.into_iter().collect(),
        vec![likely(history, event, same, policy)],
    )
}

fn compared(began: &EventRow, event: &EventRow) -> String {
    let agent = |event: &EventRow| {
        let agent = event.agent.as_deref().unwrap_or("nothing");
        foreign(agent)
    };
    let address = match (&began.address, &event.address) {
        (Some(a), Some(b)) if a == b => {
            format!("The session began from the same address, {a}")
        }
        (Some(a), _) => format!("The session began from another address, {a}"),
        (None, _) => "The address from which the session began is not on record".to_owned(),
    };
    if began.agent == event.agent {
        format!("{address}, and the same program ({}).", agent(event))
    } else {
        format!(
            "{address}, and another program: {} then, {} now.",
            agent(began),
            agent(event)
        )
    }
}

/// The one before the newest, soon after, from the same place: a client that lost an answer. Anything from elsewhere is
/// treated as theft.
fn likely(
    history: &History,
    event: &EventRow,
    same: Option<(bool, bool)>,
    policy: &Policy,
) -> String {
    let window = span(policy.retry_window);
    let next = numbers(event).is_some_and(|(presented, newest)| presented + 1 == newest);
    match same {
        Some((true, true)) if next => format!(
            "Most likely nobody stole anything: the client came from the same place with the token just before the newest. It lost the \
             answer to its last refresh, or did not keep it, and asked again after the window of {window}. Let it ask again at once, \
             store an answer before it uses it, and refresh in one tab or process at a time; or raise session.retry_window (300s at most)."
        ),
        Some((true, true)) => format!(
            "The token came from the same place but is older than the one before the newest: the client keeps an old copy. The usual \
             causes are a device restored from a backup, two installations that share one stored token, or a process that never stores what \
             it gets. A thief on the same machine looks the same: if {} cannot account for it, have him change his password.",
            name(history)
        ),
        _ => format!(
            "Treat it as theft, until {} can account for the address and the program above: have him change his password, which ends \
             every session (or `relatch user set-password`), and look at his other sessions. Devices that changed their network \
             between the two, and lost an answer for longer than {window}, look the same.",
            name(history)
        ),
    }
}

fn name(history: &History) -> String {
    let user = history.user.as_ref();
    user.map_or_else(|| "the user".to_owned(), |user| user.username.to_string())
}

/// Another session's token was used twice, and the configuration ends all of the user's then.
fn elsewhere(history: &History) -> (Vec<String>, Vec<String>) {
    let mut others = history.around_end.iter();
    let Some(other) = others.find(|event| event.name == "session.reuse_detected") else {
        return (Vec::new(), Vec::new());
    };
    let Some(id) = other.session else {
        return (Vec::new(), Vec::new());
    };
    (
        vec![format!(
            "It was not a token of this session: a spent one of the user's session {id} was used again by {}, and \
             session.on_reuse = \"user\" ends every session of the user then.",
            origin(other)
        )],
        vec![format!("`relatch session explain {id}` tells of that one.")],
    )
}
