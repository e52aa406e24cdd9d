//! What a path names.

use std::str::FromStr;

use axum::extract::{Path, rejection::PathRejection};
use relatch_core::{permission::RoleName, resource_server::ResourceServerName};

use crate::http::problem::Problem;

/// The one parameter of a path, as axum has it.
pub(super) type Named = Result<Path<String>, PathRejection>;

/// The id of a user or of a session.
pub(super) fn id<T: FromStr>(named: Named) -> Result<T, Problem> {
    let id = named.ok().and_then(|Path(id)| id.parse().ok());
    id.ok_or_else(|| Problem::field("id", "invalid_format", "Expected an id (a UUID)."))
}

/// The name of a role.
pub(super) fn role(named: Named) -> Result<RoleName, Problem> {
    let refused = |detail: String| Problem::field("name", "invalid_format", detail);
    let Path(name) = named.map_err(|_| refused("Expected the name of a role.".to_owned()))?;
    RoleName::parse(&name).map_err(|fault| refused(format!("{fault}.")))
}

/// The name of a resource server.
pub(super) fn resource_server(named: Named) -> Result<ResourceServerName, Problem> {
    let refused = |detail: String| Problem::field("name", "invalid_format", detail);
    let Path(name) =
        named.map_err(|_| refused("Expected the name of a resource server.".to_owned()))?;
    ResourceServerName::parse(&name).map_err(|fault| refused(format!("{fault}.")))
}

/// The id of a key, whatever it looks like.
pub(super) fn key(named: Named) -> Result<String, Problem> {
    let refused = |_| Problem::field("id", "invalid_format", "Expected the id of a key.");
    named.map(|Path(id)| id).map_err(refused)
}
