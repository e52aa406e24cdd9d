//! Where issuers that are not Relatch put what a token says. Owns the places; knows nothing of whom to trust.

use serde_json::Value;

use crate::VerifyError;

/// How a token departs from RFC 9068: by default, not at all.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shape {
    pub(crate) client_id: Option<String>,
    pub(crate) roles: Vec<Vec<String>>,
    pub(crate) permissions: Vec<Vec<String>>,
    pub(crate) jti_optional: bool,
}

/// What was in those places.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) client_id: Option<String>,
    pub(crate) roles: Vec<String>,
    pub(crate) permissions: Vec<String>,
}

impl Shape {
    pub(crate) fn path<S: Into<String>>(names: impl IntoIterator<Item = S>) -> Vec<String> {
        names.into_iter().map(Into::into).collect()
    }

    /// Whether there is anything to look for, so that a payload of ours is read only once.
    pub(crate) fn has_places(&self) -> bool {
        self.client_id.is_some() || !self.roles.is_empty() || !self.permissions.is_empty()
    }

    /// What `payload`, an object whose signature was good, has in those places.
    pub(crate) fn read(&self, payload: &[u8]) -> Result<Found, VerifyError> {
        let payload = serde_json::from_slice(payload).map_err(|_| VerifyError::ClaimsMalformed)?;
        Ok(Found {
            client_id: match &self.client_id {
                Some(claim) => text_at(&payload, claim)?,
                None => None,
            },
            roles: lists_at(&payload, &self.roles)?,
            permissions: lists_at(&payload, &self.permissions)?,
        })
    }
}

fn text_at(payload: &Value, claim: &str) -> Result<Option<String>, VerifyError> {
    match payload.get(claim) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(VerifyError::ClaimsMalformed),
    }
}

fn lists_at(payload: &Value, paths: &[Vec<String>]) -> Result<Vec<String>, VerifyError> {
    let mut all = Vec::new();
    for path in paths {
        if let Some(list) = path.iter().try_fold(payload, |value, name| value.get(name)) {
            let list = list.as_array().ok_or(VerifyError::ClaimsMalformed)?;
            for item in list {
                all.push(text(item)?);
            }
        }
    }
    Ok(all)
}

fn text(item: &Value) -> Result<String, VerifyError> {
    let text = item.as_str().ok_or(VerifyError::ClaimsMalformed)?;
    Ok(text.to_owned())
}
