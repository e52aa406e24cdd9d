//! A refresh token: its tag, its session, and what core's own decision would make of it.

use relatch_core::{
    event::Origin,
    key::Purpose,
    session::{
        Delivery, EndReason, Session,
        refresh::{Outcome, Proof, Request, Turn, turn},
    },
    token::{
        Genuine,
        refresh::{Contents, NotGenuine},
    },
};
use serde_json::json;

use super::{Bench, Check, Report, Verdict};
use crate::cli::{Failure, words};

const KIND: &str = "a refresh token";

pub(super) fn inspect(text: &str, bench: &Bench) -> Result<Report, Failure> {
    let Some(contents) = Contents::read(text) else {
        return Ok(Report {
            kind: "something that begins like a refresh token",
            contents: Vec::new(),
            checks: Vec::new(),
            verdict: Verdict::Refused(
                "it has not the form of one, which is relatch_rt_ and 72 characters: it was cut off or changed".to_owned(),
            ),
        });
    };
    let session = bench.session(contents.session)?;
    let (tag, genuine) = tag(text, contents, bench);
    let mut checks = vec![tag];
    checks.push(row(session.as_ref(), contents));
    let session = session.map(|found| found.0);
    let verdict = match genuine {
        Ok(genuine) => decide(&genuine, session, bench),
        Err(verdict) => without_tag(verdict, session.as_ref(), bench),
    };
    Ok(Report {
        kind: KIND,
        contents: shown(contents),
        checks,
        verdict,
    })
}

/// All of it but the proof and the tag.
fn shown(contents: Contents) -> Vec<(String, serde_json::Value, String)> {
    let entry = |name: &str, value: serde_json::Value, text: String| (name.to_owned(), value, text);
    let (id, generation) = (contents.session.0, contents.generation.0);
    vec![
        entry(
            "version",
            json!(contents.version),
            contents.version.to_string(),
        ),
        entry(
            "key_id",
            json!(contents.key_id),
            contents.key_id.to_string(),
        ),
        entry("session", json!(id), id.to_string()),
        entry(
            "generation",
            json!(generation),
            format!("{generation} (how often the session had turned when this was made)"),
        ),
    ]
}

/// Whether we made it, or what follows if that is not so.
fn tag(text: &str, contents: Contents, bench: &Bench) -> (Check, Result<Genuine, Verdict>) {
    let check = |passed, text| Check { passed, text };
    let id = contents.key_id.to_string();
    let state = bench.key_state(Purpose::RefreshTag, &id);
    let keys = match &bench.keys {
        Ok(keys) => keys,
        Err(why) => {
            let said = format!("the tag cannot be checked: {why}");
            return (check(None, said.clone()), Err(Verdict::Unknown(said)));
        }
    };
    match (keys.tokens.authenticate(text), state) {
        (Ok(genuine), state) => {
            let state = state.unwrap_or_else(|| "not in the table".to_owned());
            let said = format!("the tag is good: this server made it (key {id} is {state})");
            (check(Some(true), said), Ok(genuine))
        }
        (Err(NotGenuine::UnknownKey(_) | NotGenuine::WithdrawnKey(_)), state) => {
            let said = match state {
                Some(state) => format!("its key {id} makes it void: {state}"),
                None => format!(
                    "there is no token key {id} here: it is another server's, or the database is older than the token"
                ),
            };
            (
                check(Some(false), said.clone()),
                Err(Verdict::Refused(said)),
            )
        }
        (Err(NotGenuine::Garbage), _) => {
            let said =
                "the tag is wrong: it was changed on the way, forged, or made by another server";
            (
                check(Some(false), said.to_owned()),
                Err(Verdict::Refused(said.to_owned())),
            )
        }
    }
}

fn row(session: Option<&(Session, String)>, contents: Contents) -> Check {
    match session {
        Some((session, user)) => Check {
            passed: Some(true),
            text: format!(
                "its session is here: of {user}, on \"{}\", newest generation {}{}",
                words::foreign(&session.device),
                session.life.generation.0,
                match session.delivery {
                    Delivery::Body => "",
                    Delivery::Cookie => "; it is taken from its cookie alone",
                }
            ),
        },
        None => Check {
            passed: Some(false),
            text: format!("there is no session {} here", contents.session),
        },
    }
}

