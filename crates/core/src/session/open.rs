//! A session begins: what is verified before, and what the store is handed.

use super::{Delivery, Generation, Life, Policy, Session, SessionId, SessionSecret, Thumbprint};
use crate::{
    Domain, Entropy, StoreError, Timestamp, chance,
    event::Origin,
    password::PasswordHash,
    permission::Permission,
    token::Genuine,
    user::{CredentialVersion, UserId},
};

/// What a client says of the device that it logs in on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Login {
    /// What to call the device.
    pub device: String,
    /// Whether to live longer.
    pub remember_me: bool,
    /// Where the refresh tokens shall travel.
    pub delivery: Delivery,
    /// The key that the session shall be bound to; its possession was proven.
    pub key: Option<Thumbprint>,
    /// The permissions to be content with; nothing: all that the user has.
    pub scope: Option<Vec<Permission>>,
    /// Where the request came from.
    pub origin: Origin,
    /// When it came.
    pub now: Timestamp,
}

/// A verified login on its way to the store.
#[derive(Clone, Debug)]
pub struct Opening {
    /// The session to begin.
    pub session: Session,
    /// The version of the credentials that were verified.
    pub verified: CredentialVersion,
    /// The same password under today's parameters, if its hash was older.
    pub rehashed: Option<PasswordHash>,
    /// The session whose place it takes, of whichever user.
    pub replaces: Option<SessionId>,
    /// Who asked.
    pub origin: Origin,
}

/// The session that a new one in cookie mode takes the place of: whose token was in the browser, for the browser keeps one.
/// That of a bound session alone proves nothing, so that whoever copied it could end what he cannot use: there, the new one
/// must prove the same key.
///
/// # Errors
/// [`StoreError`].
pub(crate) async fn replaced(
    domain: &Domain,
    older: Option<&Genuine>,
    new: &Session,
) -> Result<Option<SessionId>, StoreError> {
    let Some(token) = older else { return Ok(None) };
    // Secret, key and delivery of a session never change, so that they may be read before the row is locked.
    let found = domain.store.find_session(token.session()).await?;
    let replaced = found.filter(|old| {
        token.proves(&old.secret)
            && old.delivery == Delivery::Cookie
            && (old.key.is_none() || old.key == new.key)
    });
    Ok(replaced.map(|old| old.id))
}

impl Session {
    /// A new session of this user.
    pub fn begin(user: UserId, login: &Login, domain: &Domain) -> Self {
        Self::drawn(user, login, &domain.policy, domain.entropy.as_ref())
    }

    /// The same, where there is no domain.
    pub fn drawn(user: UserId, login: &Login, policy: &Policy, entropy: &dyn Entropy) -> Self {
        let expires_at = login.now.plus(policy.lifetimes(login.remember_me).absolute);
        Self {
            id: SessionId(chance::random_uuid(entropy)),
            user,
            secret: SessionSecret::draw(entropy),
            created_at: login.now,
            device: login.device.clone(),
            delivery: login.delivery,
            key: login.key,
            scope: login.scope.clone(),
            roles: Vec::new(),
            life: Life {
                generation: Generation(0),
                rotated_at: login.now,
                expires_at,
                remember_me: login.remember_me,
                bound: login.key.is_some(),
                ended: None,
            },
        }
    }
}
