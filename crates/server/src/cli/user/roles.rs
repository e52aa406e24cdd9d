//! `relatch user roles`.

use std::collections::BTreeSet;

use relatch_core::{
    Store,
    permission::{
        Permission, RoleName,
        administer::{self, RoleError},
        store::Assigning,
    },
    user::User,
};
use serde_json::json;

use super::{Named, find, nobody};
use crate::cli::{Failure, place::Opened, role};

/// What becomes of a user's sessions when his roles change.
#[derive(Clone, Copy)]
pub(super) struct Sessions {
    /// They end.
    pub(super) end: bool,
    /// Their access tokens are revoked.
    pub(super) at_once: bool,
}

/// Shows a user's roles, once they are `wanted` where that is given.
pub(super) fn run(
    named: &Named,
    wanted: Option<&[String]>,
    sessions: Sessions,
) -> Result<(), Failure> {
    let opened = named.common.place.open()?;
    let user = find(&opened, &named.user)?;
    let ended = match wanted {
        Some(wanted) => assign(&opened, &user, wanted, sessions)?,
        None => 0,
    };
    let roles = opened.wait(opened.store.roles_of(user.id))?;
    let table = opened.wait(opened.store.load_roles())?;
    let names: Vec<_> = roles.iter().map(RoleName::as_str).collect();
    let permitted = table
        .permissions(&roles)
        .into_iter()
        .map(Permission::as_str);
    let permitted: Vec<_> = permitted.collect();
    let value =
        json!({ "user": user.id.0, "roles": names, "permissions": permitted, "ended": ended });
    named.common.output.print(&value, || {
        if names.is_empty() {
            return format!("{} has no roles.", user.username);
        }
        let (names, permitted) = (names.join(", "), permitted.join(" "));
        format!("{} has the roles {names}: {permitted}", user.username)
    });
    Ok(())
}

fn assign(
    opened: &Opened,
    user: &User,
    wanted: &[String],
    sessions: Sessions,
) -> Result<usize, Failure> {
    let names = wanted.iter().filter(|name| !name.is_empty());
    let roles: BTreeSet<_> = names
        .map(|name| role::role_name(name))
        .collect::<Result<_, _>>()?;
    let assigning = Assigning {
        user: user.id,
        roles,
        expected: None,
        end_sessions: sessions.end,
        at_once: sessions.at_once,
        by: opened.administrator(),
    };
    let store: &dyn Store = opened.store.as_ref();
    let assigned = opened.wait(administer::assign(store, assigning));
    assigned.map_err(|error| match error {
        RoleError::NotFound => nobody(user.username.as_str()),
        error => role::failure(error),
    })
}