/// Where the tag cannot be checked: what is over is over for a genuine token as well.
fn without_tag(verdict: Verdict, session: Option<&Session>, bench: &Bench) -> Verdict {
    let Verdict::Unknown(why) = verdict else {
        return verdict;
    };
    let policy = &bench.opened.config.session;
    match session.map(|session| session.life.over(policy, bench.now)) {
        Some(None) => Verdict::Unknown(why),
        Some(Some(ended)) => Verdict::Refused(format!(
            "genuine or not, its session ended {} ({})",
            words::when(ended.at, bench.now),
            ended.reason.name()
        )),
        None => Verdict::Refused("genuine or not, its session is not known here".to_owned()),
    }
}

/// Asks what a server asks, and writes nothing.
fn decide(genuine: &Genuine, session: Option<Session>, bench: &Bench) -> Verdict {
    let policy = &bench.opened.config.session;
    let delivery = session.as_ref().map(|session| session.delivery);
    let request = |proof| Request {
        token: genuine.clone(),
        delivery: delivery.unwrap_or_default(),
        proof,
        origin: Origin::default(),
        now: bench.now,
    };
    let before = session.clone();
    let outcome = turn(session, &request(Proof::NotShown), policy);
    let (Outcome::Turned(turned), Some(before)) = (outcome.clone(), before) else {
        return Verdict::Refused(nothing_turned(&outcome));
    };
    match turned.turn {
        Turn::Unproven(_) => {
            let proof = before.key.map_or(Proof::NotShown, Proof::By);
            let proven = turn(Some(before.clone()), &request(proof), policy);
            let with = match proven {
                Outcome::Turned(turned) => told(&turned.turn, &before, genuine, bench),
                other => Verdict::Refused(nothing_turned(&other)),
            };
            let (Verdict::Accepted(with) | Verdict::Refused(with) | Verdict::Unknown(with)) = with;
            Verdict::Refused(format!(
                "its session is bound to a key, and the token alone proves nothing. With a proof of that key (DPoP): {with}"
            ))
        }
        turn => told(&turn, &before, genuine, bench),
    }
}

fn nothing_turned(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Forged => {
            "the tag is good and the proof is not of this session's secret: somebody who has a token key made it, without the database. \
             Look after your keys"
        }
        Outcome::Unknown | Outcome::WrongDelivery | Outcome::Turned(_) => {
            "the tag is good, but its session is not known here: it ended long ago and was forgotten, or the database was restored from a \
             backup that is older than the session"
        }
    }
    .to_owned()
}

fn told(turn: &Turn, before: &Session, genuine: &Genuine, bench: &Bench) -> Verdict {
    let (life, now) = (&before.life, bench.now);
    let window = words::span(bench.opened.config.session.retry_window);
    let since = words::span(now.since(life.rotated_at));
    match *turn {
        Turn::Rotate { to, lagged: false } => Verdict::Accepted(format!(
            "it is the newest of its session, and presenting it turns it into generation {}",
            to.0
        )),
        Turn::Rotate { to, lagged: true } => Verdict::Accepted(format!(
            "it is newer than the session's row, which forgot a turn in a crash or comes from a backup; presenting it moves the row forward \
             to generation {}",
            to.0
        )),
        Turn::Retry { of, late: false } => Verdict::Accepted(format!(
            "it was spent {since} ago, within the retry window of {window}: whoever presents it gets generation {} again",
            of.0
        )),
        Turn::Retry { of, late: true } => Verdict::Accepted(format!(
            "it is spent, and late, but the key says who presents it: he gets generation {} again, and it goes on record",
            of.0
        )),
        Turn::Over(ended) => Verdict::Refused(format!(
            "its session ended {} ({}); `relatch session explain {}` tells the story",
            words::when(ended.at, now),
            ended.reason.name(),
            before.id
        )),
        Turn::End(EndReason::Reuse) => Verdict::Refused(format!(
            "it is spent: generation {} where {} is the newest, and past the retry window of {window} (the last turn was {since} ago). \
             Presenting it would END the session, for two parties would have shown tokens of it",
            genuine.generation().0,
            life.generation.0
        )),
        Turn::End(reason) => Verdict::Refused(format!(
            "presenting it would END the session ({})",
            reason.name()
        )),
        Turn::Unproven(_) => Verdict::Refused("the session is bound to a key".to_owned()),
    }
}
