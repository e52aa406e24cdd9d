//! A good access token for whoever needs one: carries out what the state machine decides.

use std::time::Duration;

use http::{HeaderMap, Method, Uri};
use serde_json::json;

use super::call::{Call, is_challenge, read};
use super::{Access, Client, Inner};
use crate::authorization::Remedy;
use crate::key::{Key, Moment, Purpose};
use crate::record::{Record, Session};
use crate::turn::{Next, Outcome, Then, Turn};
use crate::{Authorization, Error, Secret, address, chance};

impl Client {
    /// The same as [`authorize`](Self::authorize), with another access token than the one that was refused.
    pub(super) async fn authorized(
        &self,
        (method, url): (Method, Uri),
        refused: Option<Secret>,
    ) -> Result<Authorization, Error> {
        let session = self.0.session(refused).await?;
        let access = self.0.access(&session).await?;
        let proof = self.0.proof(&method, &url, &access)?;
        Ok(Authorization {
            method,
            url,
            access_token: access.0,
            proof,
            renewed: false,
            challenged: false,
        })
    }

    pub(super) async fn again(
        &self,
        before: &Authorization,
        status: u16,
        headers: &HeaderMap,
    ) -> Result<Option<Authorization>, Error> {
        let refused = match Remedy::of(status, headers) {
            Remedy::Prove if !before.challenged => None,
            Remedy::Renew if !before.renewed => Some(before.access_token.clone()),
            _ => return Ok(None),
        };
        let renewed = before.renewed || refused.is_some();
        let target = (before.method.clone(), before.url.clone());
        let next = self.authorized(target, refused).await?;
        Ok(Some(Authorization {
            renewed,
            challenged: true,
            ..next
        }))
    }
}

impl Inner {
    /// The session with an access token that is good, refreshed if need be, by one of all who want that.
    pub(super) async fn session(&self, refused: Option<Secret>) -> Result<Session, Error> {
        let mut turn = Turn::begin(self.pace, refused, self.now());
        let record = self.held.record().await?;
        if let Next::Use(session) = turn.next(&record, self.now()) {
            return Ok(session);
        }
        loop {
            match self.step(&mut turn).await? {
                Step::Done(session) => return Ok(session),
                // Everybody else may go on meanwhile.
                Step::Wait(wait) => tokio::time::sleep(wait).await,
            }
        }
    }

    /// One attempt, alone.
    async fn step(&self, turn: &mut Turn) -> Result<Step, Error> {
        let _gate = self.gate.lock().await;
        let holding = self.held.lock().await?;
        let record = self.held.record().await?;
        let sent = match turn.next(&record, self.now()) {
            Next::Use(session) => return Ok(Step::Done(session)),
            Next::Out(ended) => return Err(ended.map_or(Error::LoggedOut, Error::Ended)),
            Next::Refresh(session) => session,
        };
        let asked_at = self.now();
        let outcome = self.refresh(&sent).await?;
        let times = (asked_at, self.now());
        match turn.came(outcome, &sent, times, chance::fraction()) {
            Then::Keep(session) => {
                let keep = |record: Record| record.logged_in(session.clone());
                let kept = self
                    .held
                    .replace(&holding, &sent.refresh_token, keep)
                    .await?;
                // Else somebody keeps another session by now, and that one counts.
                Ok(if kept {
                    Step::Done(session)
                } else {
                    Step::Wait(Duration::ZERO)
                })
            }
            Then::End(ended) => {
                let end = |record: Record| record.logged_out(Some(ended.clone()));
                let kept = self
                    .held
                    .replace(&holding, &sent.refresh_token, end)
                    .await?;
                if kept {
                    Err(Error::Ended(ended))
                } else {
                    Ok(Step::Wait(Duration::ZERO))
                }
            }
            Then::Wait(wait) => Ok(Step::Wait(wait)),
            Then::Fail(error) => Err(error),
        }
    }

    async fn refresh(&self, sent: &Session) -> Result<Outcome, Error> {
        let key = match &sent.key {
            Some(thumbprint) => Some(self.held.key(thumbprint).await?),
            None => None,
        };
        let body = json!({ "refresh_token": sent.refresh_token.expose() });
        let call = Call::post("/auth/refresh", &body).proven_by(key.as_deref());
        let answer = match self.send(&call).await {
            Err(Error::Unreachable(error)) => return Ok(Outcome::Silence(error)),
            answer => answer?,
        };
        Ok(match read(&answer)? {
            Ok(tokens) => Outcome::Tokens(tokens),
            Err(problem) if is_challenge(&problem) => Outcome::Challenge(problem),
            Err(problem) => Outcome::Problem(problem),
        })
    }

    /// What a request of the session needs.
    pub(super) async fn access(&self, session: &Session) -> Result<Access, Error> {
        let key = match &session.key {
            Some(thumbprint) => Some(self.held.key(thumbprint).await?),
            None => None,
        };
        Ok((session.access_token.clone(), key))
    }

    /// The proof for a request with an access token, if the session is bound.
    pub(super) fn proof(
        &self,
        method: &Method,
        url: &Uri,
        (access, key): &Access,
    ) -> Result<Option<Secret>, Error> {
        let Some(key) = key else {
            return Ok(None);
        };
        let access = Some(access.expose());
        self.prove(key, (method, url), access).map(Some)
    }

    pub(super) fn prove(
        &self,
        key: &Key,
        (method, url): (&Method, &Uri),
        access: Option<&str>,
    ) -> Result<Secret, Error> {
        let (target, nonce) = (address::target(url), self.nonce(url));
        let purpose = Purpose {
            method: method.as_str(),
            target: &target,
            access,
            nonce: nonce.as_deref(),
        };
        let moment = Moment {
            id: chance::name()?,
            at: self.skew.server_seconds(self.now()),
        };
        Ok(Secret::new(key.prove(purpose, &moment)))
    }
}

enum Step {
    Done(Session),
    Wait(Duration),
}
