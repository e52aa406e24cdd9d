//! One request to the server, and what its answer says.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Access, Inner};
use crate::authorization::{Authorization, DPOP, sensitive};
use crate::key::Key;
use crate::transport::{Answer, Outgoing};
use crate::{Error, Problem};

/// A POST to one of the server's own routes.
pub(super) struct Call<'a> {
    path: &'static str,
    body: Bytes,
    key: Option<&'a Key>,
    access: Option<&'a Access>,
}

impl<'a> Call<'a> {
    pub(super) fn post(path: &'static str, body: &Value) -> Self {
        Self {
            path,
            body: body.to_string().into(),
            key: None,
            access: None,
        }
    }

    /// With a proof by this key, if there is one.
    pub(super) fn proven_by(self, key: Option<&'a Key>) -> Self {
        Self { key, ..self }
    }

    /// With an access token, and a proof if that is bound.
    pub(super) fn with(self, access: &'a Access) -> Self {
        let access = Some(access);
        Self { access, ..self }
    }
}

impl Inner {
    /// Sends it once.
    pub(super) async fn send(&self, call: &Call<'_>) -> Result<Answer, Error> {
        let (method, url) = (Method::POST, self.url(call.path)?);
        let headers = match (call.access, call.key) {
            (Some(access), _) => {
                let authorization = Authorization {
                    proof: self.proof(&method, &url, access)?,
                    access_token: access.0.clone(),
                    method: method.clone(),
                    url: url.clone(),
                    renewed: false,
                    challenged: false,
                };
                authorization.headers()?
            }
            (None, Some(key)) => {
                let proof = self.prove(key, (&method, &url), None)?;
                let proof = sensitive(proof.expose())?;
                HeaderMap::from_iter([(DPOP, proof)])
            }
            (None, None) => HeaderMap::new(),
        };
        let body = call.body.clone();
        self.deliver(Outgoing {
            method,
            url,
            headers,
            body,
        })
        .await
    }

    /// Sends it to the server, and learns its time and nonce from the answer.
    pub(super) async fn deliver(&self, mut outgoing: Outgoing) -> Result<Answer, Error> {
        if !outgoing.body.is_empty() {
            let json = HeaderValue::from_static("application/json");
            outgoing.headers.insert(CONTENT_TYPE, json);
        }
        let url = outgoing.url.clone();
        let answer = self.transport.send(outgoing).await;
        let answer = answer.map_err(Error::Unreachable)?;
        self.skew.learn(&answer.headers, self.now());
        self.learn_nonce(&url, &answer.headers);
        Ok(answer)
    }

    /// Sends it, and once more where the proof was refused for want of a nonce or for the clock's error: both are known then, and
    /// the server did nothing yet.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        call: &Call<'_>,
    ) -> Result<Result<T, Problem>, Error> {
        match read(&self.send(call).await?)? {
            Err(problem) if is_challenge(&problem) => read(&self.send(call).await?),
            other => Ok(other),
        }
    }
}

/// What an answer says, or why the request was refused.
pub(super) fn read<T: DeserializeOwned>(answer: &Answer) -> Result<Result<T, Problem>, Error> {
    match answer.status {
        200..=299 => {
            let read = serde_json::from_slice(&answer.body);
            read.map(Ok)
                .map_err(|_| Error::Broken("the answer is not one of a Relatch server"))
        }
        300..=399 => Err(Error::Redirected(answer.status)),
        status => Ok(Err(Problem::read(status, &answer.headers, &answer.body))),
    }
}

/// Whether another proof may be taken.
pub(super) fn is_challenge(problem: &Problem) -> bool {
    matches!(
        problem.code.as_str(),
        "use_dpop_nonce" | "invalid_dpop_proof"
    )
}
