//! Logging out, and what else one does with one's own account.

use http::Method;
use http::header::WWW_AUTHENTICATE;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::call::{Call, is_challenge, read};
use super::{Client, Inner};
use crate::key::Key;
use crate::record::{Record, Session};
use crate::transport::{Answer, Outgoing};
use crate::turn::Attempts;
use crate::wire::{Device, Devices, EndedCount, Renewed, Tokens, User};
use crate::{Authorization, Error, Problem, Secret, chance};

impl Client {
    /// Ends the session, here and at the server. Where nobody is logged in, nothing happens.
    ///
    /// # Errors
    /// [`Error::Unreachable`] if the server could not be told: the session is kept, so that it can be told later. See
    /// [`forget`](Self::forget).
    pub async fn logout(&self) -> Result<(), Error> {
        let _gate = self.0.gate.lock().await;
        let holding = self.0.held.lock().await?;
        let record = self.0.held.record().await?;
        let Some(session) = record.session.clone() else {
            return Ok(());
        };
        let mut attempts = Attempts::begin(self.0.now());
        loop {
            let error = match self.0.end_session(&session).await {
                // Without its key nobody can end it but from another device; it is of no use to anybody, either.
                Ok(()) | Err(Error::KeyMissing) => break,
                Err(error) if is_passing(&error) => error,
                Err(error) => return Err(error),
            };
            self.0.pause(&mut attempts, error).await?;
        }
        self.0.held.keep(&holding, &record.logged_out(None)).await
    }

    /// Ends every session of the user, this one too.
    ///
    /// # Errors
    /// [`Error`]: [`Error::Refused`] with the code `reauthentication_required` if the password has not been proved for ten minutes:
    /// [`reauthenticate`](Self::reauthenticate) first.
    pub async fn logout_everywhere(&self) -> Result<(), Error> {
        match self
            .own::<EndedCount>(Method::DELETE, "/auth/sessions?keep=none")
            .await
        {
            // What is told when the first answer was lost.
            Err(Error::Ended(_)) => Ok(()),
            Err(error) => Err(error),
            Ok(_) => self.forget().await,
        }
    }

    /// Ends every other session of the user; how many those were.
    ///
    /// # Errors
    /// As [`logout_everywhere`](Self::logout_everywhere).
    pub async fn end_other_sessions(&self) -> Result<u64, Error> {
        let count: EndedCount = self
            .own(Method::DELETE, "/auth/sessions?keep=current")
            .await?;
        Ok(count.ended)
    }

