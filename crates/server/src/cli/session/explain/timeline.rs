//! Each event of a session as a sentence, in order of time.

use relatch_core::{
    Timestamp,
    event::EventRow,
    session::{EndReason, Ended, Policy, Session, store::History},
};

use crate::cli::{
    session::{origin, reason},
    words::{foreign, many, span},
};

/// One thing that happened.
pub(super) struct Line {
    pub(super) at: Timestamp,
    /// The stable name of the event; none for what is worked out of the row.
    pub(super) event: Option<String>,
    pub(super) text: String,
}

pub(super) fn of(history: &History, end: Option<Ended>, policy: &Policy) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    if let Some(session) = &history.session
        && !history.events.iter().any(begins)
    {
        lines.push(worked_out(
            session.created_at,
            format!("The session began on {}.", device(session)),
        ));
    }
    let (last, before): (Vec<_>, Vec<_>) = history
        .events
        .iter()
        .partition(|event| event.name == "session.ended");
    lines.extend(before.iter().map(|event| line(event, history)));
    if let Some(session) = &history.session {
        insert_turns(&mut lines, session);
    }
    lines.extend(history.around_end.iter().map(beside));
    lines.extend(last.iter().map(|event| line(event, history)));
    if let Some(end) = end.filter(|_| last.is_empty()) {
        lines.push(worked_out(end.at, ran_out(end, history, policy)));
    }
    lines
}

fn worked_out(at: Timestamp, text: String) -> Line {
    Line {
        at,
        event: None,
        text,
    }
}

pub(super) fn begins(event: &EventRow) -> bool {
    matches!(
        event.name.as_str(),
        "user.registered" | "session.opened" | "password.changed"
    )
}

fn device(session: &Session) -> String {
    format!("the device \"{}\"", foreign(&session.device))
}

/// The last turn has its place among the events by its time; those at its very moment came after it.
fn insert_turns(lines: &mut Vec<Line>, session: &Session) {
    let life = &session.life;
    if life.generation.0 == 0 {
        return;
    }
    let text = match life.generation.0 {
        1 => "The refresh token turned for the first and last time.".to_owned(),
        turns => format!(
            "The refresh token turned for the last time, after {} turns in all since the session began.",
            u64::from(turns)
        ),
    };
    let place = lines
        .iter()
        .position(|line| line.at >= life.rotated_at && line.at > session.created_at)
        .unwrap_or(lines.len());
    lines.insert(place, worked_out(life.rotated_at, text));
}

fn line(event: &EventRow, history: &History) -> Line {
    Line {
        at: event.at,
        event: Some(event.name.clone()),
        text: sentence(event, history),
    }
}

fn sentence(event: &EventRow, history: &History) -> String {
    let from = origin(event);
    let on = history
        .session
        .as_ref()
        .map_or_else(|| "a device whose name is forgotten".to_owned(), device);
    let remembered = history
        .session
        .as_ref()
        .is_some_and(|session| session.life.remember_me);
    let kind = if remembered {
        ", with \"remember me\""
    } else {
        ""
    };
    match event.name.as_str() {
        "user.registered" => {
            format!("The user registered from {from} on {on}{kind}: the session began.")
        }
        "session.opened" => {
            format!("The user logged in from {from} on {on}{kind}: the session began.")
        }
        "password.changed" => format!(
            "The user changed his password from {from} on {on}: all other sessions of his ended, and this one began."
        ),
        "password.change_failed" => {
            format!("A change of the password failed from {from}: the old password was wrong.")
        }
        "user.reauthenticated" => format!("The user proved his password once more from {from}."),
        "user.reauthentication_failed" => {
            format!("Somebody failed to prove the password once more from {from}.")
        }
        "session.late_retry" => format!(
            "A spent refresh token came from {from}{}, after the retry window. The session is bound to a key and the key was proven, so \
             it was answered: a lost answer, or a copy of the key.",
            generations(event)
        ),
        "session.end_ordered" => {
            format!(
                "The end of this session was ordered by {}.",
                administrator(event)
            )
        }
        "session.reuse_detected" => super::reuse::sentence(event, history),
        "session.ended" => {
            let text = event
                .detail
                .as_ref()
                .and_then(|detail| detail.get("reason"));
            let reason = text.and_then(|text| text.as_str()).unwrap_or("unknown");
            let meaning = EndReason::from_name(reason).map_or("", reason::meaning);
            format!("The session ended ({reason}): {meaning}. That came from {from}.")
        }
        other => format!("{} from {from}.", foreign(other)),
    }
}

