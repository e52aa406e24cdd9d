//! A session: one login on one device. What it is, how long it lives, how it turns and how it ends.

pub mod administer;
mod delivery;
pub mod end;
pub mod exposed;
pub mod lifetime;
pub mod list;
pub mod open;
pub mod refresh;
pub mod standing;
pub mod store;

use std::fmt;

use uuid::Uuid;
use zeroize::ZeroizeOnDrop;

pub use delivery::Delivery;
pub use end::{EndReason, Ended};
pub use lifetime::{Lifetimes, Policy, ReuseScope};
pub use open::Login;
pub use relatch_verify::Thumbprint;

use crate::{
    Entropy, Timestamp, chance,
    permission::{Permission, RoleName},
    user::UserId,
};

/// Names a session; in tokens the claim `sid`. Not a secret.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SessionId(pub Uuid);

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// 32 random bytes of one session; together with a token key they make its refresh tokens.
#[derive(Clone, PartialEq, Eq, ZeroizeOnDrop)]
pub struct SessionSecret([u8; 32]);

impl SessionSecret {
    /// A new one.
    pub fn draw(entropy: &dyn Entropy) -> Self {
        Self(chance::draw(entropy))
    }

    /// As read from the store.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes themselves, for the store and the HMAC alone.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for SessionSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionSecret")
    }
}

/// How often a session's refresh token has turned. The token of login has generation 0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Generation(pub u32);

impl Generation {
    /// The one after this, unless numbers have run out.
    pub fn next(self) -> Option<Self> {
        self.0.checked_add(1).map(Self)
    }
}

/// What the rotation decision looks at, and all that it changes.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Life {
    /// The newest generation that was issued, as far as this row knows.
    pub generation: Generation,
    /// When the row moved to that generation; login, for generation 0.
    pub rotated_at: Timestamp,
    /// The absolute end.
    pub expires_at: Timestamp,
    /// Whether the longer "remember me" lifetimes apply.
    pub remember_me: bool,
    /// Whether a key was bound at login (RFC 9449).
    pub bound: bool,
    /// Set once the session was ended on purpose; never unset.
    pub ended: Option<Ended>,
}

/// A session as the store keeps it: one row, however often it turns.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Session {
    /// Its name.
    pub id: SessionId,
    /// Whose it is.
    pub user: UserId,
    /// What its refresh tokens are made with.
    pub secret: SessionSecret,
    /// When the user logged in; `auth_time` of its access tokens.
    pub created_at: Timestamp,
    /// What the person sees in the list of devices.
    pub device: String,
    /// Where its refresh tokens travel.
    pub delivery: Delivery,
    /// The key that it was bound to at login; none: whoever has its token may use it.
    pub key: Option<Thumbprint>,
    /// What the login asked for; nothing: all that the user may do.
    pub scope: Option<Vec<Permission>>,
    /// The roles of its user, as they were when this was read.
    pub roles: Vec<RoleName>,
    /// Where it stands.
    pub life: Life,
}
