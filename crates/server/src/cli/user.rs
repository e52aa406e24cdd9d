//! `relatch user`.

use clap::Subcommand;
use relatch_core::{
    Store, Timestamp,
    password::{Password, PasswordFault},
    user::{
        Email, User, UserState, Username,
        administer::{self, AdministerError, UserKey},
        create::{self, NewUser},
        register::RegisterError,
        store::{StateChange, UserQuery},
    },
};
use serde_json::{Value, json};

use super::{
    Failure,
    output::{Output, table},
    place::{Opened, Place},
    secret, words,
};
use crate::{
    entropy::SystemEntropy,
    hashing::HashingThreads,
    http::{describe_email, describe_password, describe_username, time},
};

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

/// What every command here takes.
#[derive(clap::Args)]
pub(super) struct Common {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    output: Output,
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
        } => create(name, email, common),
        UserCommand::List {
            search,
            limit,
            after,
            common,
        } => list(search.as_deref(), *limit, after.as_deref(), common),
        UserCommand::Show(named) => show(named),
        UserCommand::Disable(named) => set_state(named, UserState::Disabled),
        UserCommand::Enable(named) => set_state(named, UserState::Active),
        UserCommand::SetPassword(named) => set_password(named),
        UserCommand::Delete { named, yes } => delete(named, *yes),
    }
}

fn create(name: &str, email: &str, common: &Common) -> Result<(), Failure> {
    let username = Username::parse(name).map_err(|fault| {
        format!(
            "the name {}: {}",
            words::argument(name),
            describe_username(fault).1
        )
    })?;
    let email = Email::parse(email).map_err(|fault| {
        format!(
            "the address {}: {}",
            words::argument(email),
            describe_email(fault).1
        )
    })?;
    let opened = common.place.open()?;
    let text = secret::new_password()?;
    let password = Password::choose(&text, Some(&username), Some(&email)).map_err(refused)?;
    let hasher = hasher(&opened)?;
    let new = NewUser {
        roles: opened
            .config
            .registration
            .default_role
            .iter()
            .cloned()
            .collect(),
        username,
        email,
        password,
    };
    let store = opened.store.as_ref();
    let by = opened.administrator();
    let made = opened.wait(create::create(store, &hasher, &SystemEntropy, new, by));
    let user = made.map_err(|error| match error {
        RegisterError::UsernameTaken => Failure::Failed(format!(
            "somebody has the name {}: `relatch user show {}` shows whom it belongs to",
            name.to_ascii_lowercase(),
            name.to_ascii_lowercase()
        )),
        RegisterError::Busy(busy) => Failure::Failed(busy.to_string()),
        RegisterError::Store(error) => error.into(),
    })?;
    common.output.print(&shape(&user), || {
        format!("Made {} with the id {}.", user.username, user.id)
    });
    Ok(())
}

fn list(
    search: Option<&str>,
    limit: u32,
    after: Option<&str>,
    common: &Common,
) -> Result<(), Failure> {
    let after = after.map(Username::parse).transpose();
    let after = after.map_err(|fault| format!("--after: {}", describe_username(fault).1))?;
    let opened = common.place.open()?;
    let search = search.map(str::to_owned);
    let query = UserQuery {
        search,
        after,
        limit,
    };
    let users = {
        use relatch_core::user::store::UserStore as _;
        opened.wait(opened.store.list_users(query))?
    };
    let full = users.len() >= limit as usize;
    let next = users
        .last()
        .filter(|_| full)
        .map(|user| user.username.to_string());
    let shown: Vec<_> = users.iter().map(shape).collect();
    common
        .output
        .print(&json!({ "users": shown, "next": next }), || {
            if users.is_empty() {
                return "Nobody.".to_owned();
            }
            let rows: Vec<_> = users.iter().map(row).collect();
            let page = table(["NAME", "STATE", "E-MAIL", "SINCE", "ID"], &rows);
            match &next {
                Some(name) => format!("{page}\n\nThere may be more: --after {name}"),
                None => page,
            }
        });
    Ok(())
}

fn row(user: &User) -> [String; 5] {
    [
        user.username.to_string(),
        state(user.state).to_owned(),
        words::foreign(user.email.as_str()),
        words::moment(user.created_at),
        user.id.to_string(),
    ]
}

fn shape(user: &User) -> Value {
    json!({
        "id": user.id.0,
        "username": user.username.as_str(),
        "email": user.email.as_str(),
        "state": state(user.state),
        "created_at": time(user.created_at),
    })
}

fn state(state: UserState) -> &'static str {
    match state {
        UserState::Active => "active",
        UserState::Disabled => "disabled",
    }
}

/// How far back failed logins are told.
const RECENTLY: std::time::Duration = std::time::Duration::from_hours(24);

