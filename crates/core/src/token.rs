//! The two tokens: an access token that anybody can check, and a refresh token that only Relatch understands.

pub mod access;
pub mod refresh;

pub use access::{AccessClaims, AccessToken, SigningKey};
pub use refresh::{Genuine, RefreshToken, TokenKey, TokenKeys};

use crate::{
    Timestamp,
    session::{Delivery, SessionId},
};

/// What a login or a refresh answers with.
#[derive(Debug)]
pub struct IssuedTokens {
    /// The JWT for resource servers.
    pub access: AccessToken,
    /// When the access token ends.
    pub access_ends_at: Timestamp,
    /// The token for the next refresh.
    pub refresh: RefreshToken,
    /// When the refresh token ends if it is not used.
    pub refresh_ends_at: Timestamp,
    /// Whose they are.
    pub session: SessionId,
    /// Where the refresh token travels.
    pub delivery: Delivery,
    /// Whether the longer "remember me" lifetimes apply.
    pub remember_me: bool,
    /// Whether both are of use only to who holds the session's key (RFC 9449).
    pub bound: bool,
}
