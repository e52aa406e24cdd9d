//! A one-time code with which a user chooses a new password. An administrator issues it and nobody else learns of it: what
//! is kept is a hash. It dies by use, by time, by a change of the password, by a newer code, after a hundred wrong ones, and when its
//! user gets a permission on `relatch`: whoever issued it may not act on what the account is then.

mod code;

use std::time::Duration;

use async_trait::async_trait;

pub use code::{CodeDigest, ResetCode};

use super::{
    CredentialVersion, Credentials, User, UserId, UserState, Username,
    administer::{AdministerError, done},
};
use crate::{
    Domain, Entropy, Store, StoreError, Timestamp,
    event::{Administrator, Event, EventKind, Origin},
    password::{Busy, Password, PasswordFault, PasswordHash},
    store::Changed,
};

/// So many wrong codes end the right one. Nobody guesses 100 bits, with five tries or with a thousand; but whoever knows a
/// username could end the code of its user by guessing wrong, and for so many the limits on attempts make him come from two
/// hundred networks.
pub const MOST_FAILURES: u32 = 1000;

/// A code for the one whom it was issued to.
#[derive(Debug)]
pub struct IssuedCode {
    /// In the clear: shown once.
    pub code: ResetCode,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// A code on its way to the store.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewCode {
    /// What is kept of it.
    pub digest: CodeDigest,
    /// When it ends.
    pub expires_at: Timestamp,
}

impl NewCode {
    /// What is kept of that code of this user's.
    pub fn of(issued: &IssuedCode, user: UserId) -> Self {
        Self {
            digest: issued.code.digest(user),
            expires_at: issued.expires_at,
        }
    }
}

/// A code as the store keeps it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeptCode {
    /// What is left of it.
    pub digest: CodeDigest,
    /// The password that it may replace.
    pub replaces: CredentialVersion,
    /// When it ends.
    pub expires_at: Timestamp,
    /// How many wrong ones came.
    pub failures: u32,
}

impl KeptCode {
    /// Whether what came is this code, and it is still good beside credentials of that version.
    pub fn admits(&self, came: &CodeDigest, version: CredentialVersion, now: Timestamp) -> bool {
        let right = self.digest.is(came);
        right && self.replaces == version && now < self.expires_at && self.failures < MOST_FAILURES
    }
}

/// An order to keep a code in the place of any older one.
#[derive(Clone, Debug)]
pub struct Issuing {
    /// For whom.
    pub user: UserId,
    /// Which.
    pub code: NewCode,
    /// Who issues it.
    pub by: Administrator,
}

/// A code that came, with the new password.
#[derive(Clone, Debug)]
pub struct Redeeming {
    /// Whose it should be, if there is such a user, and what came.
    pub claim: Option<(UserId, CodeDigest)>,
    /// The hash of the new password.
    pub hash: PasswordHash,
    /// What is wrong with the password, which only the holder of the code may hear.
    pub fault: Option<PasswordFault>,
    /// Who asked.
    pub origin: Origin,
    /// When.
    pub now: Timestamp,
}

impl Redeeming {
    /// Whose password it sets, where the code that came is his and good, beside what is kept; else why none. The store calls
    /// it under the user's lock.
    ///
    /// # Errors
    /// What became of it: anything but [`Redeemed::Done`].
    pub fn judge(
        &self,
        kept: Option<&KeptCode>,
        found: Option<&Credentials>,
    ) -> Result<UserId, Redeemed> {
        let (Some((id, came)), Some(kept), Some(found)) = (&self.claim, kept, found) else {
            return Err(Redeemed::Wrong);
        };
        match (found.user.state, self.fault) {
            _ if !kept.admits(came, found.version, self.now) => Err(Redeemed::Wrong),
            (UserState::Disabled, _) => Err(Redeemed::UserDisabled),
            (UserState::Active, Some(fault)) => Err(Redeemed::Fault(fault)),
            (UserState::Active, None) => Ok(*id),
        }
    }

    /// What goes on record about the user.
    pub fn event(&self, user: UserId, kind: EventKind) -> Event {
        Event {
            at: self.now,
            kind,
            user,
            session: None,
            origin: self.origin.clone(),
        }
    }
}

/// What became of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Redeemed {
    /// The password is set, the code is spent, and so many live sessions ended.
    Done {
        /// How many.
        ended: usize,
    },
    /// No such user, or no such code of his: counted.
    Wrong,
    /// The code is right and the password is not; the code stays good.
    Fault(PasswordFault),
    /// The code is right and an administrator disabled the user; the code stays good.
    UserDisabled,
}