fn generations(event: &EventRow) -> String {
    numbers(event).map_or_else(String::new, |(presented, newest)| {
        format!(" (generation {presented} where {newest} was the newest)")
    })
}

/// Which generation came, and which was the newest.
pub(super) fn numbers(event: &EventRow) -> Option<(u64, u64)> {
    let number = |name| event.detail.as_ref()?.get(name)?.as_u64();
    Some((
        number("presented_generation")?,
        number("newest_generation")?,
    ))
}

/// What happened to the user, and by that to all of his sessions.
fn beside(event: &EventRow) -> Line {
    let from = origin(event);
    let other = event.session.map_or_else(
        || "another session".to_owned(),
        |id| format!("the session {id}"),
    );
    let text = match event.name.as_str() {
        "user.disabled" => format!("The user was disabled by {}.", administrator(event)),
        "user.deleted" => format!("The user was deleted by {}.", administrator(event)),
        "session.end_ordered" => format!(
            "The end of every session of the user was ordered by {}.",
            administrator(event)
        ),
        "user.roles_assigned" => format!(
            "The user was given other roles, and with that every session of his ended, by {}.",
            administrator(event)
        ),
        "password.reset_by_code" => format!(
            "Somebody chose a new password from {from}, with a one-time code that an administrator had issued."
        ),
        "password.reset" => format!(
            "A new password was set for the user by {}.",
            administrator(event)
        ),
        "password.changed" => {
            format!(
                "The user changed his password from {from}; {other} began in place of all others."
            )
        }
        "session.opened" => format!("The user logged in from {from}: {other} began."),
        "session.reuse_detected" => format!(
            "A spent refresh token of {other} was used again by {from}. `relatch session explain` tells of it."
        ),
        name => format!("{} of {other}, from {from}.", foreign(name)),
    };
    Line {
        at: event.at,
        event: Some(event.name.clone()),
        text,
    }
}

/// Who gave an order: the command line names itself in what stands for its program.
fn administrator(event: &EventRow) -> String {
    let by = event.detail.as_ref().and_then(|detail| detail.get("by"));
    match by.and_then(|by| by.as_str()) {
        Some("command_line") | None => format!("an administrator: {}", origin(event)),
        Some(id) => format!("the administrator {} from {}", foreign(id), origin(event)),
    }
}

/// Nobody ends what runs out, so that there is no event.
fn ran_out(end: Ended, history: &History, policy: &Policy) -> String {
    let meaning = reason::meaning(end.reason);
    let name = end.reason.name();
    let Some(session) = &history.session else {
        return format!("The session ended ({name}): {meaning}.");
    };
    match end.reason {
        EndReason::Idle => {
            let idle = policy.lifetimes(session.life.remember_me).idle;
            format!(
                "The session ended ({name}): no refresh had come for {}, and none in the grace of {} after that.",
                span(idle),
                span(policy.idle_grace)
            )
        }
        EndReason::Expired => format!(
            "The session ended ({name}): {} had passed since its login.",
            span(session.life.expires_at.since(session.created_at))
        ),
        _ => format!(
            "The session ended ({name}): {meaning}. Its event is not among the newest {} of this session.",
            many(history.events.len() as u64, "event")
        ),
    }
}
