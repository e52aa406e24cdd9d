//! What is kept between two calls and two processes: the session, or how it ended. Its form in JSON is this module's alone.

use serde::{Deserialize, Serialize};

use crate::wire::{Tokens, User};
use crate::{Ended, Error, Secret};

/// The form that this version writes. Another one is not guessed at.
const FORM: u32 = 1;

/// All that is kept, besides the key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) form: u32,
    /// Whose tokens these are: they are sent to nobody else.
    pub(crate) issuer: String,
    /// By which the server knows this device at a login.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) device_token: Option<Secret>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) session: Option<Session>,
    /// Why there is none, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ended: Option<Ended>,
}

/// A session that is good as far as anybody here knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Session {
    pub(crate) id: String,
    pub(crate) user: User,
    /// The thumbprint of the key that it is bound to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<String>,
    pub(crate) refresh_token: Secret,
    pub(crate) access_token: Secret,
    /// Milliseconds since 1970 by the clock here, like the next.
    pub(crate) issued_at: i64,
    pub(crate) expires_at: i64,
}

impl Record {
    /// Where nobody has logged in.
    pub(crate) fn new(issuer: &str) -> Self {
        Self {
            form: FORM,
            issuer: issuer.to_owned(),
            device_token: None,
            session: None,
            ended: None,
        }
    }

    pub(crate) fn read(text: &Secret, issuer: &str) -> Result<Self, Error> {
        let unreadable = |_| Error::Broken("what the store has is not of this crate");
        let record: Self = serde_json::from_str(text.expose()).map_err(unreadable)?;
        if record.form != FORM {
            return Err(Error::Broken("what the store has is of another version"));
        }
        if record.issuer != issuer {
            return Err(Error::OtherIssuer(record.issuer));
        }
        Ok(record)
    }

    pub(crate) fn keep(&self) -> Result<Secret, Error> {
        let text = serde_json::to_string(self);
        let text = text.map_err(|_| Error::Broken("the session cannot be written down"))?;
        Ok(Secret::new(text))
    }

    /// The same with this session.
    pub(crate) fn logged_in(self, session: Session) -> Self {
        Self {
            session: Some(session),
            ended: None,
            ..self
        }
    }

    /// The same without a session.
    pub(crate) fn logged_out(self, ended: Option<Ended>) -> Self {
        Self {
            session: None,
            ended,
            ..self
        }
    }

    /// Whether that refresh token is the one of the session that is kept.
    pub(crate) fn holds(&self, refresh_token: &Secret) -> bool {
        let held = self.session.as_ref().map(|session| &session.refresh_token);
        held == Some(refresh_token)
    }
}

impl Session {
    /// The session after tokens came for which was asked at that time. A session's user, id and key stay.
    pub(crate) fn turned(&self, tokens: &Tokens, asked_at: i64) -> Self {
        Self {
            id: tokens.session_id.clone(),
            user: tokens.user.clone().unwrap_or_else(|| self.user.clone()),
            key: self.key.clone(),
            refresh_token: tokens.refresh_token.clone(),
            access_token: tokens.access_token.clone(),
            issued_at: asked_at,
            expires_at: asked_at.saturating_add(tokens.expires_in.saturating_mul(1_000)),
        }
    }

    /// Whether the access token will last: the last tenth of its life, a minute at most, is left to whoever it is sent to.
    pub(crate) fn is_fresh(&self, now: i64) -> bool {
        let life = self.expires_at.saturating_sub(self.issued_at);
        let margin = (life / 10).min(60_000);
        // A clock that was set back knows nothing of a token's age.
        self.issued_at <= now && now < self.expires_at.saturating_sub(margin)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) const ISSUER: &str = "https://auth.example.com";

    /// Issued at 0, for ten seconds.
    pub(crate) fn session(generation: u32, key: Option<&str>) -> Session {
        Session {
            id: "0192".to_owned(),
            user: User {
                id: "0191".to_owned(),
                username: "ada".to_owned(),
                email: "ada@example.com".to_owned(),
                created_at: "2026-11-22T12:00:00.000Z".to_owned(),
            },
            key: key.map(str::to_owned),
            refresh_token: Secret::new(format!("refresh {generation}")),
            access_token: Secret::new(format!("access {generation}")),
            issued_at: 0,
            expires_at: 10_000,
        }
    }

    #[test]
    fn a_record_comes_back_and_goes_to_its_issuer_alone() {
        let record = Record::new(ISSUER).logged_in(session(0, Some("key")));
        let kept = record.keep().expect("is kept");
        assert_eq!(Record::read(&kept, ISSUER).expect("reads"), record);
        let other = Record::read(&kept, "https://evil.example");
        assert!(matches!(other, Err(Error::OtherIssuer(of)) if of == ISSUER));
        let newer = Secret::new(kept.expose().replace("\"form\":1", "\"form\":2"));
        let cut = Secret::new(kept.expose().split_at(40).0);
        for text in [newer, cut, Secret::new(""), Secret::new("{}")] {
            let refused = Record::read(&text, ISSUER);
            assert!(matches!(refused, Err(Error::Broken(_))), "{refused:?}");
        }
    }

    #[test]
    fn nothing_secret_is_shown() {
        let record = Record::new(ISSUER).logged_in(session(7, None));
        let shown = format!("{record:?}");
        assert!(
            !shown.contains("refresh 7") && !shown.contains("access 7"),
            "{shown}"
        );
    }

    #[test]
    fn a_token_is_fresh_until_the_last_tenth_of_its_life() {
        let session = session(0, None);
        for (now, fresh) in [
            (-1, false),
            (0, true),
            (8_999, true),
            (9_000, false),
            (i64::MAX, false),
        ] {
            assert_eq!(session.is_fresh(now), fresh, "{now}");
        }
        let long = Session {
            expires_at: 3_600_000,
            ..session
        };
        assert!(long.is_fresh(3_539_999) && !long.is_fresh(3_540_000));
    }
}