/// Where codes are kept.
#[async_trait]
pub trait ResetStore {
    /// Keeps the code for the user's present credentials in the place of any older one, if whoever issues it may. Durable.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn issue_reset_code(&self, issuing: Issuing) -> Result<Changed<()>, StoreError>;

    /// Calls [`Redeeming::judge`] under the user's lock. Sets the password, ends every session and forgets the code where it
    /// says so; counts one more failure where the code is wrong. Durable.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn redeem_reset_code(&self, redeeming: Redeeming) -> Result<Redeemed, StoreError>;
}

/// Issues a code that is good for `lifetime`.
///
/// # Errors
/// [`AdministerError`].
pub async fn issue(
    store: &dyn Store,
    entropy: &dyn Entropy,
    user: UserId,
    lifetime: Duration,
    by: Administrator,
) -> Result<IssuedCode, AdministerError> {
    let issued = IssuedCode {
        code: ResetCode::draw(entropy),
        expires_at: by.now.plus(lifetime),
    };
    let code = NewCode::of(&issued, user);
    done(store.issue_reset_code(Issuing { user, code, by }).await?)?;
    Ok(issued)
}

/// What a person sends who has a code.
#[derive(Debug)]
pub struct Reset {
    /// The login name, if it can be one.
    pub username: Option<Username>,
    /// The code, if it can be one.
    pub code: Option<ResetCode>,
    /// The new password, by the rules as far as they need no account.
    pub password: Password,
    /// Where the request came from.
    pub origin: Origin,
    /// When it came.
    pub now: Timestamp,
}

/// Why the password was not set.
#[derive(Debug, thiserror::Error)]
pub enum ResetError {
    /// No such user, or no such code of his, or it is no good any more: nobody is told which.
    #[error("the username or the code is wrong, or the code has ended")]
    Wrong,
    /// The code is right, the new password is against the rules.
    #[error("the new password is against the rules")]
    Password(PasswordFault),
    /// The code is right and an administrator disabled the user.
    #[error("the user is disabled")]
    UserDisabled,
    /// Too many passwords wait to be hashed.
    #[error(transparent)]
    Busy(#[from] Busy),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Sets the new password and ends every session of the user; how many live ones that were. The same work whether there is
/// such a user or code or not.
///
/// # Errors
/// [`ResetError`].
pub async fn reset(domain: &Domain, reset: Reset) -> Result<usize, ResetError> {
    let found = match &reset.username {
        Some(username) => domain.store.credentials(username).await?,
        None => None,
    };
    let user: Option<User> = found.map(|found| found.user);
    let resembles = |user: &User| reset.password.resembles(&user.email);
    let fault = user
        .as_ref()
        .filter(|user| resembles(user))
        .map(|_| PasswordFault::MatchesEmail);
    // What can be no code is one that nobody has.
    let code = reset
        .code
        .unwrap_or_else(|| ResetCode::draw(domain.entropy.as_ref()));
    let claim = user.map(|user| (user.id, code.digest(user.id)));
    let hash = domain.hasher.hash(reset.password).await?;
    let redeeming = Redeeming {
        claim,
        hash,
        fault,
        origin: reset.origin,
        now: reset.now,
    };
    match domain.store.redeem_reset_code(redeeming).await? {
        Redeemed::Done { ended } => Ok(ended),
        Redeemed::Wrong => Err(ResetError::Wrong),
        Redeemed::Fault(fault) => Err(ResetError::Password(fault)),
        Redeemed::UserDisabled => Err(ResetError::UserDisabled),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: Timestamp = Timestamp::from_seconds(1_000);
    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_code_is_good_for_one_password_and_a_while() {
        let user = UserId(uuid::Uuid::from_u128(1));
        let code = |text| ResetCode::parse(text).expect("a code").digest(user);
        let (right, wrong) = (
            code("00000-00000-00000-00001"),
            code("00000-00000-00000-00002"),
        );
        let version = CredentialVersion(3);
        let kept = KeptCode {
            digest: right.clone(),
            replaces: version,
            expires_at: T,
            failures: MOST_FAILURES - 1,
        };
        let before = T.minus(SECOND);
        assert!(kept.admits(&right, version, before));
        assert!(!kept.admits(&wrong, version, before));
        assert!(!kept.admits(&right, version, T));
        assert!(!kept.admits(&right, CredentialVersion(4), before));
        let guessed = KeptCode {
            failures: MOST_FAILURES,
            ..kept
        };
        assert!(!guessed.admits(&right, version, before));
    }
}
