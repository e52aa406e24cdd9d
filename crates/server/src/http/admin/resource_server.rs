//! Resource servers and their credentials.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode, response::Response};
use relatch_core::{
    permission::grant,
    resource_server::{
        ResourceServer, ResourceServerName,
        administer::{self, ResourceServerError},
    },
};
use serde::Serialize;
use serde_json::json;

use super::{
    guard,
    path::{self, Named},
};
use crate::{
    app::App,
    http::{
        answer,
        authorization::{Authorized, caller_of},
        body::Input,
        problem::{Code, Problem},
    },
};

#[derive(Serialize)]
struct Shown<'a> {
    name: &'a str,
    created_at: String,
}

impl<'a> From<&'a ResourceServer> for Shown<'a> {
    fn from(server: &'a ResourceServer) -> Self {
        Self {
            name: server.name.as_str(),
            created_at: answer::time(server.created_at),
        }
    }
}

/// `GET /admin/v1/resource-servers`
pub(in crate::http) async fn list(
    State(app): State<Arc<App>>,
    Authorized(caller): Authorized,
) -> Result<Response, Problem> {
    guard::look(&app, &caller, grant::READ).await?;
    let servers = app.domain.store.load_resource_servers().await?;
    let shown: Vec<_> = servers.iter().map(Shown::from).collect();
    let body = json!({ "resource_servers": shown });
    Ok(answer::json(StatusCode::OK, &body))
}

/// `POST /admin/v1/resource-servers`
pub(in crate::http) async fn add(
    State(app): State<Arc<App>>,
    mut input: Input,
) -> Result<Response, Problem> {
    let caller = caller_of(&input, &app)?;
    let by = guard::change(&app, &caller, grant::RESOURCE_SERVERS).await?;
    let name = input.fields.parsed("name", ResourceServerName::parse, |_| {
        let detail = "Expected 1 to 64 of a to z, 0 to 9, '.', '_' and '-'.";
        ("invalid_format", detail)
    });
    input.fields.finish()?;
    let Some(name) = name else {
        return Err(input.fields.refused());
    };
    let (store, entropy) = (app.domain.store.as_ref(), app.domain.entropy.as_ref());
    let credential = administer::add(store, entropy, name.clone(), by).await?;
    let body = json!({ "name": name.as_str(), "credential": credential.expose() });
    Ok(answer::json(StatusCode::CREATED, &body))
}

/// `DELETE /admin/v1/resource-servers/{name}`
pub(in crate::http) async fn remove(
    State(app): State<Arc<App>>,
    Authorized(caller): Authorized,
    name: Named,
) -> Result<Response, Problem> {
    let by = guard::change(&app, &caller, grant::RESOURCE_SERVERS).await?;
    let name = path::resource_server(name)?;
    administer::remove(app.domain.store.as_ref(), name, by).await?;
    Ok(answer::nothing())
}

impl From<ResourceServerError> for Problem {
    fn from(error: ResourceServerError) -> Self {
        match error {
            ResourceServerError::NameTaken => {
                Self::new(Code::NameTaken).detail("Remove it first, or take another name.")
            }
            ResourceServerError::NotFound => Self::new(Code::NotFound),
            ResourceServerError::Refused(refusal) => refusal.into(),
            ResourceServerError::Store(error) => error.into(),
        }
    }
}
