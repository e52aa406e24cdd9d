//! A user: an account with a name, an address and a password.

pub mod administer;
pub mod change_password;
pub mod create;
pub mod email;
pub mod login;
pub mod name;
pub mod register;
pub mod reset;
pub mod store;

use std::fmt;

use uuid::Uuid;

pub use email::{Email, EmailFault};
pub use name::{Username, UsernameFault};

use crate::{Tag, Timestamp, password::PasswordHash};

/// Names a user; in tokens the claim `sub`. Sorts by the time of registration.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct UserId(pub Uuid);

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Grows with every change of the password: a login that verified an older one is void.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct CredentialVersion(pub i64);

/// Whether a user may log in.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum UserState {
    /// Yes.
    Active,
    /// An administrator said no.
    Disabled,
}

impl UserState {
    /// The stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
        }
    }
}

/// A user, without what proves who he is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct User {
    /// The name that never changes.
    pub id: UserId,
    /// The login name.
    pub username: Username,
    /// The address, unverified.
    pub email: Email,
    /// Whether he may log in.
    pub state: UserState,
    /// When he registered.
    pub created_at: Timestamp,
}

impl User {
    /// Names what he looks like now.
    pub fn tag(&self) -> Tag {
        let id = self.id.to_string();
        Tag::of([
            id.as_str(),
            self.username.as_str(),
            self.email.as_str(),
            self.state.name(),
        ])
    }
}

/// A user with what proves who he is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Credentials {
    /// Who.
    pub user: User,
    /// The hash of the password.
    pub hash: PasswordHash,
    /// Which password that is.
    pub version: CredentialVersion,
}
