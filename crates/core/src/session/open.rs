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
    let replaced = found.filter(|old| old.gives_way(token, new));
    Ok(replaced.map(|old| old.id))
}

impl Session {
    /// Whether the browser that shows this token can have only one of the two.
    fn gives_way(&self, token: &Genuine, new: &Self) -> bool {
        let shares_cookie = self.delivery == Delivery::Cookie && new.delivery == Delivery::Cookie;
        let is_held = token.proves(&self.secret) && (self.key.is_none() || self.key == new.key);
        shares_cookie && is_held
    }

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        session::lifetime::tests::policy,
        token::{TokenKey, TokenKeys},
    };

    struct Fixed;

    impl Entropy for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(7);
        }
    }

    fn session((delivery, key): (Delivery, Option<u8>)) -> Session {
        let login = Login {
            device: String::new(),
            remember_me: false,
            delivery,
            key: key.map(|byte| Thumbprint::from_bytes([byte; 32])),
            scope: None,
            origin: Origin::default(),
            now: Timestamp::from_seconds(1_000),
        };
        Session::drawn(UserId(uuid::Uuid::nil()), &login, &policy(), &Fixed)
    }

    /// A token of the session's by that secret; the tag is good in any case.
    fn token(session: &Session, secret: &SessionSecret) -> Genuine {
        let keys = TokenKeys::new(TokenKey::new(1, &[3; 32]), Vec::new());
        let token = keys.newest().issue(session.id, secret, Generation(4));
        keys.authenticate(token.expose()).expect("genuine")
    }

    #[test]
    fn one_cookie_holds_one_session_and_a_bound_one_is_ended_by_its_own_key_alone() {
        use Delivery::{Body, Cookie};
        for (old, new, gives_way) in [
            ((Cookie, None), (Cookie, None), true),
            ((Cookie, None), (Cookie, Some(1)), true),
            ((Cookie, Some(1)), (Cookie, Some(1)), true),
            ((Cookie, Some(1)), (Cookie, Some(2)), false),
            ((Cookie, Some(1)), (Cookie, None), false),
            ((Body, None), (Cookie, None), false),
            ((Cookie, None), (Body, None), false),
            ((Body, None), (Body, None), false),
        ] {
            let (held, begun) = (session(old), session(new));
            let found = held.gives_way(&token(&held, &held.secret), &begun);
            assert_eq!(found, gives_way, "{old:?} {new:?}");
        }
    }

    #[test]
    fn a_token_that_is_not_by_its_secret_ends_no_session() {
        let held = session((Delivery::Cookie, None));
        let forged = token(&held, &SessionSecret::from_bytes([8; 32]));
        assert!(!held.gives_way(&forged, &held));
    }
}
