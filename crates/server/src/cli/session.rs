//! `relatch session`.

mod explain;
mod reason;

use clap::Subcommand;
use relatch_core::{
    Store, Timestamp,
    event::EventRow,
    session::{
        Delivery, Policy, Session, SessionId,
        administer::{self, EndError, EndedOne},
        store::SessionQuery,
    },
    user::UserId,
};
use serde_json::{Value, json};

use super::{
    Failure,
    output::table,
    place::{Common, Opened},
    user, words,
};
use crate::http::time;

/// What can be done with sessions.
#[derive(Subcommand)]
pub(super) enum SessionCommand {
    /// List sessions: of one user, the newest first, or of everybody.
    #[command(after_help = "\
  relatch session list --user ada
  relatch session list --user ada --ended    with those that are over, and why
  relatch session list --limit 500           everybody's, in no order of time")]
    List {
        /// Of this user alone.
        #[arg(long, value_name = "NAME|ID")]
        user: Option<String>,
        /// Also those that are over, for as long as their rows stay (session.keep_ended).
        #[arg(long)]
        ended: bool,
        /// At most so many.
        #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
        /// Go on after this session: the one that the page before names at its end.
        #[arg(long, value_name = "ID")]
        after: Option<String>,
        #[command(flatten)]
        common: Common,
    },
    /// Show where one session stands.
    Show {
        /// The session's id: `session_id` of what a login answers, `sid` in access tokens and in the log.
        id: String,
        #[command(flatten)]
        common: Common,
    },
    /// End a session, or all of a user. The user may log in again at once.
    #[command(after_help = "\
Devices that come back are told `ended_by_administrator`. To keep the user out, `relatch user disable` him.

  relatch session end 6f1ed002-ab59-4f3c-9f2b-5a0c6f6d9f0e
  relatch session end --user ada")]
    End {
        /// The session's id.
        #[arg(required_unless_present = "user", conflicts_with = "user")]
        id: Option<String>,
        /// Every session of this user.
        #[arg(long, value_name = "NAME|ID")]
        user: Option<String>,
        #[command(flatten)]
        common: Common,
    },
    /// Tell what happened to a session: why a user was logged out, or until when he is not.
    #[command(after_help = "\
\"A user was logged out: why?\" Take the session's id from the client (`session_id` beside its tokens, `sid` in its access
token), from the log (`session`), or from the list:

  relatch session list --user ada --ended
  relatch session explain 6f1ed002-ab59-4f3c-9f2b-5a0c6f6d9f0e

With only a token at hand, `relatch token inspect` names its session.")]
    Explain {
        /// The session's id.
        id: String,
        #[command(flatten)]
        common: Common,
    },
}

/// Runs one of them.
pub(super) fn run(command: &SessionCommand) -> Result<(), Failure> {
    match command {
        SessionCommand::List {
            user,
            ended,
            limit,
            after,
            common,
        } => {
            let after = after.as_deref().map(parse).transpose()?;
            let query = SessionQuery {
                user: None,
                ended: *ended,
                after,
                limit: *limit,
            };
            list(user.as_deref(), query, common)
        }
        SessionCommand::Show { id, common } => show(parse(id)?, common),
        SessionCommand::End { id, user, common } => match (id, user) {
            (Some(id), _) => end(parse(id)?, common),
            (None, user) => end_all(user.as_deref().unwrap_or_default(), common),
        },
        SessionCommand::Explain { id, common } => tell(parse(id)?, common),
    }
}

pub(super) fn parse(text: &str) -> Result<SessionId, Failure> {
    text.trim().parse().map(SessionId).map_err(|_| {
        Failure::NotFound(format!(
            "{} is not the id of a session, which looks like 6f1ed002-ab59-4f3c-9f2b-5a0c6f6d9f0e; `relatch session list --user NAME` lists them, and `relatch token inspect` names that of a token",
            words::argument(text)
        ))
    })
}

