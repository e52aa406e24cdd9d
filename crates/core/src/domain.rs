//! What use cases work with: the store, the hasher, chance, the keys and the rules, gathered once at start.

use std::sync::Arc;

use arc_swap::ArcSwap;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::{
    Entropy, Store, Timestamp, chance,
    key::Keyring,
    password::PasswordHasher,
    permission::{Permission, RoleName, RoleTable, role::narrowed},
    session::{Policy, Session},
    token::{AccessClaims, AccessToken, IssuedTokens, access::Confirmation},
};

/// Who issues tokens, for whom (RFC 9068 §2.2).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Issuer {
    /// The claim `iss`: an URL without a slash at its end.
    pub url: String,
    /// The claim `aud`.
    pub audience: String,
    /// The claim `client_id`.
    pub client_id: String,
}

/// The domain, ready to serve.
pub struct Domain {
    /// Where everything is kept.
    pub store: Arc<dyn Store>,
    /// Hashes passwords, few at a time.
    pub hasher: Arc<dyn PasswordHasher>,
    /// Random bytes.
    pub entropy: Arc<dyn Entropy>,
    /// The numbers that rule sessions.
    pub policy: Arc<Policy>,
    /// The keys that are good now; replaced as a whole when they change.
    pub keys: ArcSwap<Keyring>,
    /// What each role means; replaced as a whole when one changes.
    pub roles: ArcSwap<RoleTable>,
    /// What new users hold, if there is such a role.
    pub default_role: Option<RoleName>,
    /// What goes into every access token.
    pub issuer: Issuer,
}

impl Domain {
    /// The role of new users, if it is there.
    pub fn default_role(&self) -> Option<RoleName> {
        let role = self.default_role.clone()?;
        self.roles.load().roles.contains_key(&role).then_some(role)
    }

    /// Both tokens of a session as it stands: made with the newest keys.
    pub fn issue(&self, session: &Session, now: Timestamp) -> IssuedTokens {
        let keys = self.keys.load();
        let (access, access_ends_at) = self.issue_access(session, session.created_at, now);
        IssuedTokens {
            access,
            access_ends_at,
            refresh: keys.tokens.newest().issue(
                session.id,
                &session.secret,
                session.life.generation,
            ),
            refresh_ends_at: session.life.ends_at(&self.policy),
            session: session.id,
            delivery: session.delivery,
            remember_me: session.life.remember_me,
            bound: session.key.is_some(),
        }
    }

    /// An access token alone, and when it ends; `auth_time` is when the user last proved who he is.
    pub fn issue_access(
        &self,
        session: &Session,
        auth_time: Timestamp,
        now: Timestamp,
    ) -> (AccessToken, Timestamp) {
        let ends_at = session.life.access_ends_at(&self.policy, now);
        let jti = URL_SAFE_NO_PAD.encode(chance::draw::<16>(self.entropy.as_ref()));
        let table = self.roles.load();
        let held = table.permissions(&session.roles);
        let permissions: Vec<_> = narrowed(held, session.scope.as_deref())
            .into_iter()
            .map(Permission::as_str)
            .collect();
        let roles: Vec<_> = session.roles.iter().map(RoleName::as_str).collect();
        let token = self.keys.load().signing.mint(&AccessClaims {
            iss: &self.issuer.url,
            sub: session.user.0,
            aud: &self.issuer.audience,
            client_id: &self.issuer.client_id,
            exp: ends_at.as_seconds(),
            iat: now.as_seconds(),
            jti: &jti,
            sid: session.id.0,
            generation: session.life.generation.0,
            auth_time: auth_time.as_seconds(),
            amr: &["pwd"],
            scope: &permissions.join(" "),
            roles: &roles,
            permissions: &permissions,
            cnf: session.key.map(Confirmation::of),
        });
        (token, ends_at)
    }
}
