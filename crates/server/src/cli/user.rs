//! `relatch user`.

pub(super) mod change;
pub(super) mod look;
mod roles;

use clap::Subcommand;
use relatch_core::{
    Store, Timestamp,
    password::PasswordFault,
    user::{
        User, UserId, UserState,
        administer::{self, AdministerError, UserKey},
    },
};

use super::{
    Failure,
    place::{Common, Opened},
    words,
};
use crate::http::describe_password;

/// What can be done with users.
#[derive(Subcommand)]
pub(super) enum UserCommand {
    /// Make an account. Nobody is logged in by that.
    #[command(after_help = "\
The password is asked for on a terminal, and else read from the first line of standard input:
it is never an argument, for those are in the shell's history and in the list of processes.

  relatch user create ada --email ada@example.com
  pass show ada | relatch user create ada --email ada@example.com")]
    Create {
        /// The login name: letters a to z, digits and . _ - +
        name: String,
        /// The e-mail address.
        #[arg(long, value_name = "ADDRESS")]
        email: String,
        #[command(flatten)]
        common: Common,
    },
    /// List the users by name.
    #[command(after_help = "\
  relatch user list --search example.com
  relatch user list --limit 100 --after grace    the page behind grace")]
    List {
        /// Only those with this text in their name or e-mail address.
        #[arg(long, value_name = "TEXT")]
        search: Option<String>,
        /// At most so many.
        #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
        /// Go on after this name: the last one of the page before.
        #[arg(long, value_name = "NAME")]
        after: Option<String>,
        #[command(flatten)]
        common: Common,
    },
    /// Show one user: state, live sessions, failed logins, what happened last.
    Show(Named),
    /// Keep a user out: every session ends at once, no login is let in.
    #[command(after_help = "\
Every session of the user ends in the same step, and a login that is under way is refused. Whoever refreshes is told
`user_disabled`. Access tokens that are out are refused by Relatch's own routes at once; a resource server that checks
signatures alone accepts them until they expire (session.access_lifetime, 15 minutes unless configured).

  relatch user disable mallory
  relatch user enable mallory     lets him log in again; sessions that ended stay ended")]
    Disable(Named),
    /// Let a disabled user log in again. His old sessions stay ended.
    Enable(Named),
    /// Set a new password: every session of the user ends.
    #[command(after_help = "\
The password is asked for on a terminal, and else read from the first line of standard input. The rules are those of
registering. Every session ends with the reason `password_changed`.

  relatch user set-password ada
  openssl rand -base64 15 | tee /dev/tty | relatch user set-password ada")]
    SetPassword(Named),
    /// Change the e-mail address. Nobody is logged out by that.
    #[command(after_help = "\
Addresses are not verified: they are neither unique nor a login name. A one-time code that the user has not used yet becomes
void, for it may be in the old mailbox.

  relatch user set-email ada countess@example.com")]
    SetEmail {
        #[command(flatten)]
        named: Named,
        /// The new address.
        #[arg(value_name = "ADDRESS")]
        email: String,
    },
    /// Issue a one-time code with which the user chooses a new password.
    #[command(after_help = "\
The code is shown once. It is good for one new password, until `password.reset_code_lifetime` has passed, the password has
changed, a newer one was issued, or a thousand wrong ones came. Nothing ends before it is used; then every session does.

  relatch user reset-code ada
  curl http://127.0.0.1:8080/auth/password/reset --json '{\"username\":\"ada\",\"code\":\"…\",\"new_password\":\"…\"}'")]
    ResetCode(Named),
    /// Show a user's roles, or give him these and no others.
    #[command(after_help = "\
Access tokens carry roles and what they permit from the next refresh on. With --at-once the tokens that are out are refused within
a second by resource servers that follow revocations, and the next refresh, which clients make by themselves, is good. With
--end-sessions every session of the user ends and he logs in anew.

  relatch user roles ada
  relatch user roles ada --set editor,billing
  relatch user roles ada --set editor --at-once
  relatch user roles mallory --set '' --end-sessions    none")]
    Roles {
        #[command(flatten)]
        named: Named,
        /// All of his roles from now on, with commas between them.
        #[arg(long, value_name = "ROLES", value_delimiter = ',')]
        set: Option<Vec<String>>,
        /// End his sessions with it.
        #[arg(long, requires = "set")]
        end_sessions: bool,
        /// Have the access tokens that are out refused wherever revocations are followed; his sessions go on.
        #[arg(long, requires = "set", conflicts_with = "end_sessions")]
        at_once: bool,
    },
    /// Delete a user for good: name, address and password are overwritten, the name is free at once.
    #[command(after_help = "\
Every session ends with the reason `user_deleted`, which devices that come back are told. The record of events keeps the
user's id, without the name. To keep somebody out for a while, disable him instead.

