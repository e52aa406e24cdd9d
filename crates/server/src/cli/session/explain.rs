//! The story of a session, in sentences: what happened in order of time, why it ended or that it lives, what to do.
//!
//! Owns words alone. Turns that succeeded are not on record one by one; the row has how many there were and when the last
//! one was.

mod reuse;
mod timeline;

use std::fmt::Write as _;

use relatch_core::{
    Timestamp,
    session::{EndReason, Ended, Policy, Session, SessionId, store::History},
};
use serde_json::{Value, json};

use super::{reason, shape};
use crate::{
    cli::words::{self, many, span, when},
    http::time,
};

use timeline::Line;

/// The story.
pub(super) struct Story {
    headline: String,
    timeline: Vec<Line>,
    why: Vec<String>,
    advice: Vec<String>,
}

/// Nothing if nothing is known.
pub(super) fn story(
    id: SessionId,
    history: &History,
    policy: &Policy,
    now: Timestamp,
) -> Option<Story> {
    let owner = match (&history.user, &history.session, history.events.first()) {
        (Some(user), ..) => user.username.to_string(),
        (None, Some(session), _) => format!("the deleted user {}", session.user),
        (None, None, Some(event)) => format!("the user {}, who is no more", event.user),
        (None, None, None) => return None,
    };
    let end = match &history.session {
        Some(session) => session.life.over(policy, now),
        None => recorded_end(history),
    };
    let timeline = timeline::of(history, end, policy);
    let (headline, why, advice) = match (&history.session, end) {
        (Some(session), None) => living(id, &owner, session, policy, now),
        (_, Some(ended)) => over(id, &owner, history, ended, (policy, now)),
        (None, None) => forgotten(id, &owner, policy),
    };
    Some(Story {
        headline,
        timeline,
        why,
        advice,
    })
}

/// The end as the events have it, where the row is gone.
fn recorded_end(history: &History) -> Option<Ended> {
    let mut events = history.events.iter().rev();
    let event = events.find(|event| event.name == "session.ended")?;
    let reason = event.detail.as_ref()?.get("reason")?.as_str()?;
    Some(Ended {
        reason: EndReason::from_name(reason)?,
        at: event.at,
    })
}

type Parts = (String, Vec<String>, Vec<String>);

fn living(id: SessionId, owner: &str, session: &Session, policy: &Policy, now: Timestamp) -> Parts {
    let life = &session.life;
    let ends = life.ends_at(policy);
    let headline = format!("Session {id} of {owner} lives.");
    let turned = match life.generation.0 {
        0 => "Its refresh token has not turned yet.".to_owned(),
        turns => format!(
            "Its refresh token has turned {}, the last time {}.",
            many(u64::from(turns), "time"),
            when(life.rotated_at, now)
        ),
    };
    let mut why = vec![format!(
        "{turned} If nobody refreshes it, it ends {} (a little later it is still let in); \
         each refresh moves that on, until {} at the latest.",
        when(ends, now),
        when(life.expires_at, now),
    )];
    if life.bound {
        why.push("It is bound to a key: a refresh that does not prove to hold it is refused, and ends nothing.".to_owned());
    }
    let advice = vec![format!(
        "A client that is refused nevertheless does not present this session's newest refresh token. `relatch token inspect` tells of \
         a token what presenting it would do; `relatch session list --user {owner} --ended` lists the other sessions of the user."
    )];
    (headline, why, advice)
}

fn over(
    id: SessionId,
    owner: &str,
    history: &History,
    ended: Ended,
    (policy, now): (&Policy, Timestamp),
) -> Parts {
    let reason = ended.reason;
    let headline = format!(
        "Session {id} of {owner} ended {}: {}.",
        when(ended.at, now),
        reason::meaning(reason)
    );
    let (mut why, mut advice) = (Vec::new(), Vec::new());
    if reason == EndReason::Reuse {
        let (what, likely) = reuse::told(history, policy);
        why.extend(what);
        advice.extend(likely);
    }
    why.push(reason::background(reason, policy));
    if let Some(session) = &history.session
        && let Some(before) = ran_out_before(session, ended, policy)
    {
        why.push(before);
    }
    let access_end = ended.at.plus(policy.access);
    if now < access_end && reason != EndReason::Expired && reason != EndReason::Idle {
        why.push(format!(
            "Access tokens of the session that are still out run out until {}: Relatch's own routes refuse them already, a \
             resource server that checks signatures alone does not.",
            when(access_end, now)
        ));
    }
    advice.push(reason::remedy(reason).to_owned());
    (headline, why, advice)
}

/// All sessions of a user are ended, those too that nobody could have used any more.
fn ran_out_before(session: &Session, ended: Ended, policy: &Policy) -> Option<String> {
    session.life.ended?;
    let mut life = session.life.clone();
    life.ended = None;
    let before = life.over(policy, ended.at)?;
    Some(format!(
        "It had run out by then: {} at {}.",
        reason::meaning(before.reason),
        words::moment(before.at)
    ))
}

fn forgotten(id: SessionId, owner: &str, policy: &Policy) -> Parts {
    let headline = format!("Session {id} of {owner} is over and forgotten: it ran out.");
    let why = vec![format!(
        "Its row is gone, and no event says that anybody ended it. So it ran out, not used for too long or at its absolute end, more than \
         {} ago, which is how long rows stay (session.keep_ended).",
        span(policy.keep_ended)
    )];
    (
        headline,
        why,
        vec![reason::remedy(EndReason::Idle).to_owned()],
    )
}

impl Story {
    /// For people.
    pub(super) fn text(&self, now: Timestamp) -> String {
        let mut text = words::paragraph(&self.headline, "");
        text.push_str("\n\nWhat happened\n");
        for line in &self.timeline {
            let told = words::paragraph(&line.text, "      ");
            // Writing to a String has no way to fail, here and below.
            let _ = writeln!(text, "  {}\n{told}", when(line.at, now));
        }
        for (title, paragraphs) in [("Why", &self.why), ("What to do", &self.advice)] {
            let _ = writeln!(text, "\n{title}");
            for paragraph in paragraphs {
                let _ = writeln!(text, "{}", words::paragraph(paragraph, "  "));
            }
        }
        text
    }

    /// For scripts.
    pub(super) fn value(&self, history: &History, policy: &Policy, now: Timestamp) -> Value {
        let row = history.session.as_ref();
        let line =
            |line: &Line| json!({ "at": time(line.at), "event": line.event, "text": line.text });
        json!({
            "session": row.map(|session| shape(session, policy, now)),
            "username": history.user.as_ref().map(|user| user.username.as_str()),
            "headline": self.headline,
            "timeline": self.timeline.iter().map(line).collect::<Vec<_>>(),
            "why": self.why,
            "advice": self.advice,
        })
    }
}