/// Where an event came from, in a few words.
pub(super) fn origin(event: &EventRow) -> String {
    let agent = event.agent.as_deref().map(words::foreign);
    match (&event.address, agent) {
        (Some(address), Some(agent)) => format!("{address} ({agent})"),
        (Some(address), None) => address.clone(),
        (None, Some(agent)) => agent,
        (None, None) => "an address that is not on record".to_owned(),
    }
}

fn list(user: Option<&str>, query: SessionQuery, common: &Common) -> Result<(), Failure> {
    let opened = common.place.open()?;
    let now = opened.now();
    let user = user.map(|text| user::find(&opened, text)).transpose()?;
    let query = SessionQuery {
        user: user.map(|user| user.id),
        ..query
    };
    let store: &dyn Store = opened.store.as_ref();
    let mut sessions = opened.wait(store.browse_sessions(query))?;
    let full = sessions.len() >= query.limit as usize;
    let next = sessions.last().filter(|_| full).map(|session| session.id);
    let policy = &opened.config.session;
    sessions.retain(|session| query.ended || !session.is_over(policy, now));
    let mut rows = Vec::new();
    for session in &sessions {
        rows.push(row(session, &name_of(&opened, session.user)?, policy, now));
    }
    let shown: Vec<_> = sessions
        .iter()
        .map(|session| shape(session, policy, now))
        .collect();
    let value = json!({ "sessions": shown, "next": next.map(|id| id.0) });
    common.output.print(&value, || {
        let page = if rows.is_empty() {
            "None.".to_owned()
        } else {
            table(
                ["ID", "USER", "DEVICE", "STATE", "SINCE", "LAST TURN"],
                &rows,
            )
        };
        match next {
            Some(id) => format!("{page}\n\nThere may be more: --after {id}"),
            None => page,
        }
    });
    Ok(())
}

/// A deleted user has no name.
fn name_of(opened: &Opened, user: UserId) -> Result<String, Failure> {
    let store: &dyn Store = opened.store.as_ref();
    let found = opened.wait(store.credentials_of(user))?;
    Ok(found.map_or_else(
        || format!("{user} (deleted)"),
        |found| found.user.username.to_string(),
    ))
}

fn row(session: &Session, user: &str, policy: &Policy, now: Timestamp) -> [String; 6] {
    let state = match session.life.over(policy, now) {
        Some(ended) => format!("ended: {}", ended.reason.name()),
        None => "live".to_owned(),
    };
    [
        session.id.to_string(),
        user.to_owned(),
        words::foreign(&session.device),
        state,
        words::moment(session.created_at),
        words::distance(session.life.rotated_at, now),
    ]
}

/// A session without its secret.
pub(super) fn shape(session: &Session, policy: &Policy, now: Timestamp) -> Value {
    let (life, ended) = (&session.life, session.life.over(policy, now));
    json!({
        "id": session.id.0,
        "user_id": session.user.0,
        "device": session.device,
        "state": if ended.is_some() { "ended" } else { "live" },
        "reason": ended.map(|ended| ended.reason.name()),
        "ended_at": ended.map(|ended| time(ended.at)),
        "created_at": time(session.created_at),
        "last_turned_at": time(life.rotated_at),
        "generation": life.generation.0,
        "ends_if_unused_at": time(life.ends_at(policy)),
        "expires_at": time(life.expires_at),
        "remember_me": life.remember_me,
        "bound": life.bound,
        "delivery": match session.delivery {
            Delivery::Body => "body",
            Delivery::Cookie => "cookie",
        },
    })
}

