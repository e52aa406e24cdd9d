//! An access token: its claims, what a resource server makes of it, and whether its session still lives.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use relatch_core::{Timestamp, key::Purpose, session::SessionId};
use relatch_verify::{Claims, Verifier, VerifyError};
use serde_json::{Map, Value};

use super::{Bench, Check, Report, Verdict};
use crate::{
    app,
    cli::{Failure, words},
};

pub(super) fn inspect(text: &str, bench: &Bench) -> Result<Report, Failure> {
    let mut parts = text.split('.');
    let (head, claims) = (object(parts.next()), object(parts.next()));
    let (Some(head), Some(claims)) = (head, claims) else {
        return Ok(Report {
            kind: "three texts with dots between them",
            contents: Vec::new(),
            checks: Vec::new(),
            verdict: Verdict::Refused(
                "it is not a JWT: its first two parts are not JSON objects in base64url".to_owned(),
            ),
        });
    };
    let mut contents = entries(&head, bench.now);
    contents.extend(entries(&claims, bench.now));
    let (signed, verified) = verify(text, &head, &claims, bench);
    let (lives, over) = session(&claims, bench)?;
    let verdict = verdict(verified, over);
    let kind = match head.get("typ").and_then(Value::as_str) {
        Some("at+jwt") => "an access token",
        _ => "a JWT, but not an access token by RFC 9068",
    };
    Ok(Report {
        kind,
        contents,
        checks: vec![signed, lives],
        verdict,
    })
}

/// Both must be right: a resource server looks at the token alone, our own routes at its session as well.
fn verdict(verified: Result<Claims, Verdict>, over: Option<String>) -> Verdict {
    match (verified, over) {
        (Err(verdict), _) => verdict,
        (Ok(_), None) => Verdict::Accepted(
            "the signature and the claims are right, and its session lives".to_owned(),
        ),
        (Ok(_), Some(over)) => Verdict::Refused(format!(
            "by Relatch's own routes, for {over}. A resource server that checks the signature alone still accepts it until it expires"
        )),
    }
}

fn object(part: Option<&str>) -> Option<Map<String, Value>> {
    let bytes = URL_SAFE_NO_PAD.decode(part?).ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// Each member, times in words. Nobody has vouched for any of it yet.
fn entries(object: &Map<String, Value>, now: Timestamp) -> Vec<(String, Value, String)> {
    let entry = |(name, value): (&String, &Value)| {
        let text = match (name.as_str(), value) {
            ("exp" | "iat" | "nbf" | "auth_time", Value::Number(number)) => {
                number.as_i64().map_or_else(
                    || number.to_string(),
                    |seconds| words::when(Timestamp::from_seconds(seconds), now),
                )
            }
            (_, Value::String(text)) => text.clone(),
            (_, other) => other.to_string(),
        };
        (words::foreign(name), value.clone(), text)
    };
    object.iter().map(entry).collect()
}

/// What a resource server would say.
fn verify(
    text: &str,
    head: &Map<String, Value>,
    claims: &Map<String, Value>,
    bench: &Bench,
) -> (Check, Result<Claims, Verdict>) {
    let keys = match &bench.keys {
        Ok(keys) => keys,
        Err(why) => {
            let said = format!("the signature cannot be checked: {why}");
            let check = Check {
                passed: None,
                text: said.clone(),
            };
            return (check, Err(Verdict::Unknown(said)));
        }
    };
    let issuer = app::issuer(&bench.opened.config);
    let verifier = Verifier::new(&issuer.url, &issuer.audience);
    match verifier.verify(text, &keys.published, bench.now.as_seconds()) {
        Ok(claims) => {
            let text = "the signature, the issuer, the audience and the times are right".to_owned();
            let passed = Some(true);
            (Check { passed, text }, Ok(claims))
        }
        Err(error) => {
            let passed = Some(false);
            let text = refusal(error, head, claims, bench);
            let verdict = Verdict::Refused(text.clone());
            (Check { passed, text }, Err(verdict))
        }
    }
}

fn refusal(
    error: VerifyError,
    head: &Map<String, Value>,
    claims: &Map<String, Value>,
    bench: &Bench,
) -> String {
    let issuer = app::issuer(&bench.opened.config);
    let said = |object: &Map<String, Value>, name: &str| {
        object.get(name).map_or_else(
            || "nothing".to_owned(),
            |value| words::foreign(&value.to_string()),
        )
    };
    match error {
        VerifyError::KeyUnknown => {
            let kid = head.get("kid").and_then(Value::as_str).unwrap_or_default();
            match bench.key_state(Purpose::Signing, kid) {
                Some(state) => format!("its key makes it void: {state}"),
                None => "its key is not one of this server's: another server made it".to_owned(),
            }
        }
        VerifyError::IssuerMismatch => format!(
            "it is from another issuer: it says {}, and this server is {:?} (issuer.url; unset, it is the address that is listened on: give \
             the server's --config)",
            said(claims, "iss"),
            issuer.url
        ),
        VerifyError::AudienceMismatch => format!(
            "it is for another audience: it says {}, and here it must be {:?} (issuer.audience)",
            said(claims, "aud"),
            issuer.audience
        ),
        VerifyError::Expired => match claims.get("exp").and_then(Value::as_i64) {
            Some(exp) => format!(
                "it expired {}; a client refreshes before that",
                words::when(Timestamp::from_seconds(exp), bench.now)
            ),
            None => error.to_string(),
        },
        VerifyError::SignatureInvalid => {
            "the signature is wrong: it was changed, or forged".to_owned()
        }
        other => other.to_string(),
    }
}

/// Whether the session that it names lives, and in half a sentence what is wrong if it does not.
fn session(claims: &Map<String, Value>, bench: &Bench) -> Result<(Check, Option<String>), Failure> {
    let id = claims.get("sid").and_then(Value::as_str);
    let Some(id) = id.and_then(|id| id.parse().ok()).map(SessionId) else {
        let said = "it names no session".to_owned();
        return Ok((failed(&said), Some(said)));
    };
    let Some((session, user)) = bench.session(id)? else {
        let said = format!("its session {id} is not known here");
        return Ok((failed(&said), Some(said)));
    };
    if claims.get("sub").and_then(Value::as_str) != Some(session.user.to_string().as_str()) {
        let said = format!("its session {id} is another user's");
        return Ok((failed(&said), Some(said)));
    }
    let policy = &bench.opened.config.session;
    if let Some(ended) = session.life.over(policy, bench.now) {
        let said = format!(
            "its session ended {} ({}): `relatch session explain {id}` tells the story",
            words::when(ended.at, bench.now),
            ended.reason.name()
        );
        return Ok((failed(&said), Some(said)));
    }
    let text = format!(
        "its session lives: of {user}, on \"{}\", newest generation {}",
        words::foreign(&session.device),
        session.life.generation.0
    );
    let passed = Some(true);
    Ok((Check { passed, text }, None))
}

fn failed(text: &str) -> Check {
    Check {
        passed: Some(false),
        text: text.to_owned(),
    }
}