    /// Ends one session of the user's, by its id; how many live ones that were.
    ///
    /// # Errors
    /// As [`logout_everywhere`](Self::logout_everywhere); [`Error::Refused`] with the code `not_found` if it is no session of his.
    pub async fn end_session(&self, id: &str) -> Result<u64, Error> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if id.is_empty() || !id.chars().all(is_plain) {
            return Err(Error::Broken("that is no id of a session"));
        }
        let count: EndedCount = self
            .own(Method::DELETE, &format!("/auth/sessions/{id}"))
            .await?;
        Ok(count.ended)
    }

    /// The user's sessions: his devices.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn sessions(&self) -> Result<Vec<Device>, Error> {
        let devices: Devices = self.own(Method::GET, "/auth/sessions").await?;
        Ok(devices.sessions)
    }

    /// The user as the server knows him now.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn user(&self) -> Result<User, Error> {
        self.own(Method::GET, "/auth/me").await
    }

    /// Proves the password again, which some requests want to have been done within ten minutes.
    ///
    /// # Errors
    /// [`Error`]: [`Error::Refused`] with the code `invalid_credentials` for a wrong password.
    pub async fn reauthenticate(&self, password: &str) -> Result<(), Error> {
        let body = json!({ "password": password });
        let renew = |session: &Session, renewed: Renewed, asked_at: i64| Session {
            access_token: renewed.access_token,
            issued_at: asked_at,
            expires_at: asked_at.saturating_add(renewed.expires_in.saturating_mul(1_000)),
            ..session.clone()
        };
        self.prove_password("/auth/reauthenticate", &body, renew)
            .await
    }

    /// Changes the password: every session of the user ends, and this client has a new one.
    ///
    /// If the answer is lost, the password may have been changed, and this session with the others is over: log in with the new one.
    ///
    /// # Errors
    /// [`Error`]: [`Error::Refused`] with the code `invalid_credentials` for a wrong old password.
    pub async fn change_password(&self, old: &str, new: &str) -> Result<(), Error> {
        let body = json!({ "old_password": old, "new_password": new });
        let turn = |session: &Session, tokens: Tokens, asked_at| session.turned(&tokens, asked_at);
        self.prove_password("/auth/password/change", &body, turn)
            .await
    }

    /// Sends a password in the session, and keeps what `change` makes of the session and the answer.
    async fn prove_password<T: DeserializeOwned>(
        &self,
        path: &'static str,
        body: &Value,
        change: impl FnOnce(&Session, T, i64) -> Session,
    ) -> Result<(), Error> {
        self.0.session(None).await?;
        let gate = self.0.gate.lock().await;
        let holding = self.0.held.lock().await?;
        let session = self
            .0
            .held
            .record()
            .await?
            .session
            .ok_or(Error::LoggedOut)?;
        let access = self.0.access(&session).await?;
        let asked_at = self.0.now();
        let call = Call::post(path, body).with(&access);
        let problem = match self.0.ask(&call).await? {
            Ok(answer) => {
                let changed = change(&session, answer, asked_at);
                let keep = |record: Record| record.logged_in(changed);
                let sent = &session.refresh_token;
                self.0.held.replace(&holding, sent, keep).await?;
                return Ok(());
            }
            Err(problem) => problem,
        };
        drop((holding, gate));
        if problem.ended().is_some() {
            // Says how it ended, and keeps that.
            self.0.session(Some(access.0)).await?;
        }
        Err(refused(problem))
    }

    /// A request without a body to one of the server's own routes, which may be sent again without harm.
    async fn own<T: DeserializeOwned>(&self, method: Method, path: &str) -> Result<T, Error> {
        let target = (method, self.0.url(path)?);
        let mut attempts = Attempts::begin(self.0.now());
        let mut authorization = self.authorized(target.clone(), None).await?;
        loop {
            let outgoing = Outgoing {
                method: target.0.clone(),
                url: target.1.clone(),
                headers: authorization.headers()?,
                body: bytes::Bytes::new(),
            };
            let error = match self.0.deliver(outgoing).await {
                Err(error) => error,
                Ok(answer) => match read(&answer)? {
                    Ok(said) => return Ok(said),
                    Err(problem) => match self.mended(&authorization, &answer, &problem).await? {
                        Some(next) => {
                            authorization = next;
                            continue;
                        }
                        None => refused(problem),
                    },
                },
            };
            if !is_passing(&error) {
                return Err(error);
            }
            self.0.pause(&mut attempts, error).await?;
            // A proof is good once.
            authorization = self.authorized(target.clone(), None).await?;
        }
    }

    /// What to send instead after such a refusal by the server itself, which says more than other APIs.
    async fn mended(
        &self,
        before: &Authorization,
        answer: &Answer,
        problem: &Problem,
    ) -> Result<Option<Authorization>, Error> {
        if is_challenge(problem) && !before.challenged {
            let target = (before.method.clone(), before.url.clone());
            let next = self.authorized(target, None).await?;
            let challenged = true;
            return Ok(Some(Authorization { challenged, ..next }));
        }
        if !answer.headers.contains_key(WWW_AUTHENTICATE) {
            return Ok(None);
        }
        self.again(before, answer.status, &answer.headers).await
    }
}

impl Inner {
    /// Tells the server that a session is over.
    pub(super) async fn end_session(&self, session: &Session) -> Result<(), Error> {
        let key = match &session.key {
            Some(thumbprint) => Some(self.held.key(thumbprint).await?),
            None => None,
        };
        self.end(&session.refresh_token, key.as_deref()).await
    }

    pub(super) async fn end(&self, refresh_token: &Secret, key: Option<&Key>) -> Result<(), Error> {
        let body = json!({ "refresh_token": refresh_token.expose() });
        let call = Call::post("/auth/logout", &body).proven_by(key);
        match self.ask::<Value>(&call).await? {
            Ok(_) => Ok(()),
            // One that has ended has ended.
            Err(problem) if problem.ended().is_some() => Ok(()),
            Err(problem) => Err(refused(problem)),
        }
    }

    /// Waits before the next attempt, or gives up with what stopped the last one.
    async fn pause(&self, attempts: &mut Attempts, error: Error) -> Result<(), Error> {
        let asked = match &error {
            Error::Refused(problem) => problem.retry_after,
            _ => None,
        };
        let now = self.now();
        let wait = attempts.next(now, chance::fraction(), asked);
        if !attempts.fit(now, wait, self.pace.patience) {
            return Err(error);
        }
        tokio::time::sleep(wait).await;
        Ok(())
    }
}

pub(super) fn refused(problem: Problem) -> Error {
    Error::Refused(Box::new(problem))
}

fn is_passing(error: &Error) -> bool {
    match error {
        Error::Unreachable(_) => true,
        Error::Refused(problem) => problem.is_passing(),
        _ => false,
    }
}
