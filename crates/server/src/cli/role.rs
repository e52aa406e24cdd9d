//! `relatch role`.

use std::collections::BTreeSet;

use clap::Subcommand;
use relatch_core::{
    Store,
    permission::{
        Permission, Refusal, Role, RoleName,
        administer::{self, RoleError},
        store::{Expected, Putting},
    },
};
use serde_json::{Value, json};

use super::{Failure, output::table, place::Common, words};

/// What can be done with roles.
#[derive(Subcommand)]
pub(super) enum RoleCommand {
    /// List the roles and what they permit.
    List {
        #[command(flatten)]
        common: Common,
    },
    /// Make a role, or change what it permits: to exactly this.
    #[command(after_help = "\
A permission is resource:action; resource:* is every action on that resource. Access tokens carry what a user's roles permit:
a change is in every token that is made half a second later, at the next refresh at the latest.

  relatch role put reader notes:read
  relatch role put editor 'notes:*' tags:read
  relatch user roles ada --set editor")]
    Put {
        /// The role's name.
        name: String,
        /// All that it permits.
        #[arg(value_name = "RESOURCE:ACTION")]
        permissions: Vec<String>,
        #[command(flatten)]
        common: Common,
    },
    /// Delete a role that nobody holds.
    Delete {
        /// The role's name.
        name: String,
        #[command(flatten)]
        common: Common,
    },
}

/// Runs one of them.
pub(super) fn run(command: &RoleCommand) -> Result<(), Failure> {
    match command {
        RoleCommand::List { common } => list(common),
        RoleCommand::Put {
            name,
            permissions,
            common,
        } => put(name, permissions, common),
        RoleCommand::Delete { name, common } => delete(name, common),
    }
}

fn list(common: &Common) -> Result<(), Failure> {
    let opened = common.place.open()?;
    let roles = opened.wait(opened.store.load_roles())?.roles;
    let shown: Vec<_> = roles.values().map(shape).collect();
    common.output.print(&json!({ "roles": shown }), || {
        if roles.is_empty() {
            return "No roles. `relatch role put NAME RESOURCE:ACTION` makes one.".to_owned();
        }
        let row = |role: &Role| [role.name.as_str().to_owned(), permitted(role).join(" ")];
        let rows: Vec<_> = roles.values().map(row).collect();
        table(["NAME", "PERMISSIONS"], &rows)
    });
    Ok(())
}

fn put(name: &str, permissions: &[String], common: &Common) -> Result<(), Failure> {
    let name = role_name(name)?;
    let permissions: Result<BTreeSet<_>, _> = permissions
        .iter()
        .map(|text| {
            let parsed = Permission::parse(text);
            parsed.map_err(|fault| format!("{}: {fault}", words::argument(text)))
        })
        .collect();
    let opened = common.place.open()?;
    let putting = Putting {
        name: name.clone(),
        permissions: permissions?,
        expected: Expected::Anything,
        by: opened.administrator(),
    };
    let role = Role {
        name: name.clone(),
        permissions: putting.permissions.clone(),
        version: 0,
    };
    let store: &dyn Store = opened.store.as_ref();
    let put = opened
        .wait(administer::put_role(store, putting))
        .map_err(failure)?;
    common.output.print(
        &shape(&Role {
            version: put.version,
            ..role.clone()
        }),
        || format!("{} permits: {}", name.as_str(), permitted(&role).join(" ")),
    );
    Ok(())
}

fn delete(name: &str, common: &Common) -> Result<(), Failure> {
    let name = role_name(name)?;
    let opened = common.place.open()?;
    let store: &dyn Store = opened.store.as_ref();
    let (expected, by) = (Expected::Anything, opened.administrator());
    let order = administer::delete_role(store, name.clone(), expected, by);
    opened.wait(order).map_err(failure)?;
    common
        .output
        .print(&json!({ "deleted": name.as_str() }), || {
            format!("Deleted {}.", name.as_str())
        });
    Ok(())
}

/// Reads a role's name.
pub(super) fn role_name(text: &str) -> Result<RoleName, Failure> {
    let parsed = RoleName::parse(text);
    Ok(parsed.map_err(|fault| format!("{}: {fault}", words::argument(text)))?)
}

/// What to say of an order about roles that was not carried out.
pub(super) fn failure(error: RoleError) -> Failure {
    match error {
        RoleError::NotFound => {
            Failure::NotFound("there is no such role: `relatch role list` shows them".to_owned())
        }
        RoleError::Refused(Refusal::UnknownRole(role)) => Failure::NotFound(format!(
            "there is no role {}: `relatch role list` shows them, `relatch role put` makes one",
            role.as_str()
        )),
        RoleError::Held(users) => Failure::Failed(format!(
            "{users} users hold the role: take it from them first (`relatch user roles NAME --set …`)"
        )),
        RoleError::Store(error) => error.into(),
        RoleError::Refused(_) | RoleError::Conflict | RoleError::LastAdministrator => {
            Failure::Failed(error.to_string())
        }
    }
}

fn shape(role: &Role) -> Value {
    json!({
        "name": role.name.as_str(),
        "permissions": permitted(role),
        "version": role.version,
    })
}

fn permitted(role: &Role) -> Vec<&str> {
    role.permissions.iter().map(Permission::as_str).collect()
}
