//! What goes to the server and comes from it, as its openapi.json has it. Members that are not known are let through: there may
//! be new ones in any version.

use serde::{Deserialize, Serialize};

use crate::Secret;

/// Who is logged in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct User {
    /// In access tokens the claim `sub`.
    pub id: String,
    /// The login name.
    pub username: String,
    /// The address, unverified.
    pub email: String,
    /// When he registered (RFC 3339).
    pub created_at: String,
}

/// One of the user's sessions: a device, or a program on one.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Device {
    /// Names the session.
    pub id: String,
    /// What it called itself at the login, or what its program's name gave away.
    pub device: String,
    /// When it logged in (RFC 3339).
    pub created_at: String,
    /// When it refreshed last.
    pub last_used_at: String,
    /// When it ends unless it refreshes before.
    pub expires_at: String,
    /// Whether it asked to be remembered.
    pub remember_me: bool,
    /// Whether it is this one.
    pub current: bool,
}

#[derive(Deserialize)]
pub(crate) struct Devices {
    pub(crate) sessions: Vec<Device>,
}

#[derive(Deserialize)]
pub(crate) struct EndedCount {
    pub(crate) ended: u64,
}

/// The tokens of a session (RFC 6749, section 5.1).
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Tokens {
    pub(crate) access_token: Secret,
    pub(crate) token_type: String,
    /// Seconds.
    pub(crate) expires_in: i64,
    pub(crate) refresh_token: Secret,
    pub(crate) session_id: String,
    pub(crate) user: Option<User>,
    pub(crate) device_token: Option<Secret>,
}

impl Tokens {
    /// Whether they are good for the holder of a key alone.
    pub(crate) fn is_bound(&self) -> bool {
        self.token_type.eq_ignore_ascii_case("DPoP")
    }
}

/// What `/auth/reauthenticate` answers: the refresh token stays as it is.
#[derive(Deserialize)]
pub(crate) struct Renewed {
    pub(crate) access_token: Secret,
    /// Seconds.
    pub(crate) expires_in: i64,
}
