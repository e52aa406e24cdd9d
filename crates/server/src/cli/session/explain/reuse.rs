//! A spent refresh token that came again: by whom, how late, and how to tell theft from a client's fault.

use relatch_core::{
    event::EventRow,
    session::{Policy, Session, store::History},
};

use super::timeline::{begins, numbers};
use crate::cli::{
    session::origin,
    words::{foreign, moment, span},
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
    let pause = event.at.since(session.life.rotated_at);
    Some(match (presented + 1 == newest, pause.as_secs()) {
        (_, 0) => "spent a moment before".to_owned(),
        (true, _) => format!("spent {} before", span(pause)),
        (false, _) => format!("spent more than {} before", span(pause)),
    })
}

/// What the record says of both parties, and how to tell which of them is the owner.
pub(super) fn told(history: &History, policy: &Policy) -> (Vec<String>, Vec<String>) {
    let named = |event: &&EventRow| event.name == "session.reuse_detected";
    let Some(event) = history.events.iter().rev().find(named) else {
        return elsewhere(history);
    };
    let Some(began) = history.events.iter().find(|event| begins(event)) else {
        return (Vec::new(), vec![unknown(history)]);
    };
    let same = began.address == event.address && began.agent == event.agent;
    let advice = if same {
        from_the_same_place(event, history, policy)
    } else {
        from_elsewhere(history)
    };
    (vec![compared(began, event)], vec![advice])
}

fn compared(began: &EventRow, event: &EventRow) -> String {
    let address = match (&began.address, &event.address) {
        (Some(a), Some(b)) if a == b => format!("The session began from the same address, {a}"),
        (Some(a), _) => format!("The session began from another address, {a}"),
        (None, _) => "The address from which the session began is not on record".to_owned(),
    };
    let agent = |event: &EventRow| event.agent.as_deref().map(foreign);
    match (agent(began), agent(event)) {
        (None, None) => format!("{address}; neither request named its program (User-Agent)."),
        (Some(a), Some(b)) if a == b => format!("{address}, and the same program, {a}."),
        (a, b) => {
            let shown = |agent: Option<String>| agent.unwrap_or_else(|| "no name".to_owned());
            format!(
                "{address}, and another program: {} then, {} now.",
                shown(a),
                shown(b)
            )
        }
    }
}

/// The one who comes second is the one who is seen. An owner whose token was stolen and used is that one, as is a client
/// that lost an answer: what tells them apart is who turned the token last.
fn from_the_same_place(event: &EventRow, history: &History, policy: &Policy) -> String {
    let old = numbers(event).is_some_and(|(presented, newest)| presented + 1 < newest);
    let window = span(policy.retry_window);
    let usual = if old {
        "keeps an old copy: a device restored from a backup, two installations with one stored token, a process that does not store what it gets".to_owned()
    } else {
        format!(
            "lost the answer to that turn, or did not keep it, and asked again later than the retry window of {window}: it should ask again at once, \
             store an answer before it uses it, and refresh in one tab or process at a time; or raise session.retry_window (300s at most)"
        )
    };
    format!(
        "The token came from where the session began, most likely from its owner. So the question is who turned it before, {}. Successful turns \
         are not events, but the server's log has a line for each with this session's id, and the log of the proxy in front says from where. If that was the same device, nobody stole anything, and its client {usual}. If \
         it was anybody else, he had stolen the token: have {} change his password, which ends every session (or `relatch user set-password`).",
        last_turn(history),
        name(history)
    )
}

fn from_elsewhere(history: &History) -> String {
    format!(
        "The token came from elsewhere than the session began. Unless {} can account for that, treat it as theft: have him change his password, which ends \
         every session (or `relatch user set-password`), and look at his other sessions. A device that changed its network or was updated looks the same; \
         the server's log has a line for each turn with this session's id, the last one {}, and the log of the proxy in front says from where they came.",
        name(history),
        last_turn(history)
    )
}

fn unknown(history: &History) -> String {
    format!(
        "Where the session began is not on record any more. Unless {} can account for the address above, treat it as theft: have him change his password.",
        name(history)
    )
}

fn last_turn(history: &History) -> String {
    history.session.as_ref().map_or_else(
        || "at a time that is forgotten".to_owned(),
        |session| format!("at {}", moment(session.life.rotated_at)),
    )
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