fn show(id: SessionId, common: &Common) -> Result<(), Failure> {
    let opened = common.place.open()?;
    let store: &dyn Store = opened.store.as_ref();
    let session = opened
        .wait(store.find_session(id))?
        .ok_or_else(|| missing(id))?;
    let (policy, now) = (&opened.config.session, opened.now());
    let user = name_of(&opened, session.user)?;
    common.output.print(&shape(&session, policy, now), || {
        let life = &session.life;
        let state = match life.over(policy, now) {
            Some(ended) => format!(
                "ended {}: {}",
                words::when(ended.at, now),
                ended.reason.name()
            ),
            None => format!("live, until {} if it is not used", words::when(life.ends_at(policy), now)),
        };
        let in_cookie = session.delivery == Delivery::Cookie;
        let flags = [
            (life.remember_me, "remember me"),
            (life.bound, "bound to a key"),
            (in_cookie, "in a cookie"),
        ];
        let flags: Vec<_> = flags.iter().filter(|flag| flag.0).map(|flag| flag.1).collect();
        format!(
            "{id}\n  user        {user}\n  state       {state}\n  device      {}\n  since       {}\n  last turn   {}\n  generation  {}\n  ends at     {} at the latest\n  kind        {}\n\n`relatch session explain {id}` tells what happened to it.",
            words::foreign(&session.device),
            words::when(session.created_at, now),
            words::when(life.rotated_at, now),
            life.generation.0,
            words::when(life.expires_at, now),
            if flags.is_empty() { "ordinary".to_owned() } else { flags.join(", ") },
        )
    });
    Ok(())
}

fn missing(id: SessionId) -> Failure {
    Failure::NotFound(format!(
        "there is no session {id}; if there was one, `relatch session explain {id}` may still know what became of it"
    ))
}

fn failure(error: EndError, missing: Failure) -> Failure {
    match error {
        EndError::NotFound => missing,
        EndError::Refused(refusal) => Failure::Failed(refusal.to_string()),
        EndError::Store(error) => error.into(),
    }
}

fn end(id: SessionId, common: &Common) -> Result<(), Failure> {
    let opened = common.place.open()?;
    let store = opened.store.as_ref();
    let ended = opened
        .wait(administer::end(store, id, opened.administrator()))
        .map_err(|error| failure(error, missing(id)))?;
    let value = json!({ "id": id.0, "ended_sessions": u8::from(ended == EndedOne::Ended) });
    common.output.print(&value, || match ended {
        EndedOne::Ended => format!("{id} is over; its device is told so when it comes back."),
        EndedOne::WasOver => format!(
            "{id} was over before; nothing changed. `relatch session explain {id}` tells why."
        ),
    });
    Ok(())
}

fn end_all(user: &str, common: &Common) -> Result<(), Failure> {
    let opened = common.place.open()?;
    let user = user::find(&opened, user)?;
    let store = opened.store.as_ref();
    let ended = opened
        .wait(administer::end_all(store, user.id, opened.administrator()))
        .map_err(|error| failure(error, user::nobody(user.username.as_str())))?;
    let value = json!({ "user_id": user.id.0, "ended_sessions": ended });
    common.output.print(&value, || {
        let count = words::many(ended as u64, "session");
        format!(
            "{count} of {} ended. He may log in again: `relatch user disable {}` keeps him out.",
            user.username, user.username
        )
    });
    Ok(())
}

/// The newest events that a story has room for: a bound session may have any number of late retries.
const LONGEST_STORY: u32 = 200;

fn tell(id: SessionId, common: &Common) -> Result<(), Failure> {
    let opened = common.place.open()?;
    let store: &dyn Store = opened.store.as_ref();
    let history = opened.wait(store.session_history(id, LONGEST_STORY))?;
    let (policy, now) = (&opened.config.session, opened.now());
    let story = explain::story(id, &history, policy, now).ok_or_else(|| unknown(id, policy))?;
    common
        .output
        .print(&story.value(&history, policy, now), || story.text(now));
    Ok(())
}

fn unknown(id: SessionId, policy: &Policy) -> Failure {
    Failure::NotFound(format!(
        "nothing is known of the session {id}: neither a row nor an event has that id. Either it is not an id of this server's (compare --data with what the server uses), or the database was restored from a backup that is older than the session. A session that ran out is forgotten {} after its end, but its login stays on record",
        words::span(policy.keep_ended)
    ))
}
