//! Attempts at a password or a code: how many there may be, of whom, before each is so much as looked at.
//!
//! A stranger's attempts are counted by account, by network, by both, and as a whole. A device that logged in before
//! ([`device`]) and a session that is live have allowances of their own, so that nobody locks a user out by guessing. A good
//! attempt gives back what it took. Knows nothing of HTTP, nor of what is tried.

pub mod device;
pub mod limits;
pub mod proof;
pub mod quota;
pub mod table;

use std::net::IpAddr;

pub use device::{DeviceId, DeviceKeys, DeviceToken};
pub use limits::{Limits, Outcome, Permit, Policy, Refused, Scope};
pub use quota::Quota;

use crate::{session::SessionId, user::UserId};

/// What is tried. Each is counted apart, so that whoever floods one of them closes none of the others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A password.
    Login,
    /// A one-time code.
    Reset,
    /// To get an account, or to learn whether a name is taken.
    Register,
}

impl Kind {
    /// A name that tells them apart.
    pub fn name(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Reset => "reset",
            Self::Register => "register",
        }
    }
}

/// Whom the server knows before it has looked at the password.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Known {
    /// A device on which this user logged in with the password that is still his.
    Device(DeviceId),
    /// A session of this user.
    Session(SessionId),
}

/// Whose password or code it should be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Account<'a> {
    /// That of this name, whether there is such a user or could be.
    Name(&'a str),
    /// This user's.
    User(UserId),
}

/// An attempt.
#[derive(Clone, Copy, Debug)]
pub struct Attempt<'a> {
    /// What is tried.
    pub kind: Kind,
    /// At which account, if at any.
    pub account: Option<Account<'a>>,
    /// From where, if that is known.
    pub address: Option<IpAddr>,
    /// By whom, if that is known.
    pub known: Option<Known>,
}
