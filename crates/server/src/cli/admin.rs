//! `relatch admin`: the way in. Nobody administers a new server, and nobody becomes an administrator over HTTP without one.

use std::collections::BTreeSet;

use clap::Subcommand;
use relatch_core::{
    Store,
    permission::{
        Permission, RoleName, RoleTable,
        administer::{self, RoleError},
        grant::EVERYTHING,
        store::{Expected, Putting},
    },
    user::create::NewUser,
};
use serde_json::json;

use super::{
    Failure,
    place::{Common, Opened},
    role, secret, user,
};

/// What can be done about administrators.
#[derive(Subcommand)]
pub(super) enum AdminCommand {
    /// Make an account that may do everything over the API: the first one, or one more.
    #[command(after_help = "\
The account holds the role `administrator`, which permits relatch:*; the role is made if it is not there. Everything else can
then be done over the API (/admin/v1), further administrators included. An account that is there already gets the role by
`relatch user roles NAME --set administrator`.

The password is asked for on a terminal, and else read from the first line of standard input.

  relatch admin create ada --email ada@example.com
  pass show ada | relatch admin create ada --email ada@example.com")]
    Create {
        /// The login name: letters a to z, digits and . _ - +
        name: String,
        /// The e-mail address.
        #[arg(long, value_name = "ADDRESS")]
        email: String,
        #[command(flatten)]
        common: Common,
    },
}

/// Runs one of them.
pub(super) fn run(command: &AdminCommand) -> Result<(), Failure> {
    match command {
        AdminCommand::Create {
            name,
            email,
            common,
        } => create(name, email, common),
    }
}

/// The role that the account gets.
const ROLE: &str = "administrator";

fn create(name: &str, email: &str, common: &Common) -> Result<(), Failure> {
    let (username, email) = user::change::named(name, email)?;
    let opened = common.place.open()?;
    if opened.wait(opened.store.credentials(&username))?.is_some() {
        return Err(Failure::Failed(format!(
            "{username} is there already: `relatch user roles {username} --set {ROLE}` makes him an administrator (with his other roles, \
             separated by commas), `relatch user show {username}` shows who that is"
        )));
    }
    let role = role::role_name(ROLE)?;
    let table = opened.wait(opened.store.load_roles())?;
    refuse_lesser(&role, &table)?;
    let text = secret::new_password()?;
    let rules = opened.passwords()?;
    let chosen = rules.choose(&text, Some(&username), Some(&email));
    let password = chosen.map_err(user::refused)?;
    make_role(&opened, &role)?;
    let default = opened.config.registration.default_role.iter().cloned();
    let new = NewUser {
        roles: default.chain([role]).collect(),
        username,
        email,
        password,
    };
    let made = user::change::make(&opened, new)?;
    let value =
        json!({ "user": user::look::shape(&made), "role": ROLE, "permissions": [EVERYTHING] });
    common.output.print(&value, || {
        format!(
            "Made {} with the id {}, who holds the role {ROLE} and may do everything.\n\
             POST /auth/login gives the access token with which the API administers: docs/administration.md.",
            made.username, made.id
        )
    });
    Ok(())
}

/// Somebody may have made a role of that name for something else.
fn refuse_lesser(role: &RoleName, table: &RoleTable) -> Result<(), Failure> {
    if table.roles.contains_key(role) && !table.administering().contains(&role) {
        return Err(Failure::Failed(format!(
            "there is a role {ROLE} that does not permit {EVERYTHING}, and whoever holds it would become an administrator with it. \
             If that is right: `relatch role put {ROLE} '{EVERYTHING}'`, then this again"
        )));
    }
    Ok(())
}

fn make_role(opened: &Opened, role: &RoleName) -> Result<(), Failure> {
    let everything = Permission::parse(EVERYTHING).map_err(|fault| fault.to_string())?;
    let putting = Putting {
        name: role.clone(),
        permissions: BTreeSet::from([everything]),
        expected: Expected::Absent,
        by: opened.administrator(),
    };
    let store: &dyn Store = opened.store.as_ref();
    match opened.wait(administer::put_role(store, putting)) {
        // It is there, and permits everything: that was looked at.
        Ok(_) | Err(RoleError::Conflict) => Ok(()),
        Err(error) => Err(role::failure(error)),
    }
}