  relatch user delete mallory
  relatch user delete mallory --yes    without being asked: for scripts")]
    Delete {
        #[command(flatten)]
        named: Named,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
}

/// A command about one user.
#[derive(clap::Args)]
pub(super) struct Named {
    /// His login name or his id. What has the form of an id is one.
    #[arg(value_name = "NAME|ID")]
    user: String,
    #[command(flatten)]
    common: Common,
}

/// Runs one of them.
pub(super) fn run(command: &UserCommand) -> Result<(), Failure> {
    match command {
        UserCommand::Create {
            name,
            email,
            common,
        } => change::create(name, email, common),
        UserCommand::List {
            search,
            limit,
            after,
            common,
        } => look::list(search.as_deref(), *limit, after.as_deref(), common),
        UserCommand::Show(named) => look::show(named),
        UserCommand::Disable(named) => change::set_state(named, UserState::Disabled),
        UserCommand::Enable(named) => change::set_state(named, UserState::Active),
        UserCommand::SetPassword(named) => change::set_password(named),
        UserCommand::SetEmail { named, email } => change::set_email(named, email),
        UserCommand::ResetCode(named) => change::reset_code(named),
        UserCommand::Roles {
            named,
            set,
            end_sessions,
            at_once,
        } => {
            let what = roles::Sessions {
                end: *end_sessions,
                at_once: *at_once,
            };
            roles::run(named, set.as_deref(), what)
        }
        UserCommand::Delete { named, yes } => change::delete(named, *yes),
    }
}

/// The user of that name or id, or a failure that says where to look.
pub(super) fn find(opened: &Opened, text: &str) -> Result<User, Failure> {
    let key = UserKey::parse(text).ok_or_else(|| {
        Failure::NotFound(format!(
            "{} is neither a username nor an id; `relatch user list --search TEXT` looks for parts of names and addresses",
            words::argument(text)
        ))
    })?;
    let store: &dyn Store = opened.store.as_ref();
    match opened.wait(administer::find(store, &key)) {
        Err(AdministerError::NotFound) => match deleted_at(opened, &key)? {
            Some(at) => Err(Failure::NotFound(format!(
                "the user {text} was deleted at {}",
                words::moment(at)
            ))),
            None => Err(nobody(text)),
        },
        found => found.map_err(|error| failure(error, text)),
    }
}

/// The id of the user of that name; an id is taken as it is, for the user may be gone and his record is not.
pub(super) fn id_of(opened: &Opened, text: &str) -> Result<UserId, Failure> {
    match UserKey::parse(text) {
        Some(UserKey::Id(id)) => Ok(id),
        _ => find(opened, text).map(|user| user.id),
    }
}

/// When the user of that id was deleted, if the record says so.
fn deleted_at(opened: &Opened, key: &UserKey) -> Result<Option<Timestamp>, Failure> {
    let UserKey::Id(id) = key else {
        return Ok(None);
    };
    let store: &dyn Store = opened.store.as_ref();
    let events = opened.wait(store.list_events(*id, 100))?;
    let deleted = events.iter().find(|event| event.name == "user.deleted");
    Ok(deleted.map(|event| event.at))
}

pub(super) fn nobody(text: &str) -> Failure {
    Failure::NotFound(format!(
        "there is no user {text}; `relatch user list --search {text}` looks for parts of names and addresses"
    ))
}

fn failure(error: AdministerError, text: &str) -> Failure {
    match error {
        AdministerError::NotFound => nobody(text),
        AdministerError::LastAdministrator
        | AdministerError::Conflict
        | AdministerError::Refused(_) => Failure::Failed(error.to_string()),
        AdministerError::Busy(busy) => Failure::Failed(busy.to_string()),
        AdministerError::Store(error) => error.into(),
    }
}

pub(super) fn refused(fault: PasswordFault) -> Failure {
    Failure::Failed(format!(
        "the password is refused: {}",
        describe_password(fault).1
    ))
}
