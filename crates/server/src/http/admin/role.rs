//! Roles, and who holds them.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use relatch_core::{
    permission::{
        Permission, Role, RoleName, RoleTable, administer, grant,
        role::tag_of,
        store::{Assigning, Putting},
    },
    user::UserId,
};
use serde::Serialize;
use serde_json::json;

use super::{
    guard,
    path::{self, Named},
    precondition, refusal, user,
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
    permissions: Vec<&'a str>,
}

impl<'a> From<&'a Role> for Shown<'a> {
    fn from(role: &'a Role) -> Self {
        Self {
            name: role.name.as_str(),
            permissions: role.permissions.iter().map(Permission::as_str).collect(),
        }
    }
}

/// What a user holds, and what that permits.
#[derive(Serialize)]
struct Held<'a> {
    roles: Vec<&'a str>,
    permissions: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended: Option<usize>,
}

/// `GET /admin/v1/roles`
pub(in crate::http) async fn list(
    State(app): State<Arc<App>>,
    Authorized(caller): Authorized,
) -> Result<Response, Problem> {
    guard::look(&app, &caller, grant::READ).await?;
    let table = app.domain.store.load_roles().await?;
    let roles: Vec<_> = table.roles.values().map(Shown::from).collect();
    Ok(answer::json(StatusCode::OK, &json!({ "roles": roles })))
}

/// `GET /admin/v1/roles/{name}`
pub(in crate::http) async fn show(
    State(app): State<Arc<App>>,
    Authorized(caller): Authorized,
    name: Named,
) -> Result<Response, Problem> {
    guard::look(&app, &caller, grant::READ).await?;
    let (name, table) = (path::role(name)?, app.domain.store.load_roles().await?);
    let role = table.roles.get(&name);
    let role = role.ok_or_else(|| Problem::new(Code::NotFound))?;
    Ok(shown(StatusCode::OK, role))
}

/// `PUT /admin/v1/roles/{name}`
pub(in crate::http) async fn put(
    State(app): State<Arc<App>>,
    name: Named,
    mut input: Input,
) -> Result<Response, Problem> {
    let caller = caller_of(&input, &app)?;
    let by = guard::change(&app, &caller, grant::GRANT).await?;
    let (name, expected) = (
        path::role(name)?,
        precondition::expected(&input.parts.headers)?,
    );
    let permissions = input.fields.list("permissions", Permission::parse);
    input.fields.finish()?;
    let Some(permissions) = permissions else {
        return Err(input.fields.refused());
    };
    let mut role = Role {
        name: name.clone(),
        permissions: permissions.clone(),
        version: 0,
    };
    let putting = Putting {
        name,
        permissions,
        expected,
        by,
    };
    let put = administer::put_role(app.domain.store.as_ref(), putting).await?;
    role.version = put.version;
    let status = if put.made {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok(shown(status, &role))
}

/// `DELETE /admin/v1/roles/{name}`
pub(in crate::http) async fn delete(
    State(app): State<Arc<App>>,
    Authorized(caller): Authorized,
    headers: HeaderMap,
    name: Named,
) -> Result<Response, Problem> {
    let by = guard::change(&app, &caller, grant::GRANT).await?;
    let (name, expected) = (path::role(name)?, precondition::expected(&headers)?);
    administer::delete_role(app.domain.store.as_ref(), name, expected, by).await?;
    Ok(answer::nothing())
}

/// `GET /admin/v1/users/{id}/roles`
pub(in crate::http) async fn of_user(
    State(app): State<Arc<App>>,
    Authorized(caller): Authorized,
    id: Named,
) -> Result<Response, Problem> {
    guard::look(&app, &caller, grant::READ).await?;
    let user = user::found(&app, UserId(path::id(id)?)).await?;
    let held = app.domain.store.roles_of(user.id).await?;
    let table = app.domain.store.load_roles().await?;
    Ok(holding(&table, &held, None))
}

/// `PUT /admin/v1/users/{id}/roles`
pub(in crate::http) async fn assign(
    State(app): State<Arc<App>>,
    id: Named,
    mut input: Input,
) -> Result<Response, Problem> {
    let caller = caller_of(&input, &app)?;
    let by = guard::change(&app, &caller, grant::GRANT).await?;
    let (id, expected) = (
        UserId(path::id(id)?),
        precondition::tag(&input.parts.headers)?,
    );
    let roles = input.fields.list("roles", RoleName::parse);
    let end_sessions = input.fields.flag("end_sessions");
    let at_once = input.fields.flag("at_once");
    input.fields.finish()?;
    let Some(roles) = roles else {
        return Err(input.fields.refused());
    };
    let held: Vec<_> = roles.iter().cloned().collect();
    let assigning = Assigning {
        user: id,
        roles,
        expected,
        end_sessions,
        at_once,
        by,
    };
    let store = app.domain.store.as_ref();
    let ended = administer::assign(store, assigning).await;
    let ended = ended.map_err(refusal::of_assigning)?;
    Ok(holding(&store.load_roles().await?, &held, Some(ended)))
}

fn shown(status: StatusCode, role: &Role) -> Response {
    answer::tagged(status, &role.version.to_string(), &Shown::from(role))
}

fn holding(table: &RoleTable, held: &[RoleName], ended: Option<usize>) -> Response {
    let permissions = table.permissions(held).into_iter();
    let body = Held {
        roles: held.iter().map(RoleName::as_str).collect(),
        permissions: permissions.map(Permission::as_str).collect(),
        ended,
    };
    answer::tagged(StatusCode::OK, tag_of(held).as_str(), &body)
}
