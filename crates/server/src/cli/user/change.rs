//! Orders about users: made, let in or not, given a new password, deleted.

use std::sync::Arc;

use relatch_core::{
    password::Password,
    user::{
        Email, User, UserState, Username, administer,
        create::{self, CreateError, NewUser},
        reset,
        store::{EmailChange, StateChange},
    },
};
use serde_json::json;

use super::{Common, Named, failure, find, look, refused};
use crate::{
    cli::{Failure, place::Opened, secret, words},
    entropy::SystemEntropy,
    hashing::HashingThreads,
    http::{describe_email, describe_username, time},
};

pub(super) fn create(name: &str, email: &str, common: &Common) -> Result<(), Failure> {
    let (username, email) = named(name, email)?;
    let opened = common.place.open()?;
    let text = secret::new_password()?;
    let password = Password::choose(&text, Some(&username), Some(&email)).map_err(refused)?;
    let roles = opened.config.registration.default_role.iter();
    let new = NewUser {
        roles: roles.cloned().collect(),
        username,
        email,
        password,
    };
    let user = make(&opened, new)?;
    common.output.print(&look::shape(&user), || {
        format!("Made {} with the id {}.", user.username, user.id)
    });
    Ok(())
}

/// Reads what an account is made with.
pub(in crate::cli) fn named(name: &str, email: &str) -> Result<(Username, Email), Failure> {
    let username = Username::parse(name).map_err(|fault| {
        let (name, what) = (words::argument(name), describe_username(fault).1);
        format!("the name {name}: {what}")
    })?;
    Ok((username, address(email)?))
}

fn address(email: &str) -> Result<Email, Failure> {
    Email::parse(email).map_err(|fault| {
        let (email, what) = (words::argument(email), describe_email(fault).1);
        Failure::Failed(format!("the address {email}: {what}"))
    })
}

/// Makes the account.
pub(in crate::cli) fn make(opened: &Opened, new: NewUser) -> Result<User, Failure> {
    let (store, by) = (opened.store.as_ref(), opened.administrator());
    let (hasher, name) = (hasher(opened)?, new.username.clone());
    let made = opened.wait(create::create(store, &hasher, &SystemEntropy, new, by));
    made.map_err(|error| match error {
        CreateError::UsernameTaken => Failure::Failed(format!(
            "somebody has the name {name}: `relatch user show {name}` shows whom it belongs to"
        )),
        CreateError::Refused(refusal) => Failure::Failed(refusal.to_string()),
        CreateError::Busy(busy) => Failure::Failed(busy.to_string()),
        CreateError::Store(error) => error.into(),
    })
}

pub(super) fn set_state(named: &Named, to: UserState) -> Result<(), Failure> {
    let opened = named.common.place.open()?;
    let user = find(&opened, &named.user)?;
    let store = opened.store.as_ref();
    let by = opened.administrator();
    let changed = opened
        .wait(administer::set_state(store, user.id, to, None, by))
        .map_err(|error| failure(error, &named.user))?;
    let ended = match changed {
        StateChange::Changed { ended } => ended,
        StateChange::Unchanged => 0,
    };
    let value = json!({
        "id": user.id.0,
        "username": user.username.as_str(),
        "state": to.name(),
        "changed": changed != StateChange::Unchanged,
        "ended_sessions": ended,
    });
    named.common.output.print(&value, || match (changed, to) {
        (StateChange::Unchanged, _) => {
            format!("{} was {} before; nothing changed.", user.username, to.name())
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

pub(super) fn set_email(named: &Named, email: &str) -> Result<(), Failure> {
    let email = address(email)?;
    let opened = named.common.place.open()?;
    let user = find(&opened, &named.user)?;
    let (store, by) = (opened.store.as_ref(), opened.administrator());
    let order = administer::set_email(store, user.id, email.clone(), None, by);
    let changed = opened
        .wait(order)
        .map_err(|error| failure(error, &named.user))?;
    let value = json!({
        "id": user.id.0,
        "username": user.username.as_str(),
        "email": email.as_str(),
        "changed": changed != EmailChange::Unchanged,
        "code_voided": changed == EmailChange::Changed { code_voided: true },
    });
    let name = &user.username;
    named.common.output.print(&value, || match changed {
        EmailChange::Unchanged => format!("{name} had the address {email} before; nothing changed."),
        EmailChange::Changed { code_voided: false } => {
            format!("{name} has the address {email}, in place of {}.", user.email)
        }
        EmailChange::Changed { code_voided: true } => format!(
            "{name} has the address {email}, in place of {}. The one-time code that was out is void: \
             `relatch user reset-code {name}` issues another.",
            user.email
        ),
    });
    Ok(())
}

pub(super) fn set_password(named: &Named) -> Result<(), Failure> {
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

pub(super) fn reset_code(named: &Named) -> Result<(), Failure> {
    let opened = named.common.place.open()?;
    let user = find(&opened, &named.user)?;
    let (store, by) = (opened.store.as_ref(), opened.administrator());
    let (lifetime, now) = (opened.config.password.reset_code_lifetime, by.now);
    let issued = opened
        .wait(reset::issue(store, &SystemEntropy, user.id, lifetime, by))
        .map_err(|error| failure(error, &named.user))?;
    let value = json!({
        "id": user.id.0,
        "username": user.username.as_str(),
        "code": issued.code.expose(),
        "expires_at": time(issued.expires_at),
    });
    named.common.output.print(&value, || {
        format!(
            "{}\n\nGood once, for {}, until {}. It is not shown again; a newer one takes its place.\n\
             {} chooses a password with it: POST /auth/password/reset.",
            issued.code.expose(),
            user.username,
            words::when(issued.expires_at, now),
            user.username,
        )
    });
    Ok(())
}

pub(super) fn delete(named: &Named, yes: bool) -> Result<(), Failure> {
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
        .wait(administer::delete(
            store,
            user.id,
            None,
            opened.administrator(),
        ))
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
    let threads = HashingThreads::start(1, 1, cost, Arc::new(SystemEntropy));
    Ok(threads.map_err(|error| format!("the hashing thread cannot be started: {error}"))?)
}