fn show(named: &Named) -> Result<(), Failure> {
    let opened = named.common.place.open()?;
    let (user, now) = (find(&opened, &named.user)?, opened.now());
    let store: &dyn Store = opened.store.as_ref();
    let (sessions, events, failed) = opened.wait(async {
        let mut sessions = store.list_sessions(user.id).await?;
        sessions.retain(|session| !session.is_over(&opened.config.session, now));
        let events = store.list_events(user.id, 10).await?;
        let failed = store
            .failed_logins(Some(user.id), now.minus(RECENTLY))
            .await?;
        Ok::<_, relatch_core::StoreError>((sessions.len(), events, failed))
    })?;
    let told: Vec<_> = events
        .iter()
        .map(|event| json!({ "at": time(event.at), "event": event.name, "session": event.session.map(|id| id.0), "address": event.address, "agent": event.agent, "detail": event.detail }))
        .collect();
    let value = json!({
        "user": shape(&user),
        "live_sessions": sessions,
        "failed_logins_within_a_day": failed,
        "events": told,
    });
    named.common.output.print(&value, || {
        let rows: Vec<_> = events.iter().map(event_row).collect();
        let recent = table(["WHEN", "WHAT", "SESSION", "FROM"], &rows);
        format!(
            "{}, {}, {}\n  id             {}\n  since          {}\n  live sessions  {sessions}\n  failed logins  {failed} within a day\n\n{recent}\n\n\
             `relatch session list --user {}` lists the sessions, `relatch session explain ID` tells what happened to one.",
            user.username,
            state(user.state),
            words::foreign(user.email.as_str()),
            user.id,
            words::when(user.created_at, now),
            user.username,
        )
    });
    Ok(())
}

fn event_row(event: &relatch_core::event::EventRow) -> [String; 4] {
    [
        words::moment(event.at),
        event.name.clone(),
        event.session.map_or_else(String::new, |id| id.to_string()),
        super::session::origin(event),
    ]
}

fn set_state(named: &Named, to: UserState) -> Result<(), Failure> {
    let opened = named.common.place.open()?;
    let user = find(&opened, &named.user)?;
    let store = opened.store.as_ref();
    let by = opened.administrator();
    let changed = opened
        .wait(administer::set_state(store, user.id, to, by))
        .map_err(|error| failure(error, &named.user))?;
    let ended = match changed {
        StateChange::Changed { ended } => ended,
        StateChange::Unchanged => 0,
    };
    let value = json!({
        "id": user.id.0,
        "username": user.username.as_str(),
        "state": state(to),
        "changed": changed != StateChange::Unchanged,
        "ended_sessions": ended,
    });
    named.common.output.print(&value, || match (changed, to) {
        (StateChange::Unchanged, _) => {
            format!("{} was {} before; nothing changed.", user.username, state(to))
        }
        (StateChange::Changed { ended }, UserState::Disabled) => format!(
            "{} is disabled: {} ended, and no login is let in. `relatch user enable {}` undoes that.",
            user.username,
            words::many(ended as u64, "session"),
            user.username,
        ),
        (StateChange::Changed { .. }, UserState::Active) => format!(
            "{} may log in again. Sessions that ended stay ended.",
            user.username
        ),
    });
    Ok(())
}

fn set_password(named: &Named) -> Result<(), Failure> {
    let opened = named.common.place.open()?;
    let user = find(&opened, &named.user)?;
    let text = secret::new_password()?;
    let hasher = hasher(&opened)?;
    let store = opened.store.as_ref();
    let by = opened.administrator();
    let ended = opened
        .wait(administer::reset_password(store, &hasher, &user, &text, by))
        .map_err(|error| failure(error, &named.user))?;
    report_ended(named, &user, ended, "has a new password");
    Ok(())
}

fn delete(named: &Named, yes: bool) -> Result<(), Failure> {
    let opened = named.common.place.open()?;
    let user = find(&opened, &named.user)?;
    let name = user.username.as_str();
    let question = format!("This deletes {name} for good. Type the name to go on: ");
    if !yes && !secret::confirmed(&question, name)? {
        return Err(Failure::Failed(format!(
            "{name} was not deleted: that wants the name typed on a terminal, or --yes"
        )));
    }
    let store = opened.store.as_ref();
    let ended = opened
        .wait(administer::delete(store, user.id, opened.administrator()))
        .map_err(|error| failure(error, &named.user))?;
    report_ended(named, &user, ended, "is deleted and the name is free");
    Ok(())
}

fn report_ended(named: &Named, user: &User, ended: usize, what: &str) {
    let value =
        json!({ "id": user.id.0, "username": user.username.as_str(), "ended_sessions": ended });
    named.common.output.print(&value, || {
        let count = words::many(ended as u64, "session");
        format!("{} {what}; {count} ended.", user.username)
    });
}

/// One thread is enough for one password.
fn hasher(opened: &Opened) -> Result<HashingThreads, Failure> {
    let cost = opened.config.password.cost;
    let threads = HashingThreads::start(1, 1, cost, std::sync::Arc::new(SystemEntropy));
    Ok(threads.map_err(|error| format!("the hashing thread cannot be started: {error}"))?)
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

fn nobody(text: &str) -> Failure {
    Failure::NotFound(format!(
        "there is no user {text}; `relatch user list --search {text}` looks for parts of names and addresses"
    ))
}

fn failure(error: AdministerError, text: &str) -> Failure {
    match error {
        AdministerError::NotFound => nobody(text),
        AdministerError::LastAdministrator => Failure::Failed(error.to_string()),
        AdministerError::Password(fault) => refused(fault),
        AdministerError::Busy(busy) => Failure::Failed(busy.to_string()),
        AdministerError::Store(error) => error.into(),
    }
}

fn refused(fault: PasswordFault) -> Failure {
    Failure::Failed(format!(
        "the password is refused: {}",
        describe_password(fault).1
    ))
}
